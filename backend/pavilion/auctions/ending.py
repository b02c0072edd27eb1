"""What becomes of registrations when their sale is over: none stays open for ever."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Registration, Sale
from pavilion.auctions.rules import REGISTRATION_TRANSITIONS, RegistrationState, SaleState
from pavilion.kernel import events

R = RegistrationState
UNDECIDED = (R.APPLIED, R.MORE_INFORMATION, R.DECLINED)


async def sale_closed(session: AsyncSession, sale: Sale, now: datetime) -> int:
    """Nobody can be registered any more: what was not approved is closed. Paddles stay until the sale is settled, for
    what passed is offered to those who bid on it."""
    return await _close(session, sale, UNDECIDED, now)


async def settle(session: AsyncSession, sale: Sale, now: datetime) -> None:
    """The sale is settled, and all its registrations are closed but the struck ones, which keep saying so."""
    sale.state = SaleState.SETTLED
    await _close(session, sale, [state for state, to in REGISTRATION_TRANSITIONS.items() if R.CLOSED in to], now)
    events.record(session, "sale:settled", sale.public_id, by=None, at=now)


async def _close(session: AsyncSession, sale: Sale, states: Collection[RegistrationState], now: datetime) -> int:
    wanted = select(Registration).where(Registration.sale_id == sale.id, Registration.state.in_(states))
    rows = (await session.scalars(wanted.order_by(Registration.id).with_for_update())).all()
    for row in rows:
        before, row.state, row.version = row.state, R.CLOSED, row.version + 1
        facts = {"sale": sale.public_id, "company_id": row.company_id, "before": str(before)}
        events.record(session, "registration:closed", row.public_id, by=None, at=now, **facts)
    await session.flush()
    return len(rows)
