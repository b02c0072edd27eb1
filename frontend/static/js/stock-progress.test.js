import assert from "node:assert/strict";
import { test } from "node:test";

import { answered, next } from "./stock-progress.js";

test("rows are counted over all outcomes", () => {
  assert.equal(answered({ accepted: 3, duplicates: 1, rejected: 2, received: 99 }), 6);
});

test("a running file is shown, an ended one read again", () => {
  const told = { state: "running", progress: 40, received: 10, accepted: 4 };
  assert.deepEqual(next(told), { state: "running", progress: 40, received: 10, done: 4 });
  for (const state of ["done", "stopped", "waiting"]) assert.equal(next({ ...told, state }), null);
  assert.equal(next(null), null);
});
