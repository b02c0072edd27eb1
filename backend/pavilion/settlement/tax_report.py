"""What is owed to the tax offices: turnover and tax by country, regime, rate and currency over a span of days, from the
documents, and beside it what the journal says (they are one figure, or something is wrong)."""

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from pavilion.auctions.entities import entities
from pavilion.auctions.fees import Regime
from pavilion.settlement.models import Entry, Invoice, InvoiceLine
from pavilion.settlement.note_models import CreditNote, CreditNoteLine
from pavilion.settlement.postings import taxes_of
from pavilion.settlement.rules import LineKind

LONGEST = timedelta(days=366)
TAXING = (Regime.FULL, Regime.MARGIN, Regime.MARGIN_INCLUDED)


class Taxed(NamedTuple):
    """One row of the return. Amounts in minor units; what credit notes took back is below zero."""

    country: str
    regime: str
    rate_bp: int
    currency: str
    documents: int
    turnover_minor: int  # hammer, premium and charges
    base_minor: int
    tax_minor: int
    memo_minor: int  # tax contained in a premium, not shown on the invoice


class Booked(NamedTuple):
    """What the journal says of one tax account over the span: credits of the house's debt above zero."""

    country: str
    regime: str
    currency: str
    tax_minor: int
    by_documents_minor: int  # of buyers' invoices and notes; the rest is on statements to sellers


class _Sums:
    def __init__(self) -> None:
        self.documents: set[str] = set()
        self.turnover = self.base = self.tax = self.memo = 0


async def report(session: AsyncSession, first: date, last: date) -> list[Taxed]:
    """Of the documents issued from the first to the last day, both counted, by their local day."""
    found: dict[tuple[str, str, int, str], _Sums] = defaultdict(_Sums)
    span = (first.isoformat(), last.isoformat())
    wanted = select(Invoice).where(Invoice.issued_on.between(*span)).options(selectinload(Invoice.lines))
    for invoice in await session.scalars(wanted.order_by(Invoice.id)):
        sums = found[_key(invoice)]
        sums.documents.add(invoice.public_id)
        sums.memo += invoice.memo_tax_minor
        for line in invoice.lines:
            _count(sums, line, line.amount_minor, line.facts.get("base_minor", 0))
    notes = select(CreditNote, CreditNoteLine, InvoiceLine, Invoice)
    notes = notes.join(CreditNoteLine, CreditNoteLine.note_id == CreditNote.id)
    notes = notes.join(InvoiceLine, InvoiceLine.id == CreditNoteLine.line_id)
    notes = notes.join(Invoice, Invoice.id == CreditNote.invoice_id).where(CreditNote.issued_on.between(*span))
    for note, credited, line, invoice in await session.execute(notes.order_by(CreditNote.id, CreditNoteLine.place)):
        sums = found[_key(invoice)]
        if note.public_id not in sums.documents:
            sums.documents.add(note.public_id)
            sums.memo -= note.memo_tax_minor
        _count(sums, line, -credited.amount_minor, 0)
        sums.base -= credited.amount_minor if _in_base(line, invoice.regime) else 0
    return [
        Taxed(*key, len(sums.documents), sums.turnover, sums.base, sums.tax, sums.memo)
        for key, sums in sorted(found.items())
    ]


async def booked(session: AsyncSession, first: date, last: date, rows: list[Taxed]) -> list[Booked]:
    """What the tax accounts moved in the span, each by the days of its entity's city."""
    by_documents: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in rows:
        by_documents[row.country, row.regime, row.currency] += row.tax_minor + row.memo_minor
    moved: dict[tuple[str, str, str], int] = defaultdict(int)
    for country, zone in {(entity.country, entity.zone) for entity in entities().values()}:
        start, end = _midnight(first, zone), _midnight(last + timedelta(days=1), zone)
        wanted = select(Entry.account, Entry.currency, func.sum(Entry.amount_minor))
        wanted = wanted.where(Entry.account.startswith(taxes_of(country)), Entry.at >= start, Entry.at < end)
        for account, currency, amount in await session.execute(wanted.group_by(Entry.account, Entry.currency)):
            moved[country, account.rpartition(":")[2], currency] -= int(amount)
    keys = sorted(moved.keys() | {key for key, amount in by_documents.items() if amount})
    return [Booked(*key, moved[key], by_documents[key]) for key in keys]


def _key(invoice: Invoice) -> tuple[str, str, int, str]:
    country = invoice.facts["seller"]["country"]
    return country, invoice.regime or "", invoice.rate_bp, invoice.currency


def _count(sums: _Sums, line: InvoiceLine, amount_minor: int, base_minor: int) -> None:
    if line.kind == LineKind.TAX:
        sums.tax += amount_minor
        sums.base += base_minor
    elif line.kind != LineKind.CREDIT:
        sums.turnover += amount_minor


def _in_base(line: InvoiceLine, regime: str | None) -> bool:
    """Whether the line is taxed under this regime (settlement spec 2)."""
    match line.kind:
        case LineKind.HAMMER:
            return regime == Regime.FULL
        case LineKind.PREMIUM:
            return regime in (Regime.FULL, Regime.MARGIN)
        case LineKind.CHARGE:
            return regime in TAXING and bool(line.facts.get("taxed", True))
        case _:
            return False


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), tzinfo=ZoneInfo(zone))
