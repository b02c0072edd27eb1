// @ts-check
// The tree of a record (RFC 6962) while it grows: one hash per full subtree is enough for appending and for the root.
import { digest } from "./sha256.js";

const pair = new Uint8Array(65);
pair[0] = 1; // a node

/** @param {Uint8Array} left @param {Uint8Array} right */
function node(left, right) {
  pair.set(left, 1);
  pair.set(right, 33);
  return digest(pair);
}

export class CompactTree {
  /** @param {number} [size] @param {Uint8Array[]} [frontier] the largest subtree first */
  constructor(size = 0, frontier = []) {
    this.size = size;
    this.frontier = frontier;
  }

  /** @param {Uint8Array} leaf */
  append(leaf) {
    let found = leaf;
    for (let size = this.size; size & 1; size >>>= 1) found = node(/** @type {Uint8Array} */ (this.frontier.pop()), found);
    this.frontier.push(found);
    this.size += 1;
  }

  root() {
    const [last, ...before] = this.frontier.toReversed();
    return last === undefined ? digest(new Uint8Array()) : before.reduce((right, left) => node(left, right), last);
  }

  copy() {
    return new CompactTree(this.size, [...this.frontier]);
  }
}
