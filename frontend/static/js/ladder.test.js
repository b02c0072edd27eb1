// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { mustConfirm, next, rungs, step, stepsAbove } from "./ladder.js";

/** @type {[number, number][]} */
const tiers = [[0, 5_000], [100_000, 10_000], [200_000, 25_000]];
const add = { tiers, mode: /** @type {const} */ ("add") };
const snap = { tiers, mode: /** @type {const} */ ("snap") };

test("the step is that of the last tier at or below the amount", () => {
  assert.deepEqual([step(add, 0), step(add, 99_999), step(add, 100_000), step(add, 900_000)], [5_000, 5_000, 10_000, 25_000]);
});
test("adding goes one step up from where the price stands", () => {
  assert.equal(next(add, 98_000), 103_000);
});
test("snapping goes to the next rung of the ladder, never over a tier's start", () => {
  assert.deepEqual([next(snap, 98_000), next(snap, 100_000), next(snap, 195_500), next(snap, 200_000)], [100_000, 110_000, 200_000, 225_000]);
});
test("five rungs stand above the ask", () => {
  assert.deepEqual(rungs(add, 180_000), [190_000, 200_000, 225_000, 250_000, 275_000]);
});
test("who leads is offered what raises the own maximum, from the first amount that does", () => {
  assert.deepEqual(rungs(add, 105_000, 95_000, 2), [105_000, 115_000]);
  assert.deepEqual(rungs(add, 105_000, 105_000, 2), [115_000, 125_000]);
  assert.deepEqual(rungs(add, 105_000, 195_000, 2), [205_000, 230_000]);
});
test("only a jump beyond both bounds must be confirmed", () => {
  const rule = { factor: 3, steps: 10 };
  assert.equal(mustConfirm(add, rule, 100_000, 300_000), false);
  assert.equal(mustConfirm(add, rule, 100_000, 300_001), true);
  assert.equal(mustConfirm(add, rule, 5_000, 55_000), false);
  assert.equal(stepsAbove(add, 100_000, 740_000), 64);
});
