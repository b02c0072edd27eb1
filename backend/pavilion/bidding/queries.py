"""Reads of the book: what pages, programs and the domains above are told."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions import sequels
from pavilion.auctions.again import Ends
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.bidding import rule_sets, unsaid
from pavilion.bidding.messages import LotStands, Snapshot
from pavilion.bidding.models import (
    BookBid,
    BookEvent,
    BookLot,
    BookOpening,
    Checkpoint,
    ReserveOpening,
    SaleBook,
)
from pavilion.bidding.vault import Vault
from pavilion.kernel.instants import from_stamp, stamp

MOST_EVENTS = 500


@dataclass(frozen=True, slots=True)
class Result:
    """A sold lot and who has to pay for it."""

    lot_public_id: str
    number: str
    company_id: int
    registration_id: int
    price_minor: int
    currency: str
    at: datetime
    winning_seq: int
    accepted_at: datetime  # when the winning commitment was accepted
    published_end: datetime


async def book_row(session: AsyncSession, sale: str) -> SaleBook | None:
    return await session.get(SaleBook, sale)


async def unlocks(session: AsyncSession, vault: Vault) -> bool:
    """Whether the house's newest book is written under this key; a house without books knows no other."""
    newest = select(SaleBook.sale, SaleBook.wrapped_key).order_by(SaleBook.sale.desc()).limit(1)
    return all(vault.fits(sale, wrapped) for sale, wrapped in (await session.execute(newest)).all())


async def sale_of_lot(session: AsyncSession, lot: str) -> str | None:
    """The published sale of this lot."""
    published = select(Sale.public_id).join(Lot, Lot.sale_id == Sale.id).where(Sale.rules_hash.is_not(None))
    return await session.scalar(published.where(Lot.public_id == lot))


async def board(session: AsyncSession, sale: str) -> Sequence[BookLot]:
    """Every lot of the sale as it stands, in the sale's order."""
    return (await session.scalars(select(BookLot).where(BookLot.sale == sale).order_by(BookLot.position))).all()


async def ends_of(session: AsyncSession, sale: str) -> Ends:
    """When each lot ends or ended, as the book has it, None while only a call can end it; whether the sealed round was
    ever closed; and where the rules were amended, the hard end of what is listed from now on."""
    closed = select(BookEvent.n).where(BookEvent.sale == sale, BookEvent.lot.is_(None))
    once = await session.scalar(closed.where(BookEvent.type == "tender.closed").limit(1)) is not None
    changed = await rule_sets.amended(session, sale)
    due = {lot: changed.due(lot) for lot in (None, *changed.ruled.of)}
    hard_ends = {lot: _hard_end(doc) for lot, doc in due.items() if doc is not None}
    return Ends({row.lot: row.ends for row in await board(session, sale)}, once, hard_ends)


def _hard_end(rules: Mapping[str, Any]) -> datetime | None:
    told = rules.get("soft_close", {}).get("hard_end")
    return None if told is None else from_stamp(told)


async def snapshot(
    session: AsyncSession, sale: str, now: datetime, lots: frozenset[str] | None = None
) -> Snapshot | None:
    book = await book_row(session, sale)
    if book is None:
        return None
    became = await sequels.of_sale(session, sale)
    rows = await board(session, sale)
    stands = [stands_of(row, became.get(row.lot)) for row in rows if lots is None or row.lot in lots]
    amended = {lot: one.to for lot, one in (await rule_sets.amended(session, sale)).by_lot.items()}
    return Snapshot(sale=sale, state=book.state, rules=book.rules_hash, t=stamp(now), lots=stands, amended=amended)


def stands_of(row: BookLot, became: str | None = None) -> LotStands:
    return LotStands(
        lot=row.lot,
        seq=row.seq,
        state=row.state,
        leader=row.alias,
        price=row.price,
        ask=row.ask,
        reserve_met=row.reserve_met,
        bids=row.bids,
        end=None if row.ends is None else stamp(row.ends),
        hash=row.hash,
        became=became,
    )


async def book_of(session: AsyncSession, lot: str) -> list[Mapping[str, Any]]:
    """The public events of a lot, in order."""
    return [json.loads(body) for body in await events_after(session, lot, 0, None)]


async def events_after(
    session: AsyncSession, lot: str, seq: int, most: int | None = MOST_EVENTS, kept: Collection[int] = ()
) -> Sequence[str]:
    """The bodies of the lot's events past `seq`, as they were hashed; the hash alone of those at the seqs `kept`."""
    wanted = select(BookEvent).where(BookEvent.lot == lot, BookEvent.seq > seq).order_by(BookEvent.seq)
    rows = await session.scalars(wanted.limit(most))
    return [unsaid.as_hash(event) if event.seq in kept else event.body for event in rows]


async def missed(
    session: AsyncSession, sale: str, after: Mapping[str, int], kept: Mapping[str, Collection[int]]
) -> tuple[list[str], frozenset[str]]:
    """The bodies past these seqs in order of n, and the lots of which too much or nothing is known for that, or, by the
    seqs in `kept`, something that is not told in words."""
    stands = {row.lot: row.seq for row in await board(session, sale)}
    unknown = frozenset(
        lot
        for lot in stands
        if (known := after.get(lot, 0)) == 0 or known > stands[lot] or any(seq > known for seq in kept.get(lot, ()))
    )
    behind = {lot: after[lot] for lot in stands if lot not in unknown and after[lot] < stands[lot]}
    if sum(stands[lot] - seq for lot, seq in behind.items()) > MOST_EVENTS:
        return [], unknown | behind.keys()
    if not behind:
        return [], unknown
    rows = await session.execute(
        select(BookEvent.lot, BookEvent.seq, BookEvent.body)
        .where(BookEvent.sale == sale, BookEvent.lot.in_(behind), BookEvent.seq > min(behind.values()))
        .order_by(BookEvent.n)
    )
    return [body for lot, seq, body in rows if lot is not None and seq > behind[lot]], unknown


async def events_of(session: AsyncSession, sale: str) -> Sequence[BookEvent]:
    """The whole log of the sale, in order of n."""
    return (await session.scalars(select(BookEvent).where(BookEvent.sale == sale).order_by(BookEvent.n))).all()


async def checkpoints_of(session: AsyncSession, sale: str) -> Sequence[Checkpoint]:
    return (await session.scalars(select(Checkpoint).where(Checkpoint.sale == sale).order_by(Checkpoint.size))).all()


async def openings_of(
    session: AsyncSession, sale: str
) -> tuple[list[tuple[int, int, str, str]], list[tuple[str, int, str]]]:
    """What is published of the maxima: bids (n, amount, nonce, key) and reserves (lot, reserve, nonce)."""
    bids = await session.scalars(select(BookOpening).where(BookOpening.sale == sale))
    reserves = await session.scalars(select(ReserveOpening).where(ReserveOpening.sale == sale))
    return (
        [(one.n, one.amount, one.nonce, one.key) for one in bids],
        [(one.lot, one.reserve, one.nonce) for one in reserves],
    )


async def results(session: AsyncSession, sale: str) -> list[Result]:
    """The sold lots in the sale's order, each with its buyer."""
    rows = await session.execute(
        select(BookLot, Registration)
        .join(Sale, Sale.public_id == BookLot.sale)
        .join(Registration, (Registration.sale_id == Sale.id) & (Registration.paddle == BookLot.leader))
        .where(BookLot.sale == sale, BookLot.state == "sold")
        .order_by(BookLot.position)
    )
    sold = rows.all()
    final = await _last_events(session, sale, ("lot.sold",))
    winning = await _winning(session, sale, {lot.lot: lot.leader or 0 for lot, _ in sold})
    return [
        Result(
            lot.lot,
            lot.number,
            registration.company_id,
            registration.id,
            lot.price or 0,
            lot.currency,
            final[lot.lot].at,
            winning[lot.lot].seq,
            winning[lot.lot].at,
            lot.published_end,
        )
        for lot, registration in sold
    ]


async def own_bids(session: AsyncSession, sale: str, paddle: int) -> Sequence[BookBid]:
    """The bids of a paddle in the order of their decision; the amounts stay sealed."""
    wanted = select(BookBid).where(BookBid.sale == sale, BookBid.paddle == paddle).order_by(BookBid.n)
    return (await session.scalars(wanted)).all()


async def bids_by_key(session: AsyncSession, company_id: int, key: str) -> Sequence[tuple[str, int]]:
    """Sale and place of the bids this company made under this key."""
    rows = await session.execute(
        select(BookBid.sale, BookBid.n)
        .join(Sale, Sale.public_id == BookBid.sale)
        .join(Registration, (Registration.sale_id == Sale.id) & (Registration.paddle == BookBid.paddle))
        .where(Registration.company_id == company_id, BookBid.key == key)
    )
    return [(sale, n) for sale, n in rows]


async def company_of_bid(session: AsyncSession, sale: str, n: int) -> int | None:
    """Whose bid this event is."""
    return await session.scalar(
        select(Registration.company_id)
        .join(Sale, Sale.id == Registration.sale_id)
        .join(BookBid, (BookBid.sale == Sale.public_id) & (BookBid.paddle == Registration.paddle))
        .where(BookBid.sale == sale, BookBid.n == n)
    )


async def numbers_of_company(session: AsyncSession, company_id: int, lot: str) -> Sequence[int]:
    """The places in the sale's log of all bids that this company made on the lot."""
    wanted = (
        select(BookBid.n)
        .join(Sale, Sale.public_id == BookBid.sale)
        .join(Registration, (Registration.sale_id == Sale.id) & (Registration.paddle == BookBid.paddle))
        .where(BookBid.lot == lot, Registration.company_id == company_id)
    )
    return (await session.scalars(wanted.order_by(BookBid.n))).all()


async def _last_events(session: AsyncSession, sale: str, types: Sequence[str]) -> dict[str, BookEvent]:
    rows = await session.scalars(select(BookEvent).where(BookEvent.sale == sale, BookEvent.type.in_(types)))
    return {row.lot: row for row in rows if row.lot is not None}


async def _winning(session: AsyncSession, sale: str, leaders: Mapping[str, int]) -> dict[str, BookEvent]:
    """The accepted bid of each winner that first reached the winning maximum: the last one, since each was higher."""
    voided = {
        (event.lot, seq)
        for event in await session.scalars(
            select(BookEvent).where(BookEvent.sale == sale, BookEvent.type == "bid.voided")
        )
        for seq in json.loads(event.body)["data"]["seqs"]
    }
    rows = await session.execute(
        select(BookBid.paddle, BookEvent)
        .join(BookEvent, (BookEvent.sale == BookBid.sale) & (BookEvent.n == BookBid.n))
        .where(BookBid.sale == sale, BookBid.seq > 0)
        .order_by(BookBid.n)
    )
    return {
        event.lot: event
        for paddle, event in rows
        if event.lot is not None and leaders.get(event.lot) == paddle and (event.lot, event.seq) not in voided
    }


async def opened_reserve(session: AsyncSession, lot: str) -> int | None:
    """The reserve once it is published: of a sold lot whose record stands."""
    return await session.scalar(select(ReserveOpening.reserve).where(ReserveOpening.lot == lot))
