"""The booking page: stones, the offices that can show them, the days, and the slots of those days."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.queries import stones_by_lot
from pavilion.auctions.rules import LIVE_LOT, SaleState
from pavilion.catalogue.models import Stone
from pavilion.viewings import finding, showing_places
from pavilion.viewings.forms import SlotWish
from pavilion.viewings.place_models import Desk, Office, Regime
from pavilion.viewings.showing import Reader, StoneShown, local_day, office_name
from pavilion.viewings.showing_places import Bar, Day, Together
from pavilion.viewings.states import ViewingMode
from pavilion.viewings.wishes import Code
from pavilion.webkit.html import with_query

WAITABLE = frozenset(
    {
        Code.DESK_TAKEN, Code.ROOM_FULL, Code.ROOM_COMPANIES, Code.STONE_TAKEN, Code.OPERATOR_TAKEN,
        Code.STONE_ON_HOLD, Code.ON_MEMO, Code.QUOTA_FULL,
    }
)  # fmt: skip
MOST_LOTS = 300  # offered from the sales


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of the booking page says."""

    stones: tuple[str, ...] = ()
    sale: str = ""
    office: str = ""
    day: date | None = None
    mode: ViewingMode = ViewingMode.IN_PERSON
    party: int = 1

    def to(self, path: str = "/viewings", **changes: Any) -> str:
        facts = {
            "stones": ",".join(self.stones) or None, "sale": self.sale or None, "office": self.office or None,
            "day": self.day, "mode": self.mode.value if self.mode is not ViewingMode.IN_PERSON else None,
            "party": self.party if self.party != 1 else None,
        }  # fmt: skip
        return with_query(path, **(facts | changes)).removesuffix("?")

    def without(self, stone: str) -> str:
        return self.to(stones=",".join(one for one in self.stones if one != stone) or None)


class OfficeChoice(NamedTuple):
    office: Office
    name: str
    address: str
    desks: int
    together: Together
    href: str
    chosen: bool


class SlotShown(NamedTuple):
    start: datetime
    end: datetime
    value: str
    code: str
    words: str  # why it cannot be had; empty when it can
    waits: bool
    part: int | None = None  # with so many of the stones only
    zone: str = ""  # of its office, where it may be another than the page's
    place: str = ""

    @property
    def free(self) -> bool:
        return self.code == Code.OK


class SlotDay(NamedTuple):
    day: Day
    slots: list[SlotShown]
    closed: str  # one reason for the whole day, in place of its slots
    seen: int  # of the stones, on this day
    declaration: bool = False  # a declaration of health is asked for


class Row(NamedTuple):
    shown: StoneShown
    bars: list[Bar]


@dataclass(slots=True)
class Page:
    asked: Asked
    stones: list[StoneShown]
    offices: list[OfficeChoice]
    office: Office | None
    days: list[Day]
    before: str | None
    after: str | None
    rows: list[Row]
    slots: list[SlotDay]
    names: dict[str, str] = field(default_factory=dict)  # of offices
    ends: list[Sale] = field(default_factory=list)  # sales of the stones that close before some hour shown here
    key: str = field(default_factory=lambda: uuid4().hex)

    @property
    def any_free(self) -> bool:
        return any(slot.free for day in self.slots for slot in day.slots)

    @property
    def any_waits(self) -> bool:
        return any(slot.waits for day in self.slots for slot in day.slots)

    @property
    def better(self) -> OfficeChoice | None:
        """Another office that can show more of the stones than the one looked at."""
        here = max((one.together.most for one in self.offices if one.chosen), default=0)
        others = (one for one in self.offices if one.together.most > here)
        return max(others, key=lambda one: one.together.most, default=None)


async def page_of(
    session: AsyncSession,
    asked: Asked,
    stones: list[StoneShown],
    reader: Reader,
    company_id: int,
    now: datetime,
    *,
    sale: str | None,
    visitors: Sequence[int] = (),
) -> Page:
    lang = reader.tongue.lang
    named = [one.stone.public_id for one in stones]
    view = await showing_places.shown(session, named, sale, now)
    best = {office.id: showing_places.together(view, office.id, company_id) for office in view.offices}
    office = _chosen(view.offices, asked.office, best)
    seats = view.stations if asked.mode is ViewingMode.REMOTE else view.desks
    choices = [
        OfficeChoice(
            one, office_name(one, lang), one.address_zh if lang == "zh" else one.address_en, seats.get(one.id, 0),
            best[one.id], asked.to(office=one.id, day=None), office is not None and one.id == office.id,
        )
        for one in view.offices
    ]  # fmt: skip
    names = {one.id: office_name(one, lang) for one in view.offices}
    if office is None:
        return Page(asked, stones, choices, None, [], None, None, [], [], names)
    opened = view.days.get(office.id, [])
    days, before, after = showing_places.from_day(opened, asked.day or best[office.id].day)
    rows = [
        Row(one, showing_places.bars(view.lines[one.stone.public_id], office.id, days, company_id)) for one in stones
    ]
    seen = {day.day: _seen(view, office, day, company_id) for day in days}
    slots = await _slots(session, asked, seen, office, days, reader, company_id, now, sale, visitors) if named else []
    if asked.mode is ViewingMode.IN_PERSON:
        slots = await _declared(session, office, slots)
    ends = await _closing(session, stones, slots)
    earlier, later = (asked.to(office=office.id, day=day) if day else None for day in (before, after))
    return Page(asked, stones, choices, office, days, earlier, later, rows, slots, names, ends)


def _chosen(offices: Sequence[Office], wanted: str, best: dict[str, Together]) -> Office | None:
    """The one asked for, else where the most stones can be seen together, the soonest first."""
    for office in offices:
        if office.id == wanted:
            return office
    far = date.max
    return min(offices, key=lambda one: (-best[one.id].most, best[one.id].day or far), default=None)


def _seen(view: showing_places.Shown, office: Office, day: Day, company_id: int) -> tuple[str, ...]:
    lines = view.lines.items()
    there = (showing_places.standing(line, office.id, day.opens, day.closes, company_id).seen for _, line in lines)
    return tuple(stone for (stone, _), is_there in zip(lines, there, strict=True) if is_there)


async def _slots(
    session: AsyncSession,
    asked: Asked,
    seen: dict[date, tuple[str, ...]],
    office: Office,
    days: list[Day],
    reader: Reader,
    company_id: int,
    now: datetime,
    sale: str | None,
    visitors: Sequence[int],
) -> list[SlotDay]:
    """The slots of each day, for those of the stones that can be seen on it."""
    by_day: dict[date, list[SlotShown]] = defaultdict(list)
    for stones in dict.fromkeys(seen.values()):
        alike = [day for day in days if seen[day.day] == stones]
        if not stones:
            continue
        found = await finding.free_slots(
            session, office.id, stones, 0 if asked.mode is ViewingMode.REMOTE else asked.party,
            max(now, alike[0].opens), alike[-1].closes,
            company_id=company_id, mode=asked.mode, sale=sale, visitors=visitors, now=now,
        )  # fmt: skip
        part = len(stones) if len(stones) < len(asked.stones) else None
        for slot in found:
            local = local_day(slot.start, office.zone)
            if seen.get(local) == stones:
                by_day[local].append(slot_shown(slot, reader, part))
    none = reader.say("slot_none_here")
    return [_slot_day(day, by_day[day.day], len(seen[day.day]), none) for day in days]


async def _declared(session: AsyncSession, office: Office, slots: list[SlotDay]) -> list[SlotDay]:
    """Days on which the regime in force at an hour asks for a declaration of health say so."""
    found = await session.scalars(
        select(Regime).where(Regime.office_id == office.id, Regime.ended_at.is_(None)).order_by(Regime.id)
    )
    regimes = list(found)

    def asks(at: datetime) -> bool:
        return next((one.declaration for one in regimes if one.starts_at <= at < one.ends_at), False)

    return [day._replace(declaration=any(asks(slot.start) for slot in day.slots)) for day in slots]


async def _closing(session: AsyncSession, stones: Sequence[StoneShown], slots: Sequence[SlotDay]) -> list[Sale]:
    """Sales whose first lots close before the last hour that is free here."""
    last = max((slot.start for day in slots for slot in day.slots if slot.free), default=None)
    named = {one.sale for one in stones if one.sale}
    if last is None or not named:
        return []
    wanted = select(Sale).where(Sale.public_id.in_(named), Sale.first_close_at <= last)
    return list(await session.scalars(wanted.order_by(Sale.first_close_at)))


def slot_shown(slot: finding.Slot, reader: Reader, part: int | None = None) -> SlotShown:
    words = "" if slot.free else reader.say(f"slot_{slot.code}")
    stone = reader.names.get(str(slot.facts.get("stone", "")))
    if stone and not slot.free:
        words = reader.say("slot_of_stone", reason=words, stone=stone)
    value = SlotWish(slot.desk, slot.start, slot.end, part).text
    return SlotShown(slot.start, slot.end, value, slot.code, words, slot.code in WAITABLE, part)


async def offers_shown(session: AsyncSession, offers: Sequence[finding.Slot], reader: Reader) -> list[SlotShown]:
    """By time, each on the clock of its own office."""
    wanted = select(Office).where(Office.id.in_({one.office for one in offers}))
    found = {office.id: office for office in (await session.scalars(wanted) if offers else ())}
    lang = reader.tongue.lang
    return [
        slot_shown(one, reader)._replace(zone=found[one.office].zone, place=office_name(found[one.office], lang))
        for one in sorted(offers, key=lambda one: one.start)
    ]


def _slot_day(day: Day, slots: list[SlotShown], seen: int, none: str) -> SlotDay:
    if not seen:
        return SlotDay(day, [], none, 0)
    reasons = {slot.words for slot in slots}
    if len(slots) > 1 and len(reasons) == 1 and not slots[0].free and not slots[0].waits:
        return SlotDay(day, [], reasons.pop(), seen)
    return SlotDay(day, slots, "", seen)


async def sales_to_choose(session: AsyncSession) -> list[Sale]:
    """Published sales that are not over, the next first."""
    live = select(Lot.sale_id).where(Lot.state.in_(LIVE_LOT))
    rows = select(Sale).where(Sale.state != SaleState.DRAFT, Sale.id.in_(live)).order_by(Sale.opens_at, Sale.id)
    return list(await session.scalars(rows.limit(30)))


async def lots_to_choose(session: AsyncSession, sale: Sale, actor: Actor) -> list[tuple[Lot, list[Stone]]]:
    rows = select(Lot).where(Lot.sale_id == sale.id, Lot.state.in_(LIVE_LOT)).order_by(Lot.rank).limit(MOST_LOTS)
    lots = (await session.scalars(rows)).all()
    stones = await stones_by_lot(session, [lot.id for lot in lots], actor)
    return [(lot, stones[lot.id]) for lot in lots if stones.get(lot.id)]


async def desk_of(session: AsyncSession, desk: str) -> tuple[Desk, Office] | None:
    row = (
        await session.execute(select(Desk, Office).join(Office, Office.id == Desk.office_id).where(Desk.id == desk))
    ).one_or_none()
    return (row[0], row[1]) if row else None
