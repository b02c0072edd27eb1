"""What a suggested estimate rests on: found in the archive of results, which stands above this domain."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue.models import Stone


class Comparable(NamedTuple):
    """A public result of a like stone, in minor units per carat as it was sold and as it stands against today."""

    lot: str
    number: str
    title_en: str  # of its sale
    title_zh: str
    ended_at: datetime
    zone: str
    weight_mct: int
    per_carat: int
    adjusted: int


class Span(NamedTuple):
    """Minor units. `low` and `high` are of the whole stone and not yet steps of any ladder; the three of a carat are
    the 25th, the 50th and the 75th percentile; `spread_bp` is the first to the last of them against the middle."""

    low: int
    high: int
    per_carat: tuple[int, int, int]
    spread_bp: int


class Evidence(NamedTuple):
    """`span` is none where there are too few results to give a number. `indexed`: prices were brought to today by the
    index of the house."""

    n: int
    span: Span | None
    indexed: bool
    comparables: Sequence[Comparable]  # the latest first


# Asked for stones and the currency of their sale; told by public id of the stone.
EvidenceOf = Callable[[AsyncSession, Sequence[Stone], str, datetime], Awaitable[Mapping[str, Evidence]]]
