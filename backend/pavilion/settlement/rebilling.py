"""Lots that a credit note set free are invoiced again, from what the first invoice froze."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.errors import ActNotAllowed
from pavilion.settlement import adding_up, invoicing, queries, receiving
from pavilion.settlement.invoicing import Buyer, SaleTerms, SoldLot
from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.receipt_models import Allocation, Receipt
from pavilion.settlement.rules import InvoiceState, LineKind

OWN_WORDS = frozenset({"number", "consignor", "sold_at", "early", "own_bands", "own", "pieces"})


async def bill_again(
    session: AsyncSession, invoice: Invoice, lots: Collection[str], *, charges: bool, now: datetime
) -> Invoice:
    """A draft of the same buyer with these lots, as they were sold, and on wish with the charges; it waits for a person
    to issue it. An open draft of the same sale would mix with it: the act is not allowed then."""
    terms, buyer = _terms(invoice), Buyer(invoice.company_id, invoice.facts["paddle"], invoice.destination)
    if await open_draft(session, invoice) is not None:
        raise ActNotAllowed(state=InvoiceState.DRAFT)
    hammers = [line for line in invoice.lines if line.kind == LineKind.HAMMER and line.lot in lots]
    draft = await invoicing.add_lots(session, terms=terms, buyer=buyer, lots=[_sold(line) for line in hammers], now=now)
    place = max(line.place for line in draft.lines)
    for line in invoice.lines if charges else ():
        if line.kind == LineKind.CHARGE:
            place += 1
            again = InvoiceLine(invoice_id=draft.id, place=place, kind=line.kind, lot=None, facts=line.facts)
            again.text_en, again.text_zh, again.amount_minor = line.text_en, line.text_zh, line.amount_minor
            session.add(again)
    kept = {"tax_decided": invoice.facts["tax_decided"]} if "tax_decided" in invoice.facts else {}
    draft.facts = {**draft.facts, **kept, "waits": True, "instead_of": invoice.number}
    if kept:
        draft.regime, draft.rate_bp, draft.tax_table = invoice.regime, invoice.rate_bp, invoice.tax_table
    await session.flush()
    await invoicing.retotal(session, draft)
    return draft


async def open_draft(session: AsyncSession, invoice: Invoice) -> Invoice | None:
    """The draft that a lot of this sale sold to this buyer would join."""
    wanted = select(Invoice).where(Invoice.sale == invoice.sale, Invoice.company_id == invoice.company_id)
    wanted = wanted.where(Invoice.currency == invoice.currency, Invoice.entity == invoice.entity)
    found: Invoice | None = await session.scalar(wanted.where(Invoice.state == InvoiceState.DRAFT))
    return found


async def pay_from(session: AsyncSession, before: Invoice, invoice: Invoice, now: datetime) -> None:
    """What the first invoice set free pays the one that stands instead of it."""
    paid = select(Allocation.receipt_id).where(Allocation.invoice_id == before.id)
    wanted = select(Receipt).where(Receipt.id.in_(paid), Receipt.currency == invoice.currency).order_by(Receipt.id)
    for receipt in (await session.scalars(wanted.with_for_update())).all():
        part = min(await receiving.left_of(session, receipt), await queries.open_minor(session, invoice))
        if part > 0:
            await receiving.allocate(session, receipt, invoice, part, by=None, now=now)


def _terms(invoice: Invoice) -> SaleTerms:
    sale: dict[str, Any] = invoice.facts["sale"]
    return SaleTerms(
        sale=invoice.sale,
        title_en=sale["title_en"],
        title_zh=sale["title_zh"],
        currency=invoice.currency,
        entity=invoice.entity,
        zone=sale["zone"],
        bands=tuple(adding_up.bands_of(invoice.facts["bands"]) or ()),
        early_bands=_maybe(invoice.facts["early_bands"]),
    )


def _maybe(said: Any) -> tuple[tuple[int | None, int], ...] | None:
    bands = adding_up.bands_of(said)
    return None if bands is None else tuple(bands)


def _sold(line: InvoiceLine) -> SoldLot:
    facts = line.facts
    assert line.lot is not None
    own = facts.get("own_bands")
    return SoldLot(
        lot=line.lot,
        number=facts["number"],
        title_en=line.text_en,
        title_zh=line.text_zh,
        detail={name: said for name, said in facts.items() if name not in OWN_WORDS},
        hammer_minor=line.amount_minor,
        early=bool(facts["early"]),
        consignor_company_id=facts["consignor"],
        sold_at=datetime.fromisoformat(facts["sold_at"]),
        own=None if own is None else (_maybe(own[0]) or (), _maybe(own[1])),
    )
