"""What a line of a company's own account was about: the lot that was sold, the money that came in. A consignor reads
its own lots and whether they are paid, never whose invoice it was; a buyer reads its own receipts."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.settlement import postings
from pavilion.settlement.models import Entry, Invoice, InvoiceLine, Posting
from pavilion.settlement.receipt_models import Allocation, Receipt
from pavilion.settlement.rules import InvoiceState, LineKind


class About(NamedTuple):
    """A lot with its sale, or a receipt: how it was paid (`source`) and by which reference of the bank."""

    number: str = ""
    titles: tuple[str, str] = ("", "")
    sale: tuple[str, str] = ("", "")
    state: str = ""  # of a lot: waiting, paid or cancelled
    source: str = ""
    reference: str = ""

    @property
    def ref(self) -> str:
        """As a sheet names it."""
        return " · ".join(filter(None, (self.number, self.titles[0], self.sale[0], self.source, self.reference)))


_STATES = {InvoiceState.PAID.value: "paid", InvoiceState.CANCELLED.value: "cancelled"}


async def sold(session: AsyncSession, company_id: int, txns: Collection[int]) -> dict[int, About]:
    """By entry: the lot whose hammer these postings of invoices brought its consignor. They stand in the journal in the
    order of the invoice's lines; where the two do not agree, nothing is said."""
    wanted = select(Entry, Posting.key).join(Posting, Posting.id == Entry.txn_id).where(Entry.txn_id.in_(txns))
    wanted = wanted.where(Entry.account == postings.seller(company_id), Posting.key.startswith("invoice:"))
    brought: dict[str, list[Entry]] = defaultdict(list)
    for entry, key in await session.execute(wanted.order_by(Entry.id)):
        brought[key.removeprefix("invoice:")].append(entry)
    hammers = select(InvoiceLine, Invoice).join(Invoice, Invoice.id == InvoiceLine.invoice_id)
    hammers = hammers.where(Invoice.public_id.in_(brought), InvoiceLine.kind == LineKind.HAMMER)
    hammers = hammers.where(InvoiceLine.facts["consignor"].as_integer() == company_id)
    lots: dict[str, list[tuple[InvoiceLine, Invoice]]] = defaultdict(list)
    for line, invoice in await session.execute(hammers.order_by(InvoiceLine.place)):
        if line.amount_minor:
            lots[invoice.public_id].append((line, invoice))
    found: dict[int, About] = {}
    for invoice_id, entries in brought.items():
        named = lots[invoice_id]
        if [-entry.amount_minor for entry in entries] == [line.amount_minor for line, _ in named]:
            found |= {entry.id: _lot(line, of) for entry, (line, of) in zip(entries, named, strict=True)}
    return found


def _lot(line: InvoiceLine, invoice: Invoice) -> About:
    sale = invoice.facts["sale"]
    return About(
        number=str(line.facts["number"]),
        titles=(line.text_en, line.text_zh),
        sale=(sale["title_en"], sale["title_zh"]),
        state=_STATES.get(invoice.state, "waiting"),
    )


async def received(session: AsyncSession, company_id: int, keys: Sequence[str]) -> dict[str, About]:
    """By key of a posting: the company's money that it booked or matched."""
    found = await _receipts(
        session, company_id, [key.removeprefix("receipt:") for key in keys if key[:8] == "receipt:"]
    )
    parts = [int(key.removeprefix("allocation:")) for key in keys if key.startswith("allocation:")]
    wanted = select(Allocation.id, Receipt).join(Receipt, Receipt.id == Allocation.receipt_id)
    wanted = wanted.where(Allocation.id.in_(parts), Receipt.company_id == company_id)
    matched = {f"allocation:{part}": _money(one) for part, one in await session.execute(wanted)}
    return {f"receipt:{one}": about for one, about in found.items()} | matched


async def _receipts(session: AsyncSession, company_id: int, public_ids: Sequence[str]) -> dict[str, About]:
    wanted = select(Receipt).where(Receipt.public_id.in_(public_ids), Receipt.company_id == company_id)
    return {one.public_id: _money(one) for one in await session.scalars(wanted)}


def _money(receipt: Receipt) -> About:
    return About(source=receipt.source, reference=receipt.reference)
