// @ts-check
// Which lane of the room a lot stands in, and in which order. Pure.
import { isDecided, look } from "./fold.js";

/** @typedef {import("./fold.js").Lot} Lot */
/** @typedef {"outbid" | "closing" | "leading" | "watched" | "plan" | "later" | "decided"} Lane */

export const LANES = /** @type {const} */ (["outbid", "closing", "leading", "watched", "plan", "later", "decided"]);
export const SOON_S = 300;

/** @param {Lot} lot @param {string | null} own @param {boolean} watched @param {number | null} seconds left
 * @param {boolean} [planned] a plan wants it @returns {Lane} */
export function laneOf(lot, own, watched, seconds, planned) {
  if (isDecided(lot)) return "decided";
  const seen = look(own);
  if (seen === "outbid") return "outbid";
  if (seen === "leading" || seen === "reserve") return "leading";
  if (lot.state === "open" && lot.end === null) return "closing"; // it is under the call
  if (lot.state !== "listed" && seconds !== null && seconds <= SOON_S) return "closing";
  return watched ? "watched" : planned ? "plan" : "later";
}

/** Lots of one lane in their order: the next to end first; what is decided, the latest first.
 * @template {{lot: Lot, place: number}} T @param {T[]} rows @param {Lane} lane @returns {T[]} */
export function ordered(rows, lane) {
  const back = lane === "decided" ? -1 : 1;
  return [...rows].sort((a, b) => back * (compare(a.lot.end, b.lot.end) || a.place - b.place));
}

/** @param {string | null} a @param {string | null} b */
function compare(a, b) {
  if (a === b) return 0;
  if (a === null) return 1;
  return b === null || a < b ? -1 : 1;
}

/** A row waits while a finger or the focus is among the rows, and moves when it has left.
 * @param {{pointerInside: boolean, focusInside: boolean}} hand */
export function mayMove(hand) {
  return !hand.pointerInside && !hand.focusInside;
}
