"""Who may sit where, when and with which stones (viewings spec 2); pure: `now` is an argument, facts are frozen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from pavilion.kernel.instants import stamp
from pavilion.viewings.occupying import (
    Clash,
    Occupied,
    Pads,
    Seating,
    ceil,
    floor,
    occupied,
    on_grid,
)
from pavilion.viewings.rows import Rows
from pavilion.viewings.states import BlockKind, GapMode, ViewingMode
from pavilion.viewings.wishes import Answer, Code, Wish

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LONGEST = DAY  # of one viewing
MOST_PERSONS, MOST_STONES, MOST_QUOTAS = 20, 100, 20
FIRST_YEAR, LAST_YEAR = 1970, 2100
OK = Answer()


@dataclass(frozen=True, slots=True)
class BookingRules:
    """What holds for bookings of an office, or of a sale shown there. Minutes, unless a name says otherwise."""

    before: int = 0  # pad before a viewing
    after: int = 0  # pad after it
    gap_mode: GapMode = GapMode.MAX
    min_notice: int = 0
    horizon: int = 28 * 24 * 60
    hold_ttl: int = 300  # seconds
    offer_ttl: int = 7200  # seconds
    cutoff_h: int = 48  # hours
    grace: int = 15
    checkin_early: int = 30
    desks_per_company: int = 1
    company_day_limit: int | None = None  # appointments
    company_hours: int | None = None  # hours, per sale
    no_show_limit: int = 2
    no_show_days: int = 180
    remote_gap: int = 5  # pad after a viewing by video
    gap_inside_hours: bool = False
    sitting: int = 60  # length of a slot
    step: int | None = None  # between starts of slots; none: packed
    reminders: tuple[int, ...] = (24, 2)  # hours before

    @classmethod
    def of(cls, *differing: Mapping[str, Any] | None) -> Self:
        """The house's rules with what differs; the later one wins. Words that are no rule are left alone."""
        found: dict[str, Any] = {}
        for some in differing:
            found |= some or {}
        known = {field.name: found[field.name] for field in fields(cls) if field.name in found}
        if "gap_mode" in known:
            known["gap_mode"] = GapMode(known["gap_mode"])
        if "reminders" in known:
            known["reminders"] = tuple(known["reminders"])
        return cls(**known)


# What the checks look at


@dataclass(frozen=True, slots=True)
class Place:
    """A desk and what it stands in; `room` none: a station for viewings by video."""

    office: str
    zone: str
    desk: str
    room: str | None = None
    cap: int = 0
    companies: int | None = None
    closed: bool = False
    version: int = 1  # of the office: what is known of its hours, regimes and rules


@dataclass(frozen=True, slots=True)
class Opening:
    start: datetime
    end: datetime
    breaks: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class RegimeFacts:
    factor_pct: int = 100
    gap: int = 0  # minutes
    companies: int | None = None
    declaration: bool = False


@dataclass(frozen=True, slots=True)
class StayFacts:
    office: str
    arrive: datetime | None = None
    depart: datetime | None = None
    pack: timedelta = timedelta(0)
    unpack: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class BlockFacts:
    kind: BlockKind
    company_id: int | None
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class StoneFacts:
    fate: str | None = None  # sold, withdrawn
    blocks: tuple[BlockFacts, ...] = ()
    stays: tuple[StayFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """`that_day`: its appointments at the office on the date of the wish; `used`: time at desks for the sale."""

    no_shows: int = 0
    that_day: int = 0
    used: timedelta = timedelta(0)
    approved: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a check may look at. `rows`: what others take of the claim table; own rows are left out."""

    place: Place | None
    company: CompanyFacts | None
    rules: BookingRules = field(default_factory=BookingRules)
    openings: tuple[Opening, ...] = ()
    viewing_ends: datetime | None = None
    regime: RegimeFacts = field(default_factory=RegimeFacts)
    stones: Mapping[str, StoneFacts] = field(default_factory=dict)
    visitors: frozenset[int] = frozenset()  # those of the company
    operator: bool = True  # the one wished for works at the office
    quotas: frozenset[str] = frozenset()
    rows: Rows = field(default_factory=dict)
    persons: Mapping[int, str] = field(default_factory=dict)  # visitors who are one person for every company
    alike: frozenset[str] = frozenset()  # stones that stand as an earlier one of the wish does, which speaks for them


# The order of checks: the first that fails is the answer


def check(wish: Wish, facts: Facts, now: datetime, *, staff: bool = False, seated: bool = False) -> Answer:
    """What a hold of this wish would answer now, but for quotas, which only their own row can tell. `seated`: who
    asks stands at the door or keeps the start, so that notice and horizon do not matter."""
    for refusal in _refusals(wish, facts, now, staff, seated):
        return refusal
    return OK


def readable(wish: Wish) -> Answer:
    """Whether the wish can be meant at all, before anything is looked up."""
    for refusal in _unreadable(wish):
        return refusal
    return OK


def shown(wish: Wish, facts: Facts) -> Answer:
    """Whether every stone of the wish can be shown there and then, whoever sits where."""
    assert facts.place is not None
    pads = pads_of(facts.rules, wish.mode, facts.regime)
    for stone in wish.stones:
        for refusal in _stone(stone, facts.stones.get(stone, StoneFacts()), wish, facts.place, pads):
            return refusal
    return OK


def claimed(wish: Wish, facts: Facts) -> Occupied:
    """What the wish wants of the claim table."""
    assert facts.place is not None
    return occupied(
        wish, pads_of(facts.rules, wish.mode, facts.regime), facts.rules.gap_mode,
        seating_of(facts.place, facts.regime), facts.rules.desks_per_company, facts.persons,
    )  # fmt: skip


def pads_of(rules: BookingRules, mode: ViewingMode, regime: RegimeFacts) -> Pads:
    if mode is ViewingMode.REMOTE:
        return Pads(timedelta(0), rules.remote_gap * MINUTE)
    return Pads(rules.before * MINUTE, max(rules.after, regime.gap) * MINUTE)


def seating_of(place: Place, regime: RegimeFacts) -> Seating | None:
    if place.room is None:
        return None
    limits = [one for one in (place.companies, regime.companies) if one is not None]
    return Seating(place.room, place.cap * regime.factor_pct // 100, min(limits) if limits else None, place.cap)


def _unreadable(wish: Wish) -> Iterator[Answer]:
    if wish.start.year < FIRST_YEAR or wish.end.year > LAST_YEAR:
        yield _bad("start")
    if not wish.start < wish.end <= wish.start + LONGEST:
        yield _bad("end")
    if wish.mode is ViewingMode.IN_PERSON and not 1 <= wish.party <= MOST_PERSONS:
        yield _bad("party")
    if not 0 <= wish.party <= MOST_PERSONS:
        yield _bad("party")
    if len(wish.stones) > MOST_STONES or len(set(wish.stones)) < len(wish.stones):
        yield _bad("stones")
    named = MOST_PERSONS if wish.mode is ViewingMode.REMOTE else wish.party
    if len(wish.visitors) > named or len(set(wish.visitors)) < len(wish.visitors):
        yield _bad("visitors")
    if len(wish.quotas) > MOST_QUOTAS or len(set(wish.quotas)) < len(wish.quotas):
        yield _bad("quotas")
    if not (on_grid(wish.start) and on_grid(wish.end)):
        near = {"start": [floor(wish.start), ceil(wish.start)], "end": [floor(wish.end), ceil(wish.end)]}
        yield Answer(Code.NOT_ON_GRID, {"grid": {name: [stamp(at) for at in two] for name, two in near.items()}})


def _refusals(wish: Wish, facts: Facts, now: datetime, staff: bool, seated: bool) -> Iterator[Answer]:
    place, rules, company = facts.place, facts.rules, facts.company
    if place is not None and (place.room is None) != (wish.mode is ViewingMode.REMOTE):
        yield _bad("desk")
    yield from _unreadable(wish)
    if place is None or place.closed or company is None:
        yield _unknown("desk" if company is not None else "company")
        return
    yield from _unknown_names(wish, facts)
    if not seated:
        yield from _too_soon_or_late(wish, rules, now)
    if facts.viewing_ends is not None and wish.end > facts.viewing_ends:
        yield Answer(Code.VIEWING_CLOSED, {"until": stamp(facts.viewing_ends), "office": place.office})
    if not any(_open_for(wish, opening, _inside(wish, facts)) for opening in facts.openings):
        yield Answer(Code.OUTSIDE_WINDOW, {"office": place.office})
    if not staff and (not company.approved or company.no_shows >= rules.no_show_limit):
        yield Answer(Code.APPROVAL_NEEDED, {"no_shows": company.no_shows})
    if rules.company_day_limit is not None and company.that_day >= rules.company_day_limit:
        yield Answer(Code.COMPANY_DAY_LIMIT, {"limit": rules.company_day_limit})
    if rules.company_hours is not None and company.used + (wish.end - wish.start) > rules.company_hours * HOUR:
        yield Answer(Code.COMPANY_HOURS, {"hours": rules.company_hours})
    wanted = claimed(wish, facts)
    yield from _clash(Code.COMPANY_BUSY, wanted.company_clash(facts.rows), now)
    for stone in wish.stones:
        if stone not in facts.alike:
            yield from _stone(stone, facts.stones[stone], wish, place, wanted.pads)
    yield from _clashes(wish, wanted, facts, now)


def _unknown_names(wish: Wish, facts: Facts) -> Iterator[Answer]:
    yield from (_unknown("stones", stone=stone) for stone in wish.stones if stone not in facts.stones)
    yield from (_unknown("visitors") for visitor in wish.visitors if visitor not in facts.visitors)
    yield from (_unknown("quotas", quota=quota) for quota in wish.quotas if quota not in facts.quotas)
    if wish.operator is not None and not facts.operator:
        yield _unknown("operator")


def _too_soon_or_late(wish: Wish, rules: BookingRules, now: datetime) -> Iterator[Answer]:
    earliest = now + rules.min_notice * MINUTE
    if wish.start < earliest:
        yield Answer(Code.NOTICE_TOO_SHORT, {"notice": rules.min_notice, "earliest": stamp(ceil(earliest))})
    if wish.start > now + rules.horizon * MINUTE:
        opens = wish.start - rules.horizon * MINUTE
        yield Answer(Code.BEYOND_HORIZON, {"horizon": rules.horizon, "opens": stamp(opens)})


def _inside(wish: Wish, facts: Facts) -> timedelta:
    """The part of the gap after it that may not fall after closing."""
    return pads_of(facts.rules, wish.mode, facts.regime).after if facts.rules.gap_inside_hours else timedelta(0)


def _open_for(wish: Wish, opening: Opening, gap: timedelta) -> bool:
    inside = opening.start <= wish.start and wish.end + gap <= opening.end
    return inside and not any(start < wish.end and wish.start < end for start, end in opening.breaks)


def _stone(stone: str, facts: StoneFacts, wish: Wish, place: Place, pads: Pads) -> Iterator[Answer]:
    start, end = wish.start - pads.before, wish.end + pads.after
    if facts.fate is not None:
        yield Answer(Code(f"stone_{facts.fate}"), {"stone": stone})
    for block in facts.blocks:
        if block.kind is BlockKind.MEMO and block.start < end and start < block.end:
            yield Answer(Code.ON_MEMO, {"stone": stone, "until": stamp(block.end)})
    for block in facts.blocks:
        foreign = block.kind is BlockKind.HOLD and block.company_id != wish.company_id
        if foreign and block.start < wish.end and wish.start < block.end:
            yield Answer(Code.STONE_ON_HOLD, {"stone": stone, "until": stamp(block.end)})
    if not any(_shown_at(stay, place.office, start, end) for stay in facts.stays):
        yield _not_here(stone, facts, wish.start, place, pads)


def _shown_at(stay: StayFacts, office: str, start: datetime, end: datetime) -> bool:
    """Between unpacking and packing, pads counted."""
    if stay.office != office or (stay.arrive is not None and stay.arrive + stay.unpack > start):
        return False
    return stay.depart is None or end + stay.pack <= stay.depart


def _not_here(stone: str, facts: StoneFacts, start: datetime, place: Place, pads: Pads) -> Answer:
    said: dict[str, Any] = {"stone": stone}
    later = [
        ceil(stay.arrive + stay.unpack + pads.before)
        for stay in facts.stays
        if stay.office == place.office and stay.arrive is not None
    ]
    later = [at for at in later if at > start]
    if later:
        said["bookable_from"] = stamp(min(later))
    for stay in facts.stays:
        covers = (stay.arrive is None or stay.arrive <= start) and (stay.depart is None or start < stay.depart)
        if covers and stay.office != place.office:
            return Answer(Code.STONE_ELSEWHERE, said | {"place": stay.office})
    return Answer(Code.STONE_IN_TRANSIT, said)


def _clashes(wish: Wish, wanted: Occupied, facts: Facts, now: datetime) -> Iterator[Answer]:
    rows = facts.rows
    yield from _clash(Code.DESK_TAKEN, wanted.thing_clash(rows, f"desk:{wish.desk}"), now, desk=wish.desk)
    yield from _clash(Code.ROOM_FULL, wanted.seat_clash(rows), now)
    yield from _clash(Code.ROOM_COMPANIES, wanted.companies_clash(rows), now)
    for stone in wish.stones:
        yield from _clash(Code.STONE_TAKEN, wanted.thing_clash(rows, f"stone:{stone}"), now, stone=stone)
    if wish.operator is not None:
        clash = wanted.thing_clash(rows, f"operator:{wish.operator}")
        yield from _clash(Code.OPERATOR_TAKEN, clash, now, operator=wish.operator)
    for visitor in wish.visitors:
        yield from _clash(
            Code.VISITOR_BUSY,
            wanted.visitor_clash(rows, facts.persons.get(visitor, str(visitor))),
            now,
            visitor=visitor,
        )


def _clash(code: Code, clash: Clash | None, now: datetime, **said: Any) -> Iterator[Answer]:
    if clash is None:
        return
    said |= {"clash_from": stamp(clash.start), "clash_to": stamp(clash.end)}
    if clash.held_until is not None:
        said["retry_after"] = max(0, -((now - clash.held_until) // timedelta(seconds=1)))
    yield Answer(code, said)


def _bad(field: str) -> Answer:
    return Answer(Code.BAD_INPUT, {"fields": {field: Code.BAD_INPUT.value}})


def _unknown(field: str, **said: Any) -> Answer:
    return Answer(Code.UNKNOWN_REFERENCE, {"field": field} | said)


# Times of an appointment that stands


def cutoff(rules: BookingRules, start: datetime) -> datetime:
    """Until then, inclusive, a buyer may cancel or move."""
    return start - rules.cutoff_h * HOUR


def cutoff_passed(rules: BookingRules, start: datetime, zone: str, now: datetime) -> Answer | None:
    until = cutoff(rules, start)
    if now <= until:
        return None
    local = until.astimezone(ZoneInfo(zone))
    return Answer(
        Code.CUTOFF_PASSED, {"cutoff": stamp(until), "cutoff_local": local.isoformat(timespec="minutes"), "zone": zone}
    )


def missed_at(rules: BookingRules, start: datetime) -> datetime:
    """From then on nobody came."""
    return start + rules.grace * MINUTE


def offer_until(rules: BookingRules, start: datetime, now: datetime) -> datetime:
    """How long an offer to somebody who waits is kept; not after `now`: it would start too soon."""
    return min(now + timedelta(seconds=rules.offer_ttl), start - rules.min_notice * MINUTE)


def declared(start: datetime, signed: datetime | None, now: datetime) -> bool:
    """Whether a declaration is fresh enough at the door."""
    return signed is not None and start - DAY <= signed <= now
