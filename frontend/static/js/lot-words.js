// @ts-check
// What a lot and the reader's part in it are called, in the words of the page.
import { amountText, moneyText } from "./amounts.js";
import { instantMs } from "./clock.js";
import { left, secondsLeft } from "./countdown.js";
import { HOUSE, isDecided } from "./fold.js";
import { say, sentence } from "./words.js";

/** @typedef {import("./fold.js").Lot} Lot */
/** @typedef {import("./fold.js").Own} Own */

/** @param {string} state @param {boolean} [watches] who may not bid reads of the company */
export function ownWords(state, watches = false) {
  const company = watches && /** @type {Record<string, string>} */ ({
    winning: say("Your company leads"), winning_reserve_not_met: say("Your company leads, reserve not met"),
    outbid: say("Your company is outbid"), tied_later: say("Your company is outbid"), won: say("Your company won"),
    outbid_by_seller: say("The seller’s bid is above your company’s"), voided: say("A bid of your company was voided"),
  })[state];
  if (company) return company;
  return /** @type {Record<string, string>} */ ({
    winning: say("You lead"), winning_reserve_not_met: say("You lead, reserve not met"), outbid: say("You are outbid"),
    outbid_by_seller: say("The seller’s bid is above yours"), tied_later: say("You are outbid"), won: say("You won"),
    lost: say("Sold to another bidder"), passed: say("Passed"), withdrawn: say("Withdrawn"), voided: say("Your bid was voided"),
    sealed: say("Your sealed bid stands"), taken_back: say("You took your bid back"),
    invited: say("You are invited to the second round"), not_invited: say("Not invited to the second round"),
    cancelled: say("Sale cancelled"), sold_after: say("Sold after the sale"),
  })[state] ?? state;
}

/** The same for a card. @param {string} state */
export function ownShort(state) {
  return /** @type {Record<string, string>} */ ({
    winning: say("You lead"), winning_reserve_not_met: say("Reserve not met"), outbid: say("Outbid"), outbid_by_seller: say("Outbid by seller"),
    tied_later: say("Outbid"), won: say("You won"),
  })[state] ?? ownWords(state);
}

/** @param {string} state */
export function lotWords(state) {
  return /** @type {Record<string, string>} */ ({
    listed: say("Not open yet"), open: say("Open"), ending: say("Closing"), paused: say("Paused"),
    closing: say("Counting last bids"), sold: say("Sold"), passed: say("Passed"), withdrawn: say("Withdrawn"),
    cancelled: say("Sale cancelled"), sold_after: say("Sold after the sale"),
  })[state] ?? state;
}

/** @type {Record<string, string>} */
export const LOT_ICONS = { listed: "clock", open: "open", ending: "clock", paused: "pause", closing: "clock", sold: "gavel", passed: "bar", withdrawn: "bar", cancelled: "bar", sold_after: "gavel", unknown: "unlinked" };

/** Own states of a sealed bid, while the lot is not decided. @type {Record<string, string>} */
export const SEALED_ICONS = { sealed: "lock", invited: "clock", taken_back: "bar", not_invited: "bar" };

/** The line under the reader's own state. @param {Lot} lot @param {Own | undefined} own @param {string | null} state @param {number} opening @param {string} currency */
export function standingNote(lot, own, state, opening, currency) {
  const price = lot.price === null ? "–" : amountText(lot.price, currency);
  const max = own?.max == null ? "–" : amountText(own.max, currency);
  const who = lot.leader ?? "–";
  switch (state) {
    case "winning": case "winning_reserve_not_met":
      return say("your maximum %(max)s", { max }) + (lot.reserve_met ? `${say("; ")}${say("reserve met")}` : "");
    case "outbid": return say("by %(who)s at %(price)s; your maximum was %(max)s", { who, price, max });
    case "tied_later": return say("%(who)s bid %(price)s before you", { who, price });
    case "outbid_by_seller": return say("at %(price)s, below the reserve; your maximum was %(max)s", { price, max });
    case "won": return say("hammer price %(price)s", { price });
    case "lost": return say("at %(price)s; your maximum was %(max)s", { price, max });
    default:
  }
  if (lot.state === "withdrawn") return say("not sold; no bid counts any more");
  if (lot.state === "cancelled") return say("the hammer price did not become a purchase");
  if (lot.state === "sold_after") return say("its price is not published");
  if (own?.max != null) return say("your maximum %(max)s", { max });
  if (lot.state === "sold") return say("hammer price %(price)s", { price });
  if (lot.state === "passed") return sentence(lot.reason ?? "no_bids");
  if (lot.leader === HOUSE) return say("the seller’s bid stands at %(price)s", { price });
  if (lot.leader) return say("%(who)s leads at %(price)s", { who, price });
  return say("opening price %(opening)s", { opening: amountText(opening, currency) });
}

/** What is left of a lot's time, or null when it is a day and more. @param {number} seconds */
export function leftText(seconds) {
  const rest = left(seconds);
  return rest.kind === "date" ? null : rest.kind === "hours" ? hoursWords(rest.text) : rest.text;
}

/** The time of a lot in its lane: what does not run says so, whatever is known of the clock.
 * @param {Lot} lot @param {number | null} now @returns {string | null} null: as the page has it */
export function laneTime(lot, now) {
  if (isDecided(lot)) return "";
  if (lot.state === "paused") return say("paused");
  if (lot.end === null) return lot.state === "listed" ? say("when called") : say("until called");
  if (now === null) return say("time unknown");
  return lot.state === "open" ? leftText(secondsLeft(instantMs(lot.end), now)) : null;
}

/** Hours and minutes left. @param {string} text `2:35` */
function hoursWords(text) {
  const [h, m] = text.split(":");
  return say("%(h)s:%(m)s h", { h: h ?? "", m: m ?? "" });
}

/** The head of the reader's own state when there is none. @param {Lot} lot @param {boolean} [watches] who sees without bidding */
export function standingHead(lot, watches = false) {
  if (lot.state === "listed" || isDecided(lot)) return lotWords(lot.state);
  if (watches) return say("You are watching");
  return lot.bids ? say("You have not bid") : say("No bids yet");
}

/** @param {number} n */
export function bidsWords(n) {
  if (n === 0) return say("no bids");
  return n === 1 ? say("1 bid") : say("%(n)s bids", { n });
}

/** @param {Lot} lot */
export function reserveWords(lot) {
  if (lot.reserve_met === null || !lot.bids) return "";
  return lot.reserve_met ? say("reserve met") : say("reserve not met");
}

/** What an answer means, in one or two sentences. @param {{result: string, code?: string | null, ask?: number | null, max?: number | null, rule?: string | null, source?: string | null}} ack @param {string} currency */
export function answerWords(ack, currency) {
  if (ack.result === "accepted") {
    return say("Your bid stands, up to %(sum)s.", { sum: moneyText(ack.max ?? 0, currency) });
  }
  const why = sentence(ack.code ?? "engine_away");
  if (ack.rule) return `${why} ${say("Rule %(rule)s", { rule: ack.rule })}${ack.source ? say(": ") + ack.source : ""}`;
  return ack.ask && ["below_ask", "below_opening", "off_ladder"].includes(ack.code ?? "")
    ? `${why} ${say("The next bid is %(sum)s.", { sum: moneyText(ack.ask, currency) })}` : why;
}
