// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { placed, rounded, written } from "./range-slider.js";

const bounds = Array.from({ length: 31 }, (_, i) => 0.18 * 1.17 ** i);

test("a bound is said in two figures that leave nothing of its bin out", () => {
  assert.deepEqual([rounded(0.2113, false), rounded(0.2113, true)], ["0.21", "0.22"]);
  assert.deepEqual([rounded(523417.2, false), rounded(1.02, true), rounded(1, true), rounded(10, false)], ["520000", "1.1", "1", "10"]);
});

test("at its end a handle asks for nothing", () => {
  assert.equal(written(bounds, 0, false), "");
  assert.equal(written(bounds, 30, true), "");
});

test("every place of a handle is found again from what it wrote", () => {
  for (let at = 1; at < 30; at += 1) {
    assert.equal(placed(bounds, written(bounds, at, true), true), at);
    assert.equal(placed(bounds, written(bounds, at, false), false), at);
  }
});

test("what a person types moves the handle, and what is no number leaves it at its end", () => {
  assert.equal(placed(bounds, "lots", true), 30);
  assert.equal(placed(bounds, "", false), 0);
  assert.equal(placed(bounds, "1,000,000", false), 29);
  assert.equal(placed(bounds, "1,000,000", true), 30);
});
