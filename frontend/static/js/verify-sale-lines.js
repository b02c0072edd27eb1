// @ts-check
// The lines of a sale's record, read strictly: one byte form, exact members, known words. Pure.
import { canonical, digest } from "./sha256.js";

/** @typedef {Record<string, any>} Doc */
/** @typedef {{kind: "rules", rules: Doc}} RuleSetLine beside the header's: published before it, or given to some lots since */
/** @typedef {{kind: "header", sale: string, rules: Doc, keys: string[], openings: string}} Header */
/** Instants in its data are microseconds. @typedef {{kind: "event", n: number, hash: string, leaf: Uint8Array, lot: string | null,
 *   seq: number, t: number, at: number, type: string, prev: string, sale: string, data: Doc}} Event */
/** A hidden event: only its place and hash. @typedef {{kind: "leaf", n: number, hash: string, leaf: Uint8Array}} Leaf */
/** @typedef {{kind: "root", text: string}} SignedRoot */
/** @typedef {{kind: "bid", n: number, amount: number, nonce: string, key: string}} BidOpening */
/** @typedef {{kind: "reserve", lot: string, reserve: number, nonce: string}} ReserveOpening */
/** What turned the entries of a lot into totals. @typedef {{kind: "weight", lot: string, mct: number, benchmark: number | null}} WeightLine */
/** @typedef {{kind: "envelope", lot: string, bidder: string, envelope: Doc}} EnvelopeLine */
/** A share of the envelope before it. @typedef {{kind: "share", lot: string, bidder: string, x: number, share: string}} ShareLine */
/** @typedef {WeightLine | EnvelopeLine | ShareLine} TenderLine */
/** @typedef {Header | RuleSetLine | Event | Leaf | SignedRoot | BidOpening | ReserveOpening | TenderLine} Line */

export const MAX_LINE = 1024 * 1024;
export const MAX_AMOUNT = 999_999_999_999_999;
export const CURRENCIES = [
  "USD", "EUR", "GBP", "HKD", "CNY", "JPY", "INR", "ILS", "AED", "CHF",
  "SGD", "AUD", "CAD", "ZAR", "BWP", "KRW", "BHD", "KWD", "OMR",
];
const MAX_DEPTH = 32;

/** A line that breaks a rule; the fact says how. */
export class BadLine extends Error {
  /** @param {string} rule @param {string} fact @param {number | null} [n] */
  constructor(rule, fact, n = null) {
    super(`${rule}: ${fact}`);
    this.rule = rule;
    this.fact = fact;
    this.n = n;
  }
}

/** The record holds something this verifier does not know how to replay. */
export class Undecided extends Error {}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const NEWLINE = 10, EVENT = '{"event":', END = ',"kind":"event"}';

/** The line, or BadLine. @param {Uint8Array} raw with its newline @returns {Line} */
export function readLine(raw) {
  if (raw.length > MAX_LINE) throw new BadLine("form", "the line is longer than 1 MiB");
  if (raw[raw.length - 1] !== NEWLINE) throw new BadLine("form", "the line is cut off");
  const body = raw.subarray(0, -1);
  const { words, doc, rising } = parsed(body);
  if (doc === null || typeof doc !== "object" || Array.isArray(doc)) throw new BadLine("form", "not an object");
  // With its names in order the platform writes the canonical form too, in a third of the time.
  if (!(rising && JSON.stringify(doc) === words) && canonical(doc) !== words) throw new BadLine("form", "not the canonical form", wholeOrNull(doc.n));
  const { kind, ...rest } = doc;
  const reader = typeof kind === "string" && Object.hasOwn(READERS, kind) ? READERS[kind] : undefined;
  if (!reader) throw new BadLine("form", `unknown kind '${String(kind).slice(0, 40)}'`);
  try {
    return reader(rest, body);
  } catch (fault) {
    if (!(fault instanceof Odd)) throw fault;
    const inner = rest.event ?? rest;
    throw new BadLine("form", fault.message, inner && typeof inner === "object" ? wholeOrNull(inner.n) : null);
  }
}

/** @param {Uint8Array} body @returns {{words: string, doc: any, rising: boolean}} */
function parsed(body) {
  let words, doc;
  try {
    words = utf8.decode(body);
  } catch {
    throw new BadLine("form", "not UTF-8");
  }
  try {
    doc = JSON.parse(words);
  } catch {
    throw new BadLine("form", "not JSON");
  }
  return { words, doc, rising: plain(doc) };
}

/** Nothing that two readers could take for two things. @param {unknown} value @param {number} [depth]
 * @returns {boolean} whether the names of each object stand in their order */
export function plain(value, depth = MAX_DEPTH) {
  let rising = true;
  if (typeof value === "string") {
    if (/[\ud800-\udfff]/u.test(value)) throw new BadLine("form", "half a character");
  } else if (typeof value === "number") {
    if (!Number.isSafeInteger(value) && (Number.isInteger(value) || !Number.isFinite(value))) {
      throw new BadLine("form", "a number too large to be exact");
    }
  } else if (value !== null && typeof value === "object") {
    if (depth === 0) throw new BadLine("form", "too deep");
    if (Array.isArray(value)) {
      for (const part of value) if (!plain(part, depth - 1)) rising = false;
      return rising;
    }
    const members = /** @type {Doc} */ (value);
    let before = null;
    for (const name in members) {
      if (before !== null && name <= before) rising = false;
      before = name;
      if (!plain(members[name], depth - 1)) rising = false;
    }
  }
  return rising;
}

/** @param {string} sale @param {string} lot @param {string} bidder @param {string} currency @param {BidOpening} one */
export function bidCommitment(sale, lot, bidder, currency, one) {
  const doc = { amount: one.amount, bidder, currency, key: one.key, lot, nonce: one.nonce, sale };
  return hex(digest(encoder.encode(`pavilion/bid/v1\n${JSON.stringify(doc)}`))); // canonical: the names stand in order
}

/** @param {string} sale @param {string} currency @param {ReserveOpening} one */
export function reserveCommitment(sale, currency, one) {
  const doc = { currency, lot: one.lot, nonce: one.nonce, reserve: one.reserve, sale };
  return hex(digest(encoder.encode(`pavilion/reserve/v1\n${JSON.stringify(doc)}`))); // canonical: the names stand in order
}

const PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** @param {Uint8Array} data */
export function hex(data) {
  let words = "";
  for (const byte of data) words += PAIRS[byte];
  return words;
}

/** @param {string} words an even number of hex digits */
export function fromHex(words) {
  return Uint8Array.from({ length: words.length / 2 }, (_, i) => parseInt(words.slice(2 * i, 2 * i + 2), 16));
}

// -- kinds of line ----------------------------------------------------------------------------------------------------

/** What is wrong inside a line that is well formed. */
export class Odd extends Error {}

/** @type {Record<string, (doc: Doc, body: Uint8Array) => Line>} */
const READERS = {
  header: (doc) => {
    members(doc, ["v", "sale", "rules", "keys", "openings"]);
    const { v, sale, rules, keys, openings } = doc;
    if (v !== 1 || !isText(sale) || !isObject(rules)) throw new Odd("the header is not one of version 1");
    if (!Array.isArray(keys) || keys.length < 1 || keys.length > 16 || !keys.every(isText)) throw new Odd("the header names no keys");
    if (openings !== "losing" && openings !== "auditor") throw new Odd("openings are losing or auditor");
    return { kind: "header", sale, rules, keys, openings };
  },
  rules: (doc) => {
    members(doc, ["rules"]);
    if (!isObject(doc.rules)) throw new Odd("the rule set is no document");
    return { kind: "rules", rules: doc.rules };
  },
  event: (doc, body) => {
    members(doc, ["event"]);
    const event = doc.event;
    if (!isObject(event)) throw new Odd("the event is not an object");
    const read = exactly(event, FORMS.event);
    if (read.v !== 1 || !isObject(event.data)) throw new Odd("not an event of version 1");
    const data = dataOf(read.type, event.data);
    if (OF_THE_SALE.some((type) => read.type.startsWith(type)) !== (read.lot === null)) {
      throw new Odd(`${read.type} stands in the wrong book`);
    }
    const leaf = leafHash(body.subarray(EVENT.length, -END.length));
    return /** @type {Event} */ ({ ...read, kind: "event", hash: hex(leaf), leaf, data });
  },
  leaf: (doc) => {
    const read = exactly(doc, FORMS.leaf);
    return { kind: "leaf", n: read.n, hash: read.hash, leaf: fromHex(read.hash) };
  },
  checkpoint: (doc) => {
    members(doc, ["text"]);
    if (typeof doc.text !== "string") throw new Odd("the checkpoint is no text");
    return { kind: "root", text: doc.text };
  },
  opening: (doc) => ("lot" in doc
    ? /** @type {ReserveOpening} */ ({ kind: "reserve", ...exactly(doc, FORMS.reserve) })
    : /** @type {BidOpening} */ ({ kind: "bid", ...exactly(doc, FORMS.bid) })),
  weight: (doc) => /** @type {WeightLine} */ ({ kind: "weight", ...exactly(doc, FORMS.weight) }),
  envelope: (doc) => {
    members(doc, ["lot", "bidder", "envelope"]);
    if (!isObject(doc.envelope)) throw new Odd("the envelope is no document");
    return /** @type {EnvelopeLine} */ ({ kind: "envelope", ...exactly(doc, FORMS.envelope) });
  },
  share: (doc) => /** @type {ShareLine} */ ({ kind: "share", ...exactly(doc, FORMS.share) }),
};
const OF_THE_SALE = ["sale.", "incident", "tender.closed", "tender.opened"];

let room = new Uint8Array(4096);

/** @param {Uint8Array} entry */
function leafHash(entry) {
  if (room.length <= entry.length) room = new Uint8Array(2 * entry.length + 1);
  room.set(entry, 1); // the first byte stays 0: a leaf
  return digest(room.subarray(0, entry.length + 1));
}

// -- data of events ---------------------------------------------------------------------------------------------------

/** @typedef {{names: string[], fields: [string, string, boolean][]}} Form fields: name, kind, may be null */

/** @param {string} words @returns {Form} */
function form(words) {
  const fields = words.split(" ").filter(Boolean).map((field) => {
    const [name = "", kind = ""] = field.split(":");
    return /** @type {[string, string, boolean]} */ ([name, kind.replace("?", ""), kind.endsWith("?")]);
  });
  return { names: fields.map(([name]) => name), fields };
}

const LISTED = "number:text currency:currency opening:amount reserve_commit:hash? end:time? passport:hash";
const STANDING = "leader:bidder? price:amount? ask:whole reserve_met:truth?";
const FORMS = {
  event: form("v:count sale:text lot:text? seq:count n:count t:time at:time type:text prev:hash data:any"),
  leaf: form("n:count hash:hash"),
  reserve: form("lot:text reserve:amount nonce:hash"),
  bid: form("n:count amount:whole nonce:hash key:key"),
  weight: form("lot:text mct:count benchmark:amount?"),
  envelope: form("lot:text bidder:alias envelope:any"),
  share: form("lot:text bidder:alias x:count share:hash"),
};
/** @type {Record<string, Form[]>} */
const DATA = Object.fromEntries(Object.entries({
  "sale.published": ["rules:hash lots:texts"],
  "sale.opened": [""],
  "sale.resumed": [""],
  "sale.closed": [""],
  "sale.paused": ["by:text reason:text"],
  "sale.unpublished": ["reason:text ok:texts"],
  "sale.amended": ["from:hash to:hash lots:texts ok:texts later:truth", "from:hash to:hash lots:texts ok:texts"],
  "incident": ["kind:text from:time to:time"],
  "tender.closed": ["count:count envelopes:hash"],
  "tender.opened": ["valid:count invalid:count"],
  "tender.sealed": ["bidder:alias envelope:hash"],
  "tender.withdrawn": ["bidder:alias"],
  "lot.listed": [`${LISTED} reoffer_of:text rules:hash`, `${LISTED} reoffer_of:text`, `${LISTED} rules:hash`, LISTED],
  "lot.opened": ["end:time?"],
  "bid.accepted": [`bidder:alias commit:hash via:via ${STANDING} end:time? extended:time?`],
  "bid.voided": [`seqs:counts reason:text ok:texts ${STANDING}`],
  "bid.refused": ["bidder:alias commit:hash code:text after:count"],
  "lot.extended": ["from:time? to:time? cause:text by:text"],
  "lot.paused": ["reason:text by:text"],
  "lot.resumed": ["end:time? by:text"],
  "lot.notice": ["text_en:words text_zh:words passport:hash? by:text"],
  "lot.reserve_lowered": [`reserve_commit:hash ok:texts ${STANDING}`],
  "lot.closing": ["end:time"],
  "lot.reopened": ["end:time ok:texts"],
  "lot.sold": ["bidder:alias price:amount"],
  "lot.passed": ["reason:text"],
  "lot.withdrawn": ["reason:text ok:texts", "reason:text by:text"],
}).map(([type, forms]) => [type, forms.map(form)]));

/** @param {string} type @param {Doc} data @returns {Doc} */
function dataOf(type, data) {
  const forms = Object.hasOwn(DATA, type) ? DATA[type] : undefined;
  if (!forms) throw new Odd(`unknown type '${type.slice(0, 40)}'`);
  const names = Object.keys(data);
  const fits = forms.find((one) => one.names.length === names.length && one.names.every((name) => name in data));
  return exactly(data, fits ?? /** @type {Form} */ (forms[forms.length - 1]));
}

// -- fields -----------------------------------------------------------------------------------------------------------

const HEX64 = /^[0-9a-f]{64}$/, HEX32 = /^[0-9a-f]{32}$/, ALIAS = /^[A-Z]{1,4}$/;
const TEXT = /^[!-~](?:[ -~]{0,198}[!-~])?$/;
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})(\d{3})Z$/;
const VIA = new Set(["online", "phone", "commission", "floor", "staff", "plan"]);
const MONEY = new Set(CURRENCIES);

/** @type {Record<string, (value: any) => boolean>} */
const FITS = {
  any: () => true,
  text: isText,
  texts: (value) => Array.isArray(value) && value.every(isText),
  words: (value) => typeof value === "string" && (value.length <= 20_000 || [...value].length <= 20_000),
  whole: Number.isSafeInteger,
  count: isCount,
  counts: (value) => Array.isArray(value) && value.every(isCount),
  amount: (value) => Number.isSafeInteger(value) && value >= 1 && value <= MAX_AMOUNT,
  hash: (value) => typeof value === "string" && HEX64.test(value),
  key: (value) => typeof value === "string" && HEX32.test(value),
  alias: (value) => typeof value === "string" && ALIAS.test(value),
  bidder: (value) => value === "HOUSE" || (typeof value === "string" && ALIAS.test(value)),
  truth: (value) => typeof value === "boolean",
  via: (value) => VIA.has(value),
  currency: (value) => MONEY.has(value),
};

/** @param {Doc} doc @param {Form} of @returns {Doc} */
function exactly(doc, of) {
  members(doc, of.names);
  /** @type {Doc} */
  const read = {};
  for (const [name, kind, optional] of of.fields) {
    const value = doc[name];
    if (optional && value === null) read[name] = null;
    else if (kind === "time") read[name] = time(value, name);
    else if (FITS[kind]?.(value)) read[name] = value;
    else throw new Odd(`${name} is not a ${kind}`);
  }
  return read;
}

/** @param {Doc} doc @param {string[]} names */
function members(doc, names) {
  const missing = names.find((name) => !Object.hasOwn(doc, name));
  if (missing !== undefined) throw new Odd(`member ${missing} is missing`);
  const odd = Object.keys(doc).find((name) => !names.includes(name));
  if (odd !== undefined) throw new Odd(`member ${odd.slice(0, 40)} is unknown`);
}

/** Read before: many events name the same end. @type {Map<string, number>} */
const times = new Map();

/** Microseconds. @param {unknown} value @param {string} name @returns {number} */
export function time(value, name = "it") {
  const read = typeof value === "string" ? times.get(value) : undefined;
  if (read !== undefined) return read;
  const [, coarse, fine] = typeof value === "string" ? value.match(TIME) ?? [] : [];
  const at = coarse && !coarse.startsWith("0000") ? Date.parse(`${coarse}Z`) : NaN;
  if (Number.isNaN(at) || new Date(at).toISOString() !== `${coarse}Z`) throw new Odd(`${name} is not a time`);
  const found = at * 1000 + Number(fine);
  if (!Number.isSafeInteger(found)) throw new Undecided(`${value} is too far off for a browser`);
  if (times.size > 5000) times.clear();
  times.set(/** @type {string} */ (value), found);
  return found;
}

/** @param {unknown} value @returns {value is string} */
function isText(value) {
  return typeof value === "string" && TEXT.test(value);
}

/** @param {unknown} value */
function isCount(value) {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** @param {unknown} value @returns {value is Doc} */
export function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** @param {unknown} value */
function wholeOrNull(value) {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : null;
}
