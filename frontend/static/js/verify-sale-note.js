// @ts-check
// Signed notes and checkpoints of a sale (C2SP), held against the keys of the record's header.
import { fromBase64, verifierKey } from "./verify-forms.js";
import { hex } from "./verify-sale-lines.js";
import { holds } from "./verify-signature.js";

/** Not a note, or not one that the given keys vouch for. */
export class BadNote extends Error {}

/** @typedef {import("./verify-forms.js").VerifierKey} VerifierKey */
/** @typedef {{name: string, id: string, blob: Uint8Array}} Signature */
/** @typedef {{origin: string, size: number, root: string, signatures: Signature[]}} Signed */

const MAX_NOTE = 1_000_000, MAX_SIGNATURES = 100;
const ODD = /[\x00-\x09\x0b-\x1f\ud800-\udfff]/u; // eslint-disable-line no-control-regex

/** @param {string} words @returns {VerifierKey} */
export function saleKey(words) {
  return guarded(() => {
    const key = verifierKey(words);
    if (key.kind !== 1) throw new BadNote("not a verifier key of the kind asked for");
    return key;
  });
}

/** What the note says, when at least one of the keys signed it and none of them is misused; else BadNote.
 * @param {string} words @param {VerifierKey[]} keys @returns {Promise<Signed>} */
export async function verifyCheckpoint(words, keys) {
  const { text, signatures } = guarded(() => parseNote(words));
  const data = new TextEncoder().encode(text);
  let good = 0;
  for (const { name, id, blob } of signatures) {
    const key = keys.find((one) => one.name === name && one.id === id);
    if (!key) continue;
    if (!(await holds(key.key, blob, data))) throw new BadNote("a signature is wrong");
    good += 1;
  }
  if (!good) throw new BadNote("no signature of a known key");
  return { ...guarded(() => parseCheckpoint(text)), signatures };
}

/** What the note claims, whoever signed it. @param {string} words */
export function claimed(words) {
  return guarded(() => parseCheckpoint(parseNote(words).text));
}

/** @param {string} words @returns {{text: string, signatures: Signature[]}} */
function parseNote(words) {
  const cut = words.lastIndexOf("\n\n");
  const text = words.slice(0, cut + 1);
  if (words.length > MAX_NOTE || cut < 0 || ODD.test(text) || !words.slice(cut + 2).endsWith("\n")) throw new BadNote("not a note");
  const lines = words.slice(cut + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw new BadNote("too many signatures");
  return { text, signatures: lines.map(parseSignature) };
}

/** @param {string} line @returns {Signature} */
function parseSignature(line) {
  const [, name, rest] = line.match(/^— ([^\s+]{1,255})(?: (.*))?$/s) ?? [];
  if (!name) throw new BadNote("not a signature line");
  const data = fromBase64(rest ?? "");
  if (data.length < 5) throw new BadNote("not a signature");
  return { name, id: hex(data.subarray(0, 4)), blob: data.subarray(4) };
}

/** @param {string} text */
function parseCheckpoint(text) {
  const lines = text.split("\n");
  const [origin, size, root, rest] = lines;
  if (lines.length !== 4 || rest || !origin || !root || !/^(0|[1-9][0-9]{0,18})$/.test(size ?? "")) throw new BadNote("not a checkpoint");
  const found = fromBase64(root);
  if (found.length !== 32) throw new BadNote("not a checkpoint");
  return { origin, size: Number(size), root: hex(found) };
}

/** @template T @param {() => T} read @returns {T} */
function guarded(read) {
  try {
    return read();
  } catch (fault) {
    throw fault instanceof BadNote ? fault : new BadNote(fault instanceof Error ? fault.message : String(fault));
  }
}
