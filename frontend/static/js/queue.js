// @ts-check
// The registrar's queue by keys: J and K go down and up, A approves, I asks, D declines.

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

/** @param {KeyboardEvent} event */
function onKey(event) {
  const typing = event.target instanceof Element && event.target.closest("input, textarea, select");
  if (typing || event.altKey || event.ctrlKey || event.metaKey) return;
  const key = event.key.toLowerCase();
  /** @type {HTMLElement[]} */
  const all = Array.from(document.querySelectorAll("[data-row]"));
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = rowAfter(key, at, all.length);
  if (next !== null) {
    event.preventDefault();
    all[next]?.focus();
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

if (typeof document !== "undefined" && document.querySelector("[data-queue]")) document.addEventListener("keydown", onKey);
