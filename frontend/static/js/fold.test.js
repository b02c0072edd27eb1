// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { fold, isEnding, look, lotFrom, ownState } from "./fold.js";
import { eventHash } from "./sha256.js";

const END = "2026-03-09T14:00:00.000000Z";
const LATER = "2026-03-09T14:01:30.000000Z";
const open = lotFrom({ lot: "L", seq: 2, state: "open", ask: 50_000, end: END, hash: "aa" });

/** @param {number} seq @param {string} type @param {Record<string, any>} data @param {string} prev */
const event = (seq, type, data, prev = "aa") => ({ v: /** @type {const} */ (1), sale: "S", lot: "L", seq, n: seq + 5, t: END, at: END, type, prev, data });
const bid = { bidder: "A", commit: "", via: "online", leader: "A", price: 50_000, ask: 55_000, reserve_met: null, end: END, extended: null };

/** @param {ReturnType<typeof fold>} folded */
const told = (folded) => { assert.notEqual(folded, "gap"); return /** @type {import("./fold.js").Lot} */ (folded); };

test("the next event moves the lot", () => {
  const line = event(3, "bid.accepted", bid);
  const lot = told(fold(open, line));
  assert.deepEqual([lot.seq, lot.leader, lot.price, lot.ask, lot.bids, lot.hash], [3, "A", 50_000, 55_000, 1, eventHash(line)]);
});
test("a repeat changes nothing", () => assert.equal(fold(open, event(2, "bid.accepted", bid)), open));
test("a missing event is a gap", () => assert.equal(fold(open, event(4, "bid.accepted", bid)), "gap"));
test("an event that does not follow from what we hold is a gap", () => assert.equal(fold(open, event(3, "bid.accepted", bid, "bb")), "gap"));
test("a late bid moves the end and says so", () => {
  const lot = told(fold(open, event(3, "bid.accepted", { ...bid, end: LATER, extended: END })));
  assert.deepEqual([lot.end, lot.extended], [LATER, LATER]);
});
test("pause, resume, closing and the hammer follow each other", () => {
  let lot = told(fold({ ...open, hash: "" }, event(3, "lot.paused", { reason: "clock", by: "engine" })));
  assert.deepEqual([lot.state, lot.reason], ["paused", "clock"]);
  lot = told(fold(lot, event(4, "lot.resumed", { end: LATER, by: "S1" }, lot.hash)));
  assert.deepEqual([lot.state, lot.end, lot.reason], ["open", LATER, null]);
  lot = told(fold(lot, event(5, "lot.closing", { end: LATER }, lot.hash)));
  lot = told(fold(lot, event(6, "lot.sold", { bidder: "B", price: 60_000 }, lot.hash)));
  assert.deepEqual([lot.state, lot.leader, lot.price], ["sold", "B", 60_000]);
});
test("a void takes its bids out of the count", () => {
  const lot = told(fold({ ...open, hash: "", bids: 3 }, event(3, "bid.voided", { seqs: [1, 2], reason: "typo", leader: null, price: null, ask: 50_000, reserve_met: null })));
  assert.deepEqual([lot.bids, lot.leader], [1, null]);
});
test("an event of a kind not known yet still counts", () => assert.equal(told(fold(open, event(3, "lot.sung", {}))).seq, 3));

test("own state follows from the book", () => {
  const own = { alias: "A", max: 60_000, state: "winning", seq: 2 };
  const lot = { ...open, leader: "A", price: 50_000 };
  assert.equal(ownState(lot, undefined), null);
  assert.equal(ownState(lot, own), "winning");
  assert.equal(ownState({ ...lot, reserve_met: false }, own), "winning_reserve_not_met");
  assert.equal(ownState({ ...lot, leader: "B", price: 65_000 }, own), "outbid");
  assert.equal(ownState({ ...lot, leader: "B", price: 60_000 }, own), "tied_later");
  assert.equal(ownState({ ...lot, leader: "HOUSE" }, own), "outbid_by_seller");
  assert.equal(ownState({ ...lot, state: "sold" }, own), "won");
  assert.equal(ownState({ ...lot, state: "sold", leader: "B" }, own), "lost");
  assert.equal(ownState({ ...lot, state: "withdrawn" }, own), "withdrawn");
  assert.equal(ownState(lot, { ...own, state: "voided" }), "voided");
  assert.equal(ownState(lot, { ...own, max: null, state: "voided" }), null);
  assert.equal(ownState(lot, { ...own, max: null, state: "voided", live: true }), "voided");
  assert.equal(ownState({ ...lot, leader: "B" }, { ...own, alias: "C", state: "winning", seq: 3 }), "winning");
});
test("every own state has a look", () => {
  assert.deepEqual(["winning", "outbid", "tied_later", "winning_reserve_not_met", "lost"].map(look), ["leading", "outbid", "outbid", "reserve", "quiet"]);
});
test("a lot is ending only while it is open and inside its window", () => {
  assert.equal(isEnding(open, 120, 120), true);
  assert.equal(isEnding(open, 121, 120), false);
  assert.equal(isEnding({ ...open, state: "paused" }, 5, 120), false);
  assert.equal(isEnding(open, null, 120), false);
});
