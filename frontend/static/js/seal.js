// @ts-check
// A sealed bid is locked in the browser, under a key made for it alone; the key is split so that any k of the n
// custodians together find it again. What leaves this page, nobody at the house can read. The same envelope as
// `pavilion seal` makes: whoever does not trust the page's code uses that.
import { NotSealed, expand, extract, freshPair, own, publicKey, sealTo, subtle } from "./hpke.js";
import { canonical, sha256 } from "./sha256.js";
import { base64url, bytes, fromBase64url, fromHex, joined } from "./verify-forms.js";

/** `value`: minor units, or basis points of a discount; `at`: microseconds, as `stampOf` writes them.
 * @typedef {{sale: string, lot: string, paddle: string, key: string, entry: "total" | "per_carat" | "discount", value: number, at: string}} Bid */
/** @typedef {{sale: string, lot: string, paddle: string, key: string}} Place */
/** @typedef {{custodians: string[], k: number}} Circle public keys in base64url, in the order of the rules */
/** @typedef {{x: number, enc: string, ct: string, c: string}} SealedShare */
/** @typedef {Place & {v: 1, box: string, shares: SealedShare[]}} Envelope */
/** @typedef {{random: (count: number) => Uint8Array, pair: import("./hpke.js").Pair}} Luck */

const PAYLOAD = 512; // every bid has the same length: an amount shows in no size
const LONGEST = 4096;
const SALT = bytes("pavilion/tender/v1");
export const SHARE = bytes("pavilion/tender/v1/share");

/** @type {Luck} */
const FRESH = { random: (count) => crypto.getRandomValues(new Uint8Array(count)), pair: freshPair };

/** @param {Bid} bid @param {Circle} circle @param {Luck} [luck] @returns {Promise<Envelope>} */
export async function seal(bid, circle, luck = FRESH) {
  const { sale, lot, paddle, key } = bid;
  const place = { sale, lot, paddle, key };
  const named = bid.entry === "discount" ? "bp" : "amount";
  const words = bytes(canonical({ v: 1, ...place, entry: bid.entry, [named]: bid.value, at: bid.at }));
  if (words.length > PAYLOAD || !Number.isSafeInteger(bid.value)) throw new NotSealed("the bid cannot be sealed");
  const plain = joined(words, new Uint8Array(PAYLOAD - words.length).fill(0x20));
  const aad = boundTo(place, circle.custodians);
  const lock = luck.random(32), iv = own(luck.random(12));
  const parts = await split(lock, circle.k, circle.custodians.length);
  const shares = [];
  for (const [index, share] of parts.entries()) {
    const x = index + 1;
    const point = fromBase64url(/** @type {string} */ (circle.custodians[index]));
    await publicKey(point);
    const { enc, ct } = await sealTo(point, joined(SHARE, Uint8Array.of(x)), aad, share, luck.pair);
    shares.push({ x, enc: base64url(enc), ct: base64url(ct), c: checkValue(x, share) });
  }
  const held = await subtle().importKey("raw", own(lock), "AES-GCM", false, ["encrypt"]);
  const ct = new Uint8Array(await subtle().encrypt({ name: "AES-GCM", iv, additionalData: aad }, held, own(plain)));
  const envelope = /** @type {Envelope} */ ({ v: 1, ...place, box: base64url(joined(iv, ct)), shares });
  if (canonical(envelope).length > LONGEST) throw new NotSealed("too many custodians for one envelope");
  return envelope;
}

/** What the book holds of an envelope, and its receipt fixes. @param {Envelope} envelope */
export function envelopeHash(envelope) {
  return sha256(bytes(canonical(envelope)));
}

/** What box and shares are bound to: this bid, at this place, for these custodians. @param {Place} place @param {string[]} custodians */
export function boundTo({ sale, lot, paddle, key }, custodians) {
  return fromHex(sha256(bytes(canonical({ custodians, key, lot, paddle, sale }))));
}

/** By what everybody knows the share of custodian x. @param {number} x @param {Uint8Array} share */
export function checkValue(x, share) {
  return sha256(joined(SHARE, bytes("\n"), Uint8Array.of(x), share));
}

/** An instant as documents write it: microseconds, UTC. @param {number} ms since 1970 */
export function stampOf(ms) {
  return new Date(ms).toISOString().replace("Z", "000Z");
}

// -- splitting a key (Shamir over GF(2^8), polynomial 0x11B) -----------------------------------------------------------

/** The shares of custodians 1 to n. The coefficients follow from the key, so that whoever has it can check all.
 * @param {Uint8Array} lock 32 bytes @param {number} k @param {number} n @returns {Promise<Uint8Array[]>} */
export async function split(lock, k, n) {
  if (!(k >= 1 && k <= n && n <= 255)) throw new NotSealed("not so many custodians");
  const prk = await extract(SALT, lock);
  const coefficients = [lock];
  for (let d = 1; d < k; d += 1) coefficients.push(await expand(prk, joined(bytes("coef"), Uint8Array.of(d)), 32));
  return Array.from({ length: n }, (_, index) => lock.map((_, at) => coefficients.reduceRight(
    (value, coefficient) => product(value, index + 1) ^ /** @type {number} */ (coefficient[at]), 0)));
}

/** The key that these shares of different custodians lie on. @param {[number, Uint8Array][]} shares */
export function combined(shares) {
  const lock = new Uint8Array(32);
  for (const [x, share] of shares) {
    let weight = 1;
    for (const [other] of shares) if (other !== x) weight = product(product(weight, other), inverse(other ^ x));
    share.forEach((byte, at) => { lock[at] = /** @type {number} */ (lock[at]) ^ product(byte, weight); });
  }
  return lock;
}

/** @param {number} a @param {number} b */
function product(a, b) {
  let found = 0;
  for (; b; b >>= 1) {
    if (b & 1) found ^= a;
    a <<= 1;
    if (a & 0x100) a ^= 0x11b;
  }
  return found;
}

/** @param {number} a */
function inverse(a) {
  let power = 1;
  for (let n = 0; n < 254; n += 1) power = product(power, a);
  return power;
}
