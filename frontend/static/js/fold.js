// @ts-check
// A lot as the book tells it: each event folded into what the room shows. Pure.
import { eventHash } from "./sha256.js";

/** @typedef {"listed" | "open" | "paused" | "closing" | "sold" | "passed" | "withdrawn" | "cancelled" | "sold_after"} LotState */
/** @typedef {{v: 1, sale: string, lot: string | null, seq: number, n: number, t: string, at: string, type: string, prev: string, data: Record<string, any>}} BookEvent */
/** @typedef {{lot: string, seq: number, state: LotState, leader: string | null, price: number | null, ask: number,
 *   reserve_met: boolean | null, bids: number, end: string | null, hash: string, extended: string | null, reason: string | null}} Lot */
/** @typedef {{alias: string | null, max: number | null, state: string | null, seq: number, live?: boolean}} Own `live`: a bid was accepted once */

export const HOUSE = "HOUSE";
const AFTER = ["cancelled", "sold_after"]; // what a lot came to after the sale; the book itself knows nothing of it
const DECIDED = new Set(["sold", "passed", "withdrawn", ...AFTER]);

/** @param {Partial<Lot> & {lot: string, seq: number, became?: string | null}} told @returns {Lot} */
export function lotFrom({ became, ...told }) {
  if (became) told = { ...told, state: /** @type {LotState} */ (became), price: null };
  return {
    state: "listed", leader: null, price: null, ask: 0, reserve_met: null, bids: 0, end: null, hash: "",
    extended: null, reason: null, ...told,
  };
}

/** The lot after this event; the same lot for a repeat; "gap" when something before it is missing or does not fit.
 * @param {Lot} lot @param {BookEvent} event @returns {Lot | "gap"} */
export function fold(lot, event) {
  if (event.seq <= lot.seq) return lot;
  if (event.seq !== lot.seq + 1 || (lot.hash && event.prev !== lot.hash)) return "gap";
  return { ...lot, ...changes(lot, event), seq: event.seq, hash: eventHash(event) };
}

/** @param {Lot} lot @param {BookEvent} event @returns {Partial<Lot>} */
function changes(lot, { type, data }) {
  const standing = { leader: data.leader, price: data.price, ask: data.ask, reserve_met: data.reserve_met };
  switch (type) {
    case "lot.listed": return { state: "listed", ask: data.opening, end: data.end };
    case "lot.opened": return { state: "open", end: data.end };
    case "bid.accepted": return { ...standing, bids: lot.bids + 1, end: data.end, extended: data.extended ? data.end : lot.extended };
    case "tender.sealed": return { bids: lot.bids + 1 };
    case "bid.voided": return { ...standing, bids: lot.bids - data.seqs.length };
    case "lot.reserve_lowered": return standing;
    case "lot.extended": return { end: data.to, extended: data.from === null ? null : data.to }; // from no end: a final call
    case "lot.paused": return { state: "paused", reason: data.reason };
    case "lot.resumed": return { state: "open", end: data.end, reason: null };
    case "lot.closing": return { state: "closing", end: data.end };
    case "lot.reopened": return { state: "open", end: data.end, reason: null };
    case "lot.sold": return { state: "sold", leader: data.bidder, price: data.price };
    case "lot.passed": return { state: "passed", reason: data.reason };
    case "lot.withdrawn": return { state: "withdrawn", reason: data.reason };
    default: return {};
  }
}

/** @param {Lot} lot */
export function isDecided(lot) {
  return DECIDED.has(lot.state);
}

/** Own state at this lot, by the book and what is known of oneself; null for somebody who has not bid.
 * The server says it too (`you`), but the book is here a moment earlier: nobody waits to learn that he is outbid.
 * @param {Lot} lot @param {Own | undefined} own @returns {string | null} */
export function ownState(lot, own) {
  if (!own || (own.max === null && !own.live)) return null; // a refused bid alone is no standing
  if (own.max === null) return own.state;
  if (own.seq > lot.seq || (own.state === "voided" && own.seq === lot.seq)) return own.state; // younger than the book here
  if (lot.state === "withdrawn" || AFTER.includes(lot.state)) return lot.state;
  if (lot.state === "sold") return lot.leader === own.alias ? "won" : "lost";
  if (lot.state === "passed") return "passed";
  if (own.alias === null || lot.leader === null) return own.state;
  if (lot.leader === own.alias) return lot.reserve_met === false ? "winning_reserve_not_met" : "winning";
  if (lot.leader === HOUSE) return "outbid_by_seller";
  return lot.price === own.max ? "tied_later" : "outbid";
}

/** Which of the four own looks a state has; outbid beats reserve not met beats leading.
 * @param {string | null} state @returns {"leading" | "outbid" | "reserve" | "quiet" | null} */
export function look(state) {
  switch (state) {
    case "winning": case "won": return "leading";
    case "outbid": case "outbid_by_seller": case "tied_later": return "outbid";
    case "winning_reserve_not_met": return "reserve";
    case null: return null;
    default: return "quiet";
  }
}

/** Whether the lot's last window runs. @param {Lot} lot @param {number | null} seconds left @param {number} windowSeconds */
export function isEnding(lot, seconds, windowSeconds) {
  return lot.state === "open" && seconds !== null && seconds <= windowSeconds;
}
