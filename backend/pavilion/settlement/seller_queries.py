"""Reads of statements and payouts. A consignor reads its own, the cashier and the auditor all, nobody else any."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.settlement import holding_up, payouts, proceeds, sellers
from pavilion.settlement.invoicing import TaxUndecided
from pavilion.settlement.models import HouseCompany
from pavilion.settlement.note_models import Paper
from pavilion.settlement.proceeds import Proceeds
from pavilion.settlement.seller_models import Payout, PayoutState, SellerAccount, SellerStatement
from pavilion.settlement.sellers import Draft

SHOWN = 200
STATES = ("paid", "approved", "proposed", "payable", "carried", *payouts.FAULTS)


class StatementRow(NamedTuple):
    """`state`: paid, approved, proposed, payable, carried, or the code of what stands in the way."""

    statement: SellerStatement
    company: str
    state: str
    payout: Payout | None = None
    causes: Sequence[holding_up.Cause] = ()  # the lots that it waits for


class Ready(NamedTuple):
    """A consignor and a sale with something to be stated, or waiting for money. `fault`: why it cannot be stated."""

    company: Company
    stated: int
    proceeds: Proceeds
    draft: Draft | None
    fault: str | None


def visible_to(actor: Actor) -> Select[SellerStatement]:
    """The one gate for statements."""
    wanted = select(SellerStatement)
    if actor.may(Permission.LEDGER_SEE):
        return wanted
    return wanted.where(SellerStatement.company_id == (actor.company_id or 0))


async def statements(
    session: AsyncSession, actor: Actor, now: datetime, limit: int | None = SHOWN
) -> list[StatementRow]:
    """The newest first, each with how far its payment is."""
    wanted = visible_to(actor).join(Company, Company.id == SellerStatement.company_id).add_columns(Company.name)
    wanted = wanted.order_by(SellerStatement.id.desc())
    rows = (await session.execute(wanted if limit is None else wanted.limit(limit))).all()
    return await _with_states(session, [(row, name) for row, name in rows], now, causes=limit is not None)


async def row_of(session: AsyncSession, row: SellerStatement, now: datetime) -> StatementRow:
    return (await _with_states(session, [(row, row.facts["consignor"]["name"])], now))[0]


async def _with_states(
    session: AsyncSession, rows: Sequence[tuple[SellerStatement, str]], now: datetime, *, causes: bool = True
) -> list[StatementRow]:
    keys = [row.id for row, _ in rows]
    live = select(Payout).where(Payout.statement_id.in_(keys), Payout.state != PayoutState.CANCELLED)
    paid = {one.statement_id: one for one in await session.scalars(live)}
    waits, gone = await payouts.proposed(session, now), await sellers.carried(session, keys)
    found = []
    for row, name in rows:
        payout = paid.get(row.id)
        if payout is not None:
            state = payout.state
        elif row.id in gone:
            state = "carried"
        elif row.number in waits:
            state = "proposed"
        else:
            state = await payouts.fault_of(session, row, now) or "payable"
        why = await holding_up.causes(session, row, state, now) if causes else ()
        found.append(StatementRow(row, name, state, payout, why))
    return found


async def payouts_of(session: AsyncSession, row: SellerStatement) -> Sequence[Payout]:
    """Every payment of this statement, also those that came back."""
    return (await session.scalars(select(Payout).where(Payout.statement_id == row.id).order_by(Payout.id))).all()


async def statement_for(session: AsyncSession, actor: Actor, number: str) -> SellerStatement | None:
    found: SellerStatement | None = await session.scalar(visible_to(actor).where(SellerStatement.number == number))
    return found


async def paper_of(session: AsyncSession, row: SellerStatement, lang: str) -> Paper | None:
    return await session.get(Paper, (row.public_id, "statement", lang))


async def ready(session: AsyncSession, now: datetime, actor: Actor | None = None) -> list[Ready]:
    """Every consignor and sale that is not stated to the end; only the reader's own, where one is said."""
    found = []
    for company_id, sale in await sellers.pending(session):
        if actor is not None and actor.company_id != company_id:
            continue
        said = await proceeds.of_sale(session, company_id, sale, now)
        company = await session.get(Company, company_id)
        if said is None or company is None or not (said.items or said.waiting):
            continue
        drafted, fault = None, None
        try:
            drafted = await sellers.draft(session, company_id, sale, now)
        except TaxUndecided:
            fault = TaxUndecided.code
        found.append(Ready(company, await stated(session, company_id, sale), said, drafted, fault))
    return found


async def stated(session: AsyncSession, company_id: int, sale: str) -> int:
    """How many statements this consignor has of this sale."""
    mine = select(func.count(SellerStatement.id)).where(SellerStatement.company_id == company_id)
    return int(await session.scalar(mine.where(SellerStatement.sale == sale)) or 0)


async def sells(session: AsyncSession, actor: Actor) -> bool:
    """Whether the reader's company is one that consigns: it may stock stones, or has a statement."""
    if actor.company_id is None or await session.get(HouseCompany, actor.company_id) is not None:
        return False
    mine = select(SellerStatement.id).where(SellerStatement.company_id == actor.company_id).limit(1)
    return actor.may(Permission.STOCK_WRITE) or await session.scalar(mine) is not None


async def accounts(session: AsyncSession, company_id: int) -> Sequence[SellerAccount]:
    """The bank accounts of a company that are not over, the newest first."""
    wanted = select(SellerAccount).where(SellerAccount.company_id == company_id, SellerAccount.ended_at.is_(None))
    return (await session.scalars(wanted.order_by(SellerAccount.id.desc()))).all()


async def transfers(session: AsyncSession) -> list[tuple[Payout, SellerStatement, str, SellerAccount]]:
    """Payments that two persons have decided and nobody has made yet, the oldest first."""
    wanted = select(Payout, SellerStatement, Company.name, SellerAccount)
    wanted = wanted.join(SellerStatement, SellerStatement.id == Payout.statement_id)
    wanted = wanted.join(Company, Company.id == Payout.company_id)
    wanted = wanted.join(SellerAccount, SellerAccount.id == Payout.account_id)
    rows = await session.execute(wanted.where(Payout.state == PayoutState.APPROVED).order_by(Payout.id))
    return [(payout, statement, name, account) for payout, statement, name, account in rows]
