// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, keep, parse } from "./checkpoints.js";

const text = (/** @type {number} */ size, root = "aaaa") => `house.example/sale/S\n${size}\n${root}\n\n— house.example sig\n`;
const read = (/** @type {number} */ size, root = "aaaa") => /** @type {import("./checkpoints.js").Checkpoint} */ (parse(text(size, root)));

test("a checkpoint is read, anything else is not", () => {
  assert.deepEqual(parse(text(3)), { origin: "house.example/sale/S", size: 3, root: "aaaa" });
  for (const bad of [null, "", "a\nb\nc\n\n", "a\n03\nc\n\n", "a\n3"]) assert.equal(parse(bad), null);
});
test("a record grows; another root for the same size is a fork", () => {
  assert.equal(compare(null, read(3)), "newer");
  assert.equal(compare(read(3), read(4, "bbbb")), "newer");
  assert.equal(compare(read(3), read(3)), "same");
  assert.equal(compare(read(3), read(3, "bbbb")), "forked");
  assert.equal(compare(read(4), read(3)), "older");
});
test("the newest is kept", () => {
  /** @type {Map<string, string>} */
  const shelf = new Map();
  const store = { getItem: (/** @type {string} */ n) => shelf.get(n) ?? null, setItem: (/** @type {string} */ n, /** @type {string} */ t) => void shelf.set(n, t), removeItem: () => {} };
  assert.equal(keep(store, "S", text(3)), "newer");
  assert.equal(keep(store, "S", text(2)), "older");
  assert.equal(keep(store, "S", text(3, "bbbb")), "forked");
  assert.equal([...shelf.values()][0], text(3));
});
