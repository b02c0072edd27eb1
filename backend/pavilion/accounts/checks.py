"""The house's checks of companies: when each was last screened, and its trade references. Staff's own; a company never
reads them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.check_models import CompanyScreening, Screened, TradeReference
from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel import events
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, Refusal
from pavilion.kernel.ids import ulid

MOST_REFERENCES = 50  # of one company


class CompanyListed(Refusal):
    """The company, or an owner of it, stands on the sanctions list: nobody approves it for a sale."""

    status, code = 409, "company_listed"


class Reference(NamedTuple):
    reference: TradeReference
    entered_by: str


class Checks(NamedTuple):
    """`old`: screened longer ago than the house allows, or never."""

    screening: CompanyScreening | None = None
    old: bool = True
    references: Sequence[Reference] = ()

    @property
    def listed(self) -> bool:
        return self.screening is not None and self.screening.outcome == Screened.LISTED

    @property
    def warns(self) -> str:
        """The code of what an approval should not overlook; empty: nothing."""
        if self.screening is None:
            return "screening_missing"
        if self.screening.outcome != Screened.CLEAR:
            return f"screening_{self.screening.outcome}"
        return "screening_old" if self.old else ""


def too_old(last_at: datetime | None, now: datetime, days: int) -> bool:
    return last_at is None or last_at + timedelta(days=days) < now


async def of_companies(
    session: AsyncSession, companies: Collection[int], now: datetime, days: int
) -> Mapping[int, Checks]:
    """Of every company named."""
    screened = {row.company_id: row for row in await newest(session, companies)}
    references: dict[int, list[Reference]] = {}
    held = (
        select(TradeReference, Person.name)
        .join(Person, Person.id == TradeReference.entered_by)
        .where(TradeReference.company_id.in_(companies), TradeReference.withdrawn_at.is_(None))
        .order_by(TradeReference.confirmed_on.desc(), TradeReference.id.desc())
    )
    for row, name in await session.execute(held):
        references.setdefault(row.company_id, []).append(Reference(row, name))
    found = {}
    for one in companies:
        last = screened.get(one)
        found[one] = Checks(last, too_old(last.last_at if last else None, now, days), references.get(one, ()))
    return found


async def newest(session: AsyncSession, companies: Collection[int]) -> Sequence[CompanyScreening]:
    last = select(func.max(CompanyScreening.id)).where(CompanyScreening.company_id.in_(companies))
    wanted = select(CompanyScreening).where(CompanyScreening.id.in_(last.group_by(CompanyScreening.company_id)))
    return (await session.scalars(wanted)).all()


async def history(session: AsyncSession, company_id: int) -> Sequence[CompanyScreening]:
    wanted = select(CompanyScreening).where(CompanyScreening.company_id == company_id)
    return (await session.scalars(wanted.order_by(CompanyScreening.id.desc()).limit(20))).all()


async def refuse_listed(session: AsyncSession, company_id: int) -> None:
    if any(row.outcome == Screened.LISTED for row in await newest(session, [company_id])):
        raise CompanyListed()


async def screened(
    session: AsyncSession,
    *,
    company: Company,
    found: Sequence[Mapping[str, str]],
    outcome: Screened,
    names: Sequence[str],
    version: str,
    issued: str,
    sha256: str,
    simulated: bool,
    now: datetime,
) -> CompanyScreening:
    """What the list says of the company today stands; where nothing changed since the last look, its day is moved."""
    said = (outcome, [dict(one) for one in found], list(names), version)
    row = next(iter(await newest(session, [company.id])), None)
    if row is not None and said == (row.outcome, row.found, row.names, row.list_version):
        row.last_at, row.list_sha256 = max(row.last_at, now), sha256
        return row
    last = row.outcome if row is not None else Screened.CLEAR
    row = CompanyScreening(company_id=company.id, first_at=now, last_at=now, list_issued=issued, simulated=simulated)
    row.outcome, row.found, row.names, row.list_version = said
    row.list_sha256 = sha256
    session.add(row)
    await session.flush()
    if outcome != last:
        events.record(session, f"screening:{outcome}", company.public_id, by=None, at=now, version=version)
    return row


async def add_reference(
    session: AsyncSession,
    *,
    company: Company,
    referee: str,
    confirmed_by: str,
    confirmed_on: date | None,
    words: str,
    actor: Actor,
    now: datetime,
) -> TradeReference:
    _refuse(actor)
    empty = {name: "required" for name, said in (("referee", referee), ("confirmed_by", confirmed_by)) if not said}
    if confirmed_on is None or confirmed_on > now.astimezone(UTC).date():
        empty["confirmed_on"] = "day_to_come" if confirmed_on else "required"
    if empty:
        raise BadInput(fields=empty)
    held = select(func.count(TradeReference.id)).where(TradeReference.company_id == company.id)
    if (await session.scalar(held.where(TradeReference.withdrawn_at.is_(None))) or 0) >= MOST_REFERENCES:
        raise BadInput(fields={"referee": "too_many_references"})
    assert confirmed_on is not None and actor.person_id is not None
    row = TradeReference(public_id=ulid(now), company_id=company.id, referee=referee, confirmed_by=confirmed_by)
    row.confirmed_on, row.words, row.entered_by, row.entered_at = confirmed_on.isoformat(), words, actor.person_id, now
    session.add(row)
    await session.flush()
    _tell(session, "added", row, company, actor, now)
    return row


async def withdraw_reference(
    session: AsyncSession, *, company: Company, reference: str, actor: Actor, now: datetime
) -> None:
    """It counts no more; said twice, withdrawn once."""
    _refuse(actor)
    wanted = select(TradeReference).where(
        TradeReference.public_id == reference, TradeReference.company_id == company.id
    )
    row = await session.scalar(wanted.with_for_update())
    if row is None:
        raise NotFound()
    if row.withdrawn_at is None:
        row.withdrawn_at, row.withdrawn_by = now, actor.person_id
        await session.flush()
        _tell(session, "withdrawn", row, company, actor, now)


def may_see(actor: Actor) -> bool:
    """Who registers companies or decides on them."""
    return any(map(actor.may, (Permission.COMPANY_PROPOSE, Permission.COMPANY_DECIDE)))


def _refuse(actor: Actor) -> None:
    if not may_see(actor):
        raise NotAllowed(right=Permission.COMPANY_PROPOSE.value)


def _tell(
    session: AsyncSession, happened: str, row: TradeReference, company: Company, actor: Actor, now: datetime
) -> None:
    facts = {"company": company.public_id, "referee": row.referee, "confirmed_on": row.confirmed_on}
    events.record(session, f"reference:{happened}", row.public_id, by=actor.public_id, at=now, **facts)
