"""Why a bidder's own lot went as it did: the lot's book told to one bidder, as codes and facts. Pure.

Of others nothing is told but what the prices themselves show: a price is one step above the second highest maximum, or
the leader's whole maximum, or the reserve.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pavilion.bidding.rules import HOUSE
from pavilion.kernel.instants import from_stamp

Event = Mapping[str, Any]


class Why(NamedTuple):
    """One sentence: its code `why_…`, and the amounts and instants that it names. `price`, `amount` are minor units."""

    at: datetime
    code: str
    price: int | None = None
    amount: int | None = None
    to: datetime | None = None
    reason: str | None = None
    n: int | None = None  # the own bid that it tells of
    rank: int | None = None  # of a sealed bid, among `of`
    of: int | None = None


def tell(
    events: Iterable[Event], own: Mapping[int, int | None], rule: str, amended: Mapping[str, str] | None = None
) -> list[Why]:
    """The story from the bidder's first bid on. `events`: all of the lot's book with the bidder's own refusals and the
    amendments of its rules, by n; `own`: the bidder's amounts by n, None where it is not known any more; `rule`: that
    of the reserve, as published, and in `amended` as it is under each rule set that the lot was given since."""
    return list(_Story(own, rule, amended or {}).of(events))


class _Story:
    def __init__(self, own: Mapping[int, int | None], rule: str, amended: Mapping[str, str]) -> None:
        self.own, self.rule, self.rules = own, rule, amended
        self.alias: str | None = None
        self.most: int | None = None  # the bidder's highest maximum so far
        self.leader: str | None = None
        self.price: int | None = None
        self.met: bool | None = None
        self.others: set[str] = set()

    def of(self, events: Iterable[Event]) -> Iterable[Why]:
        for event in events:
            data, at = event["data"], from_stamp(event["at"])
            if event["type"] == "sale.amended":
                self.rule = self.rules.get(data["to"], self.rule)
            if event["type"] == "lot.listed":
                self.rule = self.rules.get(data.get("rules"), self.rule)
            if event["type"] in ("bid.accepted", "bid.refused") and event["n"] in self.own:
                self.alias = data["bidder"]
            if self.alias is not None and (tell := _TELLERS.get(event["type"])) is not None:
                yield from tell(self, event, data, at)
            if event["type"] == "bid.accepted" and event["n"] not in self.own:
                self.others.add(data["bidder"])
            if "leader" in data:
                self.leader, self.price, self.met = data["leader"], data["price"], data["reserve_met"]

    def accepted(self, event: Event, data: Event, at: datetime) -> Iterable[Why]:
        if event["n"] in self.own:
            amount = self.own[event["n"]]
            self.most = amount if amount is not None else self.most
            yield Why(at, "why_bid" if amount is not None else "why_bid_unknown", amount=amount, n=event["n"])
            yield Why(at, self._after_own(data, amount), price=data["price"], amount=amount)
        elif data["price"] != self.price or data["leader"] != self.leader:
            yield Why(at, self._after_other(data), price=data["price"])
        if data["extended"] is not None:
            yield Why(at, "why_extended", to=from_stamp(data["end"]))

    def _after_own(self, data: Event, amount: int | None) -> str:
        if data["leader"] == HOUSE:
            return "why_seller"
        if data["leader"] != self.alias:
            return "why_tied" if data["price"] == amount else "why_not_enough"
        if data["reserve_met"] is False and self.rule != "jump":
            return "why_lead_shown"
        if data["reserve_met"] and self.met is False:
            return "why_lead_reserve"
        if self.leader == self.alias:
            return "why_raised" if data["price"] == self.price else "why_raised_price"
        if not self.others:
            return "why_lead_first"
        return "why_lead_whole" if data["price"] == amount else "why_lead_step"

    def _after_other(self, data: Event) -> str:
        if data["leader"] == self.alias:
            return "why_held" if self.leader == self.alias else "why_lead_again"
        if data["leader"] == HOUSE:
            return "why_seller"
        return "why_outbid" if self.leader == self.alias else "why_others"

    def refused(self, event: Event, data: Event, at: datetime) -> Iterable[Why]:
        if event["n"] in self.own:
            yield Why(at, "why_refused", amount=self.own[event["n"]], reason=data["code"], n=event["n"])

    def voided(self, event: Event, data: Event, at: datetime) -> Iterable[Why]:
        yield Why(at, "why_voided", reason=data["reason"])
        if data["leader"] == self.alias:
            yield Why(at, "why_lead_again" if self.leader != self.alias else "why_price_now", price=data["price"])
        elif data["price"] is not None:
            yield Why(at, "why_price_now", price=data["price"])

    def lowered(self, event: Event, data: Event, at: datetime) -> Iterable[Why]:
        yield Why(at, "why_reserve_lowered", price=data["price"])

    def extended(self, event: Event, data: Event, at: datetime) -> Iterable[Why]:
        if data["from"] is None:
            yield Why(at, "why_called", to=from_stamp(data["to"]))
        elif data["to"] is None:
            yield Why(at, "why_call_off")
        else:
            yield Why(at, f"why_extended_{data['cause']}", to=from_stamp(data["to"]))

    def amended(self, event: Event, data: Event, at: datetime) -> Iterable[Why]:
        yield Why(at, "why_amended")

    def paused(self, event: Event, data: Event, at: datetime) -> Iterable[Why]:
        yield Why(at, "why_paused", reason=data["reason"])

    def runs_again(self, event: Event, data: Event, at: datetime) -> Iterable[Why]:
        to = None if data["end"] is None else from_stamp(data["end"])
        yield Why(at, "why_runs_again" if to is not None else "why_runs_uncalled", to=to)

    def sold(self, event: Event, data: Event, at: datetime) -> Iterable[Why]:
        if data["bidder"] == self.alias:
            yield Why(at, "why_won", price=data["price"])
        else:
            known = self.most is not None
            yield Why(at, "why_lost" if known else "why_lost_unknown", price=data["price"], amount=self.most)

    def passed(self, event: Event, data: Event, at: datetime) -> Iterable[Why]:
        yield Why(at, "why_passed", reason=data["reason"])

    def withdrawn(self, event: Event, data: Event, at: datetime) -> Iterable[Why]:
        yield Why(at, "why_withdrawn", reason=data["reason"])


_TELLERS: Mapping[str, Callable[[_Story, Event, Event, datetime], Iterable[Why]]] = {
    "bid.accepted": _Story.accepted,
    "bid.refused": _Story.refused,
    "bid.voided": _Story.voided,
    "lot.reserve_lowered": _Story.lowered,
    "lot.extended": _Story.extended,
    "lot.paused": _Story.paused,
    "lot.resumed": _Story.runs_again,
    "lot.reopened": _Story.runs_again,
    "sale.amended": _Story.amended,
    "lot.sold": _Story.sold,
    "lot.passed": _Story.passed,
    "lot.withdrawn": _Story.withdrawn,
}
