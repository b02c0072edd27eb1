// @ts-check
// By which rules a lot runs: those of the sale, or those it was given since. Pure.

/** @typedef {{window: number, increments: import("./ladder.js").Increments, confirm: {factor: number, steps: number}, bands: import("./fees.js").Bands}} Terms */
/** @typedef {{under?: Record<string, Terms>}} Served */

/** What the page was served with for this lot; the sale's own until the amended ones have come.
 * @template {Served} T @param {T} facts @param {import("./store.js").SaleStore} store @param {string} lot @returns {T} */
export function ruled(facts, store, lot) {
  const own = store.amended.get(lot);
  const terms = own === undefined ? undefined : facts.under?.[own];
  return terms ? { ...facts, ...terms } : facts;
}

/** Whether a lot runs by rules that this page was not served with. @param {Served} facts @param {import("./store.js").SaleStore} store */
export function rulesMissing(facts, store) {
  return [...store.amended.values()].some((hash) => hash !== store.rules && !facts.under?.[hash]);
}
