"""Reads of people, companies and proposals."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload

from pavilion.accounts import browsers
from pavilion.accounts.models import Company, Person, Proposal, SignInSession
from pavilion.accounts.rules import Actor, ProposalState, Role, rights_of, session_alive
from pavilion.kernel.events import Event

PAGE = 100


class SessionLine(NamedTuple):
    session: SignInSession
    is_this: bool

    @property
    def browser(self) -> str:
        return browsers.named(self.session.browser)


class ProposalLine(NamedTuple):
    proposal: Proposal
    proposer: str
    decider: str | None


# Asked by every request that bears a cookie: one question, put together once.
_RIGHTS = (joinedload(Person.roles), joinedload(Person.company))
_SIGNED_IN = (
    select(SignInSession, Person)
    .join(Person, Person.id == SignInSession.person_id)
    .where(SignInSession.token_sha256 == bindparam("token"))
    .options(*_RIGHTS)
)


async def actor_of(session: AsyncSession, token_sha256: str, now: datetime) -> tuple[Actor, datetime] | None:
    """The person behind a live sign-in session and when it was last seen."""
    found = (await session.execute(_SIGNED_IN, {"token": token_sha256})).unique().one_or_none()
    if found is None:
        return None
    row, person = found
    if not session_alive(row.created_at, row.last_seen_at, row.revoked_at is not None, now) or person.disabled_at:
        return None
    return as_actor(person, row.id), row.last_seen_at


async def person_with_rights(session: AsyncSession, person_id: int) -> Person | None:
    found = await session.scalars(select(Person).where(Person.id == person_id).options(*_RIGHTS))
    return found.unique().one_or_none()


def as_actor(person: Person, session_id: int | None = None) -> Actor:
    roles = frozenset(Role(row.role) for row in person.roles)
    state = person.company.state if person.company else None
    return Actor(
        person_id=person.id,
        public_id=person.public_id,
        company_id=person.company_id,
        company_state=state,
        roles=roles,
        permissions=rights_of(roles, state),
        lang=person.lang,
        name=person.name,
        session_id=session_id,
    )


async def sessions_of(session: AsyncSession, actor: Actor, now: datetime) -> list[SessionLine]:
    wanted = select(SignInSession).where(SignInSession.person_id == actor.person_id, SignInSession.revoked_at.is_(None))
    rows = await session.scalars(wanted.order_by(SignInSession.last_seen_at.desc()).limit(PAGE))
    alive = [row for row in rows if session_alive(row.created_at, row.last_seen_at, False, now)]
    return [SessionLine(row, row.id == actor.session_id) for row in alive]


async def companies(session: AsyncSession, state: str | None = None) -> Sequence[Company]:
    wanted = select(Company).order_by(Company.applied_at.desc(), Company.id.desc()).limit(PAGE)
    return (await session.scalars(wanted if state is None else wanted.where(Company.state == state))).all()


async def company_by_public_id(session: AsyncSession, public_id: str) -> Company | None:
    return await session.scalar(select(Company).where(Company.public_id == public_id))


async def company_name(session: AsyncSession, company_id: int) -> str:
    return (await session.scalar(select(Company.name).where(Company.id == company_id))) or ""


async def proposals(session: AsyncSession, now: datetime) -> list[ProposalLine]:
    """The open ones first, then the newest decided ones."""
    proposer, decider = aliased(Person), aliased(Person)
    wanted = (
        select(Proposal, proposer.name, decider.name)
        .join(proposer, proposer.id == Proposal.proposed_by)
        .outerjoin(decider, decider.id == Proposal.decided_by)
        .order_by((Proposal.state != ProposalState.OPEN), (Proposal.expires_at < now), Proposal.id.desc())
        .limit(PAGE)
    )
    return [ProposalLine(*row) for row in await session.execute(wanted)]


async def open_proposals(session: AsyncSession, now: datetime) -> int:
    waiting = (Proposal.state == ProposalState.OPEN) & (Proposal.expires_at > now)
    return await session.scalar(select(func.count(Proposal.id)).where(waiting)) or 0


async def member_since(session: AsyncSession, company_id: int) -> datetime:
    """When the company was first let in: what others could read before then it could not."""
    mine = select(Company.public_id, Company.applied_at).where(Company.id == company_id)
    company = (await session.execute(mine)).one()
    let_in = select(func.min(Event.at)).where(Event.name == "company:approved", Event.subject == company.public_id)
    return await session.scalar(let_in) or company.applied_at
