// @ts-check
// The lines of a plan being made move under the hand: arrows, Alt and arrow keys, or drag. Nothing is sent until the
// form is; without a script the same buttons send it.
import { region } from "./announce.js";
import { dropPlace, landing, rearranged, stepOf } from "./order.js";
import { say } from "./words.js";

const form = document.querySelector("form[data-plan]");
const list = document.querySelector("[data-rows]");
const voice = document.querySelector('[data-announce="polite"]');

/** @returns {HTMLElement[]} */
const rows = () => [...(list?.querySelectorAll("li") ?? [])];
const order = () => rows().map((row) => row.dataset["row"] ?? "");

/** @param {string} lot @param {number | null} place */
function move(lot, place) {
  if (place === null || !list) return;
  const focused = document.activeElement;
  const byLot = new Map(rows().map((row) => [row.dataset["row"] ?? "", row]));
  for (const one of rearranged(order(), [lot], place)) list.append(/** @type {HTMLElement} */ (byLot.get(one)));
  rows().forEach((row, at, all) => {
    const [up, down] = row.querySelectorAll("button");
    if (up) up.disabled = at === 0;
    if (down) down.disabled = at === all.length - 1;
  });
  const row = byLot.get(lot);
  if (focused instanceof HTMLElement && row?.contains(focused)) {
    const able = focused instanceof HTMLButtonElement && focused.disabled ? row.querySelector("button:not([disabled])") : focused;
    if (able instanceof HTMLElement) able.focus();
  }
  const facts = { name: row?.dataset["name"] ?? "", place: order().indexOf(lot) + 1, count: rows().length };
  if (voice) region(voice).append(say("%(name)s moved to %(place)s of %(count)s", facts));
}

form?.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest('button[name="act"]') : null;
  if (!(button instanceof HTMLButtonElement)) return;
  const [act, lot = ""] = button.value.split(":");
  if (act !== "up" && act !== "down") return;
  event.preventDefault();
  move(lot, landing(order().indexOf(lot), act === "up" ? -1 : 1, rows().length));
});

list?.addEventListener("keydown", (event) => {
  if (!(event instanceof KeyboardEvent) || !(event.target instanceof HTMLElement)) return;
  const lot = event.target.closest("li")?.dataset["row"];
  const step = stepOf(event);
  if (!lot || typeof step !== "number") return;
  event.preventDefault();
  move(lot, landing(order().indexOf(lot), step, rows().length));
});

/** @type {string | null} */
let carried = null;
for (const row of rows()) row.draggable = true;

/** @param {DragEvent} event */
function under(event) {
  const row = event.target instanceof Element ? event.target.closest("li") : null;
  if (!row || !row.dataset["row"]) return null;
  const box = row.getBoundingClientRect();
  return { row, after: event.clientY > box.top + box.height / 2 };
}

function clear() {
  for (const row of rows()) row.classList.remove("is-over-before", "is-over-after", "lifted");
}

list?.addEventListener("dragstart", (event) => {
  if (!(event instanceof DragEvent) || !(event.target instanceof HTMLLIElement)) return;
  carried = event.target.dataset["row"] ?? null;
  event.target.classList.add("lifted");
  event.dataTransfer?.setData("text/plain", carried ?? "");
});
list?.addEventListener("dragover", (event) => {
  if (!(event instanceof DragEvent) || carried === null) return;
  event.preventDefault();
  const spot = under(event);
  for (const row of rows()) row.classList.remove("is-over-before", "is-over-after");
  if (spot && spot.row.dataset["row"] !== carried) spot.row.classList.add(spot.after ? "is-over-after" : "is-over-before");
});
list?.addEventListener("drop", (event) => {
  if (!(event instanceof DragEvent) || carried === null) return;
  event.preventDefault();
  const spot = under(event);
  if (spot) move(carried, dropPlace(order(), [carried], spot.row.dataset["row"] ?? "", spot.after));
  clear();
});
list?.addEventListener("dragend", () => { clear(); carried = null; });
