"""What a supplier has with us: every own stone in whatever state, and the meanings the own words were given."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.catalogue.queries import LISTED, commitments_of
from pavilion.catalogue.upload_models import StockMapping
from pavilion.catalogue.uploads import SETTINGS
from pavilion.provenance import queries as provenance
from pavilion.provenance.models import StoneVerdict

PAGE = 50


class Standing(StrEnum):
    LISTED = "listed"  # shown, and free
    PROMISED = "promised"  # shown, and in a sale, on hold, on memo or ordered
    SOLD = "sold"
    HIDDEN = "hidden"  # its origin is not confirmed, or another supplier lists the same report
    WITHDRAWN = "withdrawn"


class Own(NamedTuple):
    """`verdict`: of its origin, None while nobody has asked. `promised`: to what, None where it is free."""

    stone: Stone
    standing: Standing
    verdict: StoneVerdict | None
    promised: StoneCommitment | None


class Meaning(NamedTuple):
    """`word` is empty for how a whole kind of column is read."""

    column: str
    word: str
    meaning: str
    by: str
    at: datetime
    version: int


_LIVE = and_(StoneCommitment.stone_id == Stone.id, StoneCommitment.released_at.is_(None))
_SOLD = select(StoneCommitment.id).where(_LIVE, StoneCommitment.kind == CommitmentKind.SOLD).exists()
_PROMISED = select(StoneCommitment.id).where(_LIVE, StoneCommitment.kind != CommitmentKind.SOLD).exists()
_STANDS: Mapping[Standing, ColumnElement[bool]] = {
    Standing.SOLD: _SOLD,
    Standing.WITHDRAWN: and_(Stone.withdrawn_at.is_not(None), ~_SOLD),
    Standing.HIDDEN: and_(Stone.exposed_id.is_(None), Stone.withdrawn_at.is_(None), ~_SOLD),
    Standing.PROMISED: and_(LISTED, _PROMISED),
    Standing.LISTED: and_(LISTED, ~_PROMISED, ~_SOLD),
}


async def stones_of(
    session: AsyncSession, company_id: int, *, standing: Standing | None = None, words: str = "", after: str = ""
) -> tuple[list[Own], str | None]:
    """The company's stones by stock number, behind the one named `after`, and the one behind which the next page
    begins. `words`: how the stock or report number begins."""
    wanted = select(Stone).where(Stone.supplier_company_id == company_id, Stone.stock_no_key > after.casefold())
    if standing is not None:
        wanted = wanted.where(_STANDS[standing])
    if words:
        key = words.casefold()
        report = Stone.report_no.startswith(words.upper(), autoescape=True)
        wanted = wanted.where(or_(Stone.stock_no_key.startswith(key, autoescape=True), report))
    found = list(await session.scalars(wanted.order_by(Stone.stock_no_key).limit(PAGE + 1)))
    shown = found[:PAGE]
    verdicts = await provenance.verdicts_of(session, [stone.public_id for stone in shown])
    promised = await commitments_of(session, [stone.id for stone in shown])
    rows = [_own(stone, verdicts.get(stone.public_id), promised.get(stone.id)) for stone in shown]
    return rows, shown[-1].stock_no if len(found) > PAGE else None


async def counts_of(session: AsyncSession, company_id: int) -> dict[Standing, int]:
    """How many of the company's stones stand how."""
    mine = select(func.count(Stone.id)).where(Stone.supplier_company_id == company_id)
    return {standing: await session.scalar(mine.where(met)) or 0 for standing, met in _STANDS.items()}


async def meanings_of(session: AsyncSession, company_id: int) -> list[Meaning]:
    """The meanings in force, each with who chose it and when."""
    wanted = select(StockMapping).where(StockMapping.supplier_company_id == company_id)
    versions = (await session.scalars(wanted.order_by(StockMapping.version))).all()
    found: dict[tuple[str, str], tuple[str, StockMapping]] = {}
    for version in versions:
        said = dict(_flat(version.choices))
        found = {place: told for place, told in found.items() if said.get(place) == told[0]}
        found |= {place: (meaning, version) for place, meaning in said.items() if place not in found}
    people = await _named(session, [version.by for _, version in found.values() if version.by])
    return [
        Meaning(column, word, meaning, people.get(version.by or "", ""), version.at, version.version)
        for (column, word), (meaning, version) in sorted(found.items())
    ]


def _flat(choices: Mapping[str, Any]) -> list[tuple[tuple[str, str], str]]:
    settings = [((column, ""), choices[column]) for column in SETTINGS if column in choices]
    words = ((column, said) for column, said in choices.items() if column not in SETTINGS)
    return settings + [((column, word), meaning) for column, said in words for word, meaning in said.items()]


async def _named(session: AsyncSession, people: Sequence[str]) -> dict[str, str]:
    rows = await session.execute(select(Person.public_id, Person.name).where(Person.public_id.in_(people)))
    return {row.public_id: row.name for row in rows}


def _own(stone: Stone, verdict: StoneVerdict | None, promised: StoneCommitment | None) -> Own:
    if promised is not None and promised.kind == CommitmentKind.SOLD:
        standing = Standing.SOLD
    elif stone.withdrawn_at is not None:
        standing = Standing.WITHDRAWN
    elif stone.exposed_id is None:
        standing = Standing.HIDDEN
    else:
        standing = Standing.LISTED if promised is None else Standing.PROMISED
    return Own(stone, standing, verdict, promised)
