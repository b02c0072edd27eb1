"""The page of a sale and of a lot, made from what a reader may see: as it stands, or as a preview would have it."""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.responses import Response

from pavilion.accounts.rules import Actor
from pavilion.auctions import rates, versions
from pavilion.auctions.queries import headings_of
from pavilion.bidding import handing, lines, queries, showing
from pavilion.bidding import own_bids as own
from pavilion.bidding.asking import asks_of
from pavilion.bidding.closures import closed_to
from pavilion.bidding.lanes import next_of
from pavilion.bidding.news import Mine
from pavilion.bidding.showing import LotShown, Purse, SaleShown
from pavilion.bidding.still import still_of
from pavilion.kernel.instants import stamp
from pavilion.kernel.money import MAX_AMOUNT, decimal_text, parse_minor
from pavilion.provenance.passport_showing import with_passport
from pavilion.webkit.deps import Reading
from pavilion.webkit.html import page

HALF_DAY = 43_200  # seconds around now in which a clock without its day is understood


class Told(NamedTuple):
    """What came of the reader's last bid, above the form."""

    good: bool
    code: str
    max: int | None = None
    receipt: str | None = None


async def show_sale(
    request: Request, session: Reading, shown: SaleShown, actor: Actor, mine: Mine | None, now: datetime, show: str
) -> Response:
    """The page of this sale for this reader; a preview shows the same page of a sale that nobody sees yet."""
    purse = await showing.purse_of(session, shown, actor, mine, now)
    kept = {
        "all": list(shown.lots),
        "open": [lot for lot in shown.lots if not lot.is_decided],
        "yours": [lot for lot in shown.lots if lot.own],
        "decided": [lot for lot in shown.lots if lot.is_decided],
    }
    show = show if show in kept else "all"
    return page(
        request,
        "bidding/sale.html",
        sale=shown,
        purse=purse,
        now=now,
        stamp=stamp,
        soon=_soon(now),
        lots=kept[show],
        show=show,
        counts={kind: len(lots) for kind, lots in kept.items()},
        marks=handing.marks_of(shown, now),
        outages=await lines.outages(session, shown.id),
        minutes=handing.minutes,
        facts=handing.facts_for_script(shown, purse, None, False),
        headings=await headings_of(session, shown.id),
        version=await versions.latest(session, shown.id),
    )


async def show_lot(
    request: Request,
    session: Reading,
    sale: SaleShown,
    lot: LotShown,
    actor: Actor,
    mine: Mine | None,
    now: datetime,
    *,
    lanes: Any = None,
    typed: str = "",
    told: Told | None = None,
    fault: str | None = None,
    status: int = 200,
) -> Response:
    """The room with this lot in focus, or, without lanes, the page of the lot alone."""
    whole, sale = sale, sale.ruled(lot)
    purse = (await showing.purse_of(session, sale, actor, mine, now)).of(lot)
    held = lot.held
    closure = purse.destination and await closed_to(session, lot.id, held, purse.destination, now.date())
    book = await lines.book_shown(session, lot.id, lot.own.alias if lot.own else None, withheld=lot.withheld)
    own_bids = await own.own_bids(session, sale.id, purse.paddle, lot.id)
    asks = await asks_of(session, sale, lot, actor, purse, own_bids, now)
    amount = parse_minor(typed, lot.currency)
    amount = amount if amount is not None and 0 < amount <= MAX_AMOUNT else None
    cost = purse.cost(amount) if amount else None
    about = await rates.shown(session, request.cookies.get(rates.COOKIE), lot.currency)
    return page(
        request,
        "bidding/room.html",
        status,
        **facts_of(sale, lot, purse, now),
        lanes=lanes or [],
        alone=lanes is None,
        next_lot=next_of(lanes or [], lot),
        book=book.lines,
        steps=book.steps,
        bidders=book.bidders,
        notices=asks.unread(book.notices),
        reason=next((line.reason for line in book.lines if line.event in ("paused", "passed", "withdrawn")), ""),
        told=told,
        about=about,
        reserve=await queries.opened_reserve(session, lot.id),
        closure=closure or None,
        still=await still_of(session, lot, book.lines),
        passports=await with_passport(session, held),
        away=mine is None and purse.paddle is not None,
        fault=fault,
        typed=amount,
        voided=book.void_of([bid.seq for bid in own_bids]),
        typed_text=typed if fault else handing.typed_text(amount, lot.currency),
        typed_cost=cost,
        left_after=left_after(sale, lot, purse, amount),
        rungs=handing.rungs_of(sale.rules.increments, lot.ask, lot.leading_max),
        ask_cost=purse.cost(lot.ask),
        price_cost=purse.cost(lot.price or lot.opening),
        own_bids=own_bids,
        asks=asks,
        filmed=await request.app.state.filmed(session, sale.id, held, actor),
        facts=handing.facts_for_script(whole, purse, lot.id, lanes is None)
        | {"away": mine is None and purse.paddle is not None, "about": about.for_script() if about else None},
    )


def left_after(sale: SaleShown, lot: LotShown, purse: Purse, amount: int | None) -> int | None:
    """The limit left if this maximum stood: the lot's own present weight is taken off first."""
    if amount is None or purse.headroom is None:
        return None
    fees = sale.rules.limits_include_fees
    weighed = [purse.cost(sum_).total if fees else sum_ for sum_ in (lot.leading_max or 0, amount)]
    return purse.headroom + weighed[0] - weighed[1]


def _soon(now: datetime) -> Callable[[datetime], bool]:
    return lambda at: abs((at - now).total_seconds()) < HALF_DAY


def facts_of(sale: SaleShown, lot: LotShown, purse: Purse, now: datetime) -> dict[str, Any]:
    """What every page of a lot uses."""
    return {
        "sale": sale,
        "lot": lot,
        "purse": purse,
        "now": now,
        "key": lambda: secrets.token_hex(16),
        "plain": lambda minor: decimal_text(minor, sale.currency).removesuffix(".00"),
        "stamp": stamp,
        "soon": _soon(now),
    }
