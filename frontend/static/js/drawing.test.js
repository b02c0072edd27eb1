// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Drawing } from "./drawing.js";

function paced() {
  /** @type {[number, () => void][]} */
  const timers = [];
  /** @type {(() => void)[]} */
  const frames = [];
  /** @type {string[][]} */
  const drawn = [];
  const page = { at: 0, hidden: false, left: () => {} };
  const pace = {
    now: () => page.at, hidden: () => page.hidden, left: (/** @type {() => void} */ act) => { page.left = act; },
    later: (/** @type {number} */ ms, /** @type {() => void} */ act) => void timers.push([ms, act]), frame: (/** @type {() => void} */ act) => void frames.push(act),
  };
  const run = (/** @type {any[]} */ acts) => acts.splice(0).forEach((one) => (Array.isArray(one) ? one[1]() : one()));
  return { drawing: new Drawing((changed) => drawn.push([...changed]), 100, pace), timers, frames, drawn, page, run };
}

test("what comes in before the picture is drawn once, with it", () => {
  const { drawing, frames, drawn, run } = paced();
  for (const ids of [["a"], ["b", "a"], []]) drawing.add(ids);
  assert.equal(frames.length, 1);
  run(frames);
  assert.deepEqual(drawn, [["a", "b"]]);
});

test("the next drawing waits until its time has come, and then for the picture", () => {
  const { drawing, timers, frames, drawn, page, run } = paced();
  drawing.add(["a"]);
  run(frames);
  page.at = 30;
  drawing.add(["b"]);
  drawing.add(["c"]);
  assert.deepEqual([timers.map(([ms]) => ms), frames.length], [[70], 0]);
  run(timers);
  run(frames);
  assert.deepEqual(drawn, [["a"], ["b", "c"]]);
  page.at = 500;
  drawing.add(["d"]);
  assert.deepEqual([timers.length, frames.length], [0, 1]);
});

test("a page that nobody looks at is drawn without a picture", () => {
  const { drawing, timers, frames, drawn, page, run } = paced();
  page.hidden = true;
  drawing.add(["a"]);
  assert.equal(frames.length, 0);
  run(timers);
  assert.deepEqual(drawn, [["a"]]);
});

test("a page that is left before its picture came is drawn then, and not twice", () => {
  const { drawing, frames, drawn, page, run } = paced();
  drawing.add(["a"]);
  page.left();
  run(frames);
  assert.deepEqual(drawn, [["a"]]);
});
