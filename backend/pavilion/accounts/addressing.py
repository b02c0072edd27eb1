"""Where a company sits: said by its own administrator, with every earlier address kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company, CompanyAddress, Person
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel import events
from pavilion.kernel.errors import NotAllowed, NotFound

SHOWN = 50


class Line(NamedTuple):
    address: CompanyAddress
    by: str  # who said so; empty: with the application


def may_change(actor: Actor) -> bool:
    return actor.company_id is not None and actor.may(Permission.PEOPLE_EDIT)


async def own(session: AsyncSession, actor: Actor) -> Company:
    company = await session.get(Company, actor.company_id) if actor.company_id is not None else None
    if company is None:
        raise NotFound()
    return company


async def change(
    session: AsyncSession, *, street: str, postcode: str, city: str, actor: Actor, now: datetime
) -> Company:
    """The company sits there from now on; papers issued before keep what they say. Said twice, kept once."""
    if not may_change(actor):
        raise NotAllowed(right=Permission.PEOPLE_EDIT.value)
    locked = select(Company).where(Company.id == actor.company_id).with_for_update()
    company = (await session.scalars(locked.execution_options(populate_existing=True))).one()
    if (company.street, company.postcode, company.city) == (street, postcode, city):
        return company
    if not await history(session, company.id):
        session.add(_row(company, None, company.applied_at))
        await session.flush()
    company.street, company.postcode, company.city = street, postcode, city
    session.add(_row(company, actor.public_id, now))
    await session.flush()
    events.record(session, "company:moved", company.public_id, by=actor.public_id, at=now)
    return company


async def history(session: AsyncSession, company_id: int) -> Sequence[Line]:
    """The newest first."""
    wanted = select(CompanyAddress, Person.name).outerjoin(Person, Person.public_id == CompanyAddress.by)
    wanted = wanted.where(CompanyAddress.company_id == company_id).order_by(CompanyAddress.id.desc()).limit(SHOWN)
    return [Line(row, name or "") for row, name in await session.execute(wanted)]


def _row(company: Company, by: str | None, at: datetime) -> CompanyAddress:
    row = CompanyAddress(company_id=company.id, street=company.street, postcode=company.postcode, city=company.city)
    row.country, row.by, row.at = company.country, by, at
    return row
