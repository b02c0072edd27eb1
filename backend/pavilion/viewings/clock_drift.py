"""After a new zone database: appointments whose instant is another time on the wall than was agreed. None is moved."""

from collections import defaultdict
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.viewings import local_times, recording
from pavilion.viewings.models import Appointment
from pavilion.viewings.place_models import Desk
from pavilion.viewings.planning import CLOCK_MOVED
from pavilion.viewings.states import AppointmentState as S

BY = "clocks"
COMING = (S.REQUESTED, S.HELD, S.BOOKED)


async def drifted(session: AsyncSession, now: datetime) -> list[int]:
    """The coming appointments to which it happened and of which nobody has been told yet."""
    coming = select(Appointment.id, Appointment.starts_at, Appointment.zone, Appointment.wall).where(
        Appointment.starts_at > now, Appointment.state.in_(COMING), Appointment.attention.is_(None),
        Appointment.tz_version != local_times.tz_version(),
    )  # fmt: skip
    return [
        number
        for number, start, zone, wall in await session.execute(coming)
        if local_times.wall(start, local_times.zone_of(zone)) != wall
    ]


async def mark(session: AsyncSession, now: datetime) -> int:
    """Each is marked for attention and its people hear of it; what was agreed stays as it is written."""
    rows = select(Appointment, Desk.office_id).join(Desk, Desk.id == Appointment.desk_id).order_by(Appointment.id)
    of_office: dict[str, list[str]] = defaultdict(list)
    for row, office in await session.execute(rows.where(Appointment.id.in_(await drifted(session, now)))):
        row.attention = CLOCK_MOVED
        row.version += 1
        recording.happened(session, row, "attention", office=office, by=BY, at=now, cause=BY, wall=row.wall)
        of_office[office].append(row.public_id)
    for office, names in of_office.items():
        events.record(
            session, "office:clocks_moved", office, by=BY, at=now, appointments=names[:500], count=len(names),
            tz_version=local_times.tz_version(),
        )  # fmt: skip
    return sum(map(len, of_office.values()))


class ClocksWatched:
    """The tick that looks once a day, and at the start: a release is read by a process when it begins."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._looked: date | None = None

    async def tick(self, now: datetime) -> int:
        if self._looked == now.date():
            return 0
        async with reading(self._sessions) as session:
            found = await drifted(session, now)
        if found:
            async with self._sessions.begin() as session:
                await mark(session, now)
        self._looked = now.date()
        return len(found)
