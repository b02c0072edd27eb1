// @ts-check
// LEAF to WITNESS: that the passport and what came with it stand in the public log, as its witnesses saw it.
import { sha256 } from "./sha256.js";
import { Unreadable, bytes, checkpoint, enough, fromHex, joined, leads, note, text, tlogProof } from "./verify-forms.js";
import { why } from "./verify-report.js";
import { holds } from "./verify-signature.js";
import { say } from "./words.js";

/** @typedef {import("./verify-forms.js").Members} Members */
/** @typedef {import("./verify-forms.js").Policy} Policy */
/** @typedef {import("./verify-passport.js").Passport} Passport */
/** @typedef {import("./verify-report.js").Examination} Examination */
/** How many witnesses saw it, and when the last of them did, in milliseconds.
 * @typedef {{good: number, of: number, at: number | null}} Seen */
/** @typedef {{note: string, index: number, opened: boolean}} Leaf */

const ENTRY = /^\{"commit":"([0-9a-f]{64})","issuer":"(did:[a-z0-9]+:[A-Za-z0-9._:%-]{1,400})","kind":"([a-z]{1,10})","t":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)","v":1\}$/;
const EXTRA = /^\{"kind":"([a-z]{1,10})","salt":"([0-9a-f]{32})"\}$/;

/** A leaf from which no way leads to the root. */
class Astray extends Unreadable {}

/** @param {Examination} exam @param {Passport} passport @param {Members} members @param {Policy} policy @returns {Promise<Seen | null>} */
export async function logged(exam, passport, members, policy) {
  const found = leaves(exam, passport, members);
  return found && checkpoints(exam, passport, new Set(found.map((leaf) => leaf.note)), policy);
}

/** Every proof that came along leads somewhere; null where one does not.
 * @param {Examination} exam @param {Passport} passport @param {Members} members @returns {Leaf[] | null} */
function leaves(exam, passport, members) {
  const names = [...members.keys()].filter((name) => name.endsWith(".tlog-proof")).map((name) => name.slice(7, -11)).sort();
  if (!names.includes("passport")) {
    exam.undecided("INCLUSION", say("no proof of the log came along"));
    return null;
  }
  const events = new Map(passport.document.credentialSubject["stone:events"].map((/** @type {any} */ one) => [one.index, one.leaf]));
  const shown = new Set([...members.keys()].filter((name) => name.startsWith("events/")));
  /** @type {Leaf[]} */
  const found = [];
  for (const name of names) {
    try {
      found.push(leafOf(passport, members, name, events));
    } catch (fault) {
      exam.fail(fault instanceof Astray ? "INCLUSION" : "LEAF", say("%(name)s: %(why)s", { name, why: why(fault) }));
      return null;
    }
    shown.delete(`events/${name.slice(6)}.json`);
  }
  if (shown.size) {
    exam.fail("LEAF", say("%(name)s: %(why)s", { name: [...shown].join(" "), why: say("no proof came along") }));
    return null;
  }
  const opened = found.filter((leaf) => leaf.opened).length;
  const named = found.filter((leaf) => events.has(leaf.index)).length;
  exam.ok("LEAF", say("%(opened)s commitments opened, %(closed)s stay closed; %(named)s of %(events)s events that the passport names",
    { opened, closed: found.length - opened, named, events: events.size }));
  exam.ok("INCLUSION", say("%(count)s leaves lead to the signed root", { count: found.length }));
  return found;
}

/** @param {Passport} passport @param {Members} members @param {string} name @param {Map<number, string>} events @returns {Leaf} */
function leafOf(passport, members, name, events) {
  const entry = members.get(`proofs/${name}.entry`);
  if (!entry) throw new Unreadable(say("the entry that goes with the proof is missing"));
  const proof = tlogProof(text(/** @type {Uint8Array} */ (members.get(`proofs/${name}.tlog-proof`))));
  const [, commit, issuer, kind] = text(entry).match(ENTRY) ?? [];
  if (!commit || !kind) throw new Unreadable(say("not an entry of the log"));
  const objects = /** @type {Record<string, Uint8Array | undefined>} */ ({
    passport: passport.raw, verdict: members.get("verdict.json"), event: members.get(`events/${name.slice(6)}.json`),
  });
  const wanted = name.startsWith("event-") ? "event" : name;
  if (kind !== wanted || !(wanted in objects)) throw new Unreadable(say("the entry is of another kind"));
  if (wanted !== "event" && issuer !== passport.document.issuer.id) throw new Unreadable(say("the entry is of another issuer"));
  const [, said, salt] = proof.extra?.match(EXTRA) ?? [];
  const object = objects[wanted];
  if (proof.extra !== null && said !== kind) throw new Unreadable(say("the proof is of another kind"));
  if (object && !salt) throw new Unreadable(say("nothing opens its commitment"));
  if (object && salt && sha256(joined(fromHex(salt), object)) !== commit) throw new Unreadable(say("the commitment is to something else"));
  const hash = sha256(joined(Uint8Array.of(0), entry));
  if (events.has(proof.index) && events.get(proof.index) !== hash) throw new Unreadable(say("the passport names another leaf at this place"));
  const { size, root } = checkpoint(note(proof.note).text);
  if (!leads(hash, proof.index, size, proof.hashes, root)) throw new Astray(say("the way does not lead to the signed root"));
  return { note: proof.note, index: proof.index, opened: object !== undefined };
}

/** Every signed root that the proofs lead to holds; what is said is said of the one that fewest witnesses saw.
 * @param {Examination} exam @param {Passport} passport @param {Set<string>} notes @param {Policy} policy @returns {Promise<Seen | null>} */
async function checkpoints(exam, passport, notes, policy) {
  /** @type {Seen | null} */
  let weakest = null;
  let size = 0;
  for (const words of notes) {
    const signed = note(words);
    const named = checkpoint(signed.text);
    if (!(await signedByLog(exam, passport, signed, named.origin, policy))) return null;
    const seen = await witnessed(exam, signed, policy);
    if (!seen) return null;
    size = named.size;
    if (weakest === null || seen.good < weakest.good) weakest = seen;
  }
  if (weakest === null) return null;
  const { good, of, at } = weakest;
  exam.ok("CHECKPOINT", say("signed by the log %(origin)s at %(size)s leaves", { origin: passport.document.credentialSubject["stone:log"].origin, size }));
  if (of) exam.ok("WITNESS", say("%(good)s of %(of)s saw it, last at %(at)s UTC", { good, of, at: second(at) }));
  else exam.ok("WITNESS", say("the policy asks for no witness"));
  return weakest;
}

/** @param {Examination} exam @param {Passport} passport @param {import("./verify-forms.js").Note} signed @param {string} origin @param {Policy} policy */
async function signedByLog(exam, passport, signed, origin, policy) {
  const key = policy.logs.find((one) => one.name === origin);
  if (!key) {
    exam.undecided("CHECKPOINT", say("the log %(origin)s is not one of the policy", { origin }));
    return false;
  }
  const own = signed.signatures.find((one) => one.name === origin && one.id === key.id);
  if (!own || key.kind !== 1 || !(await holds(key.key, own.blob, bytes(signed.text)))) {
    exam.fail("CHECKPOINT", say("the log's signature does not hold"));
    return false;
  }
  if (origin !== passport.document.credentialSubject["stone:log"].origin) {
    exam.fail("CHECKPOINT", say("the passport names another log"));
    return false;
  }
  return true;
}

/** @param {Examination} exam @param {import("./verify-forms.js").Note} signed @param {Policy} policy @returns {Promise<Seen | null>} */
async function witnessed(exam, signed, policy) {
  /** @type {Set<string>} */
  const good = new Set();
  let last = 0;
  for (const [name, { name: signer, id, key, kind }] of policy.witnesses) {
    for (const one of signed.signatures.filter((found) => found.name === signer && found.id === id)) {
      const at = one.blob.length === 72 ? new DataView(new Uint8Array(one.blob).buffer).getBigUint64(0) : 0n;
      const message = bytes(`cosignature/v1\ntime ${at}\n${signed.text}`);
      if (kind !== 4 || one.blob.length !== 72 || !(await holds(key, one.blob.subarray(8), message))) {
        exam.fail("WITNESS", say("a witness's cosignature does not hold"));
        return null;
      }
      good.add(name);
      last = Math.max(last, Number(at));
    }
  }
  const seen = { good: good.size, of: policy.witnesses.size, at: good.size ? last * 1000 : null };
  if (enough(policy, good)) return seen;
  exam.fail("WITNESS", say("%(good)s of %(of)s saw it, that is not enough", { good: seen.good, of: seen.of }));
  return null;
}

/** @param {number | null} at */
function second(at) {
  return at === null ? "–" : new Date(at).toISOString().slice(0, 19).replace("T", " ");
}
