// @ts-check
// SHA-256 and the canonical form of an event (RFC 8785), so that the page can follow the chain of a lot's book
// in the same turn in which it reads it. `crypto.subtle` would answer later, and not at all without TLS.

const K = new Int32Array(64);
const START = new Int32Array(8);
(() => {
  const primes = /** @type {number[]} */ ([]);
  for (let n = 2; primes.length < 64; n += 1) if (primes.every((p) => n % p)) primes.push(n);
  const bits = (/** @type {number} */ x) => Math.floor((x - Math.floor(x)) * 2 ** 32);
  primes.forEach((p, i) => {
    K[i] = bits(Math.cbrt(p));
    if (i < 8) START[i] = bits(Math.sqrt(p));
  });
})();

const w = new Int32Array(64);
const state = new Int32Array(8);
const tail = new Uint8Array(128);

/** One block of 64 bytes into the state; plain arithmetic, since a record of a sale has millions of blocks.
 * @param {Uint8Array} bytes @param {number} from */
function take(bytes, from) {
  for (let i = 0, at = from; i < 16; i += 1, at += 4) {
    w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15], y = w[i - 2];
    w[i] = (w[i - 16] + w[i - 7] + (((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)) +
      (((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10))) | 0;
  }
  let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  for (let i = 0; i < 64; i += 1) {
    const up = (h + (((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))) +
      ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
    const down = ((((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))) +
      ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + up) | 0; d = c; c = b; b = a; a = (up + down) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

/** @param {Uint8Array} bytes @returns {Uint8Array} 32 bytes */
export function digest(bytes) {
  state.set(START);
  const whole = bytes.length - (bytes.length % 64);
  for (let block = 0; block < whole; block += 64) take(bytes, block);
  const left = bytes.length - whole, room = left < 56 ? 64 : 128;
  tail.fill(0);
  for (let i = 0; i < left; i += 1) tail[i] = bytes[whole + i];
  tail[left] = 0x80;
  const high = Math.floor(bytes.length / 2 ** 29), low = (bytes.length << 3) >>> 0;
  for (let i = 0; i < 4; i += 1) {
    tail[room - 8 + i] = high >>> (24 - 8 * i);
    tail[room - 4 + i] = low >>> (24 - 8 * i);
  }
  for (let block = 0; block < room; block += 64) take(tail, block);
  const found = new Uint8Array(32);
  for (let i = 0; i < 32; i += 1) found[i] = state[i >> 2] >>> (24 - 8 * (i & 3));
  return found;
}

const PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** @param {Uint8Array} bytes @returns {string} 64 lower-case hex digits */
export function sha256(bytes) {
  let words = "";
  for (const byte of digest(bytes)) words += PAIRS[byte];
  return words;
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
