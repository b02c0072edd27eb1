// @ts-check
// N goes to the bid button, M to the button of the maximum, B to its field. A single key never bids: only pressed again
// on its own button does N or M act, as Enter does there. They can be switched off, since single keys collide with
// dictation and with some screen readers.

/** @typedef {"next" | "maximum"} Button */
/** @typedef {"to-next" | "next" | "to-maximum" | "maximum" | "field"} Act */
const BUTTONS = /** @type {Record<string, Button>} */ ({ n: "next", m: "maximum" });
export const SWITCH = "pavilion.keys";

/** The act of this key, or null when it is not meant for us: typing, with a modifier, repeated, or switched off.
 * @param {{key: string, altKey: boolean, ctrlKey: boolean, metaKey: boolean, repeat: boolean, typing: boolean, dialog: boolean, on: boolean, at: Button | null}} pressed
 * `at` is the button that has the focus
 * @returns {Act | null} */
export function actOf({ key, altKey, ctrlKey, metaKey, repeat, typing, dialog, on, at }) {
  if (!on || typing || dialog || repeat || altKey || ctrlKey || metaKey) return null;
  if (key.toLowerCase() === "b") return "field";
  const button = BUTTONS[key.toLowerCase()];
  if (!button) return null;
  return at === button ? button : `to-${button}`;
}

/** Whether keys typed here are text. @param {EventTarget | null} target */
export function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "submit", "range"].includes(target.type);
}
