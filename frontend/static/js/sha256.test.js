// @ts-check
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { canonical, eventHash, sha256 } from "./sha256.js";

test("every length up to three blocks hashes as the platform does", () => {
  for (let n = 0; n < 200; n += 1) {
    const bytes = Uint8Array.from({ length: n }, (_, i) => (i * 7 + n) & 255);
    assert.equal(sha256(bytes), createHash("sha256").update(bytes).digest("hex"), `${n} bytes`);
  }
});
test("members are sorted and texts are written once", () => {
  assert.equal(canonical({ b: [1, null, true], a: "é\n\u0007" }), '{"a":"é\\n\\u0007","b":[1,null,true]}');
});
test("the worked example of the bidding spec has its hash", () => {
  const prev = "bbf92c03d24d5e4730a529b89d79ec4a9385f552d5225b46c03283c7f8e46af4";
  const e2 = {
    at: "2026-03-03T09:14:07.106871Z",
    data: {
      ask: 275000, bidder: "A", commit: "62478fe2a419f0a11ad8196d88e7cd0fa997aa5b7cab0fd369e4b605475b256d",
      end: "2026-03-09T14:00:00.000000Z", extended: null, leader: "A", price: 250000, reserve_met: true, via: "online",
    },
    lot: "L-0001", n: 2, prev: "919bd93b3f03837d4f1895ba6cff9efbf218d0eb9bfa9902c881e6e61f616661",
    sale: "S-DEMO", seq: 2, t: "2026-03-03T09:14:07.104233Z", type: "bid.accepted", v: 1,
  };
  assert.equal(eventHash(e2), prev);
});
