"""The house's issued invoices as the reconciliation of warranties asks for them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.entities import entities
from pavilion.catalogue.queries import weights_of
from pavilion.provenance.warranty_gathering import Invoiced, InvoicedStone
from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.note_models import CreditNoteLine
from pavilion.settlement.rules import InvoiceState, LineKind

NEVER_SOLD = (InvoiceState.DRAFT, InvoiceState.CANCELLED)


class Invoices:
    """Diamonds that the house sold, by invoice and consignor."""

    def sellers(self) -> Mapping[str, str]:
        return {code: entity.name for code, entity in entities().items()}

    async def rows(
        self, session: AsyncSession, *, company_id: int | None = None, entity: str | None = None
    ) -> Sequence[Invoiced]:
        gone = select(func.sum(CreditNoteLine.amount_minor)).where(CreditNoteLine.line_id == InvoiceLine.id)
        credited = func.coalesce(gone.scalar_subquery(), 0) >= InvoiceLine.amount_minor  # its sale is cancelled
        wanted = (
            select(Invoice, InvoiceLine.facts)
            .join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id)
            .where(Invoice.state.not_in(NEVER_SOLD), InvoiceLine.kind == LineKind.HAMMER)
            .where(~credited)
            .order_by(Invoice.id, InvoiceLine.place)
        )
        if entity is not None:
            wanted = wanted.where(Invoice.entity == entity)
        else:
            consigned = InvoiceLine.facts["consignor"].as_integer() == company_id
            wanted = wanted.where(or_(Invoice.company_id == company_id, consigned))
        sold: dict[tuple[str, int], tuple[Invoice, list[dict[str, Any]]]] = {}
        for invoice, facts in await session.execute(wanted):
            if facts.get("species") == "diamond" and facts.get("stones"):
                sold.setdefault((invoice.public_id, facts["consignor"]), (invoice, []))[1].append(facts)
        weights = await _weights(session, [lot for _, lots in sold.values() for lot in lots])
        return [_row(invoice, consignor, lots, weights) for (_, consignor), (invoice, lots) in sold.items()]


def _row(invoice: Invoice, consignor: int, lots: Sequence[Mapping[str, Any]], weights: Mapping[str, int]) -> Invoiced:
    assert invoice.number is not None and invoice.issued_on is not None, "the database numbers what is no draft"
    day = date.fromisoformat(invoice.issued_on)
    return Invoiced(
        number=invoice.number,
        day=day,
        entity=invoice.entity,
        seller=invoice.facts["seller"]["name"],
        buyer_id=invoice.company_id,
        consignor_id=consignor,
        stones=tuple(
            InvoicedStone(stone, lot["weight_mct"] if len(lot["stones"]) == 1 else weights.get(stone, 0))
            for lot in lots
            for stone in lot["stones"]
        ),
        text=invoice.warranty_id,
        text_sha256=invoice.warranty_sha256,
        assessed=entities()[invoice.entity].self_assessed(day),
    )


async def _weights(session: AsyncSession, lots: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The weights of stones that were sold with others as one lot; the invoice keeps only their sum."""
    wanted = sorted({stone for lot in lots if len(lot["stones"]) > 1 for stone in lot["stones"]})
    return await weights_of(session, wanted)
