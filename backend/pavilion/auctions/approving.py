"""Several registrations approved in one go: what would come of each is shown before, and each has its own refusal."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import checks
from pavilion.accounts.models import Company, Proposal
from pavilion.accounts.rules import Actor
from pavilion.auctions import deposits, registering
from pavilion.auctions.models import Registration, Sale
from pavilion.auctions.wall_clock import local_instant
from pavilion.kernel.errors import BadInput, Refusal, StaleVersion

MOST = 200  # at once


class Outcome(NamedTuple):
    """`limit_minor` as it was asked, or by the deposit that is asked with it; `lead`: a lead has to say so first;
    `until`: the approval's end, none: as long as the sale, whose clock is `zone`, takes bids."""

    registration: str
    version: int  # at which it was looked at
    company: str
    sale: str
    title_en: str
    title_zh: str
    currency: str
    limit_minor: int | None
    deposit_minor: int
    lead: bool
    until: datetime | None
    zone: str
    warns: str  # the code of what the approval should not overlook; empty: nothing
    refused: str  # the code; empty: approved


class _Looked(Exception):
    """Nothing is kept of what was only looked at."""


async def approve_all(
    session: AsyncSession, seen: Mapping[str, int], *, days: int, actor: Actor, now: datetime, until: str = ""
) -> list[Outcome]:
    """Each registration with the limit that it asked for, or by its deposit. One that changed since it was seen at
    the given version, or may not be approved, stays as it is; the others are approved. `until`: the end of each, as a
    wall clock of its own sale; empty: none."""
    wanted = select(Registration).where(Registration.public_id.in_(seen)).order_by(Registration.id).limit(MOST)
    locked = wanted.with_for_update().execution_options(populate_existing=True)
    rows = (await session.scalars(locked)).all()
    known = await checks.of_companies(session, {row.company_id for row in rows}, now, days)
    return [
        await _approved(session, row, seen[row.public_id], known[row.company_id].warns, until, actor, now)
        for row in rows
    ]


async def looked_at(
    session: AsyncSession, seen: Mapping[str, int], *, days: int, actor: Actor, now: datetime, until: str = ""
) -> list[Outcome]:
    """What approval would do to each, all of them together; nothing is kept."""
    found: list[Outcome] = []
    try:
        async with session.begin_nested():
            found = await approve_all(session, seen, days=days, actor=actor, now=now, until=until)
            raise _Looked
    except _Looked:
        return found


async def _approved(
    session: AsyncSession, row: Registration, seen: int, warns: str, until: str, actor: Actor, now: datetime
) -> Outcome:
    sale, firm = await session.get_one(Sale, row.sale_id), await session.get_one(Company, row.company_id)
    asked, id = await deposits.asked_of(session, row, sale), row.public_id
    limit, lead, refused, end = None if asked else row.asked_minor, False, "", None
    about = (id, seen, firm.name, sale.public_id, sale.title_en, sale.title_zh, sale.currency)
    try:
        async with session.begin_nested():
            if row.version != seen:
                raise StaleVersion()
            end = _end(until, sale)
            done = await registering.approve(
                session, registration=id, limit_minor=limit, until=end, actor=actor, now=now
            )
            if isinstance(done, Proposal):
                lead = True
            else:
                limit = done.granted_minor if asked else done.limit_minor
    except Refusal as fault:
        refused = "limit_not_asked" if "limit" in fault.fields and limit is None else fault.code
        refused = fault.fields.get("until", refused)
    return Outcome(*about, limit, asked, lead, end, sale.zone, warns, refused)


def _end(until: str, sale: Sale) -> datetime | None:
    try:
        return local_instant(until, ZoneInfo(sale.zone))
    except ValueError as fault:
        raise BadInput(fields={"until": "time_unknown"}) from fault
