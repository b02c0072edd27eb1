// @ts-check
// The running order of the console: every lot a row whose cells follow the book, shown by group and by what is looked for.
import { amountText } from "./amounts.js";
import { instantMs } from "./clock.js";
import { secondsLeft } from "./countdown.js";
import { ALL_MS, Sight } from "./drawing.js";
import { HOUSE, isDecided, isEnding } from "./fold.js";
import { drawState, setText } from "./icons.js";
import { leftText, LOT_ICONS, lotWords } from "./lot-words.js";
import { ruled } from "./ruled.js";
import { say } from "./words.js";

/** @typedef {import("./fold.js").Lot} Lot */
/** @typedef {"now" | "exceptions" | "closed"} Group */
/** @typedef {{currency: string, window: number, under?: Record<string, any>, lots: import("./room-facts.js").LotFacts[]}} OrderFacts */

const AT_ONCE = 40; // rows that come into the page with one picture: several hundred would hold up a key
const LATEST_MS = 250; // for the next ones, if the page is never idle

/** @param {() => void} act */
function whenIdle(act) {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(act, { timeout: LATEST_MS });
  else setTimeout(act, LATEST_MS / 5);
}

/** Where a lot stands in the running order; what needs an eye is an exception. The page says the same.
 * @param {Pick<Lot, "state" | "bids" | "reserve_met">} lot @returns {Group} */
export function groupOf({ state, bids, reserve_met }) {
  if (["sold", "passed", "withdrawn"].includes(state)) return "closed";
  return ["paused", "closing"].includes(state) || (state === "open" && bids > 0 && reserve_met === false) ? "exceptions" : "now";
}

/** Whether a lot is among those shown: from now on means everything that is still to be decided.
 * @param {Group} group @param {string} show @param {string} known what can be looked for @param {string} find */
export function isShown(group, show, known, find) {
  const fits = show === "closed" ? group === "closed" : show === "exceptions" ? group === "exceptions" : group !== "closed";
  return fits && known.includes(find.trim().toLowerCase());
}

/** The state as kind of colour, name of shape, and word. @param {Lot} lot @param {number | null} seconds left @param {number} window */
export function lookOf(lot, seconds, window) {
  const ending = isEnding(lot, seconds, window);
  const shown = ending ? "ending" : lot.state;
  if (lot.state === "open" && lot.bids > 0 && lot.reserve_met === false) return { kind: "reserve", name: "reserve", words: say("Reserve not met"), ending };
  return { kind: ["ending", "closing"].includes(shown) ? "closing" : "quiet", name: LOT_ICONS[shown] ?? "open", words: lotWords(shown), ending };
}

/** What stands under "left". @param {Lot} lot @param {number | null} now @param {number | null} seconds @returns {string | null} null: as the page has it */
export function leftWords(lot, now, seconds) {
  if (isDecided(lot) || lot.state === "listed") return "–";
  if (lot.state === "paused") return say("paused");
  if (lot.state === "closing") return "0:00";
  if (!lot.end) return say("until called");
  if (now === null || seconds === null) return say("time unknown");
  return leftText(seconds);
}

export class Order {
  /** @param {HTMLElement} body @param {OrderFacts} facts @param {import("./store.js").SaleStore} store */
  constructor(body, facts, store) {
    this.body = body;
    this.facts = facts;
    this.store = store;
    this.show = "now";
    this.find = "";
    this.rows = new Map([...body.querySelectorAll("tr[data-lot]")].map((row) => {
      const at = (/** @type {string} */ name) => /** @type {HTMLElement} */ (row.querySelector(`[data-${name}]`));
      return [row.getAttribute("data-lot") ?? "", {
        row: /** @type {HTMLElement} */ (row), known: row.getAttribute("data-known") ?? "", reserved: row.hasAttribute("data-reserved"),
        state: at("state"), time: at("time"), price: at("price"), reserve: at("reserve"), leader: at("leader"), bids: at("bids"), words: "",
      }];
    }));
    this.sight = new Sight(new Map([...this.rows].map(([id, { row }]) => [id, row])), (id) => this.time(id, this.now));
    this.toldAt = -Infinity;
    /** @type {number | null} */
    this.now = null;
    /** @type {Set<string>} rows that are shown with the next pictures */
    this.coming = new Set();
  }

  /** The cells of one row. @param {string} id @param {number | null} now */
  render(id, now) {
    const cells = this.rows.get(id);
    const lot = this.store.lots.get(id);
    if (!cells || !lot) return;
    setText(cells.price, lot.price === null ? "–" : amountText(lot.price, this.facts.currency));
    setText(cells.reserve, !cells.reserved ? say("none") : lot.reserve_met ? say("met") : say("not met"));
    setText(cells.leader, lot.leader === HOUSE ? say("seller") : lot.leader ?? "–");
    setText(cells.bids, String(lot.bids));
    this.place(id);
    this.time(id, now);
  }

  /** Shown or not, as it now stands. A row that has the focus stays until the focus has left. @param {string} id */
  place(id) {
    const cells = this.rows.get(id);
    const lot = this.store.lots.get(id);
    if (!cells || !lot) return;
    const shown = isShown(groupOf(lot), this.show, cells.known, this.find);
    this.coming.delete(id);
    if (cells.row.hidden === shown && (shown || !cells.row.contains(document.activeElement))) cells.row.hidden = !shown;
  }

  /** State and time left. @param {string} id @param {number | null} now */
  time(id, now) {
    const cells = this.rows.get(id);
    const lot = this.store.lots.get(id);
    if (!cells || !lot || cells.row.hidden) return;
    const seconds = now === null || !lot.end ? null : secondsLeft(instantMs(lot.end), now);
    const { kind, name, words, ending } = lookOf(lot, seconds, ruled(this.facts, this.store, id).window);
    if (cells.words !== words) {
      cells.words = words;
      drawState(cells.state, kind, name, words);
    }
    const text = leftWords(lot, now, seconds);
    if (text !== null) setText(cells.time, text);
    if (cells.time.classList.contains("is-closing") !== ending) cells.time.classList.toggle("is-closing", ending);
  }

  /** The countdowns that can be seen; now and then all. @param {number | null} now */
  tick(now) {
    const at = performance.now();
    const all = at - this.toldAt > ALL_MS || (now === null) !== (this.now === null);
    if (all) this.toldAt = at;
    this.now = now;
    for (const id of all ? this.rows.keys() : this.sight.near) this.time(id, now);
  }

  /** Another group, or other words looked for. @param {string} show @param {string} find @param {number | null} now */
  arrange(show, find, now) {
    [this.show, this.find, this.now] = [show, find, now];
    const waited = this.coming.size > 0;
    this.coming.clear();
    for (const [id, { row, known }] of this.rows) {
      const lot = this.store.lots.get(id);
      if (row.hidden && lot && isShown(groupOf(lot), show, known, find)) this.coming.add(id);
      else this.place(id);
    }
    if (!waited) this.come();
  }

  /** Some more of the rows that are to be shown, the first ones first. */
  come() {
    for (const id of [...this.coming].slice(0, AT_ONCE)) { this.place(id); this.time(id, this.now); }
    if (this.coming.size) whenIdle(() => this.come());
  }

  counts() {
    const counts = { now: 0, exceptions: 0, closed: 0 };
    for (const lot of this.store.lots.values()) {
      const group = groupOf(lot);
      if (group !== "closed") counts.now += 1;
      if (group !== "now") counts[group] += 1;
    }
    return counts;
  }

  /** The shown lots in their order. */
  shown() {
    return [...this.rows].filter(([id, cells]) => !cells.row.hidden || this.coming.has(id)).map(([id]) => id);
  }

  /** @param {string} id */
  mark(id) {
    for (const [lot, { row }] of this.rows) {
      row.classList.toggle("is-here", lot === id);
      if (lot === id) row.querySelector("a")?.setAttribute("aria-current", "true");
      else row.querySelector("a")?.removeAttribute("aria-current");
    }
  }
}
