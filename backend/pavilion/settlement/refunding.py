"""Money that goes back: to the payment it came from, newest first, never more than what remains of it (settlement
spec 6.4). What is owed stands in `liability:refund` until the provider or the bank has paid it."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Actor
from pavilion.auctions.entities import entities
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, BadInput, KeyReused, NotFound, Refusal
from pavilion.kernel.ids import ulid
from pavilion.settlement import discrepancies, intents, ledger, postings, queries, receiving, taken_by_bank
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.intent_models import IntentKind
from pavilion.settlement.models import Invoice
from pavilion.settlement.receipt_models import BY_BANK, Allocation, Receipt, Refund, RefundState, Source
from pavilion.settlement.terms import Terms

PAY = "refund.pay"
REASONS = ("deposit_released", "overpaid", "credit_note", "cancelled_sale")  # each has its words as `refund_for_…`
MOST_AT_ONCE = 100  # refunds in one proposal


class RefundTooLarge(Refusal):
    """More than what remains of the payments it would go back to: nothing is owed by this."""

    status, code = 422, "refund_too_large"


async def owe(
    session: AsyncSession,
    *,
    key: str,
    company_id: int | None,
    entity: str,
    currency: str,
    amount_minor: int,
    reason: str,
    ref: str,
    from_account: str,
    receipts: Sequence[Receipt] | None = None,
    by: str | None,
    now: datetime,
) -> list[Refund]:
    """The amount is owed back to the company and stands as one refund per original receipt, newest first; said twice
    under one key, owed once. `from_account` gives it: a deposit, what is unallocated, or `asset:buyer` after a credit
    note; `ref` names the deposit, receipt or invoice. Without `receipts`, those that paid what `ref` names. Up to the
    terms' limit the provider is asked at once; more, and every wire, waits for two persons. Nothing owed: no refund."""
    if amount_minor < 0:
        raise BadInput(fields={"amount": "amount_invalid"})
    moves = postings.refund_decided(from_account, company_id, amount_minor, ref)
    act = f"refund.owed:{key}"
    try:
        posted = await ledger.post(session, key=act, moves=moves, currency=currency, ref=ref, at=now, by=by)
    except ledger.Overdrawn as fault:
        raise RefundTooLarge(account=from_account) from fault
    if not posted:
        return await _earlier(session, key, amount_minor)
    found = await _payers(session, company_id, entity, currency, from_account, ref, receipts)
    made: list[Refund] = []
    for receipt, part in await _split(session, found, from_account, ref, amount_minor):
        refund = Refund(
            public_id=ulid(now), key=f"{key}#{len(made) + 1}", receipt_id=receipt.id, company_id=company_id,
            entity=receipt.entity, currency=currency, amount_minor=part, reason=reason, ref=ref,
            state=RefundState.DECIDED, by_wire=receiving.by_wire(receipt), bank_reference="", note="",
            decided_by=by, decided_at=now,
        )  # fmt: skip
        session.add(refund)
        await _take_back(session, receipt, from_account, ref, part, by, now)
        told: dict[str, Any] = {"amount_minor": part, "currency": currency, "reason": reason, "about": ref}
        events.record(session, "refund:owed", refund.public_id, by=by, at=now, company_id=company_id, **told)
        made.append(refund)
    await session.flush()
    if amount_minor <= (await _terms(session, entity, currency, from_account, ref)).refund_alone_minor:
        for refund in made:
            if not refund.by_wire:
                await _ask(session, refund, now)
    return made


async def propose(session: AsyncSession, ids: Collection[str], *, actor: Actor, now: datetime) -> Proposal:
    """These refunds, of one currency, wait for a second person."""
    rows = await _locked(session, ids)
    if any(row.state != RefundState.DECIDED for row in rows):
        raise ActNotAllowed(state=next(row.state for row in rows if row.state != RefundState.DECIDED))
    await _refuse_disputed(session, rows)
    if len({row.currency for row in rows}) != 1:
        raise BadInput(fields={"refund": "one_currency"})
    names = await queries.company_names(session, {row.company_id for row in rows if row.company_id})
    payees = sorted({names.get(row.company_id or 0, "") for row in rows})
    named = sorted(row.public_id for row in rows)
    facts = {
        "refunds": named,
        "amount_minor": sum(row.amount_minor for row in rows),
        "currency": rows[0].currency,
        "count": len(rows),
        "payees": ", ".join(name for name in payees if name)[:200] or "–",
    }
    digest = hashlib.sha256(" ".join(named).encode()).hexdigest()
    subject = rows[0].public_id if len(rows) == 1 else f"refunds {digest[:24]}"
    return await accounts.propose(session, kind=PAY, subject=subject, facts=facts, actor=actor, now=now)


async def pay(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Agreed by two: the provider is asked, a wire waits for its bank reference."""
    rows = await _locked(session, proposal.facts["refunds"])
    if sum(row.amount_minor for row in rows) != proposal.facts["amount_minor"]:
        raise ActNotAllowed(state="changed")
    await _refuse_disputed(session, rows)
    for row in rows:
        if row.state != RefundState.DECIDED:
            raise ActNotAllowed(state=row.state)
        if row.by_wire:
            row.state = RefundState.SENT
            events.record(session, "refund:sent", row.public_id, by=actor.public_id, at=now, by_wire=True)
        else:
            await _ask(session, row, now)


async def confirmed(
    session: AsyncSession,
    refund: Refund,
    *,
    provider_ref: str = "",
    bank_reference: str = "",
    by: str | None,
    now: datetime,
) -> None:
    """The money has left: it is owed no more. Said twice, posted once. What was failed or replaced meanwhile is not
    posted but put to a person."""
    await session.flush()
    await session.refresh(refund, with_for_update=True)
    if refund.state == RefundState.SUCCEEDED:
        return
    if refund.state in (RefundState.FAILED, RefundState.REPLACED):
        kind = "refund_twice" if refund.state == RefundState.REPLACED else "contradiction"
        facts = {"amount_minor": refund.amount_minor, "currency": refund.currency, "state": refund.state}
        await discrepancies.found(
            session, key=f"{kind}:{refund.public_id}", kind=kind, subject=refund.public_id, facts=facts, now=now
        )
        return
    if refund.state == RefundState.DECIDED:  # nobody has sent it
        raise ActNotAllowed(state=refund.state)
    receipt = await session.get(Receipt, refund.receipt_id) if refund.receipt_id else None
    house = postings.bank(refund.entity) if refund.by_wire or receipt is None else receiving.house_account(receipt)
    await ledger.post(
        session,
        key=f"refund:{refund.public_id}",
        moves=postings.refund_confirmed(refund.company_id, house, refund.amount_minor),
        currency=refund.currency,
        ref=refund.public_id,
        at=now,
        by=by,
    )
    refund.state, refund.ended_at = RefundState.SUCCEEDED, now
    refund.provider_ref, refund.bank_reference = provider_ref or refund.provider_ref, bank_reference
    told: dict[str, Any] = {"amount_minor": refund.amount_minor, "currency": refund.currency, "about": refund.ref}
    events.record(
        session, "refund:paid", refund.public_id, by=by, at=now, company_id=refund.company_id, reason=refund.reason,
        **told,
    )  # fmt: skip


async def failed(session: AsyncSession, refund: Refund, *, reason: str, now: datetime) -> None:
    """It did not reach the payer: still owed, for a person to send another way, unless the payer's bank has taken the
    payment back meanwhile. A confirmation is taken back."""
    await session.flush()
    await session.refresh(refund, with_for_update=True)
    if refund.state in (RefundState.FAILED, RefundState.REPLACED):
        return
    if refund.state == RefundState.SUCCEEDED:
        await ledger.reverse(session, f"refund:{refund.public_id}", by=None, at=now)
    refund.state, refund.note, refund.ended_at = RefundState.FAILED, reason, now
    await taken_by_bank.end(session, refund.receipt_id, now)
    facts = {"amount_minor": refund.amount_minor, "currency": refund.currency, "reason": reason, "about": refund.ref}
    events.record(session, "refund:failed", refund.public_id, by=None, at=now, **facts)
    await discrepancies.found(
        session, key=f"refund_failed:{refund.public_id}", kind="refund_failed", subject=refund.public_id, facts=facts,
        now=now,
    )  # fmt: skip


async def replace(session: AsyncSession, public_id: str, *, actor: Actor, now: datetime) -> Refund:
    """A failed refund is owed by wire instead; the debt stays the same one."""
    (old,) = await _locked(session, [public_id])
    if old.state != RefundState.FAILED:
        raise ActNotAllowed(state=old.state)
    await _refuse_disputed(session, [old])
    root, _, times = old.key.partition("~")
    new = Refund(
        public_id=ulid(now), key=f"{root}~{int(times or 0) + 1}", receipt_id=old.receipt_id,
        company_id=old.company_id, entity=old.entity, currency=old.currency, amount_minor=old.amount_minor,
        reason=old.reason, ref=old.ref, state=RefundState.DECIDED, by_wire=True, bank_reference="", note="",
        decided_by=actor.public_id, decided_at=now,
    )  # fmt: skip
    old.state = RefundState.REPLACED
    session.add(new)
    await session.flush()
    events.record(session, "refund:replaced", old.public_id, by=actor.public_id, at=now, by_refund=new.public_id)
    return new


async def carried_out(
    session: AsyncSession, public_id: str, *, bank_reference: str, actor: Actor, now: datetime
) -> Refund:
    """A wire agreed by two has left the bank under this reference."""
    (refund,) = await _locked(session, [public_id])
    if refund.state != RefundState.SENT or not refund.by_wire:
        raise ActNotAllowed(state=refund.state)
    await confirmed(session, refund, bank_reference=bank_reference, by=actor.public_id, now=now)
    return refund


async def _earlier(session: AsyncSession, key: str, amount_minor: int) -> list[Refund]:
    """What stands under this key; one that failed stands as what replaced it."""
    wanted = select(Refund).where(Refund.key.startswith(f"{key}#", autoescape=True)).order_by(Refund.id)
    standing = or_(Refund.state != RefundState.REPLACED, Refund.note == BY_BANK)
    rows = list((await session.scalars(wanted.where(standing))).all())
    if sum(row.amount_minor for row in rows) != amount_minor:
        raise KeyReused()
    return rows


async def _terms(session: AsyncSession, entity: str, currency: str, from_account: str, ref: str) -> Terms:
    """Of the sale whose deposit or invoice gives the money; of the selling entity where no sale does."""
    sale = from_account.split(":")[3] if from_account.startswith(postings.DEPOSITS) else None
    if from_account.startswith(postings.BUYERS):
        sale = await session.scalar(select(Invoice.sale).where(Invoice.number == ref))
    return await terms_of(session, sale, entity) if sale else Terms.of(currency, entities()[entity].terms)


async def _payers(
    session: AsyncSession,
    company_id: int | None,
    entity: str,
    currency: str,
    from_account: str,
    ref: str,
    given: Sequence[Receipt] | None,
) -> list[Receipt]:
    """The receipts it may go back to, newest first, locked in the order of their ids."""
    wanted = select(Receipt).where(Receipt.currency == currency, Receipt.entity == entity)
    if given is not None:
        wanted = wanted.where(Receipt.id.in_([receipt.id for receipt in given]))
    elif from_account.startswith(postings.UNALLOCATED):
        whose = Receipt.company_id.is_(None) if company_id is None else Receipt.company_id == company_id
        named = select(Receipt.id).where(Receipt.public_id == ref).scalar_subquery()
        wanted = wanted.where(Receipt.id == named if await _is_receipt(session, ref) else whose)
    else:
        wanted = wanted.where(Receipt.id.in_(select(Allocation.receipt_id).where(_towards(from_account, ref))))
    rows = (await session.scalars(wanted.order_by(Receipt.id).with_for_update())).all()
    return sorted(rows, key=lambda row: (row.at, row.id), reverse=True)


async def _is_receipt(session: AsyncSession, ref: str) -> bool:
    return await session.scalar(select(Receipt.id).where(Receipt.public_id == ref)) is not None


def _towards(from_account: str, ref: str) -> Any:
    """Allocations to the deposit or invoice that gives the money."""
    if from_account.startswith(postings.DEPOSITS):
        return Allocation.deposit == ref
    return Allocation.invoice_id.in_(select(Invoice.id).where(Invoice.number == ref))


async def _split(
    session: AsyncSession, receipts: Sequence[Receipt], from_account: str, ref: str, amount_minor: int
) -> list[tuple[Receipt, int]]:
    parts, left = [], amount_minor
    for receipt in receipts:
        part = min(left, await _remains(session, receipt, from_account, ref))
        if part > 0:
            parts.append((receipt, part))
            left -= part
    if left:
        raise RefundTooLarge(left_minor=left)
    return parts


async def _remains(session: AsyncSession, receipt: Receipt, from_account: str, ref: str) -> int:
    """What of the receipt can still go back from there."""
    if from_account.startswith(postings.UNALLOCATED):
        return await receiving.left_of(session, receipt)
    paid = select(func.coalesce(func.sum(Allocation.amount_minor), 0)).where(Allocation.receipt_id == receipt.id)
    there = int(await session.scalar(paid.where(_towards(from_account, ref))) or 0)
    return min(there, receipt.amount_minor - await queries.refunded_minor(session, receipt))


async def _take_back(
    session: AsyncSession, receipt: Receipt, from_account: str, ref: str, part: int, by: str | None, now: datetime
) -> None:
    """What goes back pays nothing any more: allocations, refunds and what is left add up to the receipt."""
    if from_account.startswith(postings.UNALLOCATED):
        return
    row = Allocation(receipt_id=receipt.id, amount_minor=-part, by=by, at=now)
    if from_account.startswith(postings.DEPOSITS):
        row.deposit = ref
    else:
        row.invoice_id = await session.scalar(select(Invoice.id).where(Invoice.number == ref))
    session.add(row)


async def _ask(session: AsyncSession, refund: Refund, now: datetime) -> None:
    """The provider is asked to pay it back; its row's public id is the key of the request."""
    receipt = await session.get_one(Receipt, refund.receipt_id)
    await intents.ask(
        session,
        kind=IntentKind.REFUND,
        key=refund.public_id,
        ref=refund.public_id,
        company_id=refund.company_id,
        entity=refund.entity,
        currency=refund.currency,
        amount_minor=refund.amount_minor,
        facts={"receipt": receipt.public_id, "source": Source(receipt.source).value, "paid_by": receipt.provider_ref},
        now=now,
    )
    refund.state = RefundState.SENT
    events.record(session, "refund:sent", refund.public_id, by=refund.decided_by, at=now, by_wire=False)


async def _refuse_disputed(session: AsyncSession, rows: Sequence[Refund]) -> None:
    """What the payer's bank has taken back itself is not sent back once more: not while that dispute is open, and never
    after it was lost."""
    for row in rows:
        receipt = await session.get(Receipt, row.receipt_id) if row.receipt_id else None
        if receipt is not None and await receiving.left_of(session, receipt) < 0:
            raise ActNotAllowed(state="disputed")


async def _locked(session: AsyncSession, ids: Collection[str]) -> list[Refund]:
    if not 0 < len(set(ids)) <= MOST_AT_ONCE:
        raise BadInput(fields={"refund": "missing"})
    wanted = select(Refund).where(Refund.public_id.in_(ids)).order_by(Refund.id).with_for_update()
    rows = list((await session.scalars(wanted)).all())
    if len(rows) != len(set(ids)):
        raise NotFound()
    return rows


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {PAY: pay}
