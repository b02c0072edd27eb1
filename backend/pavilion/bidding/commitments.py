"""Who stood behind a lot when it ended, and how far: read for settlement alone, once nobody can bid on it any more.

The maxima come from the book itself, under the key of the sale, or for a tender from the opened envelopes. They leave
this process only as one bidder's own price.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Registration, Sale
from pavilion.bidding import rule_sets, rules, tender_queries
from pavilion.bidding.models import BookBid, BookEvent, BookLot, BookLotState, SaleBook
from pavilion.bidding.rules import Commitment, LotTerms, RuleSet
from pavilion.bidding.ruleset import parse_rules
from pavilion.bidding.vault import SaleVault, Vault
from pavilion.kernel.errors import ActNotAllowed, NotFound

ENDED = frozenset({BookLotState.SOLD, BookLotState.PASSED})


@dataclass(frozen=True, slots=True)
class Behind:
    """A company that stood behind the lot, under the registration it bid with."""

    company_id: int
    registration: str
    paddle: str
    destination: str
    state: str
    reached_at: datetime  # when the book took its own maximum


@dataclass(frozen=True, slots=True)
class Ended:
    """A lot at its end. `best`: by company (as text), the own maximum and since when it stands; the seller's own bids
    are not in it."""

    lot: str
    sale: str
    number: str
    currency: str
    state: str
    ended_at: datetime
    published_end: datetime
    terms: LotTerms
    first_price: bool  # a tender in which the winner pays the own bid
    offer_days: int  # business days in which a passed lot may be offered to those who bid on it
    best: Mapping[str, tuple[int, int]]
    behind: Mapping[str, Behind]


async def ended(session: AsyncSession, vault: Vault, lot: str) -> Ended:
    """Everything that a counterfactual asks of a lot that was sold or passed."""
    row = await session.get(BookLot, lot)
    if row is None:
        raise NotFound()
    if row.state not in ENDED:
        raise ActNotAllowed(state=row.state)
    book = await session.get_one(SaleBook, row.sale)
    document = (await rule_sets.amended(session, row.sale)).document_of(lot) or json.loads(book.rules)
    ruled = parse_rules(document)
    safe = vault.of_sale(book.sale, book.wrapped_key)
    reserve = None if row.sealed_reserve is None else safe.open_reserve(row.sealed_reserve, lot)[0]
    if ruled.tender is not None:
        live = await _opened(session, row, ruled)
    else:
        live = await _bid(session, row, safe)
    best = rules.best_of(Commitment(paddle, amount, seq) for paddle, amount, seq, _ in live)
    reached = {(paddle, seq): at for paddle, _, seq, at in live}
    companies = await _companies(session, row.sale, {int(paddle) for paddle in best})
    last = await session.scalar(
        select(BookEvent.at).where(BookEvent.lot == lot, BookEvent.type == f"lot.{row.state}").order_by(BookEvent.n)
    )
    behind = {
        str(one.company_id): Behind(
            one.company_id,
            one.public_id,
            one.paddle_text,
            one.destination,
            one.state,
            reached[paddle, best[paddle][1]],
        )
        for paddle, one in companies.items()
    }
    return Ended(
        lot=lot,
        sale=row.sale,
        number=row.number,
        currency=row.currency,
        state=row.state,
        ended_at=last or row.end,
        published_end=row.published_end,
        terms=ruled.lot(row.opening, reserve),
        first_price=ruled.tender is not None and ruled.tender.price_rule == "first",
        offer_days=ruled.passed_offer_days,
        best={str(companies[paddle].company_id): held for paddle, held in best.items() if paddle in companies},
        behind=behind,
    )


async def reached_at(session: AsyncSession, lot: str, registration: str) -> datetime | None:
    """When the book took the last bid of this registration on the lot that no void took away: each is higher than the
    one before, so it is the own maximum."""
    voided = await _voided(session, lot)
    same = (BookEvent.sale == BookBid.sale) & (BookEvent.n == BookBid.n)
    wanted = select(BookBid.seq, BookEvent.at).join(BookEvent, same)
    wanted = wanted.join(Sale, Sale.public_id == BookBid.sale)
    wanted = wanted.join(Registration, (Registration.sale_id == Sale.id) & (Registration.paddle == BookBid.paddle))
    wanted = wanted.where(Registration.public_id == registration, BookBid.lot == lot, BookBid.seq > 0)
    rows = (await session.execute(wanted.order_by(BookBid.n))).all()
    return next((at for seq, at in reversed(rows) if seq not in voided), None)


async def _voided(session: AsyncSession, lot: str) -> set[int]:
    bodies = select(BookEvent.body).where(BookEvent.lot == lot, BookEvent.type == "bid.voided")
    return {seq for body in await session.scalars(bodies) for seq in json.loads(body)["data"]["seqs"]}


Live = list[tuple[str, int, int, datetime]]  # paddle, amount, seq, when


async def _bid(session: AsyncSession, row: BookLot, safe: SaleVault) -> Live:
    """The accepted bids of the lot that no void took away, opened."""
    bodies = select(BookEvent.body).where(BookEvent.lot == row.lot, BookEvent.type == "bid.voided")
    voided = {seq for body in await session.scalars(bodies) for seq in json.loads(body)["data"]["seqs"]}
    wanted = select(BookBid, BookEvent.at).join(
        BookEvent, (BookEvent.sale == BookBid.sale) & (BookEvent.n == BookBid.n)
    )
    rows = await session.execute(wanted.where(BookBid.lot == row.lot, BookBid.seq > 0).order_by(BookBid.n))
    return [
        (str(bid.paddle), safe.open_bid(bid.sealed, bid.lot, bid.paddle, bid.key).amount, bid.seq, at)
        for bid, at in rows
        if bid.seq not in voided
    ]


async def _opened(session: AsyncSession, row: BookLot, ruled: RuleSet) -> Live:
    """What the envelopes held; empty until they are opened."""
    assert ruled.tender is not None
    ranked = (await tender_queries.ranks(session, row.sale, ruled.tender.replace)).get(row.lot, [])
    told = select(BookEvent.n, BookEvent.at).where(BookEvent.sale == row.sale, BookEvent.lot == row.lot)
    at: dict[int, datetime] = dict((await session.execute(told)).all())
    return [(str(one.paddle), one.total, one.n, at[one.n]) for one in ranked]


async def _companies(session: AsyncSession, sale: str, paddles: set[int]) -> dict[str, Registration]:
    wanted = select(Registration).join(Sale, Sale.id == Registration.sale_id)
    rows = await session.scalars(wanted.where(Sale.public_id == sale, Registration.paddle.in_(paddles)))
    return {str(one.paddle): one for one in rows}
