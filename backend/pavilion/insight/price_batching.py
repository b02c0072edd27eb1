"""Results become told prices in batches of at least five of one cell, each result in one batch at most.

First the narrow cells (one shape, band, colour and clarity), then what is left over in the coarse ones. A batch never
grows, so a figure changes only by five results or more at once: what one sale brought is not to be had by asking before
and after it. A batch of which a sale did not come about is taken back whole; its other results wait for the next."""

from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Lot
from pavilion.auctions.queries import stones_by_lot
from pavilion.auctions.sequel_models import LotSequel
from pavilion.insight.price_cells import Place, place_of
from pavilion.insight.price_models import LEAST, PriceBatch, PriceResult
from pavilion.insight.results_models import ResultLot
from pavilion.kernel.db import Sessions, reading

AT_ONCE = 500


class Batching:
    """Looks only when the archive has grown or a lot of it came to something else."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._seen: tuple[int, int] | None = None

    async def tick(self, now: datetime) -> int:
        """How many batches were told or taken back."""
        async with reading(self._sessions) as session:
            grown = await _grown(session)
        if grown == self._seen:
            return 0
        async with self._sessions.begin() as session:
            done = await batch(session, now)
        self._seen = grown
        return done


async def batch(session: AsyncSession, now: datetime) -> int:
    """Every cell that has enough untold results tells them."""
    undone = select(PriceResult.batch_id).join(ResultLot, ResultLot.id == PriceResult.result_id)
    broken = set(await session.scalars(undone.where(ResultLot.state != "sold")))
    if broken:
        await session.execute(delete(PriceBatch).where(PriceBatch.id.in_(broken)))
    pool = await _untold(session)
    fine = _enough(((row.currency, place), row, place) for row, place in pool if place.fine)
    left = {row.id for group in fine for row, _ in group}
    rest = [(row, place) for row, place in pool if row.id not in left and place.coarse]
    coarse = _enough(((row.currency, *place[4:]), row, place) for row, place in rest)
    for is_fine, groups in ((True, fine), (False, coarse)):
        for group in groups:
            await _tell(session, group, is_fine, now)
    return len(broken) + len(fine) + len(coarse)


async def _untold(session: AsyncSession) -> list[tuple[ResultLot, Place]]:
    """Single stones sold under the hammer that stand in no batch, the earliest first."""
    told = select(PriceResult.result_id).where(PriceResult.result_id == ResultLot.id)
    wanted = select(ResultLot).where(
        ResultLot.state == "sold", ResultLot.stones == 1, ResultLot.per_carat > 0, ResultLot.tone != "GEM"
    )
    rows = list(await session.scalars(wanted.where(~told.exists()).order_by(ResultLot.ended_at, ResultLot.id)))
    intensity = await _intensities(session, [row.lot for row in rows if row.fancy_color])
    return [
        (row, place_of(row.shape, row.weight_mct, row.color, row.fancy_color, grade))
        for row in rows
        if row.shape and (row.color or row.fancy_color)
        for grade in (intensity.get(row.lot, "") if row.fancy_color else row.clarity,)
    ]


async def _intensities(session: AsyncSession, lots: Sequence[str]) -> dict[str, str]:
    """How strong the fancy colour of each lot is."""
    found: dict[str, str] = {}
    for start in range(0, len(lots), AT_ONCE):
        some = select(Lot.id, Lot.public_id).where(Lot.public_id.in_(lots[start : start + AT_ONCE]))
        named: dict[int, str] = dict((await session.execute(some)).all())
        stones = await stones_by_lot(session, list(named))
        found |= {named[id_]: of[0].fancy_intensity or "" for id_, of in stones.items() if of}
    return found


def _enough(rows: Iterable[tuple[Hashable, ResultLot, Place]]) -> list[list[tuple[ResultLot, Place]]]:
    groups: dict[Hashable, list[tuple[ResultLot, Place]]] = {}
    for cell, row, place in rows:
        groups.setdefault(cell, []).append((row, place))
    return [group for group in groups.values() if len(group) >= LEAST]


async def _tell(session: AsyncSession, group: Sequence[tuple[ResultLot, Place]], fine: bool, now: datetime) -> None:
    first, place = group[0]
    narrow: dict[str, Any] = place._asdict() if fine else place._asdict() | dict.fromkeys(_NARROW, "")
    told = PriceBatch(
        fine=fine,
        currency=first.currency,
        **narrow,
        n=len(group),
        first_at=min(row.ended_at for row, _ in group),
        last_at=max(row.ended_at for row, _ in group),
        told_at=now,
    )
    session.add(told)
    await session.flush()
    rows = [{"result_id": row.id, "batch_id": told.id, "per_carat": row.per_carat} for row, _ in group]
    for start in range(0, len(rows), AT_ONCE):
        await session.execute(insert(PriceResult), rows[start : start + AT_ONCE])


_NARROW = ("shape", "band", "color", "grade")


async def _grown(session: AsyncSession) -> tuple[int, int]:
    last = await session.scalar(select(func.max(ResultLot.id)))
    became = await session.scalar(select(func.count()).select_from(ResultLot).where(ResultLot.state == "cancelled"))
    said = await session.scalar(select(func.max(LotSequel.id)))
    return last or 0, (became or 0) * 2**32 + (said or 0)
