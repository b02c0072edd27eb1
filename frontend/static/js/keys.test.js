// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { actOf } from "./keys.js";

const pressed = { key: "n", altKey: false, ctrlKey: false, metaKey: false, repeat: false, typing: false, dialog: false, on: true };

test("three keys, three acts, in either case", () => {
  assert.deepEqual(["n", "N", "m", "b", "x"].map((key) => actOf({ ...pressed, key })), ["next", "next", "maximum", "field", null]);
});
test("a key that is text, held down, with a modifier or behind a dialogue does nothing", () => {
  for (const change of [{ typing: true }, { repeat: true }, { ctrlKey: true }, { metaKey: true }, { altKey: true }, { dialog: true }]) {
    assert.equal(actOf({ ...pressed, ...change }), null, Object.keys(change)[0]);
  }
});
test("switched off they do nothing", () => assert.equal(actOf({ ...pressed, on: false }), null));
