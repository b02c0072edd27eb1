from datetime import date
from hashlib import sha256

import pytest

from pavilion.provenance import warranty_texts
from pavilion.settlement.rules import (
    InvoiceState,
    business_days_after,
    document_number,
    state_on,
)

FRIDAY = date(2026, 3, 6)


@pytest.mark.parametrize(
    ("start", "days", "holidays", "due"),
    [
        (FRIDAY, 0, (), FRIDAY),
        (FRIDAY, 1, (), date(2026, 3, 9)),
        (FRIDAY, 3, (), date(2026, 3, 11)),
        (FRIDAY, 1, (date(2026, 3, 9),), date(2026, 3, 10)),
        (date(2026, 3, 7), 1, (), date(2026, 3, 9)),
    ],
)
def test_due_days_skip_weekends_and_holidays(start, days, holidays, due):
    assert business_days_after(start, days, holidays) == due


def test_an_invoice_is_overdue_the_day_after_its_due_day():
    assert state_on(InvoiceState.ISSUED, FRIDAY, FRIDAY) is InvoiceState.ISSUED
    assert state_on(InvoiceState.ISSUED, FRIDAY, date(2026, 3, 7)) is InvoiceState.OVERDUE
    assert state_on(InvoiceState.PAID, FRIDAY, date(2026, 3, 7)) is InvoiceState.PAID


@pytest.mark.parametrize("assessed", [FRIDAY, date(2025, 3, 6)])
def test_the_warranty_needs_an_assessment_of_the_last_year(assessed):
    said = warranty_texts.given_by("ANT", "House", assessed, FRIDAY)
    assert said["sha256"] == sha256(said["text_en"].encode()).hexdigest() and said["seller"] == "House"


@pytest.mark.parametrize("assessed", [date(2025, 3, 5), date(2026, 3, 7), None])
def test_without_it_the_house_may_not_give_it(assessed):
    with pytest.raises(warranty_texts.WarrantyNotEntitled):
        warranty_texts.given_by("ANT", "House", assessed, FRIDAY)


def test_an_outdated_warranty_text_is_refused():
    with pytest.raises(warranty_texts.WarrantyOutdated):
        warranty_texts.given_by("ANT", "House", FRIDAY, date(1990, 1, 1))


def test_numbers_read_series_entity_year_and_count():
    assert document_number("INV", "ANT", 2026, 123) == "INV-ANT-2026-000123"
