from datetime import date

import pytest

from pavilion.settlement.rules import (
    InvoiceState,
    business_days_after,
    document_number,
    state_on,
    warranty_fault,
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


@pytest.mark.parametrize(
    ("assessed", "fault"),
    [
        (FRIDAY, None),
        (date(2025, 3, 6), None),
        (date(2025, 3, 5), "warranty_not_entitled"),
        (date(2026, 3, 7), "warranty_not_entitled"),
    ],
)
def test_the_warranty_needs_an_assessment_of_the_last_year(assessed, fault):
    assert warranty_fault(valid_from=date(2021, 9, 1), valid_to=None, self_assessed=assessed, on=FRIDAY) == fault


def test_an_outdated_warranty_text_is_refused():
    fault = warranty_fault(valid_from=date(2003, 1, 1), valid_to=date(2026, 3, 5), self_assessed=FRIDAY, on=FRIDAY)
    assert fault == "warranty_outdated"


def test_numbers_read_series_entity_year_and_count():
    assert document_number("INV", "ANT", 2026, 123) == "INV-ANT-2026-000123"
