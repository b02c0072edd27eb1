"""Changing where stones are and travel. First what a change would break, then, as an act of its own, the change.

No appointment is ever moved by it. One that cannot be kept is marked for attention; its people are told by the event.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.kernel.canon import canonical
from pavilion.kernel.errors import BadInput, StaleVersion
from pavilion.viewings import finding, placing, travelling_reading, waiting
from pavilion.viewings.finding import Slot
from pavilion.viewings.lines import Draft, Elsewhere, Line, LineFault, Stop, check_change, elsewhere
from pavilion.viewings.models import Appointment, Claim
from pavilion.viewings.place_models import Office
from pavilion.viewings.recording import happened
from pavilion.viewings.refusing import ViewingRefused
from pavilion.viewings.states import AppointmentState
from pavilion.viewings.stone_models import Stay
from pavilion.viewings.travelling_models import TravelTime
from pavilion.viewings.travelling_reading import Visit

MOST_MOVES = 20  # appointments for which moves are looked for
AWAY = frozenset({"stone_elsewhere", "stone_in_transit"})
LONGEST_WAY = 14 * 24 * 60


@dataclass(frozen=True, slots=True)
class Broken:
    """An appointment that could not be kept: why, by stone, and where it could move."""

    visit: Visit
    why: Mapping[str, Elsewhere]
    moves: tuple[Slot, ...] = ()

    @property
    def code(self) -> str:
        return next(iter(self.why.values())).code


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a draft would do. `seen`: of exactly this; an act that hands it back changes what was looked at."""

    draft: Draft
    before: Mapping[str, Line]
    broken: tuple[Broken, ...]  # by this change
    still: tuple[Broken, ...]  # broken already, and not mended by it
    mended: tuple[Visit, ...]
    seen: str

    @property
    def alike(self) -> list[list[str]]:
        """The stones of the draft; those that go the same way, changed in the same places, stand together."""
        found: dict[Any, list[str]] = {}
        for stone, line in self.draft.lines.items():
            way = tuple((stop.office, stop.arrive, stop.depart, stop in self.before[stone]) for stop in line)
            found.setdefault(way, []).append(stone)
        return list(found.values())


class LineRefused(ViewingRefused):
    """A line that cannot be; the fault names the offices it lies between."""

    status, code = 409, "line_refused"

    def __init__(self, fault: LineFault) -> None:
        super().__init__(fault.code, **fault.facts)


async def look_ahead(session: AsyncSession, draft: Draft, *, moves: bool = True, now: datetime) -> Outlook:
    """What would come of it; nothing is changed. LineRefused for what cannot be."""
    outlook = await _judged(session, draft, now)
    if not moves or not outlook.broken:
        return outlook
    # Moves are looked for with the stones where they would be, by the same checks as a booking; then all is undone.
    savepoint = await session.begin_nested()
    try:
        await _store(session, draft, outlook.before, by="house", now=now)
        broken = [await _with_moves(session, one, now) for one in outlook.broken[:MOST_MOVES]]
    finally:
        await savepoint.rollback()
    broken += outlook.broken[MOST_MOVES:]
    return Outlook(draft, outlook.before, tuple(broken), outlook.still, outlook.mended, outlook.seen)


async def change(session: AsyncSession, draft: Draft, *, seen: str, by: str, now: datetime) -> Outlook:
    """The stones travel as the draft says. StaleVersion if that is not what was looked at. Appointments that break are
    marked, those that are mended are not any more; the event of each tells whom it concerns."""
    await placing.alone(session)
    await placing.still(session, sorted(draft.lines), writing=True)  # no booking is written meanwhile
    outlook = await _judged(session, draft, now)
    if outlook.seen != seen:
        raise StaleVersion()
    await _store(session, draft, outlook.before, by=by, now=now)
    for stone, line in draft.lines.items():
        if line != outlook.before[stone]:
            events.record(session, "stone:line_changed", stone, by=by, at=now, offices=[stop.office for stop in line])
    for one in outlook.broken:
        await _tell(session, one.visit, one.code, by=by, now=now)
    for visit in outlook.mended:
        await _tell(session, visit, None, by=by, now=now)
    await session.flush()
    await waiting.offer(session, now, cause="travel")  # a stone that comes may be what somebody waited for
    return outlook


async def set_way(
    session: AsyncSession, start: str, end: str, *, minutes: int, valid_from: date, by: str, now: datetime
) -> TravelTime:
    """From that day on the way takes so long; what was in force before stays in the table."""
    faults: dict[str, str] = {}
    if start == end or await session.get(Office, start) is None or await session.get(Office, end) is None:
        faults["end"] = "bad_input"
    if not 5 <= minutes <= LONGEST_WAY or minutes % 5:
        faults["minutes"] = "not_on_grid" if minutes % 5 else "bad_input"
    if faults:
        raise BadInput(fields=faults)
    row = TravelTime(from_office=start, to_office=end, minutes=minutes, valid_from=valid_from, by=by, at=now)
    session.add(row)
    await session.flush()
    events.record(session, "way:set", f"{start}-{end}", by=by, at=now, minutes=minutes, valid_from=str(valid_from))
    return row


async def _judged(session: AsyncSession, draft: Draft, now: datetime) -> Outlook:
    before = await travelling_reading.lines_of(session, list(draft.lines))
    ways = await travelling_reading.ways(session)
    for stone, line in draft.lines.items():
        try:
            check_change(before[stone], line, ways, now)
        except LineFault as fault:
            fault.facts.setdefault("stone", stone)
            raise LineRefused(fault) from fault
    visits = await travelling_reading.visits(session, list(draft.lines), now)
    was, will = _why(visits, before), _why(visits, draft.lines)
    broken = tuple(Broken(v, will[v.row.id]) for v in visits if v.row.id in will and v.row.id not in was)
    still = tuple(Broken(v, will[v.row.id]) for v in visits if v.row.id in will and v.row.id in was)
    mended = tuple(v for v in visits if v.row.id not in will and v.row.attention in AWAY)
    return Outlook(draft, before, broken, still, mended, _seen(before, draft, visits))


def _why(visits: Sequence[Visit], lines: Mapping[str, Line]) -> dict[int, dict[str, Elsewhere]]:
    """By appointment and stone, why it would not be there."""
    found: dict[int, dict[str, Elsewhere]] = {}
    for shown in travelling_reading.claims_of(visits):
        if shown.stone in lines and (why := elsewhere(lines[shown.stone], shown)) is not None:
            found.setdefault(shown.appointment, {})[shown.stone] = why
    return found


async def _store(session: AsyncSession, draft: Draft, before: Mapping[str, Line], *, by: str, now: datetime) -> None:
    for stone, line in draft.lines.items():
        old = {stop.id: stop for stop in before[stone]}
        kept = {stop.id for stop in line if stop.id is not None}
        if gone := [stay for stay in old if stay not in kept]:
            await session.execute(delete(Stay).where(Stay.id.in_(gone)))
        for stop in line:
            if stop.id is None:
                session.add(_fill(Stay(stone=stone), stop, by, now))
            elif old.get(stop.id) != stop:
                _fill(await session.get_one(Stay, stop.id), stop, by, now)
    await session.flush()


def _fill(stay: Stay, stop: Stop, by: str, now: datetime) -> Stay:
    stay.office_id, stay.arrive, stay.depart = stop.office, stop.arrive, stop.depart
    stay.pack_min, stay.unpack_min = stop.pack, stop.unpack
    stay.carrier, stay.carrier_ref, stay.by, stay.at = stop.carrier, stop.carrier_ref, by, now
    return stay


async def _with_moves(session: AsyncSession, broken: Broken, now: datetime) -> Broken:
    """What it takes is out of its own way (R10): while its moves are looked for, it is as if cancelled."""
    row = broken.visit.row
    wish = await placing.wish_of(session, row)
    own = await session.begin_nested()
    try:
        gone = update(Appointment).where(Appointment.id == row.id)
        gone = gone.values(state=AppointmentState.CANCELLED, expires_at=None)
        await session.execute(gone.execution_options(synchronize_session=False))
        await session.execute(delete(Claim).where(Claim.appointment_id == row.id))
        found = await finding.nearest(session, wish, now)
    finally:
        await own.rollback()
    return Broken(broken.visit, broken.why, tuple(found))


async def _tell(session: AsyncSession, visit: Visit, code: str | None, *, by: str, now: datetime) -> None:
    """The appointment is marked with the code, or unmarked; the event says so to those who follow. What marked it for
    another reason stays its mark."""
    row = await session.get_one(Appointment, visit.row.id)
    if row.attention is None or row.attention in AWAY:
        row.attention = code
    row.version += 1
    kind = "attention" if code else "changed"
    happened(session, row, kind, office=visit.office.id, by=by, at=now, reason=code or "", cause="travel")


def _seen(before: Mapping[str, Line], draft: Draft, visits: Sequence[Visit]) -> str:
    said = {
        "before": {stone: [_words(stop) for stop in line] for stone, line in before.items()},
        "after": {stone: [_words(stop) for stop in line] for stone, line in draft.lines.items()},
        "visits": [[visit.row.id, visit.row.version, visit.row.sequence] for visit in visits],
    }
    return hashlib.sha256(canonical(said)).hexdigest()


def _words(stop: Stop) -> list[Any]:
    times = [at.isoformat() if at else None for at in (stop.arrive, stop.depart)]
    return [stop.office, *times, stop.pack, stop.unpack, stop.carrier, stop.carrier_ref, stop.id]
