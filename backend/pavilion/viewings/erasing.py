"""Visitors are forgotten: 90 days after the sale they came for, nothing tells who they were."""

from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import record
from pavilion.viewings.models import Appointment, AppointmentVisitor, Visitor
from pavilion.viewings.place_models import SaleViewing

KEPT = timedelta(days=90)
AT_ONCE = 200
EVERY = timedelta(hours=1)


async def erase_due(session: AsyncSession, now: datetime) -> int:
    """Everybody whose last visit, and the end of the viewing of its sale, lie longer back than that is nobody any
    more; answers how many. Whoever was named and never put down to come counts from that day. What they had in their
    hands stays told, under a number that leads nowhere."""
    # A named person without any appointment has no row here; the day of naming stands in for the visit.
    ended = func.max(Appointment.ends_at)
    sale_ended = func.max(SaleViewing.ends_at)
    wanted = (
        select(Visitor, ended.label("visit"), sale_ended.label("sale"))
        .outerjoin(AppointmentVisitor, AppointmentVisitor.visitor_id == Visitor.id)
        .outerjoin(Appointment, Appointment.id == AppointmentVisitor.appointment_id)
        .outerjoin(SaleViewing, SaleViewing.sale == Appointment.sale)
        .where(Visitor.erased_at.is_(None), Visitor.created_at < now - KEPT)
        .group_by(Visitor.id)
        .having(or_(ended.is_(None), ended < now - KEPT))
        .having(or_(sale_ended.is_(None), sale_ended < now - KEPT))
        .order_by(Visitor.id)
        .limit(AT_ONCE)
    )
    erased = 0
    for visitor, _visit, _sale in (await session.execute(wanted)).all():
        visitor.name, visitor.born, visitor.email, visitor.document_kind = "", None, "", ""
        visitor.person_id, visitor.erased_at = None, now
        for link in await session.scalars(
            select(AppointmentVisitor).where(AppointmentVisitor.visitor_id == visitor.id)
        ):
            link.pass_sha256 = link.link_sha256 = None
        erased += 1
        record(session, "visitor:erased", visitor.public_id, by="house", at=now)
    return erased


class Erasing:
    """Looks once an hour: a day is no matter of seconds."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._next: datetime | None = None

    async def tick(self, now: datetime) -> int:
        if self._next is not None and now < self._next:
            return 0
        async with reading(self._sessions) as session:
            oldest = await session.scalar(select(func.min(Visitor.created_at)).where(Visitor.erased_at.is_(None)))
        erased = 0
        if oldest is not None and oldest < now - KEPT:
            async with self._sessions.begin() as session:
                erased = await erase_due(session, now)
        self._next = now if erased == AT_ONCE else now + EVERY
        return erased
