"""The whole order at once: sorted, taken over from a proposal, sent to an end or under a heading."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor
from pavilion.auctions import curation, ranks, sorting, wording
from pavilion.auctions.changes import LotsChanged, draft
from pavilion.auctions.models import Lot, LotGroup, LotStone, Sale
from pavilion.auctions.sorting import Sorted
from pavilion.auctions.writing import Standing, standing
from pavilion.catalogue.models import Stone
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, NotFound, Refusal

MOST_GROUPS = 60


class HeadingTaken(Refusal):
    """A heading of this name stands already."""

    status, code = 409, "heading_taken"


async def arrange_lots(
    session: AsyncSession, *, sale: str, order: Sequence[str], kind: str, actor: Actor, now: datetime
) -> None:
    """The lots stand in this order, as one command that moves as few of them as can be. An order that names other lots
    than the sale holds now is refused."""
    row = await draft(session, sale)
    held = await standing(session, row)
    if sorted(order) != sorted(lot.public_id for lot in held):
        raise LotsChanged(lots=sorted(set(order) ^ {lot.public_id for lot in held}))
    at = {lot.public_id: place for place, lot in enumerate(held)}
    await _stand(session, row, [held[at[lot]] for lot in order], {}, kind, actor, now)


async def sort_lots(
    session: AsyncSession,
    *,
    sale: str,
    by: Sequence[str],
    lots: Sequence[str] = (),
    actor: Actor,
    now: datetime,
) -> None:
    """The named lots, or all of them, stand by up to four fields, a `-` before a field turning it round. Each keeps to
    the places of its own heading; a pinned lot stays where it is."""
    fields = sorting.fields_of(by)
    row = await draft(session, sale)
    held = await standing(session, row)
    chosen = {held[place].public_id for place in curation.places_of(held, lots or [lot.public_id for lot in held])}
    facts = await _sorted_by(session, row, held)
    order = list(held)
    places = defaultdict(list)
    for place, lot in enumerate(held):
        if lot.public_id in chosen and not lot.pinned:
            places[lot.group_id].append(place)
    for several in places.values():
        wanted = sorting.in_order([(held[place], facts[held[place].id]) for place in several], fields)
        for place, lot in zip(several, wanted, strict=True):
            order[place] = lot
    await _stand(session, row, order, {}, "sort", actor, now)


async def send_lots(
    session: AsyncSession, *, sale: str, lots: Sequence[str], to: str, actor: Actor, now: datetime
) -> None:
    """The lots stand together at the `front`, at the `back`, behind the last lot under a heading (its id), or, where
    they are, under none (`none`)."""
    if to in ("front", "back"):
        place = 0 if to == "front" else curation.MOST_LOTS
        await curation.move_lots(session, sale=sale, lots=lots, position=place, actor=actor, now=now)
        return
    row = await draft(session, sale)
    held = await standing(session, row)
    chosen = curation.places_of(held, lots)
    group = None if to == "none" else (await _group_of(session, row, to)).id
    wanted = list(range(len(held)))
    if group is not None:
        rest = [place for place in wanted if place not in set(chosen)]
        under = [n for n, place in enumerate(rest) if held[place].group_id == group]
        wanted = ranks.rearranged(wanted, chosen, under[-1] + 1 if under else len(rest))
    groups = {held[place].public_id: group for place in chosen}
    await _stand(session, row, [held[place] for place in wanted], groups, "group", actor, now)


async def name_group(
    session: AsyncSession,
    *,
    sale: str,
    names: tuple[str, str],
    group: str = "",
    actor: Actor,
    now: datetime,
) -> LotGroup:
    """A heading of these names, English and Chinese, stands ready for lots, or the one that stood is called so."""
    row = await draft(session, sale)
    wording.refuse({"title_en": names[0], "title_zh": names[1]})
    held = await session.scalar(select(func.count()).select_from(LotGroup).where(LotGroup.sale_id == row.id))
    if not group and (held or 0) >= MOST_GROUPS:
        raise curation.TooManyLots(most=MOST_GROUPS)
    found = await _group_of(session, row, group) if group else LotGroup(sale_id=row.id)
    before = [found.name_en, found.name_zh] if group else None
    found.name_en, found.name_zh = names
    try:
        async with session.begin_nested():
            session.add(found)
            await session.flush()
    except IntegrityError as fault:
        raise HeadingTaken from fault
    events.record(
        session, "sale:heading_named", sale, by=actor.public_id, at=now, heading=found.id, before=before, after=names
    )
    return found


async def remove_group(session: AsyncSession, *, sale: str, group: str, actor: Actor, now: datetime) -> None:
    """The heading is gone; one under which lots stand is not taken from them."""
    row = await draft(session, sale)
    found = await _group_of(session, row, group)
    if lots := (await session.scalars(select(Lot.public_id).where(Lot.group_id == found.id))).all():
        raise ActNotAllowed(lots=list(lots))
    await session.execute(delete(LotGroup).where(LotGroup.id == found.id))
    events.record(session, "sale:heading_removed", sale, by=actor.public_id, at=now, heading=found.id)


async def _stand(
    session: AsyncSession,
    sale: Sale,
    order: Sequence[Standing],
    groups: Mapping[str, int | None],
    kind: str,
    actor: Actor,
    now: datetime,
) -> None:
    keys = ranks.keys_for_order([lot.rank for lot in order])
    moved: list[tuple[Standing, dict[str, Any]]] = []
    for place, lot in enumerate(order):
        after: dict[str, Any] = {"rank": keys[place]} if place in keys else {}
        if lot.public_id in groups and groups[lot.public_id] != lot.group_id:
            after["group_id"] = groups[lot.public_id]
        if after:
            moved.append((lot, after))
    if ended := [lot.public_id for lot, _ in moved if lot.state != "draft"]:
        raise ActNotAllowed(lots=ended)
    await curation.place(session, sale, moved, kind, actor=actor, now=now)


async def _group_of(session: AsyncSession, sale: Sale, group: str) -> LotGroup:
    known = group.isascii() and group.isdecimal() and len(group) < 16
    found = await session.get(LotGroup, int(group)) if known else None
    if found is None or found.sale_id != sale.id:
        raise NotFound()
    return found


async def _sorted_by(session: AsyncSession, sale: Sale, held: Sequence[Standing]) -> dict[int, Sorted]:
    """What each lot can be sorted by; of several stones the first speaks for the lot and all weigh together."""
    columns = (Lot.id, Lot.low_minor, Lot.opening_minor, Company.name)
    named = select(*columns).outerjoin(Company, Company.id == Lot.consignor_company_id)
    lots = {row.id: row for row in await session.execute(named.where(Lot.sale_id == sale.id))}
    grades = (Stone.weight_mct, Stone.shape, Stone.color, Stone.fancy_color, Stone.fancy_intensity, Stone.clarity)
    wanted = select(LotStone.lot_id, *grades).join(Stone, Stone.id == LotStone.stone_id)
    stones = defaultdict(list)
    for row in await session.execute(wanted.where(LotStone.sale_id == sale.id).order_by(LotStone.place)):
        stones[row.lot_id].append(row)
    found = {}
    for lot in held:
        one, held_stones = lots[lot.id], stones[lot.id]
        first = held_stones[0] if held_stones else None
        found[lot.id] = Sorted(
            number=lot.number,
            suffix=lot.suffix,
            weight=sum(stone.weight_mct for stone in held_stones) or None,
            estimate=one.low_minor,
            opening=one.opening_minor,
            owner=one.name,
            shape=first.shape if first else None,
            color=first.color if first else None,
            hue=first.fancy_color if first else None,
            intensity=first.fancy_intensity if first else None,
            clarity=first.clarity if first else None,
        )
    return found
