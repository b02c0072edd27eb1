// @ts-check
// What this page knows of a sale: its lots by the book, the reader's own bids, the time of the last checkpoint.
// Frames come in; what changed, what is missing and what has to be said come out. No page and no socket in here.
import { fold, isDecided, look, lotFrom, ownState } from "./fold.js";

/** @typedef {import("./fold.js").Lot} Lot */
/** @typedef {import("./fold.js").Own} Own */
/** @typedef {import("./fold.js").BookEvent} BookEvent */
/** @typedef {{kind: "own" | "price" | "extended" | "called" | "call_off" | "state" | "notice" | "amended", lot: string, to?: string | null, from?: string | null}} Happening */
/** @typedef {{changed: Set<string>, gaps: Set<string>, happenings: Happening[], sale: boolean}} Outcome */

const REMEMBERED = 60; // events of a lot kept for the book of bids on the page

export class SaleStore {
  /** @param {string} sale */
  constructor(sale) {
    this.sale = sale;
    this.state = "";
    this.rules = "";
    /** The rules of lots that were given others than the sale's. @type {Map<string, string>} */
    this.amended = new Map();
    /** @type {Map<string, Lot>} */
    this.lots = new Map();
    /** @type {Map<string, Own>} */
    this.own = new Map();
    /** What the server said of oneself before its event came. @type {Map<string, Own & {lot: string}>} */
    this.early = new Map();
    /** @type {Map<string, BookEvent[]>} */
    this.events = new Map();
    /** @type {number | null} */
    this.headroom = null;
    /** @type {string | null} */
    this.checkpoint = null;
  }

  /** The sequence of each lot held, for `watch`. @returns {Record<string, number>} */
  after() {
    return Object.fromEntries([...this.lots.values()].filter((lot) => lot.seq > 0).slice(0, 400).map((lot) => [lot.lot, lot.seq]));
  }

  /** The hash that a bid on this lot has to name. @param {string} lot */
  rulesOf(lot) {
    return this.amended.get(lot) ?? this.rules;
  }

  /** @param {string} lot */
  ownState(lot) {
    const held = this.lots.get(lot);
    return held ? ownState(held, this.own.get(lot)) : null;
  }

  /** On how many lots the reader is outbid and may still act. */
  outbid() {
    return [...this.lots.values()].filter((lot) => !isDecided(lot) && look(this.ownState(lot.lot)) === "outbid").length;
  }

  /** @param {{state: string, rules: string, amended?: Record<string, string>, lots: (Partial<Lot> & {lot: string, seq: number})[]}} frame @returns {Outcome} */
  snapshot(frame) {
    const outcome = this.outcome();
    outcome.sale = this.state !== frame.state || this.rules !== frame.rules;
    this.state = frame.state;
    this.rules = frame.rules;
    for (const [lot, rules] of Object.entries(frame.amended ?? {})) this.amend(lot, rules, outcome);
    for (const told of frame.lots) {
      const held = this.lots.get(told.lot);
      if (held && told.seq < held.seq) continue; // older than what the batches already told
      const moved = held?.end && held.end !== told.end && held.state === "open" ? told.end : held?.extended;
      this.put(lotFrom({ extended: moved ?? null, reason: held?.reason ?? null, ...told }), outcome);
    }
    return outcome;
  }

  /** @param {{events: BookEvent[], checkpoint?: string | null}} frame @returns {Outcome} */
  batch(frame) {
    const outcome = this.outcome();
    for (const event of frame.events) this.take(event, outcome);
    if (frame.checkpoint) this.checkpoint = frame.checkpoint;
    return outcome;
  }

  /** The server's word on oneself. It may be older than the book here, or younger.
   * @param {{lot: string, seq: number, alias: string | null, state: string | null, max: number | null, headroom?: number | null}} frame @returns {Outcome} */
  you(frame) {
    const outcome = this.outcome();
    if (frame.headroom !== undefined) this.headroom = frame.headroom;
    const held = this.own.get(frame.lot);
    if (held && frame.seq < held.seq) return outcome;
    const lot = this.lots.get(frame.lot);
    if (lot && lot.seq > 0 && frame.seq > lot.seq) { this.early.set(frame.lot, frame); return outcome; } // the event it speaks of is on its way
    const before = this.ownState(frame.lot);
    this.setOwn(frame);
    outcome.changed.add(frame.lot);
    this.compare(frame.lot, before, outcome);
    return outcome;
  }

  /** @param {Own & {lot: string}} told */
  setOwn({ lot, alias, max, state, seq }) {
    this.own.set(lot, { alias, max, state, seq, live: max !== null || this.own.get(lot)?.live === true });
  }

  /** @returns {Outcome} */
  outcome() {
    return { changed: new Set(), gaps: new Set(), happenings: [], sale: false };
  }

  /** @param {BookEvent} event @param {Outcome} outcome */
  take(event, outcome) {
    if (event.lot === null) {
      const states = /** @type {Record<string, string>} */ ({
        "sale.opened": "open", "sale.paused": "paused", "sale.resumed": "open", "sale.closed": "closed", "sale.unpublished": "draft",
      });
      if (event.type === "sale.amended") for (const lot of event.data.lots) this.amend(lot, event.data.to, outcome);
      const state = states[event.type];
      if (state) { this.state = state; outcome.sale = true; }
      return;
    }
    if (event.type === "lot.listed" && event.data.rules) this.amend(event.lot, event.data.rules, outcome); // as it came later
    const held = this.lots.get(event.lot) ?? lotFrom({ lot: event.lot, seq: 0 });
    if (outcome.gaps.has(event.lot)) return;
    const folded = fold(held, event);
    if (folded === "gap") { outcome.gaps.add(event.lot); return; }
    if (folded === held) return;
    const known = this.events.get(event.lot) ?? [];
    this.events.set(event.lot, [...known, event].slice(-REMEMBERED));
    if (event.type === "lot.extended" && event.data.from === null) outcome.happenings.push({ kind: "called", lot: event.lot });
    if (event.type === "lot.extended" && event.data.to === null) outcome.happenings.push({ kind: "call_off", lot: event.lot });
    if (event.type === "lot.notice") outcome.happenings.push({ kind: "notice", lot: event.lot });
    this.put(folded, outcome);
  }

  /** @param {string} lot @param {string} rules @param {Outcome} outcome */
  amend(lot, rules, outcome) {
    if (this.rulesOf(lot) === rules) return;
    this.amended.set(lot, rules);
    if (!this.lots.has(lot)) return; // told before the lot itself: the page is being made
    outcome.changed.add(lot);
    outcome.happenings.push({ kind: "amended", lot });
  }

  /** @param {Lot} lot @param {Outcome} outcome */
  put(lot, outcome) {
    const held = this.lots.get(lot.lot);
    const before = this.ownState(lot.lot);
    this.lots.set(lot.lot, lot);
    const early = this.early.get(lot.lot);
    if (early && early.seq <= lot.seq) {
      this.early.delete(lot.lot);
      this.setOwn(early);
    }
    outcome.changed.add(lot.lot);
    if (held) {
      if (lot.state !== held.state) outcome.happenings.push({ kind: "state", lot: lot.lot, from: held.state, to: lot.state });
      else if (lot.price !== held.price && !isDecided(lot)) outcome.happenings.push({ kind: "price", lot: lot.lot });
      if (lot.extended !== held.extended && lot.extended) outcome.happenings.push({ kind: "extended", lot: lot.lot });
    }
    this.compare(lot.lot, before, outcome);
  }

  /** @param {string} lot @param {string | null} before @param {Outcome} outcome */
  compare(lot, before, outcome) {
    const to = this.ownState(lot);
    if (to !== before && to !== null) outcome.happenings.push({ kind: "own", lot, from: before, to });
  }
}
