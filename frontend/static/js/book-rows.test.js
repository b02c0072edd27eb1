// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventWords, whoWords } from "./book-rows.js";

const facts = { zone: "Europe/Brussels", currency: "USD" };
/** @param {string} type @param {Record<string, any>} data @returns {import("./fold.js").BookEvent} */
const event = (type, data) => ({ v: 1, sale: "S", lot: "L", seq: 5, n: 9, t: "", at: "", type, prev: "", data });

test("what happened beside the bids is said in a line", () => {
  assert.equal(eventWords(event("lot.extended", { to: "2026-03-09T13:26:11.000000Z", cause: "outage" }), facts), "End moved to 14:26:11: outage");
  assert.equal(eventWords(event("lot.sold", { bidder: "C", price: 2_600_000 }), facts), "Sold to C at 26,000");
  assert.equal(eventWords(event("lot.paused", { reason: "clock" }), facts), "Paused: clock");
  assert.equal(eventWords(event("bid.voided", { seqs: [13], reason: "typo" }), facts), "Bid 13 was voided: typo");
  assert.equal(eventWords(event("bid.voided", { seqs: [13, 15], reason: "typo" }), facts), "Bids 13, 15 were voided: typo");
  assert.equal(eventWords(event("lot.opened", {}), facts), null);
});
test("a bidder is an alias, oneself, or the seller", () => {
  assert.deepEqual([whoWords("C", "A"), whoWords("A", "A"), whoWords("HOUSE", "A")], ["C", "A, you", "seller’s bid"]);
});
