// @ts-check
// What the server hands the room's modules in `data-room`.

/** @typedef {{place: number, planned: boolean, number: string, mct: number, low: number, high: number, opening: number,
 *   book: import("./fold.js").Lot, own: import("./fold.js").Own | null}} LotFacts */
/** @typedef {{sale: string, state: string, format: string, rules: string, currency: string, zone: string, window: number,
 *   increments: import("./ladder.js").Increments, confirm: {factor: number, steps: number}, bands: import("./fees.js").Bands,
 *   tax: import("./fees.js").Tax, fees: boolean, limit: number | null, headroom: number | null, mayBid: boolean, signedIn: boolean, watches: boolean,
 *   under: Record<string, import("./ruled.js").Terms>, amended: Record<string, string>,
 *   about?: import("./about.js").About | null, here: string | null, alone: boolean, away?: boolean, lots: LotFacts[]}} RoomFacts */

/** @param {Document | Element} page @returns {RoomFacts | null} */
export function readFacts(page) {
  const text = page.querySelector("[data-room]")?.getAttribute("data-room");
  return text ? JSON.parse(text) : null;
}
