"""Taking back what was invoiced: by a credit note and never otherwise (settlement spec 1)."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from pavilion.auctions.entities import entities
from pavilion.kernel import events, jobs
from pavilion.kernel.errors import ActNotAllowed, BadInput
from pavilion.kernel.ids import ulid
from pavilion.settlement import (
    adding_up,
    credit_parts,
    deposits,
    document_numbers,
    ledger,
    postings,
    queries,
    receiving,
)
from pavilion.settlement.credit_parts import Billed, Parts
from pavilion.settlement.models import BilledLot, Invoice, InvoiceLine, Posting
from pavilion.settlement.note_models import CreditNote, CreditNoteLine
from pavilion.settlement.receipt_models import Allocation, Receipt
from pavilion.settlement.rules import PAYABLE, InvoiceState, LineKind

RENDER = "credit_note.render"
DEFAULT, EXPORT_UNPROVED = "default", "export_unproved"
REASONS = (DEFAULT, EXPORT_UNPROVED)  # those that are codes; a person's are said in their own words
CREDITABLE = PAYABLE | {InvoiceState.PAID}


async def credit(
    session: AsyncSession,
    invoice: Invoice,
    *,
    lots: Collection[str] | None = None,
    lines: Mapping[int, int] | None = None,
    reason: str,
    by: str | None,
    now: datetime,
) -> CreditNote:
    """A numbered note takes back these lots with their premium, or these amounts of single lines, or all of it when
    neither is said, each with its part of the tax. What it takes back is owed no more; what was paid for it lies
    unallocated; a lot of which nothing is left stands on no invoice. An invoice of which nothing is left is cancelled.

    `lines`: amount in minor units by the line's id. More than is left, an unknown line or a lot that is not on the
    invoice: refused; nothing left at all: the act is not allowed."""
    invoice = await locked(session, invoice.id)
    if InvoiceState(invoice.state) not in CREDITABLE:
        raise ActNotAllowed(state=invoice.state)
    billed = await billed_lines(session, invoice)
    parts = credit_parts.parts(
        billed,
        _taken(billed, lots, lines),
        adding_up.tax_of(invoice),
        memo_tax_minor=invoice.memo_tax_minor,
        memo_credited_minor=await _memo_credited(session, invoice),
    )
    if not parts.lines:
        raise ActNotAllowed(state=invoice.state)
    note = await _write(session, invoice, parts, reason=reason, by=by, now=now)
    await _post(session, invoice, note, parts)
    await _free_money(session, invoice, note, by=by, now=now)
    await session.execute(
        delete(BilledLot).where(BilledLot.invoice_id == invoice.id, BilledLot.lot.in_(parts.freed)),
        execution_options={"synchronize_session": "fetch"},
    )
    told = {"number": invoice.number, "note": note.number, "lots": list(parts.freed), "total_minor": note.total_minor}
    events.record(session, "invoice:credited", invoice.public_id, by=by, at=now, sale=invoice.sale, **told)
    if parts.whole:
        invoice.state = InvoiceState.CANCELLED
        events.record(session, "invoice:cancelled", invoice.public_id, by=by, at=now, sale=invoice.sale, **told)
    else:
        await receiving.paid_up(session, invoice, on=None, by=by, now=now)
    await jobs.enqueue(session, RENDER, note.public_id, {"note": note.public_id}, due_at=now)
    await session.flush()
    return note


async def would_credit(session: AsyncSession, invoice: Invoice, *, lots: Collection[str] | None) -> int:
    """The total of the note that `credit` would write now, in minor units."""
    billed = await billed_lines(session, invoice)
    memo = {"memo_tax_minor": 0, "memo_credited_minor": 0}
    taken = _taken(billed, lots, None)
    return credit_parts.parts(billed, taken, adding_up.tax_of(invoice), **memo).total_minor if taken else 0


async def lots_of(session: AsyncSession, note: CreditNote) -> list[str]:
    """The lots whose hammer the note takes back."""
    wanted = select(InvoiceLine.lot).join(CreditNoteLine, CreditNoteLine.line_id == InvoiceLine.id)
    wanted = wanted.where(CreditNoteLine.note_id == note.id, InvoiceLine.kind == LineKind.HAMMER)
    return [lot for lot in await session.scalars(wanted.order_by(InvoiceLine.place)) if lot]


async def locked(session: AsyncSession, invoice_id: int) -> Invoice:
    """The invoice with its lines as they stand now; nobody else acts on it until this transaction ends."""
    wanted = select(Invoice).where(Invoice.id == invoice_id).options(selectinload(Invoice.lines))
    fresh = wanted.with_for_update(of=Invoice).execution_options(populate_existing=True)
    return (await session.scalars(fresh)).one()


async def billed_lines(session: AsyncSession, invoice: Invoice) -> list[Billed]:
    """The lines of an issued invoice, each with what notes took back of it so far."""
    wanted = select(CreditNoteLine.line_id, func.sum(CreditNoteLine.amount_minor)).group_by(CreditNoteLine.line_id)
    ids = [line.id for line in invoice.lines]
    taken = {line: int(sum_) for line, sum_ in await session.execute(wanted.where(CreditNoteLine.line_id.in_(ids)))}
    return [
        Billed(
            id=line.id,
            kind=line.kind,
            lot=line.lot,
            amount_minor=line.amount_minor,
            credited_minor=taken.get(line.id, 0),
            taxed=bool(line.facts.get("taxed", True)),
        )
        for line in invoice.lines
    ]


async def notes_of(session: AsyncSession, invoice: Invoice) -> Sequence[CreditNote]:
    """The credit notes of this invoice, the first first."""
    wanted = select(CreditNote).where(CreditNote.invoice_id == invoice.id).options(selectinload(CreditNote.lines))
    return (await session.scalars(wanted.order_by(CreditNote.id))).all()


async def note_named(session: AsyncSession, public_id: str) -> CreditNote:
    wanted = select(CreditNote).where(CreditNote.public_id == public_id).options(selectinload(CreditNote.lines))
    return (await session.scalars(wanted)).one()


async def invoice_of(session: AsyncSession, note: CreditNote) -> Invoice:
    wanted = select(Invoice).where(Invoice.id == note.invoice_id).options(selectinload(Invoice.lines))
    return (await session.scalars(wanted)).one()


def _taken(billed: list[Billed], lots: Collection[str] | None, lines: Mapping[int, int] | None) -> dict[int, int]:
    if lots is not None and lines is not None:
        raise ValueError("lots or lines, not both")
    if lots is not None:
        if not lots or not set(lots) <= {line.lot for line in billed if line.lot}:
            raise BadInput(fields={"lots": "not_on_invoice"})
        return credit_parts.of_lots(billed, lots)
    if lines is None:
        return credit_parts.of_all(billed)
    left = {line.id: line.left for line in billed if line.kind in credit_parts.NAMEABLE}
    if not lines or any(not 0 < amount <= left.get(line, 0) for line, amount in lines.items()):
        raise BadInput(fields={"lines": "amount_invalid"})
    return dict(lines)


async def _memo_credited(session: AsyncSession, invoice: Invoice) -> int:
    wanted = select(func.coalesce(func.sum(CreditNote.memo_tax_minor), 0)).where(CreditNote.invoice_id == invoice.id)
    return int(await session.scalar(wanted) or 0)


async def _write(
    session: AsyncSession, invoice: Invoice, parts: Parts, *, reason: str, by: str | None, now: datetime
) -> CreditNote:
    entity = entities()[invoice.entity]
    number, day = await document_numbers.take(
        session, "CN", entity, now, number=CreditNote.number, day=CreditNote.issued_on
    )
    note = CreditNote(public_id=ulid(now), number=number, invoice_id=invoice.id, reason=reason, by=by, issued_at=now)
    note.issued_on, note.total_minor, note.memo_tax_minor = day.isoformat(), parts.total_minor, parts.memo_tax_minor
    told = ("sale", "paddle", "buyer", "seller", "warranty")  # frozen at the issue, said again on the note
    note.facts = {name: invoice.facts[name] for name in told if name in invoice.facts} | {"invoice": invoice.number}
    session.add(note)
    await session.flush()
    rows = [
        CreditNoteLine(note_id=note.id, place=place, line_id=line, amount_minor=amount)
        for place, (line, amount) in enumerate(parts.lines, 1)
    ]
    session.add_all(rows)
    await session.flush()
    await session.refresh(note, ["lines"])
    return note


async def _post(session: AsyncSession, invoice: Invoice, note: CreditNote, parts: Parts) -> None:
    """The issue of these parts the other way round; what the buyer owes falls on the invoice's own number."""
    assert invoice.number is not None
    amounts = dict(parts.lines)
    taken = [adding_up.billed(invoice, line, amounts[line.id]) for line in invoice.lines if line.id in amounts]
    memo = {adding_up.tax_account(invoice): note.memo_tax_minor} if note.memo_tax_minor else None
    issued = await session.scalar(select(Posting.id).where(Posting.key == f"invoice:{invoice.public_id}"))
    await ledger.post(
        session,
        key=f"credit_note:{note.public_id}",
        moves=postings.credit_note(invoice.company_id, invoice.number, taken, memo_tax=memo),
        currency=invoice.currency,
        ref=note.number,
        at=note.issued_at,
        by=note.by,
        reverses=issued,
    )


async def _free_money(
    session: AsyncSession, invoice: Invoice, note: CreditNote, *, by: str | None, now: datetime
) -> None:
    """What was paid beyond what is owed now lies unallocated, of the latest payment first: it can be refunded or pay
    another invoice. What came from a deposit is deposit again."""
    assert invoice.number is not None
    excess = -await queries.open_minor(session, invoice)
    moves: list[postings.Move] = []
    for receipt, amount in await _paid_by(session, invoice):
        if (part := min(excess, amount)) > 0:
            session.add(Allocation(receipt_id=receipt.id, invoice_id=invoice.id, amount_minor=-part, by=by, at=now))
            moves += postings.unallocated_matched(receipt.company_id, invoice.company_id, invoice.number, part)
            excess -= part
    if excess > 0:
        await deposits.give_back(session, invoice, excess, key=note.public_id, by=by, now=now)
    await ledger.post(
        session,
        key=f"credit_note:{note.public_id}:freed",
        moves=postings.opposite(postings.joined(moves)),
        currency=invoice.currency,
        ref=note.number,
        at=now,
        by=by,
    )


async def _paid_by(session: AsyncSession, invoice: Invoice) -> list[tuple[Receipt, int]]:
    """What each receipt pays of this invoice, the latest first."""
    wanted = select(Receipt, Allocation.amount_minor).join(Receipt, Receipt.id == Allocation.receipt_id)
    rows = await session.execute(wanted.where(Allocation.invoice_id == invoice.id).order_by(Allocation.id.desc()))
    sums: dict[int, int] = defaultdict(int)
    receipts: dict[int, Receipt] = {}
    for receipt, amount in rows:
        receipts[receipt.id] = receipt
        sums[receipt.id] += amount
    return [(receipt, sums[id_]) for id_, receipt in receipts.items() if sums[id_] > 0]
