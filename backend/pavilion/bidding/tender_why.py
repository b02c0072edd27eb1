"""What came of a bidder's own sealed bids: total, rank, and whether the own limit passed a bid over. To nobody else: a
limit is private, and of others no more is told than how many were ranked.

Nothing is known here before the award: until then no total stands outside the custody."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.fees import Bands, premium
from pavilion.bidding import tender_queries
from pavilion.bidding.models import BookEvent
from pavilion.bidding.showing import Purse, SaleShown
from pavilion.bidding.tender_queries import OwnSealed, Ranked
from pavilion.bidding.why import Why
from pavilion.kernel.instants import from_stamp


class Over(NamedTuple):
    """Why a bid above the winner's did not win. `amount` is what it counts, `bound` what it does not fit into; None
    where neither fits any more to what stands today, or where premium does not count."""

    code: str
    amount: int | None = None
    bound: int | None = None


class OwnTotal(NamedTuple):
    """The own bid that counted on a lot, among those ranked."""

    total: int
    rank: int
    of: int
    over: Over | None


class Limits(NamedTuple):
    """What one bidder may and wants to spend; `bands` where premium counts."""

    wish: int | None
    limit: int | None
    bands: Bands | None

    def over(self, total: int, won: int) -> Over:
        """`won`: what the lots count that this bidder won."""
        if self.bands is None:
            return Over("why_over")
        cost = total + premium(total, self.bands)
        bounds = [("sum", self.wish), ("limit", self.limit)]
        known = sorted((bound, name) for name, bound in bounds if bound is not None)
        for spent, suffix in ((0, ""), (won, "_with")):
            for bound, name in known:
                if spent + cost > bound:
                    return Over(f"why_over_{name}{suffix}", cost, bound)
        return Over("why_over")

    def spent(self, totals: Iterable[int]) -> int:
        return sum(total + (0 if self.bands is None else premium(total, self.bands)) for total in totals)


def reckoned(
    ranks: Mapping[str, Sequence[Ranked]], results: Mapping[str, Mapping[str, Any]], paddle: int, limits: Limits
) -> dict[str, OwnTotal]:
    """By lot, from the ranks as they were opened and the results as they stand in the book."""
    places = {
        lot: place for lot, held in ranks.items() for place, one in enumerate(held) if one.paddle == paddle
    }  # fmt: skip
    won = [ranks[lot][k].total for lot, k in places.items() if _winner(results.get(lot)) == ranks[lot][k].bidder]
    spent = limits.spent(won)
    found = {}
    for lot, place in places.items():
        own, result = ranks[lot][place], results.get(lot, {})
        over = limits.over(own.total, spent) if _passed_over(ranks[lot], place, result) else None
        found[lot] = OwnTotal(own.total, place + 1, len(ranks[lot]), over)
    return found


def _winner(result: Mapping[str, Any] | None) -> str | None:
    return result["bidder"] if result is not None and result["kind"] == "lot.sold" else None


def _passed_over(ranks: Sequence[Ranked], place: int, result: Mapping[str, Any]) -> bool:
    if (winner := _winner(result)) is not None:
        return place < next((k for k, one in enumerate(ranks) if one.bidder == winner), 0)
    return result.get("reason") == "limits"


async def own_totals(session: AsyncSession, sale: SaleShown, purse: Purse, company: int | None) -> dict[str, OwnTotal]:
    """Nothing before the award, and nothing for who holds no paddle."""
    if sale.rules.tender is None or purse.paddle is None:
        return {}
    ranks = await tender_queries.ranks(session, sale.id, sale.rules.tender.replace)
    wish = await tender_queries.wish_of(session, sale.id, company)
    bands = sale.rules.premium_bands if sale.rules.limits_include_fees else None
    limits = Limits(wish.limit if wish else None, purse.limit, bands)
    return reckoned(ranks, await tender_queries.results(session, sale.id), purse.paddle, limits)


# -- the same in sentences --------------------------------------------------------------------------------------------


async def story(session: AsyncSession, sale: SaleShown, lot: str, purse: Purse, company: int | None) -> list[Why]:
    """What happened to the reader's sealed bids on this lot, step by step."""
    own = await tender_queries.own_sealed(session, sale.id, purse.paddle, lot)
    opening = BookEvent.lot.is_(None) & (BookEvent.type == "tender.opened")
    wanted = select(BookEvent.body).where(BookEvent.sale == sale.id, or_(BookEvent.lot == lot, opening))
    events = [json.loads(body) for body in await session.scalars(wanted.order_by(BookEvent.n))]
    totals = await own_totals(session, sale, purse, company)
    return list(tell(events, {one.n: one for one in own}, totals.get(lot)))


def tell(events: Sequence[Mapping[str, Any]], own: Mapping[int, OwnSealed], total: OwnTotal | None) -> Iterable[Why]:
    """`events`: of the lot, and the openings of the sale, by n; `own`: the reader's sealed bids by n."""
    last = max((event["n"] for event in events if event["type"] == "tender.opened"), default=None)
    for event in events:
        at, data, n = from_stamp(event["at"]), event["data"], event["n"]
        match event["type"]:
            case "tender.sealed" if n in own:
                yield Why(at, "why_sealed", n=n)
            case "tender.withdrawn" if n in own:
                yield Why(at, "why_taken_back", n=n)
            case "tender.opened" if n == last:
                for one in sorted(own.values(), key=lambda one: one.n):
                    if one.opened and one.total is None:
                        yield Why(at, "why_opened_void", reason=one.code, n=one.n)
                    elif one.opened:
                        yield Why(at, "why_opened", amount=one.total, n=one.n)
                if total is not None:
                    yield Why(at, "why_rank", amount=total.total, rank=total.rank, of=total.of)
            case "lot.sold":
                if total is not None and total.over is not None:
                    yield Why(at, total.over.code, price=total.over.bound, amount=total.over.amount)
                mine = any(held["data"]["bidder"] == data["bidder"] for held in events if held["n"] in own)
                yield Why(at, "why_won" if mine else "why_lost_unknown", price=data["price"])
            case "lot.passed":
                if total is not None and total.over is not None:
                    yield Why(at, total.over.code, price=total.over.bound, amount=total.over.amount)
                yield Why(at, "why_passed", reason=data["reason"])
            case "lot.withdrawn":
                yield Why(at, "why_withdrawn", reason=data["reason"])
            case _:
                pass
