// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { compared, mctOf, outcomeOf, Queue, queued, read, refusals, signed, unlike, without } from "./desk-queue.js";

/** @param {string} key @returns {import("./desk-queue.js").Act} */
const act = (key) => ({ key, address: "/desk-acts", fields: { stone: key }, label: key, made: 0 });

/** A device: what it keeps, and a line that answers what it is told to. @param {string} kept @param {import("./desk-queue.js").Outcome[]} answers */
function device(kept, answers) {
  /** @type {{kept: string, sent: string[], told: string[]}} */
  const seen = { kept, sent: [], told: [] };
  const queue = new Queue({
    load: () => seen.kept,
    save: (text) => { seen.kept = text; },
    send: async (one) => { seen.sent.push(one.key); return answers.shift() ?? { kind: "done" }; },
    changed: () => {},
    refused: (one, words) => { seen.told.push(`${one.key} ${words}`); },
    done: (one) => { seen.told.push(`${one.key} done`); },
  });
  return { queue, seen };
}

test("a weight is read as a scale writes it", () => {
  assert.equal(mctOf("1.019"), 1019);
  assert.equal(mctOf(" 1,02 ct"), 1020);
  assert.equal(mctOf("12"), 12000);
  for (const wrong of ["", "0", "1.0199", "-1", "one", "99999"]) assert.equal(mctOf(wrong), null, wrong);
});

test("a difference is told with its sign, and beyond what is allowed it is told apart", () => {
  assert.deepEqual(compared("1.019", 1020, 1), { difference: -1, apart: false });
  assert.deepEqual(compared("1.018", 1020, 1), { difference: -2, apart: true });
  assert.equal(compared("", 1020, 1), null);
  assert.equal(signed(-1), "−0.001 ct");
  assert.equal(signed(1002), "+1.002 ct");
});

test("a stone that weighs other than its record is asked about before it goes out", () => {
  assert.equal(unlike("1.515", "1509", "1520"), false);
  assert.equal(unlike("1.521", "1509", "1520"), true);
  assert.equal(unlike("1.521", undefined, undefined), false); // a tray has no weight of its own
  assert.equal(unlike("", "1509", "1520"), false);
});

test("an act is kept once and leaves once", () => {
  const acts = queued(queued([], act("a")), act("a"));
  assert.equal(acts.length, 1);
  assert.deepEqual(without(acts, "a"), []);
  assert.deepEqual(read("nonsense"), []);
  assert.deepEqual(read('[{"key":1}]'), []);
  assert.deepEqual(read('[{"key":"a","address":"/x","fields":null}]'), []);
  assert.deepEqual(refusals("nonsense"), []);
  assert.deepEqual(refusals('[{"key":"a","words":"why"},{"key":"b"}]'), [{ key: "a", words: "why" }]);
});

test("without a line acts wait in their order, outlive the page, and go once there is one", async () => {
  const { queue, seen } = device("[]", [{ kind: "no line" }, { kind: "no line" }]);
  await queue.add(act("a"));
  await queue.add(act("b"));
  assert.deepEqual(read(seen.kept).map((one) => one.key), ["a", "b"]);
  const again = device(seen.kept, []);
  await again.queue.drain();
  assert.deepEqual(again.seen.sent, ["a", "b"]);
  assert.deepEqual(again.seen.told, ["a done", "b done"]);
  assert.equal(again.seen.kept, "[]");
});

test("two pages of one desk lose nothing of each other", async () => {
  let kept = "[]";
  /** @type {string[]} */
  const sent = [];
  const page = () => new Queue({
    load: () => kept, save: (text) => { kept = text; }, send: async (one) => { sent.push(one.key); return { kind: "no line" }; },
    changed: () => {}, refused: () => {}, done: () => {},
  });
  const [one, other] = [page(), page()];
  await one.add(act("a"));
  await other.add(act("b"));
  assert.deepEqual(read(kept).map((each) => each.key), ["a", "b"]);
});

test("a refused act is told and does not hold up the others", async () => {
  const { queue, seen } = device(JSON.stringify([act("a"), act("b")]), [{ kind: "refused", words: "blocked" }]);
  await queue.drain();
  assert.deepEqual(seen.told, ["a blocked", "b done"]);
  assert.deepEqual(queue.acts, []);
});

test("only the house's own word that it is done takes an act from the queue", () => {
  assert.deepEqual(outcomeOf(200, { done: "in" }), { kind: "done" });
  for (const [status, told] of /** @type {[number, any][]} */ ([[200, null], [200, {}], [404, null], [502, { code: "x" }], [429, { code: "x" }], [403, {}]])) {
    assert.deepEqual(outcomeOf(status, told), { kind: "no line" }, String(status)); // a network's own page, or none
  }
  assert.deepEqual(outcomeOf(401, { code: "signed_out" }), { kind: "no line", signedOut: true });
  assert.deepEqual(outcomeOf(409, { code: "x", detail: "Why not." }), { kind: "refused", words: "Why not." });
});

test("whoever is signed out meanwhile keeps the queue and is told why it waits", async () => {
  const { queue, seen } = device("[]", [{ kind: "no line", signedOut: true }]);
  await queue.add(act("a"));
  assert.equal(queue.signedOut, true);
  assert.equal(read(seen.kept).length, 1);
  await queue.drain();
  assert.equal(queue.signedOut, false);
  assert.deepEqual(seen.told, ["a done"]);
});
