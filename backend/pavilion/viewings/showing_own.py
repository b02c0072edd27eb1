"""A company's own appointments and waiting wishes, as its people see them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.errors import NotFound
from pavilion.viewings import queries, visitors
from pavilion.viewings.desk_models import RemoteViewing, ViewingNote
from pavilion.viewings.models import (
    Appointment,
    AppointmentStone,
    AppointmentVisitor,
    Visitor,
    WaitEntry,
)
from pavilion.viewings.notes import of_company as notes_of_company
from pavilion.viewings.place_models import Desk, Office, Regime, SaleViewing
from pavilion.viewings.rules import BookingRules
from pavilion.viewings.showing import StoneShown, agreed_stones, wished_stones
from pavilion.viewings.states import TAKING, AppointmentState, WaitState

S = AppointmentState
COMING = TAKING | {S.REQUESTED}


class Place(NamedTuple):
    desk: Desk
    office: Office


class StoneLine(NamedTuple):
    row: AppointmentStone
    shown: StoneShown | None  # none: the stone is no longer kept
    notes: list[tuple[ViewingNote, str]]


@dataclass(frozen=True, slots=True)
class Own:
    """One appointment with all that its page shows."""

    row: Appointment
    place: Place
    rules: BookingRules
    stones: list[StoneLine]
    persons: list[tuple[AppointmentVisitor, Visitor]]
    regime: Regime | None  # asks for a declaration
    remote: RemoteViewing | None

    @property
    def cutoff(self) -> datetime:
        """Until here, this instant included, its company moves and cancels it."""
        return self.row.starts_at - timedelta(hours=self.rules.cutoff_h)

    def changeable(self, now: datetime) -> bool:
        return self.row.state == S.BOOKED and now <= self.cutoff

    def late(self, now: datetime) -> bool:
        """Still to come, and no longer the company's own to change."""
        return self.row.state == S.BOOKED and self.cutoff < now < self.row.starts_at

    @property
    def kept(self) -> list[StoneLine]:
        return [line for line in self.stones if line.row.dropped is None]

    @property
    def names(self) -> dict[str, str]:
        return {line.row.stone: line.shown.title for line in self.stones if line.shown}


class Listed(NamedTuple):
    row: Appointment
    place: Place
    stones: int
    persons: int


async def found(session: AsyncSession, public_id: str, company_id: int) -> Appointment:
    """An appointment of this company; another's is not found, as if there were none."""
    row = await queries.appointment(session, public_id[:26])
    if row is None or row.company_id != company_id:
        raise NotFound()
    return row


async def place_of(session: AsyncSession, desk_id: str) -> Place:
    row = (await session.execute(select(Desk, Office).join(Office).where(Desk.id == desk_id))).one()
    return Place(row[0], row[1])


async def rules_of(session: AsyncSession, office: Office, sale: str | None) -> BookingRules:
    differing = await session.get(SaleViewing, sale) if sale else None
    return BookingRules.of(office.rules, differing.rules if differing else None)


async def own_of(session: AsyncSession, row: Appointment, lang: str) -> Own:
    place = await place_of(session, row.desk_id)
    lines = (await queries.stones_of(session, [row.id]))[row.id]
    shown = {one.stone.public_id: one for one in await agreed_stones(session, lines, lang)}
    notes = await notes_of_company(session, row.company_id, [line.stone for line in lines]) if lines else {}
    return Own(
        row=row,
        place=place,
        rules=await rules_of(session, place.office, row.sale),
        stones=[StoneLine(line, shown.get(line.stone), notes.get(line.stone, [])) for line in lines],
        persons=(await queries.visitors_of(session, [row.id]))[row.id],
        regime=await visitors.declaration_wanted(session, row),
        remote=await session.get(RemoteViewing, row.id),
    )


async def listed(session: AsyncSession, company_id: int, now: datetime) -> tuple[list[Listed], list[Listed]]:
    """Those that are coming, the next first, and those that are past, the last first."""
    rows = [row for row in await queries.of_company(session, company_id) if row.state != S.EXPIRED]
    ids = [row.id for row in rows]
    stones, persons = await queries.stones_of(session, ids), await queries.visitors_of(session, ids)
    desks = {row.desk_id for row in rows}
    found_desks = await session.execute(select(Desk, Office).join(Office).where(Desk.id.in_(desks)))
    places = {desk.id: Place(desk, office) for desk, office in found_desks}
    lines = [
        Listed(row, places[row.desk_id], sum(1 for one in stones[row.id] if one.dropped is None), len(persons[row.id]))
        for row in rows
    ]
    coming = [one for one in lines if one.row.state in COMING and one.row.ends_at > now]
    past = [one for one in lines if one not in coming]
    return sorted(coming, key=lambda one: (one.row.starts_at, one.row.id)), past


class Waiting(NamedTuple):
    """A wish in the queue. `ahead`: how many wait before it for the same desk or one of its stones at that time."""

    entry: WaitEntry
    place: Place
    stones: list[StoneShown]
    ahead: int
    offer: Appointment | None


async def waiting_of(session: AsyncSession, company_id: int, lang: str) -> list[Waiting]:
    wanted = select(WaitEntry).where(WaitEntry.company_id == company_id, WaitEntry.state != WaitState.GONE)
    rows = (await session.scalars(wanted.order_by(WaitEntry.starts_at, WaitEntry.id))).all()
    found_entries = []
    for entry in rows:
        offered = entry.appointment_id if entry.state == WaitState.OFFERED else None  # else of an offer that lapsed
        offer = None if offered is None else await session.get(Appointment, offered)
        place = await place_of(session, entry.desk_id)
        stones = await wished_stones(session, entry.wish.get("stones", []), lang, entry.created_at)
        ahead = await _ahead(session, entry)
        found_entries.append(Waiting(entry, place, stones, ahead, offer))
    return found_entries


async def entry_of(session: AsyncSession, public_id: str, company_id: int) -> WaitEntry:
    row = await session.scalar(select(WaitEntry).where(WaitEntry.public_id == public_id[:26]))
    if row is None or row.company_id != company_id:
        raise NotFound()
    return row


async def _ahead(session: AsyncSession, entry: WaitEntry) -> int:
    before = or_(
        WaitEntry.priority < entry.priority,
        (WaitEntry.priority == entry.priority) & (WaitEntry.created_at < entry.created_at),
        (WaitEntry.priority == entry.priority) & (WaitEntry.created_at == entry.created_at) & (WaitEntry.id < entry.id),
    )
    overlap = (WaitEntry.starts_at < entry.ends_at) & (WaitEntry.ends_at > entry.starts_at)
    rows = await session.execute(
        select(WaitEntry.desk_id, WaitEntry.wish)
        .where(WaitEntry.state == WaitState.WAITING, before, overlap, WaitEntry.id != entry.id)
        .limit(1000)
    )
    mine = set(entry.wish.get("stones", []))
    return sum(1 for desk, wish in rows if desk == entry.desk_id or mine & set(wish.get("stones", [])))


async def waiting_count(session: AsyncSession, company_id: int) -> int:
    wanted = select(func.count(WaitEntry.id)).where(WaitEntry.company_id == company_id)
    return await session.scalar(wanted.where(WaitEntry.state != WaitState.GONE)) or 0
