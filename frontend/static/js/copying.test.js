// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { wire } from "./copying.js";

const LINK = { querySelector: () => null, textContent: " https://house.test/shared/1\n" };
const FIELD = { querySelector: () => ({ value: "pv_secret" }), textContent: "Key" };

/** A box as the page holds it after what is shown, and how its button is pressed. @param {object} [shown] */
function made(shown = LINK) {
  /** @type {() => Promise<void>} */
  let pressed = async () => {};
  const said = { textContent: "", dataset: { done: "Copied.", failed: "Mark it." } };
  const button = {
    addEventListener: (/** @type {string} */ _kind, /** @type {() => Promise<void>} */ act) => (pressed = act),
  };
  const box = {
    hidden: true,
    previousElementSibling: shown,
    querySelector: (/** @type {string} */ what) => (what === "button" ? button : said),
  };
  return { box: /** @type {any} */ (box), said, press: () => pressed() };
}

test("what is shown once is copied as it stands, and the reader is told", async () => {
  const { box, said, press } = made();
  /** @type {string[]} */
  const copied = [];
  wire(box, async (text) => void copied.push(text));
  assert.equal(box.hidden, false);
  await press();
  assert.deepEqual([copied, said.textContent], [["https://house.test/shared/1"], "Copied."]);
  const field = made(FIELD);
  wire(field.box, async (text) => void copied.push(text));
  await field.press();
  assert.equal(copied[1], "pv_secret");
});

test("where the browser refuses, the reader hears what to do instead", async () => {
  const { box, said, press } = made();
  wire(box, () => Promise.reject(new Error("denied")));
  await press();
  assert.equal(said.textContent, "Mark it.");
});
