// @ts-check
import { test } from "node:test";
import assert from "node:assert/strict";
import { serverNow, told } from "./hold-timer.js";

test("the server's clock goes on by this device's steady one", () => {
  assert.equal(serverNow(1_000_000, 2_500), 1_002_500);
  assert.equal(serverNow(1_000_000, -5), 1_000_000, "a clock that jumped back takes nothing away");
});
test("time left is told at its marks and not between", () => {
  assert.equal(told(null, 299), null);
  assert.equal(told(121, 120), "2 minutes left to confirm.");
  assert.equal(told(31, 30), "30 seconds left to confirm.");
  assert.equal(told(25, 24), null);
});
test("the end is told once", () => {
  assert.equal(told(1, 0), "The hold has ended. Nothing is booked.");
  assert.equal(told(0, 0), null);
});
