"""Who waits for a held stone: told in order, each with the first right for as long as the selling house says
(settlement spec 11.2)."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from pavilion.accounts.rules import Actor
from pavilion.auctions.queries import HOUSE
from pavilion.catalogue import queries as catalogue
from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.catalogue.queries import LISTED, visible_to
from pavilion.catalogue.service import NotAvailable
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, NotFound
from pavilion.kernel.ids import ulid
from pavilion.trading import conditions
from pavilion.trading.desk import desk_of
from pavilion.trading.models import HoldWait


async def wait(session: AsyncSession, *, stone: Stone, company_id: int, actor: Actor, now: datetime) -> HoldWait:
    """The company stands in the queue of this stone, once. There is a queue only where somebody else holds it."""
    live = (await catalogue.commitments_of(session, [stone.id])).get(stone.id)
    if live is None or live.kind != CommitmentKind.HELD:
        raise ActNotAllowed(state=live.kind if live else "available")
    known = select(HoldWait).where(HoldWait.stone == stone.public_id, HoldWait.company_id == company_id)
    if (row := await session.scalar(known.where(HoldWait.ended_at.is_(None)))) is not None:
        return row
    row = HoldWait(public_id=ulid(now), stone=stone.public_id, company_id=company_id, by=actor.public_id, at=now)
    session.add(row)
    await session.flush()
    return row


async def leave(session: AsyncSession, *, wait: str, company_id: int, now: datetime) -> None:
    """The company waits no more; where it was its turn, the next has it."""
    wanted = select(HoldWait).where(HoldWait.public_id == wait, HoldWait.company_id == company_id)
    row = await session.scalar(wanted.with_for_update())
    if row is None:
        raise NotFound()
    if row.ended_at is not None:
        return
    row.ended_at = now
    await session.flush()
    if row.first_right_until is not None:
        await tell_next(session, row.stone, now)


async def tell_next(session: AsyncSession, stone: str, now: datetime) -> HoldWait | None:
    """Once the stone is free, who has waited longest has the first right from then on, and is told."""
    if (found := await _free(session, stone)) is None:
        return None
    wanted = select(HoldWait).where(HoldWait.stone == stone, HoldWait.ended_at.is_(None)).order_by(HoldWait.id)
    row = await session.scalar(wanted.limit(1).with_for_update())
    if row is None or row.first_right_until is not None:
        return row
    row.first_right_until = now + desk_of(conditions.house_of([found])).first_right
    await session.flush()
    facts = {"stone": stone, "company_id": row.company_id, "until": row.first_right_until.isoformat()}
    events.record(session, "hold:first_right", row.public_id, by=None, at=now, **facts)
    return row


async def _free(session: AsyncSession, stone: str) -> Stone | None:
    """The stone, while it is listed and promised to nobody."""
    found = await session.scalar(visible_to(HOUSE).where(Stone.public_id == stone))
    free = found is not None and found.listed and not await catalogue.commitments_of(session, [found.id])
    return found if free else None


async def refuse_after_others(session: AsyncSession, stone: str, company_id: int, now: datetime) -> None:
    """Refused while another company has the first right to the stone."""
    wanted = select(HoldWait.company_id).where(HoldWait.stone == stone, HoldWait.ended_at.is_(None))
    first = await session.scalar(wanted.where(HoldWait.first_right_until > now).limit(1))
    if first is not None and first != company_id:
        raise NotAvailable(stone=stone, reason="first_right")


async def served(session: AsyncSession, stone: str, company_id: int, now: datetime) -> None:
    """The company has what it waited for."""
    mine = select(HoldWait).where(HoldWait.stone == stone, HoldWait.company_id == company_id)
    for row in await session.scalars(mine.where(HoldWait.ended_at.is_(None))):
        row.ended_at = now
    await session.flush()


async def gone(session: AsyncSession, stone: str, now: datetime) -> None:
    """The stone is sold or off the list: nobody waits for it any more."""
    for row in await session.scalars(select(HoldWait).where(HoldWait.stone == stone, HoldWait.ended_at.is_(None))):
        row.ended_at = now
    await session.flush()


async def overlooked(session: AsyncSession, most: int) -> list[str]:
    """Stones somebody waits for that are free though nobody was told: what kept them last was no hold, and who let
    them go (a sale, an owner) knows no queue."""
    kept = select(StoneCommitment.id).where(StoneCommitment.stone_id == Stone.id, StoneCommitment.released_at.is_(None))
    told = aliased(HoldWait)
    first = select(told.id).where(
        told.stone == HoldWait.stone, told.ended_at.is_(None), told.first_right_until.is_not(None)
    )
    wanted = select(HoldWait.stone).join(Stone, Stone.public_id == HoldWait.stone)
    wanted = wanted.where(HoldWait.ended_at.is_(None), LISTED, ~kept.exists(), ~first.exists())
    return list(await session.scalars(wanted.distinct().order_by(HoldWait.stone).limit(most)))


async def turn(session: AsyncSession, now: datetime) -> int:
    """A first right that was not used passes on to the next."""
    wanted = select(HoldWait).where(HoldWait.first_right_until <= now, HoldWait.ended_at.is_(None))
    rows = (await session.scalars(wanted.order_by(HoldWait.id).with_for_update(skip_locked=True))).all()
    for row in rows:
        row.ended_at = now
        await session.flush()
        await tell_next(session, row.stone, now)
    return len(rows)
