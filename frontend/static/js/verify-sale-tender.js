// @ts-check
// A tender once more, by its rules alone: who sealed what in time, what the closing counted, what the envelopes held,
// and who won at what price. Not in the record, so not proved: the buying limits. Whoever stands above the winner was
// passed over for a limit, as the house says; the price follows all the same. Nor that no share was kept back: an
// envelope with too few shares counts as unopened.
import { canonical, sha256 } from "./sha256.js";
import { bytes } from "./verify-forms.js";
import { FINAL, begun, must, named, withdrawn } from "./verify-sale-claims.js";
import { Failed } from "./verify-sale-opened.js";
import { finalRound, finals, opened as openedBids, ranked } from "./verify-sale-ranks.js";
import { SECRET } from "./verify-sale-rules.js";

/** @typedef {import("./verify-sale-claims.js").Lot} Lot */
/** @typedef {import("./verify-sale-lines.js").Event} Event */
/** @typedef {import("./verify-sale-ranks.js").Live} Live */
/** @typedef {import("./verify-sale-replay.js").Replay} Replay */
/** @typedef {import("./verify-sale-rules.js").Tender} Tender */
/** @typedef {import("./verify-sale-envelopes.js").Opened} Opened */
/** @typedef {{n: number, lot: string, bidder: string, hash: string}} Sealed */

const HOUR = 3_600_000_000;

/** What a tender's events say, held against each other and against what was opened. */
export class TenderReplay {
  /** @param {Opened | null} shown */
  constructor(shown) {
    this.shown = shown;
    this.round = 1;
    this.waits = false; // closed, and not opened yet
    this.since = -1; // n of the last opening
    this.openedAt = 0;
    /** @type {Sealed[]} */
    this.sealed = [];
    /** @type {Map<string, number>} where a bidder sealed last, by lot and bidder */
    this.last = new Map();
    /** @type {Map<string, number>} where a bidder took a bid back, or a lot was withdrawn from everybody */
    this.back = new Map();
    /** @type {Map<string, Live[]> | null} */
    this.ranks = null;
    /** @type {Map<string, Live[]>} of the first round */
    this.firsts = new Map();
    /** @type {Map<string, Live[]>} the invited of each lot that has a final round */
    this.guests = new Map();
    /** @type {Set<string>} lots that were opened again */
    this.again = new Set();
    /** @type {Set<string>} */
    this.seen = new Set();
  }

  /** Whether its first round takes no more envelopes. */
  get closed() {
    return this.waits || this.round > 1;
  }

  // -- the sale's book ------------------------------------------------------------------------------------------------

  /** @param {Replay} replay @param {Event} line */
  close(replay, line) {
    must(replay.state === "open" && !this.waits, "state", "closed out of turn");
    const taking = [...replay.lots.values()].some((lot) => !FINAL.has(lot.state) && lot.state !== "closing");
    must(!taking, "state", "closed while a lot takes bids");
    if (replay.hidden === 0) {
      const hashes = this.due().map((one) => one.hash);
      must(line.data.count === hashes.length, "count", `${hashes.length} envelopes were sealed`);
      must(line.data.envelopes === sha256(bytes(canonical(hashes))), "envelopes", "not the envelopes that were sealed");
    }
    if (this.round > 1) {
      must(this.round === 2 && (this.again.size > 0 || replay.hidden > 0), "state", "closed twice in one round");
      const missed = [...this.guests.keys()].filter((name) => !this.again.has(name) && replay.lots.get(name)?.state === "closing").sort();
      must(!missed.length, "final", `lot ${missed[0]} was not opened to its invited`);
    }
    this.waits = true;
  }

  /** @param {Replay} replay @param {Event} line */
  open(replay, line) {
    must(this.waits, "state", "opened before the closing");
    if (this.shown && replay.rules.openings === "losing") this.judge(replay, line, this.due(), this.shown);
    [this.waits, this.since, this.openedAt] = [false, line.n, line.at];
    this.round += 1;
  }

  /** The envelopes that the closing counts, in the order of the book: all but those taken back. */
  due() {
    const gone = (/** @type {string} */ lot, /** @type {string} */ bidder) => this.back.get(`${lot} ${bidder}`) ?? -1;
    return this.sealed.filter(({ n, lot, bidder }) => n > Math.max(this.since, gone(lot, bidder), gone(lot, "")));
  }

  /** @param {Replay} replay @param {Event} line @param {Sealed[]} due @param {Opened} shown */
  judge(replay, line, due, shown) {
    const { replace, bestAndFinal, minBidders } = rulesOf(replay), final = this.round > 1;
    const lots = termsOf(replay, shown), bids = [];
    for (const { n, lot, bidder, hash } of due) {
      const one = shown.envelopes.get(hash);
      must(one, "envelope", `the envelope of ${bidder} on ${lot} is not shown`);
      must(one.line.bidder === bidder, "envelope", `the envelope is that of ${bidder}`);
      this.seen.add(hash);
      if (one.holds) bids.push({ lot, bidder, n, ...one.holds });
    }
    const { valid, live } = final ? finals(lots, this.guests, bids, replace) : openedBids(lots, bids, replace);
    const counts = line.data.valid === valid && line.data.invalid === due.length - valid;
    must(counts || replay.hidden > 0, "count", `${valid} of ${due.length} are valid`);
    this.ranks = new Map([...live].map(([lot, held]) => [lot, ranked(held.values())]));
    if (final) for (const lot of live.keys()) if (!this.guests.has(lot)) this.ranks.set(lot, this.firsts.get(lot) ?? []);
    if (final) return;
    this.firsts = this.ranks;
    if (bestAndFinal) this.guests = finalRound(this.ranks, bestAndFinal, minBidders);
  }

  /** Nothing stands at the end of the record that the book does not know. */
  finish() {
    for (const [hash, { number }] of this.shown?.envelopes ?? []) {
      if (!this.seen.has(hash) && this.ranks) throw new Failed(number, null, "envelope", "was not counted by the closing");
    }
  }

  /** Both rounds are over, or there is only one. */
  over() {
    return this.round === 3 || !(this.guests.size || this.again.size);
  }

  /** Why a bid on a lot of the final round finds it closed: its bidder is not invited. Null where that is not so, or
   * cannot be known from this record. @param {Event} line @param {Lot} lot @returns {string[] | null} */
  turnedAway(line, lot) {
    const name = /** @type {string} */ (line.lot);
    if (!this.again.has(name) || !["open", "paused"].includes(lot.state)) return null;
    const invited = this.ranks ? this.guests.get(name)?.some((one) => one.bidder === line.data.bidder) : line.data.code !== "lot_closed";
    return invited ? null : ["lot_closed"];
  }
}

/** @param {Replay} replay */
function rulesOf(replay) {
  return /** @type {Tender} */ (replay.rules.tender);
}

/** What turns the entries of each lot into totals. @param {Replay} replay @param {Opened} shown */
function termsOf(replay, shown) {
  const found = new Map();
  for (const [name, lot] of replay.lots) {
    if (lot.state !== "closing") continue;
    const weight = shown.weights.get(name);
    must(weight, "weight", `the weight of ${name} is missing`);
    found.set(name, { mct: weight.mct, benchmark: weight.benchmark, minimum: lot.opening });
  }
  return found;
}

// -- a lot's book -----------------------------------------------------------------------------------------------------

/** What a tender's book never holds: bids in clear, and lots that take bids again after the custodians may have looked. */
export const NEVER_SEALED = new Set(["bid.accepted", "bid.voided", "lot.reopened"]);

/** @type {Record<string, (replay: Replay, line: Event, lot: Lot) => void>} */
export const SEALED = {
  "tender.sealed": (replay, line, lot) => {
    inTime(replay, line, lot);
    const { bidder, envelope } = line.data;
    named(lot, bidder);
    must(!replay.tender.turnedAway(line, lot), "final", "an envelope was taken of somebody who is not invited");
    lot.live = [...lot.live.filter((one) => one.bidder !== bidder), { bidder, amount: SECRET, seq: line.seq }];
    lot.bids += 1;
    replay.tender.sealed.push({ n: line.n, lot: /** @type {string} */ (line.lot), bidder, hash: envelope });
    replay.tender.last.set(`${line.lot} ${bidder}`, line.n);
  },
  "tender.withdrawn": (replay, line, lot) => {
    inTime(replay, line, lot);
    const { tender } = replay, { bidder } = line.data, place = `${line.lot} ${bidder}`;
    must(rulesOf(replay).withdraw, "state", "the rules let nobody take a bid back");
    must((tender.last.get(place) ?? -1) > Math.max(tender.since, tender.back.get(place) ?? -1), "void", "takes back what is not there");
    // In the final round the first bid stands.
    if (!tender.again.has(/** @type {string} */ (line.lot))) lot.live = lot.live.filter((one) => one.bidder !== bidder);
    tender.back.set(place, line.n);
  },
  "lot.withdrawn": (replay, line, lot) => {
    withdrawn(replay, line, lot);
    replay.tender.back.set(`${line.lot} `, line.n);
  },
  "lot.opened": (replay, line, lot) => {
    if (lot.state === "closing") openedAgain(replay, line, lot);
    else begun(replay, line, lot);
  },
  "lot.sold": (replay, line, lot) => {
    resultDue(replay, lot, "sold");
    must(replay.tender.over(), "result", "sold before the final round was opened");
    lot.state = "sold";
    const { ranks, drawn } = ranksOf(replay, line);
    if (!ranks) return;
    const { minBidders, priceRule } = rulesOf(replay);
    const place = ranks.findIndex((one) => one.bidder === line.data.bidder), winner = ranks[place];
    must(winner, "result", "the winner made no valid bid");
    must(drawn >= minBidders, "result", "too few bidders for a sale");
    const reserve = reserveOf(replay, lot);
    must(reserve === null || winner.total >= reserve, "result", "sold below the reserve");
    const below = ranks.slice(place + 1).map((one) => one.total);
    const price = priceRule === "second" ? Math.max(lot.opening, reserve ?? 0, ...below) : winner.total;
    must(line.data.price === price, "result", `the price is ${price}`);
  },
  "lot.passed": (replay, line, lot) => {
    const { reason } = line.data, over = replay.tender.over();
    resultDue(replay, lot, "passed");
    lot.state = "passed";
    must(over || reason === "no_bids" || reason === "too_few_bidders", "result", "passed before the final round");
    const { ranks, drawn } = ranksOf(replay, line);
    if (!ranks) return;
    const least = ranks[ranks.length - 1];
    const first = !least ? "no_bids" : drawn < rulesOf(replay).minBidders ? "too_few_bidders" : null;
    if (first || !least) {
      must(reason === first, "result", `the reason is ${first}`);
      return;
    }
    const reserve = reserveOf(replay, lot);
    const missed = lot.reserveCommit !== null && (reserve === null || least.total < reserve);
    must(over, "result", "passed before the final round");
    must(reason === "limits" || (reason === "reserve_not_met" && missed), "result", "passed, though it is sold");
  },
};

/** The final round of a lot begins. @param {Replay} replay @param {Event} line @param {Lot} lot */
function openedAgain({ tender, rules }, line, lot) {
  const name = /** @type {string} */ (line.lot), final = rules.tender?.bestAndFinal;
  must(tender.round === 2 && !tender.waits && !tender.again.has(name), "state", "opened again");
  must(final, "final", "the rules know no second round");
  must(!tender.ranks || tender.guests.has(name), "final", "opened again, though nobody has a rival near");
  const end = tender.openedAt + final.hours * HOUR;
  must(line.data.end === end, "end", "is not the end of the second round by the rule set");
  [lot.clock, lot.state] = [{ end, hardEnd: null, pausedAt: null }, "open"];
  tender.again.add(name);
}

/** @param {Replay} replay @param {Lot} lot @param {string} result */
function resultDue({ tender }, lot, result) {
  must(lot.state === "closing" && tender.since >= 0, "result", `${result} before the opening`);
}

/** The rank of a lot, null where nothing was opened; and how many were ranked in the first round.
 * @param {Replay} replay @param {Event} line */
function ranksOf({ tender }, line) {
  const name = /** @type {string} */ (line.lot);
  return { ranks: tender.ranks && (tender.ranks.get(name) ?? []), drawn: tender.firsts.get(name)?.length ?? 0 };
}

/** @param {Replay} replay @param {Lot} lot */
function reserveOf(replay, lot) {
  return replay.reserves.get(lot.reserveCommit ?? "") ?? null;
}

/** @param {Replay} replay @param {Event} line @param {Lot} lot */
function inTime(replay, line, lot) {
  must(lot.state === "open" && replay.state === "open", "state", "an envelope was taken while the lot was not open");
  must(line.t <= line.at, "time", "arrived after it was decided");
  must(line.t < lot.clock.end, "late", "an envelope was taken at or after the end");
}
