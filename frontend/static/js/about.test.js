import assert from "node:assert/strict";
import { test } from "node:test";
import { aboutMajor, aboutWords } from "./about.js";

// The same cases stand in tests/auctions/test_rates.py.
const CASES = [
  [2_500_000, "USD", 1_000_000, 7_781_200, 195_000n],
  [2_500_000, "USD", 1_000_000, 151_340_000, 3_780_000n],
  [100, "USD", 1_000_000, 7_781_200, 8n],
  [40_000, "JPY", 151_340_000, 1_000_000, 264n],
  [999_999_999_999_999, "USD", 1_000_000, 7_781_200, 77_800_000_000_000n],
  [1_000, "KWD", 307_000, 1_000_000, 3n],
  [99_950, "USD", 1_000_000, 1_000_000, 1_000n],
];

test("amounts come out as on the server, to three figures and without a float", () => {
  for (const [minor, currency, from, to, major] of CASES) assert.equal(aboutMajor(minor, currency, { currency: "X", from, to }), major);
});

test("without a choice nothing is said", () => {
  assert.equal(aboutWords(100, "USD", null), "");
  assert.equal(aboutWords(2_500_000, "USD", { currency: "HKD", from: 1_000_000, to: 7_781_200 }), "about HKD\u00a0195,000");
});
