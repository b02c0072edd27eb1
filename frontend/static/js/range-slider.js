// @ts-check
/** Two handles under a histogram. They only write into the two text fields, which are what is asked; what is typed there
 * moves the handles. Made by script: without it the fields do alone. */
import { say } from "./words.js";

const LAST = 30; // the handle's place beyond which nothing is left out

/** A bound as a person would say it: two figures, downwards for the lower end and upwards for the upper one.
 * @param {number} value @param {boolean} upper */
export function rounded(value, upper) {
  if (value <= 0) return "0";
  const step = 10 ** (Math.floor(Math.log10(value)) - 1);
  const steps = value / step;
  const whole = upper ? Math.ceil(steps - 1e-9) : Math.floor(steps + 1e-9);
  return String(Number((whole * step).toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)))));
}

/** What stands in the field when the handle is at this place. @param {number[]} bounds @param {number} at @param {boolean} upper */
export function written(bounds, at, upper) {
  return at === (upper ? LAST : 0) ? "" : rounded(bounds[at], upper);
}

/** Where the handle stands for what is typed. @param {number[]} bounds @param {string} typed @param {boolean} upper */
export function placed(bounds, typed, upper) {
  const value = Number(typed.replaceAll(",", ""));
  if (!typed.trim() || Number.isNaN(value)) return upper ? LAST : 0;
  if (upper) {
    const at = bounds.findIndex((bound) => rounded(bound, true) === typed || bound >= value);
    return at < 0 ? LAST : Math.max(1, at);
  }
  const above = bounds.findIndex((bound) => bound > value && rounded(bound, false) !== typed);
  return above < 0 ? LAST - 1 : Math.max(0, above - 1);
}

/** @param {HTMLElement} filter a fieldset with a histogram and two fields */
function equip(filter) {
  const fields = /** @type {HTMLInputElement[]} */ ([...filter.querySelectorAll(".range input")]);
  const range = filter.querySelector(".range");
  const unit = filter.querySelector("legend span")?.textContent ?? "";
  if (fields.length !== 2 || !range) return;
  const bounds = () => (filter.querySelector(".histogram")?.getAttribute("data-bounds") ?? "").split(" ").map(Number);
  const pair = document.createElement("div");
  pair.className = "handles";
  const handles = fields.map((field, n) => {
    const handle = document.createElement("input");
    Object.assign(handle, { type: "range", min: "0", max: String(LAST), step: "1" });
    handle.setAttribute("aria-label", field.getAttribute("aria-label") ?? "");
    pair.append(handle);
    handle.addEventListener("input", () => {
      const other = Number(handles[1 - n].value);
      handle.value = String(n ? Math.max(Number(handle.value), other + 1) : Math.min(Number(handle.value), other - 1));
      field.value = written(bounds(), Number(handle.value), n === 1);
      show();
    });
    field.addEventListener("change", () => take());
    return handle;
  });

  /** The handles say what they stand for, and the bars between them are dark. */
  function show() {
    const [from, to] = handles.map((handle) => Number(handle.value));
    handles.forEach((handle, n) => handle.setAttribute("aria-valuetext", fields[n].value ? `${fields[n].value} ${unit}` : say("no limit")));
    filter.querySelectorAll(".histogram rect").forEach((bar, i) => bar.classList.toggle("in", i >= from && i < to));
  }
  function take() {
    handles.forEach((handle, n) => { handle.value = String(placed(bounds(), fields[n].value, n === 1)); });
    show();
  }
  range.before(pair);
  take();
}

if (typeof document !== "undefined") {
  for (const histogram of document.querySelectorAll(".histogram[data-bounds]")) {
    const filter = histogram.closest("fieldset");
    if (filter) equip(filter);
  }
}
