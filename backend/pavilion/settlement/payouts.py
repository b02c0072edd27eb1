"""Money for consignors: the account it goes to, two persons, the transfer with its reference (settlement spec 10)."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Actor, Permission, ProposalState
from pavilion.auctions.entities import entities
from pavilion.kernel import events
from pavilion.kernel.db import seal_of
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed, NotDone, NotFound, Refusal
from pavilion.kernel.ids import ulid
from pavilion.settlement import ledger, postings, proceeds, sellers
from pavilion.settlement.clearing import cleared_on
from pavilion.settlement.models import Invoice
from pavilion.settlement.receipt_models import Discrepancy
from pavilion.settlement.seller_models import Payout, PayoutState, SellerAccount, SellerStatement
from pavilion.settlement.seller_rules import ItemKind

PAY = "seller.pay"
REST = timedelta(hours=48)  # a confirmed account waits so long before it is paid to
REFERENCE_KNOWN = timedelta(days=90)
# Why a statement cannot be paid now.
FAULTS = (
    *("payout_exists", "statement_is_carried", "nothing_to_pay", "not_payable_yet", "account_not_confirmed"),
    *("discrepancy_open", "correction_waits", "not_cleared"),
)
_ACCOUNT = re.compile(r"[A-Z0-9]{4,34}")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")


class NotYou(Refusal):
    status, code = 403, "step_up_needed"


class PayoutReference(Refusal):
    status, code = 409, "duplicate_reference"


async def name_account(
    session: AsyncSession, *, holder: str, number: str, bic: str, currency: str, actor: Actor, now: datetime
) -> SellerAccount:
    """A bank account of the own company, which receives nothing before it is confirmed. The number is kept sealed."""
    company_id = _own(actor)
    bare, code = re.sub(r"[ .-]", "", number).upper(), bic.replace(" ", "").upper()
    faults = {} if _ACCOUNT.fullmatch(bare) and _iban_holds(bare) else {"number": "account_number_invalid"}
    faults |= {} if _BIC.fullmatch(code) else {"bic": "bic_invalid"}
    if faults:
        raise BadInput(fields=faults)
    seal = seal_of(session)
    assert seal is not None, "an account number is only kept where the house has its data key"
    public_id = ulid(now)
    row = SellerAccount(
        public_id=public_id,
        company_id=company_id,
        currency=currency,
        holder=holder,
        sealed=seal.close_text(bare, f"seller-account:{public_id}"),
        tail=bare[-4:],
        bic=code,
        named_by=actor.public_id or "",
        named_at=now,
    )
    session.add(row)
    await session.flush()
    events.record(session, "seller_account:named", public_id, by=actor.public_id, at=now, company_id=company_id)
    return row


async def confirm_account(
    session: AsyncSession, public_id: str, *, password: str, actor: Actor, now: datetime
) -> SellerAccount | None:
    """From now on, and paid to after 48 hours; the account before it is over. None when the password was wrong: the
    failure is counted and must be committed."""
    company_id = _own(actor)
    await sellers.alone(session, company_id)
    row = await session.scalar(
        select(SellerAccount).where(SellerAccount.public_id == public_id, SellerAccount.company_id == company_id)
    )
    if row is None:
        raise NotFound()
    if row.ended_at is not None:
        raise ActNotAllowed(state="ended")
    assert actor.person_id is not None
    if not await accounts.is_you(session, person_id=actor.person_id, password=password, now=now):
        return None
    if row.confirmed_at is None:
        row.confirmed_at, row.confirmed_by = now, actor.public_id
        earlier = select(SellerAccount).where(SellerAccount.company_id == company_id, SellerAccount.id != row.id)
        earlier = earlier.where(SellerAccount.currency == row.currency, SellerAccount.ended_at.is_(None))
        for other in await session.scalars(earlier):
            other.ended_at = now
        events.record(session, "seller_account:confirmed", public_id, by=actor.public_id, at=now, company_id=company_id)
    return row


async def account_number(session: AsyncSession, row: SellerAccount) -> str:
    """For the cashier who makes the transfer, once two persons have decided it."""
    seal = seal_of(session)
    assert seal is not None
    return seal.open_text(row.sealed, f"seller-account:{row.public_id}")


async def account_of(session: AsyncSession, company_id: int, currency: str) -> SellerAccount | None:
    """Where this consignor is paid in this currency: the last one confirmed that is not over."""
    wanted = select(SellerAccount).where(SellerAccount.company_id == company_id, SellerAccount.currency == currency)
    wanted = wanted.where(SellerAccount.confirmed_at.is_not(None), SellerAccount.ended_at.is_(None))
    found: SellerAccount | None = await session.scalar(wanted.order_by(SellerAccount.confirmed_at.desc()).limit(1))
    return found


async def fault_of(session: AsyncSession, statement: SellerStatement, now: datetime) -> str | None:
    """Why this statement cannot be paid now, as a code; None when it can."""
    live = select(Payout.id).where(Payout.statement_id == statement.id, Payout.state != PayoutState.CANCELLED)
    if await session.scalar(live) is not None:
        return "payout_exists"
    if await sellers.carried(session, [statement.id]):
        return "statement_is_carried"
    if statement.net_minor <= 0:
        return "nothing_to_pay"
    zone = ZoneInfo(entities()[statement.entity].zone)
    if now.astimezone(zone).date().isoformat() < statement.payable_on:
        return "not_payable_yet"
    account = await account_of(session, statement.company_id, statement.currency)
    if account is None or account.confirmed_at is None or now < account.confirmed_at + REST:
        return "account_not_confirmed"
    return await _money_fault(session, statement, now)


async def _money_fault(session: AsyncSession, statement: SellerStatement, now: datetime) -> str | None:
    """What the lots brought must still be there: no open discrepancy, dispute or credit note that came later."""
    numbers = await invoices_of(session, statement)
    disagrees = select(Discrepancy.id).where(Discrepancy.invoice.in_(numbers), Discrepancy.closed_at.is_(None))
    if await session.scalar(disagrees.limit(1)) is not None:
        return "discrepancy_open"
    invoices = (await session.scalars(select(Invoice).where(Invoice.number.in_(numbers)))).all()
    found = await proceeds.of_sale(session, statement.company_id, statement.sale, now)
    if found is not None and any(item.kind == ItemKind.CORRECTION for item in found.items):
        return "correction_waits"
    cleared = await cleared_on(session, invoices, 0)
    return None if all(one.id in cleared or one.state == "cancelled" for one in invoices) else "not_cleared"


async def invoices_of(session: AsyncSession, statement: SellerStatement) -> set[str]:
    """The invoices whose money this statement is made of, and those of the statements it took over."""
    numbers = set(statement.facts["invoices"])
    for earlier in statement.facts["carries"]:
        numbers |= await invoices_of(session, await session.get_one(SellerStatement, earlier))
    return numbers


async def propose(session: AsyncSession, *, number: str, actor: Actor, now: datetime) -> Proposal:
    """The payment of a statement waits for a second person."""
    if not actor.may(Permission.PAYMENT_BOOK):
        raise NotAllowed(right=Permission.PAYMENT_BOOK.value)
    statement = await by_number(session, number)
    await sellers.alone(session, statement.company_id)
    if (fault := await fault_of(session, statement, now)) is not None:
        raise NotDone(fault)
    account = await account_of(session, statement.company_id, statement.currency)
    assert account is not None
    facts = {
        "statement": statement.number,
        "amount_minor": statement.net_minor,
        "currency": statement.currency,
        "company_id": statement.company_id,
        "account": account.public_id,
        "holder": account.holder,
        "tail": account.tail,
    }
    return await accounts.propose(session, kind=PAY, subject=statement.number, facts=facts, actor=actor, now=now)


async def approve(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """The transfer may be made. Looked at anew: what stood in the way since refuses the approval."""
    statement = await by_number(session, proposal.facts["statement"])
    await sellers.alone(session, statement.company_id)
    if (fault := await fault_of(session, statement, now)) is not None:
        raise NotDone(fault)
    account = await account_of(session, statement.company_id, statement.currency)
    if account is None or account.public_id != proposal.facts["account"]:
        raise NotDone("account_not_confirmed")
    assert actor.person_id is not None and proposal.facts["amount_minor"] == statement.net_minor
    row = Payout(
        public_id=ulid(now),
        statement_id=statement.id,
        company_id=statement.company_id,
        entity=statement.entity,
        currency=statement.currency,
        amount_minor=statement.net_minor,
        account_id=account.id,
        proposed_by=proposal.proposed_by,
        approved_by=actor.person_id,
        made_at=now,
    )
    session.add(row)
    await session.flush()
    told = {"statement": statement.number, "company_id": statement.company_id}
    events.record(session, "payout:approved", row.public_id, by=actor.public_id, at=now, **told)


async def paid(session: AsyncSession, public_id: str, *, bank_reference: str, actor: Actor, now: datetime) -> Payout:
    """The transfer was made under this bank reference; it stands in the journal."""
    row = await _locked(session, public_id)
    if row.state == PayoutState.PAID and row.bank_reference == bank_reference:
        return row
    if row.state != PayoutState.APPROVED:
        raise ActNotAllowed(state=row.state)
    known = select(Payout.id).where(Payout.entity == row.entity, Payout.bank_reference == bank_reference)
    if await session.scalar(known.where(Payout.ended_at > now - REFERENCE_KNOWN).limit(1)) is not None:
        raise PayoutReference()
    row.state, row.bank_reference, row.ended_at = PayoutState.PAID, bank_reference, now
    statement = await session.get_one(SellerStatement, row.statement_id)
    await ledger.post(
        session,
        key=f"seller_payout:{row.public_id}",
        moves=postings.seller_paid(row.company_id, row.entity, row.amount_minor),
        currency=row.currency,
        ref=statement.number,
        at=now,
        by=actor.public_id,
    )
    told = {"statement": statement.number, "company_id": row.company_id}
    events.record(session, "payout:paid", row.public_id, by=actor.public_id, at=now, **told)
    return row


async def cancel(session: AsyncSession, public_id: str, *, reason: str, actor: Actor, now: datetime) -> Payout:
    """The transfer was never made, or the bank sent it back: the statement can be paid anew."""
    row = await _locked(session, public_id)
    if row.state == PayoutState.CANCELLED:
        return row
    if row.state == PayoutState.PAID:
        await ledger.reverse(session, f"seller_payout:{row.public_id}", by=actor.public_id, at=now)
    row.state, row.ended_at = PayoutState.CANCELLED, now
    told = {"company_id": row.company_id, "reason": reason}
    events.record(session, "payout:cancelled", row.public_id, by=actor.public_id, at=now, **told)
    return row


async def by_number(session: AsyncSession, number: str) -> SellerStatement:
    row = await session.scalar(select(SellerStatement).where(SellerStatement.number == number))
    if row is None:
        raise NotFound()
    return row


async def proposed(session: AsyncSession, now: datetime) -> dict[str, datetime]:
    """Statements whose payment waits for a second person, and until when."""
    wanted = select(Proposal.subject, Proposal.expires_at).where(Proposal.kind == PAY, Proposal.expires_at > now)
    rows = await session.execute(wanted.where(Proposal.state == ProposalState.OPEN))
    return dict(rows.all())


async def _locked(session: AsyncSession, public_id: str) -> Payout:
    row = await session.scalar(select(Payout).where(Payout.public_id == public_id).with_for_update())
    if row is None:
        raise NotFound()
    return row


def _own(actor: Actor) -> int:
    """Accounts are named and confirmed by people who trade or manage for their own, approved company."""
    if actor.company_id is None or not (actor.may(Permission.STOCK_WRITE) or actor.may(Permission.PEOPLE_EDIT)):
        raise NotAllowed(right=Permission.STOCK_WRITE.value)
    return actor.company_id


def _iban_holds(number: str) -> bool:
    """An account that begins as an IBAN must add up as one; others are taken as they are."""
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", number):
        return True
    turned = number[4:] + number[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {PAY: approve}
