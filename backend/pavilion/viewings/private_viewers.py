"""Private viewers: people without a company, invited, or approved after asking. Each is a company of one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import passwords
from pavilion.accounts import service as accounts
from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import CompanyState, Role
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, NotFound, Refusal
from pavilion.kernel.ids import ulid
from pavilion.viewings.forms import AcceptForm, InviteForm, PrivateForm
from pavilion.viewings.place_models import Office, OfficeStaff
from pavilion.viewings.private_models import PrivateState, PrivateViewer
from pavilion.viewings.visitors import new_token, token_hash

GOOD_FOR = timedelta(days=14)
PAGE = 200
KIND = "private"


class InvitationOver(Refusal):
    """It was used, taken back, or lay too long."""

    status, code = 409, "invitation_over"


class NoSuchOffice(Refusal):
    status, code = 422, "office_unknown"


async def ask(session: AsyncSession, form: PrivateForm, *, lang: str, now: datetime) -> PrivateViewer:
    """Somebody asks to come: they can sign in, and book nothing until the house has approved."""
    if form.office and await session.get(Office, form.office) is None:
        raise NoSuchOffice()
    company = await accounts.open_company(session, name=form.name, country=form.country, city=form.city, now=now)
    await _person(session, company, form.name, form.email, form.password, lang, now)
    row = PrivateViewer(public_id=ulid(now), email=form.email.lower(), name=form.name, state=PrivateState.ASKED)
    row.office_id, row.words, row.company_id, row.made_at = form.office or None, form.words, company.id, now
    session.add(row)
    await session.flush()
    events.record(session, "private_viewer:asked", row.public_id, by=None, at=now, office=row.office_id)
    return row


async def invite(session: AsyncSession, form: InviteForm, *, by: str, now: datetime) -> tuple[PrivateViewer, str]:
    """An invitation whose secret is told once; the same address invited again gets a new secret for the old place."""
    open_one = select(PrivateViewer).where(
        PrivateViewer.email == form.email.lower(), PrivateViewer.state == PrivateState.INVITED
    )
    row = await session.scalar(open_one.limit(1))
    if row is None:
        if await session.scalar(select(Person.id).where(Person.email == form.email.lower())) is not None:
            raise accounts.EmailTaken()
        row = PrivateViewer(public_id=ulid(now), email=form.email.lower(), state=PrivateState.INVITED, words="")
        row.made_at, row.made_by = now, by
        session.add(row)
    token = new_token()
    row.name, row.office_id = form.name, form.office
    row.token_sha256, row.expires_at = token_hash(token), now + GOOD_FOR
    await session.flush()
    events.record(session, "private_viewer:invited", row.public_id, by=by, at=now, office=row.office_id)
    return row, token


async def by_token(session: AsyncSession, token: str, now: datetime) -> PrivateViewer:
    row = await session.scalar(select(PrivateViewer).where(PrivateViewer.token_sha256 == token_hash(token)))
    if row is None:
        raise NotFound()
    if row.state != PrivateState.INVITED or row.expires_at is None or now >= row.expires_at:
        raise InvitationOver()
    return row


async def accept(session: AsyncSession, token: str, form: AcceptForm, *, lang: str, now: datetime) -> PrivateViewer:
    """Who was invited can sign in and book; the house's invitation is its approval."""
    row = await by_token(session, token, now)
    company = await accounts.open_company(session, name=form.name, country=form.country, now=now)
    await _person(session, company, form.name, row.email, form.password, lang, now)
    await accounts.set_company_state(
        session, company=company, state=CompanyState.APPROVED, by=row.made_by, reason="invited", now=now
    )
    row.name, row.company_id, row.state = form.name, company.id, PrivateState.APPROVED
    row.decided_at, row.decided_by = now, row.made_by
    await session.flush()
    events.record(session, "private_viewer:approved", row.public_id, by=row.made_by, at=now, office=row.office_id)
    return row


async def decide(
    session: AsyncSession, public_id: str, *, approve: bool, by: str, person_id: int, now: datetime
) -> None:
    """The word of a person of the office: who asked may book, or is told no. An open invitation can be taken back."""
    row = await session.scalar(select(PrivateViewer).where(PrivateViewer.public_id == public_id[:26]).with_for_update())
    if row is None or not await acts_for(session, person_id, row.office_id):
        raise NotFound()
    wanted = PrivateState.APPROVED if approve else PrivateState.DECLINED
    if row.state == wanted:
        return
    if row.state not in (PrivateState.ASKED, PrivateState.INVITED) or (approve and row.state == PrivateState.INVITED):
        raise ActNotAllowed(state=row.state)
    if row.company_id is not None:
        company = await session.get_one(Company, row.company_id)
        state = CompanyState.APPROVED if approve else CompanyState.DECLINED
        if company.state == CompanyState.APPLIED:
            await accounts.set_company_state(session, company=company, state=state, by=by, now=now)
        elif company.state != state:
            raise ActNotAllowed(state=company.state)
    row.state, row.decided_at, row.decided_by, row.token_sha256 = wanted, now, by, None
    events.record(session, f"private_viewer:{wanted}", row.public_id, by=by, at=now, office=row.office_id)


async def of_offices(session: AsyncSession, person_id: int) -> Sequence[PrivateViewer]:
    """Those who wish to come to this person's offices, or named none; the undecided first."""
    mine = select(OfficeStaff.office_id).where(OfficeStaff.person_id == person_id)
    wanted = select(PrivateViewer).where(PrivateViewer.office_id.is_(None) | PrivateViewer.office_id.in_(mine))
    undecided = PrivateViewer.state.in_((PrivateState.ASKED, PrivateState.INVITED))
    return (await session.scalars(wanted.order_by(undecided.desc(), PrivateViewer.id.desc()).limit(PAGE))).all()


async def asking(session: AsyncSession, offices: Sequence[str]) -> dict[str, int]:
    """How many wait for the word of each of these offices; who named none waits for every one."""
    waits = select(PrivateViewer.office_id).where(PrivateViewer.state == PrivateState.ASKED)
    named = list(await session.scalars(waits))
    return {office: sum(one in (office, None) for one in named) for office in offices}


async def acts_for(session: AsyncSession, person_id: int, office: str | None) -> bool:
    """Whether this person works at that office, or at any."""
    wanted = select(OfficeStaff.office_id).where(OfficeStaff.person_id == person_id)
    if office is not None:
        wanted = wanted.where(OfficeStaff.office_id == office)
    return await session.scalar(wanted.limit(1)) is not None


async def _person(
    session: AsyncSession, company: Company, name: str, email: str, password: str, lang: str, now: datetime
) -> Person:
    """A viewer and nothing more: no prices, no bids."""
    hashed = await passwords.hashed(password)
    return await accounts.add_person(
        session, email=email, name=name, password_hash=hashed, roles=[Role.VIEWER], company=company, lang=lang, now=now
    )
