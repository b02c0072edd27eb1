"""What the search for an order knows of a draft: read at once, so that no transaction lasts as long as the search; and
the acceptance of an order that was looked at."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import arranging, queries
from pavilion.auctions.changes import LotsChanged, draft
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.ordering import LotFeature
from pavilion.auctions.rules import SaleState, closing_plan
from pavilion.auctions.writing import Standing, standing
from pavilion.catalogue.models import Stone
from pavilion.catalogue.nomenclature import nomenclature
from pavilion.catalogue.position import band_of
from pavilion.kernel.errors import ActNotAllowed

STRETCHES = 10  # of a sale that closes on one day


class Task(NamedTuple):
    """One draft as the search sees it, and its lots as the page shows them. `mark` says which order this is."""

    sale: Sale
    lots: Mapping[str, Lot]
    features: Sequence[LotFeature]
    closes: Sequence[int]
    stretches: Sequence[int]
    mark: str


async def task_of(session: AsyncSession, sale: Sale, actor: Actor, now: datetime) -> Task:
    if sale.state != SaleState.DRAFT:
        raise ActNotAllowed(state=sale.state)
    lots = (await session.scalars(select(Lot).where(Lot.sale_id == sale.id).order_by(Lot.rank))).all()
    stones = await queries.stones_by_lot(session, [lot.id for lot in lots], actor)
    figures = session.info.get("figures")  # handed in by `main.py`: how much interest there is
    held = {lot.public_id: [stone.public_id for stone in stones[lot.id]] for lot in lots}
    counted = await figures(session, sale, held, now) if figures else {}
    asked_for = {lot: one.get("companies", 0) + one.get("shortlists", 0) for lot, one in counted.items()}
    closes, stretches = _plan(sale, len(lots), now)
    features = _features(lots, stones, asked_for)
    return Task(sale, {lot.public_id: lot for lot in lots}, features, closes, stretches, mark_of(lots))


def mark_of(lots: Sequence[Lot] | Sequence[Standing]) -> str:
    """Another one as soon as a lot moves, comes, goes, is pinned or is put under another heading."""
    said = "\n".join(f"{lot.public_id} {lot.rank} {lot.group_id} {lot.pinned}" for lot in lots)
    return sha256(said.encode()).hexdigest()[:32]


async def accept(
    session: AsyncSession,
    *,
    sale: str,
    order: Sequence[str],
    places: Sequence[int],
    mark: str,
    actor: Actor,
    now: datetime,
) -> None:
    """The lots stand in this order, as far as pins and headings let them, as one command. `places` says where each was
    put on the page, counted from 1. An order suggested for another one than stands now is refused."""
    row = await draft(session, sale)
    held = await standing(session, row)
    if mark != mark_of(held) or sorted(order) != sorted(lot.public_id for lot in held):
        raise LotsChanged(lots=[])
    wanted = put_by_hand(order, places)
    await arranging.arrange_lots(session, sale=sale, order=kept(held, wanted), kind="suggested", actor=actor, now=now)


def put_by_hand(order: Sequence[str], places: Sequence[int]) -> list[str]:
    """Each lot at the place that was typed for it: one put back stands behind the lot that was there, one put forward
    before it."""

    def key(at: int) -> tuple[int, int, int]:
        typed = places[at] - 1 if at < len(places) else at
        return typed, (typed > at) - (typed < at), at

    return [order[at] for at in sorted(range(len(order)), key=key)]


def kept(held: Sequence[Standing], wanted: Sequence[str]) -> list[str]:
    """That order with the pinned lots where they stand and every lot at a place of its own heading."""
    of = {lot.public_id: lot for lot in held}
    queues: dict[int | None, list[str]] = defaultdict(list)
    for name in wanted:
        if not of[name].pinned:
            queues[of[name].group_id].append(name)
    return [lot.public_id if lot.pinned else queues[lot.group_id].pop(0) for lot in held]


def _plan(sale: Sale, count: int, now: datetime) -> tuple[list[int], list[int]]:
    """In which minute each place closes, and to which stretch it belongs: a day of closing, or a tenth of the sale."""
    if sale.type == SaleType.COLLECTION:
        return [2 * at for at in range(count)], [at * STRETCHES // max(count, 1) for at in range(count)]
    first = sale.first_close_at or now
    ends = closing_plan(first, sale.stagger_s, sale.stagger_per, sale.breaks, count)
    days = [end.astimezone(ZoneInfo(sale.zone)).toordinal() for end in ends]
    tenths = [at * STRETCHES // max(count, 1) for at in range(count)]
    return [int((end - first).total_seconds()) // 60 for end in ends], days if len(set(days)) > 1 else tenths


def _features(
    lots: Sequence[Lot], stones: Mapping[int, Sequence[Stone]], asked_for: Mapping[str, int]
) -> list[LotFeature]:
    """The dearest twentieth, two at least, are the stars. Must be seen what most companies look at, a fifth of the sale
    at most; where nobody has looked yet, the dearest tenth."""
    values = {
        lot.public_id: ((lot.low_minor or 0) + (lot.high_minor or 0)) // 2 or lot.opening_minor or 0 for lot in lots
    }
    stars = _most(values, max(2, len(lots) // 20)) if len(lots) > 3 else frozenset()
    seen = _most(asked_for, max(1, len(lots) // 5)) or _most(values, max(1, len(lots) // 10))
    circle = {row["name"]: int(row["degrees"]) for row in nomenclature().fancy["hue_circle"]}
    cells: dict[tuple[Any, ...], int] = {}
    found = []
    for lot in lots:
        first = stones[lot.id][0] if stones[lot.id] else None
        cell = 0
        if first is not None and len(stones[lot.id]) == 1:
            grade = (first.shape, first.color, first.fancy_color, first.fancy_intensity, first.clarity)
            cell = cells.setdefault((*grade, band_of(first.weight_mct)[0]), len(cells) + 1)
        found.append(
            LotFeature(
                lot.public_id,
                values[lot.public_id],
                (first.fancy_color if first else None) or "",
                _degrees(first, circle) if first else None,
                lot.consignor_company_id or 0,
                cell,
                (first.city if first else None) or "",
                lot.public_id in seen,
                lot.public_id in stars,
                lot.pinned,
                lot.group_id or 0,
            )
        )
    return found


def _degrees(stone: Stone, circle: Mapping[str, int]) -> int | None:
    """By the modifier and the hue, or two joined hues; else by the hue alone."""
    hue = stone.fancy_color or ""
    names = [f"{stone.overtones[-1]} {hue}"] if stone.overtones else []
    names += [f"{stone.fancy_secondary}-{hue}"] if stone.fancy_secondary else []
    return next((circle[name] for name in (*names, hue) if name in circle), None)


def _most(counts: Mapping[str, int], most: int) -> frozenset[str]:
    """The names with the highest counts, ties by name; what has none is not among them."""
    order = sorted((name for name in counts if counts[name]), key=lambda name: (-counts[name], name))
    return frozenset(order[:most])
