// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { closes } from "./disclosure.js";

test("an open part closes when something elsewhere is clicked", () => assert.ok(closes({ open: true, inside: false })));
test("a click inside leaves it open", () => assert.ok(!closes({ open: true, inside: true })));
test("Escape inside closes it", () => assert.ok(closes({ open: true, inside: true, key: "Escape" })));
test("another key does not", () => assert.ok(!closes({ open: true, inside: true, key: "Tab" })));
test("a closed part stays closed", () => assert.ok(!closes({ open: false, inside: false })));
