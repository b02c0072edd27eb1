"""Keys that have grown too long are spread anew: no lot changes its place, and nothing done before is lost."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions import ranks
from pavilion.auctions.models import Command, LotMove, Sale
from pavilion.auctions.writing import rewrite, standing
from pavilion.kernel.putting import put


async def keep_keys_short(session: AsyncSession, sale: Sale, now: datetime) -> None:
    """While every key is short nothing happens. Else all get new ones, and so do the keys that commands remember, in
    one order with them: what could be taken back before still can be, and the history tells the same order."""
    lots = await standing(session, sale)
    if all(len(lot.rank) <= ranks.LONGEST for lot in lots):
        return
    commands = (await session.scalars(select(Command).where(Command.sale_id == sale.id))).all()
    remembered = {key for command in commands for change in command.changes for key in _keys(change)}
    known = sorted(remembered | {lot.rank for lot in lots})
    fresh = dict(zip(known, ranks.spread(None, None, len(known)), strict=True))
    await rewrite(session, [(lot, {"rank": fresh[lot.rank]}) for lot in lots])
    for command in commands:
        command.changes = [_renamed(change, fresh) for change in command.changes]
    moved = [{"lot": lot.public_id, "from_key": lot.rank, "to_key": fresh[lot.rank]} for lot in lots]
    await put(session, LotMove, [{"sale_id": sale.id, **move, "by": None, "at": now} for move in moved])


def _keys(change: dict[str, Any]) -> list[str]:
    return [side["rank"] for side in (change["before"], change["after"]) if side is not None and "rank" in side]


def _renamed(change: dict[str, Any], fresh: dict[str, str]) -> dict[str, Any]:
    sides = {name: change[name] for name in ("before", "after")}
    for name, side in sides.items():
        if side is not None and "rank" in side:
            sides[name] = {**side, "rank": fresh[side["rank"]]}
    return {**change, **sides}
