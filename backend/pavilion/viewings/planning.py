"""What a change of hours, regime, pads or clocks would do to what is booked (viewings spec R16): told, never done."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from pavilion.viewings import finding, local_times, opening, rules, standing
from pavilion.viewings.finding import Slot
from pavilion.viewings.opening import AHEAD, OtherDay, Pattern, Pauses
from pavilion.viewings.rules import BookingRules, Opening, RegimeFacts
from pavilion.viewings.standing import Around, Company, RegimeSpan, Scene, Sitting
from pavilion.viewings.states import GapMode
from pavilion.viewings.wishes import Answer, Code, Wish

CLOCK_MOVED = "clock_moved"
REACHES = (timedelta(days=3), timedelta(days=21))  # how far from its time another is looked for
MOST_PROPOSALS = 60


@dataclass(frozen=True, slots=True)
class HoursChange:
    """From this date on the week is this one, and none before it goes on."""

    since: date
    week: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class DayChange:
    """A date is closed, or open at other times; `back`: the weekly hours hold again."""

    day: date
    opens: str | None = None
    closes: str | None = None
    breaks: Pauses = ()
    reason_en: str = ""
    reason_zh: str = ""
    back: bool = False


@dataclass(frozen=True, slots=True)
class RegimeChange:
    start: datetime
    end: datetime
    facts: RegimeFacts
    name_en: str = ""
    name_zh: str = ""


@dataclass(frozen=True, slots=True)
class RegimeEnd:
    regime: int


@dataclass(frozen=True, slots=True)
class PadsChange:
    before: int
    after: int
    gap_mode: GapMode
    remote_gap: int
    gap_inside_hours: bool

    def rules(self) -> dict[str, Any]:
        return {
            "before": self.before, "after": self.after, "gap_mode": self.gap_mode.value,
            "remote_gap": self.remote_gap, "gap_inside_hours": self.gap_inside_hours,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClocksChange:
    """The windows follow the zone database that this process reads now."""


Change = HoursChange | DayChange | RegimeChange | RegimeEnd | PadsChange | ClocksChange


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment as planning sees it: what it takes, for which sale, and the wall time that was agreed."""

    sitting: Sitting
    public_id: str
    number: str
    wall: str
    sale: str | None = None

    def wish(self, start: datetime | None = None) -> Wish:
        its = self.sitting
        since = its.start if start is None else start
        return Wish(
            its.company_id, its.desk, since, since + (its.end - its.start), its.party, its.stones,
            tuple(visitor for visitor, _ in its.visitors),
            its.operator, its.mode, (), self.sale,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """An office and everything that is booked there from now on. `usual`: windows of the hours; `special`: those of
    sales and sessions, by sale. `differing`: the rules of a sale."""

    scene: Scene
    visits: tuple[Visit, ...]
    patterns: tuple[Pattern, ...] = ()
    others: tuple[OtherDay, ...] = ()
    special: tuple[tuple[str | None, Opening], ...] = ()
    office_rules: Mapping[str, Any] = field(default_factory=dict)
    differing: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    regimes: Mapping[int, RegimeSpan] = field(default_factory=dict)

    def scene_for(self, sale: str | None) -> Scene:
        special = tuple(one for of_sale, one in self.special if of_sale is None or of_sale == sale)
        usual = BookingRules.of(self.office_rules)
        mine = BookingRules.of(self.office_rules, self.differing.get(sale or ""))
        return replace(self.scene, openings=self.scene.openings + special, rules=replace(mine, gap_mode=usual.gap_mode))


@dataclass(frozen=True, slots=True)
class Broken:
    """An appointment that the change would break, why, and the nearest time that would do."""

    visit: Visit
    code: str
    facts: Mapping[str, Any]
    proposal: Slot | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    broken: tuple[Broken, ...]
    kept: tuple[Sitting, ...]  # with the pads they would have
    looked: int  # appointments looked at
    without_look: int = 0  # broken ones for which no other time was looked for: there are too many


def what_if(world: World, change: Change, now: datetime) -> Outcome:
    """Which appointments would break, in the order they were made: whoever came first keeps the place."""
    after = changed(world, change, now)
    before, _ = _walk(world, now)
    answers, around = _walk(after, now)
    moved = _moved_clocks(world) if isinstance(change, ClocksChange) else set()
    broken: list[tuple[Visit, str, Mapping[str, Any]]] = []
    for visit in sorted(world.visits, key=lambda one: one.sitting.id):
        said, was = answers.get(visit.sitting.id), before.get(visit.sitting.id)
        if said is None:
            continue
        if visit.sitting.id in moved:
            broken.append((visit, CLOCK_MOVED, {"wall": visit.wall}))
        elif not said.ok and (was is None or said.code is not was.code):
            broken.append((visit, said.code.value, said.facts))
    return _told(after, broken, around, len(answers), now)


def unfit(world: World, names: Collection[str], now: datetime) -> Outcome:
    """Which of these do not fit what holds now, among all others as they stand, and where they could go."""
    mine = [visit for visit in world.visits if visit.public_id in names]
    around = Around(_as_they_should_be(world, {visit.sitting.id for visit in mine}))
    moved = _moved_clocks(world)
    broken: list[tuple[Visit, str, Mapping[str, Any]]] = []
    for visit in mine:
        said = standing.check(
            world.scene_for(visit.sale), around, visit.wish(), Company(), now, staff=True, seated=True
        )
        if visit.sitting.id in moved:
            broken.append((visit, CLOCK_MOVED, {"wall": visit.wall}))
        elif not said.ok:
            broken.append((visit, said.code.value, said.facts))
        else:
            around.add(visit.sitting)
    return _told(world, broken, around, len(mine), now)


def _as_they_should_be(world: World, without: Collection[int]) -> Iterator[Sitting]:
    """All others, with the pads that hold now: one that kept older claims, because another stands in its way, counts
    as if that other were gone."""
    sales = {visit.sitting.id: visit.sale for visit in world.visits}
    scenes = {sale: world.scene_for(sale) for sale in set(sales.values())}
    for one in world.scene.sittings:
        if one.id in without:
            continue
        if one.id not in sales:
            yield one
            continue
        scene = scenes[sales[one.id]]
        pads = rules.pads_of(scene.rules, one.mode, scene.regime_at(one.start))
        yield one._replace(pads=pads, gap_mode=scene.rules.gap_mode)


def _told(
    world: World, broken: Sequence[tuple[Visit, str, Mapping[str, Any]]], around: Around, looked: int, now: datetime
) -> Outcome:
    kept = tuple(around.sittings)
    proposed = _proposals(world, broken[:MOST_PROPOSALS], around, now)
    found = tuple(Broken(visit, code, facts, proposed.get(visit.sitting.id)) for visit, code, facts in broken)
    return Outcome(found, kept, looked, max(0, len(broken) - MOST_PROPOSALS))


def changed(world: World, change: Change, now: datetime) -> World:
    """The same office after the change."""
    match change:
        case HoursChange():
            patterns = tuple(new_week(world.patterns, change))
            return _reopened(replace(world, patterns=patterns), now)
        case DayChange():
            others = [one for one in world.others if one.day != change.day]
            if not change.back:
                others.append(OtherDay(change.day, change.opens, change.closes, change.breaks))
            return _reopened(replace(world, others=tuple(others)), now)
        case RegimeChange():
            spans = (*world.scene.regimes, RegimeSpan(change.start, change.end, change.facts))
            return replace(world, scene=replace(world.scene, regimes=spans))
        case RegimeEnd():
            left = tuple(span for number, span in sorted(world.regimes.items()) if number != change.regime)
            return replace(world, scene=replace(world.scene, regimes=left))
        case PadsChange():
            return replace(world, office_rules={**world.office_rules, **change.rules()})
        case ClocksChange():
            return _reopened(world, now)


def new_week(patterns: Iterable[Pattern], change: HoursChange) -> list[Pattern]:
    """Those that go on end the day before; those that would begin later never do."""
    eve = change.since - timedelta(days=1)
    standing_on = [
        one if one.valid_to is not None and one.valid_to < change.since else replace(one, valid_to=eve)
        for one in patterns
        if one.valid_from < change.since
    ]
    return standing_on + [replace(one, valid_from=change.since, valid_to=None) for one in change.week]


def _reopened(world: World, now: datetime) -> World:
    today = local_times.day_of(now, world.scene.zone)
    found = opening.openings(
        world.scene.zone, world.patterns, world.others, today - local_times.DAY, today + AHEAD * local_times.DAY
    )
    usual = tuple(Opening(one.opens_at, one.closes_at, one.breaks_at) for one in found)
    return replace(world, scene=replace(world.scene, openings=usual))


def _moved_clocks(world: World) -> set[int]:
    """Whose instant is another time on the wall than was agreed."""
    zone = world.scene.zone
    return {one.sitting.id for one in world.visits if local_times.wall(one.sitting.start, zone) != one.wall}


def _walk(world: World, now: datetime) -> tuple[dict[int, Answer], Around]:
    """What each coming appointment would be answered among those made before it that fit; and those."""
    mine = {visit.sitting.id for visit in world.visits}
    around = Around(one for one in world.scene.sittings if one.id not in mine)
    scenes: dict[str | None, Scene] = {}
    answers: dict[int, Answer] = {}
    for visit in sorted(world.visits, key=lambda one: one.sitting.id):
        scene = scenes.setdefault(visit.sale, world.scene_for(visit.sale))
        its = visit.sitting
        said = standing.check(scene, around, visit.wish(), Company(), now, staff=True, seated=True)
        answers[its.id] = said
        if said.ok:
            pads = rules.pads_of(scene.rules, its.mode, scene.regime_at(its.start))
            around.add(its._replace(pads=pads, gap_mode=scene.rules.gap_mode))
    return answers, around


def _proposals(
    world: World, broken: Sequence[tuple[Visit, str, Mapping[str, Any]]], around: Around, now: datetime
) -> dict[int, Slot]:
    """The nearest free time for each, one behind the other: no two are proposed the same place."""
    found: dict[int, Slot] = {}
    for visit, code, _ in broken:
        scene = replace(world.scene_for(visit.sale), sittings=tuple(around.sittings))
        slot = _as_agreed(scene, visit, around, now) if code == CLOCK_MOVED else None
        slot = slot or _nearest(scene, visit, now)
        if slot is None:
            continue
        found[visit.sitting.id] = slot
        pads = rules.pads_of(scene.rules, visit.sitting.mode, scene.regime_at(slot.start))
        moved = visit.sitting._replace(start=slot.start, end=slot.end, desk=slot.desk, operator=slot.operator)
        room = scene.places[slot.desk].room
        around.add(moved._replace(room=room, pads=pads, gap_mode=scene.rules.gap_mode, held_until=None))
    return found


def _as_agreed(scene: Scene, visit: Visit, around: Around, now: datetime) -> Slot | None:
    """At the same time on the wall, by the new clocks."""
    start = local_times.to_utc(datetime.fromisoformat(visit.wall), scene.zone)
    wish = visit.wish(start)
    said = standing.check(scene, around, wish, Company(), now, staff=True, seated=True)
    return Slot(scene.office, wish.desk, start, wish.end, Code.OK, {}, wish.operator) if said.ok else None


def _nearest(scene: Scene, visit: Visit, now: datetime) -> Slot | None:
    its = visit.sitting
    around = Around(scene.sittings)
    for reach in REACHES:
        frm, to = max(now, its.start - reach), its.start + reach
        close = replace(scene, sittings=tuple(around.near(frm, to + rules.LONGEST, its.pads)))
        free = [
            slot
            for slot in finding.within(close, visit.wish(), Company(), frm, to, its.end - its.start, now)
            if slot.free
        ]
        if free:
            return min(free, key=lambda slot: (abs(slot.start - its.start), slot.desk != its.desk, slot.start))
    return None
