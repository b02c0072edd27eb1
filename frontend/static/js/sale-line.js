// @ts-check
// What every live page of a sale begins with: a store of what it was served with, a line to the house whose condition it
// shows, a voice, and the switch for single keys.
import { Announcer, region } from "./announce.js";
import { ServerClock } from "./clock.js";
import { setIcon, setText } from "./icons.js";
import { isTyping, SWITCH } from "./keys.js";
import { Line, PROTOCOL } from "./socket.js";
import { SaleStore } from "./store.js";
import { language, say } from "./words.js";

/** @typedef {import("./socket.js").Condition} Condition */
/** @typedef {{sale: string, state: string, rules: string, amended?: Record<string, string>, lots: {book: import("./fold.js").Lot, own?: import("./fold.js").Own | null}[]}} Served */

/** @param {Served} served */
export function storeOf(served) {
  const store = new SaleStore(served.sale);
  store.snapshot({ state: served.state, rules: served.rules, amended: served.amended, lots: served.lots.map((one) => one.book) });
  for (const one of served.lots) if (one.own) store.own.set(one.book.lot, { ...one.own, live: true });
  return store;
}

export function pageClock() {
  return new ServerClock(() => performance.now());
}

/** A line to the sale, not yet begun. @param {SaleStore} store @param {ServerClock} clock
 * @param {{hear: (frame: any) => void, tell?: (condition: Condition) => void, unanswered?: () => import("./pending.js").PendingBid[]}} ears */
export function lineTo(store, clock, { hear, tell = () => {}, unanswered = () => [] }) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  return new Line({
    url: `${scheme}://${location.host}/live`, sale: store.sale, lang: language.startsWith("zh") ? "zh" : "en",
    open: (url) => new WebSocket(url, PROTOCOL), clock, after: () => store.after(), unanswered, hear, tell,
    random: Math.random, later: (ms, act) => setTimeout(act, ms), forget: (timer) => clearTimeout(timer),
  });
}

const SOON_MS = 2_000;

/** A lot came after publication, at least an hour before the sale opens: the page is fetched anew, not by all at once and
 * not while something is being typed. @param {Served} served @param {{changed: Set<string>}} outcome */
export function freshLots(served, outcome) {
  const known = new Set(served.lots.map((one) => one.book.lot));
  if ([...outcome.changed].every((lot) => known.has(lot))) return;
  const again = () => { if (!isTyping(document.activeElement)) location.reload(); else setTimeout(again, SOON_MS); };
  setTimeout(again, Math.random() * SOON_MS);
}

/** A page that is left hangs up; one that comes back from the browser's memory is fetched anew. @param {Line} line */
export function endsWithPage(line) {
  addEventListener("pagehide", () => line.stop());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}

export function pageVoice() {
  const place = (/** @type {string} */ kind) => region(/** @type {Element} */ (document.querySelector(`[data-announce="${kind}"]`)));
  const later = (/** @type {number} */ ms, /** @type {() => void} */ act) => void setTimeout(act, ms);
  return new Announcer({ assertive: place("assertive"), polite: place("polite"), monotonic: () => performance.now(), later });
}

/** Single keys can be switched off, on this device for good. @param {ParentNode} scope */
export function keySwitch(scope) {
  const keys = scope.querySelector("[data-keys]");
  const on = scope.querySelector("[data-keys-on]");
  if (!(keys instanceof HTMLElement && on instanceof HTMLInputElement)) return;
  keys.hidden = false;
  on.checked = localStorage.getItem(SWITCH) !== "off";
  on.addEventListener("change", () => localStorage.setItem(SWITCH, on.checked ? "on" : "off"));
}

/** The condition of the line as colour, shape and words. @param {Condition} condition @param {ServerClock} clock
 * @param {string} [live] what is said while all is well */
export function showLink(condition, clock, live = say("Live")) {
  const cell = document.querySelector("[data-link]");
  cell?.classList.remove("is-off");
  cell?.classList.toggle("is-slow", condition === "slow");
  cell?.classList.toggle("is-lost", condition === "lost" || condition === "refused");
  setIcon(cell, ["slow", "lost", "refused"].includes(condition) ? "unlinked" : "pulse");
  setText(document.querySelector("[data-link-words]"), {
    connecting: say("Connecting"), live, slow: say("Connection lost, time unknown"), lost: say("Connection lost, coming back"), refused: say("Not connected"),
  }[condition]);
  showWithin(cell, clock);
}

/** How well the time is known stands on the page for whoever asks. @param {Element | null} cell @param {ServerClock} clock */
function showWithin(cell, clock) {
  const within = clock.withinMs();
  if (cell instanceof HTMLElement && within !== null && cell.dataset.within !== String(within)) cell.dataset.within = String(within);
}
