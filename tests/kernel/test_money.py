import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavilion.kernel.money import MAX_AMOUNT, Money, decimal_text, half_up, parse_minor


@pytest.mark.parametrize(
    ("n", "d", "rounded"), [(1, 2, 1), (-1, 2, -1), (3, 2, 2), (-3, 2, -2), (1, 3, 0), (2, 3, 1), (0, 7, 0), (5, 10, 1)]
)
def test_halves_go_away_from_zero(n, d, rounded):
    assert half_up(n, d) == rounded


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**6))
def test_rounding_is_never_off_by_more_than_half(n, d):
    assert abs(half_up(n, d) * d - n) * 2 <= d


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("25000", "USD", 2_500_000),
        ("25,000", "USD", 2_500_000),
        ("25 000.5", "USD", 2_500_050),
        ("25'000.50", "CHF", 2_500_050),
        (" 12 ", "JPY", 12),
        ("12.345", "KWD", 12_345),
        ("12.00", "JPY", 12),
    ],
)
def test_what_a_person_types_is_one_amount(text, currency, minor):
    assert parse_minor(text, currency) == minor


@pytest.mark.parametrize(
    "text", ["", "-5", "1e5", "12.345", "1,23", "1.000.000", "12,5", "٣", "１２", "1_000", "0x10", "1 2"]
)
def test_what_is_not_exactly_one_amount_is_none(text):
    assert parse_minor(text, "USD") is None


@given(st.integers(-MAX_AMOUNT, MAX_AMOUNT), st.sampled_from(["USD", "JPY", "KWD"]))
def test_text_and_amount_are_inverse(minor, currency):
    text = decimal_text(minor, currency)
    assert parse_minor(text.lstrip("-"), currency) == abs(minor)
    assert text.startswith("-") == (minor < 0)


def test_currencies_do_not_meet():
    with pytest.raises(ValueError, match="EUR meets USD"):
        Money(1, "EUR") + Money(1, "USD")
