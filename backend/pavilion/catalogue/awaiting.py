"""Who still comes to see a stone: until then no stock file takes it off the list."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import case, delete, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue.models import AwaitedStone, Stone
from pavilion.kernel.db import inserting


async def await_stones(session: AsyncSession, stones: Sequence[str], until: datetime) -> None:
    """Somebody comes to see these stones (public ids) and goes at `until`; nothing takes them off the list before."""
    if not stones:
        return
    ids = select(Stone.id, literal(until, AwaitedStone.until.type)).where(Stone.public_id.in_(stones))
    rows = inserting(session, AwaitedStone).from_select(["stone_id", "until"], ids.order_by(Stone.id))
    later = rows.excluded.until
    longer = {"until": case((AwaitedStone.until > later, AwaitedStone.until), else_=later)}
    await session.execute(rows.on_conflict_do_update(index_elements=["stone_id"], set_=longer))


async def awaited_until(session: AsyncSession, until: Mapping[str, datetime | None], *, now: datetime) -> None:
    """Of each stone the last who comes goes at the instant beside it, or nobody comes. Whoever came in between stays
    awaited: what changed since it was read is left alone."""
    rows = select(Stone.public_id, AwaitedStone.stone_id, AwaitedStone.until).join(
        Stone, Stone.id == AwaitedStone.stone_id
    )
    for stone, id, seen in (await session.execute(rows.where(Stone.public_id.in_(until)).order_by(Stone.id))).all():
        last = until[stone]
        same = (AwaitedStone.stone_id == id, AwaitedStone.until == seen)
        quiet = {"synchronize_session": False}
        if last is None or last <= now:
            await session.execute(delete(AwaitedStone).where(*same).execution_options(**quiet))
        elif last < seen:
            await session.execute(update(AwaitedStone).where(*same).values(until=last).execution_options(**quiet))
