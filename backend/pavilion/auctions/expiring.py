"""The end of an approval: set with it, moved later; a company whose time is over asks to bid on.

An approval that ended keeps its paddle and its live bids: only new ones are refused, by the engine and at that instant.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import registering
from pavilion.auctions.board import sale_of
from pavilion.auctions.models import Registration
from pavilion.auctions.rules import RegistrationState
from pavilion.kernel.errors import ActNotAllowed, NotFound
from pavilion.kernel.instants import stamp


async def set_end(
    session: AsyncSession, *, registration: str, until: datetime | None, actor: Actor, now: datetime
) -> Registration:
    """The approval holds until then, or as long as the sale takes bids; one that had ended holds again."""
    registering.check_end(until, now)
    row = await registering.locked(session, registration)
    if row.state != RegistrationState.APPROVED:
        raise ActNotAllowed(state=row.state)
    before, row.approved_until = row.approved_until, until
    ends = {"before": stamp(before) if before else None, "until": stamp(until) if until else None}
    await registering.decided(session, row, "end_changed", actor, now, **ends)
    return row


async def ask_on(session: AsyncSession, *, sale: str, note: str, actor: Actor, now: datetime) -> Registration:
    """The wish of a company whose approval has ended stands in the registrar's queue, once however often it is said."""
    found = await sale_of(session, sale)
    if actor.company_id is None or actor.person_id is None:
        raise NotFound()
    row = await registering.of_company(session, found.id, actor.company_id)
    if row is None:
        raise NotFound()
    if not row.expired(now) or found.state not in registering.OPEN_FOR_REGISTRATION:
        raise ActNotAllowed(state=row.state)
    row.note, row.applied_by, row.version = note, actor.person_id, row.version + 1
    row.applied_at = row.applied_at if row.asks_on else now
    await session.flush()
    registering.tell(session, row, "asked_on", actor, now, sale=sale)
    return row
