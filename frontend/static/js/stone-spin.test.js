// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { place, turned } from "./stone-spin.js";

test("a turn goes round both ways", () => {
  assert.equal(turned(35, 1, 36), 0);
  assert.equal(turned(0, -1, 36), 35);
  assert.equal(turned(3, -80, 36), 31);
});

test("each frame lies in its sheet, six in a row", () => {
  assert.deepEqual(place(0), { sheet: 0, column: 0, row: 0 });
  assert.deepEqual(place(35), { sheet: 0, column: 5, row: 5 });
  assert.deepEqual(place(44), { sheet: 1, column: 2, row: 1 });
});
