// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { lotFrom } from "./fold.js";
import { laneOf, mayMove, ordered } from "./lanes.js";
import { laneTime, ownWords, standingNote } from "./lot-words.js";

const lot = lotFrom({ lot: "L", seq: 3, state: "open", end: "2026-03-09T14:00:00.000000Z" });

test("outbid comes first, whatever else is true of the lot", () => {
  assert.equal(laneOf(lot, "outbid", true, 10), "outbid");
  assert.equal(laneOf(lot, "tied_later", false, 900), "outbid");
});
test("a lot led stands with those led, also below its reserve", () => {
  assert.equal(laneOf(lot, "winning", false, 10), "leading");
  assert.equal(laneOf(lot, "winning_reserve_not_met", false, 900), "leading");
});
test("five minutes before its end a lot is closing next", () => {
  assert.deepEqual([laneOf(lot, null, true, 300), laneOf(lot, null, true, 301), laneOf(lot, null, false, 301)], ["closing", "watched", "later"]);
  assert.equal(laneOf(lot, null, false, null), "later");
});
test("a lot that a plan wants stands with the plan, unless it is watched", () => {
  assert.deepEqual([laneOf(lot, null, false, 900, true), laneOf(lot, null, true, 900, true), laneOf(lot, "outbid", false, 900, true)], ["plan", "watched", "outbid"]);
});
test("a lot that is not open yet is not closing", () => assert.equal(laneOf({ ...lot, state: "listed" }, null, false, 60), "later"));
test("decided lots stand last", () => assert.equal(laneOf({ ...lot, state: "sold" }, "won", true, 0), "decided"));
test("the next to end stands on top; of what is decided, the latest", () => {
  const rows = ["2026-03-09T14:02:00.000000Z", "2026-03-09T14:01:00.000000Z", null].map((end, place) => ({ place, lot: { ...lot, end } }));
  assert.deepEqual(ordered(rows, "closing").map((row) => row.place), [1, 0, 2]);
  assert.deepEqual(ordered(rows, "decided").map((row) => row.place), [2, 0, 1]);
});
test("nothing moves under a finger", () => {
  assert.equal(mayMove({ pointerInside: true, focusInside: false }), false);
  assert.equal(mayMove({ pointerInside: false, focusInside: false }), true);
});

test("what does not run says so, whatever is known of the clock", () => {
  const now = Date.parse("2026-03-09T13:58:00Z");
  assert.equal(laneTime(lot, now), "2:00");
  assert.equal(laneTime(lot, null), "time unknown");
  for (const at of [now, null]) {
    assert.equal(laneTime({ ...lot, state: "paused" }, at), "paused");
    assert.equal(laneTime({ ...lot, state: "listed", end: null }, at), "when called");
    assert.equal(laneTime({ ...lot, end: null }, at), "until called");
    assert.equal(laneTime({ ...lot, state: "withdrawn" }, at), "");
  }
});

test("who may not bid reads of the company", () => {
  assert.equal(ownWords("outbid"), "You are outbid");
  assert.deepEqual(["winning", "tied_later", "passed"].map((state) => ownWords(state, true)), ["Your company leads", "Your company is outbid", "Passed"]);
});

test("a lot that was withdrawn has no leader", () => {
  const gone = lotFrom({ ...lot, state: "withdrawn", leader: "A", price: 71_000_00, reason: "consignor" });
  for (const own of [undefined, { alias: "B", max: 70_000_00, state: "outbid", seq: 3 }]) {
    assert.equal(standingNote(gone, own, own ? "withdrawn" : null, 1, "USD"), "not sold; no bid counts any more");
  }
});
