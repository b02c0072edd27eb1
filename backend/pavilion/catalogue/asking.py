"""What listed stones ask, and the fancy colours among them: for the grid of prices and the map of hues."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.catalogue.queries import LISTED

MOST_FANCY = 400  # of a map, the heaviest


class Asked(NamedTuple):
    color: str
    clarity: str
    ppc: int


_SOLD = select(StoneCommitment.stone_id).where(
    StoneCommitment.stone_id == Stone.id,
    StoneCommitment.released_at.is_(None),
    StoneCommitment.kind == CommitmentKind.SOLD,
)


async def white_asked(
    session: AsyncSession, shapes: Collection[str], least: int, upto: int, currency: str
) -> list[Asked]:
    """What the listed, unsold white diamonds of these shapes and weights ask per carat."""
    wanted = select(Stone.color, Stone.clarity, Stone.price_per_carat_minor).where(
        Stone.shape.in_(shapes),
        Stone.color.is_not(None),
        Stone.clarity.is_not(None),
        Stone.weight_mct >= least,
        Stone.weight_mct < upto,
        Stone.species == "diamond",
        Stone.currency == currency,
        Stone.price_per_carat_minor > 0,
        LISTED,
        ~_SOLD.exists(),
    )
    rows = await session.execute(wanted)
    return [Asked(color, clarity, ppc) for color, clarity, ppc in rows if color and clarity and ppc]


async def fancy_listed(session: AsyncSession) -> list[Stone]:
    """The listed, unsold diamonds of a fancy colour, the heaviest first."""
    wanted = select(Stone).where(Stone.fancy_color.is_not(None), Stone.species == "diamond", LISTED, ~_SOLD.exists())
    order = (Stone.weight_mct.desc(), Stone.id)
    return list(await session.scalars(wanted.order_by(*order).limit(MOST_FANCY)))
