"""Reads for a change of words over many lots: the lots as they stand, and who may own one."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, CompanyState
from pavilion.auctions import queries
from pavilion.auctions.bulk_words import Reworded, WordLot
from pavilion.auctions.changes import facts_of
from pavilion.auctions.models import Lot, Sale
from pavilion.kernel.errors import BadInput, NotFound


async def word_lots(session: AsyncSession, sale: Sale, lots: Sequence[str], actor: Actor) -> list[WordLot]:
    """In running order; one that is not of this sale is refused."""
    wanted = select(Lot).where(Lot.sale_id == sale.id, Lot.public_id.in_(lots)).order_by(Lot.rank)
    rows = (await session.scalars(wanted)).all()
    if len(rows) != len(set(lots)):
        raise NotFound()
    stones = await queries.stones_by_lot(session, [lot.id for lot in rows], actor)
    return [WordLot(lot.public_id, lot.version, facts_of(lot), stones[lot.id]) for lot in rows]


async def may_own(session: AsyncSession, also: int | None = None) -> Sequence[Company]:
    """The companies for which a lot can be sold, by name; `also` this one, whatever became of it."""
    wanted = (
        select(Company)
        .where((Company.state == CompanyState.APPROVED) | (Company.id == also))
        .order_by(Company.name, Company.id)
    )
    return (await session.scalars(wanted)).all()


async def owner_of(session: AsyncSession, company: str) -> int | None:
    known = Company.state == CompanyState.APPROVED
    return await session.scalar(select(Company.id).where(Company.public_id == company, known))


async def owner_said(session: AsyncSession, lot: str, said: str | None) -> dict[str, int | None]:
    """The owner's column as the form says it: nothing where it was not asked or names who is the owner already.
    BadInput for a company for which no lot can be sold."""
    if said is None:
        return {}
    present = select(Company.public_id).join(Lot, Lot.consignor_company_id == Company.id).where(Lot.public_id == lot)
    if said == (await session.scalar(present) or ""):
        return {}
    owner = await owner_of(session, said) if said else None
    if said and owner is None:
        raise BadInput(fields={"owner": "unknown_value"})
    return {"consignor_company_id": owner}


async def owners_of(session: AsyncSession, lines: Sequence[Reworded]) -> dict[int, str]:
    """The names of the owners of before and after."""
    ids = {side.get("consignor_company_id") for line in lines for side in (line.old, line.new)}
    rows = await session.execute(select(Company.id, Company.name).where(Company.id.in_(ids - {None})))
    return dict(rows.all())
