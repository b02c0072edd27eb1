"""A deposit raised after the approval: who wants a higher limit, or means to bid for more lots, puts down more."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import strikes
from pavilion.accounts.rules import Actor
from pavilion.auctions import registering
from pavilion.auctions.deposits import Offered, needed_for, offered, raised_limit, rule_of
from pavilion.auctions.entities import entities
from pavilion.auctions.models import Registration, Sale
from pavilion.auctions.registering import OPEN_FOR_REGISTRATION
from pavilion.auctions.rules import RegistrationState
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, BadInput
from pavilion.kernel.money import MAX_AMOUNT
from pavilion.settlement import deposits
from pavilion.settlement.deposit_models import Deposit, DepositState


class Open(NamedTuple):
    """What can be raised: the limit that holds or comes with what is asked, and the lots that can be marked."""

    limit_minor: int
    asked_limit_minor: int  # once all that is asked lies with us
    marked: Sequence[str]
    lots: Sequence[Offered]  # none: the sale does not count them


async def raise_it(
    session: AsyncSession,
    deposit: Deposit,
    *,
    wished_minor: int | None,
    lots: Sequence[str] | None,
    by_house: bool,
    actor: Actor,
    now: datetime,
) -> Deposit:
    """So much more is asked that the limit wished, or the marked lots, need; the limit that holds does not wait for it.
    Where the deposit is enough already nothing is asked. Said anew it is asked for the new. The deposit's row is locked
    by the caller; `lots` none: as marked before."""
    await strikes.refuse_barred(session, deposit.company_id, entities()[deposit.entity].strikes)
    registration, sale = await _of(session, deposit)
    if not _may_grow(deposit, registration, sale):
        raise ActNotAllowed(state=deposit.state if sale.state in OPEN_FOR_REGISTRATION else sale.state)
    if wished_minor is not None and not 0 < wished_minor <= MAX_AMOUNT:
        raise BadInput(fields={"limit": "amount_invalid"})
    wanted, rule = deposit.asked_minor, await rule_of(session, sale)
    if wished_minor is not None:
        wanted = needed_for(wished_minor, _limit(registration), deposit.asked_minor, deposit.factor)
    if lots is not None and rule.counts_lots:
        wanted = max(wanted, await registering.mark(session, registration=deposit.registration, lots=lots))
    if rule.max_minor is not None:
        wanted = min(wanted, max(rule.max_minor, deposit.asked_minor))
    there = await deposits.held_minor(session, deposit.company_id, deposit.sale)
    if wanted <= max(deposit.asked_minor, there):
        raise BadInput(fields={"limit": "deposit_enough"})
    if deposit.wanted_minor == wanted:
        return deposit
    deposit.raise_minor = wanted - deposit.asked_minor
    await session.flush()
    told = {"amount_minor": deposit.raise_minor, "currency": deposit.currency, **deposits.facts_of(deposit)}
    name = "deposit:raise_asked" if by_house else "deposit:raise_wished"
    events.record(session, name, deposit.public_id, by=actor.public_id, at=now, **told)
    return deposit


async def open_for(session: AsyncSession, deposit: Deposit) -> Open | None:
    """None: this deposit is not to be raised now."""
    registration, sale = await _of(session, deposit)
    if not _may_grow(deposit, registration, sale):
        return None
    rule = await rule_of(session, sale)
    lots = await offered(session, sale) if rule.counts_lots else []
    after = raised_limit(_limit(registration), deposit.asked_minor, deposit.wanted_minor, deposit.factor)
    return Open(_limit(registration), after, registration.marked, lots)


def _may_grow(deposit: Deposit, registration: Registration, sale: Sale) -> bool:
    """An authorisation on a card is of one amount: it is not raised."""
    open_ = registration.state == RegistrationState.APPROVED and sale.state in OPEN_FOR_REGISTRATION
    return open_ and deposit.state != DepositState.CLOSED and not deposit.by_hold


def _limit(registration: Registration) -> int:
    limit = registration.granted_minor if registration.awaits_deposit else registration.limit_minor
    return limit or 0


async def _of(session: AsyncSession, deposit: Deposit) -> tuple[Registration, Sale]:
    wanted = select(Registration, Sale).join(Sale, Sale.id == Registration.sale_id)
    row = (await session.execute(wanted.where(Registration.public_id == deposit.registration))).one()
    return row[0], row[1]
