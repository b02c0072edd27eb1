"""Before publication a lot of several stones becomes several lots, and several become one: always by new lots, in one
command that can be taken back (curation spec 8)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import curation, queries, ranks
from pavilion.auctions.changes import draft, facts_of, lots_of, remember
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.auctions.rebalancing import keep_keys_short
from pavilion.auctions.writing import Change
from pavilion.catalogue.models import Stone
from pavilion.kernel.errors import Refusal

PLACE = ("group_id", "tags")  # what of a lot belongs to its place rather than to its stones


class OneStone(Refusal):
    """A lot of one stone cannot be split."""

    status, code = 409, "one_stone"


class OneLot(Refusal):
    """It takes two lots to merge."""

    status, code = 409, "one_lot"


async def split_lots(
    session: AsyncSession, *, sale: str, lots: Sequence[str], actor: Actor, now: datetime
) -> list[Lot]:
    """Each stone of the lots is a lot where its lot stood. The first keeps the number, all keep heading and tags; what
    each is worth alone nobody has said, so the figures, and the words about the whole, are to be given anew."""
    row = await draft(session, sale)
    old = await lots_of(session, row, list(dict.fromkeys(lots)))
    stones = await queries.stones_by_lot(session, [lot.id for lot in old])
    if single := [lot.public_id for lot in old if len(stones[lot.id]) < 2]:
        raise OneStone(lots=single)
    held = await session.scalar(select(func.count()).select_from(Lot).where(Lot.sale_id == row.id)) or 0
    if held + sum(len(stones[lot.id]) - 1 for lot in old) > curation.MOST_LOTS:
        raise curation.TooManyLots(most=curation.MOST_LOTS)
    all_ranks = sorted(await session.scalars(select(Lot.rank).where(Lot.sale_id == row.id)))
    after = dict(zip(all_ranks, [*all_ranks[1:], None], strict=True))
    gone = await _take_out(session, old, stones)
    new: list[Lot] = []
    for lot in old:
        group = stones[lot.id]
        keys = [lot.rank, *ranks.spread(lot.rank, after[lot.rank], len(group) - 1)]
        made = await curation.make_lots(session, row, keys, [[stone] for stone in group], now)
        for one in made:
            for name in PLACE:
                setattr(one, name, getattr(lot, name))
        made[0].number, made[0].suffix = lot.number, lot.suffix
        new += made
    return await _told(session, row, "split", gone, new, actor, now)


async def merge_lots(session: AsyncSession, *, sale: str, lots: Sequence[str], actor: Actor, now: datetime) -> Lot:
    """All their stones are one lot where the first stood, under its number. Estimates and openings are added up where
    every lot has them; a reserve is for the owner to name anew."""
    row = await draft(session, sale)
    old = await lots_of(session, row, list(dict.fromkeys(lots)))
    if len(old) < 2:
        raise OneLot()
    stones = await queries.stones_by_lot(session, [lot.id for lot in old])
    gone, first = await _take_out(session, old, stones), old[0]
    (new,) = await curation.make_lots(session, row, [first.rank], [[s for lot in old for s in stones[lot.id]]], now)
    for name in ("number", "suffix", *PLACE):
        setattr(new, name, getattr(first, name))
    for name in ("low_minor", "high_minor", "opening_minor"):
        figures = [getattr(lot, name) for lot in old]
        setattr(new, name, None if None in figures else sum(figures))
    for name in ("text_en", "text_zh"):
        setattr(new, name, "\n\n".join(dict.fromkeys(text for lot in old if (text := getattr(lot, name))))[:5000])
    new.on_request = any(lot.on_request for lot in old)
    return (await _told(session, row, "merge", gone, [new], actor, now))[0]


async def _take_out(session: AsyncSession, lots: Sequence[Lot], stones: dict[int, list[Stone]]) -> list[Change]:
    changes: list[Change] = [
        {
            "lot": lot.public_id,
            "before": facts_of(lot) | {"stones": [stone.public_id for stone in stones[lot.id]]},
            "after": None,
        }
        for lot in lots
    ]
    ids = [lot.id for lot in lots]
    for lot in lots:
        session.expunge(lot)
    await session.execute(delete(LotStone).where(LotStone.lot_id.in_(ids)))
    await session.execute(delete(Lot).where(Lot.id.in_(ids)))
    return changes


async def _told(
    session: AsyncSession, sale: Sale, kind: str, gone: list[Change], new: list[Lot], actor: Actor, now: datetime
) -> list[Lot]:
    await session.flush()
    stones = await queries.stones_by_lot(session, [lot.id for lot in new])
    made: list[Change] = [
        {
            "lot": lot.public_id,
            "before": None,
            "after": facts_of(lot) | {"stones": [stone.public_id for stone in stones[lot.id]]},
        }
        for lot in new
    ]
    await remember(session, sale, kind, [*gone, *made], actor=actor, now=now)
    await keep_keys_short(session, sale, now)
    return new
