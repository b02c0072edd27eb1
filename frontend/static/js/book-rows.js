// @ts-check
// The book of bids on the page: rows come on top as the book grows; what the server wrote stays.
import { amountText } from "./amounts.js";
import { instantMs } from "./clock.js";
import { HOUSE } from "./fold.js";
import { language, say, sentence } from "./words.js";
import { clockIn } from "./zones.js";

/** @typedef {import("./fold.js").BookEvent} BookEvent */
const SHOWN = 60;

/** What a line of the book says beside the bids, or null for what needs no line.
 * @param {BookEvent} event @param {{zone: string, currency: string}} facts @returns {string | null} */
export function eventWords({ type, data }, { zone, currency }) {
  const time = () => clockIn(instantMs(data.to ?? data.end), zone);
  const why = () => (data.reason ? `${say(": ")}${sentence(data.reason)}` : "");
  switch (type) {
    case "lot.extended":
      if (data.from === null) return say("Final call, ends %(time)s", { time: time() });
      if (data.to === null) return say("The final call is taken back: a bid came");
      return say("End moved to %(time)s", { time: time() }) + (data.cause ? `${say(": ")}${sentence(data.cause)}` : "");
    case "lot.paused": return say("Paused") + why();
    case "lot.resumed": return say("Resumed, ends %(time)s", { time: time() });
    case "lot.reopened": return say("Reopened, ends %(time)s", { time: time() });
    case "lot.notice": return `${say("Notice")}${say(": ")}${language.startsWith("zh") ? data.text_zh : data.text_en}`;
    case "lot.reserve_lowered": return say("The reserve was lowered");
    case "lot.sold": return say("Sold to %(who)s at %(price)s", { who: data.bidder, price: amountText(data.price, currency) });
    case "lot.passed": return say("Passed") + why();
    case "lot.withdrawn": return say("Withdrawn") + why();
    case "bid.voided":
      return (data.seqs.length === 1 ? say("Bid %(n)s was voided", { n: data.seqs[0] }) : say("Bids %(all)s were voided", { all: data.seqs.join(say(", ")) })) + why();
    default: return null;
  }
}

/** @param {string} alias @param {string | null} own */
export function whoWords(alias, own) {
  if (alias === HOUSE) return say("seller’s bid");
  return alias === own ? say("%(alias)s, you", { alias }) : alias;
}

/** @param {Element | null} body @param {number} seq the last event in the server's rows @param {{zone: string, currency: string}} facts */
export function bookRows(body, seq, facts) {
  let shown = seq;
  /** Whose each live bid is, by the number of the bid. */
  const live = new Map([...(body?.querySelectorAll("tr[data-bidder]:not(.is-voided)") ?? [])].map((row) => [Number(row.getAttribute("data-n")), row.getAttribute("data-bidder") ?? ""]));

  /** @param {string[]} cells @param {string} kind @param {number} n */
  const put = (cells, kind, n) => {
    const row = document.createElement("tr");
    row.className = kind;
    row.dataset.n = String(n);
    cells.forEach((text, k) => {
      const cell = document.createElement("td");
      cell.textContent = text;
      if (cells.length === 1) cell.colSpan = 4;
      else if (k === 2) cell.className = "who";
      else if (k === 3) cell.className = "end";
      row.append(cell);
    });
    body?.querySelector(".is-empty")?.remove();
    body?.prepend(row);
    while (body && body.children.length > SHOWN) body.lastElementChild?.remove();
  };

  /** The row of a bid that does not count any more says so. @param {number} n */
  const voided = (n) => {
    live.delete(n);
    const row = body?.querySelector(`tr:not(.event)[data-n="${n}"]`);
    if (!row || row.classList.contains("is-voided")) return;
    row.classList.add("is-voided");
    row.querySelector(".who")?.append(` · ${say("voided")}`);
  };

  return {
    /** @param {BookEvent[]} events @param {string | null} own the reader's alias */
    add(events, own) {
      for (const event of events) {
        if (event.seq <= shown) continue;
        shown = event.seq;
        if (event.type !== "bid.accepted") {
          if (event.type === "bid.voided") for (const gone of event.data.seqs) voided(gone);
          const words = eventWords(event, facts);
          if (words) put([words], "event", event.seq);
          continue;
        }
        const { bidder, leader, price, extended, end } = event.data;
        if (extended) put([say("End moved to %(time)s", { time: clockIn(instantMs(end), facts.zone) }) + say(": ") + sentence("bid")], "event", event.seq);
        live.set(event.seq, bidder);
        body?.querySelector(".is-top")?.classList.remove("is-top");
        const answered = leader === bidder ? "" : ` · ${leader === own ? say("%(alias)s, you lead", { alias: leader }) : leader === HOUSE ? say("seller’s bid") : say("%(alias)s leads", { alias: leader })}`;
        put([String(event.seq), clockIn(instantMs(event.at), facts.zone, true), whoWords(bidder, own) + answered, amountText(price, facts.currency)], bidder === own ? "is-top is-you" : "is-top", event.seq);
      }
    },
    biddersWords() {
      const bidders = new Set(live.values());
      if (!bidders.size) return "";
      return `${say(", ")}${bidders.size === 1 ? say("1 bidder") : say("%(n)s bidders", { n: bidders.size })}`;
    },
    get last() { return shown; },
  };
}
