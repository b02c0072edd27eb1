"""Verbs of accounts: sign in and out, apply, and the two persons behind every weighty act."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import passwords
from pavilion.accounts.models import Company, Person, PersonRole, Proposal, SignInSession
from pavilion.accounts.rules import (
    APPROVERS,
    COMPANY_TRANSITIONS,
    PROPOSAL_OPEN_FOR,
    Actor,
    CompanyState,
    ProposalState,
    Role,
    proposal_open,
)
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, NotAllowed, NotFound, Refusal
from pavilion.kernel.ids import ulid

FREE_TRIES = 5  # then each further failure doubles the wait
LONGEST_WAIT = timedelta(minutes=15)

ProposalHandler = Callable[[AsyncSession, Proposal, Actor, datetime], Awaitable[None]]


class WrongSignIn(Refusal):
    """One answer for an unknown address, a wrong password and a locked account."""

    status, code = 401, "wrong_sign_in"


class EmailTaken(Refusal):
    status, code = 409, "email_taken"


class SameApprover(Refusal):
    status, code = 403, "same_approver"


class ProposalExpired(Refusal):
    status, code = 409, "proposal_expired"


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def sign_in(session: AsyncSession, *, email: str, password: str, browser: str, now: datetime) -> str | None:
    """A new session's token; None when the pair is wrong (the failure is counted and must be committed)."""
    person = await session.scalar(select(Person).where(Person.email == email.strip().lower()))
    locked = person is not None and person.locked_until is not None and now < person.locked_until
    fits = await passwords.matches(password, person.password_hash if person else None)
    if person is None:
        return None
    if locked or not fits or person.disabled_at is not None:
        if not locked:
            _count_failure(person, now)
        return None
    person.failed_sign_ins, person.locked_until = 0, None
    token = secrets.token_urlsafe(32)
    row = SignInSession(token_sha256=token_hash(token), person_id=person.id, created_at=now, last_seen_at=now)
    row.browser = browser[:200]
    session.add(row)
    events.record(session, "person:signed_in", person.public_id, by=person.public_id, at=now)
    return token


async def is_you(session: AsyncSession, *, person_id: int, password: str, now: datetime) -> bool:
    """Whether who sits there is still who signed in. A failure is counted as at the door and must be committed."""
    person = await session.get_one(Person, person_id)
    if person.locked_until is not None and now < person.locked_until:
        return False
    fits = await passwords.matches(password, person.password_hash)
    if fits:
        person.failed_sign_ins, person.locked_until = 0, None
    else:
        _count_failure(person, now)
    return fits


def _count_failure(person: Person, now: datetime) -> None:
    person.failed_sign_ins += 1
    over = person.failed_sign_ins - FREE_TRIES
    if over >= 0:
        person.locked_until = now + min(LONGEST_WAIT, timedelta(seconds=2**over))


async def seen(session: AsyncSession, session_id: int, now: datetime) -> None:
    await session.execute(update(SignInSession).where(SignInSession.id == session_id).values(last_seen_at=now))


async def sign_out(session: AsyncSession, *, session_id: int, actor: Actor, now: datetime) -> None:
    """The session is void at once, in every process and on every open socket."""
    ended = await session.execute(
        update(SignInSession)
        .where(SignInSession.id == session_id, SignInSession.person_id == actor.person_id)
        .where(SignInSession.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    if ended.rowcount:  # type: ignore[attr-defined]
        events.record(session, "session:revoked", session_id, by=actor.public_id, at=now)


async def set_language(session: AsyncSession, *, person_id: int, lang: str) -> None:
    await session.execute(update(Person).where(Person.id == person_id).values(lang=lang))


async def open_company(
    session: AsyncSession,
    *,
    name: str,
    country: str,
    street: str = "",
    postcode: str = "",
    city: str = "",
    tax_no: str = "",
    now: datetime,
) -> Company:
    company = Company(public_id=ulid(now), name=name, country=country, city=city, tax_no=tax_no, applied_at=now)
    company.street, company.postcode = street, postcode
    company.owners, company.sow_self_assessed = [], None
    session.add(company)
    await session.flush()
    events.record(session, "company:applied", company.public_id, by=None, at=now)
    return company


async def add_person(
    session: AsyncSession,
    *,
    email: str,
    name: str,
    password_hash: str,
    roles: list[Role],
    company: Company | None,
    lang: str | None,
    now: datetime,
) -> Person:
    person = Person(public_id=ulid(now), email=email.strip().lower(), name=name, password_hash=password_hash, lang=lang)
    person.company_id = company.id if company else None
    session.add(person)
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError as error:
        raise EmailTaken() from error
    session.add_all(PersonRole(person_id=person.id, role=role) for role in roles)
    return person


async def apply(
    session: AsyncSession,
    *,
    company: str,
    country: str,
    street: str = "",
    postcode: str = "",
    city: str,
    tax_no: str,
    name: str,
    email: str,
    password: str,
    supplies: bool,
    lang: str,
    now: datetime,
) -> Person:
    """A company that waits for approval, with its first person. Its trade rights rest until then."""
    place = {"country": country, "street": street, "postcode": postcode, "city": city}
    firm = await open_company(session, name=company, tax_no=tax_no, now=now, **place)
    roles = [Role.BUYER, Role.VIEWER, Role.COMPANY_ADMIN] + ([Role.SUPPLIER] if supplies else [])
    hashed = await passwords.hashed(password)
    return await add_person(
        session, email=email, name=name, password_hash=hashed, roles=roles, company=firm, lang=lang, now=now
    )


async def set_company_state(
    session: AsyncSession, *, company: Company, state: CompanyState, by: str | None, reason: str = "", now: datetime
) -> None:
    if state not in COMPANY_TRANSITIONS[CompanyState(company.state)]:
        raise ActNotAllowed(state=company.state, to=state.value)
    company.state = state
    events.record(session, f"company:{state}", company.public_id, by=by, at=now, reason=reason)


async def propose(
    session: AsyncSession,
    *,
    kind: str,
    subject: str,
    facts: dict[str, Any],
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> Proposal:
    """The act waits for a second person. Asked again while one is open, the open one is the answer."""
    assert kind in APPROVERS, kind
    assert actor.person_id is not None
    same = select(Proposal).where(Proposal.kind == kind, Proposal.subject == subject)
    same = same.where(Proposal.state == ProposalState.OPEN, Proposal.expires_at > now)
    if (earlier := await session.scalar(same)) is not None:
        return earlier
    proposal = Proposal(public_id=ulid(now), kind=kind, subject=subject, facts=facts, reason=reason)
    proposal.state, proposal.proposed_by, proposal.proposed_at = ProposalState.OPEN, actor.person_id, now
    proposal.expires_at = now + PROPOSAL_OPEN_FOR
    session.add(proposal)
    await session.flush()
    events.record(session, "proposal:made", proposal.public_id, by=actor.public_id, at=now, kind=kind, about=subject)
    return proposal


async def hold_proposals(session: AsyncSession, *, subject: str) -> None:
    """No approval of an open proposal about this runs beside us. Taken before the subject, as an approval does."""
    waiting = select(Proposal.id).where(Proposal.subject == subject, Proposal.state == ProposalState.OPEN)
    await session.execute(waiting.order_by(Proposal.id).with_for_update())


async def lapse(session: AsyncSession, *, kind: str, subject: str, actor: Actor, reason: str, now: datetime) -> None:
    """What was proposed is no longer so: nobody can approve it any more, and it can be proposed anew."""
    waiting = select(Proposal).where(Proposal.kind == kind, Proposal.subject == subject)
    waiting = waiting.where(Proposal.state == ProposalState.OPEN, Proposal.expires_at > now)
    for proposal in (await session.scalars(waiting.with_for_update())).all():
        proposal.state, proposal.decided_at = ProposalState.EXPIRED, now
        events.record(session, "proposal:expired", proposal.public_id, by=actor.public_id, at=now, reason=reason)


async def decide(
    session: AsyncSession,
    *,
    proposal_id: str,
    approve: bool,
    actor: Actor,
    handlers: Mapping[str, ProposalHandler],
    now: datetime,
) -> Proposal:
    """The second person's word. An approved act is carried out in this very transaction or the approval falls too."""
    proposal = await session.scalar(select(Proposal).where(Proposal.public_id == proposal_id).with_for_update())
    if proposal is None:
        raise NotFound()
    own = proposal.proposed_by == actor.person_id
    if not (own and not approve) and not actor.may(APPROVERS[proposal.kind]):  # one's own is taken back without it
        raise NotAllowed(right=APPROVERS[proposal.kind].value)
    if approve and own:
        raise SameApprover()
    if not proposal_open(proposal.state, proposal.expires_at, now):
        raise ProposalExpired()
    if own:
        proposal.state, proposal.decided_at = ProposalState.DECLINED, now
    else:
        proposal.state = ProposalState.APPROVED if approve else ProposalState.DECLINED
        proposal.decided_by, proposal.decided_at = actor.person_id, now
    await session.flush()
    if approve:
        await handlers[proposal.kind](session, proposal, actor, now)
    events.record(session, f"proposal:{proposal.state}", proposal.public_id, by=actor.public_id, at=now)
    return proposal


async def approve_company(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    await _company_proposal(session, proposal, CompanyState.APPROVED, actor, now)


async def decline_company(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    await _company_proposal(session, proposal, CompanyState.DECLINED, actor, now)


async def suspend_company(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    await _company_proposal(session, proposal, CompanyState.SUSPENDED, actor, now)


async def _company_proposal(
    session: AsyncSession, proposal: Proposal, state: CompanyState, actor: Actor, now: datetime
) -> None:
    company = await session.scalar(select(Company).where(Company.public_id == proposal.subject))
    if company is None:
        raise NotFound()
    await set_company_state(session, company=company, state=state, by=actor.public_id, reason=proposal.reason, now=now)


PROPOSAL_HANDLERS: dict[str, ProposalHandler] = {
    "company.approve": approve_company,
    "company.decline": decline_company,
    "company.suspend": suspend_company,
}
