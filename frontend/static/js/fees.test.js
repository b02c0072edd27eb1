// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { allIn, premium } from "./fees.js";

test("the page reckons the premium like every public vector of one lot", () => {
  const lines = readFileSync(new URL("../../../tests/vectors/premium.jsonl", import.meta.url), "utf8").trim().split("\n");
  let seen = 0;
  for (const { id, bands, early_bands, lines: lots, expect } of lines.map((line) => JSON.parse(line))) {
    const [lot, ...more] = (lots ?? []).filter((/** @type {any} */ line) => line.kind === "lot");
    if (!bands || !lot || more.length || lot.early || early_bands || expect?.premium === undefined) continue;
    assert.equal(premium(lot.hammer, bands), expect.premium, id);
    seen += 1;
  }
  assert.ok(seen >= 8, `only ${seen} vectors were of one lot`);
});
test("tax falls on what its regime says", () => {
  /** @type {import("./fees.js").Bands} */
  const bands = [[null, 2_500]];
  assert.deepEqual(allIn(2_600_000, bands, null), { hammer: 2_600_000, premium: 650_000, tax: 0, total: 3_250_000 });
  assert.equal(allIn(100_000, bands, { regime: "export", rate_bp: 0 }).tax, 0);
  assert.equal(allIn(100_000, bands, { regime: "full", rate_bp: 2_100 }).tax, 26_250);
  assert.equal(allIn(100_000, bands, { regime: "margin", rate_bp: 2_100 }).tax, 5_250);
});
