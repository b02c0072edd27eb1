// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerClock } from "./clock.js";
import { backOff, Line } from "./socket.js";

/** A page without a browser: its wires, its time, and what it was told. */
function page() {
  let ms = 0;
  /** @type {{due: number, act: () => void, gone: boolean}[]} */
  const timers = [];
  /** @type {any[]} */
  const wires = [];
  const heard = /** @type {any[]} */ ([]);
  const told = /** @type {string[]} */ ([]);
  const bids = /** @type {any[]} */ ([]);
  const clock = new ServerClock(() => ms);
  const line = new Line({
    url: "wss://house/live", sale: "S", lang: "en", clock,
    after: () => ({ L: 7 }), unanswered: () => bids, hear: (frame) => heard.push(frame), tell: (condition) => told.push(condition),
    random: () => 0.5,
    later: (wait, act) => { const timer = { due: ms + wait, act, gone: false }; timers.push(timer); return timer; },
    forget: (timer) => { timer.gone = true; },
    open: () => {
      const wire = { readyState: 1, sent: /** @type {any[]} */ ([]), send(/** @type {string} */ text) { this.sent.push(JSON.parse(text)); }, close() { this.readyState = 3; }, onopen: null, onmessage: null, onclose: null, onerror: null };
      wires.push(wire);
      return wire;
    },
  });
  return {
    line, wires, heard, told, bids, clock,
    wire: () => wires.at(-1),
    say: (/** @type {object} */ frame) => wires.at(-1).onmessage({ data: JSON.stringify(frame) }),
    pass: (/** @type {number} */ span) => {
      const until = ms + span;
      for (;;) {
        const next = timers.filter((timer) => !timer.gone && timer.due <= until).sort((a, b) => a.due - b.due)[0];
        if (!next) break;
        next.gone = true;
        ms = Math.max(ms, next.due);
        next.act();
      }
      ms = until;
    },
    ops: () => wires.at(-1).sent.map((/** @type {any} */ frame) => frame.op),
  };
}

test("back-off doubles to eight seconds and is spread", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 9].map((attempt) => backOff(attempt, 0.5)), [500, 1_000, 2_000, 4_000, 8_000, 8_000]);
  assert.deepEqual([backOff(0, 0), backOff(0, 1), backOff(3, 0.5, 800)], [250, 750, 800]);
});
test("after the welcome the page watches, asks the time eight times and sends unanswered bids again", () => {
  const p = page();
  p.bids.push({ key: "k1", lot: "L", max: 5, currency: "USD", rules: "ab", confirm: null, at: 1 });
  p.line.start();
  p.wire().onopen();
  assert.deepEqual(p.ops(), ["hello"]);
  p.say({ op: "welcome", v: 1 });
  p.pass(400);
  assert.deepEqual(p.wire().sent[1], { op: "watch", sale: "S", lots: "all", after: { L: 7 } });
  assert.deepEqual(p.wire().sent.find((/** @type {any} */ f) => f.op === "place_bid"), { op: "place_bid", key: "k1", lot: "L", max: 5, currency: "USD", rules: "ab", confirm: null });
  assert.equal(p.ops().filter((/** @type {string} */ op) => op === "clock").length, 8);
  assert.deepEqual(p.told, ["live"]);
});
test("a cut line comes back and watches after what it holds", () => {
  const p = page();
  p.line.start();
  p.wire().onopen();
  p.say({ op: "welcome", v: 1 });
  p.wire().onclose({ code: 1006 });
  assert.equal(p.told.at(-1), "lost");
  p.pass(500);
  assert.equal(p.wires.length, 2);
  p.wire().onopen();
  p.say({ op: "welcome", v: 1 });
  assert.deepEqual(p.wire().sent[1].after, { L: 7 });
  assert.equal(p.told.at(-1), "live");
});
test("three seconds without a word make the time unknown, ten lay a new line", () => {
  const p = page();
  p.line.start();
  p.wire().onopen();
  p.say({ op: "welcome", v: 1 });
  p.pass(5_100);
  assert.equal(p.told.at(-1), "slow");
  assert.equal(p.clock.silent(), true);
  p.say({ op: "pong", id: 1 });
  assert.equal(p.told.at(-1), "live");
  p.pass(12_000);
  assert.equal(p.wires.length, 2);
});
test("the server says when to come back", () => {
  const p = page();
  p.line.start();
  p.wire().onopen();
  p.say({ op: "bye", code: "restart", retry_ms: 6_000 });
  p.wire().onclose({ code: 1012 });
  p.pass(5_999);
  assert.equal(p.wires.length, 1);
  p.pass(1);
  assert.equal(p.wires.length, 2);
});
test("a gap is asked for with the sequence held, and not twice in two seconds", () => {
  const p = page();
  p.line.start();
  p.wire().onopen();
  p.say({ op: "welcome", v: 1 });
  p.line.ask(["L", "M"]);
  p.line.ask(["L"]);
  const asked = p.wire().sent.filter((/** @type {any} */ f) => f.op === "watch").slice(1);
  assert.deepEqual(asked, [{ op: "watch", sale: "S", lots: ["L", "M"], after: { L: 7, M: 0 } }]);
});
test("a bid does not leave before the welcome", () => {
  const p = page();
  p.line.start();
  p.wire().onopen();
  assert.equal(p.line.bid({ key: "k", lot: "L", max: 1, currency: "USD", rules: "", confirm: null, at: 0 }), false);
});
test("rubbish from the line is not heard", () => {
  const p = page();
  p.line.start();
  p.wire().onmessage({ data: "<html>" });
  assert.deepEqual(p.heard, []);
});
test("signed out ends the line for good", () => {
  const p = page();
  p.line.start();
  p.wire().onopen();
  p.say({ op: "error", code: "signed_out", ref: null });
  p.pass(60_000);
  assert.deepEqual([p.told.at(-1), p.wires.length], ["refused", 1]);
});
