// @ts-check
// The checks of `pavilion verify` in the browser, line for line, up to what the rules themselves would be needed for.
// A check that was not done is `skip` and proves nothing. Nothing is sent anywhere.
import { canonical, sha256 } from "./sha256.js";
import {
  Unreadable, base64url, bundle, bytes, checkpoint, enough, fromBase58, fromBase64url, fromHex, joined, keysOf, leads, note, policy,
  readDocument, text, tlogProof, unpacked,
} from "./verify-forms.js";
import { holds } from "./verify-signature.js";
import { say, sentence } from "./words.js";

/** @typedef {import("./verify-forms.js").Doc} Doc */
/** @typedef {import("./verify-forms.js").Key} Key */
/** @typedef {{state: "ok" | "FAIL" | "skip" | "note", name: string, fact: string}} Line */
/** `verdict` is the last line of the command, `told` the same in the reader's language.
 * @typedef {{lines: Line[], verdict: string, told: string, exit: 0 | 1 | 2, code: string | null}} Report */
/** @typedef {(address: string) => Promise<Uint8Array | null>} Ask what the house answers at a path of its own, if it does */
/** @typedef {{policy: string, did: string}} Pinned the house's log policy and DID document, as texts */
/** @typedef {{raw: Uint8Array, document: Doc, proof: Doc | null, content: string}} Passport */

const ORDER = ["KEYS", "SCHEMA", "CONTEXT", "PROOF-DI", "PROOF-JWT", "KEY-PERIOD", "VALIDITY", "STATUS", "LEAF", "INCLUSION", "CHECKPOINT",
  "WITNESS", "MANIFEST", "TABLES", "VERDICT", "COUNTERSIGN"];
const W3C = "https://www.w3.org/ns/credentials/v2";
const UNTP = "https://test.uncefact.org/vocabulary/untp/dpp/working/";
const ID = /^(https?:\/\/[^/?#\s]{1,255})\/passports\/([0-9A-HJKMNP-TV-Z]{26})\/[1-9][0-9]{0,5}$/;
const SECOND = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const ENTRY = /^\{"commit":"([0-9a-f]{64})","issuer":"(did:[a-z0-9]+:[A-Za-z0-9._:%-]{1,400})","kind":"([a-z]{1,10})","t":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)","v":1\}$/;
const EXTRA = /^\{"kind":"([a-z]{1,10})","salt":"([0-9a-f]{32})"\}$/;
const DAY_MS = 86_400_000;
const LIST_BYTES = 16_384;
const MARKS = /** @type {Record<string, string>} */ ({ revocation: "it was revoked", suspension: "it is suspended" });

/** The report on a file. Unreadable for what a browser does not read. A passport of the pinned house that came alone is
 * checked with the bundle that `ask` brings; without it its status and its place in the log stay open, and so does the answer.
 * @param {Uint8Array} data @param {Pinned} pinned @param {number} now milliseconds @param {Ask} [ask] @returns {Promise<Report>} */
export async function verify(data, pinned, now, ask) {
  if (data[0] === 0x50 && data[1] === 0x4b) {
    const members = await bundle(data);
    return new Examination(members, pinned, now).report();
  }
  if (data[0] === 0x25) throw new Unreadable(say("a PDF is not read in a browser: use the command pavilion verify"));
  const start = text(data.subarray(0, 1)) === "{" ? "passport.json" : "passport.jwt";
  if (start === "passport.jwt" && !/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\s*$/.test(text(data))) {
    throw new Unreadable(say("not a bundle, a passport or a token"));
  }
  const alone = new Map([[start, data]]);
  return (ask && (await withBundle(alone, pinned, now, ask))) ?? new Examination(alone, pinned, now, false).report();
}

/** @param {Map<string, Uint8Array>} alone @param {Pinned} pinned @param {number} now @param {Ask} ask */
async function withBundle(alone, pinned, now, ask) {
  const { passport } = new Examination(alone, pinned, now, false);
  const [, base, stone] = passport?.document.id.match(ID) ?? [];
  if (!passport || !base || !stone || passport.document.issuer.id !== readDocument(bytes(pinned.did)).id) return null;
  const address = `/passports/${stone}/${passport.document.id.split("/").pop()}/bundle`;
  const served = await ask(address).then((found) => found && bundle(found)).catch(() => null);
  if (!served) return null;
  const token = alone.get("passport.jwt");
  const raw = alone.get("passport.json");
  const exam = new Examination(token ? new Map([...served, ["passport.jwt", token]]) : served, pinned, now);
  if (raw && text(raw) !== text(served.get("passport.json") ?? new Uint8Array())) {
    exam.fail("MANIFEST", say("the issuer serves another passport under this number"));
  }
  exam.packed = token === undefined;
  exam.lines.push({ state: "note", name: "KEYS", fact: say("what was not in the file is from %(address)s", { address: base + address }) });
  return exam.report();
}

class Examination {
  /** @param {import("./verify-forms.js").Members} members @param {Pinned} pinned @param {number} now @param {boolean} [whole] a bundle */
  constructor(members, pinned, now, whole = true) {
    this.members = members;
    this.pinned = pinned;
    this.now = now;
    this.whole = whole;
    /** @type {Line[]} */
    this.lines = [];
    /** @type {Set<string>} */
    this.open = new Set();
    this.witnesses = { good: 0, of: 0 };
    this.packed = true; // MANIFEST speaks of these very members
    /** @type {number | null} */
    this.seenAt = null;
  }

  /** What was handed in, if it can be read at all; says nothing. */
  get passport() {
    const found = this.read();
    this.lines = [];
    return found;
  }

  /** @returns {Promise<Report>} */
  async report() {
    const passport = this.read();
    if (passport) await this.examine(passport);
    this.lines.sort((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name));
    const code = this.lines.find((line) => line.state === "FAIL")?.name ?? null;
    if (code) return { lines: this.lines, verdict: `NOT VALID: ${code}`, told: say("NOT VALID: %(check)s", { check: plain(code) }), exit: 1, code };
    const open = ORDER.find((name) => this.open.has(name)) ?? null;
    if (open || !passport) {
      return { lines: this.lines, verdict: `NOT DECIDED: ${open}`, told: say("NOT DECIDED: %(check)s", { check: plain(open ?? "SCHEMA") }), exit: 2, code: open };
    }
    const { grade, asOf: day } = passport.document.credentialSubject["stone:origin"];
    const { good, of } = this.witnesses;
    const verdict = `VALID, grade ${grade}, as of ${day}, witnesses ${good} of ${of}`;
    const told = say("VALID, grade %(grade)s, as of %(day)s, witnesses %(good)s of %(of)s", { grade, day, good, of });
    return { lines: this.lines, verdict, told, exit: 0, code: null };
  }

  /** @param {string} name @param {string} fact */
  ok(name, fact) { this.lines.push({ state: "ok", name, fact }); }

  /** @param {string} name @param {string} fact */
  fail(name, fact) { this.lines.push({ state: "FAIL", name, fact }); }

  /** @param {string} name @param {string} fact */
  skip(name, fact) { this.lines.push({ state: "skip", name, fact }); }

  /** What could not be done although the answer hangs on it. @param {string} name @param {string} fact */
  undecided(name, fact) {
    this.open.add(name);
    this.skip(name, fact);
  }

  /** @returns {Passport | null} */
  read() {
    const raw = this.members.get("passport.json");
    try {
      const document = raw ? readDocument(raw) : readDocument(fromBase64url(text(this.token() ?? new Uint8Array()).split(".")[1] ?? ""));
      const fault = firstFault(document);
      if (fault) throw new Unreadable(say("%(name)s is not as it should be", { name: fault }));
      const { proof = null, ...rest } = document;
      const passport = { raw: raw ?? new Uint8Array(), document: rest, proof, content: canonical(rest) };
      this.ok("SCHEMA", say("a digital product passport, %(bytes)s bytes", { bytes: raw?.length ?? passport.content.length }));
      return this.context(passport);
    } catch (fault) {
      this.fail("SCHEMA", fault instanceof Unreadable ? say(fault.message) : say("a member is missing or of another kind"));
      return null;
    }
  }

  token() {
    const found = this.members.get("passport.jwt");
    return found && bytes(text(found).trim());
  }

  /** @param {Passport} passport */
  context(passport) {
    const base = passport.document.id.match(ID)?.[1];
    const known = [W3C, UNTP, `${base}/contexts/stone/v1`];
    const named = passport.document["@context"];
    const good = Array.isArray(named) && named[0] === W3C && new Set(named).size === named.length && named.every((one) => known.includes(one));
    if (!good) {
      this.fail("CONTEXT", say("a context that is not known here"));
      return null;
    }
    this.ok("CONTEXT", say("all contexts are known here"));
    return passport;
  }

  /** @param {Passport} passport */
  async examine(passport) {
    const did = passport.document.issuer.id;
    const house = readDocument(bytes(this.pinned.did));
    const keys = house.id === did ? keysOf(house) : new Map();
    const log = policy(this.pinned.policy);
    const first = log.logs[0] ? sha256(log.logs[0].key).slice(0, 16) : "–";
    const fact = keys.size
      ? say("pinned in this page: %(did)s, passport key %(key)s, log key %(log)s", { did, key: fingerprint(keys), log: first })
      : say("no key of %(did)s is known here", { did });
    this.lines.push({ state: "note", name: "KEYS", fact });
    const byToken = await this.proofJwt(passport, keys);
    const key = this.members.has("passport.json") ? await this.proofDi(passport, keys) : byToken;
    if (!this.members.has("passport.json")) this.skip("PROOF-DI", say("only the token was given"));
    await this.log(passport, log);
    if (key) this.keyPeriod(passport, key);
    this.validity(passport);
    if (!this.whole) this.undecided("STATUS", say("whether it was revoked is told by a bundle, or by its issuer"));
    else if (key) await this.status(passport, keys);
    if (this.whole) this.beside(passport);
  }

  /** @param {Passport} passport @param {unknown} kid @param {Map<string, Key>} keys @param {string} name */
  known(passport, kid, keys, name) {
    if (typeof kid !== "string" || !kid.startsWith(`${passport.document.issuer.id}#`)) {
      this.fail(name, say("signed with a key that is not the issuer's"));
      return null;
    }
    const key = keys.get(kid);
    if (!key) this.undecided(name, say("the key %(kid)s is not known here", { kid }));
    return key ?? null;
  }

  /** @param {Passport} passport @param {Map<string, Key>} keys */
  async proofDi({ document, proof, content }, keys) {
    if (!proof) {
      this.fail("PROOF-DI", say("the passport has no proof in it"));
      return null;
    }
    const key = this.known({ document, proof, content, raw: new Uint8Array() }, proof.verificationMethod, keys, "PROOF-DI");
    if (!key) return null;
    const { proofValue, ...config } = proof;
    const named = ["@context", "type", "cryptosuite", "created", "verificationMethod", "proofPurpose"];
    const formed = Object.keys(config).every((one) => named.includes(one)) && config.type === "DataIntegrityProof" &&
      config.cryptosuite === "eddsa-jcs-2022" && config.proofPurpose === "assertionMethod" && typeof config.created === "string" &&
      typeof proofValue === "string" && proofValue.startsWith("z") && canonical(config["@context"]) === canonical(document["@context"]);
    const data = fromHex(sha256(bytes(canonical(config))) + sha256(bytes(content)));
    if (formed && (await holds(key.key, fromBase58(proofValue.slice(1)), data))) {
      this.ok("PROOF-DI", say("eddsa-jcs-2022, signed with %(kid)s", { kid: key.kid }));
      return key;
    }
    this.fail("PROOF-DI", formed ? say("the signature does not hold") : say("no single proof of known form"));
    return null;
  }

  /** @param {Passport} passport @param {Map<string, Key>} keys */
  async proofJwt(passport, keys) {
    const token = this.token();
    if (!token) {
      this.skip("PROOF-JWT", say("no token came along"));
      return null;
    }
    try {
      const { header, payload, holds: good, key } = await this.jwt(text(token), passport, keys, "PROOF-JWT");
      if (!key) return null;
      if (!good) this.fail("PROOF-JWT", say("the signature does not hold"));
      else if (payload !== base64url(bytes(passport.content))) this.fail("PROOF-JWT", say("the token is not over the same document"));
      else if (passport.proof && passport.proof.verificationMethod !== header.kid) this.fail("PROOF-JWT", say("the two proofs name two keys"));
      else {
        this.ok("PROOF-JWT", say("EdDSA, over the same document"));
        return key;
      }
    } catch (fault) {
      this.fail("PROOF-JWT", why(fault));
    }
    return null;
  }

  /** @param {string} words @param {Passport} passport @param {Map<string, Key>} keys @param {string} name */
  async jwt(words, passport, keys, name) {
    const [head, payload, signature, ...more] = words.split(".");
    if (!head || !payload || !signature || more.length) throw new Unreadable(say("not a token"));
    const header = readDocument(fromBase64url(head));
    if (header.alg !== "EdDSA" || header.typ !== "vc+jwt" || "crit" in header) throw new Unreadable(say("not a token"));
    const key = this.known(passport, header.kid, keys, name);
    const good = key !== null && (await holds(key.key, fromBase64url(signature), bytes(`${head}.${payload}`)));
    return { header, payload, holds: good, key };
  }

  /** @param {Passport} passport @param {Key} key */
  keyPeriod(passport, key) {
    const said = passport.proof ? passport.proof.created : passport.document.validFrom;
    const created = SECOND.test(said) ? Date.parse(said) : NaN;
    const before = key.start !== undefined && created < Date.parse(key.start);
    const after = key.end !== undefined && created > Date.parse(key.end);
    const revoked = key.revoked !== undefined && created >= Date.parse(key.revoked);
    const late = this.seenAt !== null && created > this.seenAt + DAY_MS;
    if (Number.isNaN(created)) this.fail("KEY-PERIOD", say("the proof does not say when it was made"));
    else if (before) this.fail("KEY-PERIOD", say("signed before the key was good"));
    else if (after) this.fail("KEY-PERIOD", say("signed after the key had ended"));
    else if (revoked) this.fail("KEY-PERIOD", say("signed with a revoked key"));
    else if (late) this.fail("KEY-PERIOD", say("signed more than a day after the log had it"));
    else this.ok("KEY-PERIOD", say("signed %(created)s, while the key was good", { created: said }));
  }

  /** @param {Passport} passport */
  validity({ document }) {
    const day = (/** @type {string} */ at) => at.slice(0, 10);
    if (this.now < Date.parse(document.validFrom) - 300_000) this.fail("VALIDITY", say("not valid before %(day)s", { day: day(document.validFrom) }));
    else if (this.now > Date.parse(document.validUntil)) this.fail("VALIDITY", say("ended on %(day)s", { day: day(document.validUntil) }));
    else this.ok("VALIDITY", say("valid until %(day)s", { day: day(document.validUntil) }));
  }

  /** @param {Passport} passport @param {Map<string, Key>} keys */
  async status(passport, keys) {
    let oldest = Infinity;
    try {
      for (const entry of passport.document.credentialStatus) {
        const token = this.members.get(`status/${entry.statusListCredential.split("/").pop()}.jwt`);
        if (!token) return this.undecided("STATUS", say("no list at hand that tells whether it was revoked or suspended"));
        const { payload, holds: good, key } = await this.jwt(text(token), passport, keys, "STATUS");
        if (!key) return undefined;
        if (!good) return this.fail("STATUS", say("the signature does not hold"));
        const list = readDocument(fromBase64url(payload));
        const subject = list.credentialSubject;
        const same = list.issuer === passport.document.issuer.id && list.id === entry.statusListCredential &&
          subject.type === "BitstringStatusList" && subject.statusPurpose === entry.statusPurpose;
        if (!same || !subject.encodedList.startsWith("u")) return this.fail("STATUS", say("a list of another passport or purpose"));
        const bits = await unpacked(fromBase64url(subject.encodedList.slice(1)), "gzip", 16 * LIST_BYTES * 8);
        const index = Number(entry.statusListIndex);
        if (bits.length < LIST_BYTES || index >= bits.length * 8) return this.fail("STATUS", say("a list of another length"));
        if (/** @type {number} */ (bits[index >> 3]) & (0x80 >> (index & 7))) return this.fail("STATUS", told(MARKS[entry.statusPurpose] ?? ""));
        oldest = Math.min(oldest, Date.parse(list.validFrom));
      }
    } catch (fault) {
      return this.fail("STATUS", why(fault));
    }
    const at = new Date(oldest).toISOString().slice(0, 16).replace("T", " ");
    const hours = Math.max(0, Math.floor((this.now - oldest) / 3_600_000));
    if (hours < 48) this.ok("STATUS", say("neither revoked nor suspended at %(at)s UTC, %(hours)s h ago", { at, hours }));
    else this.ok("STATUS", say("neither revoked nor suspended at %(at)s UTC, but that is %(days)s days old", { at, days: Math.floor(hours / 24) }));
    return undefined;
  }

  /** LEAF to WITNESS. @param {Passport} passport @param {import("./verify-forms.js").Policy} log */
  async log(passport, log) {
    const names = [...this.members.keys()].filter((name) => name.endsWith(".tlog-proof")).map((name) => name.slice(7, -11));
    if (!names.includes("passport")) {
      this.undecided("INCLUSION", say("no proof of the log came along"));
      return;
    }
    const events = new Map(passport.document.credentialSubject["stone:events"].map((/** @type {Doc} */ one) => [one.index, one.leaf]));
    const shown = new Set([...this.members.keys()].filter((name) => name.startsWith("events/")));
    /** @type {Set<string>} */
    const notes = new Set();
    let opened = 0, closed = 0, named = 0;
    for (const name of names.sort()) {
      try {
        const found = this.leaf(passport, name, events);
        shown.delete(`events/${name.slice(6)}.json`);
        notes.add(found.note);
        opened += found.opened ? 1 : 0;
        closed += found.opened ? 0 : 1;
        named += events.has(found.index) ? 1 : 0;
      } catch (fault) {
        const at = fault instanceof Astray ? "INCLUSION" : "LEAF";
        this.fail(at, say("%(name)s: %(why)s", { name, why: why(fault) }));
        return;
      }
    }
    if (shown.size) {
      this.fail("LEAF", say("%(name)s: %(why)s", { name: [...shown].join(" "), why: say("no proof came along") }));
      return;
    }
    this.ok("LEAF", say("%(opened)s commitments opened, %(closed)s stay closed; %(named)s of %(events)s events that the passport names",
      { opened, closed, named, events: events.size }));
    this.ok("INCLUSION", say("%(count)s leaves lead to the signed root", { count: names.length }));
    for (const one of notes) if (!(await this.checkpoint(passport, one, log))) return;
  }

  /** @param {Passport} passport @param {string} name @param {Map<number, string>} events */
  leaf(passport, name, events) {
    const entry = this.members.get(`proofs/${name}.entry`);
    if (!entry) throw new Unreadable(say("the entry that goes with the proof is missing"));
    const proof = tlogProof(text(/** @type {Uint8Array} */ (this.members.get(`proofs/${name}.tlog-proof`))));
    const [, commit, issuer, kind] = text(entry).match(ENTRY) ?? [];
    if (!commit || !kind) throw new Unreadable(say("not an entry of the log"));
    const objects = /** @type {Record<string, Uint8Array | undefined>} */ ({
      passport: passport.raw, verdict: this.members.get("verdict.json"), event: this.members.get(`events/${name.slice(6)}.json`),
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

  /** @param {Passport} passport @param {string} words @param {import("./verify-forms.js").Policy} log */
  async checkpoint(passport, words, log) {
    const signed = note(words);
    const { origin, size } = checkpoint(signed.text);
    const key = log.logs.find((one) => one.name === origin);
    if (!key) {
      this.undecided("CHECKPOINT", say("the log %(origin)s is not one of the policy", { origin }));
      return false;
    }
    const own = signed.signatures.find((one) => one.name === origin && one.id === key.id);
    if (!own || key.kind !== 1 || !(await holds(key.key, own.blob, bytes(signed.text)))) {
      this.fail("CHECKPOINT", say("the log's signature does not hold"));
      return false;
    }
    if (origin !== passport.document.credentialSubject["stone:log"].origin) {
      this.fail("CHECKPOINT", say("the passport names another log"));
      return false;
    }
    this.once("ok", "CHECKPOINT", say("signed by the log %(origin)s at %(size)s leaves", { origin, size }));
    return this.witness(signed, log);
  }

  /** @param {import("./verify-forms.js").Note} signed @param {import("./verify-forms.js").Policy} log */
  async witness(signed, log) {
    /** @type {Set<string>} */
    const good = new Set();
    let last = 0;
    for (const [name, { name: signer, id, key, kind }] of log.witnesses) {
      for (const one of signed.signatures.filter((found) => found.name === signer && found.id === id)) {
        const at = one.blob.length === 72 ? new DataView(new Uint8Array(one.blob).buffer).getBigUint64(0) : 0n;
        const message = bytes(`cosignature/v1\ntime ${at}\n${signed.text}`);
        if (kind !== 4 || one.blob.length !== 72 || !(await holds(key, one.blob.subarray(8), message))) {
          this.fail("WITNESS", say("a witness's cosignature does not hold"));
          return false;
        }
        good.add(name);
        last = Math.max(last, Number(at));
      }
    }
    const facts = { good: good.size, of: log.witnesses.size, at: new Date(last * 1000).toISOString().slice(0, 19).replace("T", " ") };
    if (!enough(log, good)) {
      this.fail("WITNESS", say("%(good)s of %(of)s saw it, that is not enough", facts));
      return false;
    }
    this.witnesses = { good: good.size, of: log.witnesses.size };
    this.seenAt = good.size ? last * 1000 : null;
    this.once("ok", "WITNESS", log.witnesses.size ? say("%(good)s of %(of)s saw it, last at %(at)s UTC", facts) : say("the policy asks for no witness"));
    return true;
  }

  /** One line for several checkpoints. @param {"ok"} state @param {string} name @param {string} fact */
  once(state, name, fact) {
    if (!this.lines.some((line) => line.name === name)) this.lines.push({ state, name, fact });
  }

  /** MANIFEST, TABLES, and what is not done here. @param {Passport} passport */
  beside(passport) {
    const wrong = this.packed ? manifestFault(this.members) : null;
    if (wrong === null) this.ok("MANIFEST", say("%(count)s files as they were packed", { count: this.members.size - 1 }));
    else this.fail("MANIFEST", wrong);
    const raw = this.members.get("verdict.json");
    const digest = passport.document.credentialSubject["stone:origin"].verdictDigest;
    if (raw && digest !== `sha256:${sha256(raw)}`) this.fail("VERDICT", say("not the verdict document that the passport names"));
    else {
      this.skip("VERDICT", say("not computed again in a browser: use the command pavilion verify"));
      if (raw) this.tables(JSON.parse(text(raw)).tables ?? {});
      else this.skip("TABLES", say("without the verdict document nothing names them"));
    }
    const more = [...this.members.keys()].some((name) => name.startsWith("countersignatures/"));
    this.skip("COUNTERSIGN", more ? say("not checked in a browser: use the command pavilion verify") : say("nobody has countersigned"));
  }

  /** @param {Record<string, string>} wanted */
  tables(wanted) {
    const found = new Map([...this.members].filter(([name]) => name.startsWith("tables/")).map(([name, data]) => [name.slice(7, -5), data]));
    const trust = this.members.get("trust.json");
    if (trust) found.set("trust", trust);
    const other = [...found].find(([name, data]) => wanted[name] !== sha256(data));
    const missing = Object.keys(wanted).filter((name) => !found.has(name));
    if (other) this.fail("TABLES", say("%(name)s is not the table that the verdict names", { name: other[0] }));
    else if (missing.length) this.skip("TABLES", say("%(names)s did not come along", { names: missing.join(", ") }));
    else this.ok("TABLES", say("%(count)s tables are those that the verdict names", { count: found.size }));
  }
}

/** A leaf from which no way leads to the root. */
class Astray extends Error {}

/** @param {unknown} fault */
function why(fault) {
  return fault instanceof Unreadable || fault instanceof Astray ? say(fault.message) : say("a member is missing or of another kind");
}

/** A check's name with a plain word beside it. @param {string} name */
function plain(name) {
  return `${name} (${sentence(`checking_${name.toLowerCase()}`)})`;
}

/** @param {string} words of MARKS */
function told(words) {
  return words === MARKS.revocation ? say("it was revoked") : say("it is suspended");
}

/** @param {Map<string, Key>} keys */
function fingerprint(keys) {
  const [key] = keys.values();
  return key ? sha256(key.key).slice(0, 16) : "–";
}

/** The first difference between MANIFEST and the members; null when they agree.
 * @param {import("./verify-forms.js").Members} members */
export function manifestFault(members) {
  const raw = members.get("MANIFEST");
  if (!raw) return say("there is no MANIFEST");
  /** @type {Map<string, string>} */
  const told = new Map();
  for (const line of text(raw).replace(/\n$/, "").split("\n")) {
    const [, hash, name] = line.match(/^([0-9a-f]{64})  ([!-~]{1,160})$/) ?? [];
    if (!hash || !name || told.has(name)) return say("a line of MANIFEST cannot be read");
    told.set(name, hash);
  }
  for (const [name, data] of members) {
    if (name === "MANIFEST") continue;
    if (told.get(name) !== sha256(data)) return say("%(name)s is not the file that was packed", { name });
    told.delete(name);
  }
  const [name] = told.keys();
  return name === undefined ? null : say("%(name)s is missing", { name });
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
