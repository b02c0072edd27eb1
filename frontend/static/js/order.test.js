// @ts-check
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  FAR, blockLanding, dropPlace, landing, numbersFollow, rearranged, rowAfter, stepOf, typedPlace,
} from "./order.js";

const bare = { altKey: false, shiftKey: false, ctrlKey: false, metaKey: false };
const order = ["a", "b", "c", "d", "e"];

test("Alt and arrows step by one, with Shift by ten, Home and End go to the ends", () => {
  const alt = { ...bare, altKey: true };
  assert.equal(stepOf({ ...alt, key: "ArrowUp" }), -1);
  assert.equal(stepOf({ ...alt, key: "ArrowDown", shiftKey: true }), 10);
  assert.equal(stepOf({ ...alt, key: "Home" }), -FAR);
  assert.equal(stepOf({ ...alt, key: "End" }), FAR);
});
test("M asks for a position; other keys and shortcuts of the browser are left alone", () => {
  assert.equal(stepOf({ ...bare, key: "m" }), "ask");
  assert.equal(stepOf({ ...bare, key: "m", ctrlKey: true }), null);
  assert.equal(stepOf({ ...bare, key: "ArrowUp" }), null);
  assert.equal(stepOf({ ...bare, key: "ArrowUp", altKey: true, metaKey: true }), null);
});
test("a step never leaves the order", () => {
  assert.equal(landing(2, -10, 5), 0);
  assert.equal(landing(2, FAR, 5), 4);
});
test("moved lots keep their relative order", () => {
  assert.deepEqual(rearranged(order, ["d", "b"], 0), ["b", "d", "a", "c", "e"]);
  assert.deepEqual(rearranged(order, ["a"], 99), ["b", "c", "d", "e", "a"]);
});
test("a drop lands beside its target whichever way it came", () => {
  for (const [moving, target, after, wanted] of /** @type {[string[], string, boolean, string][]} */ ([
    [["a"], "c", true, "bcade"],
    [["e"], "b", false, "aebcd"],
    [["a", "e"], "c", false, "baecd"],
  ])) {
    const place = dropPlace(order, moving, target, after);
    assert.notEqual(place, null);
    assert.equal(rearranged(order, moving, /** @type {number} */ (place)).join(""), wanted);
  }
  assert.equal(dropPlace(order, ["a"], "a", true), null);
});
test("a typed position counts from one and nothing else is a position", () => {
  assert.equal(typedPlace(" 3 "), 2);
  for (const text of ["", "0", "-1", "1.5", "x", "99999"]) assert.equal(typedPlace(text), null);
});
test("numbers follow the order when those given rise", () => {
  assert.ok(numbersFollow([]));
  assert.ok(numbersFollow(["9:", "", "10:", "10:A"]));
  assert.ok(!numbersFollow(["10:", "9:"]));
  assert.ok(!numbersFollow(["10:A", "", "10:"]));
});

test("lots that move together land a step on among those that stay", () => {
  assert.equal(blockLanding(order, ["b", "c"], 1), 2);
  assert.equal(blockLanding(order, ["b", "d"], -1), 0);
  assert.equal(blockLanding(order, ["a", "e"], FAR), 3);
  assert.equal(blockLanding(order, ["c"], -FAR), 0);
});

test("plain arrows, Home and End go from row to row, and no other key does", () => {
  assert.equal(rowAfter({ ...bare, key: "ArrowDown" }, 1, 3), 2);
  assert.equal(rowAfter({ ...bare, key: "ArrowDown", shiftKey: true }, 2, 3), 2);
  assert.equal(rowAfter({ ...bare, key: "ArrowUp" }, 0, 3), 0);
  assert.equal(rowAfter({ ...bare, key: "Home" }, 2, 3), 0);
  assert.equal(rowAfter({ ...bare, key: "End" }, 0, 3), 2);
  assert.equal(rowAfter({ ...bare, key: "ArrowDown", altKey: true }, 0, 3), null);
  assert.equal(rowAfter({ ...bare, key: "x" }, 0, 3), null);
});
