"""Tours are feasible by the rules of lines and of bookings, and as good as trying everything."""

from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import pytest

from pavilion.viewings import tours_solver
from pavilion.viewings.lines import Shown, Stop, Way, Ways, check, elsewhere
from pavilion.viewings.tours import Graph, How, Item, NoTour, Task, excludes, graph_of, greedy, search, suggest
from tests.luck import Random

MONDAY = datetime(2027, 3, 1, tzinfo=UTC)
OFFICES = ("ant", "dxb", "hkg")
WAYS = Ways(
    (
        Way("ant", "hkg", 1200, date(2026, 1, 1)),
        Way("ant", "dxb", 540, date(2026, 1, 1)),
        Way("dxb", "hkg", 480, date(2026, 1, 1)),
    )
)
STONES = ("s1", "s2", "s3")


def at(day, hour=0):
    return MONDAY + timedelta(days=day, hours=hour)


WINDOWS = {office: tuple((at(day, 8), at(day, 18)) for day in range(9)) for office in OFFICES}


def task(items, **changes):
    values = {"home": "ant", "since": at(0), "back": "ant", "until": at(8, 20), "pack": 30, "unpack": 60} | changes
    return Task(items=tuple(items), windows=WINDOWS, ways=WAYS, **values)


def wish(key, office, day, hour, *stones, weight=1, fixed=False, long=1):
    start = at(day, hour)
    things = frozenset(stones or STONES)
    return Item(key, office, start, start + timedelta(hours=long), things, 15, 20, weight, fixed)


def some(luck, n, fixed=0):
    made = [
        wish(f"w{i}", luck.choice(OFFICES), luck.randrange(8), luck.randrange(8, 18),
             *luck.sample(STONES, luck.randint(1, 3)), weight=luck.randint(1, 3))
        for i in range(n)
    ]  # fmt: skip
    return made + [wish(f"b{i}", "ant", i * 3, luck.randrange(9, 17), "s1", fixed=True) for i in range(fixed)]


def feasible(asked, tour):
    """By the rules of lines (legs) and R7 (bookings), not by those of tours."""
    stops = tuple(tour.stops)
    check(stops, WAYS)
    kept = [item for item in asked.items if item.fixed or item.key in tour.served]
    for item in kept:
        for stone in item.things:
            assert elsewhere(stops, Shown(0, stone, item.office, item.start, item.end, item.before, item.after)) is None
    for one, two in combinations(kept, 2):
        apart = one.needed_until <= two.start or two.needed_until <= one.start
        assert apart or not one.things & two.things
    for stop in stops:
        for moved, minutes in ((stop.arrive, asked.unpack), (stop.depart, -asked.pack)):
            if moved is not None:
                first, last = sorted((moved, moved + timedelta(minutes=minutes)))
                assert any(opens <= first and last <= closes for opens, closes in WINDOWS[stop.office])
    assert stops[-1].office == asked.back and stops[-1].depart is None


def brute(asked):
    """Every set of wishes, walked from one to the next; the walk alone decides."""
    wishes = [item for item in asked.items if not item.fixed]
    best = 0
    for mask in range(1 << len(wishes)):
        kept = [item for n, item in enumerate(wishes) if mask >> n & 1]
        weight = sum(item.weight for item in kept)
        if weight > best and walks(asked, kept + [item for item in asked.items if item.fixed]):
            best = weight
    return best


def walks(asked, items):
    here, free = asked.home, asked.since
    busy = {}
    for item in sorted(items, key=lambda one: (one.start, one.key)):
        if item.office != here:
            free = soonest(asked, here, free, item.office)
            if free > item.needed_from:
                return False
            here = item.office
        for thing in item.things:
            if thing in busy and busy[thing] > item.start:
                return False
            busy[thing] = item.needed_until
        if not 8 <= item.start.hour < 18 or item.end.hour > 18 or (item.end.hour == 18 and item.end.minute):
            return False
        free = max(free, item.needed_until)
    return here == asked.back or soonest(asked, here, free, asked.back) <= asked.until


def soonest(asked, here, free, there, through=OFFICES):
    """Over all routes of at most two legs, in steps of five minutes."""
    direct = leg(asked, here, free, there)
    bends = [leg(asked, mid, leg(asked, here, free, mid), there) for mid in through if mid not in (here, there)]
    return min([direct, *bends])


def leg(asked, here, free, there):
    if free >= at(30):
        return free
    leaves = free
    while not open_for(leaves, asked.pack):
        leaves += timedelta(minutes=5)
    comes = leaves + timedelta(minutes=asked.pack + WAYS.minutes(here, there, leaves.date()))
    while comes < at(9) and not open_for(comes, asked.unpack):
        comes += timedelta(minutes=5)
    return comes + timedelta(minutes=asked.unpack) if comes < at(9) else at(30)


def open_for(since, minutes):
    until = since + timedelta(minutes=minutes)
    return any(opens <= since and until <= closes for opens, closes in WINDOWS["ant"]) or since >= at(9)


@pytest.mark.parametrize("seed", range(6))
def test_every_search_gives_a_feasible_tour_and_the_exact_ones_the_best(seed):
    luck = Random(seed)
    asked = task(some(luck, 7, fixed=seed % 3))
    best = brute(asked)
    for heaviest, proven in ((search, True), (tours_solver.solve, True), (greedy, False)):
        tour = suggest(asked, heaviest)
        feasible(asked, tour)
        assert tour.weight <= best
        assert not proven or (tour.weight == best and tour.how in (How.EXACT, How.SOLVER))
        assert proven or tour.weight * 2 >= best  # greedy, then improved: near


def test_large_requests_are_answered_soon_and_soundly_by_both_searches():
    asked = task(some(Random(7), 150))
    said = []
    found, solved = suggest(asked, report=said.append), suggest(asked, tours_solver.solve)
    for tour in (found, solved):
        feasible(asked, tour)
    assert solved.weight >= found.weight > 0
    assert said == sorted(said) and said[-1] == 100  # progress never goes back


def test_a_booking_is_never_broken_for_any_number_of_wishes():
    stays = wish("b", "ant", 3, 9, "s1", fixed=True)
    asked = task([stays, *(wish(f"w{i}", "hkg", 3, 9 + i, weight=50) for i in range(3))])
    assert suggest(asked).served == ()
    assert not suggest(asked).moves


def test_what_must_be_kept_and_cannot_is_named():
    apart = [wish("here", "ant", 1, 9, fixed=True), wish("there", "hkg", 1, 15, fixed=True)]
    with pytest.raises(NoTour) as error:
        suggest(task(apart))
    assert {error.value.one, error.value.other} == {"here", "there"}


def test_the_trunk_is_back_in_time_where_it_must_be():
    late = wish("w", "hkg", 8, 16)
    assert suggest(task([late])).served == ()
    tour = suggest(task([late], back="hkg"))
    assert tour.served == ("w",) and [stop.office for stop in tour.stops][-1] == "hkg"


def test_a_way_over_a_third_office_is_taken_where_it_is_sooner():
    slow = Ways((Way("ant", "hkg", 7200, date(2026, 1, 1)), *WAYS.rows[1:]))
    asked = Task("ant", at(0), "hkg", at(4), (wish("w", "hkg", 3, 9),), WINDOWS, slow, 30, 60)
    assert [stop.office for stop in suggest(asked).stops] == ["ant", "dxb", "hkg"]


def test_wishes_out_of_hours_or_at_unknown_places_are_left_out():
    asked = task([wish("early", "ant", 1, 5), wish("nowhere", "nyc", 1, 9), wish("kept", "ant", 1, 9)])
    assert suggest(asked).served == ("kept",)
    assert suggest(task([])).stops == (Stop("ant", pack=30, unpack=60),)


def test_two_at_one_office_exclude_each_other_only_for_what_both_want():
    reach = None  # of the same office no way is asked
    one, same, other = wish("a", "ant", 1, 9, "s1"), wish("b", "ant", 1, 9, "s1"), wish("c", "ant", 1, 9, "s2")
    after = wish("d", "ant", 1, 10, "s1")
    assert excludes(reach, one, same) and not excludes(reach, one, other)
    assert excludes(reach, one, after)  # the pad of twenty minutes


def test_the_exact_search_gives_up_in_time_and_the_greedy_one_takes_over():
    luck = Random(3)
    n = 120
    masks = [0] * n
    for i in range(n):
        for j in range(i):
            if luck.random() < 0.1:
                masks[i] |= 1 << j
                masks[j] |= 1 << i
    nodes = tuple(Item(str(i), "ant", at(0), at(1), weight=luck.randint(1, 9)) for i in range(n))
    chosen, how = search(Graph(nodes, tuple(masks)))
    assert how is How.GREEDY
    assert all(not chosen & masks[i] for i in range(n) if chosen >> i & 1)
    assert graph_of(task([])).nodes == ()
