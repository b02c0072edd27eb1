// @ts-check
// The open page of a lot says that it is open, and shows who else has it open. Without a script nobody is told.
import { say } from "./words.js";

const EVERY_MS = 20_000;
const line = document.querySelector("[data-presence]");
const address = line instanceof HTMLElement ? line.dataset.presence : undefined;

/** @param {string[]} others */
function show(others) {
  const words = line?.querySelector("[data-presence-words]");
  if (!(line instanceof HTMLElement) || !words) return;
  const text = others.length ? say("Also open with %(names)s", { names: others.join(document.documentElement.lang.startsWith("zh") ? "、" : ", ") }) : "";
  if (words.textContent !== text) words.textContent = text;
  line.hidden = others.length === 0;
}

async function here() {
  if (!address || document.hidden) return;
  try {
    const answer = await fetch(address, { method: "POST", body: new URLSearchParams() });
    if (answer.ok) show((await answer.json()).others);
  } catch {
    // the next time says it again
  }
}

if (address) {
  here();
  setInterval(here, EVERY_MS);
  document.addEventListener("visibilitychange", here);
  window.addEventListener("pagehide", () => navigator.sendBeacon(address, new URLSearchParams({ gone: "yes" })));
}
