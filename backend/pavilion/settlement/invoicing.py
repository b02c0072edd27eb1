"""From a sold lot to an issued invoice: drafts grow lot by lot, and are numbered when the sale has closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
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
from pavilion.provenance import warranty_texts
from pavilion.settlement import agreed, default, deposits, described, document_numbers, ledger, receiving, tax_numbers
from pavilion.settlement.adding_up import moves_of
from pavilion.settlement.adding_up import totals_of as totals_of
from pavilion.settlement.models import BilledLot, HouseCompany, Invoice, InvoiceLine
from pavilion.settlement.rules import InvoiceState, LineKind
from pavilion.settlement.stopping import refuse_stopped
from pavilion.settlement.terms import Terms

RENDER = "invoice.render"


class TaxUndecided(Refusal):
    status, code = 409, "tax_undecided"


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
    wanted = wanted.where(Invoice.entity == terms.entity)
    alone = wanted.with_for_update(of=Invoice).execution_options(populate_existing=True)
    if (found := await session.scalar(alone)) is not None:  # a cashier may be adding a charge to it
        return found
    company = await session.get_one(Company, buyer.company_id)
    entity = entities()[terms.entity]
    invoice = Invoice(public_id=ulid(now), sale=terms.sale, company_id=company.id, currency=terms.currency)
    invoice.entity, invoice.destination = terms.entity, buyer.destination
    invoice.facts, invoice.created_at = _parties(company, entity, terms, buyer), now
    _treat(invoice, now)
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
        "buyer": _buyer(company),
        "seller": {
            "name": entity.name,
            "address": list(entity.address),
            "tax_no": entity.tax_no,
            "country": entity.country,
            "bank": entity.bank,
        },
    }


def _buyer(company: Company) -> dict[str, Any]:
    address = {name: getattr(company, name) for name in ("street", "postcode", "city", "country")}
    return {"name": company.name, **address, "tax_no": company.tax_no}


def decide(invoice: Invoice, tax: fees.Tax, said: dict[str, Any]) -> None:
    """A person, or the law's day, has decided the draft's tax: the table is not asked again. The caller adds it up."""
    invoice.facts = {**invoice.facts, "tax_decided": said}
    invoice.regime, invoice.rate_bp, invoice.tax_table = tax.regime.value, tax.rate_bp, table_version()


def _treat(invoice: Invoice, now: datetime) -> None:
    """The draft's tax as the table of this day has it, until a person has decided otherwise; None: undecided."""
    if "tax_decided" in invoice.facts:
        return
    tax = _tax_by_table(invoice.entity, invoice.destination, invoice.facts, now)
    invoice.tax_table = table_version()
    invoice.regime, invoice.rate_bp = (tax.regime.value, tax.rate_bp) if tax else (None, 0)


def _tax_by_table(code: str, destination: str, parties: Mapping[str, Any], now: datetime) -> fees.Tax | None:
    entity, buyer = entities()[code], parties["buyer"]
    fits = any(tax_numbers.fits(buyer["tax_no"], country) for country in (destination, buyer["country"]))
    day = _local_day(now, entity.zone)
    tax = entity.tax(destination, has_tax_no=bool(buyer["tax_no"]) and fits, on=day)
    reverse = tax is not None and tax.regime is fees.Regime.REVERSE
    return None if reverse and not _both_numbers(destination, parties) else tax


def both_numbers(invoice: Invoice) -> bool:
    """Seller and buyer have numbers of the form of their countries, as a reverse charge asks for."""
    return _both_numbers(invoice.destination, invoice.facts)


def _both_numbers(destination: str, parties: Mapping[str, Any]) -> bool:
    seller, buyer = parties["seller"], parties["buyer"]
    return tax_numbers.fits(seller["tax_no"], seller["country"]) and any(
        tax_numbers.fits(buyer["tax_no"], country) for country in (destination, buyer["country"])
    )


class Outlay(NamedTuple):
    """What a lot costs its buyer before any charge. `tax`: None while a person is still to decide on it."""

    premium: int
    tax: int | None


async def outlay(session: AsyncSession, terms: SaleTerms, buyer: Buyer, lot: SoldLot, now: datetime) -> Outlay:
    """As an invoice of this moment would have it, were the lot alone on it."""
    company = await session.get_one(Company, buyer.company_id)
    bands = lot.own or (terms.bands, terms.early_bands)
    premium = fees.lot_premium(lot.hammer_minor, *bands, lot.early)
    parties = _parties(company, entities()[terms.entity], terms, buyer)
    if (tax := _tax_by_table(terms.entity, buyer.destination, parties, now)) is None:
        return Outlay(premium, None)
    return Outlay(premium, fees.tax_on(tax, fees.tax_base(tax, lot.hammer_minor, premium)))


async def _write_lines(session: AsyncSession, invoice: Invoice, terms: SaleTerms, lots: Sequence[SoldLot]) -> None:
    place = max((line.place for line in invoice.lines if line.kind != LineKind.TAX), default=0)
    own = set(await session.scalars(select(HouseCompany.company_id).where(HouseCompany.entity == invoice.entity)))
    for lot in lots:
        fee = fees.lot_premium(lot.hammer_minor, *(lot.own or (terms.bands, terms.early_bands)), lot.early)
        facts = {
            "number": lot.number,
            "consignor": lot.consignor_company_id,
            "sold_at": lot.sold_at.isoformat(),
            "early": lot.early,
            **({"own_bands": lot.own} if lot.own else {}),
            **({"own": True} if lot.consignor_company_id in own else {}),
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
    alone = wanted.with_for_update(of=Invoice).execution_options(populate_existing=True)
    if (invoice := await session.scalar(alone)) is None:
        return
    await session.execute(delete(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id, InvoiceLine.lot == lot))
    await session.execute(delete(BilledLot).where(BilledLot.lot == lot))
    await _drop_tax(session, invoice)
    if any(line.kind == LineKind.HAMMER for line in invoice.lines):
        await _add_up(session, invoice)
    else:  # what was to be charged for the way of the stones goes with the last of them
        await session.execute(delete(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id))
        await session.refresh(invoice, ["lines"])
        await session.delete(invoice)
        await session.flush()


async def _drop_tax(session: AsyncSession, invoice: Invoice) -> None:
    """A draft's tax line is written anew with each lot that joins."""
    await session.execute(
        delete(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id, InvoiceLine.kind == LineKind.TAX)
    )
    await session.refresh(invoice, ["lines"])


async def retotal(session: AsyncSession, invoice: Invoice) -> None:
    """A draft's tax line and total are those of its lines as they stand now."""
    await _drop_tax(session, invoice)
    await _add_up(session, invoice)


async def _add_up(session: AsyncSession, invoice: Invoice) -> None:
    """Tax line and total from the other lines; Σ lines = total exactly."""
    sums = totals_of(invoice)
    place = max(line.place for line in invoice.lines) + 1
    tax = InvoiceLine(invoice_id=invoice.id, place=place, kind=LineKind.TAX, lot=None, amount_minor=sums.tax)
    tax.facts = {"regime": invoice.regime, "rate_bp": invoice.rate_bp, "base_minor": sums.tax_base}
    session.add(tax)
    await session.flush()
    await session.refresh(invoice, ["lines"])
    owed = sum(line.amount_minor for line in invoice.lines if line.kind != LineKind.CREDIT)
    invoice.total_minor, invoice.memo_tax_minor = owed, sums.memo_tax
    assert invoice.total_minor == sums.total, f"invoice {invoice.public_id}: lines and total differ"


async def issue(session: AsyncSession, invoice: Invoice, now: datetime) -> Invoice:
    """The draft has its number, its day, its due day and its warranty text, says of each stone where it comes from, and
    stands in the ledger, less what the company had put down. Immutable from here; nothing left to pay: it is paid."""
    if invoice.state != InvoiceState.DRAFT:
        return invoice
    await refuse_stopped(session, invoice)
    entity = entities()[invoice.entity]
    await _freeze(session, invoice, now)
    if invoice.regime is None or (invoice.regime == fees.Regime.REVERSE and not both_numbers(invoice)):
        raise TaxUndecided(destination=invoice.destination)
    _set_warranty(invoice, entity, _local_day(now, entity.zone))
    number, today = await document_numbers.take(
        session, "INV", entity, now, number=Invoice.number, day=Invoice.issued_on
    )
    _set_days(invoice, entity, await agreed.terms_of(session, invoice.sale, invoice.entity), today)
    invoice.number, invoice.state = number, InvoiceState.ISSUED
    invoice.issued_at, invoice.issued_on = now, today.isoformat()
    await ledger.post(
        session,
        key=f"invoice:{invoice.public_id}",
        moves=moves_of(invoice),
        currency=invoice.currency,
        ref=number,
        at=now,
        by=None,
    )
    await jobs.enqueue(session, RENDER, invoice.public_id, {"invoice": invoice.public_id}, due_at=now)
    events.record(session, "invoice:issued", invoice.public_id, by=None, at=now, number=number)
    await _credit_deposit(session, invoice, now)
    await receiving.paid_up(session, invoice, on=None, by=None, now=now)
    return invoice


async def _freeze(session: AsyncSession, invoice: Invoice, now: datetime) -> None:
    """Buyer, stones and tax as they are at the issue, whatever they were when the first lot fell."""
    company = await session.get_one(Company, invoice.company_id)
    invoice.facts = {**invoice.facts, "buyer": _buyer(company)}
    hammers = [line for line in invoice.lines if line.kind == LineKind.HAMMER]
    told = await described.stones(
        session, {one for line in hammers for one in line.facts.get("stones", ())}, now.astimezone(UTC).date()
    )
    for line in hammers:
        pieces = [told[one] for one in line.facts.get("stones", ()) if one in told]
        line.facts = {**line.facts, "pieces": pieces}
    before = (invoice.regime, invoice.rate_bp)
    _treat(invoice, now)
    if before != (invoice.regime, invoice.rate_bp):
        await retotal(session, invoice)


def _set_days(invoice: Invoice, entity: Entity, terms: Terms, today: date) -> None:
    """Counted from the day of the result; an invoice that could not be issued by then gives its days from the issue."""
    zone = invoice.facts["sale"]["zone"]
    sold = [datetime.fromisoformat(line.facts["sold_at"]) for line in invoice.lines if line.kind == LineKind.HAMMER]
    result = max((_local_day(at, zone) for at in sold), default=today)
    days = default.ladder(result, terms.due_days, terms.grace_days, terms.reminders, entity.holidays)
    if days.due < today:
        days = default.ladder(today, terms.due_days, terms.grace_days, terms.reminders, entity.holidays)
    invoice.due_on, invoice.default_on = days.due.isoformat(), days.default.isoformat()
    told: dict[str, Any] = {"result": result.isoformat(), "reminders": [day.isoformat() for day in days.reminders]}
    told |= {"export_proof": terms.export_proof_days}
    invoice.facts = {**invoice.facts, "days": told}


async def _credit_deposit(session: AsyncSession, invoice: Invoice, now: datetime) -> None:
    """What the company had put down for the sale stands as a credit on the invoice; the total is as before."""
    amount = await deposits.apply(session, invoice, now=now)
    if not amount:
        return
    place = max(line.place for line in invoice.lines) + 1
    session.add(
        InvoiceLine(
            invoice_id=invoice.id, place=place, kind=LineKind.CREDIT, lot=None, facts={"credit": "deposit"},
            text_en="", text_zh="", amount_minor=amount,
        )
    )  # fmt: skip
    invoice.credits_minor += amount
    await session.flush()
    await session.refresh(invoice, ["lines"])


def _set_warranty(invoice: Invoice, entity: Entity, today: date) -> None:
    """Natural diamonds between traders carry the current warranty text; coloured stones none."""
    if not any(line.facts.get("species") == "diamond" for line in invoice.lines if line.kind == LineKind.HAMMER):
        return
    said = warranty_texts.given_by(entity.code, entity.name, entity.self_assessed(today), today)
    invoice.warranty_id, invoice.warranty_sha256 = said["id"], said.pop("sha256")
    invoice.facts = {**invoice.facts, "warranty": said}


def _local_day(now: datetime, zone: str) -> date:
    return now.astimezone(ZoneInfo(zone)).date()
