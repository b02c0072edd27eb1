// @ts-check
// The end of a tender's record: weights, envelopes, and after each envelope the shares that opened it. What every
// envelope holds is found from its shares alone, with the browser's own cryptography.
import { NotSealed, own, publicKey, subtle } from "./hpke.js";
import { boundTo, checkValue, combined, envelopeHash, split } from "./seal.js";
import { canonical } from "./sha256.js";
import { Unreadable, bytes, fromBase64url, fromHex } from "./verify-forms.js";
import { BadLine, Odd, Undecided, isObject, plain, time } from "./verify-sale-lines.js";
import { Failed } from "./verify-sale-opened.js";

/** @typedef {import("./seal.js").Envelope} Envelope */
/** @typedef {import("./verify-sale-lines.js").TenderLine} TenderLine */
/** @typedef {import("./verify-sale-lines.js").EnvelopeLine} EnvelopeLine */
/** @typedef {{entry: string, value: unknown}} Payload */
/** `shares` by custodian; `holds` is null where the bid cannot be opened or is no bid.
 * @typedef {{number: number, line: EnvelopeLine, envelope: Envelope, shares: Map<number, Uint8Array>, holds: Payload | null}} Shown */

const LONGEST = 4096, IV = 12, BOX = IV + 512 + 16, POINT = 65, SHARE = 32 + 16;
const NAME = /^[!-~]{1,64}$/, KEY = /^[0-9a-f]{32}$/, HASH = /^[0-9a-f]{64}$/;
const PLACE = /** @type {const} */ (["sale", "lot", "paddle", "key"]);
const ENTRIES = new Map([["total", "amount"], ["per_carat", "amount"], ["discount", "bp"]]);
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Envelopes with their shares, by the hash that the book names. */
export class Opened {
  constructor() {
    /** @type {Map<string, import("./verify-sale-lines.js").WeightLine>} */
    this.weights = new Map();
    /** @type {Map<string, Shown>} */
    this.envelopes = new Map();
  }

  /** The lines read; Failed at the first that is not what the bidder made.
   * @param {string} sale @param {import("./verify-sale-rules.js").RuleSet} rules @param {[number, TenderLine][]} lines
   * @param {(done: number, of: number) => void} told @returns {Promise<Opened>} */
  static async read(sale, { tender }, lines, told) {
    const found = new Opened(), [first] = lines;
    if (!first) return found;
    if (!tender) throw new Failed(first[0], null, "form", "these are not the rules of a tender");
    /** @type {Shown | null} */
    let current = null;
    let last = "";
    for (const [k, [number, line]] of lines.entries()) {
      if (line.kind === "weight") {
        if (current || line.lot <= last) throw new Failed(number, null, "order", "the weights are not in order");
        found.weights.set(line.lot, line);
        last = line.lot;
      } else if (line.kind === "envelope") current = await found.take(number, line, sale, tender);
      else takeShare(number, line, current);
      told(k + 1, 2 * lines.length); // opening takes as long as reading
    }
    let done = 0;
    for (const one of found.envelopes.values()) {
      one.holds = await openBid(one.envelope, tender, one.shares);
      done += 1 + one.shares.size;
      told(lines.length + done, 2 * lines.length);
    }
    return found;
  }

  /** @param {number} number @param {EnvelopeLine} line @param {string} sale @param {import("./seal.js").Circle} circle */
  async take(number, line, sale, circle) {
    let envelope;
    try {
      envelope = await readEnvelope(line.envelope, circle.custodians.length);
    } catch (fault) {
      if (fault instanceof Odd || fault instanceof Unreadable) throw new Failed(number, null, "envelope", fault.message);
      throw fault;
    }
    const hash = envelopeHash(envelope);
    if (envelope.sale !== sale || envelope.lot !== line.lot || this.envelopes.has(hash)) {
      throw new Failed(number, null, "envelope", "of another lot, or twice");
    }
    /** @type {Shown} */
    const shown = { number, line, envelope, shares: new Map(), holds: null };
    this.envelopes.set(hash, shown);
    return shown;
  }
}

/** @param {number} number @param {import("./verify-sale-lines.js").ShareLine} line @param {Shown | null} current */
function takeShare(number, line, current) {
  if (!current || line.lot !== current.line.lot || line.bidder !== current.line.bidder) {
    throw new Failed(number, null, "order", "a share of no envelope");
  }
  const share = fromHex(line.share);
  if (line.x <= Math.max(0, ...current.shares.keys()) || !promised(current.envelope, line.x, share)) {
    throw new Failed(number, null, "share", "not the share that the bidder promised");
  }
  current.shares.set(line.x, share);
}

/** @param {Envelope} envelope @param {number} x @param {Uint8Array} share */
function promised(envelope, x, share) {
  return envelope.shares[x - 1]?.c === checkValue(x, share);
}

// -- one envelope -----------------------------------------------------------------------------------------------------

/** The envelope in a document from outside; Odd or Unreadable for anything that no honest browser makes.
 * @param {unknown} doc @param {number} custodians @returns {Promise<Envelope>} */
export async function readEnvelope(doc, custodians) {
  const read = members(doc, ["v", "box", "shares", ...PLACE], "the envelope");
  if (read.v !== 1 || bytes(canonical(read)).length > LONGEST) throw new Odd("not an envelope of version 1");
  place(read);
  const { shares } = read;
  if (!Array.isArray(shares) || shares.length !== custodians) throw new Odd("not one share for each custodian");
  exact(read.box, BOX, "box");
  for (const [k, one] of shares.entries()) {
    const share = members(one, ["x", "enc", "ct", "c"], `share ${k + 1}`);
    if (share.x !== k + 1) throw new Odd("the shares are not in the order of the custodians");
    if (typeof share.c !== "string" || !HASH.test(share.c)) throw new Odd("c: not a hash");
    await onCurve(exact(share.enc, POINT, "enc"));
    exact(share.ct, SHARE, "ct");
  }
  return /** @type {Envelope} */ (read);
}

/** The bid, from any k good shares whichever they are; null when there are fewer, or what they open is no bid.
 * @param {Envelope} envelope @param {import("./seal.js").Circle} circle @param {Map<number, Uint8Array>} shares
 * @returns {Promise<Payload | null>} */
export async function openBid(envelope, { custodians, k }, shares) {
  const good = [...shares].filter(([x, share]) => promised(envelope, x, share)).sort(([a], [b]) => a - b);
  if (good.length < k) return null;
  const lock = combined(good.slice(0, k));
  // Only if every share follows from this one key would any other k custodians have found the same key.
  const again = await split(lock, k, custodians.length);
  if (!again.every((share, index) => promised(envelope, index + 1, share))) return null;
  const box = fromBase64url(envelope.box);
  let words;
  try {
    const key = await subtle().importKey("raw", own(lock), "AES-GCM", false, ["decrypt"]);
    const way = { name: "AES-GCM", iv: own(box.subarray(0, IV)), additionalData: own(boundTo(envelope, custodians)) };
    words = strict.decode(await subtle().decrypt(way, key, own(box.subarray(IV)))).replace(/ +$/, "");
  } catch {
    return null; // not locked with this key, or no text
  }
  return payload(words, envelope);
}

/** @param {string} words @param {Envelope} envelope @returns {Payload | null} */
function payload(words, envelope) {
  try {
    const doc = JSON.parse(words);
    plain(doc);
    const named = ENTRIES.get(doc?.entry);
    const bid = members(doc, ["v", "entry", named ?? "amount", "at", ...PLACE], "the bid");
    place(bid);
    if (bid.v !== 1 || named === undefined || canonical(bid) !== words) return null;
    instant(bid.at);
    return PLACE.every((name) => bid[name] === envelope[name]) ? { entry: bid.entry, value: bid[named] } : null;
  } catch (fault) {
    if (fault instanceof SyntaxError || fault instanceof BadLine || fault instanceof Odd) return null;
    throw fault;
  }
}

// -- forms ------------------------------------------------------------------------------------------------------------

/** @param {unknown} value @param {string[]} names @param {string} what @returns {Record<string, any>} */
function members(value, names, what) {
  if (!isObject(value) || Object.keys(value).length !== names.length || !names.every((name) => Object.hasOwn(value, name))) {
    throw new Odd(`${what}: not its members`);
  }
  return value;
}

/** @param {Record<string, any>} doc */
function place(doc) {
  for (const name of PLACE) {
    const form = name === "key" ? KEY : NAME;
    if (typeof doc[name] !== "string" || !form.test(doc[name])) throw new Odd(`${name}: not of its form`);
  }
}

/** @param {unknown} words @param {number} length @param {string} name */
function exact(words, length, name) {
  const data = typeof words === "string" ? fromBase64url(words) : new Uint8Array();
  if (data.length !== length) throw new Odd(`${name}: ${length} bytes in base64url are needed`);
  return data;
}

/** @param {Uint8Array} point */
async function onCurve(point) {
  try {
    await publicKey(point);
  } catch (fault) {
    if (!(fault instanceof NotSealed)) throw fault;
    // A browser hides its cryptography on pages that came without TLS.
    throw globalThis.crypto?.subtle ? new Odd("not a public key") : new Undecided(fault.message);
  }
}

/** @param {unknown} value */
function instant(value) {
  try {
    time(value);
  } catch (fault) {
    if (!(fault instanceof Undecided)) throw fault; // too far off to be counted here, but an instant
  }
}
