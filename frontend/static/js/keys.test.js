// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { actOf } from "./keys.js";

const pressed = { key: "n", altKey: false, ctrlKey: false, metaKey: false, repeat: false, typing: false, dialog: false, on: true, at: /** @type {import("./keys.js").Button | null} */ (null) };

test("a single key only goes to its place, in either case", () => {
  assert.deepEqual(["n", "N", "m", "b", "x"].map((key) => actOf({ ...pressed, key })), ["to-next", "to-next", "to-maximum", "field", null]);
});
test("pressed again on its own button the key acts; on another button it goes on", () => {
  assert.equal(actOf({ ...pressed, key: "n", at: "next" }), "next");
  assert.equal(actOf({ ...pressed, key: "m", at: "maximum" }), "maximum");
  assert.equal(actOf({ ...pressed, key: "m", at: "next" }), "to-maximum");
  assert.equal(actOf({ ...pressed, key: "n", at: "maximum" }), "to-next");
});
test("a key that is text, held down, with a modifier or behind a dialogue does nothing", () => {
  for (const change of [{ typing: true }, { repeat: true }, { ctrlKey: true }, { metaKey: true }, { altKey: true }, { dialog: true }]) {
    assert.equal(actOf({ ...pressed, ...change }), null, Object.keys(change)[0]);
  }
});
test("switched off they do nothing", () => assert.equal(actOf({ ...pressed, on: false }), null));
