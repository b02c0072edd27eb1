"""How passports stand: their places in the status lists, and each bit that changes, with its leaf in the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.canon import canonical
from pavilion.kernel.errors import NotFound, Refusal
from pavilion.kernel.events import record
from pavilion.kernel.instants import stamp
from pavilion.provenance import status
from pavilion.provenance.log import Leaf, append, lock_head
from pavilion.provenance.passport_models import Passport, StatusEntry, StatusList


class AlreadyRevoked(Refusal):
    """A passport is revoked once and for all."""

    status, code = 409, "passport_revoked"


class Mark(NamedTuple):
    stone: str
    list_no: int  # of the pair: the odd one
    idx: int
    act: str  # suspended, reinstated, revoked


async def new_entries(session: AsyncSession, stones: Sequence[str]) -> dict[str, tuple[int, int]]:
    """A free place for each of these stones, drawn at random."""
    if not stones:
        return {}
    wanted = select(StatusEntry.list_no, func.count()).group_by(StatusEntry.list_no)
    last = (await session.execute(wanted.order_by(StatusEntry.list_no.desc()).limit(1))).first()
    list_no, taken = (1, 0) if last is None else (last[0], last[1])
    if taken + len(stones) > status.FULL:
        list_no += 2
    drawn: dict[str, int] = {}
    chosen: set[int] = set()
    while len(drawn) < len(stones):
        for stone in stones:
            if stone not in drawn:
                drawn[stone] = status.free_index(chosen)
                chosen.add(drawn[stone])
        held = set(
            await session.scalars(
                select(StatusEntry.idx).where(StatusEntry.list_no == list_no, StatusEntry.idx.in_(drawn.values()))
            )
        )
        drawn = {stone: index for stone, index in drawn.items() if index not in held}
    return {stone: (list_no, index) for stone, index in drawn.items()}


async def mark(
    session: AsyncSession, did: str, marks: Sequence[Mark], *, by: str | None, now: datetime, reason: str | None = None
) -> None:
    """The bits say so, in the transaction of whatever made it true, and the log has a leaf for each. The log's head is
    locked before the lists, as everywhere."""
    if not marks:
        return
    await append(session, [_leaf(one, did, now) for one in marks], now)
    for one in marks:
        where = (StatusEntry.list_no == one.list_no) & (StatusEntry.idx == one.idx)
        await session.execute(update(StatusEntry).where(where).values(_change(one.act, by, reason, now)))
        await _touched(session, one.list_no if one.act == "revoked" else one.list_no + 1, now)
        facts = {} if reason is None else {"reason": reason}
        record(session, f"passport:{one.act}", one.stone, by=by or "passports", at=now, **facts)
    await session.flush()


async def suspend(session: AsyncSession, did: str, stones: Sequence[str], now: datetime) -> None:
    """Passports of these stones, if they have any, are suspended from now on."""
    if not stones:
        return
    wanted = select(StatusEntry).where(
        StatusEntry.stone.in_(stones), StatusEntry.suspended_at.is_(None), StatusEntry.revoked_at.is_(None)
    )
    rows = (await session.scalars(wanted.order_by(StatusEntry.stone))).all()
    marks = [Mark(row.stone, row.list_no, row.idx, "suspended") for row in rows]
    await mark(session, did, marks, by=None, now=now)


async def revoke(session: AsyncSession, did: str, *, stone: str, reason: str, by: str, now: datetime) -> None:
    """All versions issued so far are revoked. A new one may be issued, in a place of its own, if the stone is verified
    with other facts."""
    last = await session.scalar(select(Passport).where(Passport.stone == stone).order_by(Passport.n.desc()).limit(1))
    if last is None:
        raise NotFound()
    await lock_head(session)  # before the list, as whoever issues does
    entry = await session.get(StatusEntry, (last.status_list, last.status_index), with_for_update=True)
    assert entry is not None
    if entry.revoked_at is not None:
        raise AlreadyRevoked()
    await mark(session, did, [Mark(stone, entry.list_no, entry.idx, "revoked")], by=by, now=now, reason=reason)


async def revision_of(session: AsyncSession, number: int) -> int:
    """Rises with each bit of the list that changes."""
    row = await session.get(StatusList, number)
    return 0 if row is None else row.revision


async def marked(session: AsyncSession, number: int) -> list[int] | None:
    """The indices set in a list; None for a list that was never begun."""
    purpose, pair = status.purpose_of(number), number if number % 2 else number - 1
    begun = await session.scalar(select(StatusEntry.idx).where(StatusEntry.list_no == pair).limit(1))
    if begun is None and pair != 1:
        return None
    column = StatusEntry.revoked_at if purpose == status.REVOCATION else StatusEntry.suspended_at
    wanted = select(StatusEntry.idx).where(StatusEntry.list_no == pair, column.is_not(None))
    return list(await session.scalars(wanted.order_by(StatusEntry.idx)))


async def _touched(session: AsyncSession, number: int, now: datetime) -> None:
    row = await session.get(StatusList, number, with_for_update=True)
    if row is None:
        row = StatusList(no=number, purpose=status.purpose_of(number), revision=0, changed_at=now)
        session.add(row)
    row.revision, row.changed_at = row.revision + 1, now


def _change(act: str, by: str | None, reason: str | None, now: datetime) -> dict[str, object]:
    if act == "revoked":
        return {"revoked_at": now, "revoked_by": by, "reason": reason}
    return {"suspended_at": now if act == "suspended" else None}


def _leaf(one: Mark, did: str, now: datetime) -> Leaf:
    number = one.list_no if one.act == "revoked" else one.list_no + 1
    document = {"list": number, "index": one.idx, "act": one.act, "at": stamp(now)}
    return Leaf("status", f"{number}/{one.idx}", canonical(document), did)
