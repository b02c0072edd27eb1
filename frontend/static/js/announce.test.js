// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Announcer } from "./announce.js";

function room() {
  let ms = 0;
  const said = /** @type {string[]} */ ([]);
  const timers = /** @type {{due: number, act: () => void}[]} */ ([]);
  const announcer = new Announcer({
    assertive: { append: (text) => said.push(`!${text}`) }, polite: { append: (text) => said.push(text) },
    monotonic: () => ms, later: (wait, act) => timers.push({ due: ms + wait, act }),
  });
  return { announcer, said, pass: (/** @type {number} */ span) => {
    ms += span;
    for (const timer of timers.splice(0).sort((a, b) => a.due - b.due)) if (timer.due <= ms) timer.act(); else timers.push(timer);
  } };
}

test("urgent words never wait", () => {
  const { announcer, said } = room();
  announcer.urgent("a");
  announcer.urgent("b");
  assert.deepEqual(said, ["!a", "!b"]);
});
test("of several prices within three seconds only the first and the latest are said", () => {
  const { announcer, said, pass } = room();
  for (const price of ["1", "2", "3", "4"]) announcer.calm("L", price);
  assert.deepEqual(said, ["1"]);
  pass(2_999);
  assert.deepEqual(said, ["1"]);
  pass(1);
  assert.deepEqual(said, ["1", "4"]);
});
test("lots do not wait for each other", () => {
  const { announcer, said } = room();
  announcer.calm("L", "l");
  announcer.calm("M", "m");
  assert.deepEqual(said, ["l", "m"]);
});
