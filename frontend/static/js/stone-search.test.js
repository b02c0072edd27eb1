// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { latest, question } from "./stone-search.js";

test("empty fields say nothing", () => {
  assert.equal(question("/stones", [["q", " "], ["ct_from", ""], ["ct_to", "2"]]), "/stones?ct_to=2");
  assert.equal(question("/stones", []), "/stones");
});

test("several values of one filter all stand in the address", () => {
  assert.equal(question("/stones", [["shape", "round"], ["shape", "oval"]]), "/stones?shape=round&shape=oval");
});

test("an answer that comes after a later question is dropped", () => {
  const order = latest();
  const first = order.next();
  const second = order.next();
  assert.equal(order.is(first), false);
  assert.equal(order.is(second), true);
});
