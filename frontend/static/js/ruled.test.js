// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { ruled, rulesMissing } from "./ruled.js";
import { SaleStore } from "./store.js";

const LOTS = [{ lot: "L", seq: 1, state: /** @type {const} */ ("open"), hash: "aa" }, { lot: "M", seq: 1, state: /** @type {const} */ ("open"), hash: "bb" }];
const FACTS = { window: 120, increments: { tiers: [], mode: "add" }, confirm: { factor: 3, steps: 10 }, bands: [], under: { cc: { window: 600, increments: { tiers: [], mode: "add" }, confirm: { factor: 3, steps: 10 }, bands: [] } } };

/** @param {Record<string, string>} [amended] */
function store(amended) {
  const made = new SaleStore("S");
  made.snapshot({ state: "open", rules: "ab", lots: LOTS, ...(amended ? { amended } : {}) });
  return made;
}

/** @param {string} to @param {string[]} lots */
function amendment(to, lots) {
  return { events: [{ v: /** @type {const} */ (1), sale: "S", lot: null, seq: 3, n: 9, t: "", at: "", type: "sale.amended", prev: "", data: { from: "ab", to, lots, ok: ["S1", "S2"] } }] };
}

test("an amended lot is bid on under its own rules, the others under the sale's", () => {
  const held = store({ M: "cc" });
  assert.deepEqual([held.rulesOf("L"), held.rulesOf("M")], ["ab", "cc"]);
  assert.deepEqual([ruled(FACTS, held, "L").window, ruled(FACTS, held, "M").window], [120, 600]);
  assert.equal(rulesMissing(FACTS, held), false);
});

test("an amendment that comes while the page is open is told of each lot, and asks for the rules that are not known", () => {
  const held = store();
  const told = held.batch(amendment("dd", ["M"]));
  assert.deepEqual(told.happenings, [{ kind: "amended", lot: "M" }]);
  assert.ok(told.changed.has("M") && !told.changed.has("L"));
  assert.equal(held.rulesOf("M"), "dd");
  assert.equal(rulesMissing(FACTS, held), true);
  assert.equal(ruled(FACTS, held, "M").window, 120);
});

test("a page that was away learns of an amendment by the snapshot", () => {
  const held = store();
  const told = held.snapshot({ state: "open", rules: "ab", lots: [], amended: { L: "cc" } });
  assert.deepEqual(told.happenings, [{ kind: "amended", lot: "L" }]);
  assert.equal(held.rulesOf("L"), "cc");
});

test("a snapshot that says nothing of amendments changes none", () => {
  const held = store({ M: "cc" });
  held.snapshot({ state: "open", rules: "ab", lots: [] });
  assert.equal(held.rulesOf("M"), "cc");
});

test("a lot that comes after an amendment is bid on under the rules that its listing names", () => {
  const held = store({});
  const listed = { v: /** @type {const} */ (1), sale: "S", lot: "N", seq: 1, n: 10, t: "", at: "", type: "lot.listed", prev: "", data: { opening: 5, end: null, rules: "dd" } };
  held.batch({ events: [listed] });
  assert.deepEqual([held.rulesOf("N"), held.rulesOf("L")], ["dd", "ab"]);
});
