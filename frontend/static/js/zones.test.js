// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { cityOf, clockIn, sameClock } from "./zones.js";

const noon = Date.UTC(2026, 2, 9, 12, 0, 5) + 106;

test("one instant, two clocks", () => {
  assert.equal(clockIn(noon, "Europe/Brussels"), "13:00:05");
  assert.equal(clockIn(noon, "Asia/Hong_Kong", true), "20:00:05.106");
  assert.equal(clockIn(Date.UTC(2026, 0, 1), "UTC"), "00:00:00");
});
test("places that share a clock are not shown twice", () => {
  assert.equal(sameClock(noon, "Europe/Brussels", "Europe/Paris"), true);
  assert.equal(sameClock(noon, "Europe/Brussels", "Asia/Hong_Kong"), false);
});
test("a zone has the trade's name for its city, or none", () => {
  assert.equal(cityOf("Europe/Brussels"), "Antwerp");
  assert.equal(cityOf("Antarctica/Troll"), null);
});
