"""What happens to viewings, told: to who booked and who is named with an account, and to the staff of the office.

What a company did itself on a page (held, joined the list, let go) is not told again; what others did, what the clock
did, and what belongs in a calendar is.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person, PersonRole
from pavilion.accounts.rules import RIGHTS, Permission, Role
from pavilion.kernel import outbox
from pavilion.kernel.db import Sessions
from pavilion.kernel.events import Event
from pavilion.kernel.outbox import Outbox
from pavilion.notifications.hearing import Hearing
from pavilion.notifications.rules import Channel
from pavilion.notifications.telling import Teller
from pavilion.viewings.models import Appointment, AppointmentEvent, AppointmentVisitor, Visitor, WaitEntry
from pavilion.viewings.place_models import Desk, Office, OfficeStaff, SaleViewing
from pavilion.viewings.rules import BookingRules
from pavilion.viewings.states import AppointmentState as S
from pavilion.viewings.states import StoneFate, WaitState

FOLLOWER = "viewing notices"
REMINDER = "viewing_reminder"  # kind of the outbox: one row for each appointment, time ahead and SEQUENCE
LATE = "late_cancel_asked"
STALE = timedelta(days=14)
MOST_BEFORE, MOST_PEOPLE = 20, 200  # earlier SEQUENCEs, and people of a company, that are looked through
JOURNEY = timedelta(hours=2)  # told later than this before it, a change finds its people on the way
HAPPENED = (
    *("requested", "booked", "moved", "changed", "cancelled", "expired", "no_show", "attention"),
    *("checked_in", "done", LATE),
)
NAMES = (*(f"appointment:{one}" for one in HAPPENED), "waitlist:offered", "waitlist:gone", "incident:opened")
BOOKERS = tuple(role for role in Role if Permission.VIEWING_BOOK in RIGHTS[role])
GIVEN = ("viewing_booked", "viewing_moved", "viewing_changed")
STONE_GONE = tuple(f"stone_{fate.value}" for fate in StoneFate)
MOVED = "moved on: an appointment has its reminders for one time only"


def hearing(sessions: Sessions) -> Hearing:
    """Follows what happens to viewings. An invitation is no stale news while its viewing is still to come."""
    return Hearing(sessions, FOLLOWER, NAMES, heard, STALE)


async def heard(session: AsyncSession, teller: Teller, event: Event) -> None:
    subject, _, happened = event.name.partition(":")
    if subject == "incident":
        await _tell_office(session, teller, event, "office_incident", event.facts["office"], incident=event.subject)
    elif subject == "waitlist":
        await _waited(session, teller, event, happened)
    else:
        found = select(Appointment, Desk.office_id).join(Desk, Desk.id == Appointment.desk_id)
        row = (await session.execute(found.where(Appointment.public_id == event.subject))).one_or_none()
        if row is not None:
            await _Appointment(session, teller, event, row[0], row[1]).happened(happened)


class _Appointment:
    """One event of one appointment, and who hears of it."""

    def __init__(self, session: AsyncSession, teller: Teller, event: Event, row: Appointment, office: str) -> None:
        self.session, self.teller, self.event, self.row, self.office = session, teller, event, row, office

    async def happened(self, what: str) -> None:
        if self.row.ends_at > self.teller.now:
            await self._say(what)
        await remind(self.session, self.row, self.office, self.teller.now)

    async def _say(self, what: str) -> None:
        if what == "booked":
            await self._tell("viewing_booked")
        elif what == "requested":
            await self._tell("viewing_requested")
            await self._office("office_requested")
        elif what == "moved":
            await self._moved()
        elif what == "changed":
            await self._changed()
        elif what == "cancelled":
            await self._cancelled()
        elif what == "expired" and self.event.facts.get("cause") == "offer":
            await self._lapsed()
        elif what == "no_show":
            await self._tell("viewing_no_show")
        elif what == "attention":
            await self._attention()
        elif what == LATE:
            await self._office("office_late_cancel")

    async def _moved(self) -> None:
        """To another hour or office; or only with other stones or visitors. Who is named no more is told so: the entry
        leaves their calendar."""
        facts = self.event.facts
        stays = all(facts.get(f"was_{one}", facts[one]) == facts[one] for one in ("start", "end", "office"))
        await self._tell("viewing_changed" if stays else "viewing_moved")
        gone = await _named_before(self.session, self.row, await people_of(self.session, self.row))
        await self.teller.tell_people(
            "viewing_unnamed", f"{self.row.public_id}:{self.row.sequence}", gone, at=self.event.at,
            last=self.row.starts_at - JOURNEY, appointment=self.row.public_id, sequence=self.row.sequence,
        )  # fmt: skip

    async def _changed(self) -> None:
        """A new SEQUENCE is a new state of the invitation. Without one, a stone that was late is on its way again, a
        sale that was taken back is on again, or nothing has changed for who comes."""
        if self.event.facts.get("cause") in ("travel", "sale"):
            await self._tell("viewing_settled", by_event=True)
            return
        if self.event.facts.get("cause") in STONE_GONE:
            await self._office("office_stone_gone", **_why(self.event))
            if self.event.facts.get("state") == S.REQUESTED:  # it is in no calendar and has no new SEQUENCE
                await self._tell("viewing_stone_gone", by_event=True)
                return
        began = select(AppointmentEvent.kind).where(
            AppointmentEvent.appointment_id == self.row.id,
            AppointmentEvent.sequence == self.event.facts.get("sequence", 0),
        )
        if await self.session.scalar(began.order_by(AppointmentEvent.n).limit(1)) == "changed":
            await self._tell("viewing_changed")

    async def _lapsed(self) -> None:
        """An offer that was not taken; after the second, the end of waiting is told instead."""
        entry = select(WaitEntry.state).where(WaitEntry.appointment_id == self.row.id)
        if await self.session.scalar(entry) != WaitState.GONE:
            await self._tell("viewing_offer_lapsed")

    async def _cancelled(self) -> None:
        """What stood in calendars is taken out; what was only asked for is declined; a hold let go is nobody's news."""
        was = select(AppointmentEvent.state).where(AppointmentEvent.appointment_id == self.row.id)
        states = set(await self.session.scalars(was))
        if S.BOOKED in states:
            await self._tell("viewing_cancelled")
        elif S.REQUESTED in states:
            await self._tell("viewing_declined")

    async def _attention(self) -> None:
        """Of a place that is only held nothing has to be settled yet; booked all the same, it is told then."""
        if self.event.facts.get("state") == S.HELD:
            return
        await self._office("office_attention", **_why(self.event))
        await self._tell("viewing_attention", by_event=True)

    async def _tell(self, notice: str, *, by_event: bool = False) -> None:
        sequence = self.event.facts.get("sequence", self.row.sequence)
        key = str(self.event.id) if by_event else f"{self.row.public_id}:{sequence}"
        await self.teller.tell_people(
            notice, key, await people_of(self.session, self.row), at=self.event.at,
            last=self.row.starts_at - JOURNEY, appointment=self.row.public_id, sequence=sequence,
            **_why(self.event), was=_was(self.event),
        )  # fmt: skip

    async def _office(self, notice: str, **facts: Any) -> None:
        await _tell_office(
            self.session, self.teller, self.event, notice, self.office,
            last=self.row.starts_at - JOURNEY, appointment=self.row.public_id, **facts,
        )  # fmt: skip


async def people_of(session: AsyncSession, row: Appointment) -> Sequence[int]:
    """Who booked, who comes and has an account, and who shows the stones by video. Booked by the house, or by somebody
    who left: those of the company who may book."""
    visits = select(Visitor.person_id).join(AppointmentVisitor, AppointmentVisitor.visitor_id == Visitor.id)
    visits = visits.where(AppointmentVisitor.appointment_id == row.id, Visitor.person_id.is_not(None))
    theirs = select(Person.id).where(Person.company_id == row.company_id, Person.disabled_at.is_(None))
    named = theirs.where(or_(Person.id == row.booked_by, Person.id.in_(visits)))
    found = list(await session.scalars(named.order_by(Person.id)))
    if not found:
        bookers = theirs.where(Person.id.in_(select(PersonRole.person_id).where(PersonRole.role.in_(BOOKERS))))
        found = list(await session.scalars(bookers.order_by(Person.id)))
    shows = select(Person.id).where(Person.id == row.operator_id, Person.disabled_at.is_(None))
    return [*found, *(await session.scalars(shows))]


async def _named_before(session: AsyncSession, row: Appointment, now_named: Sequence[int]) -> list[int]:
    """Whose calendar was given the entry, and who is not among these any more."""
    theirs = select(Person.id).where(Person.company_id == row.company_id).order_by(Person.id).limit(MOST_PEOPLE)
    keys = [
        f"{notice}:{row.public_id}:{sequence}:{person}"
        for person in await session.scalars(theirs)
        for sequence in range(max(0, row.sequence - MOST_BEFORE), row.sequence + 1)
        for notice in (*GIVEN, "viewing_unnamed")
    ]
    rows = select(Outbox.payload).where(Outbox.kind == Channel.MAIL, Outbox.key.in_(keys)).order_by(Outbox.id)
    last = {said["person"]: said["notice"] for said in await session.scalars(rows)}
    return [person for person, notice in last.items() if notice in GIVEN and person not in now_named]


def _why(event: Event) -> dict[str, str]:
    """Somebody's words, or a code; and what else brought it about."""
    return {"said": str(event.facts.get("reason") or ""), "cause": str(event.facts.get("cause") or "")}


def _was(event: Event) -> list[str]:
    """The time before, where it is another one."""
    was = [event.facts.get(f"was_{one}") for one in ("start", "end")]
    return [str(one) for one in was] if all(was) and was != [event.facts["start"], event.facts["end"]] else []


async def staff_of(session: AsyncSession, office: str) -> Sequence[int]:
    """Who acts for this office and may run viewings."""
    runs = select(PersonRole.person_id).where(PersonRole.role == Role.VIEWINGS)
    theirs = select(Person.id).join(OfficeStaff, OfficeStaff.person_id == Person.id)
    theirs = theirs.where(OfficeStaff.office_id == office, Person.disabled_at.is_(None), Person.id.in_(runs))
    return (await session.scalars(theirs.order_by(Person.id))).all()


async def remind(session: AsyncSession, row: Appointment, office: str, now: datetime) -> None:
    """A booked appointment has its reminders, each once for its SEQUENCE; those of an earlier time, and of one that is
    booked no more, are dropped. What would be due already is not said: the mail about the booking says it."""
    booked = row.state == S.BOOKED
    ahead = sorted({hours for hours in await _ahead(session, row, office) if hours > 0}, reverse=True)
    over = range(max(0, row.sequence - MOST_BEFORE), row.sequence + (not booked))
    keys = [_reminder(row, hours, sequence) for hours in ahead for sequence in over]
    await outbox.withdraw(session, REMINDER, keys, MOVED, now)  # one that is left out is silent by its SEQUENCE
    if not booked:
        return
    for hours, following in zip(ahead, [*ahead[1:], 0], strict=True):
        due = row.starts_at - timedelta(hours=hours)
        if due > now:
            payload = {"appointment": row.public_id, "sequence": row.sequence, "hours": hours, "next": following}
            key = _reminder(row, hours, row.sequence)
            await outbox.enqueue(session, REMINDER, key, payload, at=now, due_at=due)


def _reminder(row: Appointment, hours: int, sequence: int) -> str:
    return f"{row.public_id}:{hours}h:{sequence}"


async def _ahead(session: AsyncSession, row: Appointment, office: str) -> Sequence[int]:
    place = await session.get(Office, office)
    sale = await session.get(SaleViewing, row.sale) if row.sale else None
    return BookingRules.of(place.rules if place else None, sale.rules if sale else None).reminders


async def _waited(session: AsyncSession, teller: Teller, event: Event, happened: str) -> None:
    """An offer is told at once, in quiet hours too: it lapses within two, and the second lapse ends the waiting. Who
    puts a name on the list asks to be called when the place is free."""
    entry = await session.scalar(select(WaitEntry).where(WaitEntry.public_id == event.subject))
    if entry is None:
        return
    people = [] if entry.joined_by is None else [entry.joined_by]
    theirs = select(Person.id).where(Person.id.in_(people), Person.company_id == entry.company_id)
    people = list(await session.scalars(theirs.where(Person.disabled_at.is_(None))))
    if happened == "offered" and entry.appointment_id is not None:
        row = await session.get_one(Appointment, entry.appointment_id)
        await teller.tell_people(
            "viewing_offered", str(event.id), people or await people_of(session, row), at=event.at, last=teller.now,
            appointment=row.public_id, sequence=row.sequence, until=event.facts.get("expires", ""),
        )  # fmt: skip
    elif happened == "gone" and event.facts.get("cause") == "lapsed":
        await teller.tell_people(
            "viewing_wait_ended", str(event.id), people, at=event.at,
            entry=entry.public_id, office=event.facts["office"], start=event.facts["start"],
        )  # fmt: skip


async def _tell_office(
    session: AsyncSession, teller: Teller, event: Event, notice: str, office: str, **facts: Any
) -> None:
    people = await staff_of(session, office)
    await teller.tell_people(notice, str(event.id), people, at=event.at, office=office, **facts)
