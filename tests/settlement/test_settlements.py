"""Random settlements against a model in rational numbers; the bench does a million of them."""

from dataclasses import replace

from pavilion.auctions import fees
from tests.bench import settlements


def test_twenty_thousand_settlements_are_exact_to_the_last_unit_and_floats_would_not_be():
    found = settlements.compared(20_000, 7)
    assert (found.wrong, found.unbalanced) == (0, 0), found.first
    assert found.floats > 100


def test_a_tax_rounded_line_by_line_would_be_noticed(monkeypatch):
    whole = fees.totals

    def by_line(lots, charges, **terms):
        parts = [whole([lot], (), **terms).tax for lot in lots]
        return replace(whole(lots, charges, **terms), tax=sum(parts))

    monkeypatch.setattr(fees, "totals", by_line)
    assert settlements.compared(200, 7).wrong > 10
