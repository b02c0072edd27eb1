"""Sealed tenders: what an entry comes to, which bid of a bidder is live, who wins and at what price. Pure.

Amounts are whole minor units, weights milli-carats, discounts basis points. A bidder is whoever a limit belongs to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pavilion.auctions.fees import Bands, premium
from pavilion.kernel.money import MAX_AMOUNT, half_up

Entry = Literal["total", "per_carat", "discount"]
Replace = Literal["latest", "highest"]
ENTRIES: tuple[Entry, ...] = ("total", "per_carat", "discount")
LEAST_BP, MOST_BP = -100_000, 10_000  # a discount of the whole price is no bid


@dataclass(frozen=True, slots=True)
class TenderLot:
    lot: str
    mct: int
    minimum: int = 1
    reserve: int | None = None
    benchmark_ppc: int | None = None


class Bid(NamedTuple):
    """One sealed bid as opened, or with `entry` None a withdrawal. `value` is what stood in it, whatever that is."""

    lot: str
    bidder: str
    seq: int
    entry: str | None
    value: object = None


class Judged(NamedTuple):
    """`total` is None for a withdrawal and for what was refused with `code`."""

    total: int | None
    code: str | None


class Live(NamedTuple):
    bidder: str
    total: int
    seq: int


LiveBids = dict[str, dict[str, Live]]  # lot -> bidder -> the bid that counts
Ranking = Mapping[str, Sequence[Live]]  # lot -> best first


class Opened(NamedTuple):
    judged: tuple[Judged, ...]  # of each bid, in the order given
    live: LiveBids


# -- one bid ----------------------------------------------------------------------------------------------------------


def total_of(lot: TenderLot, entry: str, value: object) -> Judged:
    """The total that an entry comes to, before the lot's minimum is asked; the total alone is authoritative."""
    if entry == "discount":
        if lot.benchmark_ppc is None:
            return Judged(None, "no_benchmark")
        if type(value) is not int or not LEAST_BP <= value < MOST_BP:
            return Judged(None, "amount_invalid")
        total = half_up(lot.benchmark_ppc * lot.mct * (10_000 - value), 10_000_000)
    else:
        if type(value) is not int or value <= 0 or entry not in ENTRIES:
            return Judged(None, "amount_invalid")
        total = value if entry == "total" else half_up(value * lot.mct, 1000)
    if total > MAX_AMOUNT:
        return Judged(None, "amount_too_large")
    return Judged(total, None) if total > 0 else Judged(None, "amount_invalid")


def judge(lot: TenderLot, entry: str, value: object, floor: int = 1) -> Judged:
    """The total of a bid that counts, or the code that refuses it. `floor` is the bidder's own, in a final round."""
    judged = total_of(lot, entry, value)
    if judged.total is not None and judged.total < max(lot.minimum, floor):
        return Judged(None, "below_opening")
    return judged


def replaced(former: Live | None, bid: Live, replace: Replace) -> Live:
    """The bid that counts from now on: the same total keeps the priority it had."""
    if former is None:
        return bid
    if replace == "highest":
        return bid if bid.total > former.total else former
    return bid if bid.total != former.total else former


def opened(lots: Mapping[str, TenderLot], bids: Iterable[Bid], replace: Replace) -> Opened:
    """Every bid judged in the order of `seq`, and the live one of each bidder; an invalid bid leaves the former."""
    live: LiveBids = {lot: {} for lot in lots}
    judged: list[Judged] = []
    for bid in bids:
        judged.append(_placed(lots[bid.lot], live[bid.lot], bid, replace))
    return Opened(tuple(judged), live)


def _placed(lot: TenderLot, live: dict[str, Live], bid: Bid, replace: Replace) -> Judged:
    former = live.get(bid.bidder)
    if bid.entry is None:
        if former is None:
            return Judged(None, "nothing_to_withdraw")
        del live[bid.bidder]
        return Judged(None, None)
    said = judge(lot, bid.entry, bid.value)
    if said.total is not None:
        live[bid.bidder] = replaced(former, Live(bid.bidder, said.total, bid.seq), replace)
    return said


def ranked(live: Mapping[str, Mapping[str, Live]]) -> dict[str, tuple[Live, ...]]:
    """Of each lot the live bids, best first: the higher total, then the earlier bid."""
    return {lot: tuple(sorted(bids.values(), key=lambda one: (-one.total, one.seq))) for lot, bids in live.items()}


# -- who wins ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AwardTerms:
    """Bidders without a limit may win whatever they bid for. `drawn` counts the bidders of the first round where
    `ranking` is that of the final one: competition is measured over those who came, not over those invited."""

    price_rule: Literal["first", "second"] = "first"
    min_bidders: int = 1
    limits: Mapping[str, int] = field(default_factory=dict)
    priority: Mapping[str, Sequence[str]] = field(default_factory=dict)
    bands: Bands | None = None
    drawn: Mapping[str, int] | None = None

    def cost(self, total: int) -> int:
        """What winning at the own total would take from a buying limit."""
        return total if self.bands is None else total + premium(total, self.bands)


class Award(NamedTuple):
    """Sold to `winner` at `price`; else why not, and to whom the seller may offer the lot, in this order."""

    lot: str
    winner: str | None
    price: int | None = None
    reason: str | None = None
    offer_order: tuple[str, ...] = ()


class Outcome(NamedTuple):
    awards: tuple[Award, ...]  # in the order of the catalogue
    skipped: dict[str, tuple[str, ...]]  # lot -> ranked bidders whom their limit kept from it, best first


def award(lots: Sequence[TenderLot], ranking: Ranking, terms: AwardTerms) -> Outcome:
    """Who wins each lot, within everybody's buying limit. `lots` stand in the order of the catalogue.

    Each round gives every lot to its best bidder still in question and takes from each bidder what a limit does not
    cover; it ends when nothing is taken. A lot taken from a bidder never comes back, so it does end."""
    excluded: set[tuple[str, str]] = set()
    while marks := _over_limit(lots, candidates := _candidates(lots, ranking, terms, excluded), terms):
        excluded |= marks
    awards = tuple(_award(lot, candidates.get(lot.lot), ranking[lot.lot], terms, excluded) for lot in lots)
    skipped = {
        lot.lot: tuple(one.bidder for one in ranking[lot.lot] if (lot.lot, one.bidder) in excluded) for lot in lots
    }
    return Outcome(awards, skipped)


def _candidates(
    lots: Sequence[TenderLot], ranking: Ranking, terms: AwardTerms, excluded: set[tuple[str, str]]
) -> dict[str, Live]:
    found: dict[str, Live] = {}
    for lot in lots:
        if not _enough(lot, ranking, terms):
            continue
        best = next((one for one in ranking[lot.lot] if (lot.lot, one.bidder) not in excluded), None)
        if best is not None and (lot.reserve is None or best.total >= lot.reserve):
            found[lot.lot] = best
    return found


def _enough(lot: TenderLot, ranking: Ranking, terms: AwardTerms) -> bool:
    came = len(ranking[lot.lot]) if terms.drawn is None else terms.drawn[lot.lot]
    return came >= terms.min_bidders


def _over_limit(lots: Sequence[TenderLot], candidates: Mapping[str, Live], terms: AwardTerms) -> set[tuple[str, str]]:
    """The lots that each bidder's limit does not reach, walked in the order that this bidder chose."""
    marks: set[tuple[str, str]] = set()
    for bidder, limit in terms.limits.items():
        wanted = terms.priority.get(bidder, ())
        named = {lot: place for place, lot in reversed(list(enumerate(wanted)))}
        own = [lot.lot for lot in lots if lot.lot in candidates and candidates[lot.lot].bidder == bidder]
        spent = 0
        for lot in sorted(own, key=lambda one: named.get(one, len(wanted))):  # stable: the rest as in the catalogue
            cost = terms.cost(candidates[lot].total)
            if spent + cost <= limit:
                spent += cost
            else:
                marks.add((lot, bidder))
    return marks


def _award(
    lot: TenderLot, winner: Live | None, ranks: Sequence[Live], terms: AwardTerms, excluded: set[tuple[str, str]]
) -> Award:
    left = [one for one in ranks if (lot.lot, one.bidder) not in excluded]
    if winner is not None:
        return Award(lot.lot, winner.bidder, _price(lot, winner, left, terms))
    if not ranks:
        return Award(lot.lot, None, reason="no_bids")
    if not _enough(lot, {lot.lot: ranks}, terms):
        return Award(lot.lot, None, reason="too_few_bidders")
    if not left:
        return Award(lot.lot, None, reason="limits")
    return Award(lot.lot, None, reason="reserve_not_met", offer_order=tuple(one.bidder for one in left))


def _price(lot: TenderLot, winner: Live, left: Sequence[Live], terms: AwardTerms) -> int:
    if terms.price_rule == "first":
        return winner.total
    others = [one.total for one in left if one.bidder != winner.bidder]
    return max([lot.minimum, lot.reserve or 0, *others])


# -- best and final ---------------------------------------------------------------------------------------------------


def invited(ranks: Sequence[Live], top: int, within_bp: int) -> tuple[Live, ...]:
    """The first `top` of the rank, as far as they come near the best."""
    near = ranks[0].total * (10_000 - within_bp) if ranks else 0
    return tuple(one for one in ranks[:top] if one.total * 10_000 >= near)


def final_round(ranking: Ranking, top: int, within_bp: int, min_bidders: int) -> dict[str, tuple[Live, ...]]:
    """The invited of each lot that has a second round. One bidder alone has nobody to outbid, and a lot that drew too
    few is awarded to nobody whatever they bid: neither is opened again."""
    found = {lot: invited(ranks, top, within_bp) for lot, ranks in ranking.items() if len(ranks) >= min_bidders}
    return {lot: guests for lot, guests in found.items() if len(guests) > 1}


def standing(bids: Iterable[tuple[str, Live]], replace: Replace) -> LiveBids:
    """The live bid of each bidder, from valid bids (lot, bid) in the order of `seq`."""
    live: LiveBids = {}
    for lot, bid in bids:
        held = live.setdefault(lot, {})
        held[bid.bidder] = replaced(held.get(bid.bidder), bid, replace)
    return live


def finals(
    lots: Mapping[str, TenderLot], guests: Mapping[str, Sequence[Live]], bids: Iterable[Bid], replace: Replace
) -> Opened:
    """The second round: everybody invited stands with the first total until a final bid, not below it, replaces it.

    To others the lot is closed. A final bid that is withdrawn leaves the first total: that one cannot be withdrawn."""
    first = {lot: {one.bidder: one for one in guests.get(lot, ())} for lot in lots}
    live = {lot: dict(held) for lot, held in first.items()}
    judged: list[Judged] = []
    for bid in bids:
        judged.append(_finally(lots[bid.lot], first[bid.lot], live[bid.lot], bid, replace))
    return Opened(tuple(judged), live)


def _finally(lot: TenderLot, first: Mapping[str, Live], live: dict[str, Live], bid: Bid, replace: Replace) -> Judged:
    own = first.get(bid.bidder)
    if own is None:
        return Judged(None, "lot_closed")
    former = live[bid.bidder]
    if bid.entry is None:
        live[bid.bidder] = own
        return Judged(None, "nothing_to_withdraw" if former == own else None)
    said = judge(lot, bid.entry, bid.value, floor=own.total)
    if said.total is not None:
        live[bid.bidder] = replaced(former, Live(bid.bidder, said.total, bid.seq), replace)
    return said
