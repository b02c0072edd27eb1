// @ts-check
/** The star beside a stone answers where it is pressed; a list that a colleague changes says so. Without script a press
 * is a form like any other. */
import { region } from "./announce.js";
import { say } from "./words.js";

const LOOK_MS = 15_000;

/** What a pressed star turns into, and what is said aloud.
 * @param {string} act @returns {{next: string, pressed: boolean, words: string}} */
export function turned(act) {
  return act === "add"
    ? { next: "remove", pressed: true, words: say("On the shortlist.") }
    : { next: "add", pressed: false, words: say("Off the shortlist.") };
}

/** @param {HTMLFormElement} form */
async function press(form) {
  const [act, button] = [form.elements.namedItem("act"), form.querySelector("button")];
  if (!(act instanceof HTMLInputElement) || !button || button.getAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  try {
    const body = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    const answer = await fetch(form.action, { method: "POST", headers: { "HX-Request": "true" }, body, credentials: "same-origin" });
    if (answer.status !== 204) throw new Error(String(answer.status));
    const { next, pressed, words } = turned(act.value);
    act.value = next;
    button.setAttribute("aria-pressed", String(pressed));
    const aloud = document.querySelector("[data-announce=polite]");
    if (aloud) region(aloud).append(words);
  } catch {
    form.submit(); // the page itself says what went wrong
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** @param {HTMLElement} list @param {HTMLElement} notice */
function watch(list, notice) {
  const timer = setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(list.dataset.ask ?? "", { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok) return;
    const { version } = await answer.json();
    if (String(version) === list.dataset.version) return;
    notice.hidden = false;
    clearInterval(timer);
  }, LOOK_MS);
}

if (typeof document !== "undefined") {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches("[data-star]")) return;
    event.preventDefault();
    void press(form);
  });
  const [list, notice] = [document.querySelector("[data-ask]"), document.querySelector("[data-changed]")];
  if (list instanceof HTMLElement && notice instanceof HTMLElement) watch(list, notice);
}
