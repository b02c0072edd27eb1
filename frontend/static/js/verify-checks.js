// @ts-check
// The checks of `pavilion verify` in the browser, line for line, up to what the rules themselves would be needed for.
// Nothing is sent anywhere.
import { sha256 } from "./sha256.js";
import { countersigned, manifest, verdict } from "./verify-bundle.js";
import { Unreadable, bundle, bytes, keysOf, policy, readDocument, text } from "./verify-forms.js";
import { logged } from "./verify-log.js";
import { checkReceipt, receiptOf, saleKeys } from "./verify-receipt.js";
import { ID, isToken, keyPeriod, proofDi, proofJwt, readPassport, status, tokenOf, validity } from "./verify-passport.js";
import { Examination } from "./verify-report.js";
import { say } from "./words.js";

/** @typedef {import("./verify-forms.js").Members} Members */
/** @typedef {import("./verify-passport.js").Passport} Passport */
/** @typedef {import("./verify-report.js").Report} Report */
/** @typedef {(address: string) => Promise<Uint8Array | null>} Ask what the house answers at a path of its own, if it does */
/** @typedef {{policy: string, did: string, given?: boolean, sales?: string}} Pinned a house's log policy and DID document, as texts;
 * `given`: by the reader; `sales`: the key with which it signs its sales */
/** `whole`: a bundle. `packed`: its MANIFEST speaks of these very members.
 * @typedef {{members: Members, whole: boolean, packed: boolean}} Evidence */

/** The report on a file. Unreadable for what a browser does not read. A passport of the pinned house that came alone is
 * checked with the bundle that `ask` brings; without it its status and its place in the log stay open, and so does the answer.
 * @param {Uint8Array} data @param {Pinned} pinned @param {number} now milliseconds @param {Ask} [ask] @returns {Promise<Report>} */
export async function verify(data, pinned, now, ask) {
  if (data[0] === 0x50 && data[1] === 0x4b) {
    return examined(new Examination(), { members: await bundle(data), whole: true, packed: true }, pinned, now);
  }
  if (data[0] === 0x25) throw new Unreadable(say("a PDF is not read in a browser: use the command pavilion verify"));
  if (/^[\w-]+\.[\w-]+\.[\w-]+~/.test(text(data))) throw new Unreadable(say("what a holder shows is not read in a browser: use the command pavilion verify"));
  const receipt = receiptOf(data);
  if (receipt) return checkReceipt(receipt, saleKeys(`${pinned.sales ?? ""}\n${pinned.policy}`));
  if (text(data.subarray(0, 15)) === "c2sp.org/tlog-p") throw new Unreadable(say("a proof alone does not say of what: check the bid's receipt as JSON, or use the command pavilion verify --entry"));
  const start = text(data.subarray(0, 1)) === "{" ? "passport.json" : "passport.jwt";
  if (start === "passport.jwt" && !isToken(text(data).trimEnd())) throw new Unreadable(say("not a bundle, a passport or a token"));
  const alone = new Map([[start, data]]);
  return (ask && (await withBundle(alone, pinned, now, ask))) ??
    examined(new Examination(), { members: alone, whole: false, packed: false }, pinned, now);
}

/** @param {Members} alone @param {Pinned} pinned @param {number} now @param {Ask} ask @returns {Promise<Report | null>} */
async function withBundle(alone, pinned, now, ask) {
  const passport = readPassport(new Examination(), alone);
  const [, base, stone, version] = passport?.document.id.match(ID) ?? [];
  if (!passport || passport.document.issuer.id !== readDocument(bytes(pinned.did)).id) return null;
  const address = `/passports/${stone}/${version}/bundle`;
  const served = await ask(address).then((found) => found && bundle(found)).catch(() => null);
  if (!served) return null;
  const exam = new Examination();
  const raw = alone.get("passport.json");
  if (raw && text(raw) !== text(served.get("passport.json") ?? new Uint8Array())) {
    exam.fail("MANIFEST", say("the issuer serves another passport under this number"));
  }
  exam.note("KEYS", say("what was not in the file is from %(address)s", { address: base + address }));
  const token = alone.get("passport.jwt");
  const members = token ? new Map([...served, ["passport.jwt", token]]) : served;
  return examined(exam, { members, whole: true, packed: token === undefined }, pinned, now);
}

/** @param {Examination} exam @param {Evidence} evidence @param {Pinned} pinned @param {number} now @returns {Promise<Report>} */
async function examined(exam, evidence, pinned, now) {
  const passport = readPassport(exam, evidence.members);
  if (!passport) return exam.report({ verdict: "", told: "" });
  const seen = await examine(exam, passport, evidence, pinned, now);
  const { grade, asOf: day } = passport.document.credentialSubject["stone:origin"];
  const { good, of } = seen ?? { good: 0, of: 0 };
  return exam.report({
    verdict: `VALID, grade ${grade}, as of ${day}, witnesses ${good} of ${of}`,
    told: say("VALID, grade %(grade)s, as of %(day)s, witnesses %(good)s of %(of)s", { grade, day, good, of }),
  });
}

/** Every check that applies; the order of the lines is the report's business.
 * @param {Examination} exam @param {Passport} passport @param {Evidence} evidence @param {Pinned} pinned @param {number} now */
async function examine(exam, passport, { members, whole, packed }, pinned, now) {
  const house = readDocument(bytes(pinned.did));
  const did = passport.document.issuer.id;
  const keys = house.id === did ? keysOf(house) : new Map();
  const trusted = policy(pinned.policy);
  const prints = { did, key: fingerprint([...keys.values()][0]), log: fingerprint(trusted.logs[0]) };
  exam.note("KEYS", known(keys.size > 0, pinned.given === true, prints));
  const byToken = await proofJwt(exam, passport, tokenOf(members), keys);
  const inside = members.has("passport.json");
  if (!inside) exam.skip("PROOF-DI", say("only the token was given"));
  const signed = inside ? await proofDi(exam, passport, keys) : byToken;
  const seen = await logged(exam, passport, members, trusted);
  if (signed) keyPeriod(exam, passport, signed, seen && seen.at);
  validity(exam, passport, now);
  if (!whole) exam.undecided("STATUS", say("whether it was revoked is told by a bundle, or by its issuer"));
  else {
    if (signed) await status(exam, passport, members, keys, now);
    manifest(exam, members, packed);
    verdict(exam, passport, members);
    countersigned(exam, members);
  }
  return seen;
}

/** Whose keys were believed, or what to hand in where none is known.
 * @param {boolean} found @param {boolean} given @param {{did: string, key: string, log: string}} prints */
function known(found, given, prints) {
  if (found && given) return say("handed in with it: %(did)s, passport key %(key)s, log key %(log)s", prints);
  if (found) return say("pinned in this page: %(did)s, passport key %(key)s, log key %(log)s", prints);
  const host = /^did:web:([A-Za-z0-9.-]+(?:%3A[0-9]+)?)((?::[A-Za-z0-9._~-]+)*)$/.exec(prints.did);
  if (!host) return say("no key of %(did)s is known here", prints);
  const base = `https://${/** @type {string} */ (host[1]).replace("%3A", ":")}`;
  const path = host[2] ? host[2].replaceAll(":", "/") : "/.well-known";
  return say("no key of %(did)s is known here: hand in its %(keys)s and %(policy)s", {
    did: prints.did, keys: `${base}${path}/did.json`, policy: `${base}/log/policy`,
  });
}

/** @param {{key: Uint8Array} | undefined} of */
function fingerprint(of) {
  return of ? sha256(of.key).slice(0, 16) : "–";
}
