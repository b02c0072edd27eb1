// @ts-check
// The lanes on the page: rows change their words at once and their lane when no finger and no focus is among them. Of
// several hundred rows only those are touched whose words are others, and countdowns run where they can be seen.
import { amountText } from "./amounts.js";
import { instantMs } from "./clock.js";
import { secondsLeft } from "./countdown.js";
import { ALL_MS, Sight } from "./drawing.js";
import { isDecided } from "./fold.js";
import { setText } from "./icons.js";
import { laneOf, mayMove, ordered } from "./lanes.js";
import { bidsWords, laneTime, lotWords, ownWords } from "./lot-words.js";
import { ruled } from "./ruled.js";
import { say } from "./words.js";

/** @typedef {import("./lanes.js").Lane} Lane */
/** `lane` and `end`: by which the row got its place.
 * @typedef {{row: HTMLElement, link: Element, sum: Element, note: Element, time: Element, fact: import("./room-facts.js").LotFacts | undefined,
 *   lane: string, end: string | null | undefined}} Row */
const CALM_MS = 240;

export class LaneBoard {
  /** @param {HTMLElement} element @param {import("./lot-panel.js").Room & {watched: Set<string>}} room */
  constructor(element, room) {
    this.element = element;
    this.room = room;
    this.pointerInside = false;
    this.due = false;
    this.toldAt = -Infinity;
    const facts = new Map(room.facts.lots.map((one) => [one.book.lot, one]));
    /** @type {Map<string, Row>} */
    this.rows = new Map([...element.querySelectorAll("[data-lot]")].map((row) => {
      const id = row.getAttribute("data-lot") ?? "";
      const at = (/** @type {string} */ place) => /** @type {Element} */ (row.querySelector(place));
      const lane = row.closest("[data-lane]")?.getAttribute("data-lane") ?? "";
      const fact = facts.get(id);
      return [id, {
        row: /** @type {HTMLElement} */ (row), link: at("a"), sum: at("[data-sum]"), note: at("[data-note]"), time: at("[data-time]"),
        fact, lane, end: fact?.book.end,
      }];
    }));
    this.sight = new Sight(new Map([...this.rows].map(([id, { row }]) => [id, row])), (id) => this.time(id, this.now ?? null));
    element.addEventListener("pointerenter", () => { this.pointerInside = true; });
    element.addEventListener("pointerleave", () => { this.pointerInside = false; this.settle(); });
    element.addEventListener("focusout", () => { setTimeout(() => this.settle(), 0); });
  }

  /** The words of one row. @param {string} id @param {number | null} now */
  render(id, now) {
    const row = this.rows.get(id);
    const lot = this.room.store.lots.get(id);
    if (!row || !lot) return;
    const { currency } = this.room.facts;
    const own = this.room.store.own.get(id);
    const state = this.room.store.ownState(id);
    setText(row.sum, amountText(lot.price ?? row.fact?.opening ?? lot.ask, currency));
    setText(row.note, isDecided(lot) ? (state ? ownWords(state, this.room.facts.watches) : lotWords(lot.state))
      : lot.state === "paused" || lot.state === "closing" ? lotWords(lot.state)
      : state === "winning_reserve_not_met" ? say("leading, reserve not met")
      : own?.max != null ? say("your maximum %(max)s", { max: amountText(own.max, currency) })
      : lot.reserve_met === false && lot.bids ? say("reserve not met") : bidsWords(lot.bids));
    row.link.classList.toggle("is-outbid", this.lane(id, now) === "outbid");
    this.time(id, now);
  }

  /** @param {string} id @param {number | null} now */
  time(id, now) {
    const row = this.rows.get(id);
    const lot = this.room.store.lots.get(id);
    if (!row || !lot) return;
    const words = laneTime(lot, now);
    if (words !== null) setText(row.time, words);
    const seconds = now === null || !lot.end || lot.state !== "open" ? null : secondsLeft(instantMs(lot.end), now);
    row.time.classList.toggle("is-closing", seconds !== null && seconds <= ruled(this.room.facts, this.room.store, id).window);
  }

  /** The countdowns that can be seen; now and then all. @param {number | null} now */
  tick(now) {
    const at = performance.now();
    const all = at - this.toldAt > ALL_MS || (now === null) !== (this.now === null);
    if (all) this.toldAt = at;
    for (const id of all ? this.rows.keys() : this.sight.near) this.time(id, now);
    this.arrange(now);
  }

  /** @param {string} id @param {number | null} now @returns {Lane} */
  lane(id, now) {
    const lot = /** @type {import("./fold.js").Lot} */ (this.room.store.lots.get(id));
    const seconds = now === null || !lot.end ? null : secondsLeft(instantMs(lot.end), now);
    return laneOf(lot, this.room.store.ownState(id), this.room.watched.has(id), seconds, this.rows.get(id)?.fact?.planned);
  }

  /** Rows that belong elsewhere go there, once, in a moment or when the hand has left. @param {number | null} now */
  arrange(now) {
    this.now = now;
    if (this.due || ![...this.rows].some(([id, row]) => row.lane !== this.lane(id, now))) return;
    this.due = true;
    setTimeout(() => this.settle(), CALM_MS);
  }

  settle() {
    if (!this.due || !mayMove({ pointerInside: this.pointerInside, focusInside: this.element.contains(document.activeElement) })) return;
    this.due = false;
    /** @type {Map<string, {lot: import("./fold.js").Lot, place: number}[]>} */
    const lanes = new Map();
    for (const [id, row] of this.rows) {
      const lot = this.room.store.lots.get(id);
      if (!lot || !row.fact) continue;
      const lane = this.lane(id, this.now ?? null);
      if (lane !== row.lane || lot.end !== row.end) row.row.remove(); // the others are in order already and stay
      [row.lane, row.end] = [lane, lot.end];
      const members = lanes.get(lane) ?? [];
      members.push({ lot, place: row.fact.place });
      lanes.set(lane, members);
    }
    for (const section of this.element.querySelectorAll("[data-lane]")) {
      const lane = /** @type {Lane} */ (section.getAttribute("data-lane"));
      const members = ordered(lanes.get(lane) ?? [], lane);
      const list = section.querySelector("ul");
      let next = list?.firstElementChild ?? null;
      for (const { lot } of members) {
        const row = this.rows.get(lot.lot)?.row;
        if (row === next) next = next?.nextElementSibling ?? null;
        else if (row) list?.insertBefore(row, next);
      }
      section.toggleAttribute("hidden", members.length === 0);
      if (lane !== "closing") setText(section.querySelector("[data-count]"), String(members.length));
    }
  }

  /** @type {number | null | undefined} */
  now = undefined;

  /** @param {string} id */
  focus(id) {
    for (const [lot, { link }] of this.rows) {
      if (lot === id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
}
