// @ts-check
// The lot in focus: its words follow the book, its buttons send what they show. Nothing in it changes its place.
import { aboutWords } from "./about.js";
import { amountText, halfUp, moneyText, parseMinor, perCarat, exponent } from "./amounts.js";
import { instantMs } from "./clock.js";
import { ruleLength, secondsLeft } from "./countdown.js";
import { allIn } from "./fees.js";
import { isDecided, isEnding, look } from "./fold.js";
import { icon, setIcon, setText } from "./icons.js";
import { mustConfirm, rungs } from "./ladder.js";
import { bookRows } from "./book-rows.js";
import { bidsWords, leftText, LOT_ICONS, lotWords, ownWords, reserveWords, standingHead, standingNote } from "./lot-words.js";
import { ruled } from "./ruled.js";
import { say, sentence } from "./words.js";
import { cityOf, clockIn, sameClock, zoneHere } from "./zones.js";

/** @typedef {import("./fold.js").Lot} Lot */
/** @typedef {import("./room-facts.js").RoomFacts} RoomFacts */
/** @typedef {import("./room-facts.js").LotFacts} LotFacts */
/** @typedef {{facts: RoomFacts, store: import("./store.js").SaleStore, bid: (lot: string, max: number, confirm: boolean) => void}} Room */

const HELD_MS = 500; // the button keeps its amount this long after a finger came down on it

export class Stand {
  /** @param {HTMLElement} element @param {Room} room */
  constructor(element, room) {
    this.element = element;
    this.room = room;
    this.lot = element.dataset.stand ?? "";
    this.facts = /** @type {LotFacts} */ (room.facts.lots.find((one) => one.book.lot === this.lot));
    this.seq = Number(element.dataset.seq ?? 0);
    this.ask = 0; // what the button shows
    this.heldUntil = 0;
    /** @type {{max: number, words: string} | null} */
    this.sending = null;
    this.rows = bookRows(this.at("[data-book]"), this.seq, room.facts);
    this.wire();
  }

  /** @template {Element} T @param {string} selector @returns {T | null} */
  at(selector) {
    return /** @type {T | null} */ (this.element.querySelector(selector));
  }

  get book() {
    return /** @type {Lot} */ (this.room.store.lots.get(this.lot));
  }

  wire() {
    const button = /** @type {HTMLButtonElement | null} */ (this.at("[data-bid-now]"));
    for (const one of [button, this.at("[data-set]")]) one?.removeAttribute("disabled"); // from here on `aria-disabled` says it, so that the focus can stay
    button?.addEventListener("pointerdown", () => { this.heldUntil = performance.now() + HELD_MS; });
    for (const form of this.element.querySelectorAll("form[data-bid]")) {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        if (form.getAttribute("data-bid") === "next") this.sendNext();
        else this.sendMaximum();
      });
    }
    this.field?.addEventListener("input", () => this.showCost());
    this.at("[data-ladder]")?.addEventListener("click", (event) => this.climb(event));
    this.at("[data-to-field]")?.addEventListener("click", (event) => { event.preventDefault(); this.toField(); });
    for (const scriptless of this.element.querySelectorAll(".script-less")) scriptless.remove();
  }

  get field() {
    return /** @type {HTMLInputElement | null} */ (this.at("#max"));
  }

  toField() {
    this.field?.focus();
    this.field?.select();
    this.field?.scrollIntoView({ block: "center" });
  }

  /** @param {"next" | "max"} form */
  toButton(form) {
    const button = /** @type {HTMLElement | null} */ (this.at(`form[data-bid="${form}"] button`));
    button?.focus({ preventScroll: true });
    button?.scrollIntoView({ block: "nearest" });
  }

  /** Whose button has the focus. @returns {import("./keys.js").Button | null} */
  buttonInFocus() {
    const held = document.activeElement;
    const form = held instanceof HTMLButtonElement && this.element.contains(held) ? held.form?.dataset.bid : null;
    return form === "next" ? "next" : form === "max" ? "maximum" : null;
  }

  sendNext() {
    const button = this.at("[data-bid-now]");
    if (!button || button.getAttribute("aria-disabled") === "true" || !this.ask) return;
    this.room.bid(this.lot, this.ask, false);
  }

  sendMaximum() {
    if (this.book.state !== "open") { this.hint(say("no bid can be placed now")); return; }
    const amount = this.typed();
    if (amount === null || amount <= 0) { this.hint(say("Type an amount first, such as %(sum)s.", { sum: amountText(this.book.ask, this.room.facts.currency) })); this.toField(); return; }
    this.room.bid(this.lot, amount, false);
  }

  typed() {
    return parseMinor(this.field?.value ?? "", this.room.facts.currency);
  }

  /** @param {Event} event */
  climb(event) {
    const rung = event.target instanceof Element ? event.target.closest("[data-rung]") : null;
    if (!(rung instanceof HTMLElement) || !this.field) return;
    event.preventDefault();
    this.field.value = amountText(Number(rung.dataset.rung), this.room.facts.currency);
    this.showCost();
  }

  /** @param {string} text */
  hint(text) {
    setText(this.at("[data-hint]"), text);
  }

  /** What the house said of this sale, by the rules of this lot. */
  get terms() {
    return ruled(this.room.facts, this.room.store, this.lot);
  }

  /** @param {number} amount */
  cost(amount) {
    return allIn(amount, this.terms.bands, this.terms.tax);
  }

  /** Limit left if this stood; the lot's own weight now is taken off first. @param {number} amount */
  leftAfter(amount) {
    const { store, facts } = this.room;
    if (store.headroom === null) return null;
    const weigh = (/** @type {number} */ sum) => (facts.fees ? this.cost(sum).total : sum);
    const own = store.own.get(this.lot);
    const held = own?.max != null && ["winning", "winning_reserve_not_met"].includes(store.ownState(this.lot) ?? "") ? weigh(own.max) : 0;
    return store.headroom + held - weigh(amount);
  }

  /** @param {number} amount */
  mustConfirm(amount) {
    return mustConfirm(this.terms.increments, this.terms.confirm, this.book.ask, amount);
  }

  showCost() {
    const { currency } = this.room.facts;
    const amount = this.typed();
    const cost = amount === null || amount <= 0 ? null : this.cost(amount);
    const put = (/** @type {string} */ name, /** @type {string} */ text) => setText(this.at(`.max-form [data-cost="${name}"]`), text);
    put("hammer", cost ? amountText(cost.hammer, currency) : "–");
    put("premium", cost ? amountText(cost.premium, currency) : "–");
    put("tax", cost && this.room.facts.tax ? amountText(cost.tax, currency) : "–");
    put("total", cost ? moneyText(cost.total, currency) : `${currency}\u00a0–`);
    setText(this.at(".max-form [data-about-total]"), cost ? aboutWords(cost.total, currency, this.room.facts.about) : "");
    const rest = cost ? this.leftAfter(cost.hammer) : null;
    put("left", rest === null ? "–" : amountText(rest, currency));
    for (const rung of this.element.querySelectorAll("[data-rung]")) {
      if (rung instanceof HTMLElement && Number(rung.dataset.rung) === amount) rung.setAttribute("aria-current", "true");
      else rung.removeAttribute("aria-current");
    }
  }

  /** Everything that follows from the book and from the reader's own bids. */
  render() {
    const { store, facts } = this.room;
    const lot = this.book;
    const own = store.own.get(this.lot);
    const state = store.ownState(this.lot);
    const seen = look(state) ?? "quiet";
    const standing = /** @type {HTMLElement | null} */ (this.at("[data-standing]"));
    if (standing && (own || !facts.away)) {
      standing.className = `standing is-${seen}`;
      setIcon(standing, seen !== "quiet" ? seen : isDecided(lot) ? /** @type {string} */ (LOT_ICONS[lot.state]) : "open");
      setText(standing.querySelector("b"), state ? ownWords(state, facts.watches) : standingHead(lot, facts.watches));
      const void_ = standing.dataset.voided ?? store.events.get(this.lot)?.findLast(({ type }) => type === "bid.voided")?.data.reason;
      setText(standing.querySelector("span"), state === "voided" && void_ ? sentence(void_) : standingNote(lot, own, state, this.facts.opening, facts.currency));
    }
    const price = lot.price ?? this.facts.opening;
    setText(this.at("[data-price-head]"), lot.state === "sold" ? say("Hammer price") : lot.state === "withdrawn" && lot.price !== null ? say("Last price") : lot.price === null ? say("Opening price") : say("Price now"));
    const money = this.at("[data-price] .money");
    if (money?.lastChild && money.lastChild.textContent !== amountText(price, facts.currency)) money.lastChild.textContent = amountText(price, facts.currency);
    setText(this.at("[data-about]"), aboutWords(price, facts.currency, facts.about));
    const each = perCarat(price, this.facts.mct);
    if (each !== null) setText(this.at("[data-per-carat]"), say("%(sum)s per carat", { sum: whole(each, facts.currency) }));
    setText(this.at("[data-reserve]"), reserveWords(lot));
    this.renderBid(state);
    this.rows.add(store.events.get(this.lot) ?? [], own?.alias ?? null);
    setText(this.at("[data-book-count]"), bidsWords(lot.bids) + this.rows.biddersWords());
    this.element.classList.toggle("is-over", isDecided(lot));
    if (isDecided(lot)) this.over();
  }

  /** Nothing can be bid on any more: what bids is gone at once, before the page of the decided lot has come. */
  over() {
    for (const one of this.element.querySelectorAll("[data-while-live]")) one.remove();
    this.at("[data-over]")?.removeAttribute("hidden");
  }

  /** @param {number} amount */
  allInWords(amount) {
    const { currency, about, tax } = this.room.facts;
    const { total } = this.cost(amount);
    const sum = moneyText(total, currency);
    const rough = aboutWords(total, currency, about);
    return (tax ? say("all in %(sum)s", { sum }) : say("with premium %(sum)s, before tax", { sum })) + (rough ? say(", ") + rough : "");
  }

  /** @param {string | null} state */
  renderBid(state) {
    const button = this.at("[data-bid-now]");
    const { currency } = this.room.facts;
    const lot = this.book;
    if (!button || performance.now() < this.heldUntil) return; // a finger is on its way
    this.ask = lot.ask;
    const leads = state === "winning" || state === "winning_reserve_not_met";
    const shut = lot.state !== "open";
    const words = this.sending?.words ?? (shut ? lotWords(lot.state) : leads ? say("You lead") : say("Bid %(sum)s", { sum: moneyText(lot.ask, currency) }));
    const note = shut ? say("no bid can be placed now") : leads ? say("you may set a higher maximum") : this.allInWords(lot.ask);
    setText(button.querySelector("b"), words);
    setText(button.querySelector("small"), this.unknown ? say("connection lost, time unknown") : note);
    button.setAttribute("aria-disabled", String(shut || leads));
    this.at("[data-set]")?.setAttribute("aria-disabled", String(shut));
    setText(this.at("[data-ask-words]"), leads ? say("If it ends now you pay") : this.at("[data-ask-words]")?.getAttribute("data-words") ?? "");
    const total = this.cost(leads && lot.price !== null ? lot.price : lot.ask).total;
    setText(this.at("[data-ask-total]"), moneyText(total, currency));
    const ladder = rungs(this.terms.increments, lot.ask, leads ? this.room.store.own.get(this.lot)?.max ?? null : null);
    this.element.querySelectorAll("[data-rung]").forEach((rung, k) => {
      const amount = /** @type {number} */ (ladder[k]);
      if (!(rung instanceof HTMLElement) || rung.dataset.rung === String(amount)) return;
      rung.dataset.rung = String(amount);
      setText(rung, amountText(amount, currency));
      rung.setAttribute("href", `?lot=${this.lot}&max=${amount / 10 ** exponent(currency)}#max`);
    });
    this.showCost();
  }

  /** What became of the last bid. @param {{good: boolean, words: string, receipt?: string | null, bid?: number | null} | null} told */
  answer(told) {
    const place = this.at("[data-answer]");
    if (!place) return;
    place.replaceChildren();
    if (!told) return;
    const words = document.createElement("span");
    words.textContent = told.words;
    if (told.receipt) {
      const link = document.createElement("a");
      link.href = told.receipt;
      link.textContent = say("Receipt");
      words.append(" ", link);
      this.addOwn(told);
    }
    place.append(icon(told.good ? "verified" : "outbid"), words);
  }

  /** The reader's own state and the answer under it come into view where they lie beyond the edge. */
  toAnswer() {
    this.at("[data-standing]")?.scrollIntoView({ block: "nearest" });
  }

  /** @param {{good: boolean, words: string, receipt?: string | null, bid?: number | null}} told */
  addOwn(told) {
    const list = this.at("[data-own-bids]");
    const n = told.receipt?.split("/").at(-1);
    if (!list || !n || [...list.querySelectorAll("a")].some((a) => a.getAttribute("href") === told.receipt)) return;
    const line = document.createElement("li");
    const link = document.createElement("a");
    link.href = told.receipt ?? "";
    link.textContent = told.good && told.bid ? say("Bid %(n)s, receipt", { n: told.bid }) : say("Receipt %(n)s", { n });
    const result = document.createElement("span");
    result.textContent = told.good ? say("accepted") : say("refused");
    line.append(link, result);
    list.prepend(line);
    this.at("[data-own-box]")?.removeAttribute("hidden");
  }

  unknown = false;

  /** The clock and the rule above the lot. @param {number | null} now server time in milliseconds */
  tick(now) {
    const { facts } = this.room;
    const lot = this.book;
    const over = isDecided(lot);
    const end = lot.end ? instantMs(lot.end) : null;
    const seconds = now === null || end === null ? null : secondsLeft(end, now);
    const ending = isEnding(lot, seconds, this.terms.window);
    const stands = lot.state === "paused" || (lot.state === "listed" && end === null); // no time to be unknown
    const unknown = now === null && !over && !stands && facts.signedIn;
    if (unknown !== this.unknown) { this.unknown = unknown; this.renderBid(this.room.store.ownState(this.lot)); }
    const runs = ["open", "listed"].includes(lot.state);
    const shown = unknown ? "unknown" : ending ? "ending" : lot.state;
    const state = this.at("[data-lot-state]");
    if (state) {
      state.className = `state is-${["ending", "closing", "unknown"].includes(shown) ? "closing" : "quiet"}`;
      setIcon(state, /** @type {string} */ (shown === "open" && lot.extended ? "clock" : LOT_ICONS[shown]));
      setText(state.querySelector("span"), this.stateWords(shown, lot));
    }
    const clock = this.at("[data-clock]");
    setText(clock, seconds === null || !runs || lot.state === "listed" ? "" : leftText(seconds) ?? "");
    if (clock) {
      clock.classList.toggle("is-closing", ending);
      clock.classList.toggle("is-last", ending && seconds !== null && seconds <= 10);
    }
    this.at("[data-closing]")?.classList.toggle("is-closing", ending);
    this.at("[data-left]")?.setAttribute("x2", String(seconds === null || !ending ? 0 : ruleLength(seconds, this.terms.window)));
    if (lot.state === "withdrawn") return; // the page says when, its end never came
    if (lot.state === "paused") for (const [name, words] of [["ends", say("paused, no time runs")], ["ends-here", ""]]) setText(this.at(`[data-${name}]`), words);
    else if (end !== null) this.ends(end, over, now);
    else if (!over) setText(this.at("[data-ends]"), lot.state === "open" ? say("open until it is called") : say("the auctioneer opens it"));
  }

  /** @param {string} shown @param {Lot} lot */
  stateWords(shown, lot) {
    if (shown === "unknown") return say("Connection lost, time unknown");
    if (shown === "ending" && this.room.facts.format === "clerked") return say("Final call");
    if (shown === "ending" && lot.extended) return say("Closing, extended to %(time)s", { time: clockIn(instantMs(lot.extended), this.room.facts.zone) });
    if (shown === "open" && lot.extended) return say("Extended to %(time)s", { time: clockIn(instantMs(lot.extended), this.room.facts.zone) });
    if (shown === "ending") return say("Closing, last %(n)s minutes", { n: Math.max(1, Math.ceil(this.terms.window / 60)) });
    return lotWords(shown);
  }

  /** Both clocks of the end: the sale's and the reader's. @param {number} end @param {boolean} over @param {number | null} now */
  ends(end, over, now) {
    if (now !== null && end - now > 43_200_000) return; // the page has the date
    const { zone } = this.room.facts;
    const place = cityOf(zone) ?? zone;
    const time = clockIn(end, zone);
    setText(this.at("[data-ends]"), over ? say("ended %(time)s in %(place)s", { time, place }) : say("ends %(time)s in %(place)s", { time, place }));
    const here = zoneHere();
    const city = cityOf(here);
    const other = sameClock(end, zone, here) ? "" : city
      ? say(", %(time)s in %(place)s", { time: clockIn(end, here), place: city }) : say(", %(time)s your time", { time: clockIn(end, here) });
    setText(this.at("[data-ends-here]"), other);
  }
}

/** Whole major units: a price per carat is for comparing. @param {number} minor @param {string} currency */
function whole(minor, currency) {
  const size = 10 ** exponent(currency);
  return amountText(Number(halfUp(BigInt(minor), BigInt(size))) * size, currency);
}
