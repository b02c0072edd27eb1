"""The terms of a sale as a person says them."""

from dataclasses import replace

import pytest

from pavilion.auctions.deposits import DepositRule
from pavilion.settlement import terms_form, terms_words
from pavilion.settlement.terms import Terms
from pavilion.webkit import static
from pavilion.webkit.html import pages_of

TONGUES = pages_of(static.frontend()).tongues

BANDS = ((10_000_000, 500), (None, 300))
TERMS = replace(Terms(), commission=BANDS, reminders=(-1, 0, 2), deposit_rate_bp=1_000)


def test_terms_are_told_with_units_and_separators():
    told = terms_words.told(TERMS, "USD", TONGUES["en"])
    assert told["commission"] == "5\u00a0% up to USD 100,000.00, 3\u00a0% of what is above"
    assert told["reminders"] == ("1 business day before the due day, on the due day, 2 business days after the due day")
    assert (told["deposit_rate_bp"], told["card_ceiling_minor"]) == ("10\u00a0%", "USD 25,000.00")
    assert (told["deposit_max_minor"], told["due_days"]) == ("none", "3 business days")
    assert terms_words.told(Terms(), "USD", TONGUES["en"])["commission"] == "none"
    assert terms_words.told(TERMS, "JPY", TONGUES["zh"])["card_ceiling_minor"] == "JPY 2,500,000"


def test_what_is_shown_in_a_field_is_read_back_as_it_stood():
    typed = terms_form.texts(TERMS, "USD")
    assert typed["card_ceiling_minor"] == "25,000.00"
    found, faults = terms_form.read(typed, Terms(), "USD")
    assert not faults and Terms.of("USD", found) == TERMS


@pytest.mark.parametrize(("currency", "unit"), [("EUR", 100), ("JPY", 1), ("KWD", 1_000), ("", 100)])
def test_a_figure_of_the_spec_is_the_same_sum_in_every_currency_and_what_staff_said_stays(currency, unit):
    usual = Terms.usual(currency)
    said = (usual.deposit_min_minor, usual.card_ceiling_minor, usual.refund_alone_minor, usual.deposit_max_minor)
    assert said == (5_000 * unit, 25_000 * unit, 10_000 * unit, None)
    assert Terms.of(currency, {"card_ceiling_minor": 7}) == replace(usual, card_ceiling_minor=7)
    assert DepositRule.of(currency).min_minor == usual.deposit_min_minor
    assert DepositRule.of(currency, {"deposit_min_minor": 7}).min_minor == 7
