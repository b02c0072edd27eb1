// @ts-check
// The rule set of a sale, read strictly, and what it says of prices, bids and ends: the arithmetic of the engine, in
// whole numbers. Instants and lengths are microseconds. Pure.
import { next, onLadder } from "./ladder.js";
import { CURRENCIES, MAX_AMOUNT, Odd, isObject, time } from "./verify-sale-lines.js";

/** @typedef {import("./ladder.js").Increments} Increments */
/** @typedef {{leader: string | null, price: number | null, ask: number, reserve_met: boolean | null}} Standing */
/** Bidder to own maximum and the seq that first reached it. @typedef {Map<string, {amount: number, seq: number}>} Best */
/** @typedef {{bidder: string, amount: number, seq: number}} Commitment */
/** @typedef {{opening: number, reserve: number | null, rule: string, increments: Increments}} Terms */
/** @typedef {{window: number, extension: number, mode: string, scope: string, hardEnd: number | null}} SoftClose */
/** @typedef {{first: number, interval: number, per: number, breaks: [number, number][]}} Stagger */
/** @typedef {{end: number, hardEnd: number | null, pausedAt: number | null}} Clock */
/** @typedef {{sealed: boolean, k: number, custodians: string[], replace: string, withdraw: boolean, priceRule: string,
 *   minBidders: number, bestAndFinal: {top: number, within_bp: number, hours: number} | null}} Tender */
/** @typedef {{format: string, finalCall: number | null, tender: Tender | null, currency: string, opensAt: number, increments: Increments, reserveRule: string,
 *   softClose: SoftClose, stagger: Stagger, outage: {min: number, span: number, grant: number}, openings: string}} RuleSet */

export const HOUSE = "HOUSE";
export const SECRET = 2 ** 52; // stands for a maximum that is not opened: above every amount and every step on it
export const NEVER = Infinity; // the end of a lot that ends only by a call
const SECOND = 1_000_000, DAY = 86_400;
const LEAST_RUN = 600 * SECOND; // of a lot that is offered again while its sale runs

// -- prices -----------------------------------------------------------------------------------------------------------

/** The public name of the bidder who came to a lot at this place, from 0. @param {number} place */
export function alias(place) {
  let letters = "";
  for (let left = place + 1; left > 0; left = Math.floor((left - 1) / 26)) {
    letters = String.fromCharCode(65 + ((left - 1) % 26)) + letters;
  }
  return letters;
}

/** @param {Commitment[]} live @returns {Best} */
export function bestOf(live) {
  /** @type {Best} */
  const best = new Map();
  for (const { bidder, amount, seq } of live) {
    const held = best.get(bidder);
    if (!held || amount > held.amount || (amount === held.amount && seq < held.seq)) best.set(bidder, { amount, seq });
  }
  return best;
}

/** Leader, price and ask in closed form. @param {Terms} terms @param {Best} best @returns {Standing} */
export function standing({ opening, reserve, rule, increments }, best) {
  let leader = /** @type {string | null} */ (null), first = 0, firstSeq = 0, second = 0;
  for (const [bidder, { amount, seq }] of best) {
    if (amount > first || (amount === first && seq < firstSeq)) [leader, first, firstSeq, second] = [bidder, amount, seq, first];
    else if (amount > second) second = amount;
  }
  if (leader === null) return { leader, price: null, ask: opening, reserve_met: reserve === null ? null : false };
  let price = second ? Math.min(first, next(increments, second)) : opening;
  if (reserve === null) return { leader, price, ask: next(increments, price), reserve_met: null };
  if (price < reserve) {
    if (first >= reserve) price = reserve;
    else if (rule !== "jump") {
      price = first;
      const seller = next(increments, first);
      if (rule === "house" && seller < reserve) [leader, price] = [HOUSE, seller];
    }
  }
  return { leader, price, ask: next(increments, price), reserve_met: first >= reserve };
}

/** The code that refuses this amount, or null.
 * @param {Terms} terms @param {Best} best @param {Standing} stands @param {string} bidder @param {number} amount */
export function judgeAmount({ opening, increments }, best, stands, bidder, amount) {
  if (amount <= 0) return "amount_invalid";
  if (amount > MAX_AMOUNT) return "amount_too_large";
  if (increments.mode === "snap" && amount !== opening && !onLadder(increments, amount)) return "off_ladder";
  if (stands.leader === null) return amount < opening ? "below_opening" : null;
  if (stands.leader === bidder) return amount > (best.get(bidder)?.amount ?? 0) ? null : "not_above_own_max";
  return amount < stands.ask ? "below_ask" : null;
}

/** @param {Standing} stands */
export function isSold(stands) {
  return stands.leader !== null && stands.leader !== HOUSE && stands.reserve_met !== false;
}

// -- ends -------------------------------------------------------------------------------------------------------------

/** The published end of the lot at this place. @param {Stagger} stagger @param {number} k */
export function staggered({ first, interval, per, breaks }, k) {
  const late = breaks.reduce((sum, [at, length]) => (at <= k ? sum + length : sum), 0);
  return first + Math.floor(k / per) * interval + late;
}

/** The end of lot k of a sale that was published with so many: one listed later ends one interval after the last, and in
 * a group with the others. @param {RuleSet} rules @param {number} k @param {number} published */
export function planned({ stagger, softClose }, k, published) {
  if (k < published) return staggered(stagger, k);
  const after = softClose.scope === "group" ? 0 : k - published + 1;
  return staggered(stagger, Math.max(0, published - 1)) + after * stagger.interval;
}

/** The end of a lot that is listed after publication and before the opening: by the plan, not after a hard end.
 * @param {SoftClose} soft @param {number} plan */
export const endLate = ({ hardEnd }, plan) => (hardEnd === null ? plan : Math.min(plan, hardEnd));

/** The end of a lot that is offered again at `at`, while the others run until `running`: in a group with them; else by
 * the plan and after the last of them as they stand, not after a hard end. Null where it would run too short.
 * @param {SoftClose} soft @param {number} plan @param {number[]} running @param {number} at @param {number} interval
 * @returns {number | null} */
export function endAgain(soft, plan, running, at, interval) {
  const grouped = soft.scope === "group", least = at + LEAST_RUN;
  const end = grouped
    ? running.length ? Math.max(...running) : plan
    : endLate(soft, Math.max(plan, least, ...running.map((one) => one + interval)));
  return end >= least ? end : null;
}

/** The end after an accepted bid that changed price or leader.
 * @param {SoftClose} soft @param {Clock} clock @param {number} t */
export function endAfterBid(soft, { end, hardEnd }, t) {
  if (t < end - soft.window) return end;
  const moved = soft.mode === "add" ? end + soft.extension : t + soft.extension;
  return Math.max(end, hardEnd !== null && moved > hardEnd ? hardEnd : moved);
}

/** @param {SoftClose} soft @param {Clock} clock @returns {Clock} */
export function afterSlow(soft, clock) {
  const moved = clock.end + soft.extension;
  return { ...clock, end: Math.max(clock.end, clock.hardEnd === null ? moved : Math.min(moved, clock.hardEnd)) };
}

/** @param {RuleSet["outage"]} outage @param {Clock} clock @param {number} since @param {number} now @returns {Clock} */
export function afterOutage(outage, clock, since, now) {
  if (clock.end <= since || now < clock.end - outage.span) return clock;
  return extended(clock, Math.max(clock.end, now + Math.max(outage.grant, clock.end - since)));
}

/** The lot runs again with what it had left, and at least one window.
 * @param {SoftClose} soft @param {Clock} clock @param {number} now @returns {Clock} */
export function resumed(soft, { end: was, hardEnd: hard, pausedAt }, now) {
  if (was === NEVER) return { end: NEVER, hardEnd: hard, pausedAt: null };
  const since = /** @type {number} */ (pausedAt);
  const end = now + Math.max(was - since, soft.window);
  return { end, hardEnd: hard === null ? null : Math.max(hard + now - since, end), pausedAt: null };
}

/** A later end; a hard end that stood before it rises to it. @param {Clock} clock @param {number} end @returns {Clock} */
export function extended(clock, end) {
  return { ...clock, end, hardEnd: clock.hardEnd === null ? null : Math.max(clock.hardEnd, end) };
}

// -- the document -----------------------------------------------------------------------------------------------------

const MEMBERS = [
  "v", "format", "currency", "zone", "opens_at", "increments", "mode", "reserve_rule", "reserve_publish",
  "soft_close", "stagger", "hold_results", "edge_delay_ms", "close_wait_extend_ms", "outage", "premium", "limits",
  "viewing_gate", "retraction", "jump_confirm", "openings", "passed_offer_days", "terms",
];
/** @type {Record<string, string[]>} */
const FORMATS = {
  timed: MEMBERS,
  clerked: [...MEMBERS, "clerked"],
  tender: [...MEMBERS.filter((name) => name !== "soft_close"), "tender"],
};
const ZONE = /^(?:UTC|[A-Z][A-Za-z_]+(?:\/[A-Za-z0-9_+-]+){1,2})$/;
const HASH = /^[0-9a-f]{64}$/, POINT = /^B[A-Za-z0-9_-]{86}$/;

/** The rule set in this document; Odd names the member that is wrong. @param {Record<string, any>} top @returns {RuleSet} */
export function parseRules(top) {
  const form = typeof top.format === "string" && Object.hasOwn(FORMATS, top.format) ? top.format : "timed";
  object(top, "rules", /** @type {string[]} */ (FORMATS[form]));
  oneOf(top.v, "v", [1]);
  oneOf(top.format, "format", Object.keys(FORMATS));
  oneOf(top.reserve_publish, "reserve_publish", ["at_record"]);
  const softClose = form === "tender" ? STILL : softCloseOf(top.soft_close);
  const stagger = staggerOf(top.stagger);
  if (softClose.hardEnd !== null && softClose.hardEnd < stagger.first) throw new Odd("soft_close.hard_end: before the first end");
  const opensAt = time(top.opens_at, "opens_at");
  if (stagger.first <= opensAt) throw new Odd("stagger.first: not after opens_at");
  premium(top.premium);
  const limits = object(top.limits, "limits", ["required", "include_fees"]);
  truth(limits.required, "required");
  truth(limits.include_fees, "include_fees");
  numbers(top.retraction, "retraction", { slip_factor: 1000, within_minutes: 100_000, before_end_hours: 100_000 });
  numbers(top.jump_confirm, "jump_confirm", { factor: 1_000_000, steps: 1_000_000 });
  const outage = numbers(top.outage, "outage", { min: DAY, span: DAY, grant: DAY });
  for (const name of ["edge_delay_ms", "close_wait_extend_ms"]) whole(top[name], name, 0, 60_000);
  truth(top.hold_results, "hold_results");
  viewingGate(top.viewing_gate);
  whole(top.passed_offer_days, "passed_offer_days", 0, 365);
  for (const [name, one] of /** @type {[string, RegExp][]} */ ([["zone", ZONE], ["terms", HASH]])) {
    if (typeof top[name] !== "string" || !one.test(top[name])) throw new Odd(`${name}: not of its form`);
  }
  return {
    format: form,
    finalCall: form === "clerked" ? whole(object(top.clerked, "clerked", ["final_call"]).final_call, "final_call", 1, 3600) * SECOND : null,
    tender: form === "tender" ? tenderOf(top.tender, stagger) : null,
    currency: oneOf(top.currency, "currency", CURRENCIES),
    opensAt, softClose, stagger,
    increments: increments(top.increments, oneOf(top.mode, "mode", ["add", "snap"])),
    reserveRule: oneOf(top.reserve_rule, "reserve_rule", ["jump", "push", "house"]),
    outage: { min: outage.min * SECOND, span: outage.span * SECOND, grant: outage.grant * SECOND },
    openings: oneOf(top.openings, "openings", ["losing", "auditor"]),
  };
}

/** @type {SoftClose} of a tender: one end for all, and no bid moves it */
const STILL = { window: 0, extension: SECOND, mode: "reset", scope: "group", hardEnd: null };

/** @param {unknown} value @returns {SoftClose} */
function softCloseOf(value) {
  const soft = object(value, "soft_close", ["window", "extension", "mode", "scope", "hard_end"]);
  return {
    window: whole(soft.window, "window", 0, DAY) * SECOND,
    extension: whole(soft.extension, "extension", 1, DAY) * SECOND,
    mode: oneOf(soft.mode, "mode", ["reset", "add"]),
    scope: oneOf(soft.scope, "scope", ["lot", "group"]),
    hardEnd: soft.hard_end === null ? null : time(soft.hard_end, "hard_end"),
  };
}

/** @param {unknown} value @returns {Stagger} */
function staggerOf(value) {
  const plan = object(value, "stagger", ["first", "interval", "per", "breaks"]);
  const breaks = pairs(plan.breaks, "breaks");
  const rising = breaks.every(([at], k) => k === 0 || at > breaks[k - 1][0]);
  if (!rising || breaks.reduce((sum, [, length]) => sum + length, 0) > 366 * DAY || breaks.length > 1000) {
    throw new Odd("stagger.breaks: places rise, lengths together are at most a year");
  }
  return {
    first: time(plan.first, "first"),
    interval: whole(plan.interval, "interval", 0, DAY) * SECOND,
    per: whole(plan.per, "per", 1, 100_000),
    breaks: breaks.map(([at, length]) => [at, length * SECOND]),
  };
}

/** @param {unknown} value @param {"add" | "snap"} mode @returns {Increments} */
function increments(value, mode) {
  const tiers = pairs(value, "increments");
  if (tiers.length < 1 || tiers.length > 64 || tiers[0][0] !== 0) throw new Odd("increments: the first tier starts at 0");
  if (tiers[0][1] <= 0) throw new Odd("increments: steps are positive");
  for (let k = 1; k < tiers.length; k += 1) {
    if (tiers[k - 1][0] >= tiers[k][0]) throw new Odd("increments: tiers rise");
    if (tiers[k - 1][1] > tiers[k][1]) throw new Odd("increments: steps are never smaller in a later tier");
  }
  return { tiers, mode };
}

/** @param {unknown} value */
function premium(value) {
  const found = object(value, "premium", ["bands", "early_bands", "early_before_hours"]);
  bands(found.bands);
  if (found.early_bands !== null) bands(found.early_bands);
  whole(found.early_before_hours, "early_before_hours", 0, 100_000);
}

/** @param {unknown} value */
function bands(value) {
  if (!Array.isArray(value) || value.length < 1 || value.length > 64) throw new Odd("premium: 1 to 64 bands");
  value.forEach((band, k) => {
    const fits = Array.isArray(band) && band.length === 2 && isWhole(band[1], 0, 10_000);
    if (!fits || (band[0] !== null && !isWhole(band[0], 1, MAX_AMOUNT))) throw new Odd("premium: a band is [upto, basis points]");
    const last = k === value.length - 1, before = value[k - 1];
    if ((band[0] === null) !== last || (!last && before && before[0] >= band[0])) {
      throw new Odd("premium: upto rises and only the last is null");
    }
  });
}

/** @param {unknown} value */
function viewingGate(value) {
  if (value === null) return;
  const gate = object(value, "viewing_gate", ["gate_bp", "lots"]);
  const { lots } = gate;
  if (lots !== "all" && !(Array.isArray(lots) && lots.length <= 5000 && lots.every((lot) => typeof lot === "string"))) {
    throw new Odd("viewing_gate.lots: all, or a list of lots");
  }
  whole(gate.gate_bp, "gate_bp", 1, 1_000_000);
}

/** @param {unknown} value @param {Stagger} stagger @returns {Tender} */
function tenderOf(value, stagger) {
  const names = ["sealed", "k", "custodians", "replace", "withdraw", "price_rule", "min_bidders", "best_and_final"];
  const one = object(value, "tender", names), keys = one.custodians, final = one.best_and_final;
  if (stagger.interval || stagger.breaks.length) throw new Odd("stagger: all lots of a tender end together");
  const sealed = truth(one.sealed, "sealed");
  if (!Array.isArray(keys) || keys.length > 16 || new Set(keys.map(String)).size !== keys.length) {
    throw new Odd("tender.custodians: up to 16 different keys");
  }
  if (!keys.length || !keys.every((key) => typeof key === "string" && POINT.test(key))) {
    throw new Odd("tender.custodians: P-256 public keys in base64url");
  }
  if (!sealed && keys.length !== 1) throw new Odd("tender.custodians: in a plain tender the house's key alone");
  return {
    sealed,
    k: whole(one.k, "k", sealed ? 2 : 1, keys.length),
    custodians: keys,
    replace: oneOf(one.replace, "replace", ["latest", "highest"]),
    withdraw: truth(one.withdraw, "withdraw"),
    priceRule: oneOf(one.price_rule, "price_rule", ["first", "second"]),
    minBidders: whole(one.min_bidders, "min_bidders", 1, 1000),
    bestAndFinal: final === null ? null : bestAndFinal(final),
  };
}

/** @param {unknown} value */
function bestAndFinal(value) {
  const final = object(value, "tender.best_and_final", ["top", "within_bp", "hours"]);
  return {
    top: whole(final.top, "top", 1, 1000), within_bp: whole(final.within_bp, "within_bp", 0, 10_000),
    hours: whole(final.hours, "hours", 1, 24 * 30),
  };
}

/** @param {unknown} value @param {string} path @param {string[]} names @returns {Record<string, any>} */
function object(value, path, names) {
  if (!isObject(value)) throw new Odd(`${path}: an object is needed`);
  const missing = names.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) throw new Odd(`${path}.${missing}: missing`);
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Odd(`${path}.${unknown.slice(0, 40)}: unknown`);
  return value;
}

/** @template {string} Name @param {unknown} value @param {string} path @param {Record<Name, number>} most @returns {Record<Name, number>} */
function numbers(value, path, most) {
  const found = object(value, path, Object.keys(most));
  for (const [name, limit] of Object.entries(most)) whole(found[name], name, 0, /** @type {number} */ (limit));
  return /** @type {Record<Name, number>} */ (found);
}

/** @param {unknown} value @param {number} least @param {number} most */
function isWhole(value, least, most) {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most;
}

/** @param {unknown} value @param {string} name @param {number} least @param {number} most @returns {number} */
function whole(value, name, least, most) {
  if (!isWhole(value, least, most)) throw new Odd(`${name}: a whole number from ${least} to ${most} is needed`);
  return /** @type {number} */ (value);
}

/** @param {unknown} value @param {string} name @returns {boolean} */
function truth(value, name) {
  if (typeof value !== "boolean") throw new Odd(`${name}: true or false is needed`);
  return value;
}

/** @param {any} value @param {string} name @param {readonly any[]} among @returns {any} */
function oneOf(value, name, among) {
  if (!among.includes(value)) throw new Odd(`${name}: ${String(value).slice(0, 40)} is not among ${among.join(", ")}`);
  return value;
}

/** @param {unknown} value @param {string} name @returns {[number, number][]} */
function pairs(value, name) {
  if (!Array.isArray(value)) throw new Odd(`${name}: a list of pairs is needed`);
  for (const pair of value) {
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((part) => isWhole(part, 0, MAX_AMOUNT))) {
      throw new Odd(`${name}: each item is two whole numbers`);
    }
  }
  return value;
}
