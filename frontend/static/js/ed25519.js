// @ts-check
// Ed25519 verification (RFC 8032) with the language's own whole numbers, for browsers whose WebCrypto lacks it.
// Slow and plain; nothing here is secret, so nothing needs constant time.

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * inverse(121666n));
const ROOT = power(2n, (P - 1n) / 4n); // a square root of -1
const BASE = /** @type {Point} */ (decode(bytesOf(mod(4n * inverse(5n)))));

/** @typedef {[bigint, bigint, bigint, bigint]} Point extended: X, Y, Z, T */

/** @param {Uint8Array} key 32 bytes @param {Uint8Array} signature 64 bytes @param {Uint8Array} data @returns {boolean} */
export function verifies(key, signature, data) {
  if (key.length !== 32 || signature.length !== 64) return false;
  const a = decode(key);
  const s = number(signature.subarray(32));
  if (a === null || s >= L) return false;
  const joined = new Uint8Array(64 + data.length);
  joined.set(signature.subarray(0, 32));
  joined.set(key, 32);
  joined.set(data, 64);
  const k = number(sha512(joined)) % L;
  const minus = /** @type {Point} */ ([mod(-a[0]), a[1], a[2], mod(-a[3])]);
  const found = encode(add(times(BASE, s), times(minus, k)));
  return found.every((byte, i) => byte === signature[i]);
}

/** @param {bigint} n */
function mod(n) {
  const rest = n % P;
  return rest < 0n ? rest + P : rest;
}

/** @param {bigint} n @param {bigint} e */
function power(n, e) {
  let result = 1n;
  for (let base = mod(n), left = e; left > 0n; left >>= 1n, base = mod(base * base)) {
    if (left & 1n) result = mod(result * base);
  }
  return result;
}

/** @param {bigint} n */
function inverse(n) {
  return power(n, P - 2n);
}

/** @param {Uint8Array} bytes little-endian */
function number(bytes) {
  let n = 0n;
  for (let i = bytes.length - 1; i >= 0; i -= 1) n = (n << 8n) | BigInt(/** @type {number} */ (bytes[i]));
  return n;
}

/** @param {bigint} n */
function bytesOf(n) {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((n >> BigInt(8 * i)) & 255n));
}

/** @param {Uint8Array} bytes @returns {Point | null} */
function decode(bytes) {
  const all = number(bytes);
  const sign = all >> 255n;
  const y = all & (2n ** 255n - 1n);
  if (y >= P) return null;
  const yy = mod(y * y);
  const u = mod(yy - 1n);
  const v = mod(D * yy + 1n);
  const square = mod(u * inverse(v));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x) !== square) x = mod(x * ROOT);
  if (mod(x * x) !== square || (x === 0n && sign === 1n)) return null;
  if ((x & 1n) !== sign) x = mod(-x);
  return [x, y, 1n, mod(x * y)];
}

/** @param {Point} point */
function encode([x, y, z]) {
  const one = inverse(z);
  const found = bytesOf(mod(y * one) | ((mod(x * one) & 1n) << 255n));
  return found;
}

/** @param {Point} p @param {Point} q @returns {Point} */
function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2));
  const b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * t1 * t2 * D);
  const d = mod(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

/** @param {Point} point @param {bigint} n @returns {Point} */
function times(point, n) {
  /** @type {Point} */
  let result = [0n, 1n, 1n, 0n];
  for (let left = n, step = point; left > 0n; left >>= 1n, step = add(step, step)) {
    if (left & 1n) result = add(result, step);
  }
  return result;
}

const WORD = 2n ** 64n - 1n;
/** @type {bigint[]} */
const K = [];
/** @type {bigint[]} */
const START = [];
(() => {
  const primes = /** @type {number[]} */ ([]);
  for (let n = 2; primes.length < 80; n += 1) if (primes.every((p) => n % p)) primes.push(n);
  primes.forEach((p, i) => {
    K.push(root(BigInt(p) << 192n, 3n) & WORD);
    if (i < 8) START.push(root(BigInt(p) << 128n, 2n) & WORD);
  });
})();

/** The whole part of the root. @param {bigint} n @param {bigint} of */
function root(n, of) {
  let low = 0n, high = 2n ** 70n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** of <= n) low = middle;
    else high = middle;
  }
  return low;
}

/** @param {Uint8Array} bytes @returns {Uint8Array} 64 bytes */
export function sha512(bytes) {
  const room = new Uint8Array((((bytes.length + 16) >> 7) + 1) << 7);
  room.set(bytes);
  room[bytes.length] = 0x80;
  const view = new DataView(room.buffer);
  view.setBigUint64(room.length - 8, BigInt(bytes.length) * 8n);
  const state = [...START];
  const w = /** @type {bigint[]} */ (new Array(80));
  const at = (/** @type {bigint[]} */ from, /** @type {number} */ i) => /** @type {bigint} */ (from[i]);
  const turn = (/** @type {bigint} */ x, /** @type {bigint} */ n) => (x >> n) | ((x << (64n - n)) & WORD);
  for (let block = 0; block < room.length; block += 128) {
    for (let i = 0; i < 16; i += 1) w[i] = view.getBigUint64(block + 8 * i);
    for (let i = 16; i < 80; i += 1) {
      const a = at(w, i - 15), b = at(w, i - 2);
      const up = turn(a, 1n) ^ turn(a, 8n) ^ (a >> 7n), down = turn(b, 19n) ^ turn(b, 61n) ^ (b >> 6n);
      w[i] = (at(w, i - 16) + up + at(w, i - 7) + down) & WORD;
    }
    let [a, b, c, d, e, f, g, h] = /** @type {[bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint]} */ (
      /** @type {unknown} */ ([...state])
    );
    for (let i = 0; i < 80; i += 1) {
      const up = h + (turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n)) + ((e & f) ^ (~e & WORD & g)) + at(K, i) + at(w, i);
      const down = (turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + up) & WORD, c, b, a, (up + down) & WORD];
    }
    [a, b, c, d, e, f, g, h].forEach((x, i) => { state[i] = (at(state, i) + x) & WORD; });
  }
  const found = new Uint8Array(64);
  state.forEach((x, i) => new DataView(found.buffer).setBigUint64(8 * i, x));
  return found;
}
