"""What staff see of one appointment at the door and at the desk, and the list of trays of a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import Actor
from pavilion.provenance import custody_keeping
from pavilion.provenance.custody_models import CustodyEntry
from pavilion.viewings import board, desk, door, incidents, queries, remote, stone_cards
from pavilion.viewings.desk_models import Incident, RemoteViewing, Tray
from pavilion.viewings.models import Appointment, AppointmentVisitor, Visitor
from pavilion.viewings.place_models import Desk, Office
from pavilion.viewings.states import ViewingMode
from pavilion.viewings.stone_cards import StoneCard


@dataclass(frozen=True, slots=True)
class Guest:
    """A named visitor: expected, inside, or gone."""

    visitor: Visitor
    link: AppointmentVisitor
    declared: bool  # a declaration holds for this visit

    @property
    def inside(self) -> bool:
        return self.link.document_seen_at is not None and self.link.left_at is None

    @property
    def expected(self) -> bool:
        return self.link.document_seen_at is None


class Taker(NamedTuple):
    """Into whose hands a stone may go."""

    public_id: str
    name: str


@dataclass(frozen=True, slots=True)
class OnDesk:
    """A stone of the appointment: in whose hands it is, and how it was weighed."""

    card: StoneCard | None
    stone: str
    dropped: str | None
    entry: CustodyEntry | None  # the last at this appointment
    elsewhere: CustodyEntry | None  # out, but not here
    in_tray: str  # label of the tray with which it is out
    incident: Incident | None
    low: int  # it should weigh between these
    high: int

    @property
    def out(self) -> bool:
        return self.entry is not None and self.entry.closed_at is None

    @property
    def free(self) -> bool:
        return not (self.out or self.dropped or self.elsewhere or self.in_tray or self.incident)


@dataclass(frozen=True, slots=True)
class TrayOnDesk:
    tray: Tray
    entry: CustodyEntry | None
    free: bool

    @property
    def out(self) -> bool:
        return self.entry is not None and self.entry.closed_at is None


@dataclass(frozen=True, slots=True)
class View:
    visit: Appointment
    company: str
    desk: Desk
    operator: str
    takers: Sequence[Taker]
    guests: Sequence[Guest]
    stones: Sequence[OnDesk]
    trays: Sequence[TrayOnDesk]
    remote: RemoteViewing | None
    needs_declaration: bool
    allowed_mct: int

    @property
    def out(self) -> int:
        return sum(one.out for one in self.stones) + sum(one.out for one in self.trays)


@dataclass(frozen=True, slots=True)
class TrayOf:
    """One appointment of the day's list, with the stones to be laid out for it."""

    visit: board.Visit
    desk: Desk
    cards: Sequence[StoneCard]
    trays: Sequence[str]


async def view_of(session: AsyncSession, office: Office, visit: Appointment, actor: Actor, now: datetime) -> View:
    operator = await session.get(Person, visit.operator_id) if visit.operator_id else None
    return View(
        visit=visit,
        company=(await session.get_one(Company, visit.company_id)).name,
        desk=await session.get_one(Desk, visit.desk_id),
        operator="" if operator is None else operator.name,
        takers=await takers_of(session, visit, now),
        guests=await guests_of(session, visit, now),
        stones=await _stones(session, office, visit, actor),
        trays=await _trays(session, office, visit),
        remote=await remote.of(session, visit),
        needs_declaration=await door.declaration_needed(session, office, visit),
        allowed_mct=desk.allowed_mct(office),
    )


async def takers_of(session: AsyncSession, visit: Appointment, now: datetime) -> list[Taker]:
    """The visitors who are inside; by video whoever shows the stones."""
    if visit.mode == ViewingMode.REMOTE:
        operator = await session.get(Person, visit.operator_id) if visit.operator_id else None
        return [] if operator is None else [Taker(operator.public_id, operator.name)]
    inside = [one.visitor for one in await guests_of(session, visit, now) if one.inside]
    return [Taker(visitor.public_id, visitor.name) for visitor in inside]


async def guests_of(session: AsyncSession, visit: Appointment, now: datetime) -> list[Guest]:
    links = (await queries.visitors_of(session, [visit.id])).get(visit.id, [])
    return [Guest(visitor, link, door.declaration_holds(visit, link, now)) for link, visitor in links]


async def _stones(session: AsyncSession, office: Office, visit: Appointment, actor: Actor) -> list[OnDesk]:
    rows = (await queries.stones_of(session, [visit.id])).get(visit.id, [])
    names = [row.stone for row in rows]
    cards = await stone_cards.of_lines(session, actor, rows)
    here = {e.stone: e for e in await custody_keeping.entries_for(session, [visit.public_id]) if e.stone is not None}
    out, expected = await custody_keeping.out_now(session), await desk.expected(session, office, names)
    anywhere = {entry.stone: entry for entry in out if entry.stone is not None}
    trays = {tray.public_id: tray for tray in await desk.trays_of(session, office, names)}
    in_tray = {
        stone: trays[entry.tray].label for entry in out if entry.tray in trays for stone in trays[entry.tray].stones
    }
    wanted = select(Incident).where(Incident.stone.in_(names), Incident.closed_at.is_(None)).order_by(Incident.id)
    blocked = {one.stone: one for one in await session.scalars(wanted)}
    labels = {tray.id: tray for tray in trays.values()}
    for one in await session.scalars(
        select(Incident).where(Incident.tray_id.in_(list(labels)), Incident.closed_at.is_(None))
    ):
        blocked |= {stone: one for stone in labels[one.tray_id or 0].stones if stone not in blocked}
    return [
        OnDesk(
            card=cards.get(row),
            stone=row.stone,
            dropped=row.dropped,
            entry=here.get(row.stone),
            elsewhere=_elsewhere(anywhere.get(row.stone), visit),
            in_tray=in_tray.get(row.stone, ""),
            incident=blocked.get(row.stone),
            low=expected[row.stone][0],
            high=expected[row.stone][1],
        )
        for row in rows
    ]


def _elsewhere(entry: CustodyEntry | None, visit: Appointment) -> CustodyEntry | None:
    return entry if entry is not None and entry.ref != visit.public_id else None


async def _trays(session: AsyncSession, office: Office, visit: Appointment) -> list[TrayOnDesk]:
    """Those whose stones are all of this appointment; each goes out whole."""
    shown = await desk.shown_stones(session, visit)
    whole = [tray for tray in await desk.trays_of(session, office, shown) if set(tray.stones) <= set(shown)]
    here = {e.tray: e for e in await custody_keeping.entries_for(session, [visit.public_id]) if e.tray is not None}
    found = []
    for tray in whole:
        blocked = await incidents.open_about(session, tray.stones, [tray.id]) is not None
        single = [await custody_keeping.open_entry(session, stone=stone) for stone in tray.stones]
        free = not blocked and not any(single)
        found.append(TrayOnDesk(tray, here.get(tray.public_id), free))
    return found


async def tray_list(session: AsyncSession, office: Office, shown: board.Day, actor: Actor) -> list[TrayOf]:
    """Whoever is still to come, in order, with what is to lie before them."""
    found = await queries.of_office_day(session, office, shown.day)
    stones = await queries.stones_of(session, [one.id for one in found])
    cards = await stone_cards.of_lines(session, actor, (row for rows in stones.values() for row in rows))
    ids = {one.public_id: one.id for one in found}
    names = {one.id: one for one in shown.desks}
    listed = []
    for visit in shown.visits:
        if visit.state == "no_show":
            continue
        rows = [row for row in stones.get(ids[visit.public_id], []) if row.dropped is None]
        trays = await desk.trays_of(session, office, [row.stone for row in rows])
        held = [cards[row] for row in rows if row in cards]
        listed.append(TrayOf(visit, names[visit.desk_id], held, [tray.label for tray in trays]))
    return listed
