"""Deposits: money a company puts down before it bids. What is left of one is the balance of its account in the journal;
all that was ever held is applied, refunded, forfeited or still there (settlement spec 4)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from pavilion.accounts import strikes
from pavilion.auctions import registering
from pavilion.auctions.entities import entities
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, NotFound
from pavilion.settlement import discrepancies, ledger, postings, queries, receiving
from pavilion.settlement.deposit_models import REFERENCE, UNPAID, Deposit, DepositState
from pavilion.settlement.deposit_rules import share_out, split
from pavilion.settlement.models import Entry, HouseCompany, Invoice, InvoiceLine, Posting
from pavilion.settlement.receipt_models import Allocation, Receipt
from pavilion.settlement.rules import InvoiceState, LineKind

APPLIED = "deposit:applied:"  # and the number of the invoice: one application per invoice
FORFEITED = "deposit:forfeited:"
GIVEN_BACK = "deposit:given_back:"
_KINDS = {  # what a posting on the deposit's account does, by how its key begins
    "receipt:": "received",
    "receipt.reversed:": "received",
    "dispute:": "received",
    APPLIED: "applied",
    GIVEN_BACK: "applied",
    FORFEITED: "forfeited",
    "refund.owed:": "refunded",
}


class Figures(NamedTuple):
    """Σ received = applied + refunded + forfeited + held, in minor units, read from the journal. What the payer's bank
    took back was not received; what is owed back counts as refunded, sent or not."""

    received: int
    applied: int
    refunded: int
    forfeited: int
    held: int


class Uncovered(NamedTuple):
    there: int  # of what was wanted
    opened: Sequence[Invoice]  # owe more than before


class Forfeit(NamedTuple):
    """What was kept of a defaulter's deposit, what of it went to consignors, and what is left to go back."""

    forfeited: int
    refund: int
    sellers: Mapping[int, int]


async def locked(session: AsyncSession, public_id: str) -> Deposit:
    """The deposit of this id, or of the reference that its payer writes, for this transaction alone to change."""
    named = Deposit.public_id == public_id
    if public_id.startswith(REFERENCE):
        named = func.substr(Deposit.public_id, 19) == public_id.removeprefix(REFERENCE)
    wanted = select(Deposit).where(named).with_for_update()
    rows = (await session.scalars(wanted.execution_options(populate_existing=True))).all()
    if len(rows) != 1:
        raise NotFound()
    return rows[0]


async def locked_with_invoices(session: AsyncSession, public_id: str) -> tuple[Deposit, Sequence[Invoice]]:
    """The company's invoices of the sale, the first first, and then the deposit, for this transaction alone to change:
    in this order wherever both are needed."""
    key = select(Deposit.company_id, Deposit.sale).where(Deposit.public_id == public_id)
    if (found := (await session.execute(key)).one_or_none()) is None:
        raise NotFound()
    wanted = select(Invoice).where(Invoice.company_id == found.company_id, Invoice.sale == found.sale)
    wanted = wanted.where(Invoice.number.is_not(None)).order_by(Invoice.id).options(selectinload(Invoice.lines))
    invoices = (await session.scalars(wanted.with_for_update(of=Invoice))).all()
    return await locked(session, public_id), invoices


async def of_company(session: AsyncSession, company_id: int, sale: str, *, lock: bool = False) -> Deposit | None:
    wanted = select(Deposit).where(Deposit.company_id == company_id, Deposit.sale == sale)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    found: Deposit | None = await session.scalar(wanted)
    return found


async def held_minor(session: AsyncSession, company_id: int, sale: str) -> int:
    """What lies on the deposit's account now, in minor units of the sale's currency."""
    wanted = select(func.coalesce(func.sum(Entry.amount_minor), 0))
    return -int(await session.scalar(wanted.where(Entry.account == postings.deposit(company_id, sale))) or 0)


async def figures(session: AsyncSession, deposit: Deposit) -> Figures:
    """What became of the deposit so far. An entry of no known kind is a bug, and says so."""
    found = {"received": 0, "applied": 0, "refunded": 0, "forfeited": 0}
    wanted = select(Posting.key, Entry.amount_minor).join(Posting, Posting.id == Entry.txn_id)
    account = postings.deposit(deposit.company_id, deposit.sale)
    held = 0
    for key, amount in await session.execute(wanted.where(Entry.account == account)):
        kind = _KINDS[next(prefix for prefix in _KINDS if key.removeprefix("reversal:").startswith(prefix))]
        found[kind] += -amount if kind == "received" else amount
        held -= amount
    return Figures(**found, held=held)


def facts_of(deposit: Deposit) -> dict[str, object]:
    return {"sale": deposit.sale, "company_id": deposit.company_id, "registration": deposit.registration}


async def payable(session: AsyncSession, deposit: Deposit) -> int:
    """What is still to be put down. Refused where nothing is asked any more, or the company is barred from sales."""
    await strikes.refuse_barred(session, deposit.company_id, entities()[deposit.entity].strikes)
    if not deposit.takes_money:
        raise ActNotAllowed(state=deposit.state)
    return deposit.wanted_minor - await held_minor(session, deposit.company_id, deposit.sale)


async def pending(session: AsyncSession, deposit: Deposit, *, by: str | None, now: datetime) -> None:
    """A payment of it is on its way: the provider, or a second person, is still to confirm."""
    await payable(session, deposit)
    deposit.state = DepositState.PENDING
    await session.flush()
    events.record(session, "deposit:pending", deposit.public_id, by=by, at=now, **facts_of(deposit))


async def not_paid(session: AsyncSession, deposit: Deposit, *, by: str | None, now: datetime) -> None:
    """The payment on its way came to nothing: the deposit is asked as before."""
    if deposit.state == DepositState.PENDING:
        deposit.state = DepositState.ASKED
        await session.flush()
        events.record(session, "deposit:not_paid", deposit.public_id, by=by, at=now, **facts_of(deposit))


async def receive(
    session: AsyncSession, deposit: Deposit, receipt: Receipt, *, by: str | None, now: datetime
) -> Receipt:
    """The receipt stands in the journal: on the deposit as far as that is still open, the rest unallocated. Once all of
    it is there the deposit is held; once what it was raised by is there too, the limit has followed. Money of another
    currency, for a deposit no longer asked, or from a company that is barred is not lost: all of it waits unallocated,
    and a person looks. The deposit's row is locked by the caller."""
    barred = await strikes.barred(session, deposit.company_id, entities()[deposit.entity].strikes)
    taken = deposit.by_hold and deposit.state == DepositState.HELD  # an authorisation that is captured now
    asked = taken or (deposit.takes_money and not barred)
    alike = (receipt.currency, receipt.entity) == (deposit.currency, deposit.entity)
    before = await held_minor(session, deposit.company_id, deposit.sale)
    part = min(receipt.amount_minor, max(0, deposit.wanted_minor - before)) if asked and alike else 0
    if part == 0:
        await receiving.book(session, receipt, None, by=by)
        kind, facts = "deposit_closed" if alike else "currency_differs", {"deposit": deposit.public_id}
        told = facts | {"amount_minor": receipt.amount_minor, "currency": receipt.currency, "state": deposit.state}
        key = f"{kind}:{receipt.public_id}"
        await discrepancies.found(session, key=key, kind=kind, subject=receipt.public_id, facts=told, now=now)
        return receipt
    session.add(receipt)
    await session.flush()
    session.add(Allocation(receipt_id=receipt.id, deposit=deposit.public_id, amount_minor=part, by=by, at=receipt.at))
    house, rest = receiving.house_account(receipt), receipt.amount_minor - part
    moves = postings.deposit_received(house, deposit.company_id, deposit.sale, part)
    moves += postings.unallocated_received(house, receipt.company_id, rest) if rest else []
    posting = {"currency": receipt.currency, "ref": deposit.public_id, "at": receipt.at, "by": by}
    await ledger.post(session, key=f"receipt:{receipt.public_id}", moves=moves, **posting)  # type: ignore[arg-type]
    told = {"deposit": deposit.public_id, "unallocated_minor": rest}
    events.record(session, "payment:booked", receipt.public_id, by=by, at=receipt.at, **told)
    await _reached(session, deposit, before + part, by=by, now=now)
    await session.flush()
    return receipt


async def uncover(
    session: AsyncSession, public_id: str, amount_minor: int, *, key: str, by: str | None, now: datetime
) -> Uncovered:
    """So much of the deposit lies on its account, as far as it has not left the house, for the payer's bank to take
    back (a reversed wire, a chargeback): what had been applied is given back by the invoices, the latest first. A
    deposit that is not whole any more is asked once more and gives no limit. The caller posts what leaves, and opens
    the invoices again; `key` names its act."""
    deposit, invoices = await locked_with_invoices(session, public_id)
    missing, opened = amount_minor - await held_minor(session, deposit.company_id, deposit.sale), []
    for invoice in reversed(invoices):
        if missing > 0:
            back = await give_back(session, invoice, missing, key=f"{key}:{invoice.number}", by=by, now=now)
            missing -= back
            opened += [invoice] if back else []
    lies = await held_minor(session, deposit.company_id, deposit.sale)
    there = min(amount_minor, lies)
    if there and deposit.state == DepositState.HELD and lies - there < deposit.asked_minor:
        deposit.state, deposit.held_at = DepositState.ASKED, None
        await session.flush()
        await registering.deposit_gone(session, registration=deposit.registration, by=by, now=now)
        told = {"amount_minor": there, **facts_of(deposit)}
        events.record(session, "deposit:taken_out", deposit.public_id, by=by, at=now, **told)
    return Uncovered(there, opened)


async def recovered(session: AsyncSession, public_id: str, *, by: str | None, now: datetime) -> None:
    """What the payer's bank had taken lies on the account again (a chargeback won): a deposit that is whole is held."""
    deposit = await locked(session, public_id)
    there = await held_minor(session, deposit.company_id, deposit.sale)
    if deposit.state == DepositState.CLOSED and there > 0:
        deposit.state, deposit.closed_at = DepositState.HELD, None  # it goes back with the next look
    else:
        await _reached(session, deposit, there, by=by, now=now)
    await session.flush()


async def _reached(session: AsyncSession, deposit: Deposit, there: int, *, by: str | None, now: datetime) -> None:
    """So much lies on the account: what it is enough for has happened."""
    if deposit.state in UNPAID and there >= deposit.asked_minor:
        await secured(session, deposit, by=by, now=now)
    if deposit.raise_minor is not None and there >= deposit.wanted_minor:
        deposit.asked_minor, deposit.raise_minor = deposit.wanted_minor, None
        deposit.lots = await registering.deposit_raised(
            session, registration=deposit.registration, deposit_minor=deposit.asked_minor, factor=deposit.factor,
            by=by, now=now,
        )  # fmt: skip
        told = {"amount_minor": deposit.asked_minor, "currency": deposit.currency, **facts_of(deposit)}
        events.record(session, "deposit:raised", deposit.public_id, by=by, at=now, **told)


async def secured(session: AsyncSession, deposit: Deposit, *, by: str | None, now: datetime) -> None:
    """The deposit is held, as money or as a card's authorisation: the paddle has its limit. Its row is locked by the
    caller."""
    deposit.state, deposit.held_at = DepositState.HELD, now
    events.record(session, "deposit:held", deposit.public_id, by=by, at=now, **facts_of(deposit))
    await registering.deposit_held(session, registration=deposit.registration, by=by, now=now)


async def apply(session: AsyncSession, invoice: Invoice, *, now: datetime) -> int:
    """What the company put down for this sale pays the invoice as far as it goes; answers how much. The invoice has its
    number and stands in the journal; the caller writes the credit line. Invoices issued one after the other take their
    part in that order."""
    assert invoice.number is not None, "a deposit is applied to an issued invoice"
    key = APPLIED + invoice.number
    if (known := await _posted(session, key)) is not None:
        return known
    deposit = await of_company(session, invoice.company_id, invoice.sale, lock=True)
    if deposit is None or (deposit.currency, deposit.entity) != (invoice.currency, invoice.entity):
        return 0
    there = await held_minor(session, deposit.company_id, deposit.sale)
    amount = min(there, await queries.open_minor(session, invoice))
    if amount <= 0:
        return 0
    await ledger.post(
        session,
        key=key,
        moves=postings.deposit_applied(deposit.company_id, deposit.sale, invoice.number, amount),
        currency=deposit.currency,
        ref=invoice.number,
        at=now,
        by=None,
    )
    told = {"invoice": invoice.number, "amount_minor": amount, **facts_of(deposit)}
    events.record(session, "deposit:applied", deposit.public_id, by=None, at=now, **told)
    return amount


async def applied_minor(session: AsyncSession, invoice: Invoice) -> int:
    """What of a deposit pays this invoice now, in minor units."""
    wanted = select(func.coalesce(func.sum(Entry.amount_minor), 0)).where(Entry.ref == invoice.number)
    account = postings.deposit(invoice.company_id, invoice.sale)
    return int(await session.scalar(wanted.where(Entry.account == account)) or 0)


async def forfeited_minor(session: AsyncSession, invoice: Invoice) -> int:
    """What of the deposit was kept when the invoice was not paid, in minor units."""
    return await _posted(session, f"{FORFEITED}{invoice.number}") or 0


async def give_back(
    session: AsyncSession, invoice: Invoice, amount_minor: int, *, key: str, by: str | None, now: datetime
) -> int:
    """So much of what was applied to the invoice is the company's deposit again, never more than was applied, and the
    invoice owes as much more; answers how much. What a credit note frees goes back here, not to unallocated money: it
    returns to the payment the deposit came from. `key` names the act: said twice, done once."""
    amount = min(amount_minor, await applied_minor(session, invoice))
    deposit = await of_company(session, invoice.company_id, invoice.sale, lock=True)
    if amount <= 0 or deposit is None or invoice.number is None:
        return 0
    done = await ledger.post(
        session,
        key=GIVEN_BACK + key,
        moves=postings.opposite(postings.deposit_applied(deposit.company_id, deposit.sale, invoice.number, amount)),
        currency=deposit.currency,
        ref=invoice.number,
        at=now,
        by=by,
    )
    if not done:
        return 0
    if deposit.state == DepositState.CLOSED:
        deposit.state, deposit.closed_at = DepositState.HELD, None
    told = {"invoice": invoice.number, "amount_minor": amount, **facts_of(deposit)}
    events.record(session, "deposit:given_back", deposit.public_id, by=by, at=now, **told)
    await session.flush()
    return amount


async def forfeit(
    session: AsyncSession, *, invoice: Invoice, forfeit_bp: int, seller_bp: int, now: datetime
) -> Forfeit:
    """The terms' part of the defaulter's deposit is kept, the sellers' share of it by their hammers; what had been
    applied to the invoice is deposit again before. Once per invoice. What is left goes back after the terms' wait."""
    assert invoice.number is not None and 0 <= forfeit_bp <= 10_000 and 0 <= seller_bp <= 10_000
    deposit = await of_company(session, invoice.company_id, invoice.sale, lock=True)
    if deposit is None or deposit.currency != invoice.currency:
        return Forfeit(0, 0, {})
    key = FORFEITED + invoice.number
    if (known := await _posted(session, key)) is not None:
        left = await held_minor(session, deposit.company_id, deposit.sale)
        return Forfeit(known, left, await _shares(session, key))
    if invoice.state not in (InvoiceState.CANCELLED, InvoiceState.WRITTEN_OFF):
        await give_back(session, invoice, invoice.total_minor, key=invoice.number, by=None, now=now)
    kept, left = split(await held_minor(session, deposit.company_id, deposit.sale), invoice.total_minor, forfeit_bp)
    if kept == 0:
        return Forfeit(0, left, {})
    sellers = share_out(kept, seller_bp, await _hammers(session, invoice))
    taken, *shares = postings.forfeited(deposit.company_id, deposit.sale, kept, sellers)
    await ledger.post(
        session,
        key=key,
        moves=[taken._replace(ref=deposit.public_id), *shares],  # on the deposit's account a number says: applied
        currency=deposit.currency,
        ref=invoice.number,
        at=now,
        by=None,
    )
    told = {"invoice": invoice.number, "amount_minor": kept, "left_minor": left, **facts_of(deposit)}
    events.record(session, "deposit:forfeited", deposit.public_id, by=None, at=now, **told)
    return Forfeit(kept, left, sellers)


async def _posted(session: AsyncSession, key: str) -> int | None:
    """What the posting with this key moved out of a deposit; None while there is none, or it was taken back."""
    wanted = select(func.coalesce(func.sum(Entry.amount_minor), 0)).join(Posting, Posting.id == Entry.txn_id)
    if await session.scalar(select(Posting.id).where(Posting.key == key)) is None:
        return None
    return int(
        await session.scalar(wanted.where(Posting.key == key, Entry.account.startswith("liability:deposit:"))) or 0
    )


async def _shares(session: AsyncSession, key: str) -> dict[int, int]:
    wanted = select(Entry.account, Entry.amount_minor).join(Posting, Posting.id == Entry.txn_id)
    rows = await session.execute(wanted.where(Posting.key == key, Entry.account.startswith("liability:seller:")))
    return {int(account.rpartition(":")[2]): -amount for account, amount in rows}


async def _hammers(session: AsyncSession, invoice: Invoice) -> list[tuple[int | None, int]]:
    """(consignor, hammer) of each lot of the invoice; no consignor: the house's own goods."""
    own = set(await session.scalars(select(HouseCompany.company_id)))
    wanted = select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id, InvoiceLine.kind == LineKind.HAMMER)
    lines: Sequence[InvoiceLine] = (await session.scalars(wanted.order_by(InvoiceLine.place))).all()
    return [(None if (one := line.facts["consignor"]) in own else one, line.amount_minor) for line in lines]
