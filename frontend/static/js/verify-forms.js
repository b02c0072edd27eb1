// @ts-check
// What a verifier reads: the bundle's zip, documents in their one spelling, keys, policies, proofs of the log.
// Everything here refuses with a word; nothing here believes.
import { canonical, sha256 } from "./sha256.js";

/** Why something cannot be read. */
export class Unreadable extends Error {}

const MOST_BYTES = 16 * 1024 * 1024;
const MOST_ENTRIES = 2000;
const MOST_RATIO = 100;
const MOST_DOCUMENT = 256 * 1024;
const MEMBER = new RegExp(
  "^(?:passport\\.json|passport\\.jwt|verdict\\.json|events/[0-9]{3}\\.json|proofs/[a-z0-9-]{1,40}\\.(?:tlog-proof|entry)|policy" +
    "|did/[A-Za-z0-9._-]{1,120}\\.json|status/[0-9]{1,9}\\.jwt|tables/[a-z_]{1,40}\\.json|rules\\.json" +
    "|countersignatures/[A-Za-z0-9._-]{1,80}\\.json|reports/[A-Za-z0-9._-]{1,120}\\.pdf|inputs/[0-9a-f]{64}\\.json" +
    "|trust\\.json|keys\\.json|README\\.txt|MANIFEST)$",
);
const DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** @typedef {Map<string, Uint8Array>} Members */
/** @typedef {Record<string, any>} Doc */

// -- bytes and texts --------------------------------------------------------------------------------------------------

/** @param {Uint8Array} bytes @returns {string} */
export function text(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Unreadable("text that is not UTF-8");
  }
}

/** @param {string} words */
export function bytes(words) {
  return new TextEncoder().encode(words);
}

/** @param {...Uint8Array} parts */
export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {Uint8Array} data */
export function hex(data) {
  return [...data].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} words an even number of hex digits */
export function fromHex(words) {
  return Uint8Array.from(words.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Standard base64, in its one spelling. @param {string} words */
export function fromBase64(words) {
  try {
    const raw = atob(words);
    if (btoa(raw) === words) return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  } catch { /* said below */ }
  throw new Unreadable("not base64");
}

/** @param {Uint8Array} data */
export function base64url(data) {
  let raw = "";
  for (const byte of data) raw += String.fromCharCode(byte);
  return btoa(raw).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {string} words unpadded */
export function fromBase64url(words) {
  if (!/^[A-Za-z0-9_-]*$/.test(words)) throw new Unreadable("not base64url");
  return fromBase64(words.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (words.length % 4)) % 4));
}

/** @param {string} words at most some hundred digits */
export function fromBase58(words) {
  if (words.length > 200) throw new Unreadable("not base58btc");
  let number = 0n;
  for (const digit of words) {
    const value = DIGITS.indexOf(digit);
    if (value < 0) throw new Unreadable("not base58btc");
    number = number * 58n + BigInt(value);
  }
  const digits = number === 0n ? "" : number.toString(16);
  const zeros = words.length - words.replace(/^1+/, "").length;
  return joined(new Uint8Array(zeros), fromHex(digits.length % 2 ? `0${digits}` : digits));
}

// -- documents --------------------------------------------------------------------------------------------------------

/** The document in its canonical bytes: any other spelling, a doubled member or a fraction is refused.
 * @param {Uint8Array} data @returns {Doc} */
export function readDocument(data) {
  if (data.length > MOST_DOCUMENT) throw new Unreadable("longer than 256 KiB");
  const words = text(data);
  let found;
  try {
    found = JSON.parse(words);
    whole(found, 32);
    if (canonical(found) === words && !/[\ud800-\udfff]/u.test(words)) {
      if (found !== null && typeof found === "object" && !Array.isArray(found)) return found;
    }
  } catch (fault) {
    if (fault instanceof Unreadable) throw fault;
    throw new Unreadable("not JSON");
  }
  throw new Unreadable("not in its canonical bytes (RFC 8785)");
}

/** @param {unknown} value @param {number} depth */
function whole(value, depth) {
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new Unreadable("a number with a fraction");
  if (typeof value === "string" && /[\ud800-\udfff]/u.test(value)) throw new Unreadable("half a character");
  if (value === null || typeof value !== "object") return;
  if (depth === 0) throw new Unreadable("too deep");
  for (const part of Object.values(value)) whole(part, depth - 1);
}

// -- the zip ----------------------------------------------------------------------------------------------------------

/** The members of a bundle. @param {Uint8Array} data @returns {Promise<Members>} */
export async function bundle(data) {
  if (data.length > MOST_BYTES) throw new Unreadable("too long for a browser");
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const tail = data.length - 22;
  if (tail < 0 || view.getUint32(tail, true) !== 0x06054b50) throw new Unreadable("not a zip, or something follows it");
  const count = view.getUint16(tail + 10, true);
  let at = view.getUint32(tail + 16, true);
  if (view.getUint32(tail + 4, true) !== 0 || view.getUint16(tail + 8, true) !== count) throw new Unreadable("not a zip in one piece");
  if (count > MOST_ENTRIES || at + view.getUint32(tail + 12, true) !== tail) throw new Unreadable("the directory cannot be read");
  /** @type {Members} */
  const members = new Map();
  let left = MOST_BYTES, until = 0;
  for (let n = 0; n < count; n += 1) {
    if (at + 46 > tail || view.getUint32(at, true) !== 0x02014b50) throw new Unreadable("the directory cannot be read");
    const u16 = (/** @type {number} */ offset) => view.getUint16(at + offset, true);
    const u32 = (/** @type {number} */ offset) => view.getUint32(at + offset, true);
    const [flags, method, packed, size, named] = [u16(8), u16(10), u32(20), u32(24), u16(28)];
    const [kind, start] = [(u32(38) >>> 16) & 0o170000, u32(42)];
    const name = text(data.subarray(at + 46, at + 46 + named));
    at += 46 + named + u16(30) + u16(32);
    if (name.endsWith("/") && size === 0) continue;
    if (!MEMBER.test(name) || members.has(name)) throw new Unreadable(`${name.slice(0, 80)} is no member of a bundle`);
    if ((kind !== 0 && kind !== 0o100000) || (flags & 1) !== 0) throw new Unreadable(`${name} is a link, or locked`);
    left -= size;
    if (left < 0 || size > packed * MOST_RATIO) throw new Unreadable(`${name} unpacks to too much`);
    if (start < until) throw new Unreadable("members lie over each other");
    const from = begin(data, view, start, name, method);
    until = from + packed;
    if (until > data.length) throw new Unreadable(`${name} ends early`);
    members.set(name, await content(data.subarray(from, until), method, size, name));
  }
  if (at !== tail || !members.has("passport.json")) throw new Unreadable("there is no passport.json in it");
  return members;
}

/** @param {Uint8Array} data @param {DataView} view @param {number} at @param {string} name @param {number} method */
function begin(data, view, at, name, method) {
  if (at + 30 > data.length || view.getUint32(at, true) !== 0x04034b50) throw new Unreadable(`${name} is not where the directory says`);
  const named = view.getUint16(at + 26, true);
  const from = at + 30 + named + view.getUint16(at + 28, true);
  const same = text(data.subarray(at + 30, at + 30 + named)) === name && view.getUint16(at + 8, true) === method;
  if (!same || from > data.length) throw new Unreadable(`${name} is not where the directory says`);
  return from;
}

/** @param {Uint8Array} packed @param {number} method @param {number} size @param {string} name */
async function content(packed, method, size, name) {
  const found = method === 0 ? packed : method === 8 ? await unpacked(packed, "deflate-raw", size) : null;
  if (found === null || found.length !== size) throw new Unreadable(`${name} is not of the size it says`);
  return found;
}

/** @param {Uint8Array} packed @param {"gzip" | "deflate-raw"} form @param {number} most */
export async function unpacked(packed, form, most) {
  const stream = new Blob([new Uint8Array(packed)]).stream().pipeThrough(new DecompressionStream(form)).getReader();
  const parts = [];
  let size = 0;
  try {
    for (let part = await stream.read(); !part.done; part = await stream.read()) {
      size += part.value.length;
      if (size > most) throw new Unreadable("unpacks to too much");
      parts.push(part.value);
    }
  } catch (fault) {
    throw fault instanceof Unreadable ? fault : new Unreadable("cannot be unpacked");
  }
  return joined(...parts);
}

// -- the log ----------------------------------------------------------------------------------------------------------

/** @typedef {{name: string, id: string, key: Uint8Array, kind: number}} VerifierKey */
/** @typedef {{logs: VerifierKey[], witnesses: Map<string, VerifierKey>, groups: Map<string, {threshold: number, members: string[]}>, quorum: string}} Policy */
/** @typedef {{text: string, signatures: {name: string, id: string, blob: Uint8Array}[]}} Note */

/** @param {string} words @returns {VerifierKey} */
export function verifierKey(words) {
  const [, name, id, rest] = words.match(/^([^\s+]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/) ?? [];
  if (!name || !id || !rest) throw new Unreadable("not a verifier key");
  const blob = fromBase64(rest);
  const kind = /** @type {number} */ (blob[0]);
  if (sha256(joined(bytes(`${name}\n`), blob)).slice(0, 8) !== id) throw new Unreadable("the key's id does not fit the key");
  return { name, id, kind, key: blob.subarray(1) };
}

/** @param {string} words @returns {Policy} */
export function policy(words) {
  /** @type {Policy} */
  const found = { logs: [], witnesses: new Map(), groups: new Map(), quorum: "" };
  for (const line of words.split("\n")) {
    const [what, name, ...rest] = line.trim().split(/[ \t]+/);
    if (!what || what.startsWith("#")) continue;
    if (what === "log" && name) found.logs.push(verifierKey(name));
    else if (what === "witness" && name && rest[0]) found.witnesses.set(name, verifierKey(rest[0]));
    else if (what === "group" && name && rest.length > 1) {
      const members = rest.slice(1);
      const threshold = { all: members.length, any: 1 }[/** @type {string} */ (rest[0])] ?? Number(rest[0]);
      if (!(threshold >= 1 && threshold <= members.length)) throw new Unreadable("not a policy");
      found.groups.set(name, { threshold, members });
    } else if (what === "quorum" && name && !found.quorum) found.quorum = name;
    else throw new Unreadable("not a policy");
  }
  if (!found.quorum) throw new Unreadable("not a policy");
  return found;
}

/** Whether witnesses of these names are enough. @param {Policy} of @param {Set<string>} names @param {string} [who] @returns {boolean} */
export function enough(of, names, who = of.quorum) {
  if (who === "none") return true;
  const group = of.groups.get(who);
  return group ? group.members.filter((one) => enough(of, names, one)).length >= group.threshold : names.has(who);
}

/** @param {string} words @returns {Note} */
export function note(words) {
  const cut = words.lastIndexOf("\n\n");
  if (cut < 0 || !words.endsWith("\n")) throw new Unreadable("not a note");
  const signatures = words.slice(cut + 2, -1).split("\n").map((line) => {
    const [, name, blob] = line.match(/^\u2014 ([^\s+]{1,255}) (\S+)$/) ?? [];
    const data = name && blob ? fromBase64(blob) : new Uint8Array();
    if (!name || data.length < 5) throw new Unreadable("not a signature line");
    return { name, id: hex(data.subarray(0, 4)), blob: data.subarray(4) };
  });
  return { text: words.slice(0, cut + 1), signatures };
}

/** @param {string} words @returns {{origin: string, size: number, root: string}} */
export function checkpoint(words) {
  const [origin, size, root, rest, ...more] = words.split("\n");
  if (!origin || !size || !root || rest !== "" || more.length || !/^(0|[1-9][0-9]{0,15})$/.test(size)) throw new Unreadable("not a checkpoint");
  const found = fromBase64(root);
  if (found.length !== 32) throw new Unreadable("not a checkpoint");
  return { origin, size: Number(size), root: hex(found) };
}

/** @param {string} words @returns {{index: number, hashes: Uint8Array[], note: string, extra: string | null}} */
export function tlogProof(words) {
  const cut = words.indexOf("\n\n");
  const [head, ...lines] = words.slice(0, cut).split("\n");
  if (cut < 0 || head !== "c2sp.org/tlog-proof@v1") throw new Unreadable("not a tlog-proof");
  const extra = lines[0]?.startsWith("extra ") ? text(fromBase64(/** @type {string} */ (lines.shift()).slice(6))) : null;
  const index = lines.shift()?.match(/^index (0|[1-9][0-9]{0,15})$/)?.[1];
  const hashes = lines.map(fromBase64);
  if (index === undefined || hashes.length > 63 || hashes.some((one) => one.length !== 32)) throw new Unreadable("not a tlog-proof");
  return { index: Number(index), hashes, note: words.slice(cut + 2), extra };
}

/** Whether the way leads from the leaf to the root (RFC 9162). @param {string} leaf @param {number} index
 * @param {number} size @param {Uint8Array[]} hashes @param {string} root */
export function leads(leaf, index, size, hashes, root) {
  if (!(index >= 0 && index < size)) return false;
  let found = fromHex(leaf), fn = index, sn = size - 1;
  for (const part of hashes) {
    if (sn === 0) return false;
    const left = fn % 2 === 1 || fn === sn;
    found = fromHex(sha256(left ? joined(Uint8Array.of(1), part, found) : joined(Uint8Array.of(1), found, part)));
    if (left) while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)];
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 && hex(found) === root;
}

// -- keys -------------------------------------------------------------------------------------------------------------

/** @typedef {{kid: string, key: Uint8Array, start: string | undefined, end: string | undefined, revoked: string | undefined}} Key */

/** The keys that a DID document lists for assertions. @param {Doc} did @returns {Map<string, Key>} */
export function keysOf(did) {
  const allowed = new Set(did.assertionMethod);
  /** @type {Map<string, Key>} */
  const keys = new Map();
  for (const method of did.verificationMethod ?? []) {
    if (typeof method.publicKeyMultibase !== "string" || !(allowed.has(method.id) || method.revoked)) continue;
    const raw = method.publicKeyMultibase.startsWith("z") ? fromBase58(method.publicKeyMultibase.slice(1)) : new Uint8Array();
    if (raw.length !== 34 || raw[0] !== 0xed || raw[1] !== 1 || !String(method.id).startsWith(`${did.id}#`)) continue;
    keys.set(method.id, {
      kid: method.id, key: raw.subarray(2), start: method.validFrom, end: method.validUntil ?? method.expires, revoked: method.revoked,
    });
  }
  return keys;
}
