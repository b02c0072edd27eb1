"""Reads of invoices, payments and the journal."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.bidding.closed_models import ClosedBid
from pavilion.bidding.models import BookLot
from pavilion.settlement import clearing, postings
from pavilion.settlement.intent_models import Dispute
from pavilion.settlement.models import Entry, Invoice, InvoiceLine, InvoicePaper, Posting
from pavilion.settlement.receipt_models import Allocation, Receipt, Refund, RefundState
from pavilion.settlement.rules import PAYABLE, InvoiceState

PAGE = 200


class InvoiceRow(NamedTuple):
    invoice: Invoice
    company: str
    open_minor: int
    disputed: bool  # paid with money whose payer contests it now


class JournalRow(NamedTuple):
    at: object
    key: str
    account: str
    currency: str
    amount_minor: int
    ref: str
    txn: int
    entry: int


def visible_to(actor: Actor) -> Select[Invoice]:
    """The one gate: cashiers and auditors read all invoices, a buyer those of the own company, nobody else any."""
    wanted = select(Invoice)
    if actor.may(Permission.LEDGER_SEE):
        return wanted
    return wanted.where(Invoice.company_id == (actor.company_id or 0))


async def invoices(session: AsyncSession, actor: Actor) -> list[InvoiceRow]:
    """What can be paid now first, then drafts, then the rest; the newest of each first."""
    left = (
        select(func.coalesce(func.sum(Entry.amount_minor), 0))
        .where(Entry.ref == Invoice.number, Entry.account.startswith(postings.BUYERS))
        .scalar_subquery()
    )
    wanted = visible_to(actor).join(Company, Company.id == Invoice.company_id).add_columns(Company.name, left)
    wanted = wanted.options(selectinload(Invoice.lines))
    turn = case((Invoice.state.in_(PAYABLE), 0), (Invoice.state == InvoiceState.DRAFT, 1), else_=2)
    rows = (await session.execute(wanted.order_by(turn, Invoice.id.desc()).limit(PAGE))).all()
    contested = await clearing.disputed(session, [row[0] for row in rows])
    return [
        InvoiceRow(invoice, name, int(left) if invoice.number else invoice.total_minor, invoice.id in contested)
        for invoice, name, left in rows
    ]


async def invoice_for(session: AsyncSession, actor: Actor, name: str) -> Invoice | None:
    """By number, or a draft by its public id."""
    wanted = visible_to(actor).options(selectinload(Invoice.lines))
    return await session.scalar(wanted.where((Invoice.number == name) | (Invoice.public_id == name)))


async def invoice_by_number(session: AsyncSession, number: str, *, lock: bool = False) -> Invoice | None:
    """`lock`: for this transaction alone to act on, as it stands now, whatever was read of it before."""
    wanted = select(Invoice).where(Invoice.number == number).options(selectinload(Invoice.lines))
    alone = wanted.with_for_update(of=Invoice).execution_options(populate_existing=True)
    found: Invoice | None = await session.scalar(alone if lock else wanted)
    return found


async def drafts_of(session: AsyncSession, sale: str) -> Sequence[Invoice]:
    wanted = select(Invoice).where(Invoice.sale == sale, Invoice.state == InvoiceState.DRAFT).order_by(Invoice.id)
    return (await session.scalars(wanted.options(selectinload(Invoice.lines)))).all()


async def billed(session: AsyncSession, sale: str) -> set[str]:
    """The lots of the sale that stand on an issued invoice."""
    wanted = select(InvoiceLine.lot).join(Invoice, Invoice.id == InvoiceLine.invoice_id)
    wanted = wanted.where(Invoice.sale == sale, Invoice.state != InvoiceState.DRAFT, InvoiceLine.lot.is_not(None))
    return {lot for lot in await session.scalars(wanted) if lot}


async def open_minor(session: AsyncSession, invoice: Invoice) -> int:
    """What is left to pay, in minor units: what the journal says the buyer owes for it, nothing else."""
    if invoice.number is None:
        return invoice.total_minor
    owed = select(func.coalesce(func.sum(Entry.amount_minor), 0)).where(
        Entry.ref == invoice.number, Entry.account == postings.buyer(invoice.company_id)
    )
    return int(await session.scalar(owed) or 0)


async def refunded_minor(session: AsyncSession, receipt: Receipt) -> int:
    """What of this receipt went back, is owed back or was taken back by a dispute, in minor units."""
    gone = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(Refund.receipt_id == receipt.id)
    taken = select(func.coalesce(func.sum(Dispute.amount_minor), 0)).where(Dispute.receipt_id == receipt.id)
    owed = int(await session.scalar(gone.where(Refund.state != RefundState.REPLACED)) or 0)
    return owed + int(await session.scalar(taken.where(Dispute.state != "won")) or 0)


class Paid(NamedTuple):
    """A part of a receipt on one invoice."""

    receipt: Receipt
    amount_minor: int
    at: datetime


async def payments_of(session: AsyncSession, invoice: Invoice) -> list[Paid]:
    wanted = select(Receipt, Allocation).join(Receipt, Receipt.id == Allocation.receipt_id)
    rows = await session.execute(wanted.where(Allocation.invoice_id == invoice.id).order_by(Allocation.id))
    return [Paid(receipt, allocation.amount_minor, allocation.at) for receipt, allocation in rows]


def local_day(invoice: Invoice, now: datetime) -> date:
    """Today in the zone of the invoice's sale."""
    return now.astimezone(ZoneInfo(invoice.facts["sale"]["zone"])).date()


async def paper_of(session: AsyncSession, invoice: Invoice, lang: str) -> InvoicePaper | None:
    return await session.get(InvoicePaper, (invoice.id, lang))


def late(today: str) -> tuple[ColumnElement[bool], ...]:
    """Conditions: issued, and the due day lies before this local day."""
    return Invoice.state == InvoiceState.ISSUED, Invoice.due_on < today


async def invoice_by_public_id(session: AsyncSession, public_id: str) -> Invoice:
    wanted = select(Invoice).where(Invoice.public_id == public_id).options(selectinload(Invoice.lines))
    return (await session.scalars(wanted)).one()


async def account_names(session: AsyncSession, accounts: Sequence[str]) -> dict[str, str]:
    """The company behind each account that belongs to one."""
    owned = {account: company for account in accounts if (company := postings.company_of(account)) is not None}
    rows = await session.execute(select(Company.id, Company.name).where(Company.id.in_(set(owned.values()))))
    names: dict[int, str] = {row.id: row.name for row in rows}
    return {account: names.get(company, "") for account, company in owned.items()}


async def journal(session: AsyncSession, limit: int = PAGE, ref: str | None = None) -> list[JournalRow]:
    """The newest entries, of one reference where it is said."""
    wanted = (
        select(
            Entry.at, Posting.key, Entry.account, Entry.currency, Entry.amount_minor, Entry.ref, Posting.id, Entry.id
        )
        .join(Posting, Posting.id == Entry.txn_id)
        .order_by(Posting.id.desc(), Entry.id)
    )
    wanted = wanted if ref is None else wanted.where(Entry.ref == ref)
    return [JournalRow(*row) for row in await session.execute(wanted.limit(limit))]


async def company_names(session: AsyncSession, companies: Collection[int]) -> dict[int, str]:
    rows = await session.execute(select(Company.id, Company.name).where(Company.id.in_(companies)))
    return dict(rows.all())


async def closed_bids(session: AsyncSession) -> Sequence[ClosedBid]:
    """Maxima on lots still running that are closed to their bidders: to be voided before the close."""
    live = select(BookLot.lot).where(BookLot.state.in_(("open", "paused", "closing")))
    wanted = select(ClosedBid).where(ClosedBid.lot.in_(live)).order_by(ClosedBid.at.desc(), ClosedBid.lot)
    return (await session.scalars(wanted.limit(PAGE))).all()
