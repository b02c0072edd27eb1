// @ts-check
// The live room and the live page of a lot: one line to the house, one store, and the parts of the page that follow it.
import { amountText, moneyText } from "./amounts.js";
import * as checkpoints from "./checkpoints.js";
import { instantMs } from "./clock.js";
import { passed, secondsLeft } from "./countdown.js";
import { DRAW_MS, Drawing } from "./drawing.js";
import { setText } from "./icons.js";
import { actOf, isTyping, SWITCH } from "./keys.js";
import { LaneBoard } from "./lane-board.js";
import { Stand } from "./lot-panel.js";
import { lotWords, ownWords, standingNote } from "./lot-words.js";
import { OwnBids } from "./own-bids.js";
import { drawPath } from "./price-path.js";
import { readFacts } from "./room-facts.js";
import { rulesMissing } from "./ruled.js";
import { endsWithPage, freshLots, keySwitch, lineTo, pageClock, pageVoice, showLink, storeOf } from "./sale-line.js";
import { isClosingMark, soundOf, Sounds, titled } from "./sounds.js";
import { language, say, sentence } from "./words.js";
import { cityOf, clockIn, sameClock, zoneHere } from "./zones.js";

const DECIDED = ["sold", "passed", "withdrawn"];
const STILL = [...DECIDED, "paused"];
const REDRAW_MS = 30_000;
const TICK_MS = 200;

class Room {
  /** @param {import("./room-facts.js").RoomFacts} facts */
  constructor(facts) {
    this.facts = facts;
    this.factOf = new Map(facts.lots.map((one) => [one.book.lot, one]));
    this.store = storeOf(facts);
    this.store.headroom = facts.headroom;
    this.clock = pageClock();
    this.announcer = pageVoice();
    this.watched = new Set(JSON.parse(localStorage.getItem(`pavilion.watch.${facts.sale}`) ?? "[]"));
    /** @type {Map<string, number>} */
    this.secondsBefore = new Map();
    this.bid = (/** @type {string} */ lot, /** @type {number} */ max) => void this.bids.place(lot, max);
    this.stand = new Stand(/** @type {HTMLElement} */ (document.querySelector("[data-stand]")), this);
    const lanes = document.querySelector("[data-lanes]");
    this.board = lanes instanceof HTMLElement ? new LaneBoard(lanes, this) : null;
    this.sounds = new Sounds({ storage: localStorage, monotonic: () => performance.now(), open: () => new AudioContext() });
    this.drawing = new Drawing((changed) => this.draw(changed), DRAW_MS);
    this.line = lineTo(this.store, this.clock, {
      hear: (frame) => this.hear(frame), tell: (condition) => this.tell(condition), unanswered: () => this.bids.pending.toResend(),
    });
    this.bids = new OwnBids(this);
  }

  start() {
    this.drawPath();
    if (!this.facts.signedIn) return; // the page stays as the server wrote it, and its links lead to the next lot
    this.wire();
    this.renderAll();
    this.line.start();
    void this.bids.askLeftOver();
    this.tick();
    setInterval(() => this.tick(), TICK_MS);
  }

  wire() {
    document.addEventListener("keydown", (event) => this.key(event));
    endsWithPage(this.line);
    document.querySelector("[data-lanes]")?.addEventListener("click", (event) => this.choose(/** @type {MouseEvent} */ (event)));
    document.querySelector("[data-said-close]")?.addEventListener("click", () => document.querySelector("[data-said]")?.setAttribute("hidden", ""));
    if (!this.facts.alone) history.replaceState(null, "", this.address());
    addEventListener("popstate", () => void this.show(location.href, false));
    this.wireStand();
  }

  wireStand() {
    const { element } = this.stand;
    keySwitch(element);
    this.sounds.wire(element);
    const watch = element.querySelector("[data-watch]");
    if (watch instanceof HTMLElement) {
      watch.hidden = false;
      this.renderWatch(watch);
      watch.addEventListener("click", () => {
        if (!this.watched.delete(this.stand.lot)) this.watched.add(this.stand.lot);
        localStorage.setItem(`pavilion.watch.${this.facts.sale}`, JSON.stringify([...this.watched]));
        this.renderWatch(watch);
        this.board?.arrange(this.clock.now());
      });
    }
  }

  /** @param {HTMLElement} button */
  renderWatch(button) {
    const on = this.watched.has(this.stand.lot);
    button.setAttribute("aria-pressed", String(on));
    setText(button.querySelector("span"), on ? say("Watched") : say("Watch"));
  }

  // -- what comes in

  /** @param {any} frame */
  hear(frame) {
    switch (frame.op) {
      case "welcome": if (frame.limits?.headroom != null) this.store.headroom = frame.limits.headroom; this.renderHead(); break;
      case "snapshot": if (frame.sale === this.facts.sale) this.took(this.store.snapshot(frame)); break;
      case "batch": if (frame.sale === this.facts.sale) { this.took(this.store.batch(frame)); this.seal(frame.checkpoint); } break;
      case "you": this.took(this.store.you(frame)); break;
      case "ack":
        this.bids.answered(frame);
        if (frame.code === "rules_changed") void this.show(this.address(), false);
        break;
      case "error": this.bids.refusedFrame(frame); break;
      case "notice": this.tellSaid(frame); break;
      case "presence": setText(document.querySelector("[data-presence]"), frame.watching >= 3 ? say("%(n)s watching", { n: frame.watching }) : ""); break;
      default:
    }
  }

  /** @param {import("./store.js").Outcome} outcome */
  took(outcome) {
    if (outcome.gaps.size) this.line.ask(outcome.gaps);
    freshLots(this.facts, outcome);
    this.drawing.add(outcome.changed);
    for (const happening of outcome.happenings) this.say(happening);
    if (outcome.happenings.some(({ kind, lot }) => kind === "amended" && (lot === this.stand.lot || rulesMissing(this.facts, this.store)))) void this.show(this.address(), false);
    // Decided, paused or resumed: the page of the lot as it now is, with its forms or with the reason why there are none.
    if (outcome.happenings.some(({ kind, lot, from, to }) => kind === "state" && lot === this.stand.lot && (STILL.includes(to ?? "") || from === "paused"))) void this.show(this.address(), false);
  }

  /** @param {Set<string>} changed */
  draw(changed) {
    const now = this.clock.now();
    for (const lot of changed) this.board?.render(lot, now);
    if (changed.has(this.stand.lot)) { this.stand.render(); this.drawPath(); void this.mend(); }
    this.board?.arrange(now);
    this.renderHead();
    this.keepSeal();
  }

  /** The book on the page lacks lines that came as a snapshot: it is fetched again. */
  async mend() {
    if (this.stand.rows.last < this.stand.book.seq && !this.mending) {
      this.mending = true;
      await this.show(this.address(), false);
      this.mending = false;
    }
  }

  mending = false;

  /** Where the lot in focus stands by itself: the bare address of a room shows whichever lot comes next. */
  address() {
    return this.facts.alone ? `/lots/${this.stand.lot}` : `/sales/${this.facts.sale}/room?lot=${this.stand.lot}`;
  }

  /** @param {import("./store.js").Happening} happening */
  say({ kind, lot, to }) {
    const fact = this.factOf.get(lot);
    const book = this.store.lots.get(lot);
    if (!fact || !book) return;
    const own = this.store.own.get(lot);
    const mine = lot === this.stand.lot || own?.max != null;
    this.sounds.play(soundOf(kind, to));
    const head = say("Lot %(number)s: ", { number: fact.number });
    if (kind === "own" && to) {
      const loud = ["outbid", "outbid_by_seller", "tied_later", "won", "lost", "voided", "withdrawn"].includes(to);
      if (loud && lot === this.stand.lot) this.stand.answer(null); // what was said of the last bid no longer holds
      if (loud) this.announcer.urgent(head + ownWords(to, this.facts.watches) + say(", ") + standingNote(book, own, to, fact.opening, this.facts.currency));
    } else if (!mine) {
      // other lots are read when they are looked at
    } else if (kind === "state" && to) {
      if (["paused", "open"].includes(to)) this.announcer.urgent(head + lotWords(to) + (book.reason ? say(": ") + sentence(book.reason) : ""));
      else if (["closing", "sold", "passed"].includes(to) && own?.max == null) this.announcer.calm(lot, head + lotWords(to));
    } else if (kind === "price" && book.price !== null) {
      this.announcer.calm(lot, head + say("price %(sum)s", { sum: moneyText(book.price, this.facts.currency) }));
    } else if (kind === "extended" && book.end) {
      const price = book.price === null ? "" : say("price %(sum)s", { sum: moneyText(book.price, this.facts.currency) }) + say(", ");
      this.announcer.calm(lot, head + price + say("extended to %(time)s", { time: clockIn(instantMs(book.end), this.facts.zone) }));
    } else if (kind === "called" && book.end) {
      this.announcer.urgent(head + say("final call, ends %(time)s", { time: clockIn(instantMs(book.end), this.facts.zone) }));
    } else if (kind === "call_off") {
      this.announcer.calm(lot, head + say("the final call is taken back"));
    } else if (kind === "amended") {
      this.announcer.urgent(head + say("its rules were amended, read them before you bid"));
    } else if (kind === "notice") {
      this.announcer.urgent(head + say("a new notice stands in the book"));
    }
  }

  /** What the auctioneer says to the room: a line over the page, and aloud. Notices in the book come with its events.
   * @param {{lot: string | null, key: string, text?: {en: string, zh: string} | null}} frame */
  tellSaid({ lot, key, text }) {
    if (key !== "fair_warning" && key !== "message") return;
    const fact = this.factOf.get(lot ?? "");
    if (key === "fair_warning" && lot !== this.stand.lot && this.store.own.get(lot ?? "")?.max == null) return;
    const head = fact ? say("Lot %(number)s: ", { number: fact.number }) : "";
    const words = key === "fair_warning" ? say("fair warning, the final call comes next") : (language.startsWith("zh") ? text?.zh : text?.en) ?? "";
    const place = document.querySelector("[data-said]");
    setText(place?.querySelector("[data-said-head]"), say("The auctioneer"));
    setText(place?.querySelector("[data-said-text]"), head + words);
    place?.removeAttribute("hidden");
    this.announcer.urgent(`${say("The auctioneer")}${say(": ")}${head}${words}`);
  }

  /** Every checkpoint is held against the one before it; the newest is kept with the next drawing.
   * @param {string | null | undefined} text */
  seal(text) {
    const seen = checkpoints.parse(text);
    const found = seen && checkpoints.compare(this.sealed, seen);
    if (found === "forked") this.forked();
    else if (found === "newer") [this.sealed, this.toKeep] = [seen, text ?? null];
  }

  /** @type {checkpoints.Checkpoint | null} */
  sealed = null;
  /** @type {string | null} */
  toKeep = null;

  keepSeal() {
    if (this.toKeep === null || this.sealed === null) return;
    const found = checkpoints.keep(localStorage, this.facts.sale, this.toKeep);
    if (found === "forked") this.forked();
    else if (found !== "older") setText(document.querySelector("[data-checkpoint]"), say("Sealed in a signed checkpoint over %(n)s events, kept by this browser.", { n: amountText(this.sealed.size * 100, "USD") }));
    this.toKeep = null;
  }

  forked() {
    const words = say("The record shown now contradicts the one this browser kept. Keep this page and write to us.");
    setText(document.querySelector("[data-checkpoint]"), words);
    this.announcer.urgent(words);
  }

  // -- the page

  renderAll() {
    this.stand.render();
    const now = this.clock.now();
    for (const { book } of this.facts.lots) this.board?.render(book.lot, now);
    this.renderHead();
    this.tell(this.line.condition);
  }

  outbidTold = -1;

  renderHead() {
    const outbid = this.store.outbid();
    if (outbid !== this.outbidTold) document.title = titled(document.title, outbid);
    this.outbidTold = outbid;
    const { headroom } = this.store;
    if (headroom === null || !this.facts.limit) return;
    setText(document.querySelector("[data-headroom]"), moneyText(headroom, this.facts.currency));
    document.querySelector("[data-gauge]")?.setAttribute("width", String(Math.max(0, Math.min(96, Math.round((96 * (this.facts.limit - headroom)) / this.facts.limit)))));
  }

  /** @param {import("./socket.js").Condition} condition */
  tell(condition) {
    const before = this.conditionTold;
    this.conditionTold = condition;
    this.linkWords();
    if (["slow", "lost"].includes(condition) && before === "live") this.announcer.urgent(say("Connection lost, time unknown"));
    if (condition === "live" && ["slow", "lost"].includes(before)) this.announcer.urgent(say("Connected again"));
    if (condition === "refused") this.announcer.urgent(say("You are signed out. Reload the page to go on."));
  }

  /** @type {import("./socket.js").Condition} */
  conditionTold = "connecting";

  linkWords() {
    const within = this.clock.withinMs();
    const narrow = matchMedia("(width < 48rem)").matches;
    showLink(this.conditionTold, this.clock, within === null || narrow ? say("Live") : say("Live, time known to %(ms)s ms", { ms: within }));
  }

  tick() {
    const now = this.clock.now();
    this.stand.tick(now);
    this.board?.tick(now);
    for (const lot of new Set([this.stand.lot, ...this.store.own.keys()])) this.tellTime(lot, now);
    this.linkWords();
    this.renderTimes(now);
    if (now !== null && now - this.drawnAt > REDRAW_MS) this.drawPath();
  }

  /** @param {number | null} now */
  renderTimes(now) {
    setText(document.querySelector("[data-time-there]"), now === null ? "–" : clockIn(now, this.facts.zone));
    const here = zoneHere();
    const cell = document.querySelector("[data-here]");
    if (!(cell instanceof HTMLElement) || now === null || sameClock(now, here, this.facts.zone)) return;
    cell.hidden = false;
    const city = cityOf(here);
    setText(cell.querySelector("[data-here-name]"), city ? say("%(city)s, you", { city }) : say("Your time"));
    setText(cell.querySelector("[data-time-here]"), clockIn(now, here));
  }

  /** @param {string} id @param {number | null} now */
  tellTime(id, now) {
    const lot = this.store.lots.get(id);
    if (now === null || !lot?.end || lot.state !== "open" || (id !== this.stand.lot && this.store.own.get(id)?.max == null)) { this.secondsBefore.delete(id); return; }
    const seconds = secondsLeft(instantMs(lot.end), now);
    const mark = passed(this.secondsBefore.get(id) ?? null, seconds);
    this.secondsBefore.set(id, seconds);
    if (mark === null) return;
    if (isClosingMark(mark)) this.sounds.play("closing");
    const number = this.factOf.get(id)?.number ?? "";
    const time = mark >= 120 ? say("%(n)s minutes left", { n: mark / 60 }) : mark === 60 ? say("1 minute left") : say("%(n)s seconds left", { n: mark });
    this.announcer.calm(`time ${id}`, say("Lot %(number)s: ", { number }) + time);
  }

  drawnAt = 0;

  drawPath() {
    const box = this.stand.element.querySelector("[data-path-box]");
    const fact = this.stand.facts;
    if (!(box instanceof HTMLElement) || !fact) return;
    const own = this.store.own.get(this.stand.lot)?.alias ?? null;
    /** @type {import("./path.js").Step[]} */
    const steps = JSON.parse(box.dataset.steps ?? "[]").map((/** @type {[number, number, boolean]} */ [at, price, mine]) => ({ at, price, mine }));
    for (const event of this.store.events.get(this.stand.lot) ?? []) {
      if (event.seq <= this.stand.seq || event.data.price == null || event.type === "lot.sold") continue;
      steps.push({ at: instantMs(event.at), price: event.data.price, mine: event.data.bidder === own });
    }
    const last = steps.at(-1);
    const known = this.clock.now();
    this.drawnAt = known ?? 0;
    const over = DECIDED.includes(this.stand.book.state) && last; // a decided lot's path ends with its last step
    const nowMs = Math.max(over ? 0 : known ?? 0, last?.at ?? 0);
    drawPath(box, steps, { low: fact.low, high: fact.high, currency: this.facts.currency, zone: this.facts.zone, nowMs, reserve: box.dataset.reserve ? Number(box.dataset.reserve) : null });
  }

  /** @param {MouseEvent} event */
  choose(event) {
    const row = event.target instanceof Element ? event.target.closest("a.lane-row") : null;
    if (!(row instanceof HTMLAnchorElement) || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    void this.show(row.href, true);
  }

  turn = 0;

  /** Another lot comes into focus; the line, the lanes and the reader's focus stay as they are.
   * @param {string} href @param {boolean} remember */
  async show(href, remember) {
    const turn = ++this.turn;
    try {
      const answer = await fetch(href, { headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (turn !== this.turn) return; // asked again since; an answer that was overtaken would show the lot as it was
      const next = page.querySelector("[data-stand]");
      const facts = readFacts(page);
      if (!answer.ok || !(next instanceof HTMLElement) || !facts) { location.assign(href); return; }
      const typed = next.dataset.stand === this.stand.lot ? this.stand.field?.value ?? "" : "";
      const hadFocus = this.stand.element.contains(document.activeElement) ? document.activeElement?.id : null;
      const { sending } = this.stand;
      this.stand.element.replaceWith(document.adoptNode(next));
      const same = next.dataset.stand === this.stand.lot;
      this.stand = new Stand(next, this);
      if (same) this.stand.sending = sending;
      if (this.stand.field && typed) this.stand.field.value = typed;
      if (hadFocus) document.getElementById(hadFocus)?.focus();
      this.facts.under = facts.under;
      this.took(this.store.snapshot({ state: facts.state, rules: facts.rules, amended: facts.amended, lots: facts.lots.map((one) => one.book) }));
      this.store.headroom = facts.headroom;
      document.title = titled(page.title, this.store.outbid());
      this.wireStand();
      this.stand.render();
      this.stand.tick(this.clock.now());
      this.drawPath();
      this.board?.focus(this.stand.lot);
      if (!remember) return;
      history.pushState(null, "", href);
      if (matchMedia("(width < 48rem)").matches) next.scrollIntoView({ block: "start" });
      this.announcer.calm(this.stand.lot, say("Lot %(number)s is in focus", { number: this.stand.facts.number }));
    } catch {
      location.assign(href);
    }
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const act = actOf({
      key: event.key, altKey: event.altKey, ctrlKey: event.ctrlKey, metaKey: event.metaKey, repeat: event.repeat,
      typing: isTyping(event.target), dialog: document.querySelector("dialog[open]") !== null, on: localStorage.getItem(SWITCH) !== "off", at: this.stand.buttonInFocus(),
    });
    if (act === null || !this.stand.field) return;
    event.preventDefault();
    if (act === "next") this.stand.sendNext();
    else if (act === "maximum") this.stand.sendMaximum();
    else if (act === "to-next") this.stand.toButton("next");
    else if (act === "to-maximum" && this.stand.field.value) this.stand.toButton("max");
    else this.stand.toField();
  }
}

const facts = readFacts(document);
if (facts && document.querySelector("[data-stand]")) new Room(facts).start();
