"""The public vectors of bidding, run against the same rules the engine uses."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from pavilion.bidding import closing, tender
from pavilion.bidding.closing import Clock, Outage, SoftClose
from pavilion.bidding.rules import Commitment, Increments, LotTerms, Standing, best_of, judge_amount, standing
from pavilion.bidding.tender import Award, AwardTerms, Bid, TenderLot

Vector = Mapping[str, Any]


def check(line: Vector, header: Vector) -> str | None:
    """None when this bidding vector holds, else `expected … got …` of the first member that differs."""
    return differs(line["expect"], _run_bids(line, header.get("tables", {})))


def check_soft_close(line: Vector, header: Vector) -> str | None:
    """The same for a soft-close vector."""
    return differs(line["expect"], _Room(line).run())


def check_tender(line: Vector, header: Vector) -> str | None:
    """The same for a tender vector."""
    return differs(line["expect"], _run_tender(line))


def differs(expect: Vector, got: Vector) -> str | None:
    for member, value in expect.items():
        if member not in got:
            return f"expected {member} {value!r} got nothing: unknown member"
        if got[member] != value or type(got[member]) is not type(value):
            return f"expected {member} {value!r} got {got[member]!r}"
    return None


# -- bidding ----------------------------------------------------------------------------------------------------------


class Played(NamedTuple):
    """The bids of a vector as the rules took them."""

    terms: LotTerms
    live: list[Commitment]
    stands: Standing
    codes: list[str | None]
    trace: list[list[Any]]


def play_bids(line: Vector, tables: Vector) -> Played:
    table = tables[line["inc"]] if isinstance(line["inc"], str) else line["inc"]
    increments = Increments(tuple((start, step) for start, step in table), line.get("mode", "add"))
    terms = LotTerms(line["open"], line.get("reserve"), line.get("rule", "jump"), increments)
    live: list[Commitment] = []
    codes: list[str | None] = []
    trace: list[list[Any]] = []
    stands = standing(terms, {})
    for seq, item in enumerate(line["bids"], start=1):
        codes.append(_void(live, item) if isinstance(item, dict) else _bid(terms, live, stands, item, seq))
        stands = standing(terms, best_of(live))
        trace.append(list(stands))
    return Played(terms, live, stands, codes, trace)


def _run_bids(line: Vector, tables: Vector) -> dict[str, Any]:
    played = play_bids(line, tables)
    return _stated(played.stands) | {
        "codes": played.codes,
        "accept": [int(code is None) for code in played.codes],
        "trace": played.trace,
    }


def _bid(terms: LotTerms, live: list[Commitment], stands: Standing, item: list[Any], seq: int) -> str | None:
    bidder, amount = item
    code = judge_amount(terms, best_of(live), stands, bidder, amount)
    if code is None:
        live.append(Commitment(bidder, amount, seq))
    return code


def _void(live: list[Commitment], item: Vector) -> str | None:
    kept = [held for held in live if held.bidder != item.get("bidder") and held.seq != item.get("item")]
    if len(kept) == len(live):
        return "nothing_to_void"
    live[:] = kept
    return None


def _stated(stands: Standing) -> dict[str, Any]:
    return {
        "leader": stands.leader, "price": stands.price, "next": stands.ask, "reserve_met": stands.reserve_met
    }  # fmt: skip


# -- soft close -------------------------------------------------------------------------------------------------------


class _Room:
    """All lots of one vector."""

    def __init__(self, line: Vector) -> None:
        self.line = line
        self.soft = SoftClose(
            line["window"], line["extension"], line["mode"], line.get("scope", "lot"), line.get("hard_end")
        )
        self.delay = line.get("edge_delay", 2_000_000)
        usual = Outage()
        self.outage = Outage(
            line.get("outage_min", usual.min),
            line.get("outage_span", usual.span),
            line.get("outage_grant", usual.grant),
        )
        self.clocks = [Clock(end, self.soft.hard_end) for end in line["ends"]]
        self.largest: dict[str, int] = {}

    def run(self) -> dict[str, Any]:
        codes: list[str | None] = []
        after: list[list[int]] = []
        for item in self.line["items"]:
            codes.append(getattr(self, f"_{item['op']}")(item.get("lot", 0), item))
            after.append([clock.end for clock in self.clocks])
        states = [clock.state for clock in self.clocks]
        return {"codes": codes, "accept": [int(code is None) for code in codes], "after": after, "states": states}

    def _bid(self, lot: int, item: Vector) -> str | None:
        t = item["t"] if "t" in item else self._stamped(item)
        if (code := closing.judge_bid(self.clocks[lot], t)) is not None:
            return code
        if item.get("trigger", True):
            moved = closing.after_bid(self.soft, self.clocks[lot], t)
            for other in self._group(lot, "open"):
                self.clocks[other] = replace(self.clocks[other], end=moved.end)
        return None

    def _stamped(self, item: Vector) -> int:
        edge = item["edge"]
        t = closing.effective(item["stamp"], item["recv"], self.delay, self.largest.get(edge))
        self.largest[edge] = t
        return t

    def _close(self, lot: int, item: Vector) -> str | None:
        code = closing.judge_close(self.clocks[lot], item["now"], item["watermarks"], self.delay)
        if code is None:
            self._each(lot, "open", closing.closed)
        return code

    def _pause(self, lot: int, item: Vector) -> str | None:
        code = closing.judge_pause(self.clocks[lot], item["now"])
        if code is None:
            self._each(lot, "open", lambda clock: closing.paused(clock, item["now"]))
        return code

    def _resume(self, lot: int, item: Vector) -> str | None:
        code = closing.judge_resume(self.clocks[lot])
        if code is None:
            self._each(lot, "paused", lambda clock: closing.resumed(self.soft, clock, item["now"]))
        return code

    def _extend(self, lot: int, item: Vector) -> str | None:
        code = closing.judge_extend(self.clocks[lot], item["now"], item["to"])
        if code is None:
            self._each(lot, "open", lambda clock: closing.extended(clock, item["to"]))
        return code

    def _outage(self, lot: int, item: Vector) -> str | None:
        if (code := closing.judge_outage(self.outage, item["from"], item["now"])) is not None:
            return code
        self.clocks = [closing.after_outage(self.outage, clock, item["from"], item["now"]) for clock in self.clocks]
        return None

    def _each(self, lot: int, state: str, move: Any) -> None:
        for other in self._group(lot, state):
            self.clocks[other] = move(self.clocks[other])

    def _group(self, lot: int, state: str) -> list[int]:
        """The lot, with scope `group` all lots, that are in this state."""
        lots = range(len(self.clocks)) if self.soft.scope == "group" else (lot,)
        return [other for other in lots if self.clocks[other].state == state]


# -- tender -----------------------------------------------------------------------------------------------------------


def _run_tender(line: Vector) -> dict[str, Any]:
    lots = [
        TenderLot(lot["lot"], lot["mct"], lot.get("minimum", 1), lot.get("reserve"), lot.get("benchmark_ppc"))
        for lot in line["lots"]
    ]
    found = tender.opened(
        {lot.lot: lot for lot in lots},
        [_sealed(bid, seq) for seq, bid in enumerate(line["bids"], start=1)],
        line.get("replace", "latest"),
    )
    ranking = tender.ranked(found.live)
    terms = AwardTerms(
        line.get("price_rule", "first"),
        line.get("min_bidders", 1),
        line.get("limits", {}),
        line.get("priority", {}),
        line.get("bands"),
    )
    outcome = tender.award(lots, ranking, terms)
    final = line.get("best_and_final")
    guests = (
        {lot: tender.invited(ranks, final["top"], final["within_bp"]) for lot, ranks in ranking.items()}
        if final
        else {}
    )
    return {
        "totals": [judged.total for judged in found.judged],
        "codes": [judged.code for judged in found.judged],
        "ranking": _names(ranking),
        "awards": [_awarded(award) for award in outcome.awards],
        "skipped": {lot: list(bidders) for lot, bidders in outcome.skipped.items()},
        "invited": _names(guests),
    }


def _sealed(bid: Vector, seq: int) -> Bid:
    entry = bid["entry"]
    if entry == "withdraw":
        return Bid(bid["lot"], bid["bidder"], seq, None)
    return Bid(bid["lot"], bid["bidder"], seq, entry, bid["bp" if entry == "discount" else "amount"])


def _names(ranking: tender.Ranking) -> dict[str, list[str]]:
    return {lot: [one.bidder for one in ranks] for lot, ranks in ranking.items()}


def _awarded(award: Award) -> dict[str, Any]:
    if award.winner is not None:
        return {"lot": award.lot, "winner": award.winner, "price": award.price}
    return {"lot": award.lot, "winner": None, "reason": award.reason, "offer_order": list(award.offer_order)}
