// @ts-check
// A tender once more, by its rules alone: who sealed what in time, what the closing counted, what the envelopes held,
// and who won at what price. Not in the record, so not proved: the buying limits. Whoever stands above the winner was
// passed over for a limit, as the house says; the price follows all the same. Nor that no share was kept back: an
// envelope with too few shares counts as unopened.
import { canonical, sha256 } from "./sha256.js";
import { bytes } from "./verify-forms.js";
import { FINAL, must, named, withdrawn } from "./verify-sale-claims.js";
import { Failed } from "./verify-sale-opened.js";
import { opened as openedBids, ranked } from "./verify-sale-ranks.js";
import { SECRET } from "./verify-sale-rules.js";

/** @typedef {import("./verify-sale-claims.js").Lot} Lot */
/** @typedef {import("./verify-sale-lines.js").Event} Event */
/** @typedef {import("./verify-sale-ranks.js").Live} Live */
/** @typedef {import("./verify-sale-replay.js").Replay} Replay */
/** @typedef {{n: number, lot: string, bidder: string, hash: string}} Sealed */

/** What a tender's events say, held against each other and against what was opened. */
export class TenderReplay {
  /** @param {import("./verify-sale-envelopes.js").Opened | null} shown */
  constructor(shown) {
    this.shown = shown;
    this.waits = false; // closed, and not opened yet
    this.since = -1; // n of the opening
    /** @type {Sealed[]} */
    this.sealed = [];
    /** @type {Map<string, number>} where a bidder took a bid back, or a lot was withdrawn from everybody */
    this.back = new Map();
    /** @type {Map<string, Live[]> | null} */
    this.ranks = null;
    /** @type {Set<string>} */
    this.seen = new Set();
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
    this.waits = true;
  }

  /** @param {Replay} replay @param {Event} line */
  open(replay, line) {
    must(this.waits, "state", "opened before the closing");
    if (this.shown && replay.rules.openings === "losing") this.judge(replay, line, this.due(), this.shown);
    [this.waits, this.since] = [false, line.n];
  }

  /** The envelopes that the closing counts, in the order of the book: all but those taken back. */
  due() {
    const gone = (/** @type {string} */ lot, /** @type {string} */ bidder) => this.back.get(`${lot} ${bidder}`) ?? -1;
    return this.sealed.filter(({ n, lot, bidder }) => n > Math.max(this.since, gone(lot, bidder), gone(lot, "")));
  }

  /** @param {Replay} replay @param {Event} line @param {Sealed[]} due @param {import("./verify-sale-envelopes.js").Opened} shown */
  judge(replay, line, due, shown) {
    const { replace } = /** @type {import("./verify-sale-rules.js").Tender} */ (replay.rules.tender);
    const lots = new Map();
    for (const [name, lot] of replay.lots) {
      if (lot.state !== "closing") continue;
      const weight = shown.weights.get(name);
      must(weight, "weight", `the weight of ${name} is missing`);
      lots.set(name, { mct: weight.mct, benchmark: weight.benchmark, minimum: lot.opening });
    }
    const bids = [];
    for (const { n, lot, bidder, hash } of due) {
      const one = shown.envelopes.get(hash);
      must(one, "envelope", `the envelope of ${bidder} on ${lot} is not shown`);
      must(one.line.bidder === bidder, "envelope", `the envelope is that of ${bidder}`);
      this.seen.add(hash);
      if (one.holds) bids.push({ lot, bidder, n, ...one.holds });
    }
    const { valid, live } = openedBids(lots, bids, replace);
    const counts = line.data.valid === valid && line.data.invalid === due.length - valid;
    must(counts || replay.hidden > 0, "count", `${valid} of ${due.length} are valid`);
    this.ranks = new Map([...live].map(([lot, held]) => [lot, ranked(held.values())]));
  }

  /** Nothing stands at the end of the record that the book does not know. */
  finish() {
    for (const [hash, { number }] of this.shown?.envelopes ?? []) {
      if (!this.seen.has(hash) && this.ranks) throw new Failed(number, null, "envelope", "was not counted by the closing");
    }
  }
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
    lot.live = [...lot.live.filter((one) => one.bidder !== bidder), { bidder, amount: SECRET, seq: line.seq }];
    lot.bids += 1;
    replay.tender.sealed.push({ n: line.n, lot: /** @type {string} */ (line.lot), bidder, hash: envelope });
  },
  "tender.withdrawn": (replay, line, lot) => {
    inTime(replay, line, lot);
    const { bidder } = line.data;
    must(replay.rules.tender?.withdraw, "state", "the rules let nobody take a bid back");
    must(lot.live.some((one) => one.bidder === bidder), "void", "takes back what is not there");
    lot.live = lot.live.filter((one) => one.bidder !== bidder);
    replay.tender.back.set(`${line.lot} ${bidder}`, line.n);
  },
  "lot.withdrawn": (replay, line, lot) => {
    withdrawn(replay, line, lot);
    replay.tender.back.set(`${line.lot} `, line.n);
  },
  "lot.sold": (replay, line, lot) => {
    const ranks = resultOf(replay, line, lot, "sold");
    if (!ranks) return;
    const { minBidders, priceRule } = /** @type {import("./verify-sale-rules.js").Tender} */ (replay.rules.tender);
    const place = ranks.findIndex((one) => one.bidder === line.data.bidder), winner = ranks[place];
    must(winner, "result", "the winner made no valid bid");
    must(ranks.length >= minBidders, "result", "too few bidders for a sale");
    const reserve = reserveOf(replay, lot);
    must(reserve === null || winner.total >= reserve, "result", "sold below the reserve");
    const below = ranks.slice(place + 1).map((one) => one.total);
    const price = priceRule === "second" ? Math.max(lot.opening, reserve ?? 0, ...below) : winner.total;
    must(line.data.price === price, "result", `the price is ${price}`);
  },
  "lot.passed": (replay, line, lot) => {
    const ranks = resultOf(replay, line, lot, "passed");
    if (!ranks) return;
    const { minBidders } = /** @type {import("./verify-sale-rules.js").Tender} */ (replay.rules.tender);
    const { reason } = line.data, least = ranks[ranks.length - 1];
    const first = !least ? "no_bids" : ranks.length < minBidders ? "too_few_bidders" : null;
    if (first || !least) {
      must(reason === first, "result", `the reason is ${first}`);
      return;
    }
    const reserve = reserveOf(replay, lot);
    const missed = lot.reserveCommit !== null && (reserve === null || least.total < reserve);
    must(reason === "limits" || (reason === "reserve_not_met" && missed), "result", "passed, though it is sold");
  },
};

/** The rank of a lot that has its result now; null where nothing was opened.
 * @param {Replay} replay @param {Event} line @param {Lot} lot @param {string} result */
function resultOf({ tender }, line, lot, result) {
  must(lot.state === "closing" && tender.since >= 0, "result", `${result} before the opening`);
  lot.state = result;
  return tender.ranks && (tender.ranks.get(/** @type {string} */ (line.lot)) ?? []);
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
