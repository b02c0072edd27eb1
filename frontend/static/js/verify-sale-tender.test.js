// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readEnvelope } from "./verify-sale-envelopes.js";
import { Odd } from "./verify-sale-lines.js";
import { judged, opened, ranked } from "./verify-sale-ranks.js";
import { verifySale } from "./verify-sale-record.js";

// Records as the command writes them, altered ones beside what the command says of each.
const VECTOR = JSON.parse(readFileSync(new URL("../../../tests/vectors/tender-records.json", import.meta.url), "utf8"));
const LOT = { mct: 1250, benchmark: 400_000, minimum: 50_000 };
const bid = (/** @type {string} */ entry, /** @type {unknown} */ value, bidder = "A", n = 1) => ({ lot: "L", bidder, n, entry, value });

/** @param {{record: number, head: number, tail: number, lines: string[]}} one */
function laidOut({ record, head, tail, lines }) {
  const whole = VECTOR.records[record];
  return new TextEncoder().encode([...whole.slice(0, head), ...lines, ...whole.slice(whole.length - tail)].join(""));
}

for (const one of VECTOR.cases) {
  test(`record ${one.record}, ${one.what}: the verdict of the command, at the same line by the same rule`, async () => {
    const told = /** @type {Record<string, any>} */ (await verifySale(laidOut(one)));
    assert.deepEqual(Object.fromEntries(Object.keys(one.verdict).map((name) => [name, told[name]])), one.verdict);
  });
}

test("what happens is told while the envelopes are opened", async () => {
  const heard = new Set();
  await verifySale(laidOut(VECTOR.cases[0]), (phase) => heard.add(phase));
  assert.ok(heard.has("opened"));
});

test("totals are those of the rules, and what is no bid comes to none", () => {
  assert.equal(judged(LOT, bid("total", 50_000)), 50_000);
  assert.equal(judged(LOT, bid("total", 49_999)), null);
  assert.equal(judged(LOT, bid("per_carat", 99_999)), 124_999); // 124,998.75
  assert.equal(judged(LOT, bid("discount", 1_250)), 437_500);
  assert.equal(judged({ ...LOT, benchmark: null }, bid("discount", 1_250)), null);
  for (const value of [0, -1, 1.5, "60000", null, true, 2 ** 60]) assert.equal(judged(LOT, bid("total", value)), null);
  for (const bp of [10_000, -100_001, 0.5]) assert.equal(judged(LOT, bid("discount", bp)), null);
  assert.equal(judged({ ...LOT, mct: 1e9 }, bid("per_carat", 999_999_999_999_999)), null);
  assert.equal(judged(LOT, bid("total", 60_000), 60_001), null);
});

test("the latest bid counts, or the highest; the same total keeps its place; an invalid bid leaves the former", () => {
  const bids = [bid("total", 60_000), bid("total", 70_000, "B", 2), bid("total", 70_000, "A", 3), bid("total", 70_000, "B", 4), bid("total", 1, "B", 5)];
  const of = (/** @type {string} */ rule, /** @type {any[]} */ made) => {
    const { valid, live } = opened(new Map([["L", LOT]]), made, rule);
    return [valid, ...ranked((live.get("L") ?? new Map()).values()).map((one) => `${one.bidder}${one.n}`)];
  };
  assert.deepEqual(of("latest", bids), [4, "B2", "A3"]);
  const lower = [...bids, bid("total", 65_000, "B", 6)];
  assert.deepEqual([of("latest", lower), of("highest", lower)], [[5, "A3", "B6"], [5, "B2", "A3"]]);
});

test("an envelope that no honest browser makes is none", async () => {
  const line = VECTOR.records[0].find((/** @type {string} */ one) => one.includes('"kind":"envelope"'));
  const { envelope } = JSON.parse(line);
  assert.equal((await readEnvelope(envelope, 3)).key, envelope.key);
  const odd = [
    { ...envelope, v: 2 }, { ...envelope, more: 1 }, { ...envelope, key: "x" }, { ...envelope, box: envelope.box.slice(4) },
    { ...envelope, shares: envelope.shares.slice(1) }, { ...envelope, shares: envelope.shares.toReversed() },
    { ...envelope, lot: "x".repeat(65) }, [], null,
  ];
  for (const one of odd) await assert.rejects(readEnvelope(one, 3), Odd);
});
