"""The cashier's lists as tables for a spreadsheet. Amounts stand as decimals with their places; of
single payments and refunds in minor units too."""

from collections.abc import Iterable, Sequence

from pavilion.kernel.money import decimal_text
from pavilion.settlement.aging import BUCKETS, Aged
from pavilion.settlement.cash_queries import Back, Came, Unplaced
from pavilion.settlement.receipt_models import Discrepancy
from pavilion.settlement.tax_report import Taxed
from pavilion.settlement.trail import Step

Rows = list[Sequence[str]]


def of_day(rows: Iterable[Came]) -> Rows:
    head = ("at", "receipt", "source", "entity", "company", "currency", "amount_minor", "amount", "left_minor")
    found: Rows = [(*head, "value_date", "reference", "purpose", "taken_back")]
    for row in rows:
        one = row.receipt
        said = (one.at.isoformat(), one.public_id, one.source, one.entity, row.company, one.currency, one.amount_minor)
        left = (decimal_text(one.amount_minor, one.currency), row.left_minor, one.value_date, one.reference)
        found.append([str(cell) for cell in (*said, *left, one.purpose, "yes" if row.reversed else "")])
    return found


def of_unplaced(rows: Iterable[Unplaced]) -> Rows:
    head = ("at", "receipt", "source", "entity", "company", "currency", "left_minor", "left", "value_date")
    found: Rows = [(*head, "reference", "purpose", "best_offer")]
    for row in rows:
        one = row.receipt
        first = row.offers[0].number if row.offers else ""
        said = (one.at.isoformat(), one.public_id, one.source, one.entity, row.company, one.currency, row.left_minor)
        text = (decimal_text(row.left_minor, one.currency), one.value_date, one.reference, one.purpose, first)
        found.append([str(cell) for cell in (*said, *text)])
    return found


def of_refunds(rows: Iterable[Back]) -> Rows:
    head = ("decided_at", "refund", "company", "entity", "currency", "amount_minor", "amount", "reason", "for", "state")
    found: Rows = [(*head, "way", "receipt", "provider_ref", "bank_reference", "ended_at")]
    for row in rows:
        one = row.refund
        said = (one.decided_at.isoformat(), one.public_id, row.company, one.entity, one.currency, one.amount_minor)
        text = (decimal_text(one.amount_minor, one.currency), one.reason, one.ref, one.state)
        way = ("wire" if one.by_wire else "provider", row.receipt.public_id if row.receipt else "")
        end = (one.provider_ref or "", one.bank_reference, one.ended_at.isoformat() if one.ended_at else "")
        found.append([str(cell) for cell in (*said, *text, *way, *end)])
    return found


def of_discrepancies(rows: Iterable[Discrepancy]) -> Rows:
    found: Rows = [("opened_at", "discrepancy", "kind", "about", "invoice", "facts", "closed_at", "word")]
    for one in rows:
        facts = "; ".join(f"{name}={value}" for name, value in sorted(one.facts.items()))
        closed = one.closed_at.isoformat() if one.closed_at else ""
        said = (one.opened_at.isoformat(), one.public_id, one.kind, one.subject, one.invoice or "", facts, closed)
        found.append((*said, one.word))
    return found


def of_aging(rows: Iterable[Aged]) -> Rows:
    found: Rows = [("company", "currency", *BUCKETS, "total")]
    for row in rows:
        sums = [decimal_text(one, row.currency) for one in (*row.parts, row.total_minor)]
        found.append([row.company, row.currency, *sums])
    return found


def of_tax(rows: Iterable[Taxed]) -> Rows:
    found: Rows = [
        ("country", "regime", "rate_percent", "currency", "documents", "turnover", "base", "tax", "memo_tax")
    ]
    for row in rows:
        sums = (row.turnover_minor, row.base_minor, row.tax_minor, row.memo_minor)
        said = (row.country, row.regime, decimal_text(row.rate_bp, "USD"), row.currency, str(row.documents))
        found.append([*said, *(decimal_text(one, row.currency) for one in sums)])
    return found


def of_trail(steps: Iterable[Step]) -> Rows:
    found: Rows = [("at", "kind", "name", "by", "facts", "account", "currency", "debit_minor", "credit_minor")]
    for step in steps:
        facts = "; ".join(f"{name}={value}" for name, value in sorted(step.facts.items()))
        start = (step.at.isoformat(), step.kind, step.name, step.by, facts)
        found += [
            [*start, account, currency, str(max(amount, 0)), str(max(-amount, 0))]
            for account, currency, amount in step.moves
        ] or [[*start, "", "", "", ""]]
    return found
