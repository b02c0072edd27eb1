"""Reads of memos: by the buyer's company, by the owner, by the house."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor
from pavilion.auctions.entities import Entity, entities
from pavilion.kernel.ids import is_ulid
from pavilion.trading.conditions import used_minor
from pavilion.trading.memo_models import Memo, MemoPaper, MemoStone
from pavilion.trading.memo_rules import COMMITTED, MemoState, StoneState, state_at

PAGE = 100


class Lent(NamedTuple):
    """A memo as one side reads it: an owner learns no buyer, a buyer the owner with the memo."""

    row: Memo
    side: str
    state: str
    buyer: str
    seller: str
    papers: Sequence[str] = ()

    @property
    def house(self) -> Entity:
        return entities()[self.row.entity]

    @property
    def title_en(self) -> str:
        return ", ".join(line.title_en for line in self.row.stones)

    @property
    def title_zh(self) -> str:
        return "、".join(line.title_zh for line in self.row.stones)

    @property
    def back(self) -> int:
        """How many of its stones are no longer out."""
        return sum(line.state in (StoneState.RETURNED, StoneState.INVOICED) for line in self.row.stones)


async def of_company(session: AsyncSession, company_id: int, now: datetime) -> list[Lent]:
    """What this company asked for and has on memo, what still runs first."""
    return await _read(session, Memo.company_id == company_id, "buyer", now)


async def of_owner(session: AsyncSession, company_id: int, now: datetime) -> list[Lent]:
    """Memos of this company's stones: those that wait for its word first. No buyer's name stands there."""
    return await _read(session, Memo.seller_company_id == company_id, "seller", now)


async def of_house(session: AsyncSession, now: datetime) -> list[Lent]:
    return await _read(session, Memo.id > 0, "staff", now)


async def seen_by(session: AsyncSession, actor: Actor, memo: str, now: datetime) -> Lent | None:
    """The memo of this id, to either side of it and to the house, with the languages of its paper."""
    if not is_ulid(memo):
        return None
    wanted = select(Memo.company_id, Memo.seller_company_id).where(Memo.public_id == memo)
    row = (await session.execute(wanted)).one_or_none()
    if row is None or not (actor.is_staff or actor.company_id in row):
        return None
    side = "staff" if actor.is_staff else "buyer" if row.company_id == actor.company_id else "seller"
    (found,) = await _read(session, Memo.public_id == memo, side, now)
    papers = await session.scalars(select(MemoPaper.lang).where(MemoPaper.memo_id == found.row.id))
    return found._replace(papers=sorted(papers))


async def open_for(session: AsyncSession, company_id: int, stone: str) -> Memo | None:
    """The company's own memo of this stone that is asked for or runs."""
    wanted = select(Memo).join(MemoStone, MemoStone.memo_id == Memo.id).where(Memo.company_id == company_id)
    open_ = Memo.state.in_((MemoState.REQUESTED, *COMMITTED)) & MemoStone.state.in_(
        (StoneState.WAITING, StoneState.OUT, StoneState.INCIDENT)
    )
    return await session.scalar(wanted.where(MemoStone.stone == stone, open_).order_by(Memo.id).limit(1))


async def waiting(session: AsyncSession, company_id: int) -> int:
    """How many requests wait for this owner's word."""
    wanted = select(func.count(Memo.id)).where(Memo.seller_company_id == company_id)
    return await session.scalar(wanted.where(Memo.state == MemoState.REQUESTED)) or 0


async def left_minor(session: AsyncSession, company_id: int, currency: str) -> int:
    """What the company may still have unpaid in this currency."""
    firm = await session.get_one(Company, company_id)
    if firm.trade_currency != currency:
        return 0
    return max(firm.trade_limit_minor - await used_minor(session, company_id, currency), 0)


async def _read(session: AsyncSession, which: ColumnElement[bool], side: str, now: datetime) -> list[Lent]:
    first = MemoState.REQUESTED if side == "seller" else MemoState.OVERDUE
    turn = (Memo.state != first, Memo.state.not_in(COMMITTED), Memo.id.desc())
    wanted = select(Memo).where(which).options(selectinload(Memo.stones)).order_by(*turn).limit(PAGE)
    rows = (await session.scalars(wanted.execution_options(populate_existing=True))).all()
    ids = {one for row in rows for one in (row.company_id, row.seller_company_id)}
    found = await session.execute(select(Company.id, Company.name).where(Company.id.in_(ids)))
    names = {row.id: row.name for row in found}
    return [
        Lent(
            row,
            side,
            state_at(row.state, row.due_at, now),
            "" if side == "seller" else names[row.company_id],
            names[row.seller_company_id] if side != "buyer" or row.number else "",
        )
        for row in rows
    ]
