// @ts-check
import { test } from "node:test";
import assert from "node:assert/strict";
import { actOf, isDone, rowAfter, rowAfterAct } from "./queue.js";

test("J and K walk the queue and stop at its ends", () => {
  assert.equal(rowAfter("j", -1, 3), 0);
  assert.equal(rowAfter("j", 2, 3), 2);
  assert.equal(rowAfter("k", 2, 3), 1);
  assert.equal(rowAfter("k", -1, 3), 0);
  assert.equal(rowAfter("j", -1, 0), null);
  assert.equal(rowAfter("x", 1, 3), null);
});
test("A, I and D press the buttons of the row", () => {
  assert.deepEqual(["a", "i", "d", "q"].map(actOf), ["[data-approve]", "[data-ask]", "[data-decline]", null]);
});
test("what still waits for a lead is not told as approved", () => {
  assert.equal(isDone(["a", "b"], "a", "approve"), false);
  assert.equal(isDone(["b"], "a", "approve"), true);
  assert.equal(isDone(["a", "b"], "a", "ask"), true);
});
test("after an answer the work goes on with the row that took the place, or with the row itself while it stays", () => {
  assert.equal(rowAfterAct(["b", "c"], "a", 0), 0);
  assert.equal(rowAfterAct(["a", "b"], "c", 2), 1);
  assert.equal(rowAfterAct(["a", "b"], "b", 1), 1);
  assert.equal(rowAfterAct([], "a", 0), -1);
});
