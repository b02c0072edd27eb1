// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST, moved, zoomed } from "./stone-zoom.js";

const whole = { scale: 1, x: 0, y: 0 };

test("what lies under the finger stays there while the picture grows", () => {
  const view = zoomed(whole, 2, 100, 40);
  assert.deepEqual(view, { scale: 2, x: -100, y: -40 });
  assert.deepEqual(zoomed(view, 2, 100, 40), { scale: 4, x: -300, y: -120 });
});

test("it grows so far and no further, and never smaller than whole", () => {
  assert.equal(zoomed(whole, 100).scale, MOST);
  assert.deepEqual(zoomed({ scale: 2, x: 50, y: 50 }, 0.1), whole);
});

test("the picture is not pushed off the stage", () => {
  assert.deepEqual(moved({ scale: 2, x: 0, y: 0 }, 900, -900, 400, 200), { scale: 2, x: 200, y: -100 });
  assert.deepEqual(moved(whole, 30, 30, 400, 200), whole);
});
