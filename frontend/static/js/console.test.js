// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { fitsNow, laterThan, moveOf } from "./console-acts.js";
import { fresh, pulseWords } from "./console-news.js";
import { groupOf, isShown, leftWords, lookOf } from "./console-order.js";
import { lotFrom } from "./fold.js";

const pressed = { altKey: false, ctrlKey: false, metaKey: false, repeat: false, typing: false, on: true, held: ["e", "p", "v"] };
const lot = (/** @type {object} */ facts) => lotFrom({ lot: "L", seq: 1, state: "open", end: "2026-03-09T14:00:00.000000Z", ...facts });

test("what stands still or has not met its reserve is an exception; what is decided is closed", () => {
  assert.equal(groupOf(lot({})), "now");
  assert.equal(groupOf(lot({ bids: 3, reserve_met: false })), "exceptions");
  assert.equal(groupOf(lot({ bids: 0, reserve_met: false })), "now");
  assert.equal(groupOf(lot({ state: "paused" })), "exceptions");
  assert.equal(groupOf(lot({ state: "passed", bids: 3, reserve_met: false })), "closed");
});

test("from now on shows the exceptions too, and words narrow what is shown", () => {
  assert.ok(isShown("exceptions", "now", "14 vivid yellow", ""));
  assert.ok(!isShown("closed", "now", "14 vivid yellow", ""));
  assert.ok(isShown("closed", "closed", "14 vivid yellow", " Vivid "));
  assert.ok(!isShown("now", "now", "14 vivid yellow", "pink"));
});

test("a state is a word, a shape and a colour", () => {
  assert.deepEqual(lookOf(lot({}), 30, 120), { kind: "closing", name: "clock", words: "Closing", ending: true });
  assert.equal(lookOf(lot({ bids: 1, reserve_met: false }), 900, 120).kind, "reserve");
  assert.deepEqual(lookOf(lot({ state: "paused" }), null, 120), { kind: "quiet", name: "pause", words: "Paused", ending: false });
});

test("a lot without an end lasts until it is called", () => {
  assert.equal(leftWords(lot({ end: null }), 1, null), "until called");
  assert.equal(leftWords(lot({}), 1, 102), "1:42");
  assert.equal(leftWords(lot({}), null, null), "time unknown");
  assert.equal(leftWords(lot({ state: "sold" }), 1, 0), "–");
});

test("a key opens an act, moves, or is left to the page", () => {
  assert.equal(moveOf({ ...pressed, key: "E" }), "act");
  assert.equal(moveOf({ ...pressed, key: "e", repeat: true }), null);
  assert.equal(moveOf({ ...pressed, key: "e", typing: true }), null);
  assert.equal(moveOf({ ...pressed, key: "e", on: false }), null);
  assert.equal(moveOf({ ...pressed, key: "e", ctrlKey: true }), null);
  assert.equal(moveOf({ ...pressed, key: "j" }), "down");
  assert.equal(moveOf({ ...pressed, key: "Escape", typing: true, on: false }), "close");
  assert.equal(moveOf({ ...pressed, key: "q" }), null);
});

test("an act fits the state, and a call only a lot that has no end", () => {
  assert.ok(fitsNow("open paused", "void", { state: "paused" }));
  assert.ok(!fitsNow("open", "pause", { state: "paused" }));
  assert.ok(fitsNow("open", "final_call", { state: "open", end: null }));
  assert.ok(!fitsNow("open", "final_call", { state: "open", end: "2026-03-09T14:00:00.000000Z" }));
});

test("a later end keeps the form of the book", () => {
  assert.equal(laterThan("2026-03-09T14:00:00.123456Z", 120), "2026-03-09T14:02:00.123000Z");
});

test("only lines that are new here are put on top", () => {
  const lines = [{ n: 3, place: "", clock: "", text: "a" }, { n: 4, place: "", clock: "", text: "b" }];
  assert.deepEqual(fresh(lines, 3).map(({ text }) => text), ["b"]);
  assert.equal(pulseWords([0, 2, 5]), "7 bids, at most 5 in ten seconds");
});
