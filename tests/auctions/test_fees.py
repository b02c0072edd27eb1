from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavilion.auctions.fees import HOUR, Regime, Tax, all_in, deposit, is_early, lot_premium, premium
from pavilion.kernel.money import MAX_AMOUNT

BANDS = ((1_250_000, 2750), (60_000_000, 2500), (600_000_000, 2000), (None, 1450))


@given(st.integers(1, MAX_AMOUNT))
def test_a_premium_is_the_exact_sum_of_its_slices_rounded_once(hammer):
    edges = [0, 1_250_000, 60_000_000, 600_000_000, hammer]
    exact = sum(
        Fraction(max(0, min(hammer, top) - low) * rate, 10_000)
        for (low, top, rate) in zip(edges, [*edges[1:4], hammer], (2750, 2500, 2000, 1450), strict=False)
    )
    assert premium(hammer, BANDS) == (exact + Fraction(1, 2)).__floor__()


@given(st.integers(1, MAX_AMOUNT - 1))
def test_a_higher_hammer_never_costs_less(hammer):
    assert all_in(hammer, BANDS, Tax(Regime.FULL, 2000)).total < all_in(hammer + 1, BANDS, Tax(Regime.FULL, 2000)).total


@pytest.mark.parametrize(
    ("regime", "tax"),
    [("none", 0), ("full", 25_000), ("margin", 5000), ("margin_included", 0), ("export", 0), ("reverse", 0)],
)
def test_the_estimate_taxes_what_the_regime_taxes(regime, tax):
    cost = all_in(100_000, ((None, 2500),), Tax(Regime(regime), 2000))
    assert (cost.premium, cost.tax, cost.total) == (25_000, tax, 125_000 + tax)


def test_early_bands_count_only_when_early_and_given():
    assert lot_premium(100, [(None, 2000)], [(None, 1000)], True) == 10
    assert lot_premium(100, [(None, 2000)], [(None, 1000)], False) == 20
    assert lot_premium(100, [(None, 2000)], None, True) == 20


def test_early_ends_exactly_so_many_hours_before_the_published_end():
    assert is_early(99 * HOUR - 1, 100 * HOUR, 1)
    assert not is_early(99 * HOUR, 100 * HOUR, 1)


def test_the_least_deposit_is_applied_before_the_most():
    assert deposit([], 1000, 500, 200) == 200
    assert deposit([5], 1000) == 1  # a half is rounded up
