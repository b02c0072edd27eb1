// @ts-check
// An amendment in a record: it holds for lots without a live bid, by two persons' word, and moves only what it may. The
// same rules as the engine's, in the same order as the command's. Pure.
import { must } from "./verify-sale-claims.js";
import { canonical } from "./sha256.js";
import { NEVER, planned } from "./verify-sale-rules.js";

/** @typedef {import("./verify-sale-lines.js").Event} Event */
/** @typedef {import("./verify-sale-claims.js").Lot} Lot */
/** @typedef {{rules: import("./verify-sale-rules.js").RuleSet, doc: Record<string, any>}} Document */

const RUNNING = new Set(["listed", "open", "paused"]), FINAL = new Set(["sold", "passed", "withdrawn"]);
// What holds for the sale as a whole; a tender is awarded over all its lots at once and is only postponed.
const LASTING = [
  "v", "format", "tender", "currency", "zone", "opens_at", "reserve_publish", "edge_delay_ms", "close_wait_extend_ms", "outage",
  "limits", "openings", "passed_offer_days", "terms",
];

/** These lots go by the new rules from here on; an end that moves with them is told by the lot's next event.
 * @param {import("./verify-sale-replay.js").Replay} replay @param {Event} line */
export function amended(replay, line) {
  const { data } = line, { ok } = data;
  must(["published", "open", "paused"].includes(replay.state), "state", "amended while the sale does not run");
  must(ok.length === 2 && ok[0] !== ok[1], "approval", "two different persons must agree");
  const named = new Set(/** @type {string[]} */ (data.lots));
  must(named.size === data.lots.length && named.size > 0, "amendment", "names no lot, or one of them twice");
  const to = replay.documents.get(data.to);
  must(to, "rules", `the rule set ${data.to} is not in the record`);
  const lots = [...named].map((name) => running(replay, line, name));
  const from = replay.documents.get(data.from);
  must(from, "rules", `the rule set ${data.from} is not in the record`);
  const every = [...replay.lots].every(([name, lot]) => named.has(name) || FINAL.has(lot.state));
  must(mayChange(from, to, every), "amendment", "changes what an amendment may not change");
  later(replay, line, named);
  for (const lot of lots) if (lot) move(replay, lot, to, data.to);
}

/** Lots that are listed from here on run by it if no lot without a live bid was left out.
 * @param {import("./verify-sale-replay.js").Replay} replay @param {Event} line @param {Set<string>} named */
function later(replay, { n, data }, named) {
  const free = [...replay.lots].some(([name, lot]) => !named.has(name) && RUNNING.has(lot.state) && !lot.live.length);
  const fits = !("later" in data) || (data.later ? !free : free || replay.hidden > 0);
  must(fits, "amendment", "says of later lots what does not follow from the lots it names");
  replay.ruled = replay.ruled.amended(n, data);
}

/** The lot as it stands, or undefined where the record does not show it yet.
 * @param {import("./verify-sale-replay.js").Replay} replay @param {Event} line @param {string} name */
function running(replay, line, name) {
  const lot = replay.lots.get(name);
  must(lot || replay.hidden > 0, "amendment", `lot ${name} was never listed`);
  if (!lot) return undefined;
  must(RUNNING.has(lot.state), "amendment", `lot ${name} is not running`);
  must(!lot.live.length, "amendment", `lot ${name} has a live bid`);
  must(lot.rulesHash === line.data.from, "amendment", `lot ${name} has other rules than those amended`);
  must(lot.state !== "open" || line.at < lot.clock.end, "late", `lot ${name} is at its end`);
  return lot;
}

/** @param {Document} from @param {Document} to @param {boolean} every whether all unfinished lots are named */
function mayChange(from, to, every) {
  const [a, b] = [from.doc, to.doc];
  const moved = Object.keys({ ...a, ...b }).filter((name) => !same(a[name], b[name]));
  if (!moved.length || moved.some((name) => LASTING.includes(name))) return false;
  const [old, rules] = [from.rules, to.rules];
  if (old.softClose.scope !== rules.softClose.scope) return false;
  if (old.tender && moved.some((name) => name !== "stagger")) return false;
  const ends = !same(a.stagger, b.stagger) || old.softClose.hardEnd !== rules.softClose.hardEnd;
  return !(old.softClose.scope === "group" && !every && ends);
}

/** @param {import("./verify-sale-replay.js").Replay} replay @param {Lot} lot @param {Document} to @param {string} hash */
function move(replay, lot, to, hash) {
  const { rules } = to, { clock } = lot;
  let { end, hardEnd } = clock;
  const plan = !same(lot.rules.stagger, rules.stagger);
  if (plan && rules.finalCall === null && end !== NEVER) end = planned(rules, lot.place, replay.publishedLots);
  if (lot.rules.softClose.hardEnd !== rules.softClose.hardEnd) hardEnd = rules.softClose.hardEnd;
  const fits = end >= clock.end && (hardEnd === null || hardEnd >= end);
  must(fits, "amendment", "brings an end forward, or past the hard end");
  lot.owed = end === clock.end ? null : end;
  lot.clock = { ...clock, hardEnd };
  [lot.rules, lot.rulesHash] = [rules, hash];
}

/** @param {unknown} a @param {unknown} b */
function same(a, b) {
  return a === b || (a !== undefined && b !== undefined && canonical(a) === canonical(b));
}
