"""Reads of deposits: a company's own, and all of a sale for the house."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import strikes
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.entities import Entity, entities
from pavilion.auctions.models import Registration, Sale
from pavilion.settlement import checkouts, deposit_standing, deposits, topping_up
from pavilion.settlement.checkouts import Ways
from pavilion.settlement.deposit_models import Deposit
from pavilion.settlement.deposits import Figures
from pavilion.settlement.receipt_models import Refund

PAGE = 200


class DepositRow(NamedTuple):
    deposit: Deposit
    sale: Sale
    company: str
    figures: Figures
    refunds: Sequence[Refund]
    standing: str  # of its payment, one of `deposit_standing.STANDINGS`

    @property
    def lapsed(self) -> bool:
        """It was authorised on a card, and that authorisation ended."""
        return self.standing == "lapsed"

    @property
    def left_minor(self) -> int:
        """What is still to be put down; 0 once nothing is asked."""
        return max(0, self.deposit.wanted_minor - self.figures.held) if self.deposit.takes_money else 0


class OwnDeposit(NamedTuple):
    row: DepositRow
    entity: Entity
    ways: Ways | None  # none: nothing to pay, or the company is barred
    barred: bool
    limit_minor: int | None  # of the paddle, now or once the deposit is held
    grows: topping_up.Open | None  # none: it is not to be raised


def visible_to(actor: Actor) -> Select[Deposit, Sale, str]:
    """The one gate: who keeps the books or decides on registrations reads all, a company its own, nobody else any."""
    wanted = select(Deposit, Sale, Company.name).join(Sale, Sale.public_id == Deposit.sale)
    wanted = wanted.join(Company, Company.id == Deposit.company_id)
    if actor.may(Permission.LEDGER_SEE) or actor.may(Permission.REGISTRATION_DECIDE):
        return wanted
    return wanted.where(Deposit.company_id == (actor.company_id or 0))


async def own(session: AsyncSession, actor: Actor) -> list[OwnDeposit]:
    """The company's deposits, those still to be paid first, then the newest first."""
    wanted = visible_to(actor).where(Deposit.company_id == (actor.company_id or 0))
    rows = await _rows(session, wanted.order_by(Deposit.state.not_in(("asked", "pending")), Deposit.id.desc()))
    found: list[OwnDeposit] = []
    for row in rows:
        entity = entities()[row.deposit.entity]
        barred = await strikes.barred(session, row.deposit.company_id, entity.strikes)
        ways = await checkouts.ways_of_deposit(session, row.deposit) if row.left_minor and not barred else None
        limits = select(Registration.awaits_deposit, Registration.granted_minor, Registration.limit_minor)
        limit = (await session.execute(limits.where(Registration.public_id == row.deposit.registration))).one()
        grows = None if barred else await topping_up.open_for(session, row.deposit)
        held = limit.granted_minor if limit.awaits_deposit else limit.limit_minor
        found.append(OwnDeposit(row, entity, ways, barred, held, grows))
    return found


async def left_of(session: AsyncSession, company_id: int) -> dict[str, int]:
    """What a company has still to put down of the deposits asked of it, by registration."""
    asked = await session.scalars(select(Deposit).where(Deposit.company_id == company_id).order_by(Deposit.id))
    return {
        one.registration: max(0, one.wanted_minor - await deposits.held_minor(session, company_id, one.sale))
        for one in asked.all()
        if one.takes_money
    }


async def of_sale(session: AsyncSession, actor: Actor, sale: str) -> list[DepositRow]:
    """In the order in which they were asked."""
    return await _rows(session, visible_to(actor).where(Deposit.sale == sale).order_by(Deposit.id))


async def _rows(session: AsyncSession, wanted: Select[Deposit, Sale, str]) -> list[DepositRow]:
    found = (await session.execute(wanted.limit(PAGE))).all()
    refs = [deposit.public_id for deposit, _, _ in found]
    refunds: dict[str, list[Refund]] = {ref: [] for ref in refs}
    for refund in await session.scalars(select(Refund).where(Refund.ref.in_(refs)).order_by(Refund.id)):
        refunds[refund.ref].append(refund)
    standing = await deposit_standing.of(session, [deposit for deposit, _, _ in found])
    rows = []
    for deposit, sale, name in found:
        figures = await deposits.figures(session, deposit)
        rows.append(DepositRow(deposit, sale, name, figures, refunds[deposit.public_id], standing[deposit.public_id]))
    return rows
