// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { compared } from "./stone-plate.js";

const id = (/** @type {number} */ n) => `01KJQ6PSG0HV0AR049QXJ3GC${String(n).padStart(2, "0")}`;

test("a stone stands once, last", () => {
  assert.deepEqual(compared([id(1), id(2)].join(","), id(1)), [id(2), id(1)]);
});

test("six stones at most, the oldest goes", () => {
  const six = [1, 2, 3, 4, 5, 6].map(id);
  assert.deepEqual(compared(six.join(","), id(7)), [...six.slice(1), id(7)]);
});

test("rubbish kept by the browser is left out", () => {
  assert.deepEqual(compared("<b>,../x,", id(1)), [id(1)]);
  assert.deepEqual(compared(null, id(1)), [id(1)]);
});
