// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBp, percentText, reckon } from "./tender-entry.js";

const TERMS = { mct: 1_250, benchmark: 400_000, minimum: 50_000, currency: "USD" };

test("an entry per carat, a total and a discount come to the same three figures", () => {
  const total = reckon("total", "3,000", TERMS);
  assert.deepEqual(total, { value: 300_000, total: 300_000, perCarat: 240_000, bp: 4_000, code: null });
  assert.equal(reckon("per_carat", "2400", TERMS)?.total, 300_000);
  assert.equal(reckon("discount", "40", TERMS)?.total, 300_000);
});

test("halves are rounded away from zero, as at the opening", () => {
  assert.equal(reckon("per_carat", "0.02", { ...TERMS, mct: 1_250, minimum: 1 })?.total, 3);
});

test("what would be void says why, and what is no figure says nothing", () => {
  assert.equal(reckon("total", "499.99", TERMS)?.code, "below_opening");
  assert.equal(reckon("total", "12 000 000 000 000", TERMS)?.code, "amount_too_large");
  assert.equal(reckon("total", "abc", TERMS), null);
  assert.equal(reckon("discount", "100", TERMS), null);
  assert.equal(reckon("discount", "10", { ...TERMS, benchmark: null }), null);
});

test("a percentage is read and written in hundredths", () => {
  assert.deepEqual(["12.5", "-3", "−0.25 %", "1.234", "x"].map(parseBp), [1_250, -300, -25, null, null]);
  assert.equal(percentText(-1_205), "−12.05 %");
});
