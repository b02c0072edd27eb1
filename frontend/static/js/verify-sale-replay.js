// @ts-check
// A sale's events once more, by the rules alone: every state, price, end, refusal and result must follow. Pure.
import { FINAL, begun, endOf, must, named, stand, terms, two, withdrawn } from "./verify-sale-claims.js";
import { amended } from "./verify-sale-amended.js";
import { BadLine, Undecided } from "./verify-sale-lines.js";
import { Ruled, listed } from "./verify-sale-listed.js";
import {
  NEVER, SECRET, afterOutage, afterSlow, bestOf, endAfterBid, extended, isSold, judgeAmount, resumed,
} from "./verify-sale-rules.js";
import { NEVER_SEALED, SEALED, TenderReplay } from "./verify-sale-tender.js";

/** @typedef {import("./verify-sale-lines.js").Event} Event */
/** @typedef {import("./verify-sale-claims.js").Lot} Lot */

const AMOUNT_CODES = new Set([
  "amount_invalid", "amount_too_large", "off_ladder", "below_opening", "below_ask", "not_above_own_max",
]);
const CLAIMED_CODES = new Set([ // taken as recorded: the record does not show what they rest on
  "rules_changed", "conflict_of_interest", "not_eligible", "viewing_required", "wrong_currency", "over_limit",
]);
const STATE_CODES = new Set(["lot_withdrawn", "lot_closed", "lot_paused", "sale_paused", "too_late"]);
const ZEROS = "0".repeat(64);

/** Fed with the events in order; throws BadLine at the first that does not follow. */
export class Replay {
  /** @param {string} sale @param {import("./verify-sale-rules.js").RuleSet} rules
   * @param {Map<number, number>} amounts by n @param {Map<string, number>} reserves by commitment
   * @param {import("./verify-sale-envelopes.js").Opened | null} [opened] of a tender
   * @param {Map<string, import("./verify-sale-amended.js").Document>} [documents] every rule set of the record, by hash */
  constructor(sale, rules, amounts, reserves, opened = null, documents = new Map()) {
    this.documents = documents;
    this.rulesHash = "";
    this.publishedLots = 0;
    this.ruled = new Ruled([-1, ""]);
    this.tender = new TenderReplay(opened);
    this.sale = sale;
    this.rules = rules;
    this.amounts = amounts;
    this.reserves = reserves;
    this.state = "new";
    this.seq = 0;
    this.hash = ZEROS;
    this.at = -Infinity;
    this.published = ZEROS;
    /** @type {Map<string, number>} */
    this.listing = new Map();
    this.places = 0;
    /** @type {Map<string, Lot>} */
    this.lots = new Map();
    /** @type {[number, number] | null} */
    this.outage = null;
    this.hidden = 0;
  }

  /** @param {Event | import("./verify-sale-lines.js").Leaf} line */
  take(line) {
    if (line.kind === "leaf") {
      this.hidden += 1;
      return;
    }
    must(line.sale === this.sale, "sale", `of sale ${line.sale}`);
    must(this.state !== "closed" || line.type === "bid.refused", "state", "after the sale was closed");
    if (line.lot === null) this.takeSale(line);
    else if (line.type === "lot.listed") listed(this, line, line.lot);
    else {
      const lot = this.lots.get(line.lot);
      must(lot, "state", `lot ${line.lot} was never listed`);
      this.takeLot(line, lot);
    }
  }

  /** All that must be true when the events are over. */
  finish() {
    must(this.state === "closed", "end", "the sale is not closed in this record");
    this.tender.finish();
    const missing = [...this.listing.keys()].filter((name) => !this.lots.has(name)).sort();
    must(this.hidden > 0 || !missing.length, "end", `lot ${missing[0]} is missing`);
  }

  // -- the sale -------------------------------------------------------------------------------------------------------

  /** @param {Event} line */
  takeSale(line) {
    must(line.seq === this.seq + 1, "seq", `${line.seq} after ${this.seq} in the sale's book`);
    must(line.prev === this.hash, "prev", "does not follow from the event before it in the sale's book");
    must(line.at > this.at && line.t === line.at, "time", "does not come after the event before it");
    [this.seq, this.hash, this.at] = [line.seq, line.hash, line.at];
    const { data } = line, before = this.state, lots = [...this.lots];
    switch (line.type) {
      case "sale.published": {
        must(before === "new" || before === "unpublished", "state", "published twice");
        must(new Set(data.lots).size === data.lots.length, "state", "a lot is named twice");
        [this.published, this.state, this.places] = [line.hash, "published", data.lots.length];
        [this.rulesHash, this.publishedLots, this.ruled] = [data.rules, data.lots.length, new Ruled([line.n, data.rules])];
        this.rules = this.documents.get(data.rules)?.rules ?? this.rules;
        this.listing = new Map(data.lots.map((/** @type {string} */ name, /** @type {number} */ k) => [name, k]));
        for (const [name, lot] of lots) if (!this.listing.has(name)) lot.state = "withdrawn"; // left out this time
        return;
      }
      case "sale.unpublished":
        must(before === "published" && line.at < this.rules.opensAt && !lots.some(([, lot]) => lot.bids), "state", "too late to unpublish");
        this.state = "unpublished";
        return;
      case "sale.opened":
        must(before === "published" && line.at >= this.rules.opensAt, "state", "opened before its time");
        this.state = "open";
        return;
      case "sale.paused":
        must(before === "open", "state", "paused while not open");
        this.state = "paused";
        return;
      case "sale.resumed":
        must(before === "paused", "state", "resumed while not paused");
        this.state = "open";
        return;
      case "sale.closed": {
        const left = lots.filter(([, lot]) => !FINAL.has(lot.state)).map(([name]) => name).sort();
        must(!left.length && before !== "new", "state", `closed while lot ${left[0]} has no result`);
        this.state = "closed";
        return;
      }
      case "sale.amended":
        amended(this, line);
        return;
      case "incident":
        must(data.from <= data.to && data.to <= line.at, "time", "the incident is not over");
        this.outage = [data.from, data.to];
        return;
      case "tender.closed":
      case "tender.opened":
        must(this.rules.tender !== null, "state", "not the rules of a tender");
        if (line.type === "tender.closed") this.tender.close(this, line);
        else this.tender.open(this, line);
        return;
      default:
        throw new Undecided(`${line.type} is not replayed`);
    }
  }

  // -- a lot ----------------------------------------------------------------------------------------------------------

  /** @param {Event} line @param {Lot} lot */
  takeLot(line, lot) {
    const refusal = line.type === "bid.refused";
    must(refusal || !FINAL.has(lot.state), "state", `after the lot was ${lot.state}`);
    must(line.at > lot.at, "time", "does not come after the event before it");
    must(line.prev === lot.hash, "prev", "does not follow from the event before it in the lot's book");
    must(!lot.callMoved || line.type === "lot.extended", "extension", "a bid takes the final call back");
    must(lot.owed === null || line.type === "lot.extended", "extension", "the amended end comes first");
    if (refusal) {
      must(line.seq === 0 && line.data.after === lot.seq, "seq", `a refusal out of place after ${lot.seq}`);
      this.refused(line, lot);
    } else {
      must(line.seq === lot.seq + 1, "seq", `${line.seq} after ${lot.seq} in the lot's book`);
      const sealed = this.rules.tender !== null;
      must(!sealed || !NEVER_SEALED.has(line.type), "state", "not in a tender");
      const handler = (sealed && SEALED[line.type]) || HANDLERS[line.type];
      if (!handler) throw new Undecided(`${line.type} is not replayed`);
      must(/^(bid|tender)\./.test(line.type) || line.t === line.at, "time", "t is not its own time");
      [lot.seq, lot.hash] = [line.seq, line.hash];
      handler(this, line, lot);
    }
    lot.at = line.at;
  }

  /** @param {Event} line @param {Lot} lot */
  refused(line, lot) {
    const { code, bidder } = line.data;
    named(lot, bidder);
    must(line.t <= line.at, "time", "arrived after it was decided");
    const state = this.stateCodes(line, lot);
    if (STATE_CODES.has(code)) {
      must(state.includes(code), "refusal", `${code} does not fit the lot's state`);
      return;
    }
    must(!state.length, "refusal", `${code}, though ${[...state].sort()[0]} comes first`);
    must(AMOUNT_CODES.has(code) || CLAIMED_CODES.has(code), "refusal", `unknown code ${code.slice(0, 40)}`);
    const amount = this.amounts.get(line.n);
    if (this.rules.openings !== "losing" || amount === undefined || (CLAIMED_CODES.has(code) && code !== "over_limit")) return;
    const found = judgeAmount(this.terms(lot), lot.best, lot.stands, bidder, amount);
    must(found === (AMOUNT_CODES.has(code) ? code : null), "refusal", `${code} where the rules say ${found}`);
  }

  /** What the state of lot and sale gives as a reason; empty when a bid is in time. @param {Event} line @param {Lot} lot */
  stateCodes(line, lot) {
    const away = this.tender.turnedAway(line, lot);
    if (away) return away;
    if (lot.state === "withdrawn") return ["lot_withdrawn"];
    if (["sold", "passed", "closing"].includes(lot.state)) return ["lot_closed"];
    if (lot.state === "paused") return this.state === "paused" ? ["lot_paused", "sale_paused"] : ["lot_paused"];
    if (this.state === "paused") return ["sale_paused"];
    must(lot.state === "open", "refusal", "decided before the lot was open");
    return line.t >= lot.clock.end ? ["too_late"] : [];
  }

  /** @param {Event} line @param {Lot} lot */
  stand(line, lot) {
    stand(lot, line.data, lot.rules, this.reserves, line.type === "bid.voided");
  }

  /** @param {Lot} lot */
  terms(lot) {
    return terms(lot, lot.rules, this.reserves.get(lot.reserveCommit ?? "") ?? null);
  }
}

// -- what happens to a lot --------------------------------------------------------------------------------------------

/** @type {Record<string, (replay: Replay, line: Event, lot: Lot) => void>} */
const HANDLERS = {
  "bid.accepted": accepted,
  "bid.voided": (replay, line, lot) => {
    const { seqs } = line.data;
    must(["open", "paused", "closing"].includes(lot.state), "state", "voided on a lot that is not running");
    two(line, "passport_changed");
    const gone = new Set(seqs), live = new Set(lot.live.map((one) => one.seq));
    const fits = gone.size > 0 && gone.size === seqs.length && seqs.every((/** @type {number} */ seq) => live.has(seq));
    must(fits, "void", "voids what is not a live bid");
    lot.live = lot.live.filter((one) => !gone.has(one.seq));
    lot.best = bestOf(lot.live);
    replay.stand(line, lot);
  },
  "lot.opened": begun,
  "lot.extended": moved,
  "lot.paused": (_, line, lot) => {
    must(lot.state === "open", "state", "paused while not open");
    must(line.at < lot.clock.end, "late", "paused at or after the end");
    [lot.clock, lot.state] = [{ ...lot.clock, pausedAt: line.at }, "paused"];
  },
  "lot.resumed": (replay, line, lot) => {
    must(lot.state === "paused" && replay.state === "open", "state", "resumed out of turn");
    [lot.clock, lot.state] = [resumed(lot.rules.softClose, lot.clock, line.at), "open"];
    must(endOf(line.data.end) === lot.clock.end, "extension", "the end is not that of the rules");
  },
  "lot.notice": () => {},
  "lot.reserve_lowered": (replay, line, lot) => {
    must(lot.rules.reserveRule === "jump" && !lot.stands.reserve_met, "state", "this reserve may not change");
    must(lot.reserveCommit !== null && ["listed", "open", "paused"].includes(lot.state), "state", "no reserve to lower");
    two(line);
    const former = replay.reserves.get(lot.reserveCommit) ?? lot.most;
    const lower = replay.reserves.get(line.data.reserve_commit);
    must(lower === undefined || (lot.opening <= lower && lower < former), "reserve_met", "the reserve was not lowered");
    [lot.reserveCommit, lot.least, lot.most] = [line.data.reserve_commit, lot.opening, former - 1];
    replay.stand(line, lot);
  },
  "lot.closing": (replay, line, lot) => {
    must(lot.state === "open", "state", "closing while not open");
    const { end } = line.data;
    const givenUp = replay.rules.finalCall !== null && end === line.at && !isSold(lot.stands);
    must(givenUp || (end === lot.clock.end && end <= line.at), "end", "closing before its end");
    [lot.clock, lot.state] = [{ end, hardEnd: lot.clock.hardEnd, pausedAt: null }, "closing"];
  },
  "lot.reopened": (_, line, lot) => {
    must(lot.state === "closing", "state", "reopened after its result");
    two(line);
    must(line.data.end > line.at, "extension", "the new end is not later");
    [lot.clock, lot.state] = [extended(lot.clock, line.data.end), "open"];
  },
  "lot.sold": (_, line, lot) => {
    must(lot.state === "closing" && isSold(lot.stands), "result", "sold, though the rules say it is not");
    must(line.data.bidder === lot.stands.leader, "result", `the winner is ${lot.stands.leader}`);
    must(line.data.price === lot.stands.price, "result", `the price is ${lot.stands.price}`);
    lot.state = "sold";
  },
  "lot.passed": (_, line, lot) => {
    must(lot.state === "closing" && !isSold(lot.stands), "result", "passed, though the rules say it is sold");
    const reason = lot.live.length ? "reserve_not_met" : "no_bids";
    must(line.data.reason === reason, "result", `the reason is ${reason}`);
    lot.state = "passed";
  },
  "lot.withdrawn": withdrawn,
};

/** @param {Replay} replay @param {Event} line @param {Lot} lot */
function accepted(replay, line, lot) {
  const { data } = line, { bidder } = data, { rules } = lot;
  must(lot.state === "open" && replay.state === "open", "state", "a bid was taken while the lot was not open");
  must(line.t <= line.at, "time", "arrived after it was decided");
  must(line.t < lot.clock.end, "late", "a bid was taken at or after the end");
  named(lot, bidder);
  const opened = replay.amounts.get(line.n);
  if (opened !== undefined) {
    const code = judgeAmount(replay.terms(lot), lot.best, lot.stands, bidder, opened);
    must(code === null, "amount", `a bid was taken that the rules refuse: ${code}`);
  }
  const amount = opened ?? SECRET;
  lot.live.push({ bidder, amount, seq: line.seq });
  lot.best.set(bidder, { amount, seq: line.seq });
  lot.bids += 1;
  const before = lot.stands;
  replay.stand(line, lot);
  const changed = before.price !== lot.stands.price || before.leader !== lot.stands.leader;
  const clerked = rules.finalCall !== null;
  const end = changed && !clerked ? endAfterBid(rules.softClose, lot.clock, line.t) : lot.clock.end;
  lot.callMoved = changed && end !== NEVER && clerked;
  must(endOf(data.end) === end, "extension", "the end is not that of the rules");
  must(data.extended === (end === lot.clock.end ? null : lot.clock.end), "extension", "the old end is wrong");
  lot.clock = { end, hardEnd: lot.clock.hardEnd, pausedAt: null };
}

/** @param {Replay} replay @param {Event} line @param {Lot} lot */
function moved(replay, line, lot) {
  const { data } = line, { clock } = lot, { finalCall, softClose } = lot.rules, { outage } = replay.rules;
  must(lot.state === "open" || lot.owed !== null, "state", "extended while not open");
  must(lot.owed === null || data.cause === "staff", "extension", "the amended end comes first");
  must(endOf(data.from) === clock.end, "extension", "the old end is wrong");
  let found = clock;
  switch (data.cause) {
    case "staff":
      if (lot.owed !== null) found = extended(clock, lot.owed); // as the new plan of ends says
      else if (finalCall !== null && data.from === null) {
        must(data.to === line.at + finalCall, "extension", "is not the length of the final call");
        found = { ...clock, end: data.to, pausedAt: null };
      } else {
        must(line.at < clock.end && data.to !== null && data.to > clock.end, "extension", "staff may not move it so");
        found = extended(clock, data.to);
      }
      break;
    case "bid":
      must(lot.callMoved && data.to === null, "extension", "no bid took this call back");
      found = { ...clock, end: NEVER, pausedAt: null };
      break;
    case "outage": {
      must(replay.outage !== null, "extension", "no outage was recorded");
      const [since, until] = replay.outage;
      found = afterOutage(outage, clock, since, until);
      const given = found.end !== clock.end || found.hardEnd !== clock.hardEnd;
      must(until - since >= outage.min && given, "extension", "the outage gives this lot nothing");
      break;
    }
    case "slow":
      must(!lot.slowed && line.at >= clock.end, "extension", "slowness extends once, at the end");
      [found, lot.slowed] = [afterSlow(softClose, clock), true];
      break;
    case "group": {
      const known = [...replay.lots.values()].some((other) => other.state === "open" && other.clock.end === data.to);
      const fits = softClose.scope === "group" && (known || replay.hidden > 0); // or of a lot that is not shown yet
      must(fits && data.to > clock.end, "extension", "no lot of the group ends then");
      found = { end: data.to, hardEnd: clock.hardEnd && Math.max(clock.hardEnd, data.to), pausedAt: null };
      break;
    }
    default:
      throw new BadLine("extension", `unknown cause ${data.cause.slice(0, 40)}`);
  }
  must(endOf(data.to) === found.end, "extension", "the end is not that of the rules");
  [lot.clock, lot.callMoved, lot.owed] = [found, false, null];
}
