"""Things tests need, each with defaults that a dealer would believe."""

from datetime import UTC, datetime, timedelta

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import queries, service
from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import Actor, CompanyState, Role

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
PASSWORD = "a long enough password"
# Of the house's own kind, with the least work in it: a check costs what its hash says.
HASH = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)).hash(PASSWORD)


async def company(
    session: AsyncSession, name: str = "Lumen Trading", country: str = "HK", **changes: object
) -> Company:
    """An approved company."""
    firm = await service.open_company(session, name=name, country=country, now=NOON)
    firm.state, firm.street = CompanyState.APPROVED, "12 Hollywood Road"
    for field, value in changes.items():
        setattr(firm, field, value)
    await session.flush()
    return firm


async def person(
    session: AsyncSession,
    email: str = "wen@lumen.example",
    roles: tuple[Role, ...] = (Role.BUYER,),
    firm: Company | None = None,
) -> Person:
    return await service.add_person(
        session, email=email, name=email.split("@")[0].title(), password_hash=HASH, roles=list(roles),
        company=firm, lang="en", now=NOON,
    )  # fmt: skip


async def actor(
    session: AsyncSession,
    email: str = "noor@pavilion.example",
    roles: tuple[Role, ...] = (Role.CURATOR,),
    firm: Company | None = None,
) -> Actor:
    """A person with these roles, as rules see them."""
    made = await person(session, email, roles, firm)
    found = await queries.person_with_rights(session, made.id)
    assert found is not None
    return queries.as_actor(found)
