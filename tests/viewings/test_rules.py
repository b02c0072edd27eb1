"""Who may sit where and when: the first check that fails is the answer, and the times of an appointment that stands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavilion.viewings import refusing, rules
from pavilion.viewings.occupying import Pads, ceil, floor, instant, on_grid, quantum
from pavilion.viewings.rows import Taken
from pavilion.viewings.rules import (
    BlockFacts,
    BookingRules,
    CompanyFacts,
    Facts,
    Opening,
    Place,
    RegimeFacts,
    StayFacts,
    StoneFacts,
)
from pavilion.viewings.states import BlockKind, GapMode, ViewingMode
from pavilion.viewings.wishes import Answer, Code, Wish

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
NINE = datetime(2026, 3, 16, 9, tzinfo=UTC)
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
PLACE = Place("ant", "Europe/Brussels", "A3", "R1", 4)
STATION = Place("ant", "Europe/Brussels", "V1")
WISH = Wish(7, "A3", NINE, NINE + HOUR, 2, ("S1",), (5,), None, quotas=("q",))
FACTS = Facts(
    PLACE, CompanyFacts(), BookingRules(), (Opening(NOW - DAY, NOW + 60 * DAY),),
    stones={"S1": StoneFacts(stays=(StayFacts("ant"),))}, visitors=frozenset({5}), quotas=frozenset({"q"}),
)  # fmt: skip


def taken(resource, at=NINE, company=8, appointment=1, until=None):
    return {(resource, quantum(at)): Taken(company, appointment, 1, until)}


def seats(count, **more):
    return {row: one for k in range(1, count + 1) for row, one in taken(f"seat:R1:{k}", **more).items()}


def test_what_passes_every_check_is_ok():
    assert rules.check(WISH, FACTS, NOW) == Answer()


def everything_wrong():
    """Each fact that refuses, in the order of the specification, worst first."""
    tight = BookingRules(min_notice=30 * 1440, horizon=1, company_day_limit=0, company_hours=0, no_show_limit=0)
    around = (NINE - HOUR, NINE + HOUR)
    blocks = [BlockFacts(BlockKind.MEMO, None, *around), BlockFacts(BlockKind.HOLD, 9, *around)]
    stone = StoneFacts("sold", tuple(blocks), (StayFacts("hkg"),))
    rows = taken("company:7:1", company=7) | taken("desk:A3:f") | seats(4) | taken("stone:S1:t")
    rows |= taken("roomco:R1:1", appointment=None) | taken("operator:3:f") | taken("visitor:5")
    facts = replace(FACTS, rules=tight, viewing_ends=NINE, openings=(), stones={"S1": stone}, rows=rows)
    facts = replace(facts, operator=False, regime=RegimeFacts(companies=1))
    wish = replace(WISH, operator=3, party=0, start=NINE + MINUTE)
    yield Code.BAD_INPUT, wish, facts
    wish = replace(wish, party=2)
    yield Code.NOT_ON_GRID, wish, facts
    wish = replace(wish, start=NINE)
    yield Code.UNKNOWN_REFERENCE, wish, facts
    facts = replace(facts, operator=True)
    yield Code.NOTICE_TOO_SHORT, wish, facts
    facts = replace(facts, rules=replace(tight, min_notice=0))
    yield Code.BEYOND_HORIZON, wish, facts
    facts = replace(facts, rules=replace(facts.rules, horizon=28 * 1440))
    yield Code.VIEWING_CLOSED, wish, facts
    facts = replace(facts, viewing_ends=NINE + HOUR)
    yield Code.OUTSIDE_WINDOW, wish, facts
    facts = replace(facts, openings=FACTS.openings)
    yield Code.APPROVAL_NEEDED, wish, facts
    facts = replace(facts, rules=replace(facts.rules, no_show_limit=2))
    yield Code.COMPANY_DAY_LIMIT, wish, facts
    facts = replace(facts, rules=replace(facts.rules, company_day_limit=None))
    yield Code.COMPANY_HOURS, wish, facts
    facts = replace(facts, rules=replace(facts.rules, company_hours=1))
    yield Code.COMPANY_BUSY, wish, facts
    facts = without(facts, "company:7:1")
    yield Code.STONE_SOLD, wish, facts
    for code, change in (
        (Code.ON_MEMO, {"fate": None}), (Code.STONE_ON_HOLD, {"blocks": stone.blocks[1:]}),
        (Code.STONE_ELSEWHERE, {"blocks": ()}), (Code.STONE_IN_TRANSIT, {"stays": ()}),
    ):  # fmt: skip
        stone = replace(stone, **change)
        facts = replace(facts, stones={"S1": stone})
        yield code, wish, facts
    facts = replace(facts, stones=FACTS.stones)
    for code, gone in (
        (Code.DESK_TAKEN, ["desk:A3:f"]), (Code.ROOM_FULL, [f"seat:R1:{k}" for k in range(1, 5)]),
        (Code.ROOM_COMPANIES, ["roomco:R1:1"]), (Code.STONE_TAKEN, ["stone:S1:t"]),
        (Code.OPERATOR_TAKEN, ["operator:3:f"]), (Code.VISITOR_BUSY, ["visitor:5"]),
    ):  # fmt: skip
        yield code, wish, facts
        facts = without(facts, *gone)
    yield Code.OK, wish, facts


def without(facts, *resources):
    return replace(facts, rows={row: one for row, one in facts.rows.items() if row[0] not in resources})


@pytest.mark.parametrize(("code", "wish", "facts"), everything_wrong(), ids=lambda one: str(one)[:20])
def test_the_order_of_checks_decides(code, wish, facts):
    assert rules.check(wish, facts, NOW).code == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"start": NINE, "end": NINE}, Code.BAD_INPUT),
        ({"end": NINE + 25 * HOUR}, Code.BAD_INPUT),
        ({"start": datetime(1969, 1, 1, tzinfo=UTC)}, Code.BAD_INPUT),
        ({"party": 21}, Code.BAD_INPUT),
        ({"visitors": (5, 5)}, Code.BAD_INPUT),
        ({"visitors": (5, 6, 8)}, Code.BAD_INPUT),
        ({"stones": tuple(f"S{n}" for n in range(101))}, Code.BAD_INPUT),
        ({"quotas": ("q", "q")}, Code.BAD_INPUT),
        ({"mode": ViewingMode.REMOTE}, Code.BAD_INPUT),
        ({"stones": ("S2",)}, Code.UNKNOWN_REFERENCE),
        ({"visitors": (6,)}, Code.UNKNOWN_REFERENCE),
        ({"quotas": ("z",)}, Code.UNKNOWN_REFERENCE),
        ({"end": NINE + 30 * DAY, "start": NINE + 30 * DAY - HOUR}, Code.BEYOND_HORIZON),
    ],
)
def test_what_cannot_be_meant_is_named(change, code):
    assert rules.check(replace(WISH, **change), FACTS, NOW).code == code


def test_a_foreign_office_a_closed_desk_and_an_unknown_company_are_not_found():
    for facts in (
        replace(FACTS, place=None), replace(FACTS, place=replace(PLACE, closed=True)), replace(FACTS, company=None),
    ):  # fmt: skip
        assert rules.check(WISH, facts, NOW).code is Code.UNKNOWN_REFERENCE


def test_off_the_grid_the_nearest_times_are_offered():
    said = rules.check(replace(WISH, start=NINE + 2 * MINUTE), FACTS, NOW)
    assert said.facts["grid"]["start"] == ["2026-03-16T09:00:00.000000Z", "2026-03-16T09:05:00.000000Z"]
    assert said.facts["grid"]["end"] == ["2026-03-16T10:00:00.000000Z"] * 2


def test_a_break_closes_the_office_and_a_gap_may_have_to_lie_inside():
    pause = replace(FACTS, openings=(Opening(NINE, NINE + 2 * HOUR, ((NINE + HOUR, NINE + 2 * HOUR),)),))
    assert rules.check(WISH, pause, NOW).ok
    assert rules.check(replace(WISH, end=NINE + 65 * MINUTE), pause, NOW).code is Code.OUTSIDE_WINDOW
    closing = replace(FACTS, openings=(Opening(NINE, NINE + HOUR),), rules=BookingRules(after=15))
    assert rules.check(WISH, closing, NOW).ok
    strict = replace(closing, rules=BookingRules(after=15, gap_inside_hours=True))
    assert rules.check(WISH, strict, NOW).code is Code.OUTSIDE_WINDOW


@pytest.mark.parametrize(
    ("mode", "pad_before", "pad_after", "nearest"),
    [(GapMode.MAX, 20, 15, 20), (GapMode.MAX, 10, 15, 15), (GapMode.SUM, 20, 15, 35), (GapMode.SUM, 0, 0, 0)],
)
def test_neighbours_keep_the_longer_pad_or_both(mode, pad_before, pad_after, nearest):
    facts = replace(FACTS, rules=BookingRules(before=pad_before, after=pad_after, gap_mode=mode))
    first = rules.claimed(replace(WISH, stones=(), visitors=()), facts)
    rows = {row: Taken(8, 1) for row in first.fixed()}
    for minutes in range(0, 60, 5):
        start = NINE + HOUR + minutes * MINUTE
        for other in (replace(WISH, start=start, end=start + HOUR),
                      replace(WISH, start=NINE - HOUR - minutes * MINUTE, end=NINE - minutes * MINUTE)):  # fmt: skip
            said = rules.check(replace(other, stones=(), visitors=()), replace(facts, rows=rows), NOW)
            assert said.ok == (minutes >= nearest)


def test_only_holds_in_the_way_say_when_to_come_again():
    until = NOW + timedelta(seconds=61, milliseconds=1)
    rows = taken("desk:A3:f", until=until)
    assert rules.check(WISH, replace(FACTS, rows=rows), NOW).facts["retry_after"] == 62
    rows |= taken("desk:A3:t", until=NOW + HOUR)
    assert rules.check(WISH, replace(FACTS, rows=rows), NOW).facts["retry_after"] == 3600
    rows |= taken("desk:A3:t", at=NINE + 5 * MINUTE)
    assert "retry_after" not in rules.check(WISH, replace(FACTS, rows=rows), NOW).facts
    some = seats(1) | {(f"seat:R1:{k}", quantum(NINE)): Taken(8, 2, 1, until) for k in (2, 3)}
    assert rules.check(WISH, replace(FACTS, rows=some), NOW).facts["retry_after"] == 62
    more = seats(3) | {("seat:R1:4", quantum(NINE)): Taken(8, 2, 1, until)}
    assert "retry_after" not in rules.check(WISH, replace(FACTS, rows=more), NOW).facts


def test_a_smaller_room_counts_those_who_sit_there_already():
    half = replace(FACTS, regime=RegimeFacts(factor_pct=50), rows=seats(3))
    said = rules.check(replace(WISH, party=1, visitors=()), half, NOW)
    assert (said.code, said.facts["clash_to"]) == (Code.ROOM_FULL, "2026-03-16T09:05:00.000000Z")
    later = replace(WISH, party=1, visitors=(), start=NINE + 5 * MINUTE)
    assert rules.check(later, half, NOW).ok


def test_by_video_nobody_sits_in_a_room_and_only_its_own_gap_counts():
    facts = replace(FACTS, place=STATION, rules=BookingRules(before=30, after=30), regime=RegimeFacts(gap=60))
    wish = replace(WISH, desk="V1", mode=ViewingMode.REMOTE, party=0)
    wanted = rules.claimed(wish, facts)
    assert wanted.pads == Pads(timedelta(0), 5 * MINUTE)
    assert not {row[0].split(":")[0] for row in wanted.pick({}).own} & {"seat", "roomco"}


def test_a_stone_is_bookable_when_it_has_been_unpacked():
    stays = (StayFacts("hkg", None, NINE - DAY), StayFacts("ant", NINE + DAY, None, unpack=90 * MINUTE))
    facts = replace(FACTS, stones={"S1": StoneFacts(stays=stays)}, rules=BookingRules(before=10))
    said = rules.check(WISH, facts, NOW)
    assert (said.code, said.facts["bookable_from"]) == (Code.STONE_IN_TRANSIT, "2026-03-17T10:40:00.000000Z")


def test_words_of_rules_and_a_sale_differs_from_its_office():
    mine = BookingRules.of({"before": 5, "gap_mode": "sum", "unknown": 1}, None, {"before": 10, "reminders": [4]})
    assert (mine.before, mine.gap_mode, mine.reminders, mine.hold_ttl) == (10, GapMode.SUM, (4,), 300)


def test_the_cut_off_is_elapsed_hours_shown_on_the_office_clock():
    usual = BookingRules()
    start = datetime(2026, 3, 30, 7, tzinfo=UTC)  # nine in summer time; two days before the clock showed eight
    assert rules.cutoff_passed(usual, start, "Europe/Brussels", start - 48 * HOUR) is None
    late = rules.cutoff_passed(usual, start, "Europe/Brussels", start - 48 * HOUR + timedelta(seconds=1))
    assert late is not None and late.facts["cutoff_local"] == "2026-03-28T08:00+01:00"


@pytest.mark.parametrize(("ago", "good"), [(-1, False), (0, True), (10, True), (24 * 60, True), (24 * 60 + 1, False)])
def test_a_declaration_is_fresh_for_a_day(ago, good):
    now = NINE if ago >= 0 else NINE - HOUR
    assert rules.declared(NINE, NINE - ago * MINUTE, now) is good
    assert not rules.declared(NINE, None, now)


@given(st.integers(0, 4_000_000_000_000_000))
def test_each_instant_lies_in_one_quantum_between_two_grid_times(us):
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    assert instant(quantum(at)) == floor(at) <= at <= ceil(at) <= floor(at) + 5 * MINUTE
    assert on_grid(floor(at)) and on_grid(ceil(at)) and on_grid(at) == (floor(at) == ceil(at))


@pytest.mark.parametrize(
    ("code", "status"),
    [("unknown_reference", 404), ("bad_input", 422), ("not_on_grid", 422), ("bad_window", 422), ("desk_taken", 409)],
)
def test_a_refusal_has_the_status_of_its_code(code, status):
    with pytest.raises(refusing.ViewingRefused) as caught:
        refusing.refuse_unless_ok(Answer(Code(code), {"desk": "A3"}), next=[])
    assert (caught.value.code, caught.value.status, caught.value.facts) == (code, status, {"desk": "A3", "next": []})
