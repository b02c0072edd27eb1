// @ts-check
// A custodian's key and shares in the browser, all offline: the key pair is made and opened here and leaves only as the
// file that its owner keeps. The same files as `pavilion custodian`. A tender file is believed nothing that can be
// checked: the log must show the closing, and this device's own clock must have passed the end that the rules set.
import { NotSealed, own, subtle, unseal } from "./hpke.js";
import { SHARE, boundTo, checkValue, envelopeHash } from "./seal.js";
import { canonical, eventHash, sha256 } from "./sha256.js";
import {
  Unreadable, base64url, bytes, checkpoint, fromBase64, fromBase64url, hex, joined, leads, note, text, verifierKey,
} from "./verify-forms.js";
import { holds } from "./verify-signature.js";

export { prepare } from "./verify-signature.js"; // to be called when the page opens: afterwards the network may be cut

/** @typedef {Record<string, any>} Doc */
/** @typedef {{v: 1, kind: "custodian", public: string, private: string}} KeyFile */
/** @typedef {{public: string, point: Uint8Array, key: CryptoKey, signing: CryptoKey}} Custodian */
/** @typedef {import("./seal.js").Envelope} Envelope */
/** What the custodian was handed beforehand: the house's verifier key, the rules of the sale.
 * @typedef {{house?: string, rules?: Doc, answered?: Record<string, string>}} Pins */

/** Why nothing is done; `code` has a sentence in the catalogue, with the place %(fact)s. */
export class Refused extends Error {
  /** @param {string} code @param {string} [fact] */
  constructor(code, fact = "") {
    super(`${code}: ${fact}`);
    this.code = code;
    this.fact = fact;
  }
}

const LONGEST = 64 * 1024 * 1024;
const SIGNED = bytes("pavilion/tender/v1/shares\n");
const ECDH = { name: "ECDH", namedCurve: "P-256" };
const ECDSA = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" };
const HASH = /^[0-9a-f]{64}$/;
const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const EVENT = "at data lot n prev sale seq t type v";

// -- the key file -----------------------------------------------------------------------------------------------------

/** A key pair, as its file. @returns {Promise<KeyFile>} */
export async function newKey() {
  const pair = /** @type {CryptoKeyPair} */ (await subtle().generateKey(ECDH, true, ["deriveBits"]));
  const { d } = await subtle().exportKey("jwk", pair.privateKey);
  const point = new Uint8Array(await subtle().exportKey("raw", pair.publicKey));
  return { v: 1, kind: "custodian", public: base64url(point), private: /** @type {string} */ (d) };
}

/** The text that is kept. @param {KeyFile} key */
export function keyText(key) {
  return `${canonical(key)}\n`;
}

/** @param {string} words of a key file @returns {Promise<Custodian>} */
export async function readKey(words) {
  try {
    const file = members(JSON.parse(words), "kind private public v");
    const point = fromBase64url(file.public);
    if (file.v !== 1 || file.kind !== "custodian" || point.length !== 65 || point[0] !== 4) throw new Error("not a key file");
    const jwk = { kty: "EC", crv: "P-256", x: base64url(point.subarray(1, 33)), y: base64url(point.subarray(33)), d: file.private };
    const key = await subtle().importKey("jwk", jwk, ECDH, false, ["deriveBits"]);
    const signing = await subtle().importKey("jwk", jwk, ECDSA, false, ["sign"]);
    const known = await subtle().importKey("raw", own(point), ECDSA, true, ["verify"]);
    const proof = await subtle().sign(SIGNATURE, signing, own(SIGNED));
    if (!(await subtle().verify(SIGNATURE, known, proof, own(SIGNED)))) throw new Error("the two halves do not belong together");
    return { public: file.public, point, key, signing };
  } catch (fault) {
    throw new Refused("custodian_key_bad", reason(fault));
  }
}

// -- the tender file --------------------------------------------------------------------------------------------------

/** A tender file as it reads; nothing of it is believed yet. @param {Uint8Array} data @returns {Doc} */
export function readTender(data) {
  try {
    if (data.length > LONGEST) throw new Error("longer than 64 MiB");
    const file = members(JSON.parse(text(data)), "checkpoint closed envelopes keys kind opened published rules sale v");
    const { tender, stagger, format } = file.rules;
    if (file.v !== 1 || file.kind !== "tender" || format !== "tender" || tender.sealed !== true) throw new Error("not a sealed tender");
    if (!Array.isArray(tender.custodians) || !STAMP.test(stagger.first)) throw new Error("not the rules of a tender");
    if (!Array.isArray(file.keys) || file.keys.length < 1 || file.keys.length > 16) throw new Error("no keys of the house");
    for (const one of [file.published, file.closed, ...(file.opened === null ? [] : [file.opened])]) {
      const { event, path } = members(one, "event path");
      members(event, EVENT);
      const told = typeof event.type === "string" && event.data !== null && typeof event.data === "object";
      if (!told || event.sale !== file.sale || !Number.isSafeInteger(event.n) || !STAMP.test(event.at) || path.length > 63) throw new Error("not an event");
      path.forEach(fromBase64);
    }
    for (const one of file.envelopes) {
      members(one, "bidder envelope lot");
      const { shares, ...envelope } = members(one.envelope, "box key lot paddle sale shares v");
      const complete = Array.isArray(shares) && shares.length === tender.custodians.length;
      const formed = complete && shares.every((share, index) => members(share, "c ct enc x").x === index + 1 && HASH.test(share.c) &&
        typeof share.enc === "string" && typeof share.ct === "string");
      if (!formed || envelope.sale !== file.sale || envelope.lot !== one.lot || !/^[A-Z]{1,4}$/.test(one.bidder)) throw new Error("not an envelope");
    }
    return file;
  } catch (fault) {
    throw new Refused("tender_bad", reason(fault));
  }
}

/** Returns when this tender was closed, by its log, its rules and the own clock; else Refused says what is not so.
 * @param {Doc} tender @param {number} now milliseconds @param {Pins} [pins] */
export async function checkTender(tender, now, pins = {}) {
  const rules = sha256(bytes(canonical(tender.rules)));
  if (pins.house !== undefined && !tender.keys.includes(pins.house)) throw new Refused("tender_other_house", pins.house);
  if (pins.rules && sha256(bytes(canonical(pins.rules))) !== rules) throw new Refused("tender_other_rules", rules);
  const root = await signedRoot(tender, pins.house === undefined ? tender.keys : [pins.house]);
  for (const { event, path } of [tender.published, tender.opened, tender.closed].filter(Boolean)) {
    if (!leads(eventHash(event), event.n, root.size, path.map(fromBase64), root.root)) {
      throw new Refused("tender_false", `${event.type} does not stand in the log`);
    }
  }
  checkStory(tender, rules);
  // A second first round would be final bids, to be opened before their time.
  const known = pins.answered?.[roundOf(tender)], own = eventHash(tender.closed.event);
  if (known !== undefined && known !== own) throw new Refused("tender_twice", known);
  const due = dueOf(tender), closed = micros(tender.closed.event.at);
  if (now * 1000 < due || closed < due) throw new Refused("tender_early", stamp(due));
  if (now * 1000 < closed) throw new Refused("tender_clock", tender.closed.event.at);
}

/** @param {Doc} tender */
export function roundOf(tender) {
  return tender.opened === null ? 1 : 2;
}

/** The earliest instant at which this round could end, in microseconds. @param {Doc} tender */
export function dueOf(tender) {
  const first = micros(tender.rules.stagger.first);
  if (tender.opened === null) return first;
  const hours = tender.rules.tender.best_and_final?.hours;
  if (!Number.isSafeInteger(hours)) throw new Refused("tender_false", "a second round, which the rules do not know");
  return Math.max(first, micros(tender.opened.event.at)) + hours * 3_600_000_000;
}

// -- the share file ---------------------------------------------------------------------------------------------------

/** The share file of this custodian, signed. Only after `checkTender`. `told` hears how many envelopes are done.
 * @param {Custodian} custodian @param {Doc} tender @param {(done: number, of: number) => void} [told] @returns {Promise<Doc>} */
export async function openTender(custodian, tender, told = () => {}) {
  /** @type {string[]} */
  const custodians = tender.rules.tender.custodians;
  const x = custodians.indexOf(custodian.public) + 1;
  if (x === 0) throw new Refused("tender_not_custodian", custodian.public);
  const shares = [];
  for (const { lot, bidder, envelope } of tender.envelopes) {
    const share = await openShare(custodian, custodians, envelope, x);
    shares.push({ lot, bidder, envelope: envelopeHash(envelope), share: share && hex(share) });
    told(shares.length, tender.envelopes.length);
  }
  const file = { v: 1, kind: "shares", sale: tender.sale, x, custodian: custodian.public, closed: eventHash(tender.closed.event), shares };
  const signed = own(joined(SIGNED, bytes(canonical(file))));
  return { ...file, sig: base64url(new Uint8Array(await subtle().sign(SIGNATURE, custodian.signing, signed))) };
}

/** The share of custodian x, or null when the bidder sealed none that is worth anything: k others may still open the bid.
 * @param {Custodian} custodian @param {string[]} custodians @param {Envelope} envelope @param {number} x */
export async function openShare(custodian, custodians, envelope, x) {
  const sealed = envelope.shares[x - 1];
  if (!sealed || custodians[x - 1] !== custodian.public) return null;
  try {
    const info = joined(SHARE, Uint8Array.of(x));
    const share = await unseal(custodian, info, boundTo(envelope, custodians), fromBase64url(sealed.enc), fromBase64url(sealed.ct));
    return checkValue(x, share) === sealed.c ? share : null;
  } catch (fault) {
    if (fault instanceof NotSealed || fault instanceof Unreadable) return null;
    throw fault;
  }
}

// -- checking ---------------------------------------------------------------------------------------------------------

/** @param {Doc} tender @param {string[]} keys */
async function signedRoot(tender, keys) {
  try {
    const known = keys.map(verifierKey).filter((key) => key.kind === 1);
    const said = note(tender.checkpoint);
    let good = 0;
    for (const { name, id, blob } of said.signatures) {
      const key = known.find((one) => one.name === name && one.id === id);
      if (!key) continue;
      if (!(await holds(key.key, blob, bytes(said.text)))) throw new Error("a signature is wrong");
      good += 1;
    }
    if (good === 0) throw new Error("no signature of a known key");
    const root = checkpoint(said.text);
    if (!known.some((key) => root.origin === `${key.name}/sale/${tender.sale}`)) throw new Error("the checkpoint is of another log");
    return root;
  } catch (fault) {
    throw new Refused("tender_false", reason(fault));
  }
}

/** The events say what the file says: these rules, this closing, these envelopes and no others. @param {Doc} tender @param {string} rules */
function checkStory(tender, rules) {
  const published = tender.published.event, closed = tender.closed.event, opened = tender.opened?.event;
  const named = { "sale.published": "rules", "sale.amended": "to" }[/** @type {string} */ (published.type)];
  if (!named || published.data[named] !== rules) throw new Refused("tender_false", "the log names other rules");
  const order = [published, ...(opened ? [opened] : []), closed].map((event) => event.n);
  const rising = order.every((n, index) => index === 0 || n > /** @type {number} */ (order[index - 1]));
  if (!rising || closed.type !== "tender.closed" || closed.lot !== null) throw new Refused("tender_false", "not the closing of this tender");
  if (opened && opened.type !== "tender.opened") throw new Refused("tender_false", "not the end of the first round");
  const hashes = tender.envelopes.map((/** @type {Doc} */ one) => envelopeHash(one.envelope));
  const counted = { count: hashes.length, envelopes: sha256(bytes(canonical(hashes))) };
  if (canonical(closed.data) !== canonical(counted)) throw new Refused("tender_false", "not the envelopes that the closing counted");
}

/** @param {string} at @returns {number} */
function micros(at) {
  return Date.parse(`${at.slice(0, 23)}Z`) * 1000 + Number(at.slice(23, 26));
}

/** @param {number} us */
function stamp(us) {
  const ms = Math.floor(us / 1000);
  return new Date(ms).toISOString().replace("Z", `${String(us - ms * 1000).padStart(3, "0")}Z`);
}

/** @param {any} value @param {string} names @returns {Doc} */
function members(value, names) {
  if (value === null || typeof value !== "object" || Array.isArray(value) || Object.keys(value).sort().join(" ") !== names) {
    throw new Error(`not the members ${names}`);
  }
  return value;
}

/** @param {unknown} fault */
function reason(fault) {
  return fault instanceof Error ? fault.message.slice(0, 160) : "";
}
