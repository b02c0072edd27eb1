"""The registrar's queue, and a company's own registration."""

from typing import NamedTuple

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor
from pavilion.auctions.models import Registration, Sale
from pavilion.auctions.rules import RegistrationState
from pavilion.kernel.errors import NotFound

WAITING = (RegistrationState.APPLIED, RegistrationState.MORE_INFORMATION)
ASKS_ON = and_(  # its approval ended, and it asked since to bid on
    Registration.state == RegistrationState.APPROVED, Registration.applied_at >= Registration.approved_until
)
TO_ANSWER = or_(Registration.state.in_(WAITING), ASKS_ON)
MOST = 200  # lines of one page


class Waiting(NamedTuple):
    registration: Registration
    sale: Sale
    company: Company
    earlier: int  # sales in which the company already had a paddle


async def registrations(session: AsyncSession, *, state: RegistrationState | None, sale: str | None) -> list[Waiting]:
    """What waits, the oldest first; with a state, those in it, the latest first."""
    others = aliased(Registration)
    earlier = (
        select(func.count())
        .select_from(others)
        .where(others.company_id == Registration.company_id, others.id != Registration.id, others.paddle.is_not(None))
        .correlate(Registration)
        .scalar_subquery()
    )
    wanted = (
        select(Registration, Sale, Company, earlier)
        .join(Sale, Sale.id == Registration.sale_id)
        .join(Company, Company.id == Registration.company_id)
        .limit(MOST)
    )
    if state is None:
        wanted = wanted.where(TO_ANSWER).order_by(Registration.applied_at, Registration.id)
    else:
        wanted = wanted.where(Registration.state == state).order_by(Registration.id.desc())
    if sale is not None:
        wanted = wanted.where(Sale.public_id == sale)
    return [Waiting(*row) for row in await session.execute(wanted)]


async def own_registration(session: AsyncSession, sale: Sale, actor: Actor) -> Registration | None:
    if actor.company_id is None:
        return None
    return await session.scalar(
        select(Registration).where(Registration.sale_id == sale.id, Registration.company_id == actor.company_id)
    )


async def sale_of(session: AsyncSession, registration: str) -> Sale:
    """NotFound for a registration that is none."""
    found = select(Sale).join(Registration, Registration.sale_id == Sale.id)
    sale = await session.scalar(found.where(Registration.public_id == registration))
    if sale is None:
        raise NotFound()
    return sale
