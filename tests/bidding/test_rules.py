import pytest

from pavilion.bidding.rules import (
    HOUSE,
    Commitment,
    Increments,
    LotTerms,
    Standing,
    alias,
    best_of,
    changed,
    judge_amount,
    judge_reserve,
    needs_confirm,
    sold,
    standing,
)
from pavilion.kernel.money import MAX_AMOUNT

TABLE = Increments(((0, 5000), (100_000, 10_000), (200_000, 25_000)))
SNAP = Increments(((0, 200), (1200, 600), (11_200, 1200)), "snap")


@pytest.mark.parametrize(
    ("p", "step", "following"),
    [(0, 5000, 5000), (99_999, 5000, 104_999), (100_000, 10_000, 110_000), (200_000, 25_000, 225_000)],
)
def test_the_step_is_that_of_the_last_tier_reached(p, step, following):
    assert (TABLE.step(p), TABLE.next(p)) == (step, following)


def test_a_ladder_stops_at_the_start_of_each_tier():
    assert SNAP.ladder(800, 4) == (800, 1000, 1200, 1800)
    assert (SNAP.next(10_800), SNAP.next(11_199), SNAP.next(11_200)) == (11_200, 11_200, 12_400)
    assert SNAP.on_ladder(1800) and not SNAP.on_ladder(1700)


@pytest.mark.parametrize(
    "tiers",
    [(), ((1, 5),), ((0, 0),), ((0, -1),), ((0, 5), (0, 6)), ((0, 5), (10, 4)), tuple((k, 1) for k in range(65))],
)
def test_a_table_that_is_no_table_is_refused(tiers):
    with pytest.raises(ValueError, match="tier"):
        Increments(tiers)


def test_aliases_go_on_after_the_alphabet():
    assert [alias(k) for k in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


@pytest.mark.parametrize("amount", [None, True, "50000", 0, -1, 50_000.0])
def test_an_amount_is_a_whole_number_above_nothing(amount):
    terms = LotTerms(50_000, None, "jump", TABLE)
    assert judge_amount(terms, {}, standing(terms, {}), "A", amount) == "amount_invalid"


def test_the_largest_amount_is_taken_and_one_more_is_not():
    terms = LotTerms(50_000, None, "jump", TABLE)
    stands = standing(terms, {})
    assert judge_amount(terms, {}, stands, "A", MAX_AMOUNT) is None
    assert judge_amount(terms, {}, stands, "A", MAX_AMOUNT + 1) == "amount_too_large"


def test_equal_maxima_belong_to_the_earlier_bid_however_they_are_read():
    terms = LotTerms(50_000, None, "jump", TABLE)
    for best in ({"A": (90_000, 7), "B": (90_000, 3)}, {"B": (90_000, 3), "A": (90_000, 7)}):
        assert standing(terms, best) == Standing("B", 90_000, 95_000, None)


def test_the_best_of_what_is_left_keeps_the_first_seq_of_each_amount():
    live = [Commitment("A", 60_000, 2), Commitment("B", 70_000, 3), Commitment("A", 80_000, 4)]
    assert best_of(live) == {"A": (80_000, 4), "B": (70_000, 3)}
    assert best_of(live[:2]) == {"A": (60_000, 2), "B": (70_000, 3)}


def test_a_leader_below_the_reserve_does_not_buy_and_the_seller_never_does():
    assert not sold(standing(LotTerms(50_000, 80_000, "jump", TABLE), {"A": (79_999, 2)}))
    assert sold(standing(LotTerms(50_000, 80_000, "jump", TABLE), {"A": (80_000, 2)}))
    by_seller = standing(LotTerms(50_000, 150_000, "house", TABLE), {"A": (60_000, 2)})
    assert by_seller.leader == HOUSE and not sold(by_seller)
    assert not sold(Standing(None, None, 50_000, None))


@pytest.mark.parametrize(
    ("rule", "best", "lower", "code"),
    [
        ("jump", {"A": (60_000, 2)}, 70_000, None),
        ("jump", {"A": (60_000, 2)}, 50_000, None),
        ("jump", {"A": (60_000, 2)}, 49_999, "act_not_allowed"),
        ("jump", {"A": (60_000, 2)}, 80_000, "act_not_allowed"),
        ("push", {}, 70_000, "act_not_allowed"),
        ("jump", {"A": (80_000, 2)}, 70_000, "reserve_met"),
    ],
)
def test_a_reserve_only_comes_down_under_jump_while_it_is_not_met(rule, best, lower, code):
    terms = LotTerms(50_000, 80_000, rule, TABLE)
    assert judge_reserve(terms, standing(terms, best), lower) == code


def test_a_bid_far_above_the_ask_asks_again():
    assert not needs_confirm(TABLE, 3, 10, 50_000, 150_000)
    assert needs_confirm(TABLE, 3, 10, 50_000, 150_001)
    assert not needs_confirm(Increments(((0, 10),)), 3, 10, 20, 120)  # above three times the ask, within ten steps


def test_only_price_and_leader_count_as_a_change():
    before = Standing("A", 50_000, 55_000, False)
    assert not changed(before, before._replace(reserve_met=True))
    assert changed(before, before._replace(leader="B")) and changed(before, before._replace(price=60_000))
