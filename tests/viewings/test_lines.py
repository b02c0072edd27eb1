"""The line of a stone: what is impossible is refused with its reason, and what R7 says of a booking on it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from pavilion.kernel.instants import stamp
from pavilion.viewings import rules
from pavilion.viewings.lines import (
    Draft,
    LineCode,
    LineFault,
    Moves,
    Sending,
    Shown,
    Stop,
    Way,
    Ways,
    changed,
    check,
    check_change,
    delayed,
    elsewhere,
    legs,
    place_at,
    removed,
    sent,
)
from pavilion.viewings.rules import BookingRules, CompanyFacts, Facts, Opening, Place, StayFacts, StoneFacts
from pavilion.viewings.wishes import Wish
from tests.luck import Random

DAY = datetime(2027, 3, 1, tzinfo=UTC)
WAYS = Ways((Way("ant", "hkg", 1200, date(2026, 1, 1)), Way("ant", "dxb", 600, date(2026, 1, 1))))


def at(days, hours=12):
    return DAY + timedelta(days=days, hours=hours)


LINE = (
    Stop("ant", None, at(2), pack=30, id=1),
    Stop("hkg", at(3), at(8), pack=30, unpack=60, id=2),
    Stop("ant", at(9), None, unpack=60, id=3),
)


def refused(line, ways=WAYS):
    with pytest.raises(LineFault) as fault:
        check(line, ways)
    return fault.value


def test_a_line_with_time_for_each_way_can_be():
    check(LINE, WAYS)
    assert [leg.minutes for leg in legs(LINE)] == [1440, 1440]
    assert place_at(LINE, at(2)) is None  # it has just left
    assert place_at(LINE, at(3)) is LINE[1]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ((2, {"depart": at(3)}), LineCode.BACKWARDS),
        ((2, {"depart": at(9, 13)}), LineCode.OVERLAP),
        ((2, {"depart": None}), LineCode.OVERLAP),
        ((3, {"arrive": None}), LineCode.BACKWARDS),  # it would come first, and never begin
        ((2, {"arrive": at(2, 13)}), LineCode.LEG_SHORT),
        ((2, {"arrive": at(8, 11)}), LineCode.SHORT),
        ((2, {"arrive": at(3, 12) + timedelta(minutes=3)}), LineCode.OFF_GRID),
        ((2, {"arrive": at(3) + timedelta(seconds=1)}), LineCode.OFF_GRID),
        ((2, {"pack": 7}), LineCode.OFF_GRID),
        ((2, {"unpack": -5}), LineCode.OFF_GRID),
        ((3, {"arrive": datetime(2150, 1, 1, tzinfo=UTC)}), LineCode.BEYOND),
    ],
)
def test_an_impossible_stay_or_leg_says_why(change, code):
    stay, values = change
    if code is LineCode.BACKWARDS and "arrive" in values:
        code = LineCode.OVERLAP
    assert refused(changed(LINE, stay, **values)).code is code


def test_a_leg_names_both_ends_and_what_the_way_needs():
    fault = refused(changed(LINE, 2, arrive=at(2, 22)))
    assert fault.facts == {"one": "ant", "other": "hkg", "given": "10:00", "needed": "20:00"}


def test_the_newest_row_of_a_way_holds_from_its_day_on_and_the_way_back_takes_as_long():
    later = Ways((*WAYS.rows, Way("ant", "hkg", 900, date(2027, 3, 3)), Way("ant", "hkg", 960, date(2027, 3, 3))))
    assert later.minutes("ant", "hkg", date(2027, 3, 2)) == 1200
    assert later.minutes("ant", "hkg", date(2027, 3, 3)) == 960  # the one written last
    assert later.minutes("hkg", "ant", date(2027, 3, 2)) == 1200
    assert later.minutes("nyc", "ant", date(2027, 3, 2)) == 1440  # the table does not know it: a day


def test_what_is_over_is_left_alone():
    check_change(LINE, changed(LINE, 2, depart=at(7)), WAYS, at(2, 13))
    for after in (changed(LINE, 1, depart=at(1)), removed(LINE, 1)):
        with pytest.raises(LineFault) as fault:
            check_change(LINE, after, WAYS, at(2, 13))
        assert fault.value.code is LineCode.OVER


def test_a_stone_is_sent_from_where_it_is_and_stays_as_long_as_it_would_have():
    there = Sending("dxb", at(0), at(1), unpack=60)
    back = Sending("ant", at(1, 18), at(2, 6))
    line = sent((Stop("ant", id=1),), [there, back])
    check(line, WAYS)
    assert [(stop.office, stop.arrive, stop.depart) for stop in line] == [
        ("ant", None, at(0)), ("dxb", at(1), at(1, 18)), ("ant", at(2, 6), None),
    ]  # fmt: skip
    assert line[0].id == 1 and line[1].id is None


@pytest.mark.parametrize(
    ("leave", "office", "code"),
    [(at(2, 14), "dxb", LineCode.NOT_HERE), (at(3), "dxb", LineCode.NOT_HERE), (at(1), "ant", LineCode.SAME_OFFICE)],
)
def test_a_stone_leaves_only_where_it_is(leave, office, code):
    with pytest.raises(LineFault) as fault:
        Draft.of({"stone": LINE}, lambda line: sent(line, [Sending(office, leave, leave + timedelta(days=1))]))
    assert fault.value.code is code
    assert fault.value.facts["stone"] == "stone"


def test_a_stay_taken_out_leaves_the_stone_where_it_was():
    assert removed(LINE, 3)[-1] == changed(LINE, 2, depart=None)[1]
    assert [stop.id for stop in removed(LINE, 2)] == [1, 3]
    with pytest.raises(LineFault):
        removed(LINE, 9)


def test_a_late_flight_moves_the_arrival_the_leg_or_all_that_follows():
    hours = timedelta(hours=6)
    assert delayed(LINE, 2, hours)[1].arrive == at(3, 18)
    assert delayed(LINE, 2, hours)[0].depart == at(2)
    assert delayed(LINE, 2, hours, Moves.LEG)[0].depart == at(2, 18)
    rest = delayed(LINE, 2, hours, Moves.REST)
    assert [stop.depart for stop in rest] == [at(2, 18), at(8, 18), None]
    assert rest[2].arrive == at(9, 18)
    assert delayed(LINE, 2, hours, Moves.LEG, at(2, 13))[0].depart == at(2)  # it has left
    assert delayed(LINE, 2, hours, Moves.REST, at(2, 13))[0] == LINE[0]
    with pytest.raises(LineFault):
        delayed(LINE, 1, hours)  # it always was there


@pytest.mark.parametrize("seed", range(40))
def test_bookings_and_lines_judge_alike_where_a_stone_is(seed):
    luck = Random(seed)
    claim = shown(at(luck.randrange(-1, 11), luck.randrange(24)), luck.choice(["ant", "hkg", "nyc"]))
    stays = tuple(
        StayFacts(stop.office, stop.arrive, stop.depart, timedelta(minutes=stop.pack), timedelta(minutes=stop.unpack))
        for stop in LINE
    )
    pads = {"before": 15, "after": 20, "min_notice": 0, "horizon": 10**6}
    wish = Wish(1, "desk", claim.start, claim.end, 1, ("stone",))
    facts = Facts(
        Place(claim.office, "UTC", "desk", "room", 8), CompanyFacts(), BookingRules(**pads),
        (Opening(at(-9), at(20)),), stones={"stone": StoneFacts(stays=stays)},
    )  # fmt: skip
    answer, found = rules.check(wish, facts, at(-5)), elsewhere(LINE, claim)
    assert answer.code == (found.code if found else "ok")
    assert answer.facts.get("bookable_from") == (stamp(found.bookable_from) if found and found.bookable_from else None)


def shown(start, office="hkg", before=15, after=20):
    return Shown(1, "stone", office, start, start + timedelta(hours=1), before, after)


@pytest.mark.parametrize(
    ("claim", "code", "bookable_from"),
    [
        (shown(at(3, 13) + timedelta(minutes=15)), None, None),
        (shown(at(3, 13) + timedelta(minutes=10)), "stone_in_transit", at(3, 13) + timedelta(minutes=15)),
        (shown(at(8, 10) + timedelta(minutes=10)), None, None),
        (shown(at(8, 10) + timedelta(minutes=15)), "stone_in_transit", None),
        (shown(at(1)), "stone_elsewhere", at(3, 13) + timedelta(minutes=15)),
        (shown(at(4), "ant"), "stone_elsewhere", at(9, 13) + timedelta(minutes=15)),
        (shown(at(4), "nyc"), "stone_elsewhere", None),
        (shown(at(2, 15)), "stone_in_transit", at(3, 13) + timedelta(minutes=15)),
    ],
)
def test_a_booking_stands_only_between_unpacking_and_packing(claim, code, bookable_from):
    found = elsewhere(LINE, claim)
    assert (found.code if found else None) == code
    assert found is None or found.bookable_from == bookable_from
