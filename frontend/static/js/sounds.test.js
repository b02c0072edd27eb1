import assert from "node:assert/strict";
import { test } from "node:test";
import { isClosingMark, SWITCH, soundOf, Sounds, titled, TONES } from "./sounds.js";

function heard(setting) {
  const kept = new Map(setting ? [[SWITCH, setting]] : []);
  const played = [];
  const part = () => ({ connect: (next) => next, setValueAtTime() {}, linearRampToValueAtTime() {} });
  const context = {
    currentTime: 0, destination: {}, resume: async () => {},
    createGain: () => ({ ...part(), gain: part() }),
    createOscillator: () => ({ ...part(), frequency: { set value(hz) { played.push(hz); } }, start() {}, stop() {} }),
  };
  const time = { now: 0 };
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
  return { time, played, kept, sounds: new Sounds({ storage, monotonic: () => time.now, open: () => context }) };
}

test("a browser that was never asked is silent", () => {
  const { sounds, played } = heard();
  assert.equal(sounds.play("outbid"), false);
  assert.deepEqual(played, []);
});

test("switched on it is heard at once and keeps it; switched off it is silent again", () => {
  const { sounds, played, kept, time } = heard();
  sounds.switch(true);
  assert.equal(kept.get(SWITCH), "on");
  assert.deepEqual(played, TONES.closing.map(([hz]) => hz));
  sounds.switch(false);
  time.now = 10_000;
  assert.equal(sounds.play("won"), false);
});

test("many lots outbid in one breath are one sound, another kind is heard beside it", () => {
  const { sounds, played, time } = heard("on");
  assert.equal(sounds.play("outbid"), true);
  assert.equal(sounds.play("outbid"), false);
  assert.equal(sounds.play("won"), true);
  time.now = 2_000;
  assert.equal(sounds.play("outbid"), true);
  assert.equal(played.length, 2 * TONES.outbid.length + TONES.won.length);
});

test("a browser that cannot sound still shows the room", () => {
  const sounds = new Sounds({ storage: { getItem: () => "on", setItem() {} }, monotonic: () => 0, open: () => { throw new Error("no device"); } });
  assert.equal(sounds.play("won"), false);
});

test("only own reverses, wins and the last minute are sounds", () => {
  assert.deepEqual(["outbid", "outbid_by_seller", "tied_later", "won", "lost", "winning"].map((to) => soundOf("own", to)), ["outbid", "outbid", "outbid", "won", null, null]);
  assert.equal(soundOf("price"), null);
  assert.deepEqual([300, 60, 10, null].map(isClosingMark), [false, true, false, false]);
});

test("the tab says on how many lots one is outbid, and says it once", () => {
  assert.equal(titled("Lot 7 live", 2), "(2) Lot 7 live");
  assert.equal(titled("(2) Lot 7 live", 3), "(3) Lot 7 live");
  assert.equal(titled("(3) Lot 7 live", 0), "Lot 7 live");
});
