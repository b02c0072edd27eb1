// @ts-check
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Refused, checkTender, dueOf, keyText, newKey, openShare, openTender, readKey, readTender } from "./custodian.js";
import { boundTo, combined, seal } from "./seal.js";
import { canonical } from "./sha256.js";
import { bytes, fromBase64url, fromHex, hex } from "./verify-forms.js";

const VECTOR = JSON.parse(readFileSync(new URL("../../../tests/vectors/sealed-tender.json", import.meta.url), "utf8"));
const LATER = Date.parse("2026-03-09T14:05:00Z");
const [HOUSE] = VECTOR.tender.keys;

/** @param {unknown} document */
const read = (document) => readTender(bytes(canonical(document)));
/** @param {number} at */
const custodian = (at) => readKey(keyText(VECTOR.keys[at]));

/** @param {() => unknown} act @param {string} code */
async function refused(act, code) {
  await assert.rejects(async () => act(), (fault) => fault instanceof Refused && fault.code === code);
}

/** The tender with some members of its first or last event changed. @param {string} part @param {object} members */
function changed(part, members) {
  return { ...VECTOR.tender, [part]: { ...VECTOR.tender[part], event: { ...VECTOR.tender[part].event, ...members } } };
}

// -- keys -------------------------------------------------------------------------------------------------------------

test("a key made here is read again, and opens what was sealed to it", async () => {
  const files = [await newKey(), await newKey()];
  const custodians = files.map((file) => file.public);
  const envelope = await seal(VECTOR.bid, { custodians, k: 2 });
  const shares = await Promise.all(files.map(async (file, at) => openShare(await readKey(keyText(file)), custodians, envelope, at + 1)));
  const lock = combined(shares.map((share, at) => [at + 1, /** @type {Uint8Array} */ (share)]));
  const box = fromBase64url(envelope.box);
  const held = await crypto.subtle.importKey("raw", new Uint8Array(lock), "AES-GCM", false, ["decrypt"]);
  const how = { name: "AES-GCM", iv: box.slice(0, 12), additionalData: boundTo(envelope, custodians) };
  const plain = new TextDecoder().decode(await crypto.subtle.decrypt(how, held, box.slice(12)));
  assert.equal(plain.length, 512);
  assert.equal(JSON.parse(plain).amount, VECTOR.bid.value);
});

test("a key file with a slip of the pen is refused", async () => {
  const [one, two] = VECTOR.keys;
  const wrong = [{ ...one, public: two.public }, { ...one, private: two.private }, { ...one, v: 2 }, { ...one, more: 1 }, { ...one, public: "AAAA" }, {}, null];
  for (const file of wrong) await refused(() => readKey(JSON.stringify(file)), "custodian_key_bad");
  await refused(() => readKey("x"), "custodian_key_bad");
});

// -- tender files -----------------------------------------------------------------------------------------------------

test("a closed tender is believed, and its shares are those that the command opens", async () => {
  const tender = read(VECTOR.tender);
  await checkTender(tender, LATER, { house: HOUSE, rules: VECTOR.tender.rules });
  for (const at of [0, 1, 2]) {
    /** @type {number[]} */
    const told = [];
    const file = await openTender(await custodian(at), tender, (done) => told.push(done));
    assert.deepEqual(file.shares.map((/** @type {any} */ one) => one.share), VECTOR.shares[at]);
    assert.deepEqual([file.x, file.closed, file.sale, told], [at + 1, VECTOR.closed, tender.sale, [1, 2]]);
  }
});

test("nothing is opened before the end that the rules set, nor with a clock that is behind", async () => {
  const tender = read(VECTOR.tender), end = Date.parse("2026-03-09T14:00:00Z");
  await refused(() => checkTender(tender, end - 1), "tender_early");
  await refused(() => checkTender(tender, end), "tender_clock");
  await checkTender(tender, end + 2000);
});

test("the second round ends so many hours after the first was opened", async () => {
  const tender = read(VECTOR.final), due = Date.parse("2026-03-10T15:00:00Z");
  assert.equal(dueOf(tender), due * 1000);
  await refused(() => checkTender(tender, due - 1), "tender_early");
  await checkTender(tender, due + 1000);
});

test("each round is opened once: final bids do not pass for first ones", async () => {
  const tender = read(VECTOR.tender), final = read(VECTOR.final), answered = { 1: VECTOR.closed };
  await checkTender(tender, LATER, { answered });
  await checkTender(final, Date.parse("2026-03-10T15:00:01Z"), { answered });
  await refused(() => checkTender(tender, LATER, { answered: { 1: "00".repeat(32) } }), "tender_twice");
});

test("rules and house known beforehand are not replaced by those in the file", async () => {
  const forged = read(VECTOR.forged);
  await checkTender(forged, LATER);
  await refused(() => checkTender(forged, LATER, { rules: VECTOR.tender.rules }), "tender_other_rules");
  await refused(() => checkTender(forged, LATER, { house: "other.example+3d1897ec+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4" }), "tender_other_house");
});

test("what the log does not say is false", async () => {
  const { tender } = VECTOR;
  for (const document of [
    { ...tender, envelopes: [...tender.envelopes].reverse() }, { ...tender, envelopes: tender.envelopes.slice(1) },
    { ...tender, rules: VECTOR.forged.rules }, { ...tender, closed: tender.published }, { ...tender, opened: tender.published },
    { ...tender, checkpoint: "rubbish" }, { ...tender, checkpoint: VECTOR.forged.checkpoint },
    { ...tender, checkpoint: tender.checkpoint.replace("\n4\n", "\n5\n") }, { ...tender, keys: ["x"] },
    changed("closed", { at: "2026-03-09T14:00:01.000000Z" }), changed("closed", { n: 2 }), changed("closed", { lot: "L-1" }),
    changed("published", { data: { rules: "00".repeat(32), lots: [] } }),
  ]) await refused(() => checkTender(read(document), LATER), "tender_false");
});

test("a file of another form is refused", async () => {
  const { tender } = VECTOR, [one] = tender.envelopes;
  for (const change of [
    { v: 2 }, { kind: "shares" }, { rules: {} }, { rules: null }, { keys: [] }, { envelopes: {} }, { envelopes: [{}] }, { more: 1 }, { closed: null },
    { opened: {} }, { sale: "S-8" }, { envelopes: [{ ...one, lot: "L-9" }] }, { envelopes: [{ ...one, bidder: "P-0417" }] },
    { envelopes: [{ ...one, envelope: { ...one.envelope, shares: [] } }] },
    { envelopes: [{ ...one, envelope: { ...one.envelope, shares: one.envelope.shares.map((/** @type {any} */ share) => ({ ...share, enc: 7 })) } }] },
    { closed: { ...tender.closed, path: ["x"] } }, { closed: { event: { ...tender.closed.event, data: null }, path: [] } },
    { rules: { ...tender.rules, tender: { ...tender.rules.tender, sealed: false } } },
  ]) await refused(() => read({ ...tender, ...change }), "tender_bad");
  for (const data of [new Uint8Array(), bytes("{"), bytes("[]"), Uint8Array.of(255)]) await refused(() => readTender(data), "tender_bad");
});

// -- shares -----------------------------------------------------------------------------------------------------------

test("a stranger opens nothing", async () => {
  const stranger = await readKey(keyText(await newKey()));
  await refused(() => openTender(stranger, read(VECTOR.tender)), "tender_not_custodian");
});

test("a share that a bidder spoilt is handed over as none", async () => {
  const { envelope, tender } = VECTOR, custodians = tender.rules.tender.custodians;
  const [share, ...rest] = envelope.shares;
  for (const spoilt of [{ ...share, ct: "A".repeat(64) }, { ...share, c: "00".repeat(32) }, { ...share, enc: "A".repeat(87) }, { ...share, ct: "é" }]) {
    assert.equal(await openShare(await custodian(0), custodians, { ...envelope, shares: [spoilt, ...rest] }, 1), null);
  }
  assert.equal(await openShare(await custodian(0), custodians, envelope, 2), null);
  assert.equal(hex(/** @type {Uint8Array} */ (await openShare(await custodian(0), custodians, envelope, 1))), VECTOR.shares[0][0]);
});

test("a share file is signed with the key that the rules name", async () => {
  const { sig, ...file } = await openTender(await custodian(1), read(VECTOR.tender));
  const key = await crypto.subtle.importKey("raw", fromBase64url(VECTOR.keys[1].public), { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
  const holds = (/** @type {unknown} */ document) => crypto.subtle.verify(
    { name: "ECDSA", hash: "SHA-256" }, key, fromBase64url(sig), bytes(`pavilion/tender/v1/shares\n${canonical(document)}`));
  assert.ok(await holds(file));
  assert.ok(!(await holds({ ...file, x: 1 })));
  assert.equal(fromHex(file.closed).length, 32);
});
