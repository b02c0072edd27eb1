// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { missing, partsOf } from "./media-parts.js";

const file = (/** @type {string} */ name, size = 1) => ({ name, size, sha256: name });
const names = (/** @type {{ name: string }[][]} */ parts) => parts.map((part) => part.map((one) => one.name).join(" "));

test("what has one name goes together, and no part is larger than it may be", () => {
  const files = [file("f/B_2.jpg", 4), file("f/A.jpg", 4), file("f/B_1.jpg", 4), file("f/C.mp4", 30)];
  assert.deepEqual(names(partsOf(files, 10)), ["f/A.jpg", "f/B_1.jpg f/B_2.jpg", "f/C.mp4"]);
  assert.deepEqual(names(partsOf(files, 100)), ["f/A.jpg f/B_1.jpg f/B_2.jpg f/C.mp4"]);
  assert.deepEqual(partsOf([]), []);
});

test("what has arrived is left out, and a turn is sent whole", () => {
  const few = [file("A.jpg"), file("B.jpg")];
  assert.deepEqual(missing(few, new Set(["A.jpg"])), [few[1]]);
  assert.deepEqual(missing(few, new Set(["A.jpg", "B.jpg"])), []);
  const turn = Array.from({ length: 24 }, (_, n) => file(`T_${n}.jpg`));
  assert.equal(missing(turn, new Set(["T_1.jpg"])).length, 24);
  assert.equal(missing(turn, new Set(turn.map((one) => one.name))).length, 0);
});
