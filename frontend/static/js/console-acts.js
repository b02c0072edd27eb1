// @ts-check
// The acts of the console: forms that are sent without leaving the page, and the single keys that open them. A key never
// acts by itself: it opens the form and goes to its first field or button; pressed again on the button, it acts.
import { instantMs } from "./clock.js";
import { isTyping } from "./keys.js";
import { say, sentence } from "./words.js";

/** @typedef {{good: boolean, words: string}} Came */
/** @typedef {"act" | "up" | "down" | "next" | "exception" | "find" | "close"} Move */

const MOVES = /** @type {Record<string, Move>} */ ({ j: "down", k: "up", l: "next", z: "exception", "/": "find", Escape: "close" });

/** What a key means here, or null when it is not meant for us. `held` are the keys of the acts on the page.
 * @param {{key: string, altKey: boolean, ctrlKey: boolean, metaKey: boolean, repeat: boolean, typing: boolean, on: boolean, held: string[]}} pressed
 * @returns {Move | null} */
export function moveOf({ key, altKey, ctrlKey, metaKey, repeat, typing, on, held }) {
  if (altKey || ctrlKey || metaKey) return null;
  if (key === "Escape") return "close";
  if (!on || typing) return null;
  const plain = key.length === 1 ? key.toLowerCase() : key;
  if (held.includes(plain)) return repeat ? null : "act";
  return MOVES[plain] ?? null;
}

/** Whether an act can be done now. @param {string} fits states, by spaces @param {string} act @param {{state: string, end?: string | null}} at */
export function fitsNow(fits, act, { state, end }) {
  if (!fits.split(" ").includes(state)) return false;
  return act !== "final_call" || end === null;
}

/** The instant so many seconds after this one, in the book's own form. @param {string} end @param {number} seconds */
export function laterThan(end, seconds) {
  return new Date(Math.floor(instantMs(end)) + seconds * 1000).toISOString().replace("Z", "000Z");
}

/** Sends a form as it stands and says what came of it. @param {HTMLFormElement} form @returns {Promise<Came>} */
export async function sendForm(form) {
  const body = new URLSearchParams(/** @type {any} */ (new FormData(form)));
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "application/json" }, redirect: "manual" });
    if (answer.type === "opaqueredirect") return { good: true, words: sentence("act_done") };
    const told = await answer.json();
    if (answer.ok) return { good: true, words: sentence(`act_${told.result}`) };
    const fields = Object.keys(told.facts?.fields ?? {});
    return { good: false, words: told.detail + (fields.length ? ` ${say("Missing or unreadable: %(fields)s", { fields: fields.map((name) => sentence(`said_${name}`)).join(say(", ")) })}` : "") };
  } catch {
    return { good: false, words: sentence("act_unknown") };
  }
}

/** Follows the state of the lot or of the sale: what does not fit says so, pause and resume take each other's place.
 * @param {Element} acts @param {{state: string, end?: string | null, bids?: number}} at */
export function renderActs(acts, at) {
  for (const act of acts.querySelectorAll("details[data-act]")) {
    if (!(act instanceof HTMLDetailsElement)) continue;
    const fits = fitsNow(act.dataset.fits ?? "", act.dataset.act ?? "", at);
    const summary = act.querySelector("summary");
    if (fits) summary?.removeAttribute("aria-disabled");
    else summary?.setAttribute("aria-disabled", "true");
    if ("swaps" in act.dataset) act.hidden = act.dataset.act === "resume" ? !fits : at.state === "paused";
    if ("withdraws" in act.dataset) {
      const two = (at.bids ?? 0) > 0;
      act.querySelector(".two-hands")?.toggleAttribute("hidden", !two);
      const button = act.querySelector("button");
      const words = two ? button?.dataset.two : button?.dataset.one;
      if (button && words && button.textContent !== words) button.textContent = words;
    }
    if (at.end) for (const option of act.querySelectorAll("[data-later] option")) {
      if (option instanceof HTMLOptionElement) option.value = laterThan(at.end, Number(option.dataset.seconds));
    }
  }
}

/** Opens an act and goes to its first field, or, pressed again on its button, carries it out. @param {HTMLDetailsElement} act */
export function openAct(act) {
  const form = act.querySelector("form");
  const held = document.activeElement;
  if (act.open && held instanceof HTMLButtonElement && held.form === form) { form?.requestSubmit(held); return; }
  if (act.querySelector("summary")?.getAttribute("aria-disabled") === "true") { act.querySelector("summary")?.focus(); return; }
  act.open = true;
  const first = form?.querySelector("select, textarea, input:not([type=hidden]), button");
  if (first instanceof HTMLElement) first.focus();
  act.scrollIntoView({ block: "nearest" });
}

/** The act that a key means: of those on the page the one that can be done now. @param {string} key */
export function actByKey(key) {
  const all = /** @type {HTMLDetailsElement[]} */ ([...document.querySelectorAll(`details[data-key="${CSS.escape(key.toLowerCase())}"]`)]);
  return all.find((act) => !act.hidden) ?? null;
}

export { isTyping };
