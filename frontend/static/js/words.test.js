// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { fill, say, sentence } from "./words.js";

test("a sentence takes its facts", () => {
  assert.equal(fill("Lot %(lot)s at %(price)s", { lot: 14, price: "26,000" }), "Lot 14 at 26,000");
});
test("a fact that is lacking becomes a dash", () => assert.equal(fill("by %(who)s"), "by –"));
test("a doubled percent sign is one", () => assert.equal(fill("25%% of %(x)s", { x: 4 }), "25% of 4"));
test("without a catalogue the English stands", () => assert.equal(say("You lead"), "You lead"));
test("without a catalogue a code stands for itself", () => assert.equal(sentence("below_ask"), "below_ask"));
