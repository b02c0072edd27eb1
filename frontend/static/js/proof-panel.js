// @ts-check
// The passport's page checks its own passport: the bundle is fetched and read here, against the keys the house serves.
// What a page says of its own house proves no more than that; the command and another house's page prove the rest.
import { verdictOf, lineOf } from "./verify-lines.js";
import { verify } from "./verify-checks.js";
import { say } from "./words.js";

for (const panel of document.querySelectorAll("[data-proof-panel]")) void fill(/** @type {HTMLElement} */ (panel));

/** @param {HTMLElement} panel */
async function fill(panel) {
  panel.setAttribute("aria-live", "polite");
  const waiting = document.createElement("p");
  waiting.className = "note";
  waiting.textContent = say("Checking in your browser");
  panel.replaceChildren(waiting);
  try {
    const { stone, version } = panel.dataset;
    const [data, did, policy] = await Promise.all([
      got(`/passports/${stone}/${version}/bundle`), got("/.well-known/did.json"), got("/log/policy"),
    ]);
    const text = (/** @type {Uint8Array} */ bytes) => new TextDecoder().decode(bytes);
    const found = await verify(data, { did: text(did), policy: text(policy) }, Date.now());
    const all = document.createElement("details");
    all.open = found.exit !== 0;
    const title = document.createElement("summary");
    title.textContent = say("All checks");
    const lines = document.createElement("ul");
    lines.className = "verify-lines";
    lines.replaceChildren(...found.lines.map(lineOf));
    all.append(title, lines);
    panel.replaceChildren(verdictOf(found), all);
    panel.dataset.checked = String(found.exit);
  } catch (fault) {
    waiting.textContent = say("The bundle could not be fetched: %(why)s", { why: fault instanceof Error ? fault.message : "" });
  }
}

/** @param {string} address @returns {Promise<Uint8Array>} */
async function got(address) {
  const answer = await fetch(address);
  if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
  throw new Error(answer.status === 409 ? say("it is not in the public log yet") : say("the house did not answer"));
}
