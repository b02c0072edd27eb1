// @ts-check
// The server's time, known from clock exchanges and carried by the monotonic clock. The device's own clock is never read.

/** @typedef {{t0: number, t1: number, t2: number, t3: number}} Exchange all in microseconds; t0 and t3 by the page, t1 and t2 by the server */

export const EXCHANGES = 8;
export const AGAIN_MS = 30_000;
export const SILENCE_MS = 3_000;

/** The best of some exchanges is the one with the smallest round trip.
 * @param {Exchange[]} exchanges @returns {{offset: number, within: number} | null} microseconds */
export function best(exchanges) {
  let found = null;
  for (const { t0, t1, t2, t3 } of exchanges) {
    const trip = t3 - t0 - (t2 - t1);
    if (t3 < t0 || t2 < t1 || trip < 0) continue;
    const within = trip / 2;
    if (found === null || within < found.within) found = { offset: (t1 - t0 + (t2 - t3)) / 2, within };
  }
  return found;
}

/** Knows the server's time, or knows that it does not. `monotonic` gives milliseconds that never go back. */
export class ServerClock {
  /** @param {() => number} monotonic */
  constructor(monotonic) {
    this.monotonic = monotonic;
    /** @type {{offset: number, within: number} | null} */
    this.known = null;
    /** @type {Exchange[]} */
    this.round = [];
    this.heardAt = -Infinity;
  }

  /** The page's own microseconds, for `t0`. */
  stamp() {
    return Math.round(this.monotonic() * 1000);
  }

  /** One answer of the server; eight make a round, and a round that is under way already shows its best.
   * @param {number} t0 @param {number} t1 @param {number} t2 */
  answer(t0, t1, t2) {
    this.round.push({ t0, t1, t2, t3: this.stamp() });
    const found = best(this.round);
    if (found && (this.known === null || this.round.length >= EXCHANGES || found.within <= this.known.within)) this.known = found;
    if (this.round.length >= EXCHANGES) this.round = [];
  }

  /** Something was heard from the server just now. */
  heard() {
    this.heardAt = this.monotonic();
  }

  silent() {
    return this.monotonic() - this.heardAt > SILENCE_MS;
  }

  /** Server time in whole milliseconds since 1970, or null while it is unknown. */
  now() {
    if (this.known === null || this.silent()) return null;
    return (this.stamp() + this.known.offset) / 1000;
  }

  /** How well the time is known, in milliseconds. */
  withinMs() {
    return this.known === null ? null : Math.max(1, Math.round(this.known.within / 1000));
  }
}

/** Milliseconds since 1970 of an instant in the book's form `YYYY-MM-DDTHH:MM:SS.ffffffZ`. @param {string} text */
export function instantMs(text) {
  return Date.parse(`${text.slice(0, 19)}Z`) + Number(text.slice(20, 26).padEnd(6, "0")) / 1000;
}
