"""Reads of the cashier's desk: what came in, what is late, what does not match, what goes back."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from pavilion.accounts.models import Company, Person, Proposal
from pavilion.accounts.rules import ProposalState
from pavilion.auctions.entities import entities
from pavilion.settlement.aging import Debt
from pavilion.settlement.intent_models import Dispute
from pavilion.settlement.matching import Loose, Owed, suggest
from pavilion.settlement.models import Entry, Invoice
from pavilion.settlement.postings import BUYERS
from pavilion.settlement.receipt_models import (
    Allocation,
    Discrepancy,
    Leaving,
    Receipt,
    Refund,
    RefundState,
    Source,
)
from pavilion.settlement.rules import PAYABLE, InvoiceState, state_on

PAGE = 200
MONEY_ACTS = ("payment.", "refund.", "invoice.", "seller.")  # kinds of proposals that move money
UNDER_WAY = (RefundState.DECIDED, RefundState.SENT, RefundState.FAILED)


class Came(NamedTuple):
    receipt: Receipt
    company: str
    left_minor: int
    reversed: bool


class Unplaced(NamedTuple):
    """Money that pays nothing yet, and the invoices it could pay, the likeliest first."""

    receipt: Receipt
    company: str
    left_minor: int
    offers: Sequence[Owed]
    open: Sequence[Owed] = ()  # all that it could pay, the oldest due first


class Late(NamedTuple):
    number: str
    company: str
    currency: str
    open_minor: int
    due: date
    days: int
    state: str


class Back(NamedTuple):
    refund: Refund
    company: str
    receipt: Receipt | None


async def came_in(session: AsyncSession, now: datetime) -> list[Came]:
    """Receipts booked on the present day of each selling entity's city, the newest first."""
    today = [
        and_(Receipt.entity == code, Receipt.at >= _day_began(now, entity.zone)) for code, entity in entities().items()
    ]
    wanted = select(Receipt, Company.name, _left(), _reversed()).outerjoin(Company, Company.id == Receipt.company_id)
    wanted = wanted.where(or_(*today), Receipt.source != Source.CONVERTED).order_by(Receipt.id.desc())
    rows = await session.execute(wanted.limit(PAGE))
    return [Came(receipt, name or "", int(left), bool(gone)) for receipt, name, left, gone in rows]


async def unplaced(session: AsyncSession) -> list[Unplaced]:
    """The oldest first: somebody waits for each."""
    left = _left()
    wanted = select(Receipt, Company.name, left).outerjoin(Company, Company.id == Receipt.company_id)
    rows = (await session.execute(wanted.where(left > 0).order_by(Receipt.at, Receipt.id).limit(PAGE))).all()
    owed = await _owed(session) if rows else []
    return [
        Unplaced(receipt, name or "", int(there), suggest(_loose(receipt, int(there)), owed))
        for receipt, name, there in rows
    ]


async def unplaced_one(session: AsyncSession, public_id: str) -> Unplaced | None:
    wanted = select(Receipt, Company.name, _left()).outerjoin(Company, Company.id == Receipt.company_id)
    row = (await session.execute(wanted.where(Receipt.public_id == public_id))).one_or_none()
    if row is None:
        return None
    receipt, name, left = row
    owed = await _owed(session)
    fits = [
        one
        for one in owed
        if (one.currency, one.entity) == (receipt.currency, receipt.entity)
        and receipt.company_id in (None, one.company_id)
    ]
    offers = suggest(_loose(receipt, int(left)), owed)
    return Unplaced(receipt, name or "", int(left), offers, sorted(fits, key=lambda one: (one.due_on, one.number)))


async def late(session: AsyncSession, now: datetime) -> list[Late]:
    """Open invoices past their due day in the zone of their sale, the oldest first."""
    rows = await session.execute(_open_invoices().order_by(Invoice.due_on, Invoice.id))
    found = []
    for invoice, company, left in rows:
        today = now.astimezone(ZoneInfo(invoice.facts["sale"]["zone"])).date()
        if invoice.due_day is not None and invoice.due_day < today:
            state = state_on(InvoiceState(invoice.state), invoice.due_day, today)
            days = (today - invoice.due_day).days
            found.append(Late(invoice.number or "", company, invoice.currency, int(left), invoice.due_day, days, state))
    return found


async def debts(session: AsyncSession) -> list[Debt]:
    """What the journal says each buyer owes, by invoice; also what is owed the other way after a credit note."""
    owed = select(Entry.ref, func.sum(Entry.amount_minor).label("left")).where(Entry.account.startswith(BUYERS))
    sums = owed.group_by(Entry.ref).having(func.sum(Entry.amount_minor) != 0).subquery()
    wanted = select(Invoice, Company.name, sums.c.left).join(sums, sums.c.ref == Invoice.number)
    rows = await session.execute(wanted.join(Company, Company.id == Invoice.company_id).order_by(Invoice.id))
    return [
        Debt(invoice.company_id, name, invoice.currency, int(left), invoice.due_day) for invoice, name, left in rows
    ]


async def refunds(session: AsyncSession, *, ended: bool) -> list[Back]:
    """Those under way, the oldest first; or those that ended, the newest first."""
    wanted = select(Refund, Company.name, Receipt).outerjoin(Company, Company.id == Refund.company_id)
    wanted = wanted.outerjoin(Receipt, Receipt.id == Refund.receipt_id)
    if ended:
        wanted = wanted.where(Refund.state.not_in(UNDER_WAY)).order_by(Refund.ended_at.desc(), Refund.id.desc())
    else:
        wanted = wanted.where(Refund.state.in_(UNDER_WAY)).order_by(Refund.id)
    return [Back(refund, name or "", receipt) for refund, name, receipt in await session.execute(wanted.limit(PAGE))]


async def fees_waiting(session: AsyncSession) -> int:
    """How many payments through the provider stand in the books without their fee: the night counts it."""
    counted = select(Entry.id).where(Entry.account == "expense:fee", Entry.ref == Receipt.provider_ref).exists()
    wanted = select(func.count()).select_from(Receipt).where(Receipt.source.in_((Source.CARD, Source.HOLD)))
    return int(await session.scalar(wanted.where(Receipt.provider_ref.is_not(None), ~counted)) or 0)


async def receipts_behind(session: AsyncSession, rows: Sequence[Discrepancy]) -> dict[str, str]:
    """The receipt that each of these is about, where it is about one, by what they name."""
    named = {row.subject for row in rows}
    own = select(Receipt.public_id, Receipt.public_id).where(Receipt.public_id.in_(named))
    there = select(Receipt.provider_ref, Receipt.public_id).where(Receipt.provider_ref.in_(named))
    contested = select(Dispute.provider_id, Receipt.public_id).join(Receipt, Receipt.id == Dispute.receipt_id)
    back = select(Refund.public_id, Receipt.public_id).join(Receipt, Receipt.id == Refund.receipt_id)
    found: dict[str, str] = {}
    for wanted in (
        own,
        there,
        contested.where(Dispute.provider_id.in_(named)),
        back.where(Refund.public_id.in_(named)),
    ):
        found |= {str(name): str(receipt) for name, receipt in await session.execute(wanted)}
    return found


async def discrepancies(session: AsyncSession, *, closed: bool) -> Sequence[Discrepancy]:
    wanted = select(Discrepancy)
    if closed:
        wanted = wanted.where(Discrepancy.closed_at.is_not(None)).order_by(Discrepancy.closed_at.desc())
    else:
        wanted = wanted.where(Discrepancy.closed_at.is_(None)).order_by(Discrepancy.opened_at, Discrepancy.id)
    return (await session.scalars(wanted.limit(PAGE))).all()


async def waiting(session: AsyncSession, now: datetime) -> list[tuple[Proposal, str]]:
    """Acts on money that wait for a second person, and who proposed each."""
    wanted = select(Proposal, Person.name).join(Person, Person.id == Proposal.proposed_by)
    wanted = wanted.where(Proposal.state == ProposalState.OPEN, Proposal.expires_at > now)
    wanted = wanted.where(or_(*(Proposal.kind.startswith(kind) for kind in MONEY_ACTS)))
    return [(proposal, name) for proposal, name in await session.execute(wanted.order_by(Proposal.id))]


async def proposed_refunds(session: AsyncSession, now: datetime) -> set[str]:
    """Public ids of the refunds that wait in an open proposal."""
    return {
        public_id
        for proposal, _ in await waiting(session, now)
        if proposal.kind == "refund.pay"
        for public_id in proposal.facts["refunds"]
    }


async def payers(session: AsyncSession) -> list[tuple[int, str]]:
    """Companies a transfer can have come from: those with an invoice, by name."""
    wanted = select(Company.id, Company.name).where(Company.id.in_(select(Invoice.company_id)))
    return [(row.id, row.name) for row in await session.execute(wanted.order_by(Company.name))]


def totals(rows: Sequence[Came]) -> dict[str, int]:
    """By currency, what came and was not taken back since."""
    found: dict[str, int] = {}
    for row in rows:
        if not row.reversed:
            found[row.receipt.currency] = found.get(row.receipt.currency, 0) + row.receipt.amount_minor
    return dict(sorted(found.items()))


def _loose(receipt: Receipt, left_minor: int) -> Loose:
    said = f"{receipt.purpose} {receipt.reference} {receipt.sender}"
    return Loose(receipt.company_id, receipt.currency, receipt.entity, left_minor, said)


async def _owed(session: AsyncSession) -> list[Owed]:
    return [
        Owed(one.number or "", one.company_id, one.currency, one.entity, int(left), one.due_on or "", name)
        for one, name, left in await session.execute(_open_invoices())
    ]


def _open_invoices() -> Select[Invoice, str, int]:
    left = (
        select(func.coalesce(func.sum(Entry.amount_minor), 0))
        .where(Entry.ref == Invoice.number, Entry.account.startswith(BUYERS))
        .scalar_subquery()
    )
    wanted = select(Invoice, Company.name, left).join(Company, Company.id == Invoice.company_id)
    return wanted.where(Invoice.state.in_(PAYABLE), left > 0)


def _left() -> ColumnElement[int]:
    """What of the receipt pays nothing yet and did not leave it, as `receiving.left_of` counts it."""
    going = and_(Refund.receipt_id == Receipt.id, Refund.state != RefundState.REPLACED)
    return (
        Receipt.amount_minor
        - _sum(Allocation.amount_minor, Allocation.receipt_id == Receipt.id)
        - _sum(Leaving.amount_minor, Leaving.receipt_id == Receipt.id)
        - _sum(Dispute.amount_minor, and_(Dispute.receipt_id == Receipt.id, Dispute.state != "won"))
        - _sum(Refund.amount_minor, going)
    )


def _sum(amount: InstrumentedAttribute[int], of_receipt: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.coalesce(func.sum(amount), 0)).where(of_receipt).correlate(Receipt).scalar_subquery()


def _reversed() -> ScalarSelect[int]:
    taken = select(func.count(Leaving.id)).where(Leaving.receipt_id == Receipt.id, Leaving.into_id.is_(None))
    return taken.correlate(Receipt).scalar_subquery()


def _day_began(now: datetime, zone: str) -> datetime:
    here = ZoneInfo(zone)
    return datetime.combine(now.astimezone(here).date(), time(), tzinfo=here)
