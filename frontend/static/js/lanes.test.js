// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { lotFrom } from "./fold.js";
import { laneOf, mayMove, ordered } from "./lanes.js";

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
