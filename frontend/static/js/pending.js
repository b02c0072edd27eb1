// @ts-check
// Bids that were sent and not yet answered. The key is stored before the bid leaves the page, so that however often
// it is sent again it is one bid.

/** @typedef {{key: string, lot: string, max: number, currency: string, rules: string, confirm: number | null, at: number}} PendingBid */
/** @typedef {{getItem(name: string): string | null, setItem(name: string, text: string): void, removeItem(name: string): void}} Store */

const KEPT = 50;

/** 128 random bits as 32 lower-case hex digits. @param {(bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>} fill */
export function newKey(fill) {
  return [...fill(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Pending {
  /** @param {Store} store @param {string} sale @param {(bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>} fill @param {() => number} wall */
  constructor(store, sale, fill, wall) {
    this.store = store;
    this.name = `pavilion.bids.${sale}`;
    this.fill = fill;
    this.wall = wall;
    /** What this page sent itself; the rest was left by an earlier one. @type {Set<string>} */
    this.own = new Set();
  }

  /** @returns {PendingBid[]} */
  all() {
    try {
      const read = JSON.parse(this.store.getItem(this.name) ?? "[]");
      return Array.isArray(read) ? read.filter((bid) => bid && typeof bid.key === "string" && typeof bid.lot === "string") : [];
    } catch {
      return [];
    }
  }

  /** The bid for this intent, stored. The same intent while it is unanswered is the same bid.
   * @param {{lot: string, max: number, currency: string, rules: string, confirm?: number | null}} intent @returns {PendingBid} */
  make(intent) {
    const same = this.all().find((bid) => bid.lot === intent.lot && bid.max === intent.max);
    const bid = same
      ? { ...same, confirm: intent.confirm ?? same.confirm, rules: intent.rules }
      : { confirm: null, ...intent, key: newKey(this.fill), at: this.wall() };
    this.own.add(bid.key);
    return this.keep(bid);
  }

  /** @param {PendingBid} bid */
  keep(bid) {
    this.write([...this.all().filter((other) => other.key !== bid.key), bid].slice(-KEPT));
    return bid;
  }

  /** It is answered. @param {string} key */
  drop(key) {
    this.own.delete(key);
    this.write(this.all().filter((bid) => bid.key !== key));
  }

  /** Bids of this page, to be sent again on a new line. */
  toResend() {
    return this.all().filter((bid) => this.own.has(bid.key));
  }

  /** Bids an earlier page left unanswered: asked about by their key, never sent again behind the reader's back. */
  leftOver() {
    return this.all().filter((bid) => !this.own.has(bid.key));
  }

  /** @param {PendingBid[]} bids */
  write(bids) {
    if (bids.length) this.store.setItem(this.name, JSON.stringify(bids));
    else this.store.removeItem(this.name);
  }
}
