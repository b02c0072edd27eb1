// @ts-check
// Fields that staff write (`data-lint="en"`) are looked through while they are typed. Saving looks again, without script.
import { say } from "./words.js";

const PAUSE_MS = 400;

/** @typedef {{start: number, end: number, rule: string, code: string, found: string, suggestion: string, sentence: string}} Wording */

/** What is told below the field, one line for each wording. @param {Wording[]} findings @param {typeof say} words */
export function lines(findings, words = say) {
  return findings.map((one) => {
    const told = `${one.found}${words(": ")}${one.sentence}`;
    return one.suggestion ? `${told} ${words("Write instead: %(term)s", { term: one.suggestion })}` : told;
  });
}

/** @param {HTMLInputElement | HTMLTextAreaElement} field */
function watch(field) {
  const told = document.createElement("p");
  told.className = "hint";
  told.setAttribute("role", "status");
  field.after(told);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  let asked = 0;
  const look = async () => {
    const turn = ++asked;
    const said = { text: field.value, lang: field.dataset.lint, clarity: field.dataset.clarity || null };
    const headers = { "content-type": "application/json", accept: "application/json" };
    const answer = await fetch("/staff/lint", { method: "POST", headers, body: JSON.stringify(said) }).catch(() => null);
    if (!answer?.ok || turn !== asked) return; // saving looks again
    /** @type {{findings: Wording[]}} */
    const { findings } = await answer.json();
    told.textContent = lines(findings).join(" ");
    field.closest(".field")?.classList.toggle("is-wrong", findings.length > 0);
  };
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, PAUSE_MS);
  });
}

if (typeof document !== "undefined") {
  for (const field of document.querySelectorAll("[data-lint]")) {
    if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) watch(field);
  }
}
