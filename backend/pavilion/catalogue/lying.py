"""What the viewings tell of stones: at which office each lies now, and that somebody who would have seen it does not
come. Handed in from above; the catalogue asks nobody."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import service
from pavilion.catalogue.history import VIEWING, Told
from pavilion.catalogue.models import ChangeKind, OfficeName, Stone, StoneChange
from pavilion.catalogue.queries import AT_ONCE
from pavilion.kernel.db import inserting


class Lies(NamedTuple):
    """At which office it lies now, and on which days in which, as `staying` writes them."""

    office: str | None = None
    days: str | None = None


NOWHERE = Lies()


async def lying(session: AsyncSession) -> dict[str, Lies]:
    """Where each stone lies, as far as it was told, by public id."""
    found = select(Stone.public_id, Stone.office, Stone.lies).where(
        or_(Stone.office.is_not(None), Stone.lies.is_not(None))
    )
    return {stone: Lies(office, days) for stone, office, days in await session.execute(found)}


async def lie(session: AsyncSession, places: Mapping[str, Lies], *, now: datetime) -> int:
    """These stones (public ids) lie as it stands beside each; answers how many lay elsewhere, or will."""
    stones, count = sorted(places), 0
    for start in range(0, len(stones), AT_ONCE):
        some = Stone.public_id.in_(stones[start : start + AT_ONCE])
        own = select(Stone.id, Stone.public_id, Stone.office, Stone.lies, Stone.listed_at).where(some)
        moved: dict[Lies, list[tuple[str, Told | None]]] = {}
        for row in await session.execute(own):
            place, before = places[row.public_id], {"office": row.office, "lies": row.lies}
            after = {"office": place.office, "lies": place.days}
            if changed := [name for name in after if after[name] != before[name]]:
                was, is_ = ({name: facts[name] for name in changed} for facts in (before, after))
                told = Told(row.id, ChangeKind.CHANGED, was, is_)
                moved.setdefault(place, []).append((row.public_id, told if row.listed_at else None))
        for place, them in moved.items():
            told_of, columns = (
                [told for _, told in them if told is not None],
                {"office": place.office, "lies": place.days},
            )
            await service.touch(session, [stone for stone, _ in them], now=now, told=told_of, **columns)
            count += len(them)
    return count


async def call(session: AsyncSession, names: Mapping[str, tuple[str, str]]) -> None:
    """The offices are called so, in English and in Chinese; one that is not among them keeps its name."""
    for office, (name_en, name_zh) in sorted(names.items()):
        said = {"name_en": name_en, "name_zh": name_zh}
        row = inserting(session, OfficeName).values(office=office, **said)
        await session.execute(row.on_conflict_do_update(index_elements=["office"], set_=said))


async def called(session: AsyncSession) -> dict[str, tuple[str, str]]:
    """English and Chinese."""
    rows = await session.scalars(select(OfficeName))
    return {row.office: (row.name_en, row.name_zh) for row in rows}


async def viewings_freed(session: AsyncSession, freed: Mapping[str, str], *, now: datetime) -> None:
    """Of each stone (public id) the appointment beside it gave its time back, and nobody has taken it. Said again of
    the same appointment, nothing more happens."""
    wanted = select(Stone.id, Stone.public_id).where(Stone.public_id.in_(freed), Stone.listed_at.is_not(None))
    rows = (await session.execute(wanted.order_by(Stone.id))).all()
    ref = StoneChange.after[VIEWING].as_string()
    before = select(StoneChange.stone_id, ref).where(StoneChange.kind == ChangeKind.CHANGED, ref.is_not(None))
    said = {
        tuple(row) for row in await session.execute(before.where(StoneChange.stone_id.in_([row.id for row in rows])))
    }
    fresh = [row for row in rows if (row.id, freed[row.public_id]) not in said]
    if fresh:
        told = [Told(row.id, ChangeKind.CHANGED, {VIEWING: None}, {VIEWING: freed[row.public_id]}) for row in fresh]
        await service.touch(session, [row.public_id for row in fresh], now=now, told=told)
