// @ts-check
// Times in the sale's zone and in the reader's, each named by its city.
import { say } from "./words.js";

/** The trade's cities by zone; the words are in the catalogue. @type {Record<string, string>} */
const CITIES = {
  "Europe/Brussels": "Antwerp", "Asia/Hong_Kong": "Hong Kong", "Asia/Kolkata": "Mumbai", "Asia/Calcutta": "Mumbai",
  "Asia/Dubai": "Dubai", "America/New_York": "New York", "Asia/Jerusalem": "Tel Aviv", "Europe/London": "London",
  "Europe/Paris": "Paris", "Europe/Zurich": "Geneva", "Asia/Shanghai": "Shanghai", "Asia/Singapore": "Singapore",
  "Asia/Tokyo": "Tokyo", "Africa/Gaborone": "Gaborone", "Africa/Johannesburg": "Johannesburg",
  "America/Los_Angeles": "Los Angeles", "Australia/Sydney": "Sydney", "Asia/Bangkok": "Bangkok",
};

/** @type {Map<string, Intl.DateTimeFormat>} */
const clocks = new Map(); // making one takes longer than all else on a line

/** @param {string} zone */
function clockOf(zone) {
  const known = clocks.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  clocks.set(zone, made);
  return made;
}

/** `14:26:11`, in that zone. @param {number} ms @param {string} zone @param {boolean} [thousandths] */
export function clockIn(ms, zone, thousandths = false) {
  const text = clockOf(zone).format(ms);
  return thousandths ? `${text}.${String(Math.floor(ms) % 1000).padStart(3, "0")}` : text;
}

/** @type {string | undefined} */
let here;

/** The reader's zone; the device knows where it is better than what time it is. Who travels meanwhile reloads the page. */
export function zoneHere() {
  return (here ??= new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");
}

/** @param {string} zone @returns {string | null} null for a place the trade has no word for */
export function cityOf(zone) {
  const city = CITIES[zone];
  return city ? say(city) : null;
}

/** Whether two zones show the same clock at this instant. @param {number} ms @param {string} a @param {string} b */
export function sameClock(ms, a, b) {
  return clockIn(ms, a) === clockIn(ms, b);
}
