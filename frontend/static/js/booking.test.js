// @ts-check
import { test } from "node:test";
import assert from "node:assert/strict";
import { dayIn, ownClock, ownWords, zoneSaid } from "./booking.js";

const LATE = Date.UTC(2027, 2, 4, 1, 30); // 09:30 in Hong Kong, 02:30 in Antwerp, the evening before in New York

test("the same instant is another day elsewhere", () => {
  assert.equal(dayIn(LATE, "Asia/Hong_Kong"), "2027-03-04");
  assert.equal(dayIn(LATE, "America/New_York"), "2027-03-03");
});
test("the reader's clock says when its day differs", () => {
  assert.deepEqual(ownClock(LATE, "Asia/Hong_Kong", "Europe/Brussels"), { clock: "02:30", shift: 0 });
  assert.deepEqual(ownClock(LATE, "Asia/Hong_Kong", "America/New_York"), { clock: "20:30", shift: -1 });
  assert.deepEqual(ownClock(Date.UTC(2027, 2, 4, 20), "America/New_York", "Asia/Hong_Kong"), { clock: "04:00", shift: 1 });
});
test("two clocks that show the same need one", () => assert.equal(ownClock(LATE, "Asia/Hong_Kong", "Asia/Singapore"), null));
test("the other day is named in words", () => {
  assert.equal(ownWords({ clock: "20:30", shift: -1 }, "New York"), "20:30 New York, yesterday");
  assert.equal(ownWords({ clock: "04:00", shift: 1 }, "Hong Kong"), "04:00 Hong Kong, tomorrow");
});
test("a zone that was chosen is kept", () => {
  assert.equal(zoneSaid("lang=en; zone=Europe/Brussels"), "Europe/Brussels");
  assert.equal(zoneSaid('zone="Asia/Dubai"'), "Asia/Dubai");
  assert.equal(zoneSaid("lang=en"), "");
});
