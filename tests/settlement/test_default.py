"""What follows when a buyer does not pay: days, strikes, forfeits and the offer to the next."""

import json
from datetime import date
from pathlib import Path

import pytest

from pavilion.bidding.rules import Increments, LotTerms
from pavilion.settlement import default, vectors

LINES = [
    json.loads(line) for line in (Path(__file__).parents[1] / "vectors/default.jsonl").read_text("utf-8").splitlines()
]
TERMS = LotTerms(1000, None, "jump", Increments(((0, 100),)))


@pytest.mark.parametrize("line", LINES[1:], ids=lambda line: line["id"])
def test_the_default_vectors_hold(line):
    assert vectors.check_default(line, LINES[0]) is None


def test_a_vector_that_does_not_hold_says_what_was_expected():
    forfeit = next(line for line in LINES if line.get("kind") == "forfeit")
    assert vectors.check_default(forfeit | {"expect": {"refund": 1}}, {}) == "expected refund 1 got 20000"
    with pytest.raises(ValueError, match="kind 'dance'"):
        vectors.check_default(forfeit | {"kind": "dance"}, {})


def test_the_seller_of_a_house_reserve_is_no_candidate_and_a_declined_maximum_still_moves_the_price():
    best = {"A": (3000, 1), "B": (5000, 2), "C": (9000, 3)}
    assert default.underbidder_offer(TERMS, best, ["C"], []) == ("B", 3100, None)
    assert default.underbidder_offer(TERMS, best, ["C"], ["B"]) == ("A", 3000, None)
    assert default.underbidder_offer(TERMS, best, ["C"], ["A", "B"]) == (None, None, "no_bidder")


def test_the_earlier_of_two_equal_maxima_is_asked_first():
    best = {"B": (5000, 7), "A": (5000, 2), "C": (9000, 3)}
    assert default.underbidder_offer(TERMS, best, ["C"], []) == ("A", 5000, None)


def test_reminders_may_stand_before_on_and_after_the_due_day():
    days = default.ladder(date(2026, 3, 6), 1, 0, (-2, 0, 3), {date(2026, 3, 5)})
    assert days.due == date(2026, 3, 9) and days.default == date(2026, 3, 10)
    assert days.reminders == (date(2026, 3, 4), date(2026, 3, 9), date(2026, 3, 12))


def test_a_waived_strike_is_no_strike_and_nothing_is_forfeited_twice():
    two = default.strike(default.strike((), "default", "I1"), "default", "I2")
    assert not default.may_bid(two) and default.may_bid(default.strike(two, "waive", "I2"))
    assert default.strike(two, "cure", "I9") == two
    assert default.forfeit(0, 120_000) == (0, 0)
    assert default.forfeit(50_000, 1, 5_000) == (1, 49_999)  # half a cent goes up, away from zero
