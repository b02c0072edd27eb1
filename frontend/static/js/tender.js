// @ts-check
// The form that seals: figures while one types, then an envelope made here, kept here until the house has answered, and
// sent. The amount leaves this page in no other form.
import { amountText, moneyText } from "./amounts.js";
import { left, secondsLeft } from "./countdown.js";
import { premium } from "./fees.js";
import { seal, stampOf } from "./seal.js";
import { percentText, reckon } from "./tender-entry.js";
import { say, sentence } from "./words.js";

/** @typedef {{sale: string, lot: string, paddle: string, currency: string, custodians: string[], k: number, mct: number, benchmark: number | null, minimum: number, end: string | null, bands: [number | null, number][]}} Facts */

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-seal]"));
if (form?.dataset.seal && crypto.subtle) start(form, JSON.parse(form.dataset.seal));

/** @param {HTMLFormElement} form @param {Facts} facts */
function start(form, facts) {
  const input = /** @type {HTMLInputElement} */ (form.querySelector("#value"));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  const waiting = `pavilion.sealed.${facts.lot}`;
  const entry = () => /** @type {import("./tender-entry.js").Entry} */ (new FormData(form).get("entry"));
  const text = (/** @type {string} */ place, /** @type {string} */ words) => {
    const element = form.querySelector(`[data-${place}]`);
    if (element) element.textContent = words;
  };

  const show = () => {
    const found = reckon(entry(), input.value, facts);
    const sum = (/** @type {number | null | undefined} */ minor) => (minor === null || minor === undefined ? "–" : moneyText(minor, facts.currency));
    text("unit", entry() === "discount" ? "%" : facts.currency);
    text("total", sum(found?.total));
    text("per-carat", sum(found?.perCarat));
    text("discount", found?.bp === null || found?.bp === undefined ? "–" : percentText(found.bp));
    text("all-in", found && !found.code ? sum(found.total + premium(found.total, facts.bands)) : "–");
    text("hint", found?.code === "below_opening"
      ? say("The least total is %(least)s.", { least: `${facts.currency} ${amountText(facts.minimum, facts.currency)}` })
      : found?.code ? sentence(found.code) : "");
    button.disabled = !found || found.code !== null;
    return found;
  };

  form.hidden = false;
  form.addEventListener("input", show);
  show();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const found = show();
    if (!found || found.code) return;
    button.disabled = true;
    try {
      tell(say("Sealing your bid"));
      const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      const { sale, lot, paddle, custodians, k } = facts;
      const at = stampOf(await serverNow());
      const envelope = await seal({ sale, lot, paddle, key, entry: entry(), value: found.value, at }, { custodians, k });
      sessionStorage.setItem(waiting, JSON.stringify(envelope)); // nobody can read it; sent again, it is the same bid
      await send(facts.lot, waiting);
    } catch {
      tell(say("Your bid could not be sealed here. Use the command instead."), true);
    } finally {
      button.disabled = false;
    }
  });
  if (sessionStorage.getItem(waiting)) void send(facts.lot, waiting);
  const clock = document.querySelector("[data-clock]");
  if (clock && facts.end) void count(clock, Date.parse(facts.end));
}

/** The envelope that waits is sent until the house has answered. @param {string} lot @param {string} waiting */
async function send(lot, waiting) {
  const body = sessionStorage.getItem(waiting) ?? "";
  tell(say("Sending the envelope"));
  let answer;
  try {
    const headers = { "content-type": "application/json", accept: "application/json", "idempotency-key": JSON.parse(body).key };
    answer = await fetch(`/api/v1/lots/${lot}/envelopes`, { method: "POST", body, headers });
  } catch {
    answer = null;
  }
  if (!answer || answer.status === 503) {
    tell(say("No answer yet. The same envelope is sent again."), true);
    setTimeout(() => { void send(lot, waiting); }, 2_000);
    return;
  }
  sessionStorage.removeItem(waiting);
  if (answer.ok) {
    location.replace(`/lots/${lot}#bid`);
    location.reload();
    return;
  }
  tell(sentence((await answer.json()).code), true);
}

/** @param {string} words @param {boolean} [wrong] */
function tell(words, wrong = false) {
  const place = document.querySelector("[data-answer]");
  if (!place) return;
  place.textContent = words;
  place.classList.toggle("is-wrong", wrong);
}

/** The house's time in milliseconds, never this device's. */
async function serverNow() {
  const { us } = await (await fetch("/api/v1/time")).json();
  return Math.floor(us / 1000);
}

/** @param {Element} clock @param {number} end */
async function count(clock, end) {
  const start = await serverNow(), at = performance.now();
  const show = () => {
    const seconds = secondsLeft(end, start + performance.now() - at);
    clock.textContent = seconds ? left(seconds).text : say("The end has come. Reload for the opening.");
    if (seconds) setTimeout(show, 500);
  };
  show();
}
