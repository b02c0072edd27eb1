// @ts-check
// What the events of a lot claim about its standing, held against the commitments that the record opens. Pure.
//
// A commitment that is not opened is its winner's secret: it counts as larger than every opened amount. A reserve that
// is not opened is bounded by what the events claim about it, and these claims must not contradict each other.
import { next } from "./ladder.js";
import { BadLine } from "./verify-sale-lines.js";
import { HOUSE, NEVER, SECRET, alias, standing } from "./verify-sale-rules.js";

/** @typedef {import("./verify-sale-lines.js").Event} Event */
/** @typedef {import("./verify-sale-rules.js").Standing} Standing */
/** @typedef {import("./verify-sale-rules.js").RuleSet} RuleSet */
/** `least`, `most`: what the reserve must be at least and at most, by what was claimed so far; `callMoved`: the last bid
 * moved price or leader while a final call ran; `owed`: the end by an amended plan of ends, until the lot's own event tells it.
 * @typedef {{currency: string, opening: number, clock: import("./verify-sale-rules.js").Clock, reserveCommit: string | null,
 *   hash: string, seq: number, at: number, stands: Standing, state: string, live: import("./verify-sale-rules.js").Commitment[],
 *   best: import("./verify-sale-rules.js").Best, aliases: Set<string>, least: number, most: number, slowed: boolean,
 *   callMoved: boolean, bids: number, rules: RuleSet, rulesHash: string, place: number, owed: number | null}} Lot */

const FIELDS = /** @type {const} */ (["leader", "price", "ask", "reserve_met"]);

/** @param {unknown} fits @param {string} rule @param {string} fact @returns {asserts fits} */
export function must(fits, rule, fact) {
  if (!fits) throw new BadLine(rule, fact);
}

/** The lot stands as claimed, since leader, price, ask and reserve follow from its live commitments.
 * @param {Lot} lot @param {Record<string, any>} data @param {RuleSet} rules @param {Map<string, number>} reserves @param {boolean} voided */
export function stand(lot, data, rules, reserves, voided) {
  const claimed = /** @type {Standing} */ ({ leader: data.leader, price: data.price, ask: data.ask, reserve_met: data.reserve_met });
  const open = lot.reserveCommit === null || reserves.has(lot.reserveCommit);
  const want = rules.openings !== "losing" ? arithmetic(lot, claimed, rules, voided)
    : open ? standing(terms(lot, rules, reserves.get(lot.reserveCommit ?? "") ?? null), lot.best)
      : bounded(lot, claimed, rules);
  for (const name of FIELDS) {
    if (claimed[name] !== want[name]) throw new BadLine(name, `${claimed[name]} where the rules say ${want[name]}`);
  }
  lot.stands = claimed;
}

/** @param {Lot} lot @param {RuleSet} rules @param {number | null} reserve @returns {import("./verify-sale-rules.js").Terms} */
export function terms(lot, rules, reserve) {
  return { opening: lot.opening, reserve, rule: rules.reserveRule, increments: rules.increments };
}

/** What follows when the reserve is not opened. @param {Lot} lot @param {Standing} claimed @param {RuleSet} rules @returns {Standing} */
function bounded(lot, claimed, rules) {
  const rule = rules.reserveRule;
  const base = standing(terms(lot, rules, null), lot.best);
  if (base.price === null) return { ...base, reserve_met: false };
  const amounts = [...lot.best.values()].map((one) => one.amount);
  const top = Math.max(...amounts);
  let { leader, price } = /** @type {{leader: string | null, price: number}} */ (base);
  if (claimed.reserve_met) {
    price = Math.max(price, claimed.price ?? 0);
    lot.most = Math.min(lot.most, price, top);
    lot.least = Math.max(lot.least, price > base.price ? price : 1);
  } else {
    // An unopened maximum bounds nothing: only what is open must lie below the reserve.
    const known = Math.max(0, ...amounts.filter((amount) => amount < SECRET));
    lot.least = Math.max(lot.least, known + 1);
    if (rule === "push" || (rule === "house" && claimed.leader !== HOUSE)) {
      price = top;
      if (rule === "house") lot.most = Math.min(lot.most, next(rules.increments, top));
    } else if (rule === "house") {
      [leader, price] = [HOUSE, next(rules.increments, top)];
      lot.least = Math.max(lot.least, price + 1);
    }
  }
  must(lot.least <= lot.most, "reserve_met", "no reserve fits all that was claimed about it");
  return { leader, price, ask: next(rules.increments, price), reserve_met: Boolean(claimed.reserve_met) };
}

/** What can be held against the rules when no amount is opened: the ask, and that only a void lets a price fall.
 * @param {Lot} lot @param {Standing} claimed @param {RuleSet} rules @param {boolean} voided @returns {Standing} */
function arithmetic(lot, claimed, rules, voided) {
  const nobody = lot.best.size === 0;
  must((claimed.leader === null) === nobody && (claimed.price === null) === nobody, "leader", "does not fit the bids");
  must(voided || lot.stands.price === null || (claimed.price ?? 0) >= lot.stands.price, "price", "fell without a void");
  must((claimed.reserve_met === null) === (lot.reserveCommit === null), "reserve_met", "does not fit the listing");
  return { ...claimed, ask: claimed.price === null ? lot.opening : next(rules.increments, claimed.price) };
}

// -- what every kind of sale asks of an act ---------------------------------------------------------------------------

export const FINAL = new Set(["sold", "passed", "withdrawn"]);

/** A new bidder bears the next name of the lot. @param {Lot} lot @param {string} bidder */
export function named(lot, bidder) {
  if (lot.aliases.has(bidder)) return;
  must(bidder === alias(lot.aliases.size), "alias", `${bidder} is not the next name`);
  lot.aliases.add(bidder);
}

/** Two different members of staff agreed. @param {Event} line @param {string | null} [noneFor] */
export function two(line, noneFor = null) {
  const ok = line.data.ok ?? [];
  if (!ok.length && noneFor !== null && line.data.reason === noneFor) return;
  must(ok.length === 2 && ok[0] !== ok[1], "approval", "two different persons must agree");
}

/** An end that is not told is still to be called. @param {number | null} told */
export function endOf(told) {
  return told === null ? NEVER : told;
}

/** @param {{state: string}} sale @param {Event} line @param {Lot} lot */
export function begun(sale, line, lot) {
  must(lot.state === "listed" && sale.state === "open", "state", "opened out of turn");
  must(endOf(line.data.end) === lot.clock.end, "end", "is not the listed end");
  lot.state = "open";
}

/** @param {unknown} _ @param {Event} line @param {Lot} lot */
export function withdrawn(_, line, lot) {
  must(["listed", "open", "paused"].includes(lot.state), "state", "withdrawn out of turn");
  if (lot.live.length || "ok" in line.data) two(line);
  lot.state = "withdrawn";
}
