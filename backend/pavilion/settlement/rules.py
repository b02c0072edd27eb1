"""Invoices and days as pure rules: states, due dates, who may give the warranty, what a payment leaves open."""

from datetime import date
from enum import StrEnum

from pavilion.auctions.business_days import business_days_after as business_days_after
from pavilion.auctions.business_days import business_days_before as business_days_before
from pavilion.auctions.business_days import is_business_day as is_business_day


class InvoiceState(StrEnum):
    DRAFT = "draft"
    ISSUED = "issued"
    OVERDUE = "overdue"
    DEFAULTED = "defaulted"
    PAID = "paid"
    CANCELLED = "cancelled"
    WRITTEN_OFF = "written_off"


class Outcome(StrEnum):
    """How an invoice came to be paid; empty while it is not, or when it was paid in time."""

    NONE = ""
    LATE = "late"
    CURED = "cured"


class LineKind(StrEnum):
    HAMMER = "hammer"
    PREMIUM = "premium"
    CHARGE = "charge"
    TAX = "tax"
    CREDIT = "credit"


# The second part of an account's name (settlement spec 5): what kind of account it is.
ACCOUNT_KINDS = (
    *("bank", "stripe", "buyer", "deposit", "unallocated", "seller", "tax", "refund"),
    *("premium", "charge", "commission", "sales", "forfeit", "fee", "writeoff", "dispute", "fx", "payout"),
)

TRANSITIONS: dict[InvoiceState, frozenset[InvoiceState]] = {
    InvoiceState.DRAFT: frozenset({InvoiceState.ISSUED}),
    InvoiceState.ISSUED: frozenset({InvoiceState.PAID, InvoiceState.OVERDUE, InvoiceState.CANCELLED}),
    InvoiceState.OVERDUE: frozenset({InvoiceState.PAID, InvoiceState.DEFAULTED, InvoiceState.CANCELLED}),
    InvoiceState.DEFAULTED: frozenset({InvoiceState.PAID, InvoiceState.CANCELLED, InvoiceState.WRITTEN_OFF}),
    InvoiceState.PAID: frozenset(),
    InvoiceState.CANCELLED: frozenset(),
    InvoiceState.WRITTEN_OFF: frozenset(),
}
PAYABLE = frozenset({InvoiceState.ISSUED, InvoiceState.OVERDUE, InvoiceState.DEFAULTED})


def state_on(state: InvoiceState, due_on: date | None, today: date) -> InvoiceState:
    """An issued invoice is overdue from the day after its due date, whether or not a job has noticed."""
    if state is InvoiceState.ISSUED and due_on is not None and today > due_on:
        return InvoiceState.OVERDUE
    return state


def outcome_on(state: InvoiceState, due_on: date | None, paid_on: date) -> Outcome:
    """How a payment of this day ends an invoice that stands in this state."""
    if state is InvoiceState.DEFAULTED:
        return Outcome.CURED
    return Outcome.LATE if due_on is not None and paid_on > due_on else Outcome.NONE


def document_number(series: str, entity: str, year: int, number: int) -> str:
    """`INV-ANT-2026-000123`."""
    return f"{series}-{entity}-{year}-{number:06d}"
