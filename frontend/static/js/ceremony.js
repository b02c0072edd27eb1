// @ts-check
// A custodian's part of the opening, in the browser: the key file is read here and never sent; what is sent is the signed
// share of each envelope, which alone opens nothing.
import { left, secondsLeft } from "./countdown.js";
import { checkTender, openTender, prepare, readKey, readTender, Refused, roundOf } from "./custodian.js";
import { say, sentence } from "./words.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-ceremony]"));
if (form && crypto.subtle) start(form, form.dataset.ceremony ?? "", form.dataset.house ?? "");
const clock = /** @type {HTMLElement | null} */ (document.querySelector("[data-end]"));
if (clock?.dataset.end) void count(clock, Date.parse(clock.dataset.end));
/** @type {HTMLElement | null} */ (document.querySelector("[data-done]"))?.focus(); // read out: what the custodian did is true
const waiting = /** @type {HTMLElement | null} */ (document.querySelector("[data-waiting]"));
if (waiting && (!form || waiting.dataset.waiting === "opening")) setTimeout(() => location.reload(), 5_000);

/** @param {HTMLFormElement} form @param {string} sale @param {string} house */
function start(form, sale, house) {
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  const input = /** @type {HTMLInputElement} */ (form.querySelector("#key"));
  const place = form.querySelector("[data-answer]");
  const tell = (/** @type {string} */ words, wrong = false) => {
    if (!place) return;
    place.textContent = words;
    place.classList.toggle("is-wrong", wrong);
  };
  void prepare();
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const file = input.files?.[0];
    if (!file) return;
    button.disabled = true;
    try {
      const custodian = await readKey(await file.text());
      tell(say("Checking the closing in the log"));
      const answer = await fetch(`/sales/${sale}/tender.json`);
      const tender = readTender(new Uint8Array(await answer.arrayBuffer()));
      const notes = `pavilion.opened.${sale}.${custodian.public}`; // each round is opened once; this browser remembers which
      const answered = noted(notes);
      await checkTender(tender, Date.now(), { house, answered });
      const shares = await openTender(custodian, tender, (done, of) => tell(say("Opened %(done)s of %(of)s shares", { done, of })));
      note(notes, { ...answered, [roundOf(tender)]: shares.closed });
      const headers = { "content-type": "application/json", accept: "application/json" };
      const taken = await fetch(`/api/v1/sales/${sale}/shares`, { method: "POST", body: JSON.stringify(shares), headers });
      const said = await taken.json();
      if (taken.ok) tell(say("Your shares are taken"));
      if (taken.ok) location.assign(`/sales/${sale}/opening?done=${said.custodian}`);
      else tell(sentence(said.code, said.facts ?? {}), true);
    } catch (fault) {
      tell(fault instanceof Refused ? sentence(fault.code, { fact: fault.fact }) : say("No answer from the house. Please try again."), true);
    } finally {
      button.disabled = false;
    }
  });
}

/** Which closings this browser opened before, by round; nothing where it keeps nothing. @param {string} place @returns {Record<string, string>} */
function noted(place) {
  try {
    return JSON.parse(localStorage.getItem(place) ?? "{}");
  } catch {
    return {};
  }
}

/** @param {string} place @param {Record<string, string>} answered */
function note(place, answered) {
  try {
    localStorage.setItem(place, JSON.stringify(answered));
  } catch {
    // a browser that keeps nothing: the tool beside the key does
  }
}

/** @param {HTMLElement} clock @param {number} end */
async function count(clock, end) {
  const { us } = await (await fetch("/api/v1/time")).json();
  const start = us / 1000, at = performance.now();
  const show = () => {
    const seconds = secondsLeft(end, start + performance.now() - at);
    clock.textContent = left(seconds).text;
    if (seconds) setTimeout(show, 500);
    else setTimeout(() => location.reload(), 4_000);
  };
  show();
}
