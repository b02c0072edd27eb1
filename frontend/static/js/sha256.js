// @ts-check
// SHA-256 and the canonical form of an event (RFC 8785), so that the page can follow the chain of a lot's book
// in the same turn in which it reads it. `crypto.subtle` would answer later, and not at all without TLS.

const K = new Uint32Array(64);
const START = new Uint32Array(8);
(() => {
  const primes = /** @type {number[]} */ ([]);
  for (let n = 2; primes.length < 64; n += 1) if (primes.every((p) => n % p)) primes.push(n);
  const bits = (/** @type {number} */ x) => Math.floor((x - Math.floor(x)) * 2 ** 32);
  primes.forEach((p, i) => {
    K[i] = bits(Math.cbrt(p));
    if (i < 8) START[i] = bits(Math.sqrt(p));
  });
})();

/** @param {number} x @param {number} n */
const turn = (x, n) => (x >>> n) | (x << (32 - n));

/** @param {Uint8Array} bytes @returns {string} 64 lower-case hex digits */
export function sha256(bytes) {
  const room = new Uint8Array((((bytes.length + 8) >> 6) + 1) << 6);
  room.set(bytes);
  room[bytes.length] = 0x80;
  const view = new DataView(room.buffer);
  view.setUint32(room.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(room.length - 4, (bytes.length << 3) >>> 0);
  const state = START.slice();
  const w = new Uint32Array(64);
  const at = (/** @type {Uint32Array} */ from, /** @type {number} */ i) => /** @type {number} */ (from[i]);
  for (let block = 0; block < room.length; block += 64) {
    for (let i = 0; i < 16; i += 1) w[i] = view.getUint32(block + 4 * i);
    for (let i = 16; i < 64; i += 1) {
      const a = at(w, i - 15), b = at(w, i - 2);
      w[i] = at(w, i - 16) + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + at(w, i - 7) + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = /** @type {[number, number, number, number, number, number, number, number]} */ (
      /** @type {unknown} */ ([...state])
    );
    for (let i = 0; i < 64; i += 1) {
      const up = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + at(K, i) + at(w, i)) | 0;
      const down = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + up) | 0, c, b, a, (up + down) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((x, i) => { state[i] = at(state, i) + x; });
  }
  return [...state].map((x) => x.toString(16).padStart(8, "0")).join("");
}

/** RFC 8785 for what a book holds: objects, lists, texts, whole numbers, true, false, null.
 * @param {unknown} value @returns {string} */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const members = /** @type {Record<string, unknown>} */ (value);
    const names = Object.keys(members).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(members[name])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** The leaf hash of an event, which the next one of its book names as `prev`. @param {unknown} event */
export function eventHash(event) {
  const text = new TextEncoder().encode(canonical(event));
  const leaf = new Uint8Array(text.length + 1);
  leaf.set(text, 1);
  return sha256(leaf);
}
