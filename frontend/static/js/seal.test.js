// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { NotSealed, sealTo, unseal } from "./hpke.js";
import { boundTo, checkValue, combined, envelopeHash, seal, split, stampOf } from "./seal.js";
import { canonical } from "./sha256.js";
import { base64url, bytes, fromBase64url, fromHex, hex } from "./verify-forms.js";

const VECTOR = JSON.parse(readFileSync(new URL("../../../tests/vectors/sealed-tender.json", import.meta.url), "utf8"));
const CIRCLE = { custodians: VECTOR.tender.rules.tender.custodians, k: 2 };
const LOCK = Uint8Array.from({ length: 32 }, (_, byte) => byte);

/** @param {string} point hex @param {string} scalar hex */
async function pairOf(point, scalar) {
  const raw = fromHex(point);
  const jwk = { kty: "EC", crv: "P-256", x: base64url(raw.subarray(1, 33)), y: base64url(raw.subarray(33)), d: base64url(fromHex(scalar)) };
  const curve = { name: "ECDH", namedCurve: "P-256" };
  return {
    privateKey: await crypto.subtle.importKey("jwk", jwk, curve, true, ["deriveBits"]),
    publicKey: await crypto.subtle.importKey("raw", raw, curve, true, []),
  };
}

// -- RFC 9180, appendix A.3 -------------------------------------------------------------------------------------------

const RECEIVER = "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0";
const SENDER = "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4";
const CT = "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434";
const INFO = bytes("Ode on a Grecian Urn"), AAD = bytes("Count-0"), PLAIN = bytes("Beauty is truth, truth beauty");
const receiver = async () => {
  const { privateKey } = await pairOf(RECEIVER, "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2");
  return { key: privateKey, point: fromHex(RECEIVER) };
};

test("the vectors of the RFC hold", async () => {
  const once = () => pairOf(SENDER, "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb");
  const { enc, ct } = await sealTo(fromHex(RECEIVER), INFO, AAD, PLAIN, once);
  assert.deepEqual([hex(enc), hex(ct)], [SENDER, CT]);
  assert.deepEqual(await unseal(await receiver(), INFO, AAD, enc, ct), PLAIN);
});

test("one changed bit anywhere is refused", async () => {
  const holder = await receiver();
  const parts = [INFO, AAD, fromHex(SENDER), fromHex(CT)];
  for (const [which, part] of parts.entries()) {
    for (let at = 0; at < part.length; at += 1) {
      const [info, aad, enc, ct] = parts.map((one, index) => (index === which ? one.map((byte, n) => (n === at ? byte ^ (1 << at % 8) : byte)) : one));
      await assert.rejects(unseal(holder, info, aad, enc, ct), NotSealed);
    }
  }
});

test("what is no point of the curve is no key", async () => {
  for (const point of [new Uint8Array(), new Uint8Array(65), Uint8Array.from({ length: 65 }, (_, at) => (at ? 0 : 4))]) {
    await assert.rejects(sealTo(point, INFO, AAD, PLAIN), NotSealed);
  }
});

// -- the check values of the specification ----------------------------------------------------------------------------

test("the check values of the specification hold", async () => {
  const shares = await split(LOCK, 2, 3);
  assert.equal(hex(shares[0]), "64909498d0f05a5647dcb7b38dc9c1230e16c38169b15da5f2c9cca27d38d401");
  assert.equal(checkValue(1, shares[0]), "7ed121a580a23d5293a6ba62bf02f511cffbe8e0e0856cc81a53bd9ef61158fd");
  assert.equal(hex(shares[2]), "aca9a3b56301e2f4d96dd6d8945a447b32187abe93e2cbda3d727bcbbf725b3d");
  assert.equal(checkValue(3, shares[2]), "aa46b5abc6aa3f55dfa3197a7a64ffbe30b96809ba0eff6c7f79926b5fb2eb2e");
});

test("any k shares find the key again, and fewer do not", async () => {
  const shares = await split(LOCK, 3, 5);
  assert.deepEqual(combined([[5, shares[4]], [1, shares[0]], [3, shares[2]]]), LOCK);
  assert.notDeepEqual(combined([[5, shares[4]], [1, shares[0]]]), LOCK);
  for (const [k, n] of [[0, 3], [4, 3], [2, 256], [NaN, 3]]) await assert.rejects(split(LOCK, k, n), NotSealed);
});

// -- envelopes --------------------------------------------------------------------------------------------------------

test("with the same random numbers the browser makes the same envelope as the command, byte for byte", async () => {
  const random = VECTOR.random.map(fromHex), keys = [...VECTOR.ephemeral];
  const luck = {
    random: () => random.shift(),
    pair: async () => {
      const key = keys.shift();
      return pairOf(hex(fromBase64url(key.public)), hex(fromBase64url(key.private)));
    },
  };
  const envelope = await seal(VECTOR.bid, CIRCLE, luck);
  assert.equal(canonical(envelope), canonical(VECTOR.envelope));
  assert.equal(envelopeHash(envelope), VECTOR.hash);
});

test("every bid has the same size, and no two seals of one bid have anything in common", async () => {
  const small = await seal({ ...VECTOR.bid, value: 1 }, CIRCLE);
  const large = await seal({ ...VECTOR.bid, entry: "discount", value: -100_000 }, CIRCLE);
  assert.equal(canonical(small).length, canonical(large).length);
  const again = await seal({ ...VECTOR.bid, value: 1 }, CIRCLE);
  assert.notEqual(again.box, small.box);
  assert.ok(again.shares.every((share, at) => share.c !== small.shares[at]?.c && share.enc !== small.shares[at]?.enc));
});

test("what cannot be sealed is refused", async () => {
  await assert.rejects(seal({ ...VECTOR.bid, value: 1.5 }, CIRCLE), NotSealed);
  await assert.rejects(seal({ ...VECTOR.bid, sale: "x".repeat(500) }, CIRCLE), NotSealed);
  await assert.rejects(seal(VECTOR.bid, { custodians: CIRCLE.custodians, k: 4 }), NotSealed);
  await assert.rejects(seal(VECTOR.bid, { custodians: [...CIRCLE.custodians.slice(1), base64url(new Uint8Array(65))], k: 2 }), NotSealed);
  await assert.rejects(seal(VECTOR.bid, { custodians: Array(14).fill(CIRCLE.custodians[0]), k: 2 }), NotSealed);
});

test("an envelope is bound to its place and its custodians", () => {
  const bound = hex(boundTo(VECTOR.bid, CIRCLE.custodians));
  for (const name of ["sale", "lot", "paddle", "key"]) {
    assert.notEqual(hex(boundTo({ ...VECTOR.bid, [name]: "x" }, CIRCLE.custodians)), bound);
  }
  assert.notEqual(hex(boundTo(VECTOR.bid, [...CIRCLE.custodians].reverse())), bound);
});

test("an instant is written in microseconds", () => {
  assert.equal(stampOf(Date.UTC(2026, 2, 8, 9, 0, 0, 7)), "2026-03-08T09:00:00.007000Z");
});
