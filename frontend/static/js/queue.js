// @ts-check
// The registrar's queue by keys: J and K go down and up, A approves, I asks, D declines, X chooses, B looks at approving
// what is chosen. An answer loads the page anew: what was done is told, and the focus is where the work goes on.
import { region } from "./announce.js";

const KEPT = "queue";
/** The catalogue of words comes over the line, and no key that is pressed before it is here may be lost. */
const words = () => import("./words.js");

/** Where J and K lead from the row at `at` (−1: none) of `count`; null when the key is another.
 * @param {string} key @param {number} at @param {number} count @returns {number | null} */
export function rowAfter(key, at, count) {
  if (count === 0) return null;
  if (key === "j") return Math.min(count - 1, at + 1);
  if (key === "k") return Math.max(0, at - 1);
  return null;
}

/** The button that a key presses, as a selector. @param {string} key @returns {string | null} */
export function actOf(key) {
  return { a: "[data-approve]", i: "[data-ask]", d: "[data-decline]" }[key] ?? null;
}

/** Where the focus goes after an act on the row `id` at place `at`: to it while it is still there, else to the row that
 * took its place; −1 when none is left. @param {string[]} ids @param {string} id @param {number} at @returns {number} */
export function rowAfterAct(ids, id, at) {
  const still = ids.indexOf(id);
  return still >= 0 ? still : Math.min(at, ids.length - 1);
}

/** Whether what was done is told. A row that is still there was not approved or declined: a lead has to agree first.
 * @param {string[]} ids @param {string} id @param {string} act @returns {boolean} */
export function isDone(ids, id, act) {
  return act === "ask" || !ids.includes(id);
}

/** @param {string} act @param {string} name @param {number} n @returns {Promise<string>} */
async function done(act, name, n) {
  const { say } = await words();
  if (act === "approve") return say("Approved: %(name)s. %(n)s left in the queue.", { name, n });
  if (act === "ask") return say("Asked: %(name)s. %(n)s left in the queue.", { name, n });
  return say("Declined: %(name)s. %(n)s left in the queue.", { name, n });
}

/** @returns {HTMLElement[]} */
const rows = () => Array.from(document.querySelectorAll("[data-row]"));

/** What was done with which row is kept until the next page. @param {SubmitEvent} event */
function onSubmit(event) {
  const all = rows(), button = event.submitter;
  const at = all.findIndex((row) => row.contains(button));
  const act = ["approve", "ask", "decline"].find((one) => button?.matches(`[data-${one}]`));
  if (!act || at < 0) return;
  const name = all[at]?.querySelector("h2")?.textContent ?? "";
  sessionStorage.setItem(KEPT, JSON.stringify({ act, at, id: all[at]?.id, name }));
}

/** @param {boolean} checked @param {string} name @returns {Promise<string>} */
async function chosen(checked, name) {
  const { say } = await words();
  return checked ? say("Chosen: %(name)s", { name }) : say("No longer chosen: %(name)s", { name });
}

/** The page after an answer. */
async function goOn() {
  const kept = sessionStorage.getItem(KEPT), voice = document.querySelector('[data-announce="polite"]');
  sessionStorage.removeItem(KEPT);
  if (!kept || !voice) return;
  const { act, at, id, name } = JSON.parse(kept);
  const all = rows(), refused = document.querySelector("[data-refused]");
  const ids = all.map((row) => row.id);
  const next = all[rowAfterAct(ids, id, at)] ?? document.querySelector("h1");
  if (next instanceof HTMLElement) {
    next.tabIndex = -1;
    next.focus();
  }
  if (refused) region(voice).append(refused.textContent?.replace(/\s+/g, " ").trim() ?? "");
  else if (isDone(ids, id, act)) region(voice).append(await done(act, name, all.length));
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const typing = event.target instanceof Element && event.target.closest("input:not([type=checkbox]), textarea, select");
  if (typing || event.altKey || event.ctrlKey || event.metaKey) return;
  const key = event.key.toLowerCase();
  const all = rows();
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = rowAfter(key, at, all.length);
  if (next !== null) {
    event.preventDefault();
    all[next]?.focus();
    return;
  }
  const several = document.getElementById("several");
  if (key === "b" && several instanceof HTMLFormElement) {
    event.preventDefault();
    several.requestSubmit();
    return;
  }
  const tick = key === "x" && at >= 0 ? all[at]?.querySelector("input[name=pick]") : null;
  if (tick instanceof HTMLInputElement) {
    event.preventDefault();
    tick.click();
    const name = all[at]?.querySelector("h2")?.textContent ?? "", voice = document.querySelector('[data-announce="polite"]');
    if (voice) chosen(tick.checked, name).then((told) => region(voice).append(told));
    return;
  }
  const act = actOf(key);
  const button = act && at >= 0 ? all[at]?.querySelector(act) : null;
  if (!(button instanceof HTMLButtonElement) || !button.form) return;
  event.preventDefault();
  const empty = Array.from(button.form.querySelectorAll("input, select")).find(
    (field) => (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) && field.required && !field.value.trim(),
  );
  if (empty instanceof HTMLElement) empty.focus(); // a limit or a reason is needed first
  else button.form.requestSubmit(button);
}

if (typeof document !== "undefined" && document.querySelector("[data-queue], [data-queue-over]")) {
  document.addEventListener("keydown", onKey);
  document.addEventListener("submit", onSubmit);
  goOn();
}
