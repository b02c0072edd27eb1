// @ts-check
// Which line of a batch was altered, when its signed root does not come out. Pure.
//
// The chains help: every event names the hash of the one before it in its book, so an altered event leaves a name that
// nothing bears. Each guess is tried against the signed root, and only a guess that brings it out is certain.
import { fromHex, hex } from "./verify-sale-lines.js";

/** @typedef {import("./verify-sale-lines.js").Event} Event */
/** @typedef {import("./verify-sale-lines.js").Leaf} Leaf */
/** @typedef {import("./verify-sale-tree.js").CompactTree} CompactTree */
/** @typedef {[number, Event | Leaf][]} Batch with the number of each line */
/** @typedef {{line: number, rule: string, fact: string}} Named */

const MOST_TRIED = 600; // events of a batch: the engine's largest batch is smaller
const MOST_NAMES = 8;
const NOT_SIGNED = "is not the event that was signed";

/** The first line that is not what was signed. @param {Iterable<[number, import("./verify-sale-lines.js").Line]>} lines
 * @param {CompactTree} tree @param {Batch} batch @param {number} checkpoint the line of the signed root
 * @param {{size: number, root: string}} signed @param {(until: number) => number | null} replayFault @returns {Named} */
export function nameLine(lines, tree, batch, checkpoint, { size, root }, replayFault) {
  const leaves = batch.map(([, one]) => one.leaf), due = size - tree.size;
  const gap = batch.find(([, one], k) => one.n !== tree.size + k)?.[0] ?? null;
  const tried = batch.length > 0 && batch.length <= MOST_TRIED;
  if (batch.length > due && tried) {
    const extra = batch.length - due;
    for (let k = batch.length - extra; k >= 0; k -= 1) {
      if (comesOut(tree, [...leaves.slice(0, k), ...leaves.slice(k + extra)], root)) {
        return { line: batch[k][0], rule: "tree", fact: "was not among the events that were signed" };
      }
    }
  }
  if (batch.length < due) return { line: gap ?? checkpoint, rule: "order", fact: "an event is missing before this line" };
  if (batch.length === due && due <= MOST_TRIED) {
    const ranked = batch.map(([, one]) => one).sort((a, b) => a.n - b.n).map((one) => one.leaf);
    if (gap !== null && comesOut(tree, ranked, root)) return { line: gap, rule: "order", fact: "stands in another place than was signed" };
    const { named, borne } = namesOf(lines);
    for (const name of [...named].filter((one) => !borne.has(one)).slice(0, MOST_NAMES)) {
      for (let k = 0; k < batch.length; k += 1) {
        if (comesOut(tree, leaves.with(k, fromHex(name)), root)) return { line: batch[k][0], rule: "hash", fact: NOT_SIGNED };
      }
    }
    return likeliest(batch, named, gap, checkpoint, replayFault);
  }
  return { line: gap ?? batch[0]?.[0] ?? checkpoint, rule: "tree", fact: "the signed root does not come out" };
}

/** No guess is certain: an event whose hash a later one names is good, so it is one of the others.
 * @param {Batch} batch @param {Set<string>} named @param {number | null} gap @param {number} checkpoint
 * @param {(until: number) => number | null} replayFault @returns {Named} */
function likeliest(batch, named, gap, checkpoint, replayFault) {
  const left = batch.filter(([, one]) => !named.has(one.hash)).map(([at]) => at);
  if (left.length === 1) return { line: left[0], rule: "hash", fact: NOT_SIGNED };
  const fault = replayFault(checkpoint);
  if (fault !== null && left.includes(fault)) return { line: fault, rule: "hash", fact: NOT_SIGNED };
  if (gap !== null || !left.length) return { line: gap ?? checkpoint, rule: "tree", fact: "the signed root does not come out" };
  return { line: left[0], rule: "tree", fact: `not all of the lines ${left.slice(0, 20).join(", ")} are what was signed` };
}

/** @param {CompactTree} tree @param {Uint8Array[]} leaves @param {string} root */
function comesOut(tree, leaves, root) {
  const trial = tree.copy();
  for (const leaf of leaves) trial.append(leaf);
  return hex(trial.root()) === root;
}

/** All hashes that events name as the one before them, in order; and all that events and leaves bear.
 * @param {Iterable<[number, import("./verify-sale-lines.js").Line]>} lines */
function namesOf(lines) {
  /** @type {Set<string>} */
  const named = new Set();
  const borne = new Set(["0".repeat(64)]);
  for (const [, line] of lines) {
    if (line.kind === "event") named.add(line.prev);
    if (line.kind === "event" || line.kind === "leaf") borne.add(line.hash);
  }
  return { named, borne };
}
