"""Who has a stone in his hands: handed out and in again, each time weighed and signed for by two. The only writer of
the entries; viewings, releases and memos all come through here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import Refusal
from pavilion.kernel.events import record
from pavilion.kernel.ids import ulid
from pavilion.provenance.custody_models import CustodyEntry

GONE = "owner"  # who has it for good: it left the house
IN_THE_HOUSE = ("viewer", "vault")  # who has it does not carry it away
HEAVIEST_MCT = 10_000_000  # ten thousand carats: nothing that lies on a tray weighs more


class StoneIsOut(Refusal):
    """Somebody has it in his hands already; `place` and `since` say where and from when."""

    status, code = 409, "stone_is_out"


class NotOut(Refusal):
    """Nobody has it: there is nothing to take back."""

    status, code = 409, "stone_not_out"


@dataclass(frozen=True, slots=True)
class Load:
    """One stone, or a tray with what lies in it. A stone of a tray that is out is out."""

    stones: tuple[str, ...]
    tray: str | None = None


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the scale said, how many pieces were counted, and the hash of the photograph taken with it."""

    mct: int
    count: int = 1
    photo_sha256: str | None = None

    def __post_init__(self) -> None:
        assert 0 < self.mct <= HEAVIEST_MCT and self.count > 0


async def hand_out(
    session: AsyncSession,
    load: Load,
    weighed: Weighed,
    *,
    holder: str,
    place: str,
    ref: str,
    by: str,
    to: str,
    trays: Sequence[str] = (),
    now: datetime,
) -> CustodyEntry:
    """The load is in the hands of `to`, given by `by`. StoneIsOut while anybody has it, one of its stones, or one of
    the `trays` in which the stone lies."""
    assert load.stones and by and to
    for stone in sorted(load.stones):
        await one_at_a_time(session, f"custody {stone}")
    await _free(session, load, trays)
    entry = CustodyEntry(
        public_id=ulid(now),
        stone=None if load.tray else load.stones[0],
        tray=load.tray,
        holder=holder,
        place=place,
        ref=ref,
        count=weighed.count,
        out_mct=weighed.mct,
        out_photo_sha256=weighed.photo_sha256,
        out_by=by,
        out_to=to,
        opened_at=now,
    )
    try:
        async with session.begin_nested():
            session.add(entry)
    except IntegrityError:  # whoever was a moment earlier has it
        raise StoneIsOut(place="", since="") from None
    _told(session, "custody:out", entry, by, now, mct=weighed.mct)
    return entry


async def hand_in(
    session: AsyncSession, entry: CustodyEntry, weighed: Weighed, *, by: str, to: str, now: datetime
) -> int:
    """The load is back, given by `by` and taken by `to`; the answer is what it weighs more or less than when it went,
    in milli-carats."""
    await session.refresh(entry, with_for_update=True)
    if entry.closed_at is not None:
        raise NotOut()
    entry.in_mct, entry.in_photo_sha256 = weighed.mct, weighed.photo_sha256
    entry.in_by, entry.in_to, entry.closed_at = by, to, max(now, entry.opened_at)
    await session.flush()
    difference = weighed.mct - entry.out_mct
    _told(session, "custody:in", entry, to, now, mct=weighed.mct, difference=difference)
    return difference


async def keeps(session: AsyncSession, entry: CustodyEntry, *, ref: str, by: str, now: datetime) -> None:
    """Who has it keeps it for good: it was bought where it was, and comes back to no scale."""
    await session.refresh(entry, with_for_update=True)
    if entry.closed_at is not None:
        raise NotOut()
    entry.holder = GONE
    await session.flush()
    record(session, "custody:kept", entry.stone or entry.tray or "", by=by[:40], at=now, entry=entry.public_id, ref=ref)


async def out_now(session: AsyncSession, *, place: str | None = None, ref: str | None = None) -> Sequence[CustodyEntry]:
    """What is in somebody's hands and will come back, the longest first."""
    wanted = select(CustodyEntry).where(CustodyEntry.closed_at.is_(None), CustodyEntry.holder != GONE)
    if place is not None:
        wanted = wanted.where(CustodyEntry.place == place)
    if ref is not None:
        wanted = wanted.where(CustodyEntry.ref == ref)
    return (await session.scalars(wanted.order_by(CustodyEntry.opened_at, CustodyEntry.id))).all()


async def away(session: AsyncSession) -> dict[str, str]:
    """Stones that somebody has carried out of the house, and who: the buyer of a memo, a carrier, an owner for good."""
    out = select(CustodyEntry.stone, CustodyEntry.holder).where(
        CustodyEntry.closed_at.is_(None), CustodyEntry.stone.is_not(None), CustodyEntry.holder.not_in(IN_THE_HOUSE)
    )
    return {stone: holder for stone, holder in await session.execute(out) if stone is not None}


async def entries_for(session: AsyncSession, refs: Sequence[str]) -> Sequence[CustodyEntry]:
    """Every hand-over for these appointments, orders or legs, in order."""
    wanted = select(CustodyEntry).where(CustodyEntry.ref.in_(refs)).order_by(CustodyEntry.opened_at, CustodyEntry.id)
    return (await session.scalars(wanted)).all()


async def last_weights(session: AsyncSession, stones: Sequence[str]) -> dict[str, int]:
    """What each of these weighed when it was last taken back by itself."""
    latest = (
        select(func.max(CustodyEntry.id))
        .where(CustodyEntry.stone.in_(stones), CustodyEntry.in_mct.is_not(None))
        .group_by(CustodyEntry.stone)
    )
    rows = await session.execute(select(CustodyEntry.stone, CustodyEntry.in_mct).where(CustodyEntry.id.in_(latest)))
    return {stone: mct for stone, mct in rows if stone is not None and mct is not None}


async def open_entry(
    session: AsyncSession, *, stone: str | None = None, tray: str | None = None
) -> CustodyEntry | None:
    """The entry under which the stone itself, or the tray, is out now."""
    which = CustodyEntry.stone == stone if stone is not None else CustodyEntry.tray == tray
    return await session.scalar(select(CustodyEntry).where(which, CustodyEntry.closed_at.is_(None)))


async def _free(session: AsyncSession, load: Load, trays: Sequence[str]) -> None:
    around = [*trays, *([load.tray] if load.tray else [])]
    holders = or_(CustodyEntry.stone.in_(load.stones), CustodyEntry.tray.in_(around))
    held = await session.scalar(select(CustodyEntry).where(holders, CustodyEntry.closed_at.is_(None)).limit(1))
    if held is not None:
        raise StoneIsOut(place=held.place, since=held.opened_at.isoformat(timespec="minutes"))


def _told(session: AsyncSession, name: str, entry: CustodyEntry, by: str, now: datetime, **facts: int) -> None:
    subject = entry.stone or entry.tray or ""
    record(session, name, subject, by=by[:40], at=now, entry=entry.public_id, place=entry.place, ref=entry.ref, **facts)
