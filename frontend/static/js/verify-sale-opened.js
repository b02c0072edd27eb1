// @ts-check
// The openings at the end of a record: each against its commitment, and whether any that is due is missing. Pure.
import { CURRENCIES, bidCommitment, reserveCommitment } from "./verify-sale-lines.js";

/** @typedef {import("./verify-sale-lines.js").BidOpening} BidOpening */
/** @typedef {import("./verify-sale-lines.js").ReserveOpening} ReserveOpening */
/** What one event of a lot told the room. @typedef {{n: number, seq: number, bidder: string | null, code: string | null,
 *   leader: string | null, ask: number, gone: number[]}} Step */
/** @typedef {{currency: string, ask: number, highest: number, winner: string | null, reserves: string[], steps: Step[]}} Told */

/** The first line that breaks a rule. */
export class Failed extends Error {
  /** @param {number} line @param {number | null} n @param {string} rule @param {string} fact */
  constructor(line, n, rule, fact) {
    super(`failed: line ${line}, n ${n ?? "-"}: ${rule}: ${fact}`);
    this.line = line;
    this.n = n;
    this.rule = rule;
    this.fact = fact;
  }
}

/** What the events committed to, against what is opened of it. */
export class Commits {
  /** @param {string} sale @param {[number, BidOpening | ReserveOpening][]} openings @param {number} last the last line */
  constructor(sale, openings, last) {
    this.sale = sale;
    this.openings = openings;
    this.last = last;
    /** @type {Map<number, {lot: string, bidder: string, commit: string, accepted: boolean, place: number}>} */
    this.bids = new Map();
    /** @type {Map<string, Told>} */
    this.lots = new Map();
  }

  /** @param {import("./verify-sale-lines.js").Line} line */
  take(line) {
    if (line.kind !== "event" || line.lot === null) return;
    const { type, data, n, seq } = line, lot = this.lots.get(line.lot) ?? nothing();
    this.lots.set(line.lot, lot);
    if (type === "bid.accepted" || type === "bid.refused") {
      const { bidder, commit } = data;
      this.bids.set(n, { lot: line.lot, bidder, commit, accepted: type === "bid.accepted", place: lot.steps.length });
    }
    if ((type === "lot.listed" || type === "lot.reserve_lowered") && data.reserve_commit !== null) lot.reserves.push(data.reserve_commit);
    if (type === "lot.listed") [lot.currency, lot.ask] = [data.currency, data.opening];
    else if (type === "bid.refused") lot.steps.push({ n, seq: 0, bidder: data.bidder, code: data.code, leader: null, ask: lot.ask, gone: [] });
    else if (type === "bid.accepted" || type === "bid.voided" || type === "lot.reserve_lowered") {
      lot.steps.push({ n, seq, bidder: data.bidder ?? null, code: null, leader: data.leader, ask: lot.ask, gone: data.seqs ?? [] });
      [lot.ask, lot.highest] = [data.ask, Math.max(lot.highest, data.price ?? 0)];
    } else if (type === "lot.sold") lot.winner = data.bidder;
  }

  /** Amounts by n, and reserves by their commitment; Failed at the first opening that is wrong or missing.
   * @param {boolean} losing @returns {{amounts: Map<number, number>, reserves: Map<string, number>}} */
  openAll(losing) {
    /** @type {Map<number, number>} */
    const amounts = new Map();
    /** @type {Map<string, number>} */
    const reserves = new Map();
    for (const [number, one] of this.openings) {
      if (one.kind === "bid") {
        this.openBid(number, one);
        amounts.set(one.n, one.amount);
      } else reserves.set(this.openReserve(number, one), one.reserve);
    }
    inOrder(this.openings);
    if (losing) this.noneMissing(amounts, reserves);
    return { amounts, reserves };
  }

  /** @param {number} number @param {BidOpening} one */
  openBid(number, one) {
    const bid = this.bids.get(one.n);
    if (!bid) throw new Failed(number, one.n, "opening", "opens what is no bid");
    const own = /** @type {Told} */ (this.lots.get(bid.lot)).currency;
    const others = bid.accepted ? [] : CURRENCIES.filter((currency) => currency !== own); // refused for its currency?
    const opens = (/** @type {string} */ currency) => bidCommitment(this.sale, bid.lot, bid.bidder, currency, one) === bid.commit;
    if (![own, ...others].some(opens)) throw new Failed(number, one.n, "opening", "does not open the commitment");
  }

  /** @param {number} number @param {ReserveOpening} one */
  openReserve(number, one) {
    const lot = this.lots.get(one.lot) ?? nothing();
    const commit = reserveCommitment(this.sale, lot.currency, one);
    if (!lot.reserves.includes(commit)) throw new Failed(number, null, "opening", "does not open a reserve's commitment");
    return commit;
  }

  /** @param {Map<number, number>} amounts @param {Map<string, number>} reserves */
  noneMissing(amounts, reserves) {
    for (const n of [...this.bids.keys()].sort((a, b) => a - b)) {
      if (amounts.has(n) || !this.isDue(n, amounts)) continue;
      const later = this.openings.find(([, one]) => one.kind !== "bid" || one.n > n);
      throw new Failed(later ? later[0] : this.last + 1, n, "opening", `bid ${n} is not opened`);
    }
    for (const name of [...this.lots.keys()].sort()) {
      const lot = /** @type {Told} */ (this.lots.get(name)), held = lot.reserves[lot.reserves.length - 1];
      if (lot.winner === null || held === undefined || reserves.has(held)) continue;
      const later = this.openings.find(([, one]) => one.kind === "reserve" && one.lot > name);
      throw new Failed(later ? later[0] : this.last + 1, null, "opening", `the reserve of ${name} is not opened`);
    }
  }

  /** Losing bids are opened, and those of the winner's that were not above every price the lot showed.
   * @param {number} n @param {Map<number, number>} amounts */
  isDue(n, amounts) {
    const bid = /** @type {NonNullable<ReturnType<typeof this.bids.get>>} */ (this.bids.get(n));
    const lot = /** @type {Told} */ (this.lots.get(bid.lot));
    if (lot.winner !== bid.bidder) return true;
    return bid.accepted ? wasReached(lot, bid.place, amounts) : wasSmall(lot, bid.place, amounts);
  }
}

/** @returns {Told} */
function nothing() {
  return { currency: "", ask: 0, highest: 0, winner: null, reserves: [], steps: [] };
}

/** Another led after this bid of the winner's, or the winner's next one is opened: so it was no secret maximum.
 * @param {Told} lot @param {number} place @param {Map<number, number>} amounts */
function wasReached(lot, place, amounts) {
  const own = /** @type {Step} */ (lot.steps[place]);
  for (let k = place; k < lot.steps.length; k += 1) {
    const step = /** @type {Step} */ (lot.steps[k]);
    if (step.gone.includes(own.seq)) return false;
    if (step.leader !== null && step.leader !== lot.winner) return true;
    if (step.seq > own.seq && step.bidder === lot.winner && amounts.has(step.n)) return true;
  }
  return false;
}

/** A refused bid of the winner's whose code shows that it was not above every price.
 * @param {Told} lot @param {number} place @param {Map<number, number>} amounts */
function wasSmall(lot, place, amounts) {
  const { code, ask } = /** @type {Step} */ (lot.steps[place]);
  if (code === "not_above_own_max") {
    const before = lot.steps.slice(0, place).findLast((one) => one.bidder === lot.winner && one.code === null);
    return before !== undefined && amounts.has(before.n);
  }
  return code === "amount_invalid" || code === "below_opening" || (code === "below_ask" && ask <= lot.highest);
}

/** Bids by n, then reserves by lot, each once; the first that is out of place is named.
 * @param {[number, BidOpening | ReserveOpening][]} openings */
function inOrder(openings) {
  const due = openings.map(([, one]) => one).sort(compare);
  openings.forEach(([number, one], k) => {
    const before = due[k - 1], same = /** @type {BidOpening | ReserveOpening} */ (due[k]);
    if (compare(one, same) !== 0 || (before && compare(one, before) === 0)) {
      throw new Failed(number, one.kind === "bid" ? one.n : null, "order", "the openings are not in order");
    }
  });
}

/** @param {BidOpening | ReserveOpening} a @param {BidOpening | ReserveOpening} b */
function compare(a, b) {
  if (a.kind === "bid" && b.kind === "bid") return a.n - b.n;
  if (a.kind === "bid" || b.kind === "bid") return a.kind === "bid" ? -1 : 1;
  return a.lot === b.lot ? a.reserve - b.reserve : a.lot < b.lot ? -1 : 1;
}
