// @ts-check
/** Keeps the progress of a stock file current; at its end the page is read again with all its rows.
 * @typedef {{state: string, progress: number, received: number, done: number}} Shown
 */

const GOING = new Set(["queued", "running"]);

/** How many rows are answered, from what the interface tells. Pure.
 * @param {Record<string, number>} told @returns {number} */
export function answered(told) {
  if (typeof told["answered"] === "number") return told["answered"];
  const names = ["accepted", "accepted_with_warnings", "accepted_changed", "pending_lab", "pending_origin", "review"];
  return [...names, "duplicates", "rejected", "unchanged"].reduce((sum, name) => sum + (told[name] ?? 0), 0);
}

/** What is shown next; null when the page should be read again. Pure.
 * @param {any} told @returns {Shown | null} */
export function next(told) {
  if (!told || !GOING.has(told.state)) return null;
  return { state: told.state, progress: told.progress, received: told.received, done: answered(told) };
}

/** @param {HTMLElement} place */
async function follow(place) {
  const bar = place.querySelector("progress");
  const done = place.querySelector("[data-done]");
  const answer = await fetch(place.dataset["stockProgress"] ?? "", { headers: { accept: "application/json" } });
  if (!answer.ok) return;
  const shown = next(await answer.json());
  if (shown === null || (done === null && shown.received > 0)) {
    location.reload();
    return;
  }
  if (bar) bar.value = shown.progress;
  if (done) done.textContent = shown.done.toLocaleString(document.documentElement.lang);
  setTimeout(() => void follow(place), 1000);
}

if (typeof document !== "undefined") {
  for (const place of document.querySelectorAll("[data-stock-progress]")) {
    setTimeout(() => void follow(/** @type {HTMLElement} */ (place)), 1000);
  }
}
