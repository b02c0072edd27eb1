// @ts-check
// A lot that is listed, in a record: in its turn, by the rules that are due to it, and with the end that follows. Pure.
import { endOf, must } from "./verify-sale-claims.js";
import { NEVER, SECRET, endAgain, endLate, planned } from "./verify-sale-rules.js";

/** @typedef {import("./verify-sale-lines.js").Event} Event */
/** @typedef {import("./verify-sale-replay.js").Replay} Replay */
/** @typedef {import("./verify-sale-rules.js").RuleSet} RuleSet */

const RUNNING = new Set(["listed", "open", "paused"]), UNSOLD = new Set(["passed", "withdrawn"]);

/** The lot stands in the replay. @param {Replay} replay @param {Event} line @param {string} name */
export function listed(replay, line, name) {
  const { data } = line, known = replay.lots.get(name);
  const again = offeredAgain(replay, line, name);
  must(replay.state === "published" || again, "state", "listed while the sale is not published");
  const seq = known ? known.seq : 0;
  must(line.seq === seq + 1, "seq", `${line.seq} after ${seq} in the lot's book`);
  must(line.prev === (known ? known.hash : replay.published), "prev", "does not follow from the publication or the lot's book");
  const later = known ? line.at > known.at : line.at >= replay.at;
  must(line.t === line.at && later, "time", "does not come after the event before it");
  const [rules, rulesHash] = rulesDue(replay, line, name), place = placeOf(replay, rules, line, name);
  const end = rules.finalCall !== null ? NEVER : plannedEnd(replay, rules, line, place);
  must(end !== null && endOf(data.end) === end, "end", "is not the end by the rule set");
  const { softClose } = rules, hardEnd = softClose.hardEnd === null ? null : Math.max(softClose.hardEnd, end);
  must(data.currency === rules.currency, "currency", "is not that of the rule set");
  replay.lots.set(name, {
    currency: data.currency, opening: data.opening, clock: { end, hardEnd, pausedAt: null }, reserveCommit: data.reserve_commit,
    hash: line.hash, seq: line.seq, at: line.at,
    stands: { leader: null, price: null, ask: data.opening, reserve_met: data.reserve_commit === null ? null : false },
    state: "listed", live: [], best: new Map(), aliases: new Set(), least: data.opening, most: SECRET,
    slowed: false, callMoved: false, bids: 0, rules, rulesHash, owed: null, place,
  });
}

/** Whether the listing brings back a lot that ended without a buyer while the sale goes on.
 * @param {Replay} replay @param {Event} line @param {string} name */
function offeredAgain(replay, { data }, name) {
  if (!("reoffer_of" in data)) return false;
  const old = replay.lots.get(data.reoffer_of);
  must(replay.hidden > 0 || (old && UNSOLD.has(old.state)), "state", "offers again what did not end without a buyer");
  must(!replay.tender.closed, "state", "offered again after the closing of the tender");
  return (replay.state === "open" || replay.state === "paused") && !replay.lots.has(name);
}

/** In the plan of ends, behind all that were listed before; of lots that the record does not show the end tells how many
 * these were. @param {Replay} replay @param {RuleSet} rules @param {Event} line @param {string} name */
function placeOf(replay, rules, { data }, name) {
  const known = replay.listing.get(name);
  if (known !== undefined) return known;
  const tells = replay.state === "published" && rules.finalCall === null, last = replay.places + (tells ? replay.hidden : 0);
  while (replay.places < last && endLate(rules.softClose, planned(rules, replay.places, replay.publishedLots)) < endOf(data.end)) replay.places += 1;
  replay.listing.set(name, replay.places);
  return replay.places++;
}

/** The end of the lot that is listed, by its rule set; null where it could not run.
 * @param {Replay} replay @param {RuleSet} rules @param {Event} line @param {number} place */
function plannedEnd(replay, rules, { at, data }, place) {
  const { softClose, stagger } = rules, end = planned(rules, place, replay.publishedLots);
  if (replay.state === "published") return place < replay.publishedLots ? end : endLate(softClose, end);
  const running = [...replay.lots.values()].filter((lot) => RUNNING.has(lot.state)).map((lot) => lot.clock.end);
  // a lot that is not shown yet may have run for longer
  if (replay.hidden > 0) running.push(endOf(data.end) - (softClose.scope === "group" ? 0 : stagger.interval));
  return endAgain(softClose, end, running, at, stagger.interval);
}

/** By which rule set a lot is listed that comes after the publication: a lot that brings another one back runs as that
 * one would, so the last amendment that named it, or that holds for later lots, decides. One without the member `later`
 * is older than this rule and holds for the lots that it names and no others. */
export class Ruled {
  /** @param {[number, string]} later the event and the hash that lots listed now are due @param {Map<string, [number, string]>} [of] */
  constructor(later, of = new Map()) {
    this.later = later;
    this.of = of;
  }

  /** The hash of the rules of a lot that is listed now. @param {string | undefined} againOf the lot it brings back */
  due(againOf) {
    return this.given(againOf)[1];
  }

  /** @param {number} n @param {Event["data"]} data @returns {Ruled} */
  amended(n, data) {
    if (data.later === undefined) return this;
    /** @type {[number, string]} */
    const given = [n, data.to];
    const of = new Map(this.of);
    for (const name of data.lots) of.set(name, given);
    return new Ruled(data.later ? given : this.later, of);
  }

  /** A lot that comes back again after this one runs as this one does: by `rules` where they are told.
   * @param {string} lot @param {string | undefined} againOf @param {string} [rules] */
  listed(lot, againOf, rules) {
    if (againOf === undefined) return this;
    const told = this.open().filter(([, hash]) => hash === rules).sort(([a], [b]) => b - a);
    return new Ruled(this.later, new Map([...this.of, [lot, told[0] ?? this.given(againOf)]]));
  }

  /** What may be due to a lot that brings back one of which nothing is known. @returns {[number, string][]} */
  open() {
    return [this.later, ...[...this.of.values()].filter(([n]) => n > this.later[0])];
  }

  /** @param {string | undefined} againOf @returns {[number, string]} */
  given(againOf) {
    const own = againOf === undefined ? undefined : this.of.get(againOf);
    return own && own[0] > this.later[0] ? own : this.later;
  }
}

/** The rules of the lot that is listed: those of the sale, unless an amendment holds for it too; then they are named.
 * Where the lot that comes back is one of which the record shows nothing, they are taken as told, if they may be.
 * @param {Replay} replay @param {Event} line @param {string} name
 * @returns {[RuleSet, string]} */
function rulesDue(replay, { data }, name) {
  const { ruled } = replay, told = data.rules ?? replay.rulesHash, old = data.reoffer_of;
  const unseen = replay.hidden > 0 && old !== undefined && !replay.listing.has(old) && !ruled.of.has(old);
  const fits = unseen ? ruled.open().some(([, hash]) => hash === told) : told === ruled.due(old);
  must(fits, "rules", "is not listed by the rules that were due");
  replay.ruled = ruled.listed(name, old, unseen ? told : undefined);
  return [replay.documents.get(told)?.rules ?? replay.rules, told];
}
