"""How the payment of a deposit stands: one word for the company, the registrar and the cashier."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import ProposalState
from pavilion.settlement.clearing import OPEN
from pavilion.settlement.deposit_models import UNPAID, Deposit, DepositState
from pavilion.settlement.intent_models import Dispute, IntentKind, IntentState, PaymentIntent
from pavilion.settlement.lapsing import LAPSED
from pavilion.settlement.receipt_models import Allocation
from pavilion.settlement.wiring import WIRE

_BY_CARD = {
    IntentState.NEW: "page_open",
    IntentState.SENT: "page_open",
    IntentState.WAITING: "page_open",
    IntentState.SUCCEEDED: "confirming",
    IntentState.FAILED: "failed",
    IntentState.CANCELLED: "failed",
    IntentState.EXPIRED: "expired",
    IntentState.UNKNOWN: "unknown",
}
AWAITED = ("asked", "page_open", "confirming", "failed", "expired", "unknown", "wire_waits", "disputed", "lapsed")
STANDINGS = (*AWAITED, "held", "authorised", "closed")


async def of(session: AsyncSession, rows: Sequence[Deposit]) -> dict[str, str]:
    """By the public id of the deposit."""
    refs = {row.public_id: row for row in rows}
    contested = select(Allocation.deposit).join(Dispute, Dispute.receipt_id == Allocation.receipt_id)
    disputed = set(await session.scalars(contested.where(Dispute.state == OPEN, Allocation.deposit.in_(refs))))
    wired = await _wired(session, refs) if any(row.state in UNPAID for row in rows) else set()
    last: dict[str, PaymentIntent] = {}
    kinds = (IntentKind.DEPOSIT, IntentKind.HOLD)
    asked = select(PaymentIntent).where(PaymentIntent.ref.in_(refs), PaymentIntent.kind.in_(kinds))
    for intent in await session.scalars(asked.order_by(PaymentIntent.id)):
        last[intent.ref] = intent
    return {ref: _one(row, last.get(ref), ref in disputed, ref in wired) for ref, row in refs.items()}


async def of_registrations(session: AsyncSession, registrations: Collection[str]) -> dict[str, str]:
    """By the public id of the registration; those without a deposit are not in it."""
    rows = (await session.scalars(select(Deposit).where(Deposit.registration.in_(registrations)))).all()
    found = await of(session, rows)
    return {row.registration: found[row.public_id] for row in rows}


def _one(row: Deposit, last: PaymentIntent | None, disputed: bool, wired: bool) -> str:
    if row.state == DepositState.CLOSED:
        return "closed"
    if row.state == DepositState.HELD:
        held_by_card = row.by_hold and last is not None and last.kind == IntentKind.HOLD
        return "authorised" if held_by_card else "held"
    if disputed:
        return "disputed"
    if last is not None and LAPSED in last.facts:
        return "lapsed"
    if wired:
        return "wire_waits"
    said = _BY_CARD[IntentState(last.state)] if last is not None else "asked"
    return "asked" if said == "confirming" and row.state == DepositState.ASKED else said


async def _wired(session: AsyncSession, refs: Collection[str]) -> set[str]:
    """Those for which one of us has entered a wire that a second one is still to see."""
    wanted = select(Proposal.facts).where(Proposal.kind == WIRE, Proposal.state == ProposalState.OPEN)
    named = {str(facts.get("deposit", "")) for facts in await session.scalars(wanted)}
    return {ref for ref in refs if ref in named or f"DEP-{ref[-8:]}" in named}
