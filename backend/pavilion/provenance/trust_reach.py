"""What a row of the trust table holds up: the stones in the catalogue whose chains have events signed under it."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import JSON, ColumnElement, Select, Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.provenance.models import ChainEvent, ExposedStone
from pavilion.provenance.outcome_models import PartyName


class Reach(NamedTuple):
    stones: int  # in the catalogue
    lots: int  # published or running, with at least one of them


class LotsWith(Protocol):
    """How many lots that are published or running hold one of these stones."""

    async def __call__(self, session: AsyncSession, stones: Select[Any]) -> int: ...


async def reach(session: AsyncSession, issuer: str, types: Sequence[str], lots_with: LotsWith) -> Reach:
    stones = _signed(session, issuer, types)
    count = await session.scalar(select(func.count()).select_from(stones.subquery()))
    return Reach(count or 0, await lots_with(session, stones))


async def names_of(session: AsyncSession) -> dict[str, str]:
    """The companies behind the short names of parties, where the house knows them."""
    known = select(PartyName.party, Company.name).join(Company, Company.id == PartyName.company_id)
    return {row.party: row.name for row in await session.execute(known)}


def _signed(session: AsyncSession, issuer: str, types: Sequence[str]) -> Select[Any]:
    sqlite = session.get_bind().dialect.name == "sqlite"

    def said(member: str) -> ColumnElement[Any]:
        on_sqlite: ColumnElement[Any] = func.json_extract(ChainEvent.body, f"$.{member}", type_=Text())
        on_postgres: ColumnElement[Any] = cast(ChainEvent.body, JSON)[member].as_string()
        return on_sqlite if sqlite else on_postgres

    wanted = (
        select(ChainEvent.stone)
        .join(ExposedStone, ExposedStone.stone == ChainEvent.stone)
        .where(ChainEvent.body.contains(f'"{issuer}"', autoescape=True))
        .where(func.coalesce(said("issuer"), said("by")) == issuer)
    )
    return (wanted if "*" in types else wanted.where(ChainEvent.kind.in_(types))).distinct()
