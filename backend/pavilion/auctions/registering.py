"""Registration for a sale: a company asks, the house answers, approval gives a paddle and a limit."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import checks, strikes
from pavilion.accounts import service as accounts
from pavilion.accounts.models import Company, Proposal
from pavilion.accounts.rules import Actor
from pavilion.auctions.deposits import MOST_TIMES, asked_of, low_estimates, raised_limit, rule_of
from pavilion.auctions.entities import entities
from pavilion.auctions.models import Registration, Sale
from pavilion.auctions.reasons import CHOICES
from pavilion.auctions.rules import REGISTRATION_TRANSITIONS, SECOND_PERSON_ABOVE, RegistrationState, SaleState
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed, NotFound, Refusal, StaleVersion
from pavilion.kernel.ids import ulid
from pavilion.kernel.instants import from_stamp, stamp
from pavilion.kernel.money import MAX_AMOUNT, decimal_text, of_two_places

PADDLES = range(101, 1000)
MORE_PADDLES = range(1000, 10_000)  # once the first range is used up


class RegistrationShut(Refusal):
    """The sale takes registrations later, or takes no more."""

    status, code = 409, "registration_shut"


OPEN_FOR_REGISTRATION = frozenset({SaleState.PUBLISHED, SaleState.OPEN, SaleState.PAUSED})

R = RegistrationState


async def apply(
    session: AsyncSession,
    *,
    sale: str,
    destination: str,
    asked_minor: int | None,
    terms_sha256: str,
    note: str = "",
    lots: Sequence[str] = (),
    actor: Actor,
    now: datetime,
) -> Registration:
    """`lots`: those the company means to bid for, where the sale counts a deposit from them.

    The company's wish waits for the registrar. Asked again, also after a question or a refusal, it says the new."""
    row = await session.scalar(select(Sale).where(Sale.public_id == sale))
    if row is None or row.state == SaleState.DRAFT:
        raise NotFound()
    if actor.company_id is None or actor.person_id is None:
        raise NotAllowed(right="company")
    if row.state not in OPEN_FOR_REGISTRATION:
        raise ActNotAllowed(state=row.state)
    if row.rules is None or terms_sha256 != row.rules["terms"]:
        raise BadInput(fields={"terms": "terms_not_accepted"})
    await strikes.refuse_barred(session, actor.company_id, entities()[row.entity].strikes)
    registration = await of_company(session, row.id, actor.company_id)
    if registration is None:
        if not takes_registrations(row, now):
            raise RegistrationShut()
        registration = Registration(
            public_id=ulid(now), sale_id=row.id, company_id=actor.company_id, state=R.APPLIED, applied_at=now
        )
    elif registration.state not in (R.APPLIED, R.MORE_INFORMATION, R.DECLINED):
        raise ActNotAllowed(state=registration.state)
    registration.state = R.APPLIED
    registration.destination, registration.asked_minor, registration.note = destination, asked_minor, note
    registration.terms_hash, registration.applied_by, registration.applied_at = terms_sha256, actor.person_id, now
    registration.marked = sorted(await low_estimates(session, row, lots)) if lots else []
    registration.version = (registration.version or 0) + 1
    try:
        async with session.begin_nested():
            session.add(registration)
            await session.flush()
    except IntegrityError as fault:  # a colleague asked in the same moment
        raise StaleVersion() from fault
    tell(session, registration, "applied", actor, now, sale=sale)
    return registration


def takes_registrations(sale: Sale, now: datetime) -> bool:
    """Whether a company that did not ask before can ask now."""
    begun = sale.registers_from is None or now >= sale.registers_from
    return (
        sale.state in OPEN_FOR_REGISTRATION and begun and (sale.registers_until is None or now < sale.registers_until)
    )


async def approve(
    session: AsyncSession,
    *,
    registration: str,
    limit_minor: int | None,
    until: datetime | None = None,
    actor: Actor,
    now: datetime,
) -> Registration | Proposal:
    """The company may bid up to the limit under a paddle drawn for it; a very high limit first needs a lead. Where the
    sale asks a deposit the limit holds from the moment that is held, and may be left to it (none). From `until` on it
    may not bid any more; what it bid stands."""
    row = await locked(session, registration)
    _waiting(row)
    check_end(until, now)
    await checks.refuse_listed(session, row.company_id)
    asked = await _asked(session, row)
    if limit_minor is None and asked == 0:
        raise BadInput(fields={"limit": "required"})
    _counted(limit_minor or 0)
    if limit_minor is not None and await _needs_lead(session, row, limit_minor, asked):
        return await _propose_limit(session, row, limit_minor, actor, now, until)
    return await _approved(session, row, limit_minor, until, actor, now)


async def set_limit(
    session: AsyncSession, *, registration: str, limit_minor: int, actor: Actor, now: datetime
) -> Registration | Proposal:
    """The limit holds from the next bid on; below the present exposure it stops new bids and cancels none."""
    row = await locked(session, registration)
    if row.state != R.APPROVED:
        raise ActNotAllowed(state=row.state)
    _counted(limit_minor)
    before = (row.granted_minor if row.deposit_minor else row.limit_minor) or 0
    if await _needs_lead(session, row, limit_minor, row.deposit_minor or 0) and limit_minor > before:
        return await _propose_limit(session, row, limit_minor, actor, now)
    return await _limited(session, row, limit_minor, actor, now)


async def raise_limit(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """What a lead approved: the limit, and the paddle when the company has none yet."""
    row = await locked(session, proposal.subject)
    limit = int(proposal.facts["limit_minor"])
    if row.state == R.APPROVED:
        await _limited(session, row, limit, actor, now)
        return
    _waiting(row)
    until = proposal.facts.get("until")
    await _approved(session, row, limit, from_stamp(until) if until else None, actor, now)


async def deposit_held(session: AsyncSession, *, registration: str, by: str | None, now: datetime) -> None:
    """The deposit lies with the house: the paddle has its limit from the next bid on. Said again it changes nothing."""
    row = await locked(session, registration)
    if row.awaits_deposit:
        row.awaits_deposit, row.limit_minor = False, row.granted_minor
        await _turned(session, row, "deposit_held", by, now)


async def deposit_raised(
    session: AsyncSession, *, registration: str, deposit_minor: int, factor: int, by: str | None, now: datetime
) -> list[str]:
    """So much lies with the house now: the limit has followed. Answers the lots that the company has marked."""
    row = await locked(session, registration)
    before, grown = row.deposit_minor or 0, row.granted_minor if row.awaits_deposit else row.limit_minor
    limit = raised_limit(grown or 0, before, deposit_minor, factor)
    row.deposit_minor = deposit_minor
    row.granted_minor = max(row.granted_minor or 0, limit) if row.awaits_deposit else limit
    row.limit_minor = 0 if row.awaits_deposit else limit
    await _turned(session, row, "deposit_raised", by, now)
    return list(row.marked)


async def mark(session: AsyncSession, *, registration: str, lots: Sequence[str]) -> int:
    """The company means to bid for these lots; answers the deposit that the sale asks for them, as its terms stand."""
    row = await locked(session, registration)
    sale = await session.get_one(Sale, row.sale_id)
    row.marked, row.version = sorted(await low_estimates(session, sale, lots)), row.version + 1
    await session.flush()
    return await asked_of(session, row, sale)


async def deposit_gone(session: AsyncSession, *, registration: str, by: str | None, now: datetime) -> None:
    """The deposit is not there any more: new bids stop with the next batch, bids made stand."""
    row = await locked(session, registration)
    if row.deposit_minor and not row.awaits_deposit and row.limit_minor is not None:
        row.awaits_deposit, row.limit_minor = True, 0
        await _turned(session, row, "deposit_gone", by, now)


async def ask(session: AsyncSession, *, registration: str, reason: str, actor: Actor, now: datetime) -> Registration:
    """The company reads the question word for word."""
    if not reason.strip():
        raise BadInput(fields={"reason": "required"})
    return await _answer(session, registration, R.MORE_INFORMATION, "asked", reason.strip(), actor, now)


async def decline(
    session: AsyncSession, *, registration: str, why: str, actor: Actor, now: datetime, note: str = ""
) -> Registration:
    """The company hears `why` in general words; the note stays in the house."""
    return await _answer(session, registration, R.DECLINED, "declined", _chosen(why), actor, now, note)


async def suspend(
    session: AsyncSession, *, registration: str, why: str, actor: Actor, now: datetime, note: str = ""
) -> Registration:
    """New bids stop with the next batch of the engine; bids made stand. Told in general words, as a refusal is."""
    return await _answer(session, registration, R.SUSPENDED, "suspended", _chosen(why), actor, now, note)


async def resume(session: AsyncSession, *, registration: str, actor: Actor, now: datetime) -> Registration:
    row = await locked(session, registration)
    if row.state != R.SUSPENDED:
        raise ActNotAllowed(state=row.state)
    return await _answer(session, registration, R.APPROVED, "resumed", "", actor, now)


async def _answer(
    session: AsyncSession,
    registration: str,
    to: RegistrationState,
    happened: str,
    reason: str,
    actor: Actor,
    now: datetime,
    note: str = "",
) -> Registration:
    row = await locked(session, registration)
    _allow(row, to)
    row.state, row.reason = to, reason
    kept = {"note": note.strip()} if note.strip() else {}
    await decided(session, row, happened, actor, now, reason=reason, **kept)
    return row


async def _approved(
    session: AsyncSession,
    row: Registration,
    limit_minor: int | None,
    until: datetime | None,
    actor: Actor,
    now: datetime,
) -> Registration:
    asked, limit = await _asked(session, row), limit_minor
    if asked:
        sale = await session.get_one(Sale, row.sale_id)
        row.deposit_minor, row.awaits_deposit = asked, True
        row.granted_minor = (await rule_of(session, sale)).limit(asked) if limit_minor is None else limit_minor
        limit = 0
    assert limit is not None
    while row.paddle is None or row.state != R.APPROVED:
        paddle = row.paddle or await _draw(session, row.sale_id)
        try:
            async with session.begin_nested():
                row.state, row.limit_minor, row.paddle, row.reason = R.APPROVED, limit, paddle, ""
                row.approved_until = until
                await session.flush()
        except IntegrityError:  # another registrar drew it first
            await session.refresh(row)
    facts: dict[str, object] = {"deposit_minor": asked, "granted_minor": row.granted_minor} if asked else {}
    facts |= {"until": stamp(until)} if until else {}
    await decided(session, row, "approved", actor, now, paddle=row.paddle_text, limit_minor=limit, **facts)
    return row


async def _asked(session: AsyncSession, row: Registration) -> int:
    return await asked_of(session, row, await session.get_one(Sale, row.sale_id))


async def _needs_lead(session: AsyncSession, row: Registration, limit_minor: int, deposit_minor: int) -> bool:
    currency = (await session.get_one(Sale, row.sale_id)).currency
    return limit_minor > of_two_places(SECOND_PERSON_ABOVE, currency) or 0 < deposit_minor * MOST_TIMES < limit_minor


async def _limited(
    session: AsyncSession, row: Registration, limit_minor: int, actor: Actor, now: datetime
) -> Registration:
    before = row.granted_minor if row.awaits_deposit else row.limit_minor
    row.granted_minor = limit_minor if row.deposit_minor else None
    row.limit_minor = 0 if row.awaits_deposit else limit_minor
    await decided(session, row, "limit_changed", actor, now, before_minor=before, limit_minor=limit_minor)
    return row


async def _propose_limit(
    session: AsyncSession,
    row: Registration,
    limit_minor: int,
    actor: Actor,
    now: datetime,
    until: datetime | None = None,
) -> Proposal:
    sale = await session.get_one(Sale, row.sale_id)
    company = await session.get_one(Company, row.company_id)
    facts = {
        "limit_minor": limit_minor,
        "limit": f"{sale.currency} {decimal_text(limit_minor, sale.currency)}",
        "company": company.name,
        "title_en": sale.title_en,
        "title_zh": sale.title_zh,
    } | ({"until": stamp(until)} if until else {})
    return await accounts.propose(session, kind="limit.raise", subject=row.public_id, facts=facts, actor=actor, now=now)


async def _draw(session: AsyncSession, sale_id: int) -> int:
    """A number that no paddle of the sale ever had; drawn, so that it tells nothing of the order of approval."""
    used = set(await session.scalars(select(Registration.paddle).where(Registration.sale_id == sale_id)))
    free: Sequence[int] = [number for number in PADDLES if number not in used]
    return secrets.choice(free or [number for number in MORE_PADDLES if number not in used])


async def _turned(session: AsyncSession, row: Registration, happened: str, by: str | None, now: datetime) -> None:
    """By the deposit, not by a registrar: who decided last stays who decided."""
    row.version += 1
    await session.flush()
    sale = await session.scalar(select(Sale.public_id).where(Sale.id == row.sale_id))
    facts = {"sale": sale, "company_id": row.company_id, "limit_minor": row.limit_minor}
    events.record(session, f"registration:{happened}", row.public_id, by=by, at=now, **facts)


async def decided(
    session: AsyncSession, row: Registration, happened: str, actor: Actor, now: datetime, **facts: object
) -> None:
    row.decided_by, row.decided_at, row.version = actor.person_id, now, row.version + 1
    await session.flush()
    sale = await session.scalar(select(Sale.public_id).where(Sale.id == row.sale_id))
    tell(session, row, happened, actor, now, sale=sale, **facts)


def tell(session: AsyncSession, row: Registration, happened: str, actor: Actor, now: datetime, **facts: object) -> None:
    facts |= {"company_id": row.company_id}
    events.record(session, f"registration:{happened}", row.public_id, by=actor.public_id, at=now, **facts)


async def of_company(session: AsyncSession, sale_id: int, company_id: int) -> Registration | None:
    mine = select(Registration).where(Registration.sale_id == sale_id, Registration.company_id == company_id)
    return await session.scalar(mine.with_for_update())


async def locked(session: AsyncSession, registration: str) -> Registration:
    row = await session.scalar(select(Registration).where(Registration.public_id == registration).with_for_update())
    if row is None:
        raise NotFound()
    return row


def _allow(row: Registration, to: RegistrationState) -> None:
    if to not in REGISTRATION_TRANSITIONS[RegistrationState(row.state)]:
        raise ActNotAllowed(state=row.state)


def _chosen(why: str) -> str:
    if why not in CHOICES:
        raise BadInput(fields={"why": "required" if not why else "bad_input"})
    return why


def check_end(until: datetime | None, now: datetime) -> None:
    """BadInput for an approval that would be over at once."""
    if until is not None and until <= now:
        raise BadInput(fields={"until": "approval_over_at_once"})


def _waiting(row: Registration) -> None:
    if row.state not in (R.APPLIED, R.MORE_INFORMATION):
        raise ActNotAllowed(state=row.state)


def _counted(limit_minor: int) -> None:
    if not 0 <= limit_minor <= MAX_AMOUNT:
        raise BadInput(fields={"limit": "amount_invalid"})


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {"limit.raise": raise_limit}
