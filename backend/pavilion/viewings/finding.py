"""What is free: every slot of a span with the answer that a hold would get there."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.viewings import rules, scenes, slots, standing
from pavilion.viewings.models import Appointment, Claim
from pavilion.viewings.occupying import STEP, Occupied, Pads
from pavilion.viewings.opening import AHEAD
from pavilion.viewings.place_models import Desk, Office
from pavilion.viewings.rules import Opening, Place, StoneFacts
from pavilion.viewings.standing import Company, Scene
from pavilion.viewings.states import AppointmentState, GapMode, ViewingMode
from pavilion.viewings.stone_models import Stay
from pavilion.viewings.wishes import Code, Wish

NEAR = timedelta(days=3)  # where the nearest slots are looked for first
ORDER = (
    Code.BAD_INPUT, Code.NOT_ON_GRID, Code.UNKNOWN_REFERENCE, Code.NOTICE_TOO_SHORT, Code.BEYOND_HORIZON,
    Code.VIEWING_CLOSED, Code.OUTSIDE_WINDOW, Code.APPROVAL_NEEDED, Code.COMPANY_DAY_LIMIT, Code.COMPANY_HOURS,
    Code.COMPANY_BUSY, Code.STONE_SOLD, Code.STONE_WITHDRAWN, Code.ON_MEMO, Code.STONE_ON_HOLD, Code.STONE_ELSEWHERE,
    Code.STONE_IN_TRANSIT, Code.DESK_TAKEN, Code.ROOM_FULL, Code.ROOM_COMPANIES, Code.STONE_TAKEN, Code.OPERATOR_TAKEN,
    Code.VISITOR_BUSY, Code.QUOTA_FULL, Code.OK,
)  # fmt: skip
RANK = {code: n for n, code in enumerate(ORDER)}


@dataclass(frozen=True, slots=True)
class Slot:
    """A time at an office. `desk` is one that is free then, or the one that came nearest; `code` and `facts` are what
    a hold of it would answer now."""

    office: str
    desk: str
    start: datetime
    end: datetime
    code: Code = Code.OK
    facts: dict[str, Any] = field(default_factory=dict)
    operator: int | None = None  # who would show the stones by video

    @property
    def free(self) -> bool:
        return self.code is Code.OK


async def free_slots(
    session: AsyncSession,
    office: str | None,
    stones: Sequence[str],
    party: int,
    frm: datetime,
    to: datetime,
    *,
    company_id: int,
    mode: ViewingMode = ViewingMode.IN_PERSON,
    sale: str | None = None,
    visitors: Sequence[int] = (),
    duration: timedelta | None = None,
    now: datetime,
) -> list[Slot]:
    """The slots that start in `[frm, to)` at one office or at all, by start and office, each once for all desks."""
    wish = Wish(company_id, "", frm, to, party, tuple(stones), tuple(visitors), mode=mode, sale=sale)
    places = [office] if office is not None else list(await session.scalars(select(Office.id).order_by(Office.id)))
    found = [slot for one in places for slot in await _of_office(session, one, wish, duration, now)]
    return sorted(found, key=lambda slot: (slot.start, slot.office))


async def nearest(session: AsyncSession, wish: Wish, now: datetime, n: int = 3) -> list[Slot]:
    """The slots nearest to the wish that pass every check for its company: what a refusal offers instead. The office
    of its desk is asked first, then those where its first stone stays."""
    office = await session.scalar(select(Desk.office_id).where(Desk.id == wish.desk))
    if office is None:
        return []
    length = wish.end - wish.start
    if not timedelta(0) < length <= rules.LONGEST or length % STEP:
        return []
    around = [(wish.start - NEAR, wish.start + NEAR), (now, now + rules.LONGEST * AHEAD)]
    found: list[Slot] = []
    for since, until in around:
        span = replace(wish, start=max(now, since), end=until)
        found = _free(await _of_office(session, office, span, length, now), wish, n)
        if len(found) >= n:
            return found
    if wish.stones:
        stays = select(Stay.office_id).where(Stay.stone == wish.stones[0], Stay.office_id != office).distinct()
        for other in await session.scalars(stays.order_by(Stay.office_id)):
            span = replace(wish, start=now, end=now + rules.LONGEST * AHEAD)
            found += _free(await _of_office(session, other, span, length, now), wish, n - len(found))
            if len(found) >= n:
                break
    return found


async def nearest_to_move(session: AsyncSession, appointment: int, wish: Wish, now: datetime) -> list[Slot]:
    """The same for what is booked already: what it takes is not in its own way (R10), so while times are looked for it
    is as if cancelled. Nothing is changed."""
    own = await session.begin_nested()
    try:
        gone = update(Appointment).where(Appointment.id == appointment)
        gone = gone.values(state=AppointmentState.CANCELLED, expires_at=None)
        await session.execute(gone.execution_options(synchronize_session=False))
        await session.execute(delete(Claim).where(Claim.appointment_id == appointment))
        return await nearest(session, wish, now)
    finally:
        await own.rollback()


def _free(found: Iterable[Slot], wish: Wish, n: int) -> list[Slot]:
    free = (slot for slot in found if slot.free and (slot.start, slot.desk) != (wish.start, wish.desk))
    return sorted(free, key=lambda slot: (abs(slot.start - wish.start), slot.start))[:n]


async def _of_office(
    session: AsyncSession, office: str, wish: Wish, duration: timedelta | None, now: datetime
) -> list[Slot]:
    """Between the start and the end of `wish`, whose desk does not matter."""
    asked = scenes.Asked(wish.company_id, wish.stones, wish.visitors, wish.sale, wish.mode is ViewingMode.REMOTE)
    frm, to = wish.start, min(wish.end, now + AHEAD * rules.DAY)
    scene = await scenes.read(session, office, frm, to, asked, now)
    if scene is None:
        return []
    company = await scenes.company_at(session, wish.company_id, scene, wish.sale, now)
    if company is None:
        return []
    return list(within(scene, wish, company, frm, to, duration, now))


def within(
    scene: Scene, wish: Wish, company: Company, frm: datetime, to: datetime, duration: timedelta | None, now: datetime
) -> Iterator[Slot]:
    """The slots of a scene; pure."""
    groups = [_Group(scene, wish, places) for places in _rooms(scene, wish.mode)]
    if not groups:
        return
    alike = _alike(scene, wish.stones)
    length = duration or scene.rules.sitting * rules.MINUTE
    for start, opening in sorted(_starts(scene, wish.mode, length, frm, to).items()):
        pads = rules.pads_of(scene.rules, wish.mode, scene.regime_at(start))
        tried = [group.tried(scene, opening, start, length, pads, company, alike, now) for group in groups]
        yield max(tried, key=lambda slot: RANK[slot.code])


def _starts(scene: Scene, mode: ViewingMode, length: timedelta, frm: datetime, to: datetime) -> dict[datetime, Opening]:
    """When something may begin, with the opening it lies in."""
    step = scene.rules.step * rules.MINUTE if scene.rules.step else None
    found: dict[datetime, Opening] = {}
    for opening in scene.openings:
        pads = rules.pads_of(scene.rules, mode, scene.regime_at(opening.start))
        summed = scene.rules.gap_mode is GapMode.SUM
        gap = pads.before + pads.after if summed else max(pads.before, pads.after)
        starts = slots.starts(
            opening.start, opening.end, length, step=step, gap=gap,
            gap_inside_hours=scene.rules.gap_inside_hours, breaks=opening.breaks,
        )  # fmt: skip
        for start in starts:
            if frm <= start < to:
                found.setdefault(start, opening)
    return found


def _rooms(scene: Scene, mode: ViewingMode) -> list[list[Place]]:
    """The open desks, by the room that they share; the stations by video together."""
    found: dict[str | None, list[Place]] = {}
    for place in scene.places.values():
        if not place.closed and (place.room is None) == (mode is ViewingMode.REMOTE):
            found.setdefault(place.room, []).append(place)
    return list(found.values())


def _alike(scene: Scene, stones: Sequence[str]) -> frozenset[str]:
    """The stones that have the same line as one before them."""
    first: dict[StoneFacts, str] = {}
    known = [stone for stone in stones if stone in scene.stones]
    return frozenset(stone for stone in known if first.setdefault(scene.stones[stone], stone) != stone)


class _Group:
    """The desks of a room, and what of the claim table can be in the way of a wish there."""

    def __init__(self, scene: Scene, wish: Wish, places: Sequence[Place]) -> None:
        self._wish, self._places = wish, places
        self._operators: Sequence[int | None] = sorted(scene.operators) or (None,)
        counted = places[0].companies is not None or any(one.facts.companies is not None for one in scene.regimes)
        least = min([one.facts.factor_pct for one in scene.regimes], default=100)
        sittings = sorted(scene.sittings, key=lambda one: (one.start, one.id))
        self._rows = [
            standing.rows_for(
                replace(wish, operator=one),
                sittings,
                places[0].room,
                scene.persons,
                cap=places[0].cap * least // 100,
                companies=counted,
            )
            for one in self._operators
        ]

    def tried(
        self, scene: Scene, opening: Opening, start: datetime, length: timedelta, pads: Pads, company: Company,
        alike: frozenset[str], now: datetime,
    ) -> Slot:  # fmt: skip
        """At the first desk that nobody has then, by the first operator who can; else what the first desk says."""
        best: Slot | None = None
        end = start + length
        wanted = Occupied(start, end, pads, scene.rules.gap_mode, "", 0, 0, 1)
        for operator, rows in zip(self._operators, self._rows, strict=True):
            free = (place.desk for place in self._places if wanted.is_free(rows, f"desk:{place.desk}"))
            desk = next(free, self._places[0].desk)
            wish = _at(self._wish, desk, start, end, operator)
            said = rules.check(wish, standing.facts_of(scene, wish, company, rows, (opening,), alike), now)
            if best is None or RANK[said.code] > RANK[best.code]:
                best = Slot(scene.office, desk, start, end, said.code, said.facts, operator)
            if said.code is not Code.OPERATOR_TAKEN:
                break
        assert best is not None
        return best


def _at(wish: Wish, desk: str, start: datetime, end: datetime, operator: int | None) -> Wish:
    """As `replace` does it, only quicker: it is asked for every slot."""
    return Wish(
        wish.company_id, desk, start, end, wish.party, wish.stones, wish.visitors, operator, wish.mode, wish.quotas,
        wish.sale,
    )  # fmt: skip
