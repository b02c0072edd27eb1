// @ts-check
// The lanes on the page: rows change their words at once and their lane when no finger and no focus is among them.
import { amountText } from "./amounts.js";
import { instantMs } from "./clock.js";
import { left, secondsLeft } from "./countdown.js";
import { isDecided } from "./fold.js";
import { setText } from "./icons.js";
import { laneOf, mayMove, ordered } from "./lanes.js";
import { bidsWords, hoursWords, lotWords, ownWords } from "./lot-words.js";
import { say } from "./words.js";

/** @typedef {import("./lanes.js").Lane} Lane */
const CALM_MS = 240;

export class LaneBoard {
  /** @param {HTMLElement} element @param {import("./lot-panel.js").Room & {watched: Set<string>}} room */
  constructor(element, room) {
    this.element = element;
    this.room = room;
    this.pointerInside = false;
    this.due = false;
    /** @type {Map<string, HTMLElement>} */
    this.rows = new Map([...element.querySelectorAll("[data-lot]")].map((row) => [row.getAttribute("data-lot") ?? "", /** @type {HTMLElement} */ (row)]));
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
    const fact = this.room.facts.lots.find((one) => one.book.lot === id);
    setText(row.querySelector("[data-sum]"), amountText(lot.price ?? fact?.opening ?? lot.ask, currency));
    setText(row.querySelector("[data-note]"), isDecided(lot) ? (state ? ownWords(state) : lotWords(lot.state))
      : lot.state === "paused" || lot.state === "closing" ? lotWords(lot.state)
      : state === "winning_reserve_not_met" ? say("leading, reserve not met")
      : own?.max != null ? say("your maximum %(max)s", { max: amountText(own.max, currency) })
      : lot.reserve_met === false && lot.bids ? say("reserve not met") : bidsWords(lot.bids));
    row.querySelector("a")?.classList.toggle("is-outbid", this.lane(id, now) === "outbid");
    this.time(id, now);
  }

  /** @param {string} id @param {number | null} now */
  time(id, now) {
    const place = this.rows.get(id)?.querySelector("[data-time]");
    const lot = this.room.store.lots.get(id);
    if (!place || !lot) return;
    if (isDecided(lot)) { setText(place, ""); return; }
    if (now === null) { setText(place, say("time unknown")); place.classList.remove("is-closing"); return; }
    if (lot.state !== "open") return;
    if (!lot.end) { setText(place, say("until called")); place.classList.remove("is-closing"); return; }
    const seconds = secondsLeft(instantMs(lot.end), now);
    const rest = left(seconds);
    if (rest.kind !== "date") setText(place, rest.kind === "hours" ? hoursWords(rest.text) : rest.text);
    place.classList.toggle("is-closing", seconds <= this.room.facts.window);
  }

  /** @param {string} id @param {number | null} now @returns {Lane} */
  lane(id, now) {
    const lot = /** @type {import("./fold.js").Lot} */ (this.room.store.lots.get(id));
    const seconds = now === null || !lot.end ? null : secondsLeft(instantMs(lot.end), now);
    return laneOf(lot, this.room.store.ownState(id), this.room.watched.has(id), seconds, this.room.facts.lots.some((one) => one.book.lot === id && one.planned));
  }

  /** Rows that belong elsewhere go there, once, in a moment or when the hand has left. @param {number | null} now */
  arrange(now) {
    this.now = now;
    if (this.due || ![...this.rows.keys()].some((id) => this.rows.get(id)?.closest("[data-lane]")?.getAttribute("data-lane") !== this.lane(id, now))) return;
    this.due = true;
    setTimeout(() => this.settle(), CALM_MS);
  }

  settle() {
    if (!this.due || !mayMove({ pointerInside: this.pointerInside, focusInside: this.element.contains(document.activeElement) })) return;
    this.due = false;
    /** @type {Map<Lane, {lot: import("./fold.js").Lot, place: number}[]>} */
    const lanes = new Map();
    for (const fact of this.room.facts.lots) {
      const lot = this.room.store.lots.get(fact.book.lot);
      if (!lot) continue;
      const lane = this.lane(lot.lot, this.now ?? null);
      lanes.set(lane, [...(lanes.get(lane) ?? []), { lot, place: fact.place }]);
    }
    for (const section of this.element.querySelectorAll("[data-lane]")) {
      const lane = /** @type {Lane} */ (section.getAttribute("data-lane"));
      const members = ordered(lanes.get(lane) ?? [], lane);
      const list = section.querySelector("ul");
      members.forEach(({ lot }, k) => {
        const row = this.rows.get(lot.lot);
        if (row && list && list.children[k] !== row) list.insertBefore(row, list.children[k] ?? null);
      });
      section.toggleAttribute("hidden", members.length === 0);
      if (lane !== "closing") setText(section.querySelector("[data-count]"), String(members.length));
    }
  }

  /** @type {number | null | undefined} */
  now = undefined;

  /** @param {string} id */
  focus(id) {
    for (const [lot, row] of this.rows) {
      if (lot === id) row.querySelector("a")?.setAttribute("aria-current", "true");
      else row.querySelector("a")?.removeAttribute("aria-current");
    }
  }
}
