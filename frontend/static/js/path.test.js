// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { pricePath } from "./path.js";

const steps = [
  { at: 0, price: 100, mine: false }, { at: 50, price: 150, mine: true }, { at: 100, price: 200, mine: false },
];
test("the path steps and ends now", () => {
  const path = pricePath(steps, { low: null, high: null, nowMs: 200 });
  assert.equal(path.step, "M0 108.4H150V60.2H300V12H600");
  assert.deepEqual(path.mine, [{ x: 150, y: 60.2 }]);
  assert.deepEqual(path.now, { x: 600, y: 12 });
});
test("the estimate is a band, and the top of the picture when nobody has come so far", () => {
  const path = pricePath(steps, { low: 180, high: 400, nowMs: 200 });
  assert.equal(path.band?.y, 12);
  assert.ok(path.now.y > 12);
});
test("one bid alone is a level line", () => {
  const path = pricePath([{ at: 5, price: 100, mine: true }], { low: null, high: null, nowMs: 5 });
  assert.match(path.step, /^M0 [0-9.]+H600$/);
});
