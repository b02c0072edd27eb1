// @ts-check
// SCHEMA to STATUS: what a passport says of itself, who signed it with which key, and whether it still counts.
import { canonical, sha256 } from "./sha256.js";
import { Unreadable, base64url, bytes, fromBase58, fromBase64url, fromHex, readDocument, text, unpacked } from "./verify-forms.js";
import { why } from "./verify-report.js";
import { holds } from "./verify-signature.js";
import { say } from "./words.js";

/** @typedef {import("./verify-forms.js").Doc} Doc */
/** @typedef {import("./verify-forms.js").Key} Key */
/** @typedef {import("./verify-forms.js").Members} Members */
/** @typedef {import("./verify-report.js").Examination} Examination */
/** @typedef {Map<string, Key>} Keys */
/** `raw` as it was handed in, empty for a token; `content` what the proofs are over.
 * @typedef {{raw: Uint8Array, document: Doc, proof: Doc | null, content: string}} Passport */

export const ID = /^(https?:\/\/[^/?#\s]{1,255})\/passports\/([0-9A-HJKMNP-TV-Z]{26})\/([1-9][0-9]{0,5})$/;
const W3C = "https://www.w3.org/ns/credentials/v2";
const UNTP = "https://test.uncefact.org/vocabulary/untp/dpp/working/";
const TOKEN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const SECOND = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const EARLY_MS = 300_000;
const DAY_MS = 86_400_000;
const LIST_BYTES = 16_384;

/** @param {Members} members */
export function tokenOf(members) {
  const found = members.get("passport.jwt");
  return found && text(found).trim();
}

/** @param {string} words */
export function isToken(words) {
  return TOKEN.test(words);
}

/** @param {Examination} exam @param {Members} members @returns {Passport | null} */
export function readPassport(exam, members) {
  const raw = members.get("passport.json");
  try {
    const document = readDocument(raw ?? fromBase64url(tokenOf(members)?.split(".")[1] ?? ""));
    const fault = firstFault(document);
    if (fault) throw new Unreadable(say("%(name)s is not as it should be", { name: fault }));
    const { proof = null, ...rest } = document;
    const passport = { raw: raw ?? new Uint8Array(), document: rest, proof, content: canonical(rest) };
    exam.ok("SCHEMA", say("a digital product passport, %(bytes)s bytes", { bytes: raw?.length ?? passport.content.length }));
    return inContext(exam, passport);
  } catch (fault) {
    exam.fail("SCHEMA", why(fault));
    return null;
  }
}

/** @param {Examination} exam @param {Passport} passport @param {Keys} keys @returns {Promise<Key | null>} */
export async function proofDi(exam, { document, proof, content }, keys) {
  if (!proof) {
    exam.fail("PROOF-DI", say("the passport has no proof in it"));
    return null;
  }
  const key = keyOf(exam, "PROOF-DI", document, proof.verificationMethod, keys);
  if (!key) return null;
  const { proofValue, ...config } = proof;
  const named = ["@context", "type", "cryptosuite", "created", "verificationMethod", "proofPurpose"];
  const formed = Object.keys(config).every((one) => named.includes(one)) && config.type === "DataIntegrityProof" &&
    config.cryptosuite === "eddsa-jcs-2022" && config.proofPurpose === "assertionMethod" && typeof config.created === "string" &&
    typeof proofValue === "string" && proofValue.startsWith("z") && canonical(config["@context"]) === canonical(document["@context"]);
  const data = fromHex(sha256(bytes(canonical(config))) + sha256(bytes(content)));
  if (formed && (await holds(key.key, fromBase58(proofValue.slice(1)), data))) {
    exam.ok("PROOF-DI", say("eddsa-jcs-2022, signed with %(kid)s", { kid: key.kid }));
    return key;
  }
  exam.fail("PROOF-DI", formed ? say("the signature does not hold") : say("no single proof of known form"));
  return null;
}

/** @param {Examination} exam @param {Passport} passport @param {string | undefined} token @param {Keys} keys @returns {Promise<Key | null>} */
export async function proofJwt(exam, { document, proof, content }, token, keys) {
  if (!token) {
    exam.skip("PROOF-JWT", say("no token came along"));
    return null;
  }
  try {
    const { header, payload, good, key } = await readToken(exam, "PROOF-JWT", token, document, keys);
    if (!key) return null;
    if (!good) exam.fail("PROOF-JWT", say("the signature does not hold"));
    else if (payload !== base64url(bytes(content))) exam.fail("PROOF-JWT", say("the token is not over the same document"));
    else if (proof && proof.verificationMethod !== header.kid) exam.fail("PROOF-JWT", say("the two proofs name two keys"));
    else {
      exam.ok("PROOF-JWT", say("EdDSA, over the same document"));
      return key;
    }
  } catch (fault) {
    exam.fail("PROOF-JWT", why(fault));
  }
  return null;
}

/** @param {Examination} exam @param {Passport} passport @param {Key} key @param {number | null} seenAt when the log's witnesses had it */
export function keyPeriod(exam, passport, key, seenAt) {
  const said = passport.proof ? passport.proof.created : passport.document.validFrom;
  const created = SECOND.test(said) ? Date.parse(said) : NaN;
  const before = key.start !== undefined && created < Date.parse(key.start);
  const after = key.end !== undefined && created > Date.parse(key.end);
  const revoked = key.revoked !== undefined && created >= Date.parse(key.revoked);
  const late = seenAt !== null && created > seenAt + DAY_MS;
  if (Number.isNaN(created)) exam.fail("KEY-PERIOD", say("the proof does not say when it was made"));
  else if (before) exam.fail("KEY-PERIOD", say("signed before the key was good"));
  else if (after) exam.fail("KEY-PERIOD", say("signed after the key had ended"));
  else if (revoked) exam.fail("KEY-PERIOD", say("signed with a revoked key"));
  else if (late) exam.fail("KEY-PERIOD", say("signed more than a day after the log had it"));
  else exam.ok("KEY-PERIOD", say("signed %(created)s, while the key was good", { created: said }));
}

/** @param {Examination} exam @param {Passport} passport @param {number} now */
export function validity(exam, { document: { validFrom, validUntil } }, now) {
  const [first, last] = [validFrom.slice(0, 10), validUntil.slice(0, 10)];
  if (now < Date.parse(validFrom) - EARLY_MS) exam.fail("VALIDITY", say("not valid before %(day)s", { day: first }));
  else if (now > Date.parse(validUntil)) exam.fail("VALIDITY", say("ended on %(day)s", { day: last }));
  else exam.ok("VALIDITY", say("valid until %(day)s", { day: last }));
}

/** @param {Examination} exam @param {Passport} passport @param {Members} members @param {Keys} keys @param {number} now */
export async function status(exam, { document }, members, keys, now) {
  let oldest = Infinity;
  try {
    for (const entry of document.credentialStatus) {
      const list = members.get(`status/${entry.statusListCredential.split("/").pop()}.jwt`);
      if (!list) return exam.undecided("STATUS", say("no list at hand that tells whether it was revoked or suspended"));
      const { payload, good, key } = await readToken(exam, "STATUS", text(list), document, keys);
      if (!key) return undefined;
      if (!good) return exam.fail("STATUS", say("the signature does not hold"));
      const { marked, from } = await listed(readDocument(fromBase64url(payload)), entry, document.issuer.id);
      if (marked) return exam.fail("STATUS", entry.statusPurpose === "revocation" ? say("it was revoked") : say("it is suspended"));
      oldest = Math.min(oldest, from);
    }
  } catch (fault) {
    return exam.fail("STATUS", why(fault));
  }
  const at = new Date(oldest).toISOString().slice(0, 16).replace("T", " ");
  const hours = Math.max(0, Math.floor((now - oldest) / 3_600_000));
  if (hours < 48) exam.ok("STATUS", say("neither revoked nor suspended at %(at)s UTC, %(hours)s h ago", { at, hours }));
  else exam.ok("STATUS", say("neither revoked nor suspended at %(at)s UTC, but that is %(days)s days old", { at, days: Math.floor(hours / 24) }));
  return undefined;
}

/** What a status list says of an entry, and since when. @param {Doc} list @param {Doc} entry @param {string} issuer */
async function listed(list, entry, issuer) {
  const subject = list.credentialSubject;
  const same = list.issuer === issuer && list.id === entry.statusListCredential && subject.type === "BitstringStatusList" &&
    subject.statusPurpose === entry.statusPurpose;
  if (!same || !subject.encodedList.startsWith("u")) throw new Unreadable(say("a list of another passport or purpose"));
  const bits = await unpacked(fromBase64url(subject.encodedList.slice(1)), "gzip", 16 * LIST_BYTES * 8);
  const index = Number(entry.statusListIndex);
  if (bits.length < LIST_BYTES || index >= bits.length * 8) throw new Unreadable(say("a list of another length"));
  const marked = (/** @type {number} */ (bits[index >> 3]) & (0x80 >> (index & 7))) !== 0;
  return { marked, from: Date.parse(list.validFrom) };
}

/** @param {Examination} exam @param {Passport} passport */
function inContext(exam, passport) {
  const base = passport.document.id.match(ID)?.[1];
  const known = [W3C, UNTP, `${base}/contexts/stone/v1`];
  const named = passport.document["@context"];
  const good = Array.isArray(named) && named[0] === W3C && new Set(named).size === named.length && named.every((one) => known.includes(one));
  if (!good) {
    exam.fail("CONTEXT", say("a context that is not known here"));
    return null;
  }
  exam.ok("CONTEXT", say("all contexts are known here"));
  return passport;
}

/** The issuer's key of that name. @param {Examination} exam @param {string} check @param {Doc} document @param {unknown} kid @param {Keys} keys */
function keyOf(exam, check, document, kid, keys) {
  if (typeof kid !== "string" || !kid.startsWith(`${document.issuer.id}#`)) {
    exam.fail(check, say("signed with a key that is not the issuer's"));
    return null;
  }
  const key = keys.get(kid);
  if (!key) exam.undecided(check, say("the key %(kid)s is not known here", { kid }));
  return key ?? null;
}

/** @param {Examination} exam @param {string} check @param {string} token @param {Doc} document whose issuer signed it @param {Keys} keys */
async function readToken(exam, check, token, document, keys) {
  const [head, payload, signature, ...more] = token.split(".");
  if (!head || !payload || !signature || more.length) throw new Unreadable(say("not a token"));
  const header = readDocument(fromBase64url(head));
  if (header.alg !== "EdDSA" || header.typ !== "vc+jwt" || "crit" in header) throw new Unreadable(say("not a token"));
  const key = keyOf(exam, check, document, header.kid, keys);
  const good = key !== null && (await holds(key.key, fromBase64url(signature), bytes(`${head}.${payload}`)));
  return { header, payload, good, key };
}

/** The first member on which later checks would stumble. @param {Doc} document @returns {string | null} */
function firstFault(document) {
  const { issuer, credentialSubject: subject, credentialStatus: entries } = document;
  const { "stone:origin": origin, "stone:events": events, "stone:log": log } = subject;
  const own = ["type", "id", "name", "issuerAlsoKnownAs"];
  const rules = {
    type: canonical(document.type) === '["DigitalProductPassport","VerifiableCredential"]',
    id: ID.test(document.id),
    issuer: Object.keys(issuer).every((name) => own.includes(name)) && issuer.id.startsWith("did:web:"),
    validFrom: SECOND.test(document.validFrom),
    validUntil: SECOND.test(document.validUntil),
    credentialStatus: Array.isArray(entries) && entries.length === 2 && entries.every((one) => /^[0-9]{1,9}$/.test(one.statusListIndex)),
    statusPurpose: entries.map((/** @type {Doc} */ one) => one.statusPurpose).sort().join(" ") === "revocation suspension",
    "stone:origin": ["VERIFIED", "REVIEW", "PENDING", "REJECTED"].includes(origin.verdict) && ["A", "B", "C", "-"].includes(origin.grade),
    asOf: /^\d{4}-\d\d-\d\d$/.test(origin.asOf),
    verdictDigest: /^sha256:[0-9a-f]{64}$/.test(origin.verdictDigest),
    "stone:log": typeof log.origin === "string" && Number.isSafeInteger(log.treeSize),
    "stone:events": Array.isArray(events) && events.every((one) => Number.isSafeInteger(one.index) && /^[0-9a-f]{64}$/.test(one.leaf)),
  };
  return Object.entries(rules).find(([, good]) => !good)?.[0] ?? null;
}
