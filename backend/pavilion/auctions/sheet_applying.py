"""A lot list that was read from a file and looked at becomes the lot list: one command, taken back as one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import curation, sheet_comparing
from pavilion.auctions.arranging import arrange_lots
from pavilion.auctions.changes import LotsChanged, draft
from pavilion.auctions.models import Command, Lot, Sale
from pavilion.auctions.sheets import Line, Read, SheetPreview
from pavilion.auctions.writing import Change
from pavilion.kernel.errors import Refusal

KIND = "sheet"


class SheetRefused(Refusal):
    """Something stands against a cell: nothing of the file is taken."""

    status, code = 409, "sheet_refused"


async def apply_sheet(session: AsyncSession, *, sale: str, read: Read, actor: Actor, now: datetime) -> SheetPreview:
    """Every lot says and stands as the file says, and the new ones are there; or nothing is changed. A lot or an order
    that changed since it was looked at is refused."""
    row = await draft(session, sale)
    found = await sheet_comparing.compare(session, row, read, actor)
    if found.faults:
        raise SheetRefused(n=found.faults)
    if found.moves and found.seen != read.seen:
        raise LotsChanged()
    last = await session.scalar(select(func.max(Command.id)).where(Command.sale_id == row.id)) or 0
    fresh = await _add(session, sale, [line for line in found.lines if line.held is None], actor, now)
    edits: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for line in found.lines:
        lot = fresh[line.row.number] if line.held is None else line.held.lot
        if line.values:
            edits[lot.public_id] = (lot.version if line.held is None else line.seen, line.values)
    if edits:
        await curation.edit_lots(session, sale=sale, edits=edits, kind=KIND, actor=actor, now=now)
    if found.moves or fresh:  # those of several stones were added after the others
        order = [one if isinstance(one, str) else fresh[one].public_id for one in found.order]
        await arrange_lots(session, sale=sale, order=order, kind=KIND, actor=actor, now=now)
    await _as_one(session, row, last)
    return found


async def _add(session: AsyncSession, sale: str, lines: Sequence[Line], actor: Actor, now: datetime) -> dict[int, Lot]:
    """The lot of each new row, at the end of the order for now."""
    single = [line for line in lines if len(line.stones) == 1]
    fresh: dict[int, Lot] = {}
    if single:
        stones = [line.stones[0].public_id for line in single]
        lots = await curation.add_stones(session, sale=sale, stones=stones, actor=actor, now=now)
        fresh |= {line.row.number: lot for line, lot in zip(single, lots, strict=True)}
    for line in lines:
        if len(line.stones) > 1:
            stones = [stone.public_id for stone in line.stones]
            (lot,) = await curation.add_stones(session, sale=sale, stones=stones, together=True, actor=actor, now=now)
            fresh[line.row.number] = lot
    return fresh


async def _as_one(session: AsyncSession, sale: Sale, last: int) -> None:
    """The commands since `last` are one: of each lot what stood before the first, and what stands after the last."""
    await session.flush()
    wanted = select(Command).where(Command.sale_id == sale.id, Command.id > last).order_by(Command.id)
    commands = (await session.scalars(wanted)).all()
    if not commands:
        return
    joined: dict[str, Change] = {}
    for command in commands:
        for change in command.changes:
            joined[change["lot"]] = _joined(joined.get(change["lot"]), change)
    first, *rest = commands
    first.kind = KIND
    first.changes = list(joined.values())
    await session.execute(delete(Command).where(Command.id.in_([one.id for one in rest])))
    await session.flush()


def _joined(one: Change | None, other: Change) -> Change:
    if one is None:
        return other
    before = None if one["before"] is None else {**other["before"], **one["before"]}
    return {"lot": one["lot"], "before": before, "after": {**one["after"], **other["after"]}}
