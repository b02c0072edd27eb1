// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { canonical } from "./sha256.js";
import { bundle, fromBase58, hex } from "./verify-forms.js";
import { verify } from "./verify-checks.js";

const folder = new URL("../../../tests/vectors/", import.meta.url);
const read = (/** @type {string} */ name) => readFileSync(new URL(name, folder));
const ZIP = new Uint8Array(read("passport-bundle.zip"));
const { now, policy, did } = JSON.parse(read("passport-bundle.json").toString());
const NOW = Date.parse(now);
const PINNED = { policy, did };

test("a good bundle is valid, and what a browser does not do is skipped", async () => {
  const report = await verify(ZIP, PINNED, NOW);
  assert.equal(report.verdict, "VALID, grade A, as of 2026-04-01, witnesses 3 of 3");
  const states = Object.fromEntries(report.lines.map((line) => [line.name, line.state]));
  assert.deepEqual(states, {
    KEYS: "note", SCHEMA: "ok", CONTEXT: "ok", "PROOF-DI": "ok", "PROOF-JWT": "ok", "KEY-PERIOD": "ok", VALIDITY: "ok", STATUS: "ok",
    LEAF: "ok", INCLUSION: "ok", CHECKPOINT: "ok", WITNESS: "ok", MANIFEST: "ok", TABLES: "ok", VERDICT: "skip", COUNTERSIGN: "skip",
  });
});

test("one changed byte of any member is never valid", async () => {
  const members = await bundle(ZIP);
  let random = 7;
  for (const [name, data] of members) {
    for (let n = 0; n < 12; n += 1) {
      random = (random * 1103515245 + 12345) % 2 ** 31;
      const changed = ZIP.slice();
      const at = data.byteOffset + (random % data.length); // members are stored: a view into the file
      changed[at] = /** @type {number} */ (changed[at]) ^ (1 << random % 7);
      let verdict = "unreadable";
      try {
        ({ verdict } = await verify(changed, PINNED, NOW));
      } catch { /* refused with a reason */ }
      assert.ok(!verdict.startsWith("VALID"), `${name} at ${at}`);
    }
  }
});

test("of another house nothing is decided", async () => {
  const other = did.replaceAll("house.example", "other.example");
  const report = await verify(ZIP, { policy, did: canonical(JSON.parse(other)) }, NOW);
  assert.equal(report.verdict, "NOT DECIDED: PROOF-DI");
});

test("too few witnesses, an ended passport and a wrong log key are named", async () => {
  const strict = policy.replace("group g 2 ", "group g 3 ");
  assert.equal((await verify(ZIP, { policy: strict, did }, NOW)).exit, 0);
  const alone = policy.split("\n").filter((/** @type {string} */ line) => !/^(witness w[23]|group|quorum)/.test(line));
  const unknown = [...alone, "witness w9 " + policy.match(/witness w2 (\S+)/)[1], "group g all w1 w9", "quorum g", ""].join("\n");
  assert.equal((await verify(ZIP, { policy: unknown, did }, NOW)).exit, 0);
  assert.equal((await verify(ZIP, PINNED, Date.parse("2037-01-01T00:00:00Z"))).verdict, "NOT VALID: VALIDITY");
});

test("of the passport alone nothing is decided, since nobody told whether it was revoked", async () => {
  const members = await bundle(ZIP);
  const passport = /** @type {Uint8Array} */ (members.get("passport.json"));
  for (const name of ["passport.json", "passport.jwt"]) {
    const report = await verify(/** @type {Uint8Array} */ (members.get(name)), PINNED, NOW);
    assert.deepEqual([report.exit, report.verdict], [2, "NOT DECIDED: STATUS"], name);
    assert.equal(report.lines.find((line) => line.name === "PROOF-" + (name.endsWith("jwt") ? "JWT" : "DI"))?.state, "ok");
    const silent = await verify(/** @type {Uint8Array} */ (members.get(name)), PINNED, NOW, async () => null);
    assert.equal(silent.exit, 2);
  }
  const spaced = new TextEncoder().encode(new TextDecoder().decode(passport).replace('{"', '{ "'));
  assert.equal((await verify(spaced, PINNED, NOW)).verdict, "NOT VALID: SCHEMA");
});

test("a passport alone is checked with the bundle its own house serves, and another one is seen", async () => {
  const members = await bundle(ZIP);
  const passport = /** @type {Uint8Array} */ (members.get("passport.json"));
  /** @type {string[]} */
  const asked = [];
  const ask = async (/** @type {string} */ address) => (asked.push(address), ZIP);
  for (const name of ["passport.json", "passport.jwt"]) {
    const report = await verify(/** @type {Uint8Array} */ (members.get(name)), PINNED, NOW, ask);
    assert.equal(report.verdict, "VALID, grade A, as of 2026-04-01, witnesses 3 of 3", name);
    assert.ok(report.lines.some((line) => line.name === "KEYS" && line.fact.includes("/bundle")));
  }
  assert.match(asked[0] ?? "", /^\/passports\/[0-9A-Z]{26}\/[0-9]+\/bundle$/);
  const other = new TextEncoder().encode(new TextDecoder().decode(passport).replace('"grade":"A"', '"grade":"B"'));
  assert.equal((await verify(other, PINNED, NOW, ask)).exit, 1);
  const foreign = canonical(JSON.parse(did.replaceAll("house.example", "other.example")));
  assert.equal((await verify(passport, { policy, did: foreign }, NOW, ask)).exit, 2);
  assert.equal(asked.length, 3);
});

test("the public example of the specification holds with its own key", async () => {
  const example = JSON.parse(read("passport-example.json").toString());
  assert.equal(hex(fromBase58(example.publicKeyMultibase.slice(1))).slice(0, 4), "ed01");
  const kid = example.passport.proof.verificationMethod;
  const method = { id: kid, controller: "did:web:pavilion.example", publicKeyMultibase: example.publicKeyMultibase, type: "Multikey" };
  const own = canonical({ assertionMethod: [kid], id: "did:web:pavilion.example", verificationMethod: [method] });
  const data = new TextEncoder().encode(canonical(example.passport));
  const report = await verify(data, { policy, did: own }, NOW);
  assert.equal(report.lines.find((line) => line.name === "PROOF-DI")?.state, "ok");
  assert.equal(report.verdict, "NOT DECIDED: STATUS");
});

test("what is no passport is refused with a word", async () => {
  for (const words of ["", "PK", "hello", "{}", '{"a":1,"a":2}', "[".repeat(50)]) {
    const said = await verify(new TextEncoder().encode(words), PINNED, NOW).then((report) => report.verdict, () => "unreadable");
    assert.ok(said === "unreadable" || said.startsWith("NOT VALID"), words);
  }
});

test("what a browser cannot decide is refused with the way on, never judged", async () => {
  const bytes = (/** @type {string} */ words) => new TextEncoder().encode(words);
  await assert.rejects(verify(bytes("eyJh.eyJi.c2ln~WyJh~"), PINNED, NOW), /what a holder shows/);
  assert.equal((await verify(bytes('{"checkpoint":"","event":{},"proof":{}}'), PINNED, NOW)).verdict, "NOT VALID: SCHEMA");
  await assert.rejects(verify(bytes("%PDF-1.7"), PINNED, NOW), /a PDF/);
  await assert.rejects(verify(bytes("c2sp.org/tlog-proof@v1\nindex 0\n\n"), PINNED, NOW), /a proof alone/);
});
