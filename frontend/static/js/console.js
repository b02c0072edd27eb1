// @ts-check
// The console of a running sale: one line to the house, one store, the running order, the lot in hand and its acts. What
// comes in changes words; the focus stays where the hand put it, and rows are drawn together, at most ten times a second.
import { amountText, moneyText } from "./amounts.js";
import { Announcer, region } from "./announce.js";
import { instantMs, ServerClock } from "./clock.js";
import { actByKey, isTyping, moveOf, openAct, renderActs, sendForm } from "./console-acts.js";
import { renderNews } from "./console-news.js";
import { drawState, lookOf, Order } from "./console-order.js";
import { left, secondsLeft } from "./countdown.js";
import { HOUSE } from "./fold.js";
import { icon, setIcon, setText } from "./icons.js";
import { SWITCH } from "./keys.js";
import { hoursWords, lotWords } from "./lot-words.js";
import { Line, PROTOCOL } from "./socket.js";
import { SaleStore } from "./store.js";
import { language, say, sentence } from "./words.js";
import { clockIn } from "./zones.js";

/** @typedef {{sale: string, state: string, format: string, rules: string, currency: string, zone: string, window: number,
 *   lots: import("./room-facts.js").LotFacts[]}} ConsoleFacts */

const DRAW_MS = 100;
const TICK_MS = 500;
const NEWS_MS = 2_500;
const BOOK_MS = 700;

class Console {
  /** @param {ConsoleFacts} facts @param {HTMLElement} body */
  constructor(facts, body) {
    this.facts = facts;
    this.store = new SaleStore(facts.sale);
    this.store.snapshot({ state: facts.state, rules: facts.rules, lots: facts.lots.map((one) => one.book) });
    this.clock = new ServerClock(() => performance.now());
    this.order = new Order(body, facts, this.store);
    const place = (/** @type {string} */ kind) => region(/** @type {Element} */ (document.querySelector(`[data-announce="${kind}"]`)));
    this.announcer = new Announcer({ assertive: place("assertive"), polite: place("polite"), monotonic: () => performance.now(), later: (ms, act) => void setTimeout(act, ms) });
    this.show = document.querySelector("[data-show][aria-current]")?.getAttribute("data-show") ?? "now";
    /** @type {Set<string>} */
    this.dirty = new Set();
    this.drawing = false;
    this.bookDue = false;
    this.turn = 0;
    this.line = this.lay();
  }

  lay() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    return new Line({
      url: `${scheme}://${location.host}/live`, sale: this.facts.sale, lang: language.startsWith("zh") ? "zh" : "en",
      open: (url) => new WebSocket(url, PROTOCOL), clock: this.clock, after: () => this.store.after(), unanswered: () => [],
      hear: (frame) => this.hear(frame), tell: (condition) => this.tell(condition),
      random: Math.random, later: (ms, act) => setTimeout(act, ms), forget: (timer) => clearTimeout(timer),
    });
  }

  start() {
    this.wire();
    this.order.arrange(this.show, this.find?.value ?? "", null);
    this.renderHand();
    this.line.start();
    setInterval(() => this.tick(), TICK_MS);
    setTimeout(() => void this.news(), NEWS_MS);
    addEventListener("pagehide", () => this.line.stop());
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  }

  get hand() {
    return /** @type {HTMLElement} */ (document.querySelector("[data-hand]"));
  }

  get lot() {
    return this.hand.dataset.hand ?? "";
  }

  get find() {
    return /** @type {HTMLInputElement | null} */ (document.querySelector("[data-find]"));
  }

  /** The address of this page with a lot in hand. @param {string} lot */
  address(lot) {
    return `/staff/sales/${this.facts.sale}/console?lot=${lot}&show=${this.show}`;
  }

  wire() {
    for (const scriptless of document.querySelectorAll(".script-less")) scriptless.remove();
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("click", (event) => this.click(event));
    document.addEventListener("submit", (event) => this.submit(/** @type {SubmitEvent} */ (event)));
    this.find?.addEventListener("input", () => this.order.arrange(this.show, this.find?.value ?? "", this.clock.now()));
    const keys = document.querySelector("[data-keys]");
    const on = document.querySelector("[data-keys-on]");
    if (keys instanceof HTMLElement && on instanceof HTMLInputElement) {
      keys.hidden = false;
      on.checked = localStorage.getItem(SWITCH) !== "off";
      on.addEventListener("change", () => localStorage.setItem(SWITCH, on.checked ? "on" : "off"));
    }
  }

  // -- what comes in

  /** @param {any} frame */
  hear(frame) {
    if (frame.sale !== undefined && frame.sale !== this.facts.sale) return;
    if (frame.op === "snapshot") this.took(this.store.snapshot(frame));
    else if (frame.op === "batch") this.took(this.store.batch(frame));
  }

  /** @param {import("./store.js").Outcome} outcome */
  took(outcome) {
    if (outcome.gaps.size) this.line.ask(outcome.gaps);
    for (const lot of outcome.changed) this.dirty.add(lot);
    for (const { kind, lot, to } of outcome.happenings) {
      const number = this.facts.lots.find((one) => one.book.lot === lot)?.number;
      if (kind === "state" && number && to) this.announcer.calm(lot, say("Lot %(number)s: ", { number }) + lotWords(to));
    }
    if (outcome.sale) this.renderSale();
    this.draw();
  }

  /** Everything that changed since the last drawing, in one go. */
  draw() {
    if (this.drawing) return;
    this.drawing = true;
    setTimeout(() => {
      this.drawing = false;
      const now = this.clock.now();
      const dirty = this.dirty;
      this.dirty = new Set();
      for (const id of dirty) this.order.render(id, now);
      this.renderCounts();
      if (dirty.has(this.lot)) { this.renderHand(); this.bookSoon(); }
    }, DRAW_MS);
  }

  renderCounts() {
    const counts = /** @type {Record<string, number>} */ (this.order.counts());
    for (const link of document.querySelectorAll("[data-show]")) setText(link.querySelector("[data-count]"), String(counts[link.getAttribute("data-show") ?? ""] ?? ""));
  }

  renderSale() {
    const { state } = this.store;
    for (const link of document.querySelectorAll("[data-opens]")) link.toggleAttribute("hidden", link.getAttribute("data-opens") === "pause" ? state !== "open" : state !== "paused");
    const acts = document.querySelector(".whole-sale [data-acts]");
    if (acts) renderActs(acts, { state });
  }

  /** The lot in hand as the book has it; what was typed into its acts stays. */
  renderHand() {
    const lot = this.store.lots.get(this.lot);
    if (!lot) return;
    const { currency } = this.facts;
    const price = this.hand.querySelector("[data-hand-price]");
    const money = price?.querySelector(".money");
    if (lot.price === null) setText(price, "–");
    else if (money?.lastChild) { if (money.lastChild.textContent !== amountText(lot.price, currency)) money.lastChild.textContent = amountText(lot.price, currency); }
    else setText(price, moneyText(lot.price, currency));
    const leader = this.hand.querySelector("[data-hand-leader]");
    const words = lot.leader === HOUSE ? say("seller’s bid") : lot.leader ? say("leader %(alias)s", { alias: lot.leader }) : say("no leader");
    const paddle = lot.leader && this.hand.querySelector(`[data-book-part] [data-alias="${CSS.escape(lot.leader)}"]`)?.getAttribute("data-paddle");
    const same = leader?.querySelector("[data-who]")?.textContent === words;
    setText(leader?.querySelector("[data-who]"), words);
    if (paddle || !same) setText(leader?.querySelector("[data-paddle]"), paddle ? say(", ") + paddle : "");
    setText(this.hand.querySelector("[data-hand-ask]"), say("ask %(sum)s", { sum: amountText(lot.ask, currency) }));
    const acts = this.hand.querySelector("[data-acts]");
    if (acts) renderActs(acts, lot);
    this.tickHand();
  }

  tickHand() {
    const lot = this.store.lots.get(this.lot);
    const now = this.clock.now();
    if (!lot) return;
    const seconds = now === null || !lot.end ? null : secondsLeft(instantMs(lot.end), now);
    const { kind, name, words, ending } = lookOf(lot, seconds, this.facts.window);
    const state = this.hand.querySelector("[data-hand-state]");
    if (state && state.textContent?.trim() !== words) drawState(state, kind, name, words);
    const clock = this.hand.querySelector("[data-clock]");
    const rest = seconds === null || lot.state !== "open" ? null : left(seconds);
    setText(clock, rest === null || rest.kind === "date" ? "" : rest.kind === "hours" ? hoursWords(rest.text) : rest.text);
    clock?.classList.toggle("is-closing", ending);
    const ends = this.hand.querySelector("[data-ends]");
    if (lot.state === "open" && !lot.end) setText(ends, say("open until it is called"));
    else if (lot.end && seconds !== null && seconds < 43_200) setText(ends, say("ends %(time)s", { time: clockIn(instantMs(lot.end), this.facts.zone) }));
  }

  tick() {
    const now = this.clock.now();
    this.order.tick(now);
    this.tickHand();
    setText(document.querySelector("[data-time-there]"), now === null ? "–" : clockIn(now, this.facts.zone));
    const within = this.clock.withinMs();
    const cell = document.querySelector("[data-link]");
    if (cell instanceof HTMLElement && within !== null) cell.dataset.within = String(within);
  }

  /** @param {import("./socket.js").Condition} condition */
  tell(condition) {
    const cell = document.querySelector("[data-link]");
    cell?.classList.remove("is-off", "is-slow", "is-lost");
    if (condition === "slow") cell?.classList.add("is-slow");
    if (condition === "lost" || condition === "refused") cell?.classList.add("is-lost");
    setIcon(cell, ["slow", "lost", "refused"].includes(condition) ? "unlinked" : "pulse");
    setText(document.querySelector("[data-link-words]"), {
      connecting: say("Connecting"), live: say("Live"), slow: say("Connection lost, time unknown"), lost: say("Connection lost, coming back"), refused: say("Not connected"),
    }[condition]);
  }

  // -- what is asked for

  /** Asks at once, and again in a while; one question at a time. */
  async news() {
    clearTimeout(this.asking);
    const turn = ++this.turn;
    const shown = document.querySelector("[data-feed]")?.getAttribute("data-n") ?? "-1";
    try {
      const answer = await fetch(`/staff/sales/${this.facts.sale}/console.json?after=${shown}`, { headers: { accept: "application/json" } });
      if (answer.ok && turn === this.turn && renderNews(await answer.json(), this.address(this.lot))) this.announcer.urgent(say("An act waits for your approval"));
    } catch {
      // the line says that the connection is lost; the next question finds out
    }
    if (turn === this.turn) this.asking = setTimeout(() => void this.news(), NEWS_MS);
  }

  /** @type {any} */
  asking = undefined;

  /** A part of the page as the house now has it. @param {string} part @param {string} [query] @returns {Promise<DocumentFragment | null>} */
  async part(part, query = `lot=${this.lot}`) {
    try {
      const answer = await fetch(`/staff/sales/${this.facts.sale}/console?${query}&part=${part}`, { headers: { accept: "text/html", "hx-request": "true" } });
      if (!answer.ok) return null;
      return document.createRange().createContextualFragment(await answer.text());
    } catch {
      return null;
    }
  }

  bookSoon() {
    if (this.bookDue) return;
    this.bookDue = true;
    setTimeout(async () => {
      this.bookDue = false;
      const { lot } = this;
      const book = await this.part("book");
      const place = this.hand.querySelector("[data-book-part]");
      if (!book || lot !== this.lot || !place || place.contains(document.activeElement)) return;
      place.replaceChildren(book);
      this.voidable(place);
      this.renderHand();
    }, BOOK_MS);
  }

  /** Which bids can be voided now; what was chosen stays chosen while it stands. @param {Element} place */
  voidable(place) {
    const select = this.hand.querySelector("[data-voidable]");
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
    this.order.mark(lot);
    const hand = await this.part("hand", `lot=${lot}`);
    if (turn !== this.taking) return;
    const next = hand?.querySelector("[data-hand]");
    if (!next) { location.assign(this.address(lot)); return; }
    this.hand.replaceWith(next);
    history.replaceState(null, "", this.address(lot));
    this.renderHand();
    this.answer(null);
    this.announcer.calm("hand", say("Lot %(number)s is in hand", { number: this.facts.lots.find((one) => one.book.lot === lot)?.number ?? "" }));
  }

  taking = 0;

  // -- what the hand does

  /** @param {MouseEvent} event */
  click(event) {
    const at = event.target instanceof Element ? event.target : null;
    if (!at || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    const link = at.closest("a[data-take]");
    if (link instanceof HTMLAnchorElement) { event.preventDefault(); void this.take(new URL(link.href).searchParams.get("lot") ?? ""); return; }
    const show = at.closest("a[data-show]");
    if (show) { event.preventDefault(); this.arrange(show.getAttribute("data-show") ?? "now"); return; }
    const opens = at.closest("a[data-opens]");
    const act = opens && document.querySelector(opens.getAttribute("href") ?? "");
    if (act instanceof HTMLDetailsElement) { event.preventDefault(); openAct(act); return; }
    if (at.closest("summary")?.getAttribute("aria-disabled") === "true") event.preventDefault();
  }

  /** @param {string} show */
  arrange(show) {
    this.show = show;
    for (const link of document.querySelectorAll("[data-show]")) {
      if (link.getAttribute("data-show") === show) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    this.order.arrange(show, this.find?.value ?? "", this.clock.now());
    history.replaceState(null, "", this.address(this.lot));
  }

  /** @param {SubmitEvent} event */
  submit(event) {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    if (form.matches("[data-behalf-form]")) { event.preventDefault(); void this.behalf(form); return; }
    if (!form.matches("[data-act-form]") && !form.closest("[data-waiting]")) return;
    event.preventDefault();
    void this.send(form);
  }

  /** What a bid for somebody else would cost, before it is entered. @param {HTMLFormElement} form */
  async behalf(form) {
    const query = new URLSearchParams(/** @type {any} */ (new FormData(form))).toString();
    const asked = await this.part("behalf", query);
    const place = this.hand.querySelector("[data-behalf]");
    if (!asked || !place) { this.answer({ good: false, words: sentence("act_unknown") }); return; }
    place.replaceChildren(asked);
    const button = place.querySelector("button");
    button?.focus();
    button?.scrollIntoView({ block: "nearest" });
  }

  /** @param {HTMLFormElement} form */
  async send(form) {
    if (form.dataset.sending) return; // pressed twice is sent once
    form.dataset.sending = "1";
    const came = await sendForm(form);
    delete form.dataset.sending;
    this.answer(came);
    if (came.good) {
      const act = form.closest("details[data-act]");
      if (act instanceof HTMLDetailsElement) {
        const had = act.contains(document.activeElement);
        act.open = false;
        if (had) act.querySelector("summary")?.focus();
        if (act.dataset.act !== "void") form.reset();
      }
      form.closest("[data-behalf]")?.replaceChildren();
    }
    void this.news();
  }

  /** @param {import("./console-acts.js").Came | null} came */
  answer(came) {
    const place = document.querySelector("[data-answer]");
    if (!place) return;
    place.replaceChildren();
    if (!came) return;
    const words = document.createElement("span");
    words.textContent = came.words;
    place.append(icon(came.good ? "verified" : "outbid"), words);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const held = [...document.querySelectorAll("details[data-key]")].map((act) => act.getAttribute("data-key") ?? "");
    const { key, altKey, ctrlKey, metaKey, repeat } = event;
    const move = moveOf({ key, altKey, ctrlKey, metaKey, repeat, typing: isTyping(event.target), on: localStorage.getItem(SWITCH) !== "off", held });
    if (move === null) return;
    if (move === "close") { this.close(); return; }
    event.preventDefault();
    const act = move === "act" ? actByKey(key) : null;
    if (act) openAct(act);
    else if (move === "find") this.find?.focus();
    else if (move === "next") /** @type {HTMLElement | null} */ (this.hand.querySelector("[data-next]"))?.click();
    else if (move === "exception") this.exception();
    else if (move === "up" || move === "down") this.step(move === "down" ? 1 : -1);
  }

  /** The open act closes, and the focus is on its button again. */
  close() {
    const open = document.querySelector("details.act[open]");
    if (!(open instanceof HTMLDetailsElement) || !open.contains(document.activeElement)) return;
    open.open = false;
    open.querySelector("summary")?.focus();
  }

  exception() {
    this.arrange("exceptions");
    const first = this.order.shown()[0];
    if (first) void this.take(first);
  }

  /** @param {number} by */
  step(by) {
    const shown = this.order.shown();
    const next = shown[Math.max(0, Math.min(shown.length - 1, shown.indexOf(this.lot) + by))];
    if (!next || next === this.lot) return;
    void this.take(next);
    this.order.rows.get(next)?.row.scrollIntoView({ block: "nearest" });
  }
}

const facts = document.querySelector("[data-console]")?.getAttribute("data-console");
const body = document.querySelector("[data-order]:is(tbody)");
if (facts && body instanceof HTMLElement) new Console(JSON.parse(facts), body).start();
