"""Reads of what buyers offer for passed lots: by the buyer's company, by the owner, by lot."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.queries import HOUSE
from pavilion.auctions.told import LotTold, told
from pavilion.settlement import invoicing, sold
from pavilion.settlement.approach_models import Approach, ApproachRound
from pavilion.trading.turns import Side, ThreadState

PAGE = 100


class Thread(NamedTuple):
    """An offer with all its turns. `premium_minor` and the sums are for the buyer; no tax: it is not decided."""

    row: Approach
    rounds: Sequence[ApproachRound]
    lot: LotTold
    sale: Sale
    state: str
    premium_minor: int | None = None
    tax_minor: int | None = None

    @property
    def zone(self) -> str:
        return self.sale.zone

    @property
    def total_minor(self) -> int | None:
        if self.premium_minor is None or self.tax_minor is None:
            return None
        return self.row.price_minor + self.premium_minor + self.tax_minor


async def of_company(session: AsyncSession, actor: Actor, now: datetime, lot: str = "") -> list[Thread]:
    """What the reader's company offered, open ones first, with what it would owe."""
    which = Approach.company_id == (actor.company_id or 0)
    found = await _threads(session, which & (Approach.lot == lot) if lot else which, actor, now)
    return [await _with_sums(session, one, now) if one.state == ThreadState.OPEN else one for one in found]


async def of_owner(session: AsyncSession, actor: Actor, now: datetime) -> list[Thread]:
    """What is offered for the lots of the reader's company, open ones first. Who offers stands in no thread's words."""
    return await _threads(session, Lot.consignor_company_id == (actor.company_id or 0), actor, now)


async def of_lots(session: AsyncSession, lots: Collection[str], now: datetime) -> dict[str, list[Thread]]:
    """By lot, for the house."""
    found: dict[str, list[Thread]] = {}
    for one in await _threads(session, Approach.lot.in_(lots), HOUSE, now):
        found.setdefault(one.row.lot, []).append(one)
    return found


async def waiting(session: AsyncSession, side: Side, company_id: int | None, now: datetime) -> int:
    """How many open offers this side has to answer; the house's: of every lot."""
    wanted = select(func.count(Approach.id)).join(Lot, Lot.public_id == Approach.lot)
    wanted = wanted.where(Approach.state == ThreadState.OPEN, Approach.turn == side, Approach.expires_at > now)
    if company_id is not None:
        own = Approach.company_id if side is Side.BUYER else Lot.consignor_company_id
        wanted = wanted.where(own == company_id)
    return await session.scalar(wanted) or 0


async def _threads(session: AsyncSession, which: ColumnElement[bool], actor: Actor, now: datetime) -> list[Thread]:
    wanted = select(Approach, Lot, Sale).join(Lot, Lot.public_id == Approach.lot)
    wanted = wanted.join(Sale, Sale.public_id == Approach.sale).where(which).order_by(Approach.id.desc()).limit(PAGE)
    rows = (await session.execute(wanted)).all()
    said = select(ApproachRound).where(ApproachRound.approach_id.in_([row.id for row, _, _ in rows]))
    rounds: dict[int, list[ApproachRound]] = {}
    for one in await session.scalars(said.order_by(ApproachRound.approach_id, ApproachRound.round)):
        rounds.setdefault(one.approach_id, []).append(one)
    words = await told(session, [lot for _, lot, _ in rows], actor)
    found = [Thread(row, rounds[row.id], words[lot.public_id], sale, row.standing.at(now)) for row, lot, sale in rows]
    return sorted(found, key=lambda one: one.state != ThreadState.OPEN)


async def _with_sums(session: AsyncSession, one: Thread, now: datetime) -> Thread:
    row = one.row
    terms, buyer, held = await sold.offered(
        session, lot=row.lot, registration=row.registration, price_minor=row.price_minor, reached_at=None, now=now
    )
    owed = await invoicing.outlay(session, terms, buyer, held, now)
    return one._replace(premium_minor=owed.premium, tax_minor=owed.tax)
