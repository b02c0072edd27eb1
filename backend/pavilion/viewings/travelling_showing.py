"""What the pages of lines and of travel show: bars over days, places, legs, and a change with what it would break."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.viewings import travelling_reading
from pavilion.viewings.lines import Line, Stop, Ways, hours, legs, place_at
from pavilion.viewings.local_times import wall
from pavilion.viewings.place_models import Office
from pavilion.viewings.showing import StoneShown, stones_shown
from pavilion.viewings.states import BlockKind
from pavilion.viewings.stone_models import StoneBlock, StoneEnd
from pavilion.viewings.travelling_reading import Trunk, Visit, Waiting

WIDE = 1000  # of a drawing, in its own units
BACK, AHEAD = timedelta(days=3), timedelta(days=28)
PAGE = 40  # stones of the travel page at once


class Bar(NamedTuple):
    """A span of a drawing. `kind`: here, away, leg, visit, memo, hold."""

    kind: str
    x: int
    width: int
    words: str = ""


class Mark(NamedTuple):
    """Where a day begins; `strong` on Mondays."""

    x: int
    at: datetime
    strong: bool


class Place(NamedTuple):
    """A stay on the page of a stone, with the way to it."""

    stop: Stop
    office: Office
    came_from: Office | None
    took: str  # hours and minutes on the way
    needs: str
    over: bool
    here: bool


class Now(NamedTuple):
    """Where a stone is, and what comes next: `at` an office, or on the way `to` one; neither: nobody knows."""

    at: Office | None
    to: Office | None
    until: datetime | None  # it leaves, or it arrives


@dataclass(frozen=True, slots=True)
class Row:
    """A stone on the travel page."""

    stone: StoneShown
    now: Now
    bars: Sequence[Bar]
    visits: int
    broken: int


@dataclass(frozen=True, slots=True)
class LinePage:
    stone: StoneShown
    line: Line
    now: Now
    places: Sequence[Place]
    bars: Sequence[Bar]
    lower: Sequence[Bar]  # appointments, memos and holds
    marks: Sequence[Mark]
    visits: Sequence[Visit]
    blocks: Sequence[StoneBlock]
    end: StoneEnd | None
    companies: Mapping[int, str]
    waiting: Sequence[Waiting]


@dataclass(frozen=True, slots=True)
class TravelPage:
    rows: Sequence[Row]
    trunks: Sequence[Trunk]
    marks: Sequence[Mark]
    offices: Mapping[str, Office]
    counts: Mapping[str, int]  # stones now, by office; "" on the way
    waiting: Sequence["Unmet"]
    names: Mapping[str, StoneShown]
    more: int
    total: int


@dataclass(slots=True)
class Unmet:
    """A stone for which people wait at offices where it is not then."""

    stone: StoneShown
    offices: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(self.offices.values())


async def line_page(session: AsyncSession, actor: Actor, stone: str, lang: str, now: datetime) -> LinePage | None:
    shown = await stones_shown(session, actor, [stone], lang)
    if not shown:
        return None
    line = (await travelling_reading.lines_of(session, [stone]))[stone]
    offices, ways = await travelling_reading.offices(session), await travelling_reading.ways(session)
    visits = await travelling_reading.visits(session, [stone], now - BACK)
    blocks = await travelling_reading.blocks_of(session, stone)
    since, until = span(now)
    ends = await travelling_reading.ends_of(session, [stone])
    waiting = [one for one in await travelling_reading.waiting(session, now) if stone in one.stones]
    return LinePage(
        shown[0],
        line,
        now_of(line, offices, now),
        places(line, offices, ways, now),
        bars_of(line, since, until),
        [*_visit_bars(visits, since, until), *_block_bars(blocks, since, until)],
        marks(since, until),
        visits,
        blocks,
        ends.get(stone),
        await travelling_reading.companies(session, (one.company_id for one in blocks if one.company_id)),
        waiting,
    )


async def travel_page(
    session: AsyncSession, actor: Actor, lang: str, *, office: str | None, among: Sequence[str] | None, first: int,
    now: datetime,
) -> TravelPage:  # fmt: skip
    """Every stone whose way is known, those that move first."""
    stones = await travelling_reading.travelling(session, office=office, stones=among)
    lines, offices = await travelling_reading.lines_of(session, stones), await travelling_reading.offices(session)
    ended = await travelling_reading.ends_of(session, stones)
    since, until = span(now)
    order = sorted((one for one in stones if one not in ended), key=lambda one: _soonest(lines[one], now))
    shown = {one.stone.public_id: one for one in await stones_shown(session, actor, order[first : first + PAGE], lang)}
    visits = await travelling_reading.visits(session, list(shown), now)
    moving = travelling_reading.trunks({one: lines[one] for one in order}, now, until)
    unmet = await _unmet(session, actor, lang, now)
    named = {name for trunk in moving for name in trunk.stones[:6]} - set(shown)
    others = {one.stone.public_id: one for one in await stones_shown(session, actor, sorted(named), lang)}
    return TravelPage(
        [_row(shown[one], lines[one], offices, visits, (since, until), now) for one in order if one in shown],
        moving,
        marks(since, until),
        offices,
        _counts((lines[one] for one in order), now),
        unmet,
        shown | others,
        max(0, len(order) - first - PAGE),
        len(order),
    )


def span(now: datetime) -> tuple[datetime, datetime]:
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - BACK, day + AHEAD


def now_x(now: datetime) -> int:
    return _x(now, *span(now))


def wall_of(at: datetime | None, zone: str) -> str:
    """As a field takes it."""
    return wall(at, ZoneInfo(zone)) if at else ""


def now_of(line: Line, offices: Mapping[str, Office], now: datetime) -> Now:
    here = place_at(line, now)
    if here is not None:
        return Now(offices.get(here.office), None, here.depart)
    coming = next((stop for stop in line if stop.arrive is not None and stop.arrive > now), None)
    return Now(None, offices.get(coming.office) if coming else None, coming.arrive if coming else None)


def places(line: Line, offices: Mapping[str, Office], ways: Ways, now: datetime) -> list[Place]:
    came = {leg.end.id: leg for leg in legs(line)}
    found = []
    for stop in line:
        leg = came.get(stop.id)
        start = leg.start if leg else None
        needed = (
            ways.minutes(start.office, stop.office, start.depart.date()) if start is not None and start.depart else 0
        )
        over = stop.depart is not None and stop.depart <= now
        found.append(
            Place(
                stop, offices[stop.office], offices[start.office] if start else None, hours(leg.minutes) if leg else "",
                hours(needed), over, stop.since <= now < stop.until,
            )
        )  # fmt: skip
    return found


def bars_of(line: Line, since: datetime, until: datetime) -> list[Bar]:
    """Stays and the ways between them, as far as they lie in this span."""
    found = [_bar("here", stop.since, stop.until, since, until, stop.office) for stop in line]
    found += [_bar("leg", leg.start.until, leg.end.since, since, until) for leg in legs(line)]
    return sorted((bar for bar in found if bar), key=lambda bar: bar.x)


def marks(since: datetime, until: datetime) -> list[Mark]:
    days = [since + timedelta(days=n) for n in range((until - since).days)]
    return [Mark(_x(day, since, until), day, day.weekday() == 0) for day in days]


def _visit_bars(visits: Iterable[Visit], since: datetime, until: datetime) -> list[Bar]:
    made = (_bar("visit", one.row.starts_at, one.row.ends_at, since, until, one.row.number) for one in visits)
    return [bar for bar in made if bar]


def _block_bars(blocks: Iterable[StoneBlock], since: datetime, until: datetime) -> list[Bar]:
    kinds = {BlockKind.MEMO.value: "memo", BlockKind.HOLD.value: "hold"}
    made = (_bar(kinds[one.kind], one.starts_at, one.ends_at, since, until) for one in blocks)
    return [bar for bar in made if bar]


def _bar(kind: str, start: datetime, end: datetime, since: datetime, until: datetime, words: str = "") -> Bar | None:
    if end <= since or start >= until:
        return None
    x = _x(max(start, since), since, until)
    return Bar(kind, x, max(3, _x(min(end, until), since, until) - x), words)


def _x(at: datetime, since: datetime, until: datetime) -> int:
    return int((at - since) / (until - since) * WIDE)


def _row(
    stone: StoneShown, line: Line, offices: Mapping[str, Office], visits: Sequence[Visit],
    shown: tuple[datetime, datetime], now: datetime,
) -> Row:  # fmt: skip
    own = [one for one in visits if stone.stone.public_id in one.stones]
    broken = sum(1 for one in own if one.row.attention)
    return Row(stone, now_of(line, offices, now), bars_of(line, *shown), len(own), broken)


def _soonest(line: Line, now: datetime) -> tuple[int, float, str]:
    """What is on its way first, then what leaves soonest, then what stays."""
    here = place_at(line, now)
    if here is None:
        return 0, 0.0, line[0].office
    return (1, here.depart.timestamp(), here.office) if here.depart else (2, 0.0, here.office)


def _counts(known: Iterable[Line], now: datetime) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in known:
        here = place_at(line, now)
        name = here.office if here else ""
        found[name] = found.get(name, 0) + 1
    return found


async def _unmet(session: AsyncSession, actor: Actor, lang: str, now: datetime) -> list[Unmet]:
    """Wishes for a stone where it will not be then, by stone; the most wanted first."""
    waiting = await travelling_reading.waiting(session, now)
    wanted = sorted({stone for one in waiting for stone in one.stones})
    lines = await travelling_reading.lines_of(session, wanted)
    shown = {one.stone.public_id: Unmet(one) for one in await stones_shown(session, actor, wanted, lang)}
    for one in waiting:
        for stone in one.stones:
            here = place_at(lines[stone], one.start)
            if stone in shown and (here is None or here.office != one.office):
                offices = shown[stone].offices
                offices[one.office] = offices.get(one.office, 0) + 1
    return sorted((one for one in shown.values() if one.count), key=lambda one: (-one.count, one.stone.title))
