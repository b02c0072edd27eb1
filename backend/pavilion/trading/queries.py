"""Reads of orders and holds. A buyer reads the own company's, a seller what is of the own stones, staff all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor
from pavilion.auctions.queries import HOUSE
from pavilion.catalogue import queries as stones
from pavilion.catalogue.models import Stone
from pavilion.catalogue.past import as_known
from pavilion.trading.models import Hold, HoldWait, Order, OrderLine
from pavilion.trading.rules import STANDING, HoldState, OrderState

PAGE = 200


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """An order as settlement bills it."""

    public_id: str
    company_id: int
    seller_company_id: int
    entity: str
    currency: str
    destination: str
    state: str
    total_minor: int
    placed_at: datetime
    invoice: str | None
    lines: tuple["LineFacts", ...]


class LineFacts(NamedTuple):
    public_id: str
    place: int
    price_minor: int
    title_en: str
    title_zh: str
    facts: dict[str, Any]


class HoldRow(NamedTuple):
    hold: Hold
    stone: Stone
    company: str  # the seller's name for the buyer, the buyer's for nobody


async def order_of(session: AsyncSession, public_id: str) -> OrderFacts | None:
    order = await session.scalar(
        select(Order).where(Order.public_id == public_id).options(selectinload(Order.lines))
    )  # fmt: skip
    if order is None:
        return None
    lines = tuple(
        LineFacts(one.public_id, one.place, one.price_minor, one.title_en, one.title_zh, one.facts)
        for one in order.lines
    )
    return OrderFacts(
        order.public_id, order.company_id, order.seller_company_id, order.entity, order.currency, order.destination,
        order.state, order.total_minor, order.placed_at, order.invoice, lines,
    )  # fmt: skip


def visible_to(actor: Actor) -> Select[Order]:
    """The one gate of orders: staff see all, a company those it placed and those of its stones, nobody else any."""
    wanted = select(Order)
    if actor.is_staff:
        return wanted
    mine = actor.company_id or 0
    return wanted.where(or_(Order.company_id == mine, Order.seller_company_id == mine))


async def order_for(session: AsyncSession, actor: Actor, public_id: str) -> Order | None:
    wanted = visible_to(actor).where(Order.public_id == public_id)
    return await session.scalar(wanted.options(selectinload(Order.lines)).execution_options(populate_existing=True))


async def bought(session: AsyncSession, company_id: int) -> Sequence[Order]:
    """What the company ordered, the newest first."""
    wanted = select(Order).where(Order.company_id == company_id).options(selectinload(Order.lines))
    return (await session.scalars(wanted.order_by(Order.id.desc()).limit(PAGE))).all()


async def sold_by(session: AsyncSession, company_id: int) -> Sequence[Order]:
    """Orders of the company's stones: those that wait for its word first, then the newest."""
    wanted = select(Order).where(Order.seller_company_id == company_id).options(selectinload(Order.lines))
    turn = (Order.state != OrderState.PLACED, Order.id.desc())
    return (await session.scalars(wanted.order_by(*turn).limit(PAGE))).all()


async def all_orders(session: AsyncSession) -> Sequence[tuple[Order, str, str]]:
    """With the names of buyer and seller, for staff; the newest first."""
    buyer, seller = Company.__table__.alias("buyer"), Company.__table__.alias("seller")
    wanted = select(Order, buyer.c.name, seller.c.name).options(selectinload(Order.lines))
    wanted = wanted.join(buyer, buyer.c.id == Order.company_id).join(seller, seller.c.id == Order.seller_company_id)
    return [(row[0], row[1], row[2]) for row in await session.execute(wanted.order_by(Order.id.desc()).limit(PAGE))]


async def holds_of(session: AsyncSession, company_id: int) -> list[HoldRow]:
    """What the company holds or has asked for, then what ended, the newest first. The seller's name stands beside
    what it holds."""
    wanted = _held().join(Company, Company.id == Hold.seller_company_id).where(Hold.company_id == company_id)
    turn = (Hold.state.not_in((HoldState.ASKED, HoldState.ACTIVE)), Hold.id.desc())
    rows = await session.execute(wanted.add_columns(Hold, Company.name).order_by(*turn).limit(PAGE))
    found = [HoldRow(hold, stone, name) for stone, hold, name in rows]
    known = await as_known(session, [(row.stone, row.hold.asked_at) for row in found])
    return [row._replace(stone=stone) for row, stone in zip(found, known, strict=True)]


async def holds_asked_of(session: AsyncSession, company_id: int) -> list[HoldRow]:
    """Holds of the company's stones: those that wait for its word first."""
    wanted = _held().add_columns(Hold).where(Hold.seller_company_id == company_id)
    turn = (Hold.state != HoldState.ASKED, Hold.state != HoldState.ACTIVE, Hold.id.desc())
    return [HoldRow(hold, stone, "") for stone, hold in await session.execute(wanted.order_by(*turn).limit(PAGE))]


async def all_holds(session: AsyncSession) -> list[HoldRow]:
    """Those that stand or are asked for, with the name of who holds, for staff."""
    wanted = _held().join(Company, Company.id == Hold.company_id).add_columns(Hold, Company.name)
    wanted = wanted.where(Hold.state.in_((HoldState.ASKED, HoldState.ACTIVE))).order_by(Hold.id.desc())
    return [HoldRow(hold, stone, name) for stone, hold, name in await session.execute(wanted.limit(PAGE))]


async def waits_of(session: AsyncSession, company_id: int) -> list[tuple[HoldWait, Stone]]:
    wanted = stones.visible_to(HOUSE).join(HoldWait, HoldWait.stone == Stone.public_id).add_columns(HoldWait)
    wanted = wanted.where(HoldWait.company_id == company_id, HoldWait.ended_at.is_(None))
    found = [(stone, wait) for stone, wait in await session.execute(wanted.order_by(HoldWait.id))]
    known = await as_known(session, [(stone, wait.at) for stone, wait in found])
    return [(wait, stone) for (_, wait), stone in zip(found, known, strict=True)]


def _held() -> Select[Stone]:
    """Joined with its holds, whatever stands in its way now: who holds it, and whose it is, hear how that ended."""
    return stones.visible_to(HOUSE).join(Hold, Hold.stone == Stone.public_id)


async def order_with(session: AsyncSession, company_id: int, ref: str) -> Order | None:
    """The company's own order of this id, while it stands."""
    wanted = select(Order).where(Order.public_id == ref, Order.company_id == company_id)
    return await session.scalar(wanted.where(Order.state.in_(STANDING)))


async def orders_by_line(session: AsyncSession, lines: Sequence[str]) -> dict[str, str]:
    """The order of each line, by the line's public id."""
    wanted = select(OrderLine.public_id, Order.public_id).join(Order, Order.id == OrderLine.order_id)
    return dict((await session.execute(wanted.where(OrderLine.public_id.in_(lines)))).all())
