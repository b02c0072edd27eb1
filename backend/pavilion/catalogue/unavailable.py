"""Why a stone cannot be had, and who still comes to see it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue.models import AwaitedStone, CommitmentKind, Stone, StoneCommitment
from pavilion.kernel.errors import Refusal


class NotAvailable(Refusal):
    """The stone is promised elsewhere, withdrawn, or not verified (settlement spec 11.1)."""

    status, code = 409, "not_available"


class OnMemoUntil(NotAvailable):
    """Somebody has it on memo; `date` is the day on which it is due back."""

    status, code = 409, "on_memo_until"

    @property
    def day(self) -> date:
        return date.fromisoformat(str(self.facts["date"]))


def promised_elsewhere(stone: str, live: StoneCommitment) -> NotAvailable:
    """What it is promised to, and for a memo until when."""
    if live.kind == CommitmentKind.ON_MEMO and "date" in live.facts:
        return OnMemoUntil(stone=stone, reason=live.kind, date=live.facts["date"])
    return NotAvailable(stone=stone, reason=live.kind)


async def awaited(session: AsyncSession, stones: Sequence[str], now: datetime) -> dict[str, datetime]:
    """Those of these stones (public ids) that somebody still comes to see, and until when."""
    wanted = select(Stone.public_id, AwaitedStone.until).join(AwaitedStone, AwaitedStone.stone_id == Stone.id)
    rows = await session.execute(wanted.where(Stone.public_id.in_(stones), AwaitedStone.until > now))
    return {row.public_id: row.until for row in rows}


async def on_memo(session: AsyncSession, stones: Sequence[str]) -> dict[str, StoneCommitment]:
    """Those of these stones (public ids) that are out on memo, or promised to one."""
    live = (StoneCommitment.kind == CommitmentKind.ON_MEMO) & StoneCommitment.released_at.is_(None)
    wanted = select(Stone.public_id, StoneCommitment).join(StoneCommitment, StoneCommitment.stone_id == Stone.id)
    rows = await session.execute(wanted.where(Stone.public_id.in_(stones), live))
    return {row[0]: row[1] for row in rows}


async def say_of(session: AsyncSession, ref: str, facts: dict[str, Any]) -> None:
    """What may be told of the promise of stones to `ref` is this from now on."""
    live = select(StoneCommitment).where(StoneCommitment.ref == ref, StoneCommitment.released_at.is_(None))
    for row in await session.scalars(live.order_by(StoneCommitment.id).with_for_update()):
        row.facts = facts
    await session.flush()
