// @ts-check
// The receipt of a bid, checked by whoever holds it, as `pavilion verify` does: that the event was recorded, and that
// the opening is of its commitment.
import { moneyText } from "./amounts.js";
import { canonical } from "./sha256.js";
import { Unreadable, bytes, fromBase64, leads, text, verifierKey } from "./verify-forms.js";
import { Examination } from "./verify-report.js";
import { BadLine, CURRENCIES, Undecided, bidCommitment, isObject, plain, readLine } from "./verify-sale-lines.js";
import { BadNote, claimed, verifyCheckpoint } from "./verify-sale-note.js";
import { say } from "./words.js";

/** @typedef {import("./verify-forms.js").VerifierKey} VerifierKey */
/** @typedef {import("./verify-report.js").Report} Report */
/** @typedef {import("./verify-sale-lines.js").Event} Event */
/** @typedef {Record<string, any>} Doc */
/** @typedef {{index: number, size: number, path: Uint8Array[]}} Way */

const MEMBERS = ["checkpoint", "event", "opening", "proof", "v"];
const TYPES = ["bid.accepted", "bid.refused", "tender.sealed", "tender.withdrawn"];
const MOST_HASHES = 63;

/** What the file says when it has what a receipt has; such a file is no passport, and not a false one.
 * @param {Uint8Array} data @returns {Doc | null} */
export function receiptOf(data) {
  try {
    const found = JSON.parse(text(data));
    return ["event", "checkpoint", "proof"].every((name) => Object.hasOwn(found, name)) ? found : null;
  } catch {
    return null;
  }
}

/** Keys of houses, out of lines: verifier keys alone, or as a log's policy names them. @param {string} words */
export function saleKeys(words) {
  /** @type {VerifierKey[]} */
  const found = [];
  for (const line of words.split("\n")) {
    try {
      const key = verifierKey(line.trim().replace(/^log[ \t]+/, ""));
      if (key.kind === 1) found.push(key);
    } catch (fault) {
      if (!(fault instanceof Unreadable)) throw fault; // another line of a policy
    }
  }
  return found;
}

/** The report on a receipt. `keys`: those of houses that are believed; with none of them nothing is decided.
 * @param {Doc} document @param {VerifierKey[]} keys @returns {Promise<Report>} */
export async function checkReceipt(document, keys) {
  const exam = new Examination();
  let event, way;
  try {
    event = eventOf(document);
    way = wayOf(document.proof);
  } catch (fault) {
    if (!(fault instanceof BadLine || fault instanceof Unreadable || fault instanceof Undecided)) throw fault;
    exam.fail("SCHEMA", say("not a receipt: %(why)s", { why: fault.message.slice(0, 160) }));
    return exam.report({ verdict: "", told: "" });
  }
  exam.ok("SCHEMA", say("%(type)s, number %(n)s of the sale's book", { type: event.type, n: event.n }));
  await signed(exam, String(document.checkpoint), event, way, keys);
  opened(exam, document.opening, event);
  const { type, n, sale } = event;
  return exam.report({
    verdict: `VALID, ${type} recorded as ${n} in sale ${sale}`,
    told: say("VALID, %(type)s recorded as %(n)s in sale %(sale)s", { type, n, sale }),
  });
}

/** @param {Doc} document @returns {Event} */
function eventOf(document) {
  plain(document);
  if (Object.keys(document).sort().join() !== MEMBERS.join() || document.v !== 1) throw new Unreadable(say("not the members of a receipt"));
  const line = readLine(bytes(`${canonical({ event: document.event, kind: "event" })}\n`));
  if (line.kind !== "event" || !TYPES.includes(line.type)) throw new Unreadable(say("not a decided bid"));
  return line;
}

/** @param {unknown} proof @returns {Way} */
function wayOf(proof) {
  if (!isObject(proof) || Object.keys(proof).sort().join() !== "index,path,size") throw new Unreadable(say("not a proof"));
  const { index, size, path } = proof;
  if (!Array.isArray(path) || path.length > MOST_HASHES) throw new Unreadable(say("not a proof"));
  const parts = path.map((part) => (typeof part === "string" ? fromBase64(part) : new Uint8Array()));
  if (parts.some((part) => part.length !== 32)) throw new Unreadable(say("not a proof"));
  return { index, size, path: parts };
}

/** INCLUSION and CHECKPOINT.
 * @param {Examination} exam @param {string} note @param {Event} event @param {Way} way @param {VerifierKey[]} keys */
async function signed(exam, note, event, { index, size, path }, keys) {
  try {
    const checkpoint = claimed(note);
    if (index !== event.n || size !== checkpoint.size) exam.fail("INCLUSION", say("the proof is of another place or another tree"));
    else if (!leads(event.hash, index, size, path, checkpoint.root)) exam.fail("INCLUSION", say("the way does not lead to the signed root"));
    else exam.ok("INCLUSION", say("the event is leaf %(index)s of %(size)s", { index, size }));
    const { origin } = checkpoint;
    const ours = keys.filter((key) => origin === `${key.name}/sale/${event.sale}`);
    if (!ours.length) {
      exam.undecided("CHECKPOINT", say("no key is known here for %(origin)s: hand it in below", { origin: origin.slice(0, 120) }));
      return;
    }
    await verifyCheckpoint(note, ours);
    exam.ok("CHECKPOINT", say("signed by %(origin)s", { origin }));
  } catch (fault) {
    if (!(fault instanceof BadNote)) throw fault;
    exam.fail("CHECKPOINT", fault.message);
  }
}

/** OPENING: the maximum that the bidder committed to. Its currency is the sale's, which a receipt does not name.
 * @param {Examination} exam @param {any} opening @param {Event} event */
function opened(exam, opening, event) {
  const { commit, bidder } = event.data;
  if (opening === null || commit === undefined) {
    exam.skip("OPENING", say("the receipt does not open the bid's commitment"));
    return;
  }
  const { lot, n, sale } = event;
  if (!isObject(opening) || Object.keys(opening).sort().join() !== "amount,key,nonce" || lot === null) {
    exam.fail("OPENING", say("the opening cannot be read"));
    return;
  }
  const { amount } = opening;
  const said = /** @type {const} */ ({ kind: "bid", n, amount, nonce: String(opening.nonce), key: String(opening.key) });
  const currency = [...CURRENCIES].sort().find((one) => bidCommitment(sale, lot, bidder, one, said) === commit);
  if (currency === undefined) exam.fail("OPENING", say("the opening is not of the bid's commitment"));
  else exam.ok("OPENING", say("a maximum of %(amount)s", { amount: moneyText(amount, currency) }));
}
