"""Companies are held against the sanctions list: every day, and at once when there is another list.

The registry is asked outside any transaction; one that is silent changes nothing, and the queue of registrations says
how old the last word is.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import checks
from pavilion.accounts.check_models import CompanyScreening, Screened
from pavilion.accounts.models import Company
from pavilion.accounts.rules import CompanyState
from pavilion.kernel.db import Sessions, reading
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.port import SANCTIONS, Answer, Claim, Status

EVERY = timedelta(minutes=10)  # the list is asked for its version
AGAIN = timedelta(hours=24)  # a company is held against the same list
AT_ONCE = 100


class _Due(NamedTuple):
    company: Company
    parties: Mapping[str, str]  # by a key that is this company's alone


class Screening:
    """What the worker does; it remembers only when it looked last."""

    def __init__(self, sessions: Sessions, registries: Registries) -> None:
        self._sessions, self._registries = sessions, registries
        self._looked: datetime | None = None

    async def tick(self, now: datetime) -> int:
        """A share of those due was screened; answers how many."""
        if self._looked is not None and self._looked <= now < self._looked + EVERY:
            return 0
        listed = await self._registries.confirm(Claim(SANCTIONS, "parties"), now)
        done = 0
        if listed is not None and listed.status is Status.FOUND:
            async with reading(self._sessions) as session:
                due = await _due(session, str(listed.fields["version"]), now)
            done = await self._screen(due, now) if due else 0
        if done == 0:
            self._looked = now
        return done

    async def _screen(self, due: Sequence[_Due], now: datetime) -> int:
        everybody: dict[str, str | int] = {key: name for one in due for key, name in one.parties.items()}
        answer = await self._registries.confirm(Claim(SANCTIONS, "parties", everybody), now)
        if answer is None or answer.status is not Status.FOUND:
            return 0
        async with self._sessions.begin() as session:
            for one in due:
                company = await session.get_one(Company, one.company.id, with_for_update=True)
                await _kept(session, company, one.parties, answer, now)
        return len(due)


async def _due(session: AsyncSession, version: str, now: datetime) -> list[_Due]:
    last = select(func.max(CompanyScreening.id)).group_by(CompanyScreening.company_id)
    fresh = select(CompanyScreening.company_id).where(CompanyScreening.id.in_(last))
    fresh = fresh.where(CompanyScreening.list_version == version, CompanyScreening.last_at > now - AGAIN)
    wanted = select(Company).where(Company.state != CompanyState.DECLINED, Company.id.not_in(fresh))
    rows = await session.scalars(wanted.order_by(Company.id).limit(AT_ONCE))
    return [_Due(row, _parties(row)) for row in rows]


def _parties(company: Company) -> dict[str, str]:
    owners = {f"{company.public_id}/{at}": str(name) for at, name in enumerate(company.owners)}
    return {company.public_id: company.name} | owners


async def _kept(
    session: AsyncSession, company: Company, parties: Mapping[str, str], answer: Answer, now: datetime
) -> None:
    fields = answer.fields
    matched = [{"name": parties[key], "entry": ""} for key in fields["matched"] if key in parties]
    near = [{"name": parties[one["party"]], "entry": one["entry"]} for one in fields["near"] if one["party"] in parties]
    outcome = Screened.LISTED if matched else Screened.RESEMBLES if near else Screened.CLEAR
    await checks.screened(
        session,
        company=company,
        found=matched + near,
        outcome=outcome,
        names=list(parties.values()),
        version=str(fields["version"]),
        issued=str(fields["issued"]),
        sha256=answer.raw_sha256 or "",
        simulated=answer.simulated,
        now=now,
    )
