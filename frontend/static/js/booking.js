// @ts-check
// The booking page: the reader's own clock beside the office's, and the chosen hour in the summary. Without it the
// page says the office's time, and the form works.
import { clockIn, cityOf, zoneHere } from "./zones.js";
import { say } from "./words.js";

const YEAR_S = 365 * 24 * 3600;

/** `YYYY-MM-DD` in that zone, to compare days. @param {number} ms @param {string} zone */
export function dayIn(ms, zone) {
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(ms);
}

/** What the reader's clock shows at an instant of an office: the time, and whether the day is another one.
 * Null where both clocks show the same. @param {number} ms @param {string} office @param {string} own
 * @returns {{clock: string, shift: -1 | 0 | 1} | null} */
export function ownClock(ms, office, own) {
  const there = clockIn(ms, office).slice(0, 5), here = clockIn(ms, own).slice(0, 5);
  const [away, home] = [dayIn(ms, office), dayIn(ms, own)];
  if (there === here && away === home) return null;
  return { clock: here, shift: home === away ? 0 : home > away ? 1 : -1 };
}

/** @param {{clock: string, shift: number}} own @param {string} city */
export function ownWords(own, city) {
  if (own.shift > 0) return say("%(clock)s %(city)s, tomorrow", { clock: own.clock, city });
  if (own.shift < 0) return say("%(clock)s %(city)s, yesterday", { clock: own.clock, city });
  return say("%(clock)s %(city)s", { clock: own.clock, city });
}

/** The chosen cookie of the reader's zone, or an empty text. @param {string} cookies */
export function zoneSaid(cookies) {
  const found = cookies.split("; ").find((one) => one.startsWith("zone="));
  return found ? found.slice(5).replaceAll('"', "") : "";
}

/** Fills every clock that the server could not. @param {Document} page */
export function fillClocks(page) {
  const zone = zoneHere();
  const city = cityOf(zone) ?? zone.split("/").at(-1)?.replaceAll("_", " ") ?? zone;
  for (const place of page.querySelectorAll("[data-mine]")) {
    const holder = /** @type {HTMLElement} */ (place);
    if (holder.textContent) continue;
    const own = ownClock(Number(holder.dataset.mine), holder.dataset.officeZone ?? "UTC", zone);
    if (!own) continue;
    holder.textContent = ownWords(own, city);
    const row = /** @type {HTMLElement | null} */ (holder.closest("[data-mine-row]"));
    if (row) row.hidden = false;
  }
}

/** The summary says the hour that is chosen. @param {HTMLFormElement} form */
export function follow(form) {
  const title = form.querySelector("[data-title]"), there = form.querySelector("[data-there]"), here = form.querySelector("[data-here]");
  if (!title || !there) return;
  const show = () => {
    const chosen = /** @type {HTMLInputElement | null} */ (form.querySelector("input[name=slot]:checked"));
    if (!chosen) return;
    title.textContent = chosen.dataset.head ?? "";
    there.textContent = chosen.dataset.span ?? "";
    const stones = /** @type {HTMLElement | null} */ (form.querySelector("[data-stones]"));
    if (stones) stones.textContent = chosen.dataset.part ?? stones.dataset.stones ?? "";
    const mine = chosen.closest(".slot")?.querySelector("[data-mine]")?.textContent ?? "";
    const row = /** @type {HTMLElement | null} */ (here?.closest("[data-mine-row]") ?? null);
    if (here) here.textContent = mine;
    if (row) row.hidden = mine === "";
  };
  form.addEventListener("change", show);
  show();
}

if (typeof document !== "undefined") {
  if (!zoneSaid(document.cookie)) document.cookie = `zone=${zoneHere()}; path=/; max-age=${YEAR_S}; samesite=lax`;
  fillClocks(document);
  const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-booking]"));
  if (form) follow(form);
  const refused = /** @type {HTMLElement | null} */ (document.querySelector(".refusal"));
  refused?.focus();
}
