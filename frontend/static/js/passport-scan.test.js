import assert from "node:assert/strict";
import { test } from "node:test";
import { isForAnother, noticeFor } from "./passport-scan.js";

const SHOWN = "0123456789abcdef";

test("the code of the document shown says nothing", () => {
  assert.equal(isForAnother(`#${SHOWN}`, SHOWN), false);
  assert.equal(isForAnother(`#${SHOWN.toUpperCase()}`, SHOWN), false);
});

test("the code of another document is told", () => {
  assert.equal(isForAnother("#0123456789abcdee", SHOWN), true);
});

test("a place on the page is no code", () => {
  for (const hash of ["", "#", "#origin", "#versions", "#0123456789abcde", "#0123456789abcdef0"]) {
    assert.equal(isForAnother(hash, SHOWN), false, hash);
  }
});

test("an earlier version is told calmly, a code that fits none of them as an alarm", () => {
  const earlier = "aaaaaaaaaaaaaaaa";
  assert.equal(noticeFor(`#${earlier.toUpperCase()}`, SHOWN, [earlier]), earlier);
  assert.equal(noticeFor("#bbbbbbbbbbbbbbbb", SHOWN, [earlier]), "unknown");
  assert.equal(noticeFor(`#${SHOWN}`, SHOWN, [earlier]), null);
  assert.equal(noticeFor("#origin", SHOWN, [earlier]), null);
});
