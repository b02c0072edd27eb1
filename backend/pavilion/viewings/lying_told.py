"""Tells the catalogue at which office every stone lies, so that it can be asked for: a tick compares the stays with
what was told, and hands in what differs. What an act missed, and a stay that begins by the clock, are found alike.

What is promised to a memo lies in no office while that runs, and what was carried out of the house in none either;
what left it for good lies nowhere on any day."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import lying, staying
from pavilion.catalogue.forms import FIRST_DAY
from pavilion.catalogue.lying import NOWHERE, Lies
from pavilion.catalogue.staying import Staying
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.seldom import Seldom
from pavilion.provenance import custody_keeping
from pavilion.viewings.place_models import Office
from pavilion.viewings.states import BlockKind
from pavilion.viewings.stone_models import Stay, StoneBlock

EVERY = timedelta(seconds=5)
INSTANT = timedelta(microseconds=1)
EVER, FOR_GOOD = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def telling(sessions: Sessions) -> Seldom:
    """What the worker does: how many stones lie elsewhere than was told."""
    return Seldom(EVERY, partial(tell, sessions))


async def tell(sessions: Sessions, now: datetime) -> int:
    """What is told is as it is now."""
    async with reading(sessions) as session:
        names = {one.id: (one.name_en, one.name_zh) for one in await session.scalars(select(Office))}
        unnamed = names != await lying.called(session)
        moved = await _moved(session, now)
    if not moved and not unnamed:
        return 0
    async with sessions.begin() as session:
        await lying.call(session, names)
        return await lying.lie(session, moved, now=now)


async def _moved(session: AsyncSession, now: datetime) -> dict[str, Lies]:
    stay = select(Stay.stone, Stay.office_id, Stay.arrive, Stay.depart, Office.zone).join(
        Office, Office.id == Stay.office_id
    )
    stay = stay.where(or_(Stay.depart.is_(None), Stay.depart > now)).order_by(Stay.id)
    away = select(StoneBlock.stone, StoneBlock.starts_at, StoneBlock.ends_at)
    away = away.where(StoneBlock.kind == BlockKind.MEMO, StoneBlock.ends_at > now).order_by(StoneBlock.id)
    memos: dict[str, list[tuple[datetime, datetime]]] = {}
    for stone, starts_at, ends_at in await session.execute(away):
        memos.setdefault(stone, []).append((starts_at, ends_at))
    carried = await custody_keeping.away(session)
    offices: dict[str, str] = {}
    days: dict[str, list[Staying]] = {}
    for stone, office, arrive, depart, zone in await session.execute(stay):
        if carried.get(stone) == custody_keeping.GONE:
            continue
        lent = any(out <= now < back for out, back in memos.get(stone, ()))
        if (arrive is None or arrive <= now) and not lent and stone not in carried:
            offices[stone] = office
        days.setdefault(stone, []).extend(_days(office, ZoneInfo(zone), arrive, depart, memos.get(stone, ())))
    told = await lying.lying(session)
    lie = {stone: Lies(offices.get(stone), staying.told(stays)) for stone, stays in days.items()}
    gone = dict.fromkeys(told.keys() - lie.keys(), NOWHERE)
    return gone | {stone: lies for stone, lies in lie.items() if told.get(stone, NOWHERE) != lies}


def _days(
    office: str,
    zone: ZoneInfo,
    arrive: datetime | None,
    depart: datetime | None,
    memos: Iterable[tuple[datetime, datetime]],
) -> list[Staying]:
    """The days on which it lies there for some time and is on memo to nobody, on the office's calendar."""
    left = [(arrive or EVER, depart or FOR_GOOD)]
    for out, back in memos:
        left = [piece for begin, end in left for piece in ((begin, min(end, out)), (max(begin, back), end))]
        left = [(begin, end) for begin, end in left if begin < end]
    return [Staying(office, _day(begin, zone), _day(end - INSTANT, zone)) for begin, end in left]


def _day(at: datetime, zone: ZoneInfo) -> int | None:
    """Days since 1970 by the clock of the office; None beyond all days."""
    if not EVER < at < FOR_GOOD - INSTANT:
        return None
    return at.astimezone(zone).date().toordinal() - FIRST_DAY.toordinal()
