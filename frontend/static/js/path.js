// @ts-check
// The price of a lot over time as a step line, never smoothed. Pure: shapes in the units of a 660 by 134 box.

/** @typedef {{at: number, price: number, mine: boolean}} Step */
const WIDTH = 600;
const TOP = 12;
const FLOOR = 118;

/** @param {Step[]} steps in their order, at least one @param {{low: number | null, high: number | null, nowMs: number}} around
 * @returns {{step: string, mine: {x: number, y: number}[], now: {x: number, y: number}, band: {y: number, height: number} | null,
 *   y: (price: number) => number}} */
export function pricePath(steps, { low, high, nowMs }) {
  const first = /** @type {Step} */ (steps[0]);
  const last = /** @type {Step} */ (steps.at(-1));
  const top = Math.max(last.price, high ?? 0);
  const bottom = Math.min(first.price, low ?? Infinity) * 0.9;
  const span = Math.max(1, nowMs - first.at);
  const x = (/** @type {number} */ at) => round((WIDTH * Math.min(Math.max(at - first.at, 0), span)) / span);
  const y = (/** @type {number} */ price) => round(FLOOR - ((FLOOR - TOP) * (price - bottom)) / Math.max(1, top - bottom));
  let step = `M0 ${y(first.price)}`;
  for (const one of steps.slice(1)) step += `H${x(one.at)}V${y(one.price)}`;
  return {
    step: `${step}H${WIDTH}`,
    mine: steps.filter((one) => one.mine).map((one) => ({ x: x(one.at), y: y(one.price) })),
    now: { x: WIDTH, y: y(last.price) },
    band: low !== null && high !== null ? { y: y(high), height: round(y(low) - y(high)) } : null,
    y,
  };
}

/** @param {number} n */
function round(n) {
  return Math.round(n * 10) / 10;
}
