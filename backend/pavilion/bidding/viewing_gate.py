"""Above so much of the low estimate a lot is bid on only by who has seen it, or has signed that it need not (bidding
spec 5.7)."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.bidding.request_models import Viewing, ViewingKind
from pavilion.bidding.rules import RuleSet
from pavilion.kernel import events
from pavilion.kernel.db import inserting


async def record(
    session: AsyncSession,
    *,
    lot: str,
    company_id: int,
    kind: ViewingKind,
    at: datetime,
    by: str,
    signed_as: str | None = None,
) -> None:
    """The company has seen the lot at `at`, or waived it; its next bid may be as high as it likes. Said twice, nothing
    more happens."""
    row = {"lot": lot, "company_id": company_id, "kind": kind.value, "at": at, "by": by, "signed_as": signed_as}
    fresh = inserting(session, Viewing).values(**row).on_conflict_do_nothing().returning(Viewing.id)
    if await session.scalar(fresh) is not None:
        events.record(session, "viewing:recorded", lot, by=by, at=at, company=company_id, kind=kind.value)


async def viewed(session: AsyncSession, lots: Iterable[str]) -> dict[str, frozenset[int]]:
    """The companies that may bid above the gate, by lot."""
    rows = await session.execute(select(Viewing.lot, Viewing.company_id).where(Viewing.lot.in_(list(lots))))
    found: dict[str, set[int]] = {}
    for lot, company in rows:
        found.setdefault(lot, set()).add(company)
    return {lot: frozenset(companies) for lot, companies in found.items()}


def highest_unseen(rules: RuleSet, lot: str, low: int) -> int | None:
    """The highest maximum that needs no viewing; None where the lot has no gate."""
    gate = rules.viewing_gate
    if gate is None or (gate.lots != "all" and lot not in gate.lots):
        return None
    return gate.gate_bp * low // 10_000
