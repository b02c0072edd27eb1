// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { amountText, halfUp, moneyText, parseMinor, perCarat } from "./amounts.js";

test("a typed amount becomes minor units exactly as on the server", () => {
  assert.equal(parseMinor("26,000", "USD"), 2_600_000);
  assert.equal(parseMinor(" 12500.50 ", "USD"), 1_250_050);
  assert.equal(parseMinor("12 500", "JPY"), 12_500);
  assert.equal(parseMinor("1.234", "KWD"), 1_234);
});

test("what is not exactly one amount is not an amount", () => {
  for (const text of ["", "26k", "-1", "1,00", "1.234", "1e6", "26,00,000", "２６", "1".repeat(16)]) {
    assert.equal(parseMinor(text, "USD"), null, text);
  }
});

test("an amount is grouped and shows its places only when they say something", () => {
  assert.equal(amountText(2_500_000, "USD"), "25,000");
  assert.equal(amountText(26_250, "USD"), "262.50");
  assert.equal(amountText(1_234_567, "JPY"), "1,234,567");
  assert.equal(moneyText(100, "USD"), "USD\u00a01");
});

test("halves are rounded away from zero", () => {
  assert.deepEqual([halfUp(1n, 2n), halfUp(-1n, 2n), halfUp(4n, 3n)], [1n, -1n, 1n]);
  assert.equal(perCarat(2_500_000, 1_510), 1_655_629);
});
