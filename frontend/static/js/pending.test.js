// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { newKey, Pending } from "./pending.js";

function shelf() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  return {
    getItem: (/** @type {string} */ name) => kept.get(name) ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ text) => void kept.set(name, text),
    removeItem: (/** @type {string} */ name) => void kept.delete(name),
  };
}
let count = 0;
const fill = (/** @type {Uint8Array} */ bytes) => bytes.fill((count += 1));
const pending = (store = shelf()) => new Pending(store, "S", fill, () => 1_000);
const intent = { lot: "L", max: 2_600_000, currency: "USD", rules: "ab" };

test("a key is 32 lower-case hex digits", () => {
  assert.match(newKey((bytes) => crypto.getRandomValues(bytes)), /^[0-9a-f]{32}$/);
});
test("the key is stored before anything is sent, and dropped when the answer came", () => {
  const bids = pending();
  const bid = bids.make(intent);
  assert.deepEqual(bids.all(), [bid]);
  bids.drop(bid.key);
  assert.deepEqual(bids.all(), []);
});
test("the same intent while it is unanswered is the same bid", () => {
  const bids = pending();
  const first = bids.make(intent);
  assert.equal(bids.make(intent).key, first.key);
  assert.notEqual(bids.make({ ...intent, max: 2_700_000 }).key, first.key);
  assert.equal(bids.all().length, 2);
});
test("a confirmed bid keeps its key", () => {
  const bids = pending();
  const first = bids.make(intent);
  const again = bids.make({ ...intent, confirm: intent.max });
  assert.deepEqual([again.key, again.confirm, bids.all().length], [first.key, intent.max, 1]);
});
test("a later page asks about what an earlier one left and does not send it again", () => {
  const store = shelf();
  const bid = pending(store).make(intent);
  const later = pending(store);
  assert.deepEqual([later.toResend(), later.leftOver()], [[], [bid]]);
});
test("a spoilt store is an empty one", () => {
  const store = shelf();
  store.setItem("pavilion.bids.S", "{oops");
  assert.deepEqual(pending(store).all(), []);
  store.setItem("pavilion.bids.S", '[null, 3, {"key": 4}]');
  assert.deepEqual(pending(store).all(), []);
});
