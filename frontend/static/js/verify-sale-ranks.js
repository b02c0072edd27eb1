// @ts-check
// What sealed bids come to once they are opened: totals, which bid of a bidder counts, and the rank. Pure.
import { MAX_AMOUNT } from "./amounts.js";
import { totalOf } from "./tender-entry.js";

/** A sealed bid as opened; `value` is what stood in it, whatever that is.
 * @typedef {{lot: string, bidder: string, n: number, entry: string, value: unknown}} Bid */
/** @typedef {{mct: number, benchmark: number | null, minimum: number}} Terms */
/** The bid that counts. @typedef {{bidder: string, total: number, n: number}} Live */
/** By lot, then by bidder. @typedef {Map<string, Map<string, Live>>} LiveBids */

/** The total of a bid that counts, or null. @param {Terms} terms @param {Bid} bid @param {number} [floor] of the bidder's own */
export function judged(terms, { entry, value }, floor = 1) {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || (entry !== "discount" && value <= 0)) return null;
  const total = totalOf(entry, value, terms);
  return total === null || total > MAX_AMOUNT || total < Math.max(terms.minimum, floor, 1) ? null : total;
}

/** The bid that counts from now on: the same total keeps the priority it had.
 * @param {Live | undefined} former @param {Live} bid @param {string} rule @returns {Live} */
export function replaced(former, bid, rule) {
  if (!former) return bid;
  return (rule === "highest" ? bid.total > former.total : bid.total !== former.total) ? bid : former;
}

/** Every bid judged in the order of the book: how many are valid, and the live one of each bidder. An invalid bid leaves
 * the former. @param {Map<string, Terms>} lots @param {Bid[]} bids @param {string} rule @returns {{valid: number, live: LiveBids}} */
export function opened(lots, bids, rule) {
  /** @type {LiveBids} */
  const live = new Map([...lots.keys()].map((lot) => [lot, new Map()]));
  let valid = 0;
  for (const bid of bids) {
    const total = judged(/** @type {Terms} */ (lots.get(bid.lot)), bid);
    if (total === null) continue;
    const held = /** @type {Map<string, Live>} */ (live.get(bid.lot));
    held.set(bid.bidder, replaced(held.get(bid.bidder), { bidder: bid.bidder, total, n: bid.n }, rule));
    valid += 1;
  }
  return { valid, live };
}

/** The second round: everybody invited stands with the first total until a final bid, not below it, replaces it.
 * @param {Map<string, Terms>} lots @param {Map<string, Live[]>} guests @param {Bid[]} bids @param {string} rule
 * @returns {{valid: number, live: LiveBids}} */
export function finals(lots, guests, bids, rule) {
  const first = new Map([...lots.keys()].map((lot) => [lot, new Map((guests.get(lot) ?? []).map((one) => [one.bidder, one]))]));
  const live = new Map([...first].map(([lot, held]) => [lot, new Map(held)]));
  let valid = 0;
  for (const bid of bids) {
    const own = first.get(bid.lot)?.get(bid.bidder);
    const total = own ? judged(/** @type {Terms} */ (lots.get(bid.lot)), bid, own.total) : null;
    if (total === null) continue;
    const held = /** @type {Map<string, Live>} */ (live.get(bid.lot));
    held.set(bid.bidder, replaced(held.get(bid.bidder), { bidder: bid.bidder, total, n: bid.n }, rule));
    valid += 1;
  }
  return { valid, live };
}

/** The invited of each lot that has a second round: the first of the rank, as far as they come near the best. One bidder
 * alone has nobody to outbid, and a lot that drew too few is awarded to nobody whatever they bid.
 * @param {Map<string, Live[]>} ranking @param {{top: number, within_bp: number}} final @param {number} minBidders @returns {Map<string, Live[]>} */
export function finalRound(ranking, { top, within_bp }, minBidders) {
  const found = new Map();
  for (const [lot, ranks] of ranking) {
    const near = BigInt(ranks[0]?.total ?? 0) * BigInt(10_000 - within_bp);
    const guests = ranks.slice(0, top).filter((one) => BigInt(one.total) * 10_000n >= near);
    if (ranks.length >= minBidders && guests.length > 1) found.set(lot, guests);
  }
  return found;
}

/** Best first: the higher total, then the earlier bid. @param {Iterable<Live>} bids @returns {Live[]} */
export function ranked(bids) {
  return [...bids].sort((a, b) => b.total - a.total || a.n - b.n);
}
