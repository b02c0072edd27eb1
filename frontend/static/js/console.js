// @ts-check
// The console of a running sale: one line to the house, one store, the running order, the lot in hand and its acts. What
// comes in changes words; the focus stays where the hand put it, and rows are drawn together, at most ten times a second.
import { actByKey, isTyping, moveOf, openAct, renderActs, sendForm } from "./console-acts.js";
import { Hand } from "./console-hand.js";
import { renderNews } from "./console-news.js";
import { Order } from "./console-order.js";
import { DRAW_MS, Drawing } from "./drawing.js";
import { setText } from "./icons.js";
import { SWITCH } from "./keys.js";
import { lotWords } from "./lot-words.js";
import { endsWithPage, freshLots, keySwitch, lineTo, pageClock, pageVoice, showLink, storeOf } from "./sale-line.js";
import { say } from "./words.js";
import { clockIn } from "./zones.js";

/** @typedef {{sale: string, state: string, format: string, rules: string, currency: string, zone: string, window: number, under?: Record<string, any>, amended?: Record<string, string>,
 *   lots: import("./room-facts.js").LotFacts[]}} ConsoleFacts */

const TICK_MS = 500;
const NEWS_MS = 2_500;

class Console {
  /** @param {ConsoleFacts} facts @param {HTMLElement} body */
  constructor(facts, body) {
    this.facts = facts;
    this.store = storeOf(facts);
    this.clock = pageClock();
    this.order = new Order(body, facts, this.store);
    this.announcer = pageVoice();
    this.address = this.address.bind(this);
    this.hand = new Hand(this);
    this.show = document.querySelector("[data-show][aria-current]")?.getAttribute("data-show") ?? "now";
    this.drawing = new Drawing((changed) => this.draw(changed), DRAW_MS);
    this.numbers = new Map(facts.lots.map((one) => [one.book.lot, one.number]));
    this.turn = 0;
    this.sought = false; // other words are looked for
    this.line = lineTo(this.store, this.clock, { hear: (frame) => this.hear(frame), tell: (condition) => showLink(condition, this.clock) });
  }

  start() {
    this.wire();
    this.order.arrange(this.show, this.find?.value ?? "", null);
    this.hand.render();
    this.line.start();
    setInterval(() => this.tick(), TICK_MS);
    setTimeout(() => void this.news(), NEWS_MS);
    endsWithPage(this.line);
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
    this.find?.addEventListener("input", () => { this.sought = true; this.drawing.add([]); }); // several hundred rows come and go: not while a key is held up
    keySwitch(document);
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
    freshLots(this.facts, outcome);
    this.drawing.add(outcome.changed);
    for (const { kind, lot, to } of outcome.happenings) {
      const number = this.numbers.get(lot);
      if (kind === "state" && number && to) this.announcer.calm(lot, say("Lot %(number)s: ", { number }) + lotWords(to));
      if (kind === "amended" && number) this.announcer.calm(lot, say("Lot %(number)s: ", { number }) + say("its rules were amended"));
    }
    if (outcome.sale) this.renderSale();
  }

  /** @param {Set<string>} changed */
  draw(changed) {
    const now = this.clock.now();
    if (this.sought) this.order.arrange(this.show, this.find?.value ?? "", now);
    this.sought = false;
    for (const id of changed) this.order.render(id, now);
    this.renderCounts();
    if (changed.has(this.hand.lot)) { this.hand.render(); this.hand.bookSoon(); }
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

  tick() {
    const now = this.clock.now();
    this.order.tick(now);
    this.hand.tick(now);
    setText(document.querySelector("[data-time-there]"), now === null ? "–" : clockIn(now, this.facts.zone));
    showLink(this.line.condition, this.clock);
  }

  // -- what is asked for

  /** Asks at once, and again in a while; one question at a time. */
  async news() {
    clearTimeout(this.asking);
    const turn = ++this.turn;
    const shown = document.querySelector("[data-feed]")?.getAttribute("data-n") ?? "-1";
    try {
      const answer = await fetch(`/staff/sales/${this.facts.sale}/console.json?after=${shown}`, { headers: { accept: "application/json" } });
      if (answer.ok && turn === this.turn && renderNews(await answer.json(), this.address(this.hand.lot))) this.announcer.urgent(say("An act waits for your approval"));
    } catch {
      // the line says that the connection is lost; the next question finds out
    }
    if (turn === this.turn) this.asking = setTimeout(() => void this.news(), NEWS_MS);
  }

  /** @type {any} */
  asking = undefined;

  // -- what the hand does

  /** @param {MouseEvent} event */
  click(event) {
    const at = event.target instanceof Element ? event.target : null;
    if (!at || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    const link = at.closest("a[data-take]");
    if (link instanceof HTMLAnchorElement) { event.preventDefault(); void this.hand.take(new URL(link.href).searchParams.get("lot") ?? ""); return; }
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
    history.replaceState(null, "", this.address(this.hand.lot));
  }

  /** @param {SubmitEvent} event */
  submit(event) {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    if (form.matches("[data-behalf-form]")) { event.preventDefault(); void this.hand.behalf(form); return; }
    if (!form.matches("[data-act-form]") && !form.closest("[data-waiting]")) return;
    event.preventDefault();
    void this.send(form, event.submitter?.textContent?.trim() ?? "");
  }

  /** @param {HTMLFormElement} form @param {string} act what its button says */
  async send(form, act) {
    if (form.dataset.sending) return; // pressed twice is sent once
    form.dataset.sending = "1";
    const turn = this.hand.asks();
    const { good, words } = await sendForm(form);
    const came = { good, words: act + say(": ") + words };
    delete form.dataset.sending;
    this.hand.answer(came, turn);
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
    else if (move === "next") /** @type {HTMLElement | null} */ (this.hand.element.querySelector("[data-next]"))?.click();
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
    if (first) void this.hand.take(first);
  }

  /** @param {number} by */
  step(by) {
    const shown = this.order.shown();
    const next = shown[Math.max(0, Math.min(shown.length - 1, shown.indexOf(this.hand.lot) + by))];
    if (!next || next === this.hand.lot) return;
    void this.hand.take(next);
    this.order.rows.get(next)?.row.scrollIntoView({ block: "nearest" });
  }
}

const facts = document.querySelector("[data-console]")?.getAttribute("data-console");
const body = document.querySelector("[data-order]:is(tbody)");
if (facts && body instanceof HTMLElement) new Console(JSON.parse(facts), body).start();
