"""Reads of a sealed tender: what the engine is told, what custodians fetch, what the pages show."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.bidding import rule_sets
from pavilion.bidding.custody import Logged, Sealed, tender_document
from pavilion.bidding.deciding import Wish
from pavilion.bidding.models import BookBid, BookEvent, BookLot, Checkpoint, SaleBook
from pavilion.bidding.sealing import Envelope, read_envelope
from pavilion.bidding.tender_book import Round, SealedLine, counted
from pavilion.bidding.tender_models import (
    TenderBenchmark,
    TenderEnvelope,
    TenderHeld,
    TenderOffer,
    TenderOpened,
    TenderShares,
    TenderWeight,
    TenderWish,
)
from pavilion.bidding.tender_reading import record_tail
from pavilion.catalogue.models import Stone
from pavilion.kernel.canon import read_json
from pavilion.kernel.errors import BadInput
from pavilion.kernel.tlog import Tree


class Told(NamedTuple):
    """What the engine is told of a tender beside bidders and lots."""

    shares: Sequence[str]
    wishes: Mapping[int, Wish]
    weights: Mapping[str, tuple[int, int | None]]  # lot -> milli-carat, benchmark per carat


async def told(session: AsyncSession, sale: Sale) -> Told:
    """Nothing for a sale of another format."""
    if sale.rules is None or sale.rules.get("format") != "tender":
        return Told((), {}, {})
    files = await session.scalars(
        select(TenderShares.document).where(TenderShares.sale == sale.public_id).order_by(TenderShares.id)
    )
    wishes = await session.scalars(select(TenderWish).where(TenderWish.sale == sale.public_id).order_by(TenderWish.id))
    return Told(
        files.all(),
        {one.company_id: Wish(one.limit_minor, tuple(one.lots)) for one in wishes},
        await weights(session, sale),
    )


async def weights(session: AsyncSession, sale: Sale) -> dict[str, tuple[int, int | None]]:
    """Weight and benchmark of each lot, as an entry per carat or a discount is reckoned."""
    rows = await session.execute(
        select(Lot.public_id, func.sum(Stone.weight_mct), func.max(TenderBenchmark.ppc_minor))
        .join(LotStone, LotStone.lot_id == Lot.id)
        .join(Stone, Stone.id == LotStone.stone_id)
        .outerjoin(TenderBenchmark, TenderBenchmark.lot == Lot.public_id)
        .where(Lot.sale_id == sale.id)
        .group_by(Lot.public_id)
    )
    return {lot: (int(mct), None if ppc is None else int(ppc)) for lot, mct, ppc in rows}


class Closing(NamedTuple):
    """The last closing of a tender, as the log has it."""

    n: int
    hash: str
    at: datetime
    envelopes: int
    opened: bool  # an opening answers it
    second: bool  # it is that of the final round


async def closing_of(session: AsyncSession, sale: str) -> Closing | None:
    found = select(BookEvent).where(BookEvent.sale == sale, BookEvent.lot.is_(None))
    rows = (
        await session.scalars(found.where(BookEvent.type.in_(("tender.closed", "tender.opened"))).order_by(BookEvent.n))
    ).all()
    closed = next((row for row in reversed(rows) if row.type == "tender.closed"), None)
    if closed is None:
        return None
    count = json.loads(closed.body)["data"]["count"]
    second = sum(row.type == "tender.closed" for row in rows) > 1
    return Closing(closed.n, closed.hash, closed.at, count, rows[-1].type == "tender.opened", second)


async def envelopes_of(session: AsyncSession, sale: str, closing: Closing) -> list[SealedLine]:
    """The envelopes that this closing counted, in the order of the book."""
    rows = await session.scalars(
        select(TenderEnvelope)
        .where(TenderEnvelope.sale == sale, TenderEnvelope.n < closing.n)
        .order_by(TenderEnvelope.n)
    )
    sealed = [SealedLine(row.n, row.lot, row.bidder, row.hash, row.envelope) for row in rows]
    events = await session.execute(
        select(BookEvent.n, BookEvent.type, BookEvent.lot, BookEvent.body)
        .where(
            BookEvent.sale == sale,
            BookEvent.n < closing.n,
            BookEvent.type.in_(("tender.withdrawn", "lot.withdrawn", "tender.opened")),
        )
        .order_by(BookEvent.n)
    )
    back: dict[tuple[str, str], int] = {}
    since = -1
    for n, kind, lot, body in events:
        if kind == "tender.opened":
            since = n
        else:
            back[lot or "", json.loads(body)["data"].get("bidder", "")] = n
    return counted(sealed, back, Round(since=since))


async def tender_file(session: AsyncSession, sale: str, keys: Sequence[str]) -> dict[str, Any] | None:
    """What custodians open, under one checkpoint; None before the closing, and where there are none."""
    closing, book = await closing_of(session, sale), await session.get(SaleBook, sale)
    if closing is None or book is None or not json.loads(book.rules)["tender"]["sealed"]:
        return None
    events = (await session.scalars(select(BookEvent).where(BookEvent.sale == sale).order_by(BookEvent.n))).all()
    root = await session.scalar(
        select(Checkpoint)
        .where(Checkpoint.sale == sale, Checkpoint.size > closing.n)
        .order_by(Checkpoint.size)
        .limit(1)
    )
    assert root is not None, "every batch has its checkpoint"
    tree = Tree(bytes.fromhex(event.hash) for event in events[: root.size])

    def logged(event: BookEvent) -> Logged:
        return Logged(json.loads(event.body), tuple(tree.inclusion_proof(event.n, root.size)))

    before = events[: closing.n]
    published = next(row for row in reversed(before) if row.type in ("sale.published", "sale.amended"))
    opened = next((row for row in before if row.type == "tender.opened"), None)
    named = json.loads(published.body)["data"]["to" if published.type == "sale.amended" else "rules"]
    rules = json.loads(await rule_sets.text_of(session, sale, named) or book.rules)
    count = len(rules["tender"]["custodians"])
    envelopes = [
        Sealed(one.lot, one.bidder, envelope(one, count)) for one in await envelopes_of(session, sale, closing)
    ]
    return tender_document(
        sale,
        rules,
        keys,
        root.text,
        published=logged(published),
        closed=logged(events[closing.n]),
        opened=None if opened is None else logged(opened),
        envelopes=envelopes,
    )


def envelope(line: SealedLine, custodians: int) -> Envelope:
    return read_envelope(read_json(line.envelope.encode()), custodians)


async def share_files(session: AsyncSession, sale: str, closed: str) -> Sequence[TenderShares]:
    """What custodians handed in for this closing, in the order in which it came."""
    found = select(TenderShares).where(TenderShares.sale == sale, TenderShares.closed == closed)
    return (await session.scalars(found.order_by(TenderShares.id))).all()


class OwnSealed(NamedTuple):
    """A sealed bid of the reader: when, and under which hash; how much stays with the reader until the opening."""

    lot: str
    n: int
    seq: int
    at: datetime
    key: str
    hash: str | None  # None: it was taken back here
    code: str | None = None  # after the opening: why it was void
    total: int | None = None
    opened: bool = False


async def own_sealed(session: AsyncSession, sale: str, paddle: int | None, lot: str | None = None) -> list[OwnSealed]:
    """The reader's sealed bids, the latest first."""
    if paddle is None:
        return []
    found = (
        select(BookBid, BookEvent.at, TenderEnvelope.hash, TenderOpened)
        .join(BookEvent, (BookEvent.sale == BookBid.sale) & (BookEvent.n == BookBid.n))
        .outerjoin(TenderEnvelope, (TenderEnvelope.sale == BookBid.sale) & (TenderEnvelope.n == BookBid.n))
        .outerjoin(TenderOpened, (TenderOpened.sale == BookBid.sale) & (TenderOpened.n == BookBid.n))
        .where(BookBid.sale == sale, BookBid.paddle == paddle, BookBid.code.is_(None))
    )
    if lot is not None:
        found = found.where(BookBid.lot == lot)
    return [
        OwnSealed(bid.lot, bid.n, bid.seq, at, bid.key, hash, *_said(opened))
        for bid, at, hash, opened in await session.execute(found.order_by(BookBid.n.desc()))
    ]


def _said(opened: TenderOpened | None) -> tuple[str | None, int | None, bool]:
    return (None, None, False) if opened is None else (opened.code, opened.total, True)


class Ranked(NamedTuple):
    lot: str
    bidder: str
    total: int
    n: int
    paddle: int


async def ranks(session: AsyncSession, sale: str, replace: str) -> dict[str, list[Ranked]]:
    """Of each lot the opened bids that count, best first; after a final round those of the invited. Only after the
    opening."""
    rows = await session.execute(
        select(TenderEnvelope.lot, TenderEnvelope.bidder, TenderEnvelope.n, TenderOpened.total, BookBid.paddle)
        .join(TenderOpened, (TenderOpened.sale == TenderEnvelope.sale) & (TenderOpened.n == TenderEnvelope.n))
        .join(BookBid, (BookBid.sale == TenderEnvelope.sale) & (BookBid.n == TenderEnvelope.n))
        .where(TenderEnvelope.sale == sale, TenderOpened.total.is_not(None))
        .order_by(TenderEnvelope.n)
    )
    live: dict[str, dict[str, Ranked]] = {}
    for lot, bidder, n, total, paddle in rows:
        assert total is not None
        held = live.setdefault(lot, {})
        former = held.get(bidder)
        if former is None or (total > former.total if replace == "highest" else total != former.total):
            held[bidder] = Ranked(lot, bidder, total, n, paddle)
    guests = await _invited(session, sale)
    counting = {
        lot: [one for one in held.values() if one.bidder in guests.get(lot, held)] for lot, held in live.items()
    }
    return {lot: sorted(held, key=lambda one: (-one.total, one.n)) for lot, held in counting.items()}


async def _invited(session: AsyncSession, sale: str) -> dict[str, set[str]]:
    """Who was invited to the final round of the lots that had one."""
    rows = await session.execute(
        select(TenderEnvelope.lot, TenderEnvelope.bidder)
        .join(TenderHeld, (TenderHeld.sale == TenderEnvelope.sale) & (TenderHeld.n == TenderEnvelope.n))
        .where(TenderEnvelope.sale == sale, TenderHeld.invited)
    )
    found: dict[str, set[str]] = {}
    for lot, bidder in rows:
        found.setdefault(lot, set()).add(bidder)
    return found


async def record_tail_of(session: AsyncSession, sale: str, hidden: Collection[str]) -> Iterator[bytes]:
    """What the record of a tender shows beside its events; nothing for another sale."""
    weighed = await session.scalars(select(TenderWeight).where(TenderWeight.sale == sale).order_by(TenderWeight.lot))
    opened = await session.execute(
        select(TenderEnvelope.lot, TenderEnvelope.bidder, TenderEnvelope.envelope, TenderOpened.shares)
        .join(TenderOpened, (TenderOpened.sale == TenderEnvelope.sale) & (TenderOpened.n == TenderEnvelope.n))
        .where(TenderEnvelope.sale == sale)
        .order_by(TenderEnvelope.n)
    )
    return record_tail(weighed.all(), [(a, b, c, d) for a, b, c, d in opened], hidden)


# -- pages ------------------------------------------------------------------------------------------------------------


async def weight_of(session: AsyncSession, lot: str) -> tuple[int, int | None]:
    """Weight and benchmark of one lot."""
    row = await session.scalar(select(Sale).join(Lot, Lot.sale_id == Sale.id).where(Lot.public_id == lot))
    return (await weights(session, row)).get(lot, (0, None)) if row is not None else (0, None)


async def lots_named(session: AsyncSession, sale: str, numbers: Sequence[str]) -> list[str]:
    """The ids of lots by their numbers, in the order given; BadInput for a number that is none."""
    rows = await session.scalars(select(BookLot).where(BookLot.sale == sale))
    known = {row.number: row.lot for row in rows}
    if unknown := [number for number in numbers if number not in known]:
        raise BadInput(fields=["lots"], unknown=unknown[:10])
    return [known[number] for number in numbers]


class WishShown(NamedTuple):
    limit: int | None
    numbers: Sequence[str]


async def wish_of(session: AsyncSession, sale: str, company_id: int | None) -> WishShown | None:
    if company_id is None:
        return None
    found = select(TenderWish).where(TenderWish.sale == sale, TenderWish.company_id == company_id)
    row = await session.scalar(found.order_by(TenderWish.id.desc()).limit(1))
    if row is None:
        return None
    known = {one.lot: one.number for one in await session.scalars(select(BookLot).where(BookLot.sale == sale))}
    return WishShown(row.limit_minor, [known[lot] for lot in row.lots if lot in known])


async def results(session: AsyncSession, sale: str) -> dict[str, dict[str, Any]]:
    """What each lot came to: the data of its last event, with how many valid and void bids were opened on it."""
    rows = await session.execute(
        select(BookEvent.lot, BookEvent.type, BookEvent.body).where(
            BookEvent.sale == sale, BookEvent.type.in_(("lot.sold", "lot.passed", "lot.withdrawn"))
        )
    )
    opened = await session.execute(
        select(TenderEnvelope.lot, func.count(TenderOpened.n), func.count(TenderOpened.total))
        .join(TenderOpened, (TenderOpened.sale == TenderEnvelope.sale) & (TenderOpened.n == TenderEnvelope.n))
        .where(TenderEnvelope.sale == sale)
        .group_by(TenderEnvelope.lot)
    )
    told = {lot: (count, valid) for lot, count, valid in opened}
    return {
        lot: json.loads(body)["data"] | {"kind": kind, "opened": told.get(lot, (0, 0))}
        for lot, kind, body in rows
        if lot is not None
    }


async def counts(session: AsyncSession, sale: str) -> dict[str, tuple[int, int]]:
    """Of each lot how many envelopes came, and of how many bidders."""
    rows = await session.execute(
        select(TenderEnvelope.lot, func.count(), func.count(TenderEnvelope.bidder.distinct()))
        .where(TenderEnvelope.sale == sale)
        .group_by(TenderEnvelope.lot)
    )
    return {lot: (envelopes, bidders) for lot, envelopes, bidders in rows}


async def benchmarks(session: AsyncSession, lots: Sequence[str]) -> dict[str, int]:
    rows = await session.scalars(select(TenderBenchmark).where(TenderBenchmark.lot.in_(lots)))
    return {one.lot: one.ppc_minor for one in rows}


class Below(NamedTuple):
    """A bidder of a lot whose reserve was not met, and what the seller said."""

    bidder: str
    paddle: int
    total: int
    offered: bool | None  # None: not asked yet


async def below_reserve(session: AsyncSession, sale: str, replace: str) -> dict[str, list[Below]]:
    """Of each lot that passed below its reserve the rank, as the seller may offer it."""
    passed = await session.execute(
        select(BookEvent.lot, BookEvent.body).where(BookEvent.sale == sale, BookEvent.type == "lot.passed")
    )
    lots = [lot for lot, body in passed if json.loads(body)["data"]["reason"] == "reserve_not_met"]
    if not lots:
        return {}
    found = await ranks(session, sale, replace)
    said = {
        (one.lot, one.bidder): one.offered
        for one in await session.scalars(select(TenderOffer).where(TenderOffer.sale == sale))
    }
    return {
        lot: [Below(one.bidder, one.paddle, one.total, said.get((lot, one.bidder))) for one in found.get(lot, [])]
        for lot in lots
        if lot is not None
    }
