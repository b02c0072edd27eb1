"""From a sold lot to an issued invoice: drafts grow lot by lot, and are numbered when the sale has closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from pavilion.accounts.models import Company
from pavilion.auctions import fees
from pavilion.auctions.entities import Entity, entities, table_version
from pavilion.kernel import events, jobs
from pavilion.kernel.errors import Refusal
from pavilion.kernel.ids import ulid
from pavilion.kernel.numbering import next_number
from pavilion.settlement import ledger
from pavilion.settlement.ledger import Move
from pavilion.settlement.models import BilledLot, Invoice, InvoiceLine
from pavilion.settlement.rules import (
    InvoiceState,
    LineKind,
    business_days_after,
    document_number,
    warranty_fault,
)
from pavilion.settlement.stopping import refuse_stopped
from pavilion.settlement.warranty import warranty_in_force

RENDER = "invoice.render"


class TaxUndecided(Refusal):
    status, code = 409, "tax_undecided"


class WarrantyOutdated(Refusal):
    status, code = 409, "warranty_outdated"


class WarrantyNotEntitled(Refusal):
    status, code = 409, "warranty_not_entitled"


@dataclass(frozen=True, slots=True)
class SoldLot:
    """What settlement must know of a lot under the hammer. Amounts in minor units of the sale's currency."""

    lot: str
    number: str
    title_en: str
    title_zh: str
    detail: dict[str, Any]  # weight_mct, report, stone ids, species: as they stood at the hammer
    hammer_minor: int
    early: bool
    consignor_company_id: int
    sold_at: datetime
    own: tuple[fees.Bands, fees.Bands | None] | None = None  # its premium, where its rules were amended


@dataclass(frozen=True, slots=True)
class Buyer:
    company_id: int
    paddle: str
    destination: str


@dataclass(frozen=True, slots=True)
class SaleTerms:
    """What the invoice takes from the sale and its frozen rule set."""

    sale: str
    title_en: str
    title_zh: str
    currency: str
    entity: str
    zone: str
    bands: tuple[tuple[int | None, int], ...]
    early_bands: tuple[tuple[int | None, int], ...] | None


async def add_lots(
    session: AsyncSession, *, terms: SaleTerms, buyer: Buyer, lots: Sequence[SoldLot], now: datetime
) -> Invoice:
    """Each of these lots stands on the buyer's draft of the sale, once however often this is asked."""
    invoice = await _draft(session, terms, buyer, now)
    known = {line.lot for line in invoice.lines if line.kind == LineKind.HAMMER}
    fresh = [lot for lot in lots if lot.lot not in known]
    if fresh:
        await _drop_tax(session, invoice)
        await _write_lines(session, invoice, terms, fresh)
        await _add_up(session, invoice)
        events.record(session, "invoice:drafted", invoice.public_id, by=None, at=now, lots=[lot.lot for lot in fresh])
    return invoice


async def _draft(session: AsyncSession, terms: SaleTerms, buyer: Buyer, now: datetime) -> Invoice:
    wanted = select(Invoice).options(selectinload(Invoice.lines))
    wanted = wanted.where(Invoice.sale == terms.sale, Invoice.company_id == buyer.company_id)
    wanted = wanted.where(Invoice.state == InvoiceState.DRAFT, Invoice.currency == terms.currency)
    if (found := await session.scalar(wanted)) is not None:
        return found
    company = await session.get_one(Company, buyer.company_id)
    entity = entities()[terms.entity]
    tax = entity.tax(buyer.destination, has_tax_no=bool(company.tax_no), on=_local_day(now, terms.zone))
    invoice = Invoice(public_id=ulid(now), sale=terms.sale, company_id=company.id, currency=terms.currency)
    invoice.entity, invoice.destination, invoice.tax_table = terms.entity, buyer.destination, table_version()
    invoice.regime, invoice.rate_bp = (tax.regime.value, tax.rate_bp) if tax else (None, 0)
    invoice.facts, invoice.created_at = _parties(company, entity, terms, buyer), now
    session.add(invoice)
    await session.flush()
    await session.refresh(invoice, ["lines"])
    return invoice


def _parties(company: Company, entity: Entity, terms: SaleTerms, buyer: Buyer) -> dict[str, Any]:
    return {
        "sale": {"title_en": terms.title_en, "title_zh": terms.title_zh, "zone": terms.zone},
        "bands": terms.bands,
        "early_bands": terms.early_bands,
        "paddle": buyer.paddle,
        "buyer": {
            "name": company.name,
            "city": company.city,
            "country": company.country,
            "tax_no": company.tax_no,
        },
        "seller": {
            "name": entity.name,
            "address": list(entity.address),
            "tax_no": entity.tax_no,
            "country": entity.country,
            "bank": entity.bank,
        },
    }


async def _write_lines(session: AsyncSession, invoice: Invoice, terms: SaleTerms, lots: Sequence[SoldLot]) -> None:
    place = max((line.place for line in invoice.lines if line.kind != LineKind.TAX), default=0)
    for lot in lots:
        fee = fees.lot_premium(lot.hammer_minor, *(lot.own or (terms.bands, terms.early_bands)), lot.early)
        facts = {
            "number": lot.number,
            "consignor": lot.consignor_company_id,
            "sold_at": lot.sold_at.isoformat(),
            "early": lot.early,
            **({"own_bands": lot.own} if lot.own else {}),
            **lot.detail,
        }
        for kind, amount in ((LineKind.HAMMER, lot.hammer_minor), (LineKind.PREMIUM, fee)):
            place += 1
            line = InvoiceLine(invoice_id=invoice.id, place=place, kind=kind, lot=lot.lot, facts=facts)
            line.text_en, line.text_zh, line.amount_minor = lot.title_en, lot.title_zh, amount
            session.add(line)
        session.add(BilledLot(lot=lot.lot, invoice_id=invoice.id))
    await session.flush()
    await session.refresh(invoice, ["lines"])


async def take_off(session: AsyncSession, lot: str) -> None:
    """The lot stands on no draft any more; what was issued stays as it is."""
    wanted = (
        select(Invoice).join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id).options(selectinload(Invoice.lines))
    )
    wanted = wanted.where(
        Invoice.state == InvoiceState.DRAFT, InvoiceLine.lot == lot, InvoiceLine.kind == LineKind.HAMMER
    )
    if (invoice := await session.scalar(wanted)) is None:
        return
    await session.execute(delete(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id, InvoiceLine.lot == lot))
    await session.execute(delete(BilledLot).where(BilledLot.lot == lot))
    await _drop_tax(session, invoice)
    if invoice.lines:
        await _add_up(session, invoice)
    else:
        await session.delete(invoice)
        await session.flush()


async def _drop_tax(session: AsyncSession, invoice: Invoice) -> None:
    """A draft's tax line is written anew with each lot that joins."""
    await session.execute(
        delete(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id, InvoiceLine.kind == LineKind.TAX)
    )
    await session.refresh(invoice, ["lines"])


async def _add_up(session: AsyncSession, invoice: Invoice) -> None:
    """Tax line and total from the other lines; Σ lines = total exactly."""
    sums = totals_of(invoice)
    place = max(line.place for line in invoice.lines) + 1
    tax = InvoiceLine(invoice_id=invoice.id, place=place, kind=LineKind.TAX, lot=None, amount_minor=sums.tax)
    tax.facts = {"regime": invoice.regime, "rate_bp": invoice.rate_bp, "base_minor": sums.tax_base}
    session.add(tax)
    await session.flush()
    await session.refresh(invoice, ["lines"])
    invoice.total_minor, invoice.memo_tax_minor = sum(line.amount_minor for line in invoice.lines), sums.memo_tax
    assert invoice.total_minor == sums.total, f"invoice {invoice.public_id}: lines and total differ"


def totals_of(invoice: Invoice) -> fees.Totals:
    """The invoice recomputed from its hammer lines alone."""
    lots = [
        fees.LotLine(line.amount_minor, bool(line.facts["early"]), _own_bands(line))
        for line in invoice.lines
        if line.kind == LineKind.HAMMER
    ]
    return fees.totals(
        lots,
        (),
        bands=_bands(invoice.facts["bands"]) or (),
        early_bands=_bands(invoice.facts["early_bands"]),
        tax=tax_of(invoice),
    )


def _own_bands(line: InvoiceLine) -> tuple[fees.Bands, fees.Bands | None] | None:
    own = line.facts.get("own_bands")
    return None if own is None else (_bands(own[0]) or (), _bands(own[1]))


def _bands(said: Sequence[Sequence[Any]] | None) -> fees.Bands | None:
    return None if said is None else tuple((band[0], band[1]) for band in said)


def tax_of(invoice: Invoice) -> fees.Tax:
    return fees.UNTAXED if invoice.regime is None else fees.Tax(fees.Regime(invoice.regime), invoice.rate_bp)


async def issue(session: AsyncSession, invoice: Invoice, now: datetime) -> Invoice:
    """The draft has its number, its day, its due day and its warranty text, and stands in the ledger. Immutable."""
    if invoice.state != InvoiceState.DRAFT:
        return invoice
    if invoice.regime is None:
        raise TaxUndecided(destination=invoice.destination)
    await refuse_stopped(session, invoice)
    entity = entities()[invoice.entity]
    today = _local_day(now, invoice.facts["sale"]["zone"])
    _set_warranty(invoice, entity, today)
    number = await next_number(session, f"INV-{entity.code}-{today.year}")
    invoice.number = document_number("INV", entity.code, today.year, number)
    invoice.state, invoice.issued_at, invoice.issued_on = InvoiceState.ISSUED, now, today.isoformat()
    invoice.due_on = business_days_after(today, entity.due_days, entity.holidays).isoformat()
    await ledger.post(
        session,
        key=f"invoice:{invoice.public_id}",
        moves=moves_of(invoice),
        currency=invoice.currency,
        ref=invoice.number,
        at=now,
        by=None,
    )
    if invoice.total_minor == 0:
        invoice.state = InvoiceState.PAID
    await jobs.enqueue(session, RENDER, invoice.public_id, {"invoice": invoice.public_id}, due_at=now)
    events.record(session, "invoice:issued", invoice.public_id, by=None, at=now, number=invoice.number)
    return invoice


def _set_warranty(invoice: Invoice, entity: Entity, today: date) -> None:
    """Natural diamonds between traders carry the current warranty text; coloured stones none."""
    if not any(line.facts.get("species") == "diamond" for line in invoice.lines if line.kind == LineKind.HAMMER):
        return
    row = warranty_in_force("polished", today)
    if row is None:
        raise WarrantyOutdated(day=today.isoformat())
    assessed = entity.self_assessed(today)
    fault = warranty_fault(valid_from=row.valid_from, valid_to=row.valid_to, self_assessed=assessed, on=today)
    if fault is not None or assessed is None:
        raise WarrantyNotEntitled(entity=entity.code)
    invoice.warranty_id = row.id
    invoice.warranty_sha256 = sha256(row.text_en.encode()).hexdigest()
    given = {"id": row.id, "text_en": row.text_en, "source": row.source}
    given |= {"seller": entity.name, "self_assessed": assessed.isoformat()}
    invoice.facts = {**invoice.facts, "warranty": given}


def moves_of(invoice: Invoice) -> list[Move]:
    """The journal of an issue: the buyer owes the total; hammer belongs to the consignors, premium to the house."""
    moves = [Move(f"asset:buyer:{invoice.company_id}", invoice.total_minor)]
    memo = invoice.memo_tax_minor
    for line in invoice.lines:
        match line.kind:
            case LineKind.HAMMER:
                moves.append(Move(f"liability:seller:{line.facts['consignor']}", -line.amount_minor))
            case LineKind.PREMIUM:
                moves.append(Move("income:premium", -line.amount_minor))
            case LineKind.TAX:
                country = invoice.facts["seller"]["country"]
                moves.append(Move(f"liability:tax:{country}:{invoice.regime}", -line.amount_minor))
    if memo:
        country = invoice.facts["seller"]["country"]
        moves += [Move("income:premium", memo), Move(f"liability:tax:{country}:{invoice.regime}", -memo)]
    return moves


def _local_day(now: datetime, zone: str) -> date:
    return now.astimezone(ZoneInfo(zone)).date()
