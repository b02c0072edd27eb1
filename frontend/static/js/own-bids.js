// @ts-check
// The reader's own bids: stored before they leave, sent by the line or by themselves, answered once.
import { amountText, moneyText } from "./amounts.js";
import { confirmJump } from "./confirm.js";
import { answerWords } from "./lot-words.js";
import { Pending } from "./pending.js";
import { ruled } from "./ruled.js";
import { say } from "./words.js";

/** @typedef {import("./pending.js").PendingBid} PendingBid */
/** @typedef {{facts: import("./room-facts.js").RoomFacts, store: import("./store.js").SaleStore, stand: import("./lot-panel.js").Stand,
 *   line: import("./socket.js").Line, announcer: import("./announce.js").Announcer}} House */
const UNKNOWN_MS = 5_000;
const AWAY_MS = 2_000;

export class OwnBids {
  /** @param {House} room */
  constructor(room) {
    this.room = room;
    this.pending = new Pending(localStorage, room.facts.sale, (bytes) => crypto.getRandomValues(bytes), () => Date.now());
    /** @type {Map<string, any>} */
    this.waiting = new Map();
  }

  /** @param {string} lot @param {number} max */
  async place(lot, max) {
    if (this.room.stand.sending) return;
    const { currency } = this.room.facts;
    /** @type {number | null} */
    let confirm = null;
    if (this.room.stand.mustConfirm(max)) {
      if (!(await this.ask(max))) return;
      confirm = max;
    }
    this.send(this.pending.make({ lot, max, currency, rules: this.room.store.rulesOf(lot) || this.room.facts.rules, confirm }));
  }

  /** @param {PendingBid} bid */
  send(bid) {
    const sum = amountText(bid.max, bid.currency);
    if (bid.lot === this.room.stand.lot) {
      this.room.stand.answer(null);
      this.room.stand.sending = { max: bid.max, words: say("Sending %(sum)s", { sum }) };
      this.room.stand.heldUntil = 0;
      this.room.stand.renderBid(this.room.store.ownState(bid.lot));
    }
    clearTimeout(this.waiting.get(bid.key));
    this.waiting.set(bid.key, setTimeout(() => this.notKnown(bid), UNKNOWN_MS));
    if (!this.room.line.bid(bid)) void this.post(bid);
  }

  /** No line: the same bid with the same key goes by itself. The line will send it again when it is back.
   * @param {PendingBid} bid */
  async post(bid) {
    try {
      const answer = await fetch(`/api/v1/lots/${bid.lot}/bids`, {
        method: "POST", headers: { "content-type": "application/json", "idempotency-key": bid.key },
        body: JSON.stringify({ max: bid.max, currency: bid.currency, rules: bid.rules, confirm: bid.confirm }),
      });
      const said = await answer.json();
      if (said.op === "ack" || said.result) this.answered({ ...said, key: bid.key, lot: bid.lot });
      else if (said.code && answer.status < 500) this.answered({ ...said.facts, result: "refused", code: said.code, key: bid.key, lot: bid.lot });
    } catch {
      // not known yet; the key is kept
    }
  }

  /** @param {PendingBid} bid */
  notKnown(bid) {
    if (!this.pending.all().some((one) => one.key === bid.key)) return;
    const words = say("Not known yet: %(sum)s", { sum: amountText(bid.max, bid.currency) });
    if (this.room.stand.lot === bid.lot) {
      this.room.stand.sending = { max: bid.max, words };
      this.room.stand.renderBid(this.room.store.ownState(bid.lot));
      this.room.stand.answer({ good: false, words: say("We do not know yet whether this bid reached the house. It is kept and asked about; it cannot count twice.") });
    }
    this.room.announcer.urgent(words);
  }

  /** @param {any} ack */
  answered(ack) {
    const bid = this.pending.all().find((one) => one.key === ack.key);
    if (ack.code === "engine_away" || ack.code === "slow_down" || ack.result === "unknown") {
      if (bid) setTimeout(() => { if (!this.room.line.bid(bid)) void this.post(bid); }, AWAY_MS);
      return;
    }
    clearTimeout(this.waiting.get(ack.key));
    this.waiting.delete(ack.key);
    if (this.room.stand.lot === ack.lot) this.room.stand.sending = null;
    if (ack.code === "confirm_needed" && bid) { void this.confirmAnd(bid); return; }
    this.pending.drop(ack.key);
    if (!bid && ack.replayed) return;
    const fact = this.room.facts.lots.find((one) => one.book.lot === ack.lot);
    const words = answerWords(ack, this.room.facts.currency);
    if (this.room.stand.lot === ack.lot) {
      this.room.stand.answer({ good: ack.result === "accepted", words, receipt: ack.receipt, bid: ack.seq });
      if (ack.result === "accepted" && this.room.stand.field) this.room.stand.field.value = "";
      this.room.stand.heldUntil = 0;
      this.room.stand.renderBid(this.room.store.ownState(ack.lot));
      this.room.stand.toAnswer();
    }
    this.room.announcer.urgent(say("Lot %(number)s: ", { number: fact?.number ?? "" }) + words);
  }

  /** @param {PendingBid} bid */
  async confirmAnd(bid) {
    this.room.stand.renderBid(this.room.store.ownState(bid.lot));
    if (bid.lot === this.room.stand.lot && (await this.ask(bid.max))) this.send(this.pending.keep({ ...bid, confirm: bid.max }));
    else this.pending.drop(bid.key);
  }

  /** @param {number} max @returns {Promise<boolean>} */
  ask(max) {
    const dialog = /** @type {HTMLDialogElement} */ (document.querySelector("[data-confirm]"));
    const { currency, increments, tax } = ruled(this.room.facts, this.room.store, this.room.stand.lot);
    return confirmJump(dialog, { amount: max, ask: this.room.stand.book.ask, currency, increments, cost: this.room.stand.cost(max), left: this.room.stand.leftAfter(max), taxKnown: tax !== null });
  }

  /** @param {any} frame */
  refusedFrame(frame) {
    if (frame.code !== "slow_down") return;
    for (const bid of this.pending.toResend()) setTimeout(() => void this.room.line.bid(bid), 1_000);
  }

  /** Bids that an earlier page left unanswered: found in the book, or never placed. */
  async askLeftOver() {
    for (const bid of this.pending.leftOver()) {
      try {
        const answer = await fetch(`/api/v1/bids/${bid.key}`);
        const sum = moneyText(bid.max, bid.currency);
        if (answer.ok) {
          this.pending.drop(bid.key);
          const said = await answer.json();
          if (bid.lot === this.room.stand.lot) this.room.stand.answer({ good: said.result === "accepted", words: answerWords(said, bid.currency), receipt: said.receipt, bid: said.seq });
        } else if (answer.status === 404) {
          this.pending.drop(bid.key);
          const words = say("Your earlier bid of %(sum)s never reached the house and was not placed.", { sum });
          if (bid.lot === this.room.stand.lot) this.room.stand.answer({ good: false, words });
          this.room.announcer.urgent(words);
        }
      } catch {
        // asked again by the next page
      }
    }
  }
}
