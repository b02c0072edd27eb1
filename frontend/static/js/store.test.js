// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventHash } from "./sha256.js";
import { SaleStore } from "./store.js";

const END = "2026-03-09T14:00:00.000000Z";
const LATER = "2026-03-09T14:02:00.000000Z";

function room() {
  const store = new SaleStore("S");
  store.snapshot({ state: "open", rules: "ab", lots: [{ lot: "L", seq: 4, state: "open", leader: "A", price: 50_000, ask: 55_000, end: END, hash: "aa", bids: 2 }] });
  store.you({ lot: "L", seq: 4, alias: "A", state: "winning", max: 60_000, headroom: 900 });
  return store;
}
/** @param {number} seq @param {string} prev @param {Record<string, any>} data @param {string} type @returns {import("./fold.js").BookEvent} */
const event = (seq, prev, data, type = "bid.accepted") => ({ v: 1, sale: "S", lot: "L", seq, n: seq, t: END, at: END, type, prev, data });
const rival = { bidder: "B", leader: "B", price: 65_000, ask: 70_000, reserve_met: null, end: END, extended: null };

test("being outbid is known from the book, before the server says so", () => {
  const told = room().batch({ events: [event(5, "aa", rival)], checkpoint: "c" });
  assert.deepEqual(told.happenings.map((h) => [h.kind, h.to ?? null]), [["price", null], ["own", "outbid"]]);
});
test("a gap is asked for once per lot, and nothing after it is taken", () => {
  const store = room();
  const told = store.batch({ events: [event(6, "xx", rival), event(7, "yy", rival)] });
  assert.deepEqual([[...told.gaps], told.changed.size, store.lots.get("L")?.seq], [["L"], 0, 4]);
  const first = event(5, "aa", rival);
  assert.equal(store.batch({ events: [first, event(6, eventHash(first), { ...rival, price: 66_000 })] }).gaps.size, 0);
  assert.equal(store.lots.get("L")?.price, 66_000);
});
test("an extension is a happening of its own", () => {
  const told = room().batch({ events: [event(5, "aa", { ...rival, end: LATER, extended: END })] });
  assert.deepEqual(told.happenings.map((h) => h.kind), ["price", "extended", "own"]);
});
test("a snapshot after a cut line shows what was missed", () => {
  const store = room();
  const told = store.snapshot({ state: "open", rules: "ab", lots: [{ lot: "L", seq: 9, state: "open", leader: "C", price: 80_000, ask: 85_000, end: LATER, hash: "bb", bids: 6 }] });
  assert.deepEqual(told.happenings.map((h) => h.kind), ["price", "extended", "own"]);
  assert.equal(store.ownState("L"), "outbid");
});
test("a snapshot that is older than the book here is not believed", () => {
  const store = room();
  store.batch({ events: [event(5, "aa", rival)] });
  store.snapshot({ state: "open", rules: "ab", lots: [{ lot: "L", seq: 4, state: "open", price: 50_000 }] });
  assert.equal(store.lots.get("L")?.price, 65_000);
});
test("the hammer makes a leader a winner and everybody else not", () => {
  const store = room();
  const told = store.batch({ events: [event(5, "aa", { bidder: "A", price: 50_000 }, "lot.sold")] });
  assert.deepEqual(told.happenings.map((h) => [h.kind, h.to]), [["state", "sold"], ["own", "won"]]);
});
test("a word on oneself that overtakes its event waits for it", () => {
  const store = room();
  assert.deepEqual(store.you({ lot: "L", seq: 5, alias: "A", state: "outbid", max: 60_000 }).happenings, []);
  assert.equal(store.ownState("L"), "winning");
  assert.deepEqual(store.batch({ events: [event(5, "aa", rival)] }).happenings.map((h) => h.kind), ["price", "own"]);
  assert.equal(store.ownState("L"), "outbid");
});
test("the first own bid leads as soon as its event is here", () => {
  const store = new SaleStore("S");
  store.snapshot({ state: "open", rules: "ab", lots: [{ lot: "L", seq: 4, state: "open", leader: "B", price: 5, hash: "aa" }] });
  store.you({ lot: "L", seq: 5, alias: "C", state: "winning", max: 9 });
  const told = store.batch({ events: [event(5, "aa", { ...rival, bidder: "C", leader: "C" })] });
  assert.deepEqual(told.happenings.map((h) => h.to ?? h.kind), ["price", "winning"]);
});
test("an older word on oneself does not undo a younger one", () => {
  const store = room();
  store.you({ lot: "L", seq: 3, alias: "A", state: "outbid", max: 10_000 });
  assert.equal(store.own.get("L")?.max, 60_000);
  assert.equal(store.headroom, 900);
});
test("the sale's own book opens, pauses and closes the room", () => {
  const store = room();
  const told = store.batch({ events: [{ ...event(2, "", { by: "S1", reason: "outage" }, "sale.paused"), lot: null }] });
  assert.deepEqual([told.sale, store.state], [true, "paused"]);
});
test("only lots with a sequence are asked for after it", () => assert.deepEqual(room().after(), { L: 4 }));
