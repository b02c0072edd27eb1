// @ts-check
// The line to the live room: it comes back by itself, asks for what it missed, and sends unanswered bids again under
// the same keys. It decides nothing; frames go to `hear`, its own condition to `tell`.
import { AGAIN_MS, EXCHANGES } from "./clock.js";

/** @typedef {"connecting" | "live" | "slow" | "lost" | "refused"} Condition */
/** @typedef {{readyState: number, send(text: string): void, close(code?: number): void, onopen: any, onmessage: any, onclose: any, onerror: any}} Wire */
/** @typedef {{url: string, sale: string, lang: string, open: (url: string) => Wire, clock: import("./clock.js").ServerClock,
 *   after: () => Record<string, number>, unanswered: () => import("./pending.js").PendingBid[],
 *   hear: (frame: any) => void, tell: (condition: Condition) => void,
 *   random: () => number, later: (ms: number, act: () => void) => any, forget: (handle: any) => void}} Ports */

export const PROTOCOL = "pavilion.1";
export const BACK_OFF_MS = [500, 1_000, 2_000, 4_000, 8_000];
const PING_MS = 1_250;
const GIVE_UP_MS = 10_000; // of silence, then the line is laid anew
const ASK_AGAIN_MS = 2_000; // between two questions for the same gap
const OPEN = 1;

/** Half to one and a half times the step, so that a thousand pages do not come back in the same instant.
 * @param {number} attempt from 0 @param {number} chance 0 to 1 @param {number | null} [told] by the server */
export function backOff(attempt, chance, told = null) {
  const step = told ?? /** @type {number} */ (BACK_OFF_MS[Math.min(attempt, BACK_OFF_MS.length - 1)]);
  return Math.round(step * (0.5 + chance));
}

export class Line {
  /** @param {Ports} ports */
  constructor(ports) {
    this.ports = ports;
    /** @type {Wire | null} */
    this.wire = null;
    /** @type {Condition} */
    this.condition = "connecting";
    this.attempt = 0;
    this.pings = 0;
    this.welcomed = false;
    /** @type {number | null} */
    this.toldMs = null;
    /** @type {Map<string, number>} */
    this.asked = new Map();
    /** @type {any[]} */
    this.timers = [];
    this.over = false;
  }

  start() {
    if (this.over || this.wire) return;
    const wire = this.ports.open(this.ports.url);
    this.wire = wire;
    this.ports.clock.heard(); // silence counts from here
    wire.onopen = () => this.send({ op: "hello", v: 1, lang: this.ports.lang });
    wire.onmessage = (/** @type {{data: string}} */ message) => { if (this.wire === wire) this.receive(message.data); };
    wire.onclose = (/** @type {{code: number}} */ event) => { if (this.wire === wire) this.fell(event?.code ?? 1006); };
    wire.onerror = () => {};
    this.every(PING_MS, () => this.look());
    this.every(AGAIN_MS, () => this.askTime());
  }

  stop() {
    this.over = true;
    this.clear();
    const wire = this.wire;
    this.wire = null;
    wire?.close(1000);
  }

  /** @param {object} message @returns {boolean} whether it left */
  send(message) {
    if (this.wire?.readyState !== OPEN) return false;
    this.wire.send(JSON.stringify(message));
    return true;
  }

  /** @param {import("./pending.js").PendingBid} bid */
  bid({ key, lot, max, currency, rules, confirm }) {
    return this.welcomed && this.send({ op: "place_bid", key, lot, max, currency, rules, confirm });
  }

  /** Something is missing of these lots. Asked once, and again only after a while.
   * @param {Iterable<string>} lots */
  ask(lots) {
    const now = this.ports.clock.monotonic();
    const due = [...lots].filter((lot) => now - (this.asked.get(lot) ?? -Infinity) >= ASK_AGAIN_MS);
    if (!due.length) return;
    for (const lot of due) this.asked.set(lot, now);
    const after = this.ports.after();
    this.send({ op: "watch", sale: this.ports.sale, lots: due, after: Object.fromEntries(due.map((lot) => [lot, after[lot] ?? 0])) });
  }

  /** @param {string} text */
  receive(text) {
    let frame;
    try { frame = JSON.parse(text); } catch { return; }
    this.ports.clock.heard();
    if (this.condition !== "live" && this.welcomed) this.be("live");
    switch (frame.op) {
      case "welcome": this.greet(); break;
      case "clock": this.ports.clock.answer(frame.t0, frame.t1, frame.t2); break;
      case "resync": this.watch(); break;
      case "bye": this.toldMs = frame.retry_ms ?? null; break;
      case "error": if (frame.code === "signed_out") { this.be("refused"); this.stop(); } break;
      default:
    }
    this.ports.hear(frame);
  }

  greet() {
    this.welcomed = true;
    this.attempt = 0;
    this.toldMs = null;
    this.be("live");
    this.watch();
    this.askTime();
    for (const bid of this.ports.unanswered()) this.bid(bid);
  }

  watch() {
    this.asked.clear();
    this.send({ op: "watch", sale: this.ports.sale, lots: "all", after: this.ports.after() });
  }

  askTime() {
    for (let i = 0; i < EXCHANGES; i += 1) this.later(i * 40, () => this.send({ op: "clock", t0: this.ports.clock.stamp() }));
  }

  /** Is anybody there? */
  look() {
    const silence = this.ports.clock.monotonic() - this.ports.clock.heardAt;
    if (silence > GIVE_UP_MS) { this.fell(1006); return; }
    if (this.ports.clock.silent()) this.be(this.welcomed ? "slow" : "lost");
    this.pings = (this.pings + 1) % 1_000_000;
    this.send({ op: "ping", id: this.pings });
  }

  /** @param {number} code */
  fell(code) {
    const wire = this.wire;
    this.wire = null;
    this.welcomed = false;
    this.clear();
    if (wire) { wire.onclose = null; wire.onmessage = null; wire.close(); }
    if (this.over) return;
    this.be(code === 1008 ? "refused" : "lost");
    this.later(backOff(this.attempt, this.ports.random(), code === 1008 ? 8_000 : this.toldMs), () => this.start());
    this.attempt += 1;
  }

  /** @param {Condition} condition */
  be(condition) {
    if (this.condition === condition) return;
    this.condition = condition;
    this.ports.tell(condition);
  }

  /** @param {number} ms @param {() => void} act */
  later(ms, act) {
    this.timers.push(this.ports.later(ms, act));
  }

  /** @param {number} ms @param {() => void} act */
  every(ms, act) {
    const again = () => {
      if (this.over) return;
      this.later(ms, () => { again(); act(); });
    };
    again();
  }

  clear() {
    for (const timer of this.timers) this.ports.forget(timer);
    this.timers = [];
  }
}
