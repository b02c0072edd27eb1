"""Where the chosen stones are, day by day and office by office, as the booking page shows it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.viewings import slots
from pavilion.viewings.place_models import Desk, Office, Window
from pavilion.viewings.rules import BookingRules
from pavilion.viewings.states import BlockKind, GapMode
from pavilion.viewings.stone_models import Stay, StoneBlock, StoneEnd

DAYS = 6  # shown at once
AHEAD = timedelta(days=28)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Line:
    """The way of one stone: its stays by arrival, and when not everybody may see it."""

    stays: tuple[Stay, ...] = ()
    blocks: tuple[StoneBlock, ...] = ()
    end: StoneEnd | None = None


class Cell(NamedTuple):
    """A stone on one day of an office. `kind`: here, part, else, moving, memo, hold, gone, none."""

    kind: str
    office: str | None = None
    since: datetime | None = None  # part of the day only
    until: datetime | None = None

    @property
    def seen(self) -> bool:
        return self.kind in ("here", "part")


class Bar(NamedTuple):
    """Days on which a stone stands alike."""

    cell: Cell
    span: int


class Day(NamedTuple):
    """One opening of an office on a local date."""

    day: date
    opens: datetime
    closes: datetime


@dataclass(slots=True)
class Shown:
    """Everything the table and the choice of offices need."""

    offices: list[Office]
    desks: dict[str, int]  # seats at desks, not stations
    stations: dict[str, int]
    days: dict[str, list[Day]]  # openings of the coming weeks, by office
    lines: dict[str, Line] = field(default_factory=dict)


class Together(NamedTuple):
    """How many of the stones can be seen at an office on one day, at best, and on which day first."""

    most: int
    day: date | None


async def shown(session: AsyncSession, stones: Sequence[str], sale: str | None, now: datetime) -> Shown:
    offices = list(await session.scalars(select(Office).order_by(Office.name_en)))
    desks: dict[str, int] = defaultdict(int)
    stations: dict[str, int] = defaultdict(int)
    for desk in await session.scalars(select(Desk).where(Desk.closed_at.is_(None))):
        (stations if desk.room_id is None else desks)[desk.office_id] += 1
    return Shown(
        offices=offices,
        desks=desks,
        stations=stations,
        days=await _days(session, {office.id: office for office in offices}, sale, now),
        lines=await lines_of(session, stones),
    )


async def lines_of(session: AsyncSession, stones: Sequence[str]) -> dict[str, Line]:
    if not stones:
        return {}
    stays, blocks = defaultdict(list), defaultdict(list)
    first = Stay.arrive.is_not(None), Stay.arrive
    for stay in await session.scalars(select(Stay).where(Stay.stone.in_(stones)).order_by(*first)):
        stays[stay.stone].append(stay)
    for block in await session.scalars(select(StoneBlock).where(StoneBlock.stone.in_(stones))):
        blocks[block.stone].append(block)
    ends = {end.stone: end for end in await session.scalars(select(StoneEnd).where(StoneEnd.stone.in_(stones)))}
    return {stone: Line(tuple(stays[stone]), tuple(blocks[stone]), ends.get(stone)) for stone in stones}


def standing(line: Line, office: str, opens: datetime, closes: datetime, company_id: int | None) -> Cell:
    """How the stone stands at this office while it is open; blocks and stays that touch no part of it do not count."""
    if line.end is not None:
        return Cell("gone")
    whole = [one for one in line.blocks if one.starts_at <= opens and one.ends_at >= closes]
    if any(one.kind == BlockKind.MEMO for one in whole):
        return Cell("memo")
    if any(one.kind == BlockKind.HOLD and one.company_id != company_id for one in whole):
        return Cell("hold")
    here = [one for one in line.stays if one.office_id == office]
    if (found := _part(here, opens, closes)) is not None:
        return found
    for stay in line.stays:
        if stay.office_id != office and _covers(stay, opens, closes):
            return Cell("else", stay.office_id)
    return Cell("moving", _next_place(line.stays, opens)) if line.stays else Cell("none")


def _part(stays: Iterable[Stay], opens: datetime, closes: datetime) -> Cell | None:
    for stay in stays:
        since = stay.arrive + stay.unpack_min * MINUTE if stay.arrive else opens
        until = stay.depart - stay.pack_min * MINUTE if stay.depart else closes
        if since < closes and until > opens and since < until:
            if since <= opens and until >= closes:
                return Cell("here", stay.office_id)
            return Cell("part", stay.office_id, since if since > opens else None, until if until < closes else None)
    return None


def _covers(stay: Stay, opens: datetime, closes: datetime) -> bool:
    """Most of the day is spent there."""
    middle = opens + (closes - opens) / 2
    return (stay.arrive is None or stay.arrive <= middle) and (stay.depart is None or middle < stay.depart)


def _next_place(stays: Sequence[Stay], at: datetime) -> str | None:
    return next((one.office_id for one in stays if one.arrive is not None and one.arrive >= at), None)


def bars(line: Line, office: str, days: Sequence[Day], company_id: int | None) -> list[Bar]:
    """Neighbouring days that are alike are one bar."""
    found: list[Bar] = []
    for day in days:
        cell = standing(line, office, day.opens, day.closes, company_id)
        if found and found[-1].cell == cell and cell.kind != "part":
            found[-1] = Bar(cell, found[-1].span + 1)
        else:
            found.append(Bar(cell, 1))
    return found


def together(view: Shown, office: str, company_id: int | None) -> Together:
    """The first day on which the most of the stones are there."""
    best = Together(0, None)
    for day in view.days.get(office, ()):
        n = sum(standing(line, office, day.opens, day.closes, company_id).seen for line in view.lines.values())
        if n > best.most:
            best = Together(n, day.day)
    return best


def from_day(days: Sequence[Day], day: date | None) -> tuple[list[Day], date | None, date | None]:
    """The days to show from this one on, and where to go for earlier and later ones."""
    at = next((n for n, one in enumerate(days) if day is None or one.day >= day), max(0, len(days) - DAYS))
    some = list(days[at : at + DAYS])
    before = days[max(0, at - DAYS)].day if at > 0 and days else None
    after = days[at + DAYS].day if at + DAYS < len(days) else None
    return some, before, after


async def _days(
    session: AsyncSession, offices: Mapping[str, Office], sale: str | None, now: datetime
) -> dict[str, list[Day]]:
    wanted = select(Window).where(Window.closes_at > now, Window.opens_at < now + AHEAD)
    wanted = wanted.where(or_(Window.sale.is_(None), Window.sale == sale)).order_by(Window.opens_at)
    found: dict[str, dict[date, Day]] = defaultdict(dict)
    for window in await session.scalars(wanted):
        office = offices.get(window.office_id)
        if office is None or _over(window, BookingRules.of(office.rules), now):
            continue
        local = window.opens_at.astimezone(ZoneInfo(office.zone)).date()
        known = found[window.office_id].get(local)
        opens = min(known.opens, window.opens_at) if known else window.opens_at
        closes = max(known.closes, window.closes_at) if known else window.closes_at
        found[window.office_id][local] = Day(local, opens, closes)
    return {office: list(days.values()) for office, days in found.items()}


def _over(window: Window, known: BookingRules, now: datetime) -> bool:
    """Nothing may begin in it any more."""
    earliest = now + known.min_notice * MINUTE
    if window.opens_at >= earliest:
        return False
    summed = known.gap_mode is GapMode.SUM
    gaps = {known.before + known.after if summed else max(known.before, known.after), known.remote_gap}
    step = known.step * MINUTE if known.step else None
    return not any(
        start >= earliest
        for gap in gaps
        for start in slots.starts(
            window.opens_at, window.closes_at, known.sitting * MINUTE, step=step, gap=gap * MINUTE,
            gap_inside_hours=known.gap_inside_hours,
        )
    )  # fmt: skip
