// @ts-check
// The public page of a sale, alive for whoever is signed in: prices, own states and times of its cards.
import { amountText } from "./amounts.js";
import { instantMs } from "./clock.js";
import { secondsLeft } from "./countdown.js";
import { ALL_MS, DRAW_MS, Drawing, Sight } from "./drawing.js";
import { isDecided, isEnding, look } from "./fold.js";
import { drawState, setText } from "./icons.js";
import { bidsWords, leftText, LOT_ICONS, lotWords, ownShort, SEALED_ICONS } from "./lot-words.js";
import { readFacts } from "./room-facts.js";
import { ruled } from "./ruled.js";
import { endsWithPage, freshLots, lineTo, pageClock, storeOf } from "./sale-line.js";
import { say } from "./words.js";
import { cityOf, clockIn, sameClock, zoneHere } from "./zones.js";

/** @param {import("./room-facts.js").RoomFacts} facts */
function live(facts) {
  const store = storeOf(facts), clock = pageClock();
  const factOf = new Map(facts.lots.map((one) => [one.book.lot, one]));
  const cards = new Map([...document.querySelectorAll("[data-card]")].map((card) => [card.getAttribute("data-card") ?? "", card]));

  const state = (/** @type {string} */ id, /** @type {number | null} */ now) => {
    const lot = /** @type {import("./fold.js").Lot} */ (store.lots.get(id));
    const own = store.ownState(id);
    const seen = look(own);
    const seconds = now === null || !lot.end ? null : secondsLeft(instantMs(lot.end), now);
    const ending = isEnding(lot, seconds, ruled(facts, store, id).window);
    if (own && seen && seen !== "quiet") return { kind: seen, name: seen, words: ownShort(own) };
    const told = store.own.get(id)?.state ?? "";
    const sealed = isDecided(lot) ? undefined : SEALED_ICONS[told];
    if (sealed) return { kind: "quiet", name: sealed, words: ownShort(told) };
    if (lot.reserve_met === false && lot.bids && lot.state === "open") return { kind: "reserve", name: "reserve", words: say("Reserve not met") };
    const shown = ending ? "ending" : lot.state;
    return { kind: ["ending", "closing"].includes(shown) ? "closing" : "quiet", name: LOT_ICONS[shown] ?? "open", words: lotWords(shown) };
  };

  const render = (/** @type {string} */ id) => {
    const card = cards.get(id);
    const lot = store.lots.get(id);
    const fact = factOf.get(id);
    if (!card || !lot || !fact) return;
    setText(card.querySelector("[data-card-price]"), amountText(lot.price ?? fact.opening, facts.currency));
    setText(card.querySelector("[data-card-head]"), lot.state === "sold" ? say("Hammer") : lot.state === "passed" && lot.price !== null ? say("Highest bid") : lot.price === null ? (facts.format === "tender" ? say("Least total") : say("Opening")) : say("Price now"));
    const own = store.own.get(id);
    setText(card.querySelector("[data-card-note]"), store.ownState(id) === "won" ? say("your lot") : own?.max != null && !isDecided(lot) ? say("your maximum %(max)s", { max: amountText(own.max, facts.currency) }) : bidsWords(lot.bids));
    const seen = look(store.ownState(id));
    card.className = `lot-card${isDecided(lot) ? " is-sold" : ""}${seen && seen !== "quiet" ? ` is-mine is-${seen}` : ""}`;
    tick(id);
  };

  const tick = (/** @type {string} */ id) => {
    const card = cards.get(id);
    const lot = store.lots.get(id);
    if (!card || !lot) return;
    const now = clock.now();
    const place = card.querySelector("[data-card-state]");
    const { kind, name, words } = state(id, now);
    if (place && place.textContent?.trim() !== words) drawState(place, kind, name, words);
    const time = card.querySelector("[data-card-time]");
    if (isDecided(lot)) { setText(time, ""); return; }
    if (lot.state === "paused") { setText(time, say("paused, no time runs")); return; }
    if (now === null || !lot.end || lot.state !== "open") return;
    const seconds = secondsLeft(instantMs(lot.end), now);
    const rest = leftText(seconds);
    if (rest !== null) setText(time, say("%(time)s left", { time: rest }));
    time?.classList.toggle("is-closing", isEnding(lot, seconds, ruled(facts, store, id).window));
  };

  const sight = new Sight(cards, tick);
  const drawing = new Drawing((changed) => { for (const lot of changed) render(lot); }, DRAW_MS);
  const took = (/** @type {import("./store.js").Outcome} */ outcome) => {
    if (outcome.gaps.size) line.ask(outcome.gaps);
    freshLots(facts, outcome);
    drawing.add(outcome.changed);
  };

  const line = lineTo(store, clock, {
    hear: (frame) => {
      if (frame.op === "snapshot" && frame.sale === facts.sale) took(store.snapshot(frame));
      else if (frame.op === "batch" && frame.sale === facts.sale) took(store.batch(frame));
      else if (frame.op === "you") took(store.you(frame));
    },
  });
  endsWithPage(line);
  line.start();
  let toldAt = -Infinity;
  setInterval(() => {
    const now = clock.now(), all = performance.now() - toldAt > ALL_MS;
    if (all) toldAt = performance.now();
    for (const id of all ? cards.keys() : sight.near) tick(id);
    if (now === null) return;
    setText(document.querySelector("[data-time-there]"), clockIn(now, facts.zone));
    const here = zoneHere();
    const city = cityOf(here);
    setText(document.querySelector("[data-time-here]"), sameClock(now, here, facts.zone) ? "" : city ? say(", %(time)s in %(place)s", { time: clockIn(now, here), place: city }) : say(", %(time)s your time", { time: clockIn(now, here) }));
  }, 250);
}

const facts = readFacts(document);
if (facts && !["closed", "settled"].includes(facts.state)) live(facts);
