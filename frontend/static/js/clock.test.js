// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { best, instantMs, ServerClock } from "./clock.js";

const AHEAD = 1_700_000_000_000_000; // the server's clock over the page's, in microseconds

test("the exchange with the smallest round trip tells the offset", () => {
  const slow = { t0: 0, t1: AHEAD + 90_000, t2: AHEAD + 90_000, t3: 100_000 };
  const quick = { t0: 200_000, t1: AHEAD + 202_000, t2: AHEAD + 202_100, t3: 204_100 };
  assert.deepEqual(best([slow, quick]), { offset: AHEAD, within: 2_000 });
});
test("an exchange that cannot have happened is not believed", () => {
  assert.equal(best([{ t0: 10, t1: 5, t2: 50, t3: 20 }, { t0: 10, t1: 9, t2: 8, t3: 20 }]), null);
});
test("time is known after an answer and unknown after three seconds of silence", () => {
  let ms = 1_000;
  const clock = new ServerClock(() => ms);
  assert.equal(clock.now(), null);
  const t0 = clock.stamp();
  ms += 10;
  clock.heard();
  clock.answer(t0, AHEAD + t0 + 5_000, AHEAD + t0 + 5_000);
  assert.equal(clock.now(), AHEAD / 1000 + 1_010);
  assert.equal(clock.withinMs(), 5);
  ms += 3_000;
  assert.notEqual(clock.now(), null);
  ms += 1;
  assert.equal(clock.now(), null);
});
test("a later round replaces the offset even when it is less exact, since clocks drift", () => {
  let ms = 0;
  const clock = new ServerClock(() => ms);
  clock.heard();
  const exchange = (/** @type {number} */ trip, /** @type {number} */ drift) => {
    const t0 = clock.stamp();
    ms += trip;
    clock.answer(t0, AHEAD + drift + t0 + trip * 500, AHEAD + drift + t0 + trip * 500);
  };
  for (let i = 0; i < 8; i += 1) exchange(2, 0);
  for (let i = 0; i < 7; i += 1) exchange(6, 1_000);
  assert.equal(clock.known?.offset, AHEAD);
  exchange(6, 1_000);
  assert.equal(clock.known?.offset, AHEAD + 1_000);
});
test("an instant of the book is read to the microsecond", () => {
  assert.equal(instantMs("2026-03-09T14:00:00.000000Z"), Date.UTC(2026, 2, 9, 14));
  assert.equal(instantMs("2026-03-09T14:00:00.106500Z") - Date.UTC(2026, 2, 9, 14), 106.5);
});
