// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { instantOf, kept, rowAt, stepped, wallOf } from "./day-board.js";

const ROOM = { columns: 3, rows: 108, span: 12 }; // nine hours, a visit of one

test("an arrow leads a quarter of an hour on, with Shift five minutes, and a desk aside", () => {
  const at = { column: 2, row: 20 };
  assert.deepEqual(stepped(at, "ArrowDown", false, ROOM), { column: 2, row: 23 });
  assert.deepEqual(stepped(at, "ArrowUp", true, ROOM), { column: 2, row: 19 });
  assert.deepEqual(stepped(at, "ArrowLeft", false, ROOM), { column: 1, row: 20 });
  assert.equal(stepped(at, "x", false, ROOM), null);
});

test("a visit never leaves the board", () => {
  assert.deepEqual(kept({ column: 9, row: 400 }, ROOM), { column: 3, row: 98 });
  assert.deepEqual(kept({ column: 0, row: -4 }, ROOM), { column: 1, row: 2 });
  assert.deepEqual(kept({ column: 1, row: 9 }, { columns: 1, rows: 6, span: 12 }), { column: 1, row: 2 });
});

test("what is dropped lies on the quarter hour under it", () => {
  assert.equal(rowAt(0, 8), 2);
  assert.equal(rowAt(25, 8), 5);
  assert.equal(rowAt(-40, 8), 2);
});

test("a row is an instant, and the office reads its own clock at it", () => {
  const begins = Date.UTC(2026, 2, 3, 8);
  assert.equal(instantOf(begins, 2), begins);
  assert.deepEqual(wallOf(instantOf(begins, 8), "Europe/Brussels"), { day: "2026-03-03", clock: "09:30" });
  assert.deepEqual(wallOf(Date.UTC(2026, 2, 3, 17), "Asia/Hong_Kong"), { day: "2026-03-04", clock: "01:00" });
});
