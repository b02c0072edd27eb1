// @ts-check
// Sealing bytes to a P-256 key in the browser: HPKE (RFC 9180), base mode, single shot, with DHKEM(P-256, HKDF-SHA256),
// HKDF-SHA256 and AES-128-GCM. The curve, the ciphers and the random numbers are the browser's own.
import { bytes, joined } from "./verify-forms.js";

/** What was not sealed to this key for this purpose, or is no key. */
export class NotSealed extends Error {}

/** @typedef {() => Promise<CryptoKeyPair>} Pair makes the key pair that serves once */

const CURVE = { name: "ECDH", namedCurve: "P-256" };
const KEM = joined(bytes("KEM"), Uint8Array.of(0, 0x10));
const HPKE = joined(bytes("HPKE"), Uint8Array.of(0, 0x10, 0, 1, 0, 1));
const EMPTY = new Uint8Array();

/** The browser's cryptography; it hides where a page came without TLS. @returns {SubtleCrypto} */
export function subtle() {
  const found = globalThis.crypto?.subtle;
  if (!found) throw new NotSealed("this page came without TLS: a browser does no cryptography there");
  return found;
}

/** @type {Pair} */
export async function freshPair() {
  return /** @type {CryptoKeyPair} */ (await subtle().generateKey(CURVE, false, ["deriveBits"]));
}

/** @param {Uint8Array} point uncompressed @returns {Promise<CryptoKey>} */
export async function publicKey(point) {
  if (point.length !== 65 || point[0] !== 4) throw new NotSealed("not a public key");
  try {
    return await subtle().importKey("raw", own(point), CURVE, true, []);
  } catch (fault) {
    if (fault instanceof NotSealed) throw fault;
    throw new NotSealed("not a public key");
  }
}

/** @param {Uint8Array} point of the receiver @param {Uint8Array} info @param {Uint8Array} aad @param {Uint8Array} plain
 * @param {Pair} [pair] @returns {Promise<{enc: Uint8Array, ct: Uint8Array}>} */
export async function sealTo(point, info, aad, plain, pair = freshPair) {
  const once = await pair();
  const enc = new Uint8Array(await subtle().exportKey("raw", once.publicKey));
  const { key, iv } = await schedule(await agreed(once.privateKey, point), enc, point, info);
  return { enc, ct: new Uint8Array(await subtle().encrypt({ name: "AES-GCM", iv, additionalData: own(aad) }, key, own(plain))) };
}

/** What was sealed to the holder of the key; NotSealed when a single bit of anything is another.
 * @param {{key: CryptoKey, point: Uint8Array}} holder @param {Uint8Array} info @param {Uint8Array} aad @param {Uint8Array} enc
 * @param {Uint8Array} ct @returns {Promise<Uint8Array>} */
export async function unseal(holder, info, aad, enc, ct) {
  const { key, iv } = await schedule(await agreed(holder.key, enc), enc, holder.point, info);
  try {
    return new Uint8Array(await subtle().decrypt({ name: "AES-GCM", iv, additionalData: own(aad) }, key, own(ct)));
  } catch {
    throw new NotSealed("not sealed to this key for this purpose");
  }
}

/** HKDF-SHA-256, first half. @param {Uint8Array} salt @param {Uint8Array} ikm */
export async function extract(salt, ikm) {
  return hmac(salt.length ? salt : new Uint8Array(32), ikm);
}

/** HKDF-SHA-256, second half, up to one block. @param {Uint8Array} prk @param {Uint8Array} info @param {number} length */
export async function expand(prk, info, length) {
  return (await hmac(prk, joined(info, Uint8Array.of(1)))).subarray(0, length);
}

/** A view may be part of a larger buffer; the platform wants one of its own. @param {Uint8Array} data */
export function own(data) {
  return new Uint8Array(data);
}

/** @param {CryptoKey} privateKey @param {Uint8Array} point */
async function agreed(privateKey, point) {
  return new Uint8Array(await subtle().deriveBits({ name: "ECDH", public: await publicKey(point) }, privateKey, 256));
}

/** Key and first nonce. @param {Uint8Array} dh @param {Uint8Array} enc @param {Uint8Array} point @param {Uint8Array} info */
async function schedule(dh, enc, point, info) {
  const prk = await labeledExtract(KEM, EMPTY, "eae_prk", dh);
  const shared = await labeledExpand(KEM, prk, "shared_secret", joined(enc, point), 32);
  const noPsk = await labeledExtract(HPKE, EMPTY, "psk_id_hash", EMPTY);
  const context = joined(Uint8Array.of(0), noPsk, await labeledExtract(HPKE, EMPTY, "info_hash", info));
  const secret = await labeledExtract(HPKE, shared, "secret", EMPTY);
  const raw = await labeledExpand(HPKE, secret, "key", context, 16);
  const iv = own(await labeledExpand(HPKE, secret, "base_nonce", context, 12));
  return { key: await subtle().importKey("raw", own(raw), "AES-GCM", false, ["encrypt", "decrypt"]), iv };
}

/** @param {Uint8Array} suite @param {Uint8Array} salt @param {string} label @param {Uint8Array} ikm */
function labeledExtract(suite, salt, label, ikm) {
  return extract(salt, joined(bytes("HPKE-v1"), suite, bytes(label), ikm));
}

/** @param {Uint8Array} suite @param {Uint8Array} prk @param {string} label @param {Uint8Array} info @param {number} length */
function labeledExpand(suite, prk, label, info, length) {
  return expand(prk, joined(Uint8Array.of(0, length), bytes("HPKE-v1"), suite, bytes(label), info), length);
}

/** @param {Uint8Array} key @param {Uint8Array} data */
async function hmac(key, data) {
  const held = await subtle().importKey("raw", own(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await subtle().sign("HMAC", held, own(data)));
}
