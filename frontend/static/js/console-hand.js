// @ts-check
// The lot in hand on the console: its standing, its time, its acts and its book, as the sale goes on. What was typed into
// its acts stays; another lot comes in hand as a part of the page, fetched from the house.
import { amountText, moneyText } from "./amounts.js";
import { instantMs } from "./clock.js";
import { renderActs } from "./console-acts.js";
import { lookOf } from "./console-order.js";
import { secondsLeft } from "./countdown.js";
import { HOUSE, isDecided } from "./fold.js";
import { drawState, icon, setText } from "./icons.js";
import { leftText } from "./lot-words.js";
import { ruled } from "./ruled.js";
import { say, sentence } from "./words.js";
import { clockIn } from "./zones.js";

/** @typedef {{facts: import("./console.js").ConsoleFacts, store: import("./store.js").SaleStore, clock: import("./clock.js").ServerClock,
 *   announcer: import("./announce.js").Announcer, order: import("./console-order.js").Order, address: (lot: string) => string}} Console */

const BOOK_MS = 700;
const DATE_S = 43_200; // from here on the page says the day

export class Hand {
  /** @param {Console} console */
  constructor(console) {
    this.console = console;
    this.bookDue = false;
    this.taking = 0;
    this.asked = 0;
  }

  /** The turn of an act, in the order of their sending. */
  asks() {
    return (this.asked += 1);
  }

  get element() {
    return /** @type {HTMLElement} */ (document.querySelector("[data-hand]"));
  }

  get lot() {
    return this.element.dataset.hand ?? "";
  }

  /** The lot as the book has it. */
  render() {
    const { facts, store } = this.console, hand = this.element;
    const lot = store.lots.get(this.lot);
    if (!lot) return;
    const price = hand.querySelector("[data-hand-price]");
    const money = price?.querySelector(".money");
    const sum = lot.price === null ? "" : amountText(lot.price, facts.currency);
    if (lot.price === null) setText(price, "–");
    else if (money?.lastChild) { if (money.lastChild.textContent !== sum) money.lastChild.textContent = sum; }
    else setText(price, moneyText(lot.price, facts.currency));
    const leader = hand.querySelector("[data-hand-leader]");
    const words = lot.leader === HOUSE ? say("seller’s bid") : lot.leader ? say("leader %(alias)s", { alias: lot.leader }) : say("no leader");
    const paddle = lot.leader && hand.querySelector(`[data-book-part] [data-alias="${CSS.escape(lot.leader)}"]`)?.getAttribute("data-paddle");
    const same = leader?.querySelector("[data-who]")?.textContent === words;
    setText(leader?.querySelector("[data-who]"), words);
    if (paddle || !same) setText(leader?.querySelector("[data-paddle]"), paddle ? say(", ") + paddle : "");
    const asks = !isDecided(lot) && facts.format !== "tender";
    setText(hand.querySelector("[data-hand-ask]"), !asks ? "" : say("ask %(sum)s", { sum: amountText(lot.ask, facts.currency) }));
    const acts = hand.querySelector("[data-acts]");
    if (acts) renderActs(acts, lot);
    this.tick(this.console.clock.now());
  }

  /** State and time left. @param {number | null} now */
  tick(now) {
    const { facts, store } = this.console, hand = this.element;
    const lot = store.lots.get(this.lot);
    if (!lot) return;
    const end = lot.end ? instantMs(lot.end) : null;
    const seconds = now === null || end === null ? null : secondsLeft(end, now);
    const { kind, name, words, ending } = lookOf(lot, seconds, ruled(facts, store, this.lot).window);
    const state = hand.querySelector("[data-hand-state]");
    if (state && state.textContent?.trim() !== words) drawState(state, kind, name, words);
    const clock = hand.querySelector("[data-clock]");
    setText(clock, seconds === null || lot.state !== "open" ? "" : leftText(seconds) ?? "");
    clock?.classList.toggle("is-closing", ending);
    const ends = hand.querySelector("[data-ends]");
    if (lot.state === "paused") setText(ends, say("paused, no time runs"));
    else if (lot.state === "withdrawn") setText(ends, "");
    else if (lot.state === "open" && end === null) setText(ends, say("open until it is called"));
    else if (end !== null && seconds !== null && seconds < DATE_S) setText(ends, say("ends %(time)s", { time: clockIn(end, facts.zone) }));
  }

  /** The book under it follows after a moment: many bids are one question. */
  bookSoon() {
    if (this.bookDue) return;
    this.bookDue = true;
    setTimeout(async () => {
      this.bookDue = false;
      const { lot } = this;
      const book = await this.part("book");
      const place = this.element.querySelector("[data-book-part]");
      if (!book || lot !== this.lot || !place || place.contains(document.activeElement)) return;
      place.replaceChildren(book);
      this.voidable(place);
      this.render();
    }, BOOK_MS);
  }

  /** Which bids can be voided now; what was chosen stays chosen while it stands. @param {Element} place */
  voidable(place) {
    const select = this.element.querySelector("[data-voidable]");
    const options = place.querySelector("template[data-void]");
    if (!(select instanceof HTMLSelectElement) || !(options instanceof HTMLTemplateElement)) return;
    const chosen = select.value;
    select.replaceChildren(options.content.cloneNode(true));
    if ([...select.options].some(({ value }) => value === chosen)) select.value = chosen;
    const act = select.closest("details");
    act?.querySelector("[data-none]")?.toggleAttribute("hidden", select.options.length > 0);
    act?.querySelector("button")?.toggleAttribute("disabled", select.options.length === 0);
  }

  /** Another lot comes in hand. @param {string} lot */
  async take(lot) {
    const turn = (this.taking += 1);
    const { facts, order, announcer, address } = this.console;
    order.mark(lot);
    const part = await this.part("hand", `lot=${lot}`);
    if (turn !== this.taking) return;
    const next = part?.querySelector("[data-hand]");
    if (!next) { location.assign(address(lot)); return; }
    this.element.replaceWith(next);
    history.replaceState(null, "", address(lot));
    this.render();
    this.answer(null);
    announcer.calm("hand", say("Lot %(number)s is in hand", { number: facts.lots.find((one) => one.book.lot === lot)?.number ?? "" }));
  }

  /** What a bid for somebody else would cost, before it is entered. @param {HTMLFormElement} form */
  async behalf(form) {
    const query = new URLSearchParams(/** @type {any} */ (new FormData(form))).toString();
    const asked = await this.part("behalf", query);
    const place = this.element.querySelector("[data-behalf]");
    if (!asked || !place) { this.answer({ good: false, words: sentence("act_unknown") }); return; }
    place.replaceChildren(asked);
    const button = place.querySelector("button");
    button?.focus();
    button?.scrollIntoView({ block: "nearest" });
  }

  /** What came of an act. It takes the place of what came of earlier ones; later ones that were answered before it stay.
   * @param {import("./console-acts.js").Came | null} came @param {number} [turn] */
  answer(came, turn = this.asks()) {
    const place = document.querySelector("[data-answer]");
    if (!place) return;
    for (const told of [...place.children]) if (!came || Number(told.getAttribute("data-turn")) <= turn) told.remove();
    if (!came) return;
    const told = document.createElement("span");
    told.dataset.turn = String(turn);
    told.append(icon(came.good ? "verified" : "outbid"), came.words);
    place.prepend(told);
  }

  /** A part of the page as the house now has it. @param {string} part @param {string} [query] @returns {Promise<DocumentFragment | null>} */
  async part(part, query = `lot=${this.lot}`) {
    try {
      const answer = await fetch(`/staff/sales/${this.console.facts.sale}/console?${query}&part=${part}`, { headers: { accept: "text/html", "hx-request": "true" } });
      return answer.ok ? document.createRange().createContextualFragment(await answer.text()) : null;
    } catch {
      return null;
    }
  }
}
