// @ts-check
// What is left of a lot's time, as words and as the length of its rule. Pure.

/** Seconds left at which the time is told aloud (bidding 8.6). */
export const TOLD = [600, 300, 120, 60, 30, 10];

/** Whole seconds left, never below nought. @param {number} endMs @param {number} nowMs */
export function secondsLeft(endMs, nowMs) {
  return Math.max(0, Math.ceil((endMs - nowMs) / 1000));
}

/** `1:42` under an hour, `3:07 h` is written by the page for under a day, otherwise null: then the date is shown.
 * @param {number} seconds @returns {{kind: "minutes" | "hours" | "date", text: string}} */
export function left(seconds) {
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  if (seconds < 3_600) return { kind: "minutes", text: `${Math.floor(seconds / 60)}:${two(seconds % 60)}` };
  if (seconds < 86_400) return { kind: "hours", text: `${Math.floor(seconds / 3600)}:${two(Math.floor((seconds % 3600) / 60))}` };
  return { kind: "date", text: "" };
}

/** The mark that was passed between two looks at the clock, or null. Several at once tell only the last.
 * @param {number | null} before @param {number} after seconds left */
export function passed(before, after) {
  if (before === null || after >= before || after === 0) return null;
  const marks = TOLD.filter((mark) => before > mark && after <= mark);
  return marks.length ? /** @type {number} */ (marks.at(-1)) : null;
}

/** How much of the closing rule is left, 0 to 600 units; the whole rule is the window before the end.
 * @param {number} seconds @param {number} windowSeconds */
export function ruleLength(seconds, windowSeconds) {
  return windowSeconds > 0 ? Math.round((600 * Math.min(seconds, windowSeconds)) / windowSeconds) : 0;
}
