// @ts-check
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { sha512, verifies } from "./ed25519.js";
import { choose } from "./verify-signature.js";

/** @param {import("node:crypto").KeyObject} key */
const raw = (key) => new Uint8Array(Buffer.from(/** @type {string} */ (key.export({ format: "jwk" }).x), "base64url"));

test("SHA-512 is the platform's at every length up to three blocks", () => {
  for (let n = 0; n < 300; n += 7) {
    const bytes = Uint8Array.from({ length: n }, (_, i) => (i * 31 + n) & 255);
    assert.deepEqual(Buffer.from(sha512(bytes)), createHash("sha512").update(bytes).digest());
  }
});

test("a good signature holds and one changed bit of key, signature or message does not", () => {
  const pair = generateKeyPairSync("ed25519");
  const key = raw(pair.publicKey);
  const message = new TextEncoder().encode("the stone is natural");
  const signature = new Uint8Array(sign(null, message, pair.privateKey));
  assert.equal(verifies(key, signature, message), true);
  for (const part of [key, signature, message]) {
    for (const at of [0, part.length - 1]) {
      part[at] = /** @type {number} */ (part[at]) ^ 1;
      assert.equal(verifies(key, signature, message), false);
      part[at] = /** @type {number} */ (part[at]) ^ 1;
    }
  }
});

test("a signature whose number is too large is another spelling and does not hold", () => {
  const pair = generateKeyPairSync("ed25519");
  const signature = new Uint8Array(sign(null, new Uint8Array(3), pair.privateKey));
  let s = 0n;
  for (let i = 63; i >= 32; i -= 1) s = (s << 8n) | BigInt(/** @type {number} */ (signature[i]));
  s += 2n ** 252n + 27742317777372353535851937790883648493n;
  for (let i = 32; i < 64; i += 1, s >>= 8n) signature[i] = Number(s & 255n);
  assert.equal(verifies(raw(pair.publicKey), signature, new Uint8Array(3)), false);
});

test("without WebCrypto the own module answers, with it both agree", async () => {
  const pair = generateKeyPairSync("ed25519");
  const message = new TextEncoder().encode("twice");
  const signature = new Uint8Array(sign(null, message, pair.privateKey));
  for (const holds of [await choose(undefined), await choose(globalThis.crypto.subtle)]) {
    assert.equal(await holds(raw(pair.publicKey), signature, message), true);
    assert.equal(await holds(raw(pair.publicKey), signature, new Uint8Array(5)), false);
  }
});
