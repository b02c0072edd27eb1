// @ts-check
// What the console asks every other second, since no frame carries it: who watches, how the sale fares, the log with its
// refusals, and what waits for a second person. Only what changed is touched, and nothing that has the focus is replaced.
import { setText } from "./icons.js";
import { say } from "./words.js";

/** @typedef {{id: string, text: string, by: string, proposed: string, expires: string, own: boolean, decidable: boolean}} Waits */
/** @typedef {{n: number, place: string, clock: string, text: string}} FeedLine */
/** @typedef {{watching: number, bidders: number, engine: {writes: boolean, epoch: number | null}, health: {name: string, value: string}[],
 *   pulse: number[], spark: string, n: number, feed: FeedLine[], waiting: Waits[], refused: {id: number, text: string}[]}} News */

const FEED = 80;

/** The lines that are new here, the oldest first. @param {FeedLine[]} lines @param {number} shown */
export function fresh(lines, shown) {
  return lines.filter((line) => line.n > shown);
}

/** @param {number[]} pulse */
export function pulseWords(pulse) {
  return say("%(n)s bids, at most %(most)s in ten seconds", { n: pulse.reduce((sum, one) => sum + one, 0), most: Math.max(0, ...pulse) });
}

/** Puts the news on the page. @param {News} news @param {string} back where a form of a proposal leads without script
 * @returns {boolean} whether a proposal is new that this person may decide */
export function renderNews(news, back) {
  setText(document.querySelector("[data-audience]"), `${news.watching} / ${news.bidders}`);
  setText(document.querySelector("[data-engine]"), news.engine.writes ? say("Writes, epoch %(epoch)s", { epoch: news.engine.epoch ?? "–" }) : say("Nobody writes"));
  const health = document.querySelector("[data-health]");
  const figures = [...(health?.children ?? [])];
  news.health.forEach(({ name, value }, k) => {
    const pair = figures[k] ?? /** @type {Element} */ (health).appendChild(pairOf());
    setText(pair.querySelector("dt"), name);
    setText(pair.querySelector("dd"), value);
  });
  for (const extra of figures.slice(news.health.length)) extra.remove();
  document.querySelector("[data-spark]")?.setAttribute("d", news.spark);
  setText(document.querySelector("[data-spark-words]"), pulseWords(news.pulse));
  renderFeed(news.feed);
  return renderWaiting(news, back);
}

function pairOf() {
  const pair = document.createElement("div");
  pair.append(document.createElement("dt"), document.createElement("dd"));
  return pair;
}

/** @param {FeedLine[]} lines */
function renderFeed(lines) {
  const feed = document.querySelector("[data-feed]");
  if (!(feed instanceof HTMLElement)) return;
  for (const line of fresh(lines, Number(feed.dataset.n))) {
    const item = document.createElement("li");
    const time = document.createElement("time");
    const text = document.createElement("span");
    const place = document.createElement("b");
    time.textContent = line.clock;
    place.textContent = line.place;
    text.append(place, ` ${line.text}`);
    item.append(time, text);
    feed.prepend(item);
    feed.dataset.n = String(line.n);
  }
  while (feed.children.length > FEED) feed.lastElementChild?.remove();
}

/** @param {News} news @param {string} back */
function renderWaiting(news, back) {
  const section = document.querySelector("[data-waiting]");
  const list = section?.querySelector("[data-waiting-list]");
  if (!section || !list) return false;
  let isNew = false;
  const kept = new Set(news.waiting.map(({ id }) => id));
  for (const held of [...list.querySelectorAll("[data-proposal], [data-order]")]) {
    const id = held.getAttribute("data-proposal");
    if (id === null || !kept.has(id)) held.remove();
  }
  for (const one of news.waiting) {
    if (list.querySelector(`[data-proposal="${CSS.escape(one.id)}"]`)) continue;
    list.append(proposalOf(one, back));
    isNew ||= one.decidable;
  }
  for (const { id, text } of news.refused) {
    const line = document.createElement("p");
    line.className = "label";
    line.dataset.order = String(id);
    line.textContent = text;
    list.append(line);
  }
  section.toggleAttribute("hidden", !news.waiting.length && !news.refused.length);
  return isNew;
}

/** @param {Waits} one @param {string} back */
function proposalOf(one, back) {
  const box = document.createElement("article");
  box.className = "approval";
  box.dataset.proposal = one.id;
  const text = document.createElement("p");
  const by = document.createElement("b");
  by.textContent = one.by;
  text.append(by, say(": "), one.text);
  const times = document.createElement("p");
  times.className = "label";
  times.textContent = say("Proposed %(at)s, expires %(until)s", { at: one.proposed, until: one.expires });
  const row = document.createElement("div");
  row.className = "row";
  if (one.own) row.append(decision(one.id, "decline", say("Take back"), "", back));
  else if (one.decidable) row.append(decision(one.id, "approval", say("Approve"), "is-first", back), decision(one.id, "decline", say("Refuse"), "", back));
  else { row.className = "label"; row.textContent = say("waits for somebody else"); }
  box.append(text, times, row);
  return box;
}

/** @param {string} id @param {string} word @param {string} words @param {string} kind @param {string} back */
function decision(id, word, words, kind, back) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = `/staff/proposals/${id}/${word}`;
  const where = document.createElement("input");
  where.type = "hidden";
  where.name = "back";
  where.value = back;
  const button = document.createElement("button");
  button.className = `button is-small ${kind}`.trim();
  button.textContent = words;
  form.append(where, button);
  return form;
}
