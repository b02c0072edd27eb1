"""A sale's events once more, by the rules alone: every state, price, end, refusal and result must follow. Pure."""

from collections.abc import Callable, Mapping

from pavilion.bidding import closing, rules, tender_replaying
from pavilion.bidding.amend_replaying import amended, two_agreed
from pavilion.bidding.claims import SECRET, Lot, must, stand
from pavilion.bidding.listed_replaying import listed
from pavilion.bidding.reading import BadLine, BidOpening, Event, Leaf
from pavilion.bidding.ruled import Ruled
from pavilion.bidding.rules import Commitment, LotTerms, RuleSet
from pavilion.bidding.tender_replaying import Opened, TenderReplay

FINAL = frozenset({"sold", "passed", "withdrawn"})
AMOUNT_CODES = frozenset(
    {"amount_invalid", "amount_too_large", "off_ladder", "below_opening", "below_ask", "not_above_own_max"}
)
CLAIMED_CODES = frozenset(  # taken as recorded: the record does not show what they rest on
    {"rules_changed", "conflict_of_interest", "not_eligible", "viewing_required", "wrong_currency", "over_limit"}
)
STATE_CODES = frozenset({"lot_withdrawn", "lot_closed", "lot_paused", "sale_paused", "too_late"})
PASSED = ("no_bids", "reserve_not_met")


class Undecided(Exception):
    """The record holds something this verifier does not know how to replay."""


class Replay:
    """Fed with the events in order; raises BadLine at the first that does not follow."""

    def __init__(
        self,
        sale: str,
        rule_set: RuleSet,
        amounts: Mapping[int, BidOpening],
        reserves: Mapping[str, int],
        tender: Opened | None = None,
        documents: Mapping[str, RuleSet] | None = None,
    ) -> None:
        self.opened = rule_set.openings == "losing"
        self.sale, self.rules = sale, rule_set
        self.documents, self.rules_hash = documents or {}, ""  # rule sets by hash; the one published last
        self.tender: TenderReplay = TenderReplay(tender)
        self.amounts, self.reserves = amounts, reserves  # by n; by reserve commitment
        self.state, self.seq, self.hash, self.at = "new", 0, bytes(32), -(2**63)
        self.published, self.listing = bytes(32), dict[str, int]()
        self.published_lots = 0
        self.ruled = Ruled()
        self.lots: dict[str, Lot] = {}
        self.outage: tuple[int, int] | None = None
        self.hidden = 0

    def take(self, line: Event | Leaf) -> None:
        if isinstance(line, Leaf):
            self.hidden += 1
            return
        self.event = line
        must(line.sale == self.sale, "sale", f"of sale {line.sale}")
        must(self.state != "closed" or line.type == "bid.refused", "state", "after the sale was closed")
        if line.lot is None:
            self._sale(line)
        elif line.type == "lot.listed":
            listed(self, line)
        else:
            lot = self.lots.get(line.lot)
            must(lot is not None, "state", f"lot {line.lot} was never listed")
            assert lot is not None
            self._lot(line, lot)

    def finish(self) -> None:
        """All that must be true when the events are over."""
        must(self.state == "closed", "end", "the sale is not closed in this record")
        self.tender.finish()
        if self.hidden == 0:
            missing = self.listing.keys() - self.lots.keys()
            must(not missing, "end", f"lot {min(missing, default='')} is missing")

    # -- the sale -----------------------------------------------------------------------------------------------------

    def _sale(self, line: Event) -> None:
        must(line.seq == self.seq + 1, "seq", f"{line.seq} after {self.seq} in the sale's book")
        must(line.prev == self.hash, "prev", "does not follow from the event before it in the sale's book")
        must(line.at > self.at and line.t == line.at, "time", "does not come after the event before it")
        self.seq, self.hash, self.at = line.seq, line.hash, line.at
        before, data = self.state, line.data
        match line.type:
            case "sale.published":
                must(before in ("new", "unpublished"), "state", "published twice")
                lots = data["lots"]
                must(len(set(lots)) == len(lots), "state", "a lot is named twice")
                self.published, self.state, self.rules_hash = line.hash, "published", data["rules"]
                self.rules = self.documents.get(self.rules_hash, self.rules)
                self.listing = {lot: k for k, lot in enumerate(lots)}
                self.published_lots, self.ruled = len(lots), Ruled((line.n, self.rules_hash))
                for name in self.lots.keys() - self.listing.keys():
                    self.lots[name].state = "withdrawn"  # left out when the sale was published again
            case "sale.unpublished":
                fits = before == "published" and line.at < self.rules.opens_at
                must(fits and not any(lot.bids for lot in self.lots.values()), "state", "too late to unpublish")
                self.state = "unpublished"
            case "sale.opened":
                must(before == "published" and line.at >= self.rules.opens_at, "state", "opened before its time")
                self.state = "open"
            case "sale.paused":
                must(before == "open", "state", "paused while not open")
                self.state = "paused"
            case "sale.resumed":
                must(before == "paused", "state", "resumed while not paused")
                self.state = "open"
            case "sale.closed":
                left = [name for name, lot in self.lots.items() if lot.state not in FINAL]
                must(not left and before != "new", "state", f"closed while lot {min(left, default='')} has no result")
                self.state = "closed"
            case "sale.amended":
                amended(self, line)
            case "incident":
                must(data["from"] <= data["to"] <= line.at, "time", "the incident is not over")
                self.outage = (data["from"], data["to"])
            case "tender.closed" | "tender.opened":
                must(self.rules.tender is not None, "state", "not the rules of a tender")
                tender_replaying.SALE[line.type](self.tender, self, line)
            case _:
                raise Undecided(f"{line.type} is not replayed")

    # -- a lot --------------------------------------------------------------------------------------------------------

    def _lot(self, line: Event, lot: Lot) -> None:
        must(lot.state not in FINAL or line.type == "bid.refused", "state", f"after the lot was {lot.state}")
        must(line.at > lot.at, "time", "does not come after the event before it")
        must(line.prev == lot.hash, "prev", "does not follow from the event before it in the lot's book")
        must(not lot.call_moved or line.type == "lot.extended", "extension", "a bid takes the final call back")
        must(lot.owed is None or line.type == "lot.extended", "extension", "the amended end comes first")
        if line.type == "bid.refused":
            must(line.seq == 0 and line.data["after"] == lot.seq, "seq", f"a refusal out of place after {lot.seq}")
            self._refused(line, lot)
        else:
            must(line.seq == lot.seq + 1, "seq", f"{line.seq} after {lot.seq} in the lot's book")
            handler = _HANDLERS.get(line.type)
            if self.rules.tender is not None:
                must(line.type not in tender_replaying.NEVER, "state", "not in a tender")
                handler = tender_replaying.LOT.get(line.type, handler)
            if handler is None:
                raise Undecided(f"{line.type} is not replayed")
            if not line.type.startswith(("bid.", "tender.")):
                must(line.t == line.at, "time", "t is not its own time")
            lot.seq, lot.hash = line.seq, line.hash
            handler(self, line, lot)
        lot.at = line.at

    def name(self, lot: Lot, alias: str) -> None:
        if alias not in lot.aliases:
            must(alias == rules.alias(len(lot.aliases)), "alias", f"{alias} is not the next name")
            lot.aliases.add(alias)

    def _refused(self, line: Event, lot: Lot) -> None:
        data, code = line.data, line.data["code"]
        self.name(lot, data["bidder"])
        must(line.t <= line.at, "time", "arrived after it was decided")
        state = self._state_codes(line, lot)
        if code in STATE_CODES:
            must(code in state, "refusal", f"{code} does not fit the lot's state")
            return
        must(not state, "refusal", f"{code}, though {min(state, default='')} comes first")
        must(code in AMOUNT_CODES or code in CLAIMED_CODES, "refusal", f"unknown code {code[:40]}")
        opened = self.amounts.get(line.n)
        if not self.opened or opened is None or code in CLAIMED_CODES - {"over_limit"}:
            return
        found = rules.judge_amount(self._terms(lot), lot.best, lot.stands, data["bidder"], opened.amount)
        must(found == (code if code in AMOUNT_CODES else None), "refusal", f"{code} where the rules say {found}")

    def _state_codes(self, line: Event, lot: Lot) -> set[str]:
        """What the state of lot and sale gives as a reason; empty when a bid is in time."""
        if (uninvited := self.tender.turned_away(line, lot)) is not None:
            return uninvited
        if lot.state == "withdrawn":
            return {"lot_withdrawn"}
        if lot.state in ("sold", "passed", "closing"):
            return {"lot_closed"}
        if lot.state == "paused":
            return {"lot_paused", "sale_paused"} if self.state == "paused" else {"lot_paused"}
        if self.state == "paused":
            return {"sale_paused"}
        must(lot.state == "open", "refusal", "decided before the lot was open")
        return {"too_late"} if line.t >= lot.clock.end else set()

    def _accepted(self, line: Event, lot: Lot) -> None:
        data, bidder = line.data, line.data["bidder"]
        must(lot.state == "open" and self.state == "open", "state", "a bid was taken while the lot was not open")
        must(line.t <= line.at, "time", "arrived after it was decided")
        must(line.t < lot.clock.end, "late", "a bid was taken at or after the end")
        self.name(lot, bidder)
        opened = self.amounts.get(line.n)
        if opened is not None:
            code = rules.judge_amount(self._terms(lot), lot.best, lot.stands, bidder, opened.amount)
            must(code is None, "amount", f"a bid was taken that the rules refuse: {code}")
        amount = SECRET if opened is None else opened.amount
        lot.live.append(Commitment(bidder, amount, line.seq))
        lot.best[bidder] = (amount, line.seq)
        lot.bids += 1
        before = lot.stands
        self._stand(line, lot)
        end = lot.clock.end
        if (moved := rules.changed(before, lot.stands)) and lot.rules.clerked is None:
            end = closing.end_after_bid(lot.rules.soft_close, end, lot.clock.hard_end, line.t)
        lot.call_moved = moved and end != closing.NEVER and self.rules.clerked is not None
        must(_end(data["end"]) == end, "extension", "the end is not that of the rules")
        must(data["extended"] == (lot.clock.end if end != lot.clock.end else None), "extension", "the old end is wrong")
        lot.clock = closing.Clock(end, lot.clock.hard_end)

    def _voided(self, line: Event, lot: Lot) -> None:
        data = line.data
        must(lot.state in ("open", "paused", "closing"), "state", "voided on a lot that is not running")
        two_agreed(line, none_for="passport_changed")
        gone, live = set(data["seqs"]), {one.seq for one in lot.live}
        must(bool(gone) and len(gone) == len(data["seqs"]) and gone <= live, "void", "voids what is not a live bid")
        lot.live = [one for one in lot.live if one.seq not in gone]
        lot.best = rules.best_of(lot.live)
        self._stand(line, lot)

    def _stand(self, line: Event, lot: Lot) -> None:
        stand(lot, line.data, lot.rules, self.reserves, voided=line.type == "bid.voided")

    def _terms(self, lot: Lot) -> LotTerms:
        return lot.rules.lot(lot.opening, self.reserves.get(lot.reserve_commit or ""))

    # -- acts ---------------------------------------------------------------------------------------------------------

    def begun(self, line: Event, lot: Lot) -> None:
        must(lot.state == "listed" and self.state == "open", "state", "opened out of turn")
        must(_end(line.data["end"]) == lot.clock.end, "end", "is not the listed end")
        lot.state = "open"

    def _extended(self, line: Event, lot: Lot) -> None:
        data, clock = line.data, lot.clock
        must(lot.state == "open" or lot.owed is not None, "state", "extended while not open")
        must(lot.owed is None or data["cause"] == "staff", "extension", "the amended end comes first")
        must(_end(data["from"]) == clock.end, "extension", "the old end is wrong")
        soft, clerked = lot.rules.soft_close, lot.rules.clerked
        match data["cause"]:
            case "staff" if lot.owed is not None:  # as the new plan of ends says
                moved = closing.extended(clock, lot.owed)
            case "staff" if clerked is not None and data["from"] is None:
                must(data["to"] == line.at + clerked.final_call, "extension", "is not the length of the final call")
                moved = closing.Clock(data["to"], clock.hard_end)
            case "bid":
                must(lot.call_moved and data["to"] is None, "extension", "no bid took this call back")
                moved = closing.Clock(closing.NEVER, clock.hard_end)
            case "staff":
                must(data["to"] is not None, "extension", "staff may not move it so")
                must(closing.judge_extend(clock, line.at, data["to"]) is None, "extension", "staff may not move it so")
                moved = closing.extended(clock, data["to"])
            case "outage":
                must(self.outage is not None, "extension", "no outage was recorded")
                since, until = self.outage or (0, 0)
                fits = closing.judge_outage(self.rules.outage, since, until) is None
                moved = closing.after_outage(self.rules.outage, clock, since, until)
                must(fits and moved != clock, "extension", "the outage gives this lot nothing")
            case "slow":
                must(not lot.slowed and line.at >= clock.end, "extension", "slowness extends once, at the end")
                moved, lot.slowed = closing.after_slow(soft, clock), True
            case "group":
                ends = {other.clock.end for other in self.lots.values() if other.state == "open"}
                known = data["to"] in ends or self.hidden > 0  # it may be the end of a lot that is not shown yet
                fits = soft.scope == "group" and known and _end(data["to"]) > clock.end and data["to"] is not None
                must(fits, "extension", "no lot of the group ends then")
                moved = closing.Clock(data["to"], clock.hard_end and max(clock.hard_end, data["to"]))
            case cause:
                raise BadLine("extension", f"unknown cause {cause[:40]}")
        must(_end(data["to"]) == moved.end, "extension", "the end is not that of the rules")
        lot.clock, lot.call_moved, lot.owed = moved, False, None

    def _paused(self, line: Event, lot: Lot) -> None:
        must(lot.state == "open", "state", "paused while not open")
        must(line.at < lot.clock.end, "late", "paused at or after the end")
        lot.clock, lot.state = closing.paused(lot.clock, line.at), "paused"

    def _resumed(self, line: Event, lot: Lot) -> None:
        must(lot.state == "paused" and self.state == "open", "state", "resumed out of turn")
        lot.clock, lot.state = closing.resumed(lot.rules.soft_close, lot.clock, line.at), "open"
        must(_end(line.data["end"]) == lot.clock.end, "extension", "the end is not that of the rules")

    def _noticed(self, line: Event, lot: Lot) -> None:
        """A notice moves nothing."""

    def _reserve_lowered(self, line: Event, lot: Lot) -> None:
        must(lot.rules.reserve_rule == "jump" and not lot.stands.reserve_met, "state", "this reserve may not change")
        must(
            lot.reserve_commit is not None and lot.state in ("listed", "open", "paused"), "state", "no reserve to lower"
        )
        two_agreed(line)
        former = self.reserves.get(lot.reserve_commit or "", lot.most)
        lower = self.reserves.get(line.data["reserve_commit"])
        must(lower is None or lot.opening <= lower < former, "reserve_met", "the reserve was not lowered")
        lot.reserve_commit, lot.least, lot.most = line.data["reserve_commit"], lot.opening, former - 1
        self._stand(line, lot)

    def _closing(self, line: Event, lot: Lot) -> None:
        must(lot.state == "open", "state", "closing while not open")
        end = line.data["end"]
        given_up = self.rules.clerked is not None and end == line.at and not rules.sold(lot.stands)
        must(given_up or end == lot.clock.end <= line.at, "end", "closing before its end")
        lot.clock, lot.state = closing.Clock(end, lot.clock.hard_end), "closing"

    def _reopened(self, line: Event, lot: Lot) -> None:
        must(lot.state == "closing", "state", "reopened after its result")
        two_agreed(line)
        must(line.data["end"] > line.at, "extension", "the new end is not later")
        lot.clock, lot.state = closing.extended(lot.clock, line.data["end"]), "open"

    def _sold(self, line: Event, lot: Lot) -> None:
        must(lot.state == "closing" and rules.sold(lot.stands), "result", "sold, though the rules say it is not")
        must(line.data["bidder"] == lot.stands.leader, "result", f"the winner is {lot.stands.leader}")
        must(line.data["price"] == lot.stands.price, "result", f"the price is {lot.stands.price}")
        lot.state = "sold"

    def _passed(self, line: Event, lot: Lot) -> None:
        must(lot.state == "closing" and not rules.sold(lot.stands), "result", "passed, though the rules say it is sold")
        must(line.data["reason"] == PASSED[bool(lot.live)], "result", f"the reason is {PASSED[bool(lot.live)]}")
        lot.state = "passed"

    def withdrawn(self, line: Event, lot: Lot) -> None:
        must(lot.state in ("listed", "open", "paused"), "state", "withdrawn out of turn")
        if lot.live or "ok" in line.data:
            two_agreed(line)
        lot.state = "withdrawn"


_HANDLERS: Mapping[str, Callable[[Replay, Event, Lot], None]] = {
    "bid.accepted": Replay._accepted,
    "bid.voided": Replay._voided,
    "lot.opened": Replay.begun,
    "lot.extended": Replay._extended,
    "lot.paused": Replay._paused,
    "lot.resumed": Replay._resumed,
    "lot.notice": Replay._noticed,
    "lot.reserve_lowered": Replay._reserve_lowered,
    "lot.closing": Replay._closing,
    "lot.reopened": Replay._reopened,
    "lot.sold": Replay._sold,
    "lot.passed": Replay._passed,
    "lot.withdrawn": Replay.withdrawn,
}


def _end(told: int | None) -> int:
    """An end that is not told is still to be called."""
    return closing.NEVER if told is None else told
