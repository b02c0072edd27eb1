// @ts-check
// Seconds left of a hold, by the server's clock and this device's steady one. When they are over, the page offers to
// hold the hour again; the server has the last word either way.
import { left, passed, secondsLeft } from "./countdown.js";
import { say } from "./words.js";

/** The server's time now: what it said when the page was made, and what has gone by since.
 * @param {number} saidMs @param {number} sinceMs */
export function serverNow(saidMs, sinceMs) {
  return saidMs + Math.max(0, sinceMs);
}

/** What is told aloud at this moment, or null. @param {number | null} before @param {number} after seconds left */
export function told(before, after) {
  if (after === 0) return before === null || before > 0 ? say("The hold has ended. Nothing is booked.") : null;
  const mark = passed(before, after);
  if (mark === null) return null;
  return mark >= 60 ? say("%(n)s minutes left to confirm.", { n: mark / 60 }) : say("%(n)s seconds left to confirm.", { n: mark });
}

/** @param {HTMLElement} box */
export function run(box) {
  const until = Number(box.dataset.until), said = Number(box.dataset.now), began = performance.now();
  const clock = box.querySelector("[data-left]"), words = box.querySelector("[data-hold-said]");
  /** @type {number | null} */
  let before = null;
  const look = () => {
    const seconds = secondsLeft(until, serverNow(said, performance.now() - began));
    if (clock && seconds < 86_400) clock.textContent = left(seconds).text;
    clock?.classList.toggle("is-closing", seconds <= 60);
    const aloud = told(before, seconds);
    if (aloud && words) words.textContent = aloud;
    before = seconds;
    if (seconds > 0) return;
    clearInterval(beat);
    for (const part of box.querySelectorAll("[data-while]")) /** @type {HTMLElement} */ (part).hidden = true;
    for (const part of box.querySelectorAll("[data-after]")) /** @type {HTMLElement} */ (part).hidden = false;
  };
  const beat = setInterval(look, 1000);
  look();
}

if (typeof document !== "undefined") {
  for (const box of document.querySelectorAll("[data-hold]")) run(/** @type {HTMLElement} */ (box));
}
