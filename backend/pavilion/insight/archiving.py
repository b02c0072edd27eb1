"""A closed sale goes into the archive: each of its lots once, as it ended. What became of a lot afterwards is said
there too, and takes its price out of all sums."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions import fees, noticing
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.queries import stones_by_lot
from pavilion.auctions.rules import SaleState
from pavilion.auctions.sequel_models import LotSequel
from pavilion.auctions.version_models import LotNotice
from pavilion.bidding import notice_giving, rule_sets
from pavilion.bidding import queries as book
from pavilion.bidding.models import BookBid, BookEvent, BookLot
from pavilion.bidding.ruleset import parse_rules
from pavilion.bidding.tender_models import TenderEnvelope
from pavilion.catalogue.models import Stone
from pavilion.insight import result_rules as rules
from pavilion.insight.results_models import ResultLot
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.instants import micros
from pavilion.kernel.weight import per_carat_minor

CLOSED = (SaleState.CLOSED, SaleState.SETTLED)
FINAL = ("lot.sold", "lot.passed", "lot.withdrawn")
STATES = ("sold", "passed", "withdrawn")  # in which the auction leaves a lot
AT_ONCE = 500


async def tick(sessions: Sessions, now: datetime) -> int:
    """Sales that have closed since are archived, and lots say what became of them; answers how many of both."""
    async with reading(sessions) as session:
        waits = await session.scalar(_waiting().limit(1)) is not None
        changed = waits or (await session.execute(_became().limit(1))).first() is not None
    if not changed:
        return 0
    async with sessions.begin() as session:
        sales = (await session.scalars(_waiting())).all()
        for sale in sales:
            await notice_giving.complete(session, sale.public_id, now)
            await archive(session, sale)
        return len(sales) + await _amend(session)


async def _amend(session: AsyncSession) -> int:
    """No archived lot says sold whose sale was cancelled, nor unsold what was sold afterwards. The price of the auction
    stays in the record of the sale, which proves it; here it would be taken for one that was paid."""
    found = (await session.execute(_became())).all()
    for id_, became in found:
        where, bp, step = rules.UNSOLD
        nothing = {"hammer": 0, "premium": 0, "per_carat": 0, "against": where, "against_bp": bp, "step": step}
        await session.execute(update(ResultLot).where(ResultLot.id == id_).values(state=became, **nothing))
    return len(found)


def _became() -> Select[int, str]:
    """The archived lots that came to something else since."""
    last = select(func.max(LotSequel.id)).group_by(LotSequel.lot)
    wanted = select(ResultLot.id, LotSequel.became).join(LotSequel, LotSequel.lot == ResultLot.lot)
    return wanted.where(LotSequel.id.in_(last), ResultLot.state != LotSequel.became)


def _waiting() -> Select[Sale]:
    stands = select(ResultLot.id).where(ResultLot.sale == Sale.public_id)
    held = select(BookLot.lot).where(BookLot.sale == Sale.public_id)
    return select(Sale).where(Sale.state.in_(CLOSED), held.exists(), ~stands.exists()).order_by(Sale.id)


async def archive(session: AsyncSession, sale: Sale) -> None:
    """Every lot of the closed sale stands in the archive."""
    assert sale.rules is not None, "only a published sale closes"
    lots = (
        await session.execute(
            select(BookLot, Lot)
            .join(Lot, Lot.public_id == BookLot.lot)
            .where(BookLot.sale == sale.public_id, BookLot.state.in_(STATES))
            .order_by(BookLot.position)
        )
    ).all()
    stones = await stones_by_lot(session, [lot.id for _, lot in lots])
    ended = await _ended(session, sale.public_id)
    bidders = await _bidders(session, sale.public_id)
    changed = await rule_sets.amended(session, sale.public_id)
    notices = await noticing.of_sale(session, sale.public_id)
    early = await _early(session, sale, changed)
    secret = timedelta(days=parse_rules(sale.rules).passed_offer_days)
    rows = []
    for stood, lot in lots:
        at = ended.get(stood.lot, stood.end)
        premium = (changed.document_of(stood.lot) or sale.rules)["premium"]
        row = _sold(stood, lot, stones[lot.id], premium, stood.lot in early, notices)
        counted = {"bids": stood.bids, "bidders": bidders.get(stood.lot, 0)}
        rows.append(row | counted | {"ended_at": at, "bids_told_at": at + secret})
    for start in range(0, len(rows), AT_ONCE):
        await session.execute(insert(ResultLot), rows[start : start + AT_ONCE])


def _sold(
    stood: BookLot,
    lot: Lot,
    stones: Sequence[Stone],
    premium: Mapping[str, Any],
    early: bool,
    notices: Sequence[LotNotice],
) -> dict[str, Any]:
    """What the archive says of this lot's stones and price: title and estimate as the last notice has them, and of an
    estimate on request nothing, nor how the hammer compares with it."""
    told = noticing.estimate_told(lot, notices)
    title = noticing.titles(notices).get(lot.public_id, (lot.title_en, lot.title_zh))
    low, high = told or (0, 0)
    weight = sum(stone.weight_mct for stone in stones)
    hammer = stood.price or 0 if stood.state == "sold" else 0
    bands, early_bands = _bands(premium["bands"]), premium["early_bands"]
    fee = fees.lot_premium(hammer, bands, _bands(early_bands) if early_bands else None, early) if hammer else 0
    where, bp, step = rules.against(hammer, low, high) if hammer and told else rules.UNSOLD
    tones = [rules.tone(stone.species, stone.color) for stone in stones]
    return {
        "lot": stood.lot,
        "sale": stood.sale,
        "position": stood.position,
        "number": stood.number,
        "title_en": title[0],
        "title_zh": title[1],
        "stones": len(stones),
        **{name: rules.common([getattr(stone, name) for stone in stones]) for name in _OF_STONES},
        "tone": rules.common(tones) or "GEM",
        "weight_mct": weight,
        "currency": stood.currency,
        "state": stood.state,
        "low": low,
        "high": high,
        "hammer": hammer,
        "premium": fee,
        "per_carat": per_carat_minor(hammer, weight) if weight else 0,
        "against": where,
        "against_bp": bp,
        "step": step,
    }


_OF_STONES = ("shape", "color", "fancy_color", "clarity", "lab")


def _bands(said: Sequence[Sequence[int | None]]) -> fees.Bands:
    return tuple((upto, rate or 0) for upto, rate in said)


async def _ended(session: AsyncSession, sale: str) -> dict[str, datetime]:
    found = select(BookEvent.lot, BookEvent.at).where(BookEvent.sale == sale, BookEvent.type.in_(FINAL))
    return {lot: at for lot, at in await session.execute(found) if lot is not None}


async def _bidders(session: AsyncSession, sale: str) -> dict[str, int]:
    """How many bid on each lot, in the open or under seal."""
    several, sealed = func.count(BookBid.paddle.distinct()), func.count(TenderEnvelope.bidder.distinct())
    spoken = select(BookBid.lot, several).where(BookBid.sale == sale, BookBid.seq > 0).group_by(BookBid.lot)
    under_seal = select(TenderEnvelope.lot, sealed).where(TenderEnvelope.sale == sale).group_by(TenderEnvelope.lot)
    found: dict[str, int] = dict((await session.execute(spoken)).all())
    return found | dict((await session.execute(under_seal)).all())


async def _early(session: AsyncSession, sale: Sale, changed: rule_sets.Amended) -> set[str]:
    """The lots whose winning bid came so early that the early bands hold."""
    assert sale.rules is not None
    early = set()
    for one in await book.results(session, sale.public_id):
        premium = (changed.document_of(one.lot_public_id) or sale.rules)["premium"]
        if premium["early_bands"] and fees.is_early(
            micros(one.accepted_at), micros(one.published_end), premium["early_before_hours"]
        ):
            early.add(one.lot_public_id)
    return early
