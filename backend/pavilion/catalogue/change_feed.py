"""What changed among the stones that somebody may see, in the order in which it changed."""

from typing import NamedTuple

from sqlalchemy import or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import visible_to


class Change(NamedTuple):
    """`stone` is None where it was shown once and is no longer: then nothing is told but that."""

    id: str
    seq: int
    stone: Stone | None


async def changes_after(session: AsyncSession, actor: Actor, after: tuple[int, str], limit: int) -> list[Change]:
    """Each stone once, at its last change, past this place. A stone that was never shown is not told to outsiders."""
    gate = visible_to(actor).whereclause
    assert gate is not None, "the gate lets not everybody through"
    wanted = select(Stone, gate.label("seen")).where(tuple_(Stone.seq, Stone.public_id) > after)
    wanted = wanted.where(or_(gate, Stone.listed_at.is_not(None)))
    rows = await session.execute(wanted.order_by(Stone.seq, Stone.public_id).limit(limit))
    return [Change(stone.public_id, stone.seq, stone if seen else None) for stone, seen in rows]
