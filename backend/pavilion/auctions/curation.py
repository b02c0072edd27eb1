"""Verbs on a draft: the sale itself, its lots, their order and numbers. The caller commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import kept_words, queries, ranks, reserves, ruleset, wording
from pavilion.auctions.changes import (
    NotVerified,
    curated,
    draft,
    edited,
    facts_of,
    lapse_proposal,
    lots_of,
    remember,
    stand_again,
)
from pavilion.auctions.models import Command, Lot, LotGroup, LotStone, Sale
from pavilion.auctions.numbering import Label, at_end, next_suffix
from pavilion.auctions.rebalancing import keep_keys_short
from pavilion.auctions.rules import LotState
from pavilion.auctions.titles import title_of
from pavilion.auctions.writing import Change, Standing, rewrite, standing
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import visible_to
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed, NotFound, Refusal, StaleVersion
from pavilion.kernel.ids import ulid

MOST_LOTS = 500  # of one sale; a room watches them all at once (bidding spec 8.2)


class TooManyLots(Refusal):
    status, code = 409, "too_many_lots"


class StoneInSale(Refusal):
    """The stone already stands in a lot of this sale."""

    status, code = 409, "already_in_sale"


async def create_sale(session: AsyncSession, *, values: Mapping[str, Any], actor: Actor, now: datetime) -> Sale:
    """A draft with the house's usual rules wherever `values` says nothing else."""
    usual = {
        "increments": ruleset.INCREMENTS,
        "soft_close": ruleset.SOFT_CLOSE,
        "premium": ruleset.PREMIUM,
        "breaks": [],
        "stagger_s": 60,
        "stagger_per": 1,
    }
    wording.refuse(values)
    sale = Sale(public_id=ulid(now), created_at=now, **(usual | dict(values)))
    session.add(sale)
    await session.flush()
    events.record(session, "sale:created", sale.public_id, by=actor.public_id, at=now)
    return sale


async def change_sale(
    session: AsyncSession, *, sale: str, version: int, values: Mapping[str, Any], actor: Actor, now: datetime
) -> Sale:
    """The draft says what `values` say; a draft changed meanwhile is refused with what it says now."""
    row = await draft(session, sale)
    before = {name: getattr(row, name) for name in values}
    changed = {name: value for name, value in values.items() if before[name] != value}
    if not changed:
        return row
    if row.version != version:
        raise StaleVersion(sale=sale, now={name: before[name] for name in changed})
    wording.refuse(changed)
    for name, value in changed.items():
        setattr(row, name, value)
    row.version += 1
    await lapse_proposal(session, row, actor=actor, now=now)
    await session.flush()
    events.record(session, "sale:changed", sale, by=actor.public_id, at=now, changed=sorted(changed))
    return row


async def delete_draft(session: AsyncSession, *, sale: str, actor: Actor, now: datetime) -> None:
    """The draft and its lots are gone; what happened to them stays told in the events."""
    row = await draft(session, sale)
    for table in (Command, LotStone, Lot, LotGroup):
        await session.execute(delete(table).where(table.sale_id == row.id))
    await lapse_proposal(session, row, actor=actor, now=now)
    await session.delete(row)
    await session.flush()
    events.record(session, "sale:deleted", sale, by=actor.public_id, at=now)


async def add_stones(
    session: AsyncSession, *, sale: str, stones: Sequence[str], together: bool = False, actor: Actor, now: datetime
) -> list[Lot]:
    """Each stone is a lot at the end of the order, or all are one lot, with titles from the stones themselves; or with
    the words that were typed for them when they could not come back into their sale."""
    row = await curated(session, sale, now)
    found = await addable(session, row, list(dict.fromkeys(stones)), actor)
    groups = [found] if together else [[stone] for stone in found]
    held = await session.scalar(select(func.count()).select_from(Lot).where(Lot.sale_id == row.id))
    if (held or 0) + len(groups) > MOST_LOTS:
        raise TooManyLots(most=MOST_LOTS)
    last = await session.scalar(select(func.max(Lot.rank)).where(Lot.sale_id == row.id))
    lots = await make_lots(session, row, ranks.spread(last, None, len(groups)), groups, now)
    typed = await kept_words.of_stones(session, [stone.id for stone in found])
    for lot, group in zip(lots, groups, strict=True):
        for name, words in typed.get(frozenset(stone.id for stone in group), {}).items():
            setattr(lot, name, words)
    changes: list[Change] = [
        {"lot": lot.public_id, "before": None, "after": facts_of(lot) | {"stones": [s.public_id for s in group]}}
        for lot, group in zip(lots, groups, strict=True)
    ]
    await remember(session, row, "add", changes, actor=actor, now=now)
    await keep_keys_short(session, row, now)
    return lots


async def add_again(
    session: AsyncSession, sale: Sale, stones: Sequence[str], *, of: str, actor: Actor, now: datetime
) -> Lot:
    """The stones of a lot that ended without a buyer are one lot at the end of the order; the sale is held already."""
    found = await addable(session, sale, list(stones), actor)
    held = await session.scalar(select(func.count()).select_from(Lot).where(Lot.sale_id == sale.id))
    if (held or 0) >= MOST_LOTS:
        raise TooManyLots(most=MOST_LOTS)
    last = await session.scalar(select(func.max(Lot.rank)).where(Lot.sale_id == sale.id))
    (lot,) = await make_lots(session, sale, ranks.spread(last, None, 1), [found], now, reoffer_of=of)
    change: Change = {"lot": lot.public_id, "before": None, "after": facts_of(lot) | {"stones": list(stones)}}
    await remember(session, sale, "add", [change], actor=actor, now=now)
    await keep_keys_short(session, sale, now)
    return lot


async def remove_lots(session: AsyncSession, *, sale: str, lots: Sequence[str], actor: Actor, now: datetime) -> None:
    """The lots are gone and their stones free for other sales."""
    row = await curated(session, sale, now, lots)
    rows = await lots_of(session, row, lots)
    ids = [lot.id for lot in rows]
    stones = await queries.stones_by_lot(session, ids)
    changes: list[Change] = [
        {
            "lot": lot.public_id,
            "before": facts_of(lot) | {"stones": [stone.public_id for stone in stones[lot.id]]},
            "after": None,
        }
        for lot in rows
    ]
    await session.execute(delete(LotStone).where(LotStone.lot_id.in_(ids)))
    await stand_again(session, rows)
    await session.execute(delete(Lot).where(Lot.id.in_(ids)))
    await remember(session, row, "remove", changes, actor=actor, now=now)
    await session.flush()


async def move_lots(
    session: AsyncSession, *, sale: str, lots: Sequence[str], position: int, actor: Actor, now: datetime
) -> list[str]:
    """The lots stand together from this place, counted from 0, in their present relative order; answers the order."""
    row = await draft(session, sale)
    order = await standing(session, row)
    places = places_of(order, lots)
    after = ranks.rearranged(range(len(order)), places, position)
    if after != list(range(len(order))):
        keys = ranks.keys_for_move([lot.rank for lot in order], places, position)
        groups = _groups_after([lot.group_id for lot in order], places, after)
        moved = [(order[at], {"rank": keys[at]} | groups.get(at, {})) for at in places]
        await place(session, row, moved, "move", actor=actor, now=now)
    return [order[at].public_id for at in after]


def places_of(order: Sequence[Standing], lots: Sequence[str]) -> list[int]:
    """Where the named lots stand, first to last; one that is not of this sale is refused."""
    at = {lot.public_id: place for place, lot in enumerate(order)}
    if any(lot not in at for lot in lots):
        raise NotFound()
    places = sorted({at[lot] for lot in lots})
    if ended := [order[place].public_id for place in places if order[place].state != LotState.DRAFT]:
        raise ActNotAllowed(lots=ended)
    return places


async def place(
    session: AsyncSession,
    sale: Sale,
    moved: Sequence[tuple[Standing, Mapping[str, Any]]],
    kind: str,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """These lots stand at these keys or under these headings, as one command; nobody else's key changes unless one has
    grown too long."""
    changes: list[Change] = [
        {"lot": lot.public_id, "before": {name: getattr(lot, name) for name in after}, "after": dict(after)}
        for lot, after in moved
    ]
    await rewrite(session, moved)
    await remember(session, sale, kind, changes, actor=actor, now=now)
    if any(len(after.get("rank", "")) > ranks.LONGEST for _, after in moved):
        await keep_keys_short(session, sale, now)


def _groups_after(
    groups: Sequence[int | None], places: Sequence[int], after: Sequence[int]
) -> dict[int, dict[str, int | None]]:
    """Lots take the heading under which they land. Where two meet they keep their own if it is one of the two, and so
    do all the lots of a heading that move together."""
    first = after.index(places[0])
    last = first + len(places)
    neighbours = [groups[after[at]] for at in (first - 1, last) if 0 <= at < len(after)]
    own = {groups[at] for at in places}
    whole = len(own) == 1 and None not in own and sum(group in own for group in groups) == len(places)
    inside = len(neighbours) == 2 and neighbours[0] is not None and neighbours[0] == neighbours[1]
    if not neighbours or (whole and not inside):
        return {}
    return {at: {"group_id": neighbours[0]} for at in places if groups[at] not in neighbours}


async def number_lots(
    session: AsyncSession, *, sale: str, start: int = 1, step: int = 1, actor: Actor, now: datetime
) -> None:
    """Numbers follow the order: start, start + step and so on, without suffixes."""
    row = await draft(session, sale)
    changes, written = [], []
    for at, lot in enumerate(await standing(session, row)):
        before, after = {"number": lot.number, "suffix": lot.suffix}, {"number": start + at * step, "suffix": ""}
        changed = [name for name in after if before[name] != after[name]]
        if changed:
            after = {name: after[name] for name in changed}
            changes.append({"lot": lot.public_id, "before": {n: before[n] for n in changed}, "after": after})
            written.append((lot, after))
    await rewrite(session, written)
    await remember(session, row, "number", changes, actor=actor, now=now)


async def edit_lots(
    session: AsyncSession,
    *,
    sale: str,
    edits: Mapping[str, tuple[int, Mapping[str, Any]]],
    kind: str = "edit",
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Each lot says what its edit says, all or none. An edit names the version it saw; its reserve is in clear."""
    row = await curated(session, sale, now, edits)
    rows = await lots_of(session, row, list(edits))
    stones = await queries.stones_by_lot(session, [lot.id for lot in rows])
    changes, written = [], []
    for lot in rows:
        version, values = edits[lot.public_id]
        if reserves.SAID in values and not actor.may(Permission.RESERVE_SET):
            raise NotAllowed(right=Permission.RESERVE_SET.value)
        change = edited(lot.public_id, facts_of(lot), facts_of(lot) | reserves.stored(session, lot, values))
        if change["after"] and lot.version != version:
            theirs = {name: value for name, value in change["before"].items() if name != reserves.KEPT}
            raise StaleVersion(lot=lot.public_id, now=theirs)
        wording.refuse(change["after"], wording.clarity_of(stones[lot.id]))
        if change["after"]:
            changes.append(change)
            written.append((lot, change["after"]))
    try:
        async with session.begin_nested():
            await rewrite(session, written)
    except IntegrityError as fault:
        raise await _number_taken(session, row, written) from fault
    await remember(session, row, kind, changes, actor=actor, now=now, reason=reason)


async def labels_of(session: AsyncSession, sale: Sale) -> set[Label]:
    """The numbers that lots of the sale have, those that ended among them: a number is never used again."""
    rows = await session.execute(select(Lot.number, Lot.suffix).where(Lot.sale_id == sale.id, Lot.number.is_not(None)))
    return {(number, suffix) for number, suffix in rows if number is not None}


async def _number_taken(
    session: AsyncSession, sale: Sale, written: Sequence[tuple[Lot, Mapping[str, Any]]]
) -> BadInput:
    """The refusal of a number that another lot has; of one lot alone it names what is free."""
    if len(written) > 1:
        return BadInput(fields={"number": "number_taken"})
    ((lot, after),) = written
    await session.refresh(lot)
    number, suffix = after.get("number", lot.number), after.get("suffix", lot.suffix)
    taken = await labels_of(session, sale) - {(lot.number, lot.suffix)}
    letter = next_suffix(taken, number, suffix)
    free = {"taken": f"{number}{suffix}", "end": str(at_end(taken)), "suffix": f"{number}{letter}" if letter else "–"}
    return BadInput(fields={"number": "number_taken"}, **free)


async def addable(session: AsyncSession, sale: Sale, stones: list[str], actor: Actor) -> list[Stone]:
    """The stones, each exposed now and in no lot of the sale but one that was offered again."""
    rows = await session.scalars(visible_to(actor).where(Stone.public_id.in_(stones)))
    found = {stone.public_id: stone for stone in rows}
    if missing := [stone for stone in stones if stone not in found]:
        raise NotFound(stone=missing[0])
    if unlisted := [stone for stone in stones if not found[stone].listed]:
        raise NotVerified(stone=unlisted[0])
    ids = [stone.id for stone in found.values()]
    standing = select(LotStone.stone_id).where(LotStone.sale_id == sale.id, LotStone.stone_id.in_(ids))
    standing = standing.where(~LotStone.relotted)
    if (double := (await session.scalars(standing)).first()) is not None:
        raise StoneInSale(stone=next(stone.public_id for stone in found.values() if stone.id == double))
    return [found[stone] for stone in stones]


async def make_lots(
    session: AsyncSession,
    sale: Sale,
    keys: Sequence[str],
    groups: Sequence[Sequence[Stone]],
    now: datetime,
    *,
    reoffer_of: str | None = None,
) -> list[Lot]:
    """New lots at these places, with titles from their stones; NotVerified where an exposure went meanwhile."""
    lots = [_new_lot(sale, key, group, now) for key, group in zip(keys, groups, strict=True)]
    for lot in lots:
        lot.reoffer_of = reoffer_of
    session.add_all(lots)
    await session.flush()
    held = [
        LotStone(lot_id=lot.id, place=place, sale_id=sale.id, stone_id=stone.id, exposed_id=stone.exposed_id)
        for lot, group in zip(lots, groups, strict=True)
        for place, stone in enumerate(group)
    ]
    try:
        async with session.begin_nested():
            session.add_all(held)
            await session.flush()
    except IntegrityError as fault:  # an exposure went while we looked
        raise NotVerified(stone=groups[0][0].public_id) from fault
    return lots


def _new_lot(sale: Sale, rank: str, stones: Sequence[Stone], now: datetime) -> Lot:
    owners = {stone.supplier_company_id for stone in stones}
    return Lot(
        public_id=ulid(now),
        sale_id=sale.id,
        rank=rank,
        title_en=title_of(stones, "en"),
        title_zh=title_of(stones, "zh"),
        consignor_company_id=owners.pop() if len(owners) == 1 else None,
        suffix="",
    )
