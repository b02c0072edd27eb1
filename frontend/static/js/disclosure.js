// @ts-check
/** Folded parts (`<details data-disclosure>`) close on Escape, giving the focus back, and when the focus or a click
 * goes elsewhere. Without script they open and close by themselves. */

/** Whether an open part should close for this.
 * @param {{open: boolean, inside: boolean, key?: string}} happened */
export function closes({ open, inside, key }) {
  if (!open) return false;
  return key === undefined ? !inside : key === "Escape" && inside;
}

/** @param {HTMLDetailsElement} part @param {Event} event @param {string} [key] */
function meet(part, event, key) {
  const inside = event.target instanceof Node && part.contains(event.target);
  if (!closes({ open: part.open, inside, key })) return;
  part.open = false;
  if (key) part.querySelector("summary")?.focus();
}

if (typeof document !== "undefined") {
  for (const part of document.querySelectorAll("details[data-disclosure]")) {
    if (!(part instanceof HTMLDetailsElement)) continue;
    document.addEventListener("click", (event) => meet(part, event));
    document.addEventListener("focusin", (event) => meet(part, event));
    part.addEventListener("keydown", (event) => meet(part, event, event.key));
  }
}
