// @ts-check
// The page `/verify`: a file is checked here and goes nowhere. Without this module the form sends it to the house.
import { lineOf, verdictOf } from "./verify-lines.js";
import { verify } from "./verify-checks.js";
import { Unreadable } from "./verify-forms.js";
import { Broken, isRecord, prepareRecords, recordAsked, recordReport } from "./verify-sale.js";
import { prepare } from "./verify-signature.js";
import { say, sentence } from "./words.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-verify]"));
const report = /** @type {HTMLElement | null} */ (document.querySelector("[data-report]"));
if (form && report) begin(form, report);

/** @param {HTMLFormElement} form @param {HTMLElement} report */
function begin(form, report) {
  prepare();
  prepareRecords();
  const drop = /** @type {HTMLElement} */ (form.querySelector("[data-drop]"));
  const input = /** @type {HTMLInputElement} */ (form.querySelector("[data-drop] input[type=file]"));
  /** @type {File | undefined} */
  let dropped;
  const check = () => {
    const file = input.files?.[0] ?? dropped;
    if (file) void show(file, form, report);
  };
  for (const hint of form.querySelectorAll("[data-without], [data-within]")) hint.toggleAttribute("hidden");
  input.setAttribute("aria-describedby", "file-within");
  form.querySelector("[data-within]")?.setAttribute("id", "file-within");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  input.addEventListener("change", check);
  form.querySelector("[data-pins]")?.addEventListener("change", check);
  const asked = recordAsked(location.search);
  if (asked !== null) void fetched(asked).then((file) => file && show(file, form, report));
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("is-over");
    dropped = event.dataTransfer?.files[0];
    if (dropped) void show(dropped, form, report);
  });
}

/** The record of a sale of this house, fetched as anybody may; what it says is judged here.
 * @param {string} address @returns {Promise<File | null>} */
async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) return null;
  const name = address.split("/").slice(2).join(".");
  return new File([await answer.blob()], name);
}

/** This house's keys, or in their place those that the reader handed in for another.
 * @param {HTMLFormElement} form @returns {Promise<import("./verify-checks.js").Pinned>} */
async function pins(form) {
  const pinned = { did: form.dataset.did ?? "", policy: form.dataset.policy ?? "", given: false, sales: form.dataset.saleKey ?? "" };
  const input = /** @type {HTMLInputElement} */ (form.querySelector("[data-pins]"));
  for (const file of input.files ?? []) {
    if (file.size > 256 * 1024) throw new Unreadable(say("longer than 256 KiB"));
    const words = await file.text();
    if (words.trimStart().startsWith("{")) pinned.did = words;
    else pinned.policy = words;
    pinned.given = true;
  }
  return pinned;
}

/** @param {File} file @param {HTMLFormElement} form @param {HTMLElement} report */
async function show(file, form, report) {
  const verdict = /** @type {HTMLElement} */ (report.querySelector("[data-verdict]"));
  const lines = /** @type {HTMLElement} */ (report.querySelector("[data-lines]"));
  const where = /** @type {HTMLElement} */ (report.querySelector("[data-where]"));
  where.textContent = say("%(name)s, checked in this browser; it was not sent anywhere.", { name: file.name });
  const ask = async (/** @type {string} */ address) => {
    const answer = await fetch(address);
    if (!answer.ok) return null;
    where.textContent = say("%(name)s, checked in this browser with the bundle of its version, asked of this house; the file was not sent anywhere.", { name: file.name });
    return new Uint8Array(await answer.arrayBuffer());
  };
  report.hidden = false;
  lines.replaceChildren();
  try {
    if (await isRecord(file)) {
      const busy = document.createElement("progress");
      busy.max = 100;
      busy.setAttribute("aria-label", say("Checking the record"));
      lines.before(busy);
      try {
        const told = await recordReport(file, form.dataset.saleKey ?? "", (percent) => { busy.value = percent; });
        lines.replaceChildren(...told.lines.map(lineOf));
        verdict.replaceWith(verdictOf(told));
      } finally {
        busy.remove();
      }
      report.focus();
      return;
    }
    if (file.size > Number(form.dataset.most)) throw new Unreadable(say("longer than this page reads: use the command"));
    const pinned = await pins(form);
    const found = await verify(new Uint8Array(await file.arrayBuffer()), pinned, Date.now(), ask);
    lines.replaceChildren(...found.lines.map(lineOf));
    verdict.replaceWith(verdictOf(found));
  } catch (fault) {
    if (fault instanceof Unreadable) verdict.replaceWith(verdictOf({ exit: 3, told: say(fault.message) }));
    else if (fault instanceof Broken) verdict.replaceWith(verdictOf({ exit: 4, told: fault.message }));
    else verdict.replaceWith(verdictOf({ exit: 3, told: sentence("not_verifiable") }));
  }
  report.focus();
}
