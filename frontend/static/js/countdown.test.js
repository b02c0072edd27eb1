// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { left, passed, ruleLength, secondsLeft } from "./countdown.js";

test("a started second counts as left, and the end is nought", () => {
  assert.deepEqual([secondsLeft(10_000, 8_999), secondsLeft(10_000, 9_000), secondsLeft(10_000, 10_000), secondsLeft(10_000, 99_000)], [2, 1, 0, 0]);
});
test("minutes under an hour, hours under a day, then the date", () => {
  assert.deepEqual([left(102).text, left(9).text, left(3_599).text], ["1:42", "0:09", "59:59"]);
  assert.deepEqual(left(3_600), { kind: "hours", text: "1:00" });
  assert.equal(left(86_400).kind, "date");
});
test("each mark is told once, when it is passed", () => {
  assert.equal(passed(null, 60), null);
  assert.equal(passed(61, 60), 60);
  assert.equal(passed(60, 59), null);
  assert.equal(passed(130, 25), 30);
  assert.equal(passed(11, 10), 10);
  assert.equal(passed(10, 0), null);
});
test("an extension makes the marks count again", () => {
  assert.equal(passed(20, 120), null);
  assert.equal(passed(121, 119), 120);
});
test("the rule is full outside the window and shortens inside it", () => {
  assert.deepEqual([ruleLength(500, 120), ruleLength(60, 120), ruleLength(0, 120)], [600, 300, 0]);
});
