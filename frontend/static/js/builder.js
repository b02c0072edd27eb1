// @ts-check
// The board of a sale: drag and keys on top of forms that work without them. The server's answer is the order shown.
import { region } from "./announce.js";
import { blockLanding, dropPlace, landing, numbersFollow, rowAfter, stepOf, typedPlace } from "./order.js";
import { say } from "./words.js";

const form = document.querySelector("form[data-builder]");
const body = document.querySelector("[data-order]");
const voice = document.querySelector('[data-announce="polite"]');

/** @type {() => NodeListOf<HTMLTableRowElement> | HTMLTableRowElement[]} */
const found = () => body?.querySelectorAll("tr[data-lot]") ?? [];
const rows = () => Array.from(found());
/** @param {HTMLTableRowElement} row */
const lotOf = (row) => row.dataset.lot ?? "";
/** @param {HTMLTableRowElement} row @returns {HTMLInputElement | null} */
const boxOf = (row) => row.querySelector('input[name="lot"]');
const order = () => rows().map(lotOf);
const chosen = () => rows().filter((row) => boxOf(row)?.checked).map(lotOf);
/** @param {string} text */
const tell = (text) => voice && region(voice).append(text);

/** One move after the other, so that each starts from the order the last one left. @type {Promise<void>} */
let last = Promise.resolve();

/** @param {string[]} lots @param {(order: string[]) => number | null} place */
function move(lots, place) {
  last = last.then(() => send(lots, place(order()))).catch(() => window.location.reload());
}

/** @param {string[]} lots @param {number | null} place */
async function send(lots, place) {
  const address = form instanceof HTMLFormElement ? form.dataset.moves : undefined;
  if (!address || place === null || lots.length === 0) return;
  const said = new URLSearchParams(lots.map((lot) => ["lot", lot]));
  said.set("to", String(place + 1));
  const before = order();
  const answer = await fetch(address, { method: "POST", body: said, headers: { accept: "application/json" } });
  if (!answer.ok) {
    tell(say("The order could not be saved. The page shows it as it is."));
    throw new Error(String(answer.status));
  }
  /** @type {{order: string[], headings: Record<string, number>}} */
  const after = await answer.json();
  for (const row of rows()) row.dataset.under = String(after.headings[lotOf(row)] ?? "");
  show(after.order);
  const row = rows().find((one) => lotOf(one) === lots[0]);
  const facts = { name: row?.dataset.name ?? "", place: after.order.indexOf(lots[0] ?? "") + 1, count: after.order.length };
  const still = before.join() === after.order.join();
  if (lots.length > 1 && !still) tell(say("%(n)s lots moved to %(place)s of %(count)s", { ...facts, n: lots.length }));
  else tell(say(still ? "%(name)s stays at %(place)s of %(count)s" : "%(name)s moved to %(place)s of %(count)s", facts));
}

/** The rows in this order; the focus stays on its lot. @param {string[]} wanted */
function show(wanted) {
  const focused = document.activeElement;
  const byLot = new Map(rows().map((row) => [lotOf(row), row]));
  for (const lot of wanted) {
    const row = byLot.get(lot);
    if (row) body?.append(row);
  }
  head();
  rows().forEach((row, at, all) => {
    const [up, down] = row.querySelectorAll("button");
    if (up) up.disabled = at === 0;
    if (down) down.disabled = at === all.length - 1;
  });
  const warning = document.querySelector("[data-out-of-order]");
  if (warning instanceof HTMLElement) warning.hidden = numbersFollow(rows().map((row) => row.dataset.number ?? ""));
  if (focused instanceof HTMLElement && body?.contains(focused)) {
    const able = focused instanceof HTMLButtonElement && focused.disabled ? focused.closest("tr") : focused;
    able?.focus();
  }
}

/** Each heading stands before every run of its lots. */
function head() {
  const patterns = document.querySelector("template[data-headings]");
  if (!(patterns instanceof HTMLTemplateElement)) return;
  for (const old of body?.querySelectorAll("tr[data-heading]") ?? []) old.remove();
  /** @type {string | undefined} */
  let under;
  for (const row of rows()) {
    const pattern = patterns.content.querySelector(`tr[data-heading="${row.dataset.under ?? ""}"]`);
    if (row.dataset.under !== under && pattern) row.before(pattern.cloneNode(true));
    under = row.dataset.under;
  }
}

/** Asks for a position in a dialogue; nothing moves when it is left. @param {HTMLTableRowElement} row */
function ask(row) {
  const dialog = document.querySelector("[data-move-dialog]");
  const field = document.querySelector("[data-dialog-to]");
  if (!(dialog instanceof HTMLDialogElement) || !(field instanceof HTMLInputElement)) return;
  field.value = String(order().indexOf(lotOf(row)) + 1);
  dialog.returnValue = "";
  dialog.addEventListener("close", () => {
    row.focus();
    if (dialog.returnValue === "move") move(carriedBy(row), () => typedPlace(field.value));
  }, { once: true });
  dialog.showModal();
  field.select();
}

body?.addEventListener("keydown", (event) => {
  if (!(event instanceof KeyboardEvent) || !(event.target instanceof HTMLElement)) return;
  const row = event.target.closest("tr");
  const step = stepOf(event);
  if (!row) return;
  if (step === null) {
    if (event.target === row) walk(event, row);
    return;
  }
  if (step === "ask" && event.target !== row) return;
  event.preventDefault();
  const lots = carriedBy(row);
  if (step === "ask") ask(row);
  else move(lots, (now) => blockLanding(now, lots, step));
});

/** A chosen lot takes the other chosen ones along, by key as by hand. @param {HTMLTableRowElement} row */
const carriedBy = (row) => (boxOf(row)?.checked ? chosen() : [lotOf(row)]);

/** Keys on a row itself: arrows go from lot to lot, with Shift they choose on the way, Space chooses, Control and A
 * chooses all that are shown. @param {KeyboardEvent} event @param {HTMLTableRowElement} row */
function walk(event, row) {
  const shown = rows().filter((one) => !one.hidden);
  const box = boxOf(row);
  const next = rowAfter(event, shown.indexOf(row), shown.length);
  if (event.key === " " && box) box.checked = !box.checked;
  else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) choose(shown);
  else if (next !== null) {
    const to = shown[next];
    if (event.shiftKey && to) choose(shown.slice(Math.min(next, shown.indexOf(row)), Math.max(next, shown.indexOf(row)) + 1));
    to?.focus();
  } else return;
  event.preventDefault();
}

/** @param {HTMLTableRowElement[]} some */
function choose(some) {
  for (const box of some.map(boxOf)) if (box) box.checked = true;
}

// The arrows of a row are buttons of the form; with a script the page stays where it is.
body?.addEventListener("click", (event) => {
  if (!(event.target instanceof Element)) return;
  const button = event.target.closest('button[name="step"]');
  if (!(button instanceof HTMLButtonElement)) return;
  event.preventDefault();
  const [lot = "", word] = button.value.split(":");
  move([lot], (now) => landing(now.indexOf(lot), word === "up" ? -1 : 1, now.length));
});

/** @type {HTMLInputElement | null} */
let anchor = null;
// Shift and click choose everything between two boxes.
body?.addEventListener("click", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement) || box.name !== "lot" || !(event instanceof MouseEvent)) return;
  const boxes = rows().filter((row) => !row.hidden).map(boxOf);
  const [from, to] = [boxes.indexOf(anchor), boxes.indexOf(box)].sort((a, b) => a - b);
  if (event.shiftKey && anchor && from !== undefined && to !== undefined && from >= 0) {
    for (const between of boxes.slice(from, to + 1)) if (between) between.checked = box.checked;
  }
  anchor = box;
});

// Control and click on a lot chooses it, or lets it go; Shift chooses up to it.
body?.addEventListener("click", (event) => {
  if (!(event instanceof MouseEvent) || !(event.target instanceof Element)) return;
  if (!(event.ctrlKey || event.metaKey || event.shiftKey) || event.target.closest("a, button, input, label")) return;
  const row = event.target.closest("tr");
  const box = row && boxOf(row);
  if (!box) return;
  event.preventDefault();
  box.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: event.shiftKey }));
});

/** @type {string[]} */
let carried = [];
for (const row of rows()) {
  if (row.tabIndex !== 0) continue; // a published sale keeps its order
  row.draggable = true;
  // Links and pictures would be dragged by themselves.
  for (const part of row.querySelectorAll("a, img")) if (part instanceof HTMLElement) part.draggable = false;
}

body?.addEventListener("dragstart", (event) => {
  if (!(event instanceof DragEvent) || !(event.target instanceof HTMLTableRowElement)) return;
  const lot = lotOf(event.target);
  carried = chosen().includes(lot) ? chosen() : [lot];
  for (const row of rows()) row.classList.toggle("lifted", carried.includes(lotOf(row)));
  event.dataTransfer?.setData("text/plain", carried.join("\n"));
});

/** @param {DragEvent} event @returns {{row: HTMLTableRowElement, after: boolean} | null} */
function under(event) {
  const row = event.target instanceof Element ? event.target.closest("tr") : null;
  if (!row || !lotOf(row)) return null;
  const box = row.getBoundingClientRect();
  const tray = row.closest(".is-grid") !== null; // in the tray lots stand beside each other
  return { row, after: tray ? event.clientX > box.left + box.width / 2 : event.clientY > box.top + box.height / 2 };
}

function clear() {
  for (const row of rows()) row.classList.remove("is-over-before", "is-over-after");
}

body?.addEventListener("dragover", (event) => {
  if (!(event instanceof DragEvent) || carried.length === 0) return;
  event.preventDefault();
  const spot = under(event);
  clear();
  if (spot && !carried.includes(lotOf(spot.row))) spot.row.classList.add(spot.after ? "is-over-after" : "is-over-before");
});
body?.addEventListener("drop", (event) => {
  if (!(event instanceof DragEvent)) return;
  event.preventDefault();
  const spot = under(event);
  const lots = carried;
  if (spot) move(lots, (now) => dropPlace(now, lots, lotOf(spot.row), spot.after));
});
body?.addEventListener("dragend", () => {
  clear();
  for (const row of rows()) row.classList.remove("lifted");
  carried = [];
});
