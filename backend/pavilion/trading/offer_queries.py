"""Reads of what buyers offer for stones: by the buyer's company, by the owner, by the house."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.queries import HOUSE
from pavilion.auctions.titles import title_of
from pavilion.catalogue.models import Stone
from pavilion.catalogue.past import as_known
from pavilion.catalogue.queries import visible_to
from pavilion.trading import offer_days
from pavilion.trading.conditions import house_of
from pavilion.trading.offer_models import Offer, OfferRound, OfferStone
from pavilion.trading.showing import Cost, cost_of
from pavilion.trading.turns import Side, ThreadState

PAGE = 100


class Thread(NamedTuple):
    """An offer with all its turns and its stones. Names are for the house alone, the cost for the buyer."""

    row: Offer
    rounds: Sequence[OfferRound]
    stones: Sequence[Stone]
    state: str
    buyer: str = ""
    seller: str = ""
    cost: Cost | None = None

    @property
    def zone(self) -> str:
        return house_of(self.stones).zone

    @property
    def title_en(self) -> str:
        return title_of(self.stones, "en")

    @property
    def title_zh(self) -> str:
        return title_of(self.stones, "zh")

    @property
    def seen(self) -> int:
        """The latest change of any of the stones: what an acceptance names."""
        return max(stone.seq for stone in self.stones)


async def of_company(session: AsyncSession, company_id: int, now: datetime) -> list[Thread]:
    """What this company offered, open ones first, each open one with what the buyer would owe."""
    found = await _known(session, await _threads(session, Offer.company_id == company_id, now))
    return [await _with_cost(session, one, now) for one in found]


async def of_owner(session: AsyncSession, company_id: int, now: datetime) -> list[Thread]:
    """What is offered for the stones of this company, open ones first."""
    return await _threads(session, Offer.seller_company_id == company_id, now)


async def of_house(session: AsyncSession, now: datetime) -> list[Thread]:
    """All, with the names of both sides."""
    found = await _threads(session, Offer.id > 0, now)
    ids = {id_ for one in found for id_ in (one.row.company_id, one.row.seller_company_id)}
    rows = await session.execute(select(Company.id, Company.name).where(Company.id.in_(ids)))
    names = {row.id: row.name for row in rows}
    return [one._replace(buyer=names[one.row.company_id], seller=names[one.row.seller_company_id]) for one in found]


async def one_of(session: AsyncSession, company_id: int, offer: str, now: datetime) -> Thread | None:
    """The company's own offer of this id."""
    mine = (Offer.company_id == company_id) & (Offer.public_id == offer)
    found = await _known(session, await _threads(session, mine, now))
    return await _with_cost(session, found[0], now) if found else None


async def seen_by(session: AsyncSession, company_id: int, offer: str, now: datetime) -> Thread | None:
    """The offer of this id, to either side of it."""
    mine = (Offer.company_id == company_id) | (Offer.seller_company_id == company_id)
    found = await _threads(session, mine & (Offer.public_id == offer), now)
    if found and found[0].row.company_id == company_id:
        found = await _known(session, found)
    return found[0] if found else None


async def of_desk(session: AsyncSession, actor: Actor, now: datetime) -> list[Thread]:
    """For the page of offers of a company that may make some."""
    if actor.company_id is None or not actor.may(Permission.OFFER_MAKE):
        return []
    return await of_company(session, actor.company_id, now)


async def waiting(session: AsyncSession, side: Side, company_id: int, now: datetime) -> int:
    """How many open offers this side has to answer."""
    own = Offer.company_id if side is Side.BUYER else Offer.seller_company_id
    wanted = select(func.count(Offer.id)).where(Offer.state == ThreadState.OPEN, Offer.turn == side, own == company_id)
    return await session.scalar(wanted.where(Offer.expires_at > now)) or 0


async def _known(session: AsyncSession, threads: list[Thread]) -> list[Thread]:
    """For the buyer: a stone that is shown no more is as it was when the offer was made."""
    chosen = [(stone, one.row.made_at) for one in threads for stone in one.stones]
    known = iter(await as_known(session, chosen))
    return [one._replace(stones=[next(known) for _ in one.stones]) for one in threads]


async def _with_cost(session: AsyncSession, one: Thread, now: datetime) -> Thread:
    if one.state != ThreadState.OPEN:
        return one
    row = one.row
    return one._replace(cost=await cost_of(
        session, price_minor=row.price_minor, currency=row.currency, house=house_of(one.stones),
        company_id=row.company_id, destination=row.destination, now=now,
    ))  # fmt: skip


async def _threads(session: AsyncSession, which: ColumnElement[bool], now: datetime) -> list[Thread]:
    turn = (Offer.state != ThreadState.OPEN, Offer.id.desc())
    rows = (await session.scalars(select(Offer).where(which).order_by(*turn).limit(PAGE))).all()
    ids = [row.id for row in rows]
    said = select(OfferRound).where(OfferRound.offer_id.in_(ids)).order_by(OfferRound.offer_id, OfferRound.round)
    rounds: dict[int, list[OfferRound]] = {}
    for one in await session.scalars(said):
        rounds.setdefault(one.offer_id, []).append(one)
    parts = visible_to(HOUSE).join(OfferStone, OfferStone.stone == Stone.public_id).add_columns(OfferStone.offer_id)
    stones: dict[int, list[Stone]] = {}
    for stone, offer in await session.execute(parts.where(OfferStone.offer_id.in_(ids)).order_by(Stone.id)):
        stones.setdefault(offer, []).append(stone)
    open_ = [row.public_id for row in rows if row.standing.open_at(now)]
    gone = await offer_days.gone_among(session, open_) if open_ else set()
    found = [
        Thread(row, rounds[row.id], stones[row.id], "void" if row.public_id in gone else row.standing.at(now))
        for row in rows
    ]
    return sorted(found, key=lambda one: one.state != ThreadState.OPEN)
