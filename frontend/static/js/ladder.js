// @ts-check
// The increments of a sale: the least next amount and the rungs above it. The server decides; this shows.

/** @typedef {{tiers: [number, number][], mode: "add" | "snap"}} Increments */

/** The step at this amount: that of the last tier that starts at or below it.
 * @param {Increments} increments @param {number} amount */
export function step(increments, amount) {
  let found = /** @type {[number, number]} */ (increments.tiers[0])[1];
  for (const [from, size] of increments.tiers) if (from <= amount) found = size;
  return found;
}

/** The least amount above this one that may be bid. @param {Increments} increments @param {number} amount */
export function next(increments, amount) {
  if (increments.mode === "add") return amount + step(increments, amount);
  let tier = 0;
  increments.tiers.forEach(([from], k) => { if (from <= amount) tier = k; });
  const [from, size] = /** @type {[number, number]} */ (increments.tiers[tier]);
  const rung = from + (Math.floor((amount - from) / size) + 1) * size;
  const above = increments.tiers[tier + 1];
  return above && rung > above[0] ? above[0] : rung;
}

/** Whether the amount is a rung of its tier. @param {Increments} increments @param {number} amount */
export function onLadder(increments, amount) {
  const [from, size] = /** @type {[number, number]} */ (increments.tiers.findLast(([start]) => start <= amount));
  return (amount - from) % size === 0;
}

/** The `count` rungs above the button: beyond the ask, or, for who leads with `held`, the first that raise it.
 * @param {Increments} increments @param {number} ask @param {number | null} [held] @param {number} [count] */
export function rungs(increments, ask, held = null, count = 5) {
  const found = [];
  for (let amount = held !== null && held < ask ? ask : next(increments, held ?? ask); found.length < count; amount = next(increments, amount)) found.push(amount);
  return found;
}

/** Whether so large a jump over the ask must be confirmed first.
 * @param {Increments} increments @param {{factor: number, steps: number}} rule @param {number} ask @param {number} amount */
export function mustConfirm(increments, rule, ask, amount) {
  return amount > rule.factor * ask && amount > ask + rule.steps * step(increments, ask);
}

/** How many steps the amount lies above the ask, counted at the ask's own step.
 * @param {Increments} increments @param {number} ask @param {number} amount */
export function stepsAbove(increments, ask, amount) {
  return Math.floor((amount - ask) / step(increments, ask));
}
