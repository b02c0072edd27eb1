// @ts-check
// One key, one act: N next bid, M set the maximum, B the field of the maximum. They can be switched off, since single
// keys collide with dictation and with some screen readers.

/** @typedef {"next" | "maximum" | "field"} Act */
const ACTS = /** @type {Record<string, Act>} */ ({ n: "next", m: "maximum", b: "field" });
export const SWITCH = "pavilion.keys";

/** The act of this key, or null when it is not meant for us: typing, with a modifier, repeated, or switched off.
 * @param {{key: string, altKey: boolean, ctrlKey: boolean, metaKey: boolean, repeat: boolean, typing: boolean, dialog: boolean, on: boolean}} pressed
 * @returns {Act | null} */
export function actOf({ key, altKey, ctrlKey, metaKey, repeat, typing, dialog, on }) {
  if (!on || typing || dialog || repeat || altKey || ctrlKey || metaKey) return null;
  return ACTS[key.toLowerCase()] ?? null;
}

/** Whether keys typed here are text. @param {EventTarget | null} target */
export function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "submit", "range"].includes(target.type);
}
