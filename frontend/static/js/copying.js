// @ts-check
/** What a page shows only this once is copied at one press. Where the browser lets no script copy, there is no button. */

/** What stands before the button: a field's value, or a text as it is read. @param {Element | null} shown */
function held(shown) {
  return shown?.querySelector("input")?.value ?? shown?.textContent?.trim() ?? "";
}

/** Copies at each press and says how it went.
 * @param {HTMLElement} box @param {(text: string) => Promise<void>} copy */
export function wire(box, copy) {
  const button = /** @type {HTMLElement} */ (box.querySelector("button"));
  const said = /** @type {HTMLElement} */ (box.querySelector("[role=status]"));
  box.hidden = false;
  button.addEventListener("click", async () => {
    said.textContent = "";
    const went = await copy(held(box.previousElementSibling)).then(() => "done", () => "failed");
    said.textContent = said.dataset[went] ?? "";
  });
}

if (typeof document !== "undefined" && navigator.clipboard) {
  for (const box of document.querySelectorAll("[data-copying]")) {
    wire(/** @type {HTMLElement} */ (box), (text) => navigator.clipboard.writeText(text));
  }
}
