"""What a registrar weighs of a company that asks to bid: its checks, its past, and where its stones may go."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, CompanyState
from pavilion.auctions import queries
from pavilion.auctions.models import Lot
from pavilion.auctions.registry import Waiting
from pavilion.auctions.rules import LotState
from pavilion.kernel.events import Event
from pavilion.provenance import eligibility

_DECISIONS = ("registration:declined", "registration:suspended")


class Paid(NamedTuple):
    """Of the invoices of a company: from issue to payment in days, shortest first, and what went wrong."""

    days: Sequence[int] = ()
    late: int = 0
    unpaid: int = 0
    defaults: int = 0

    @property
    def usual(self) -> int:
        """The middle one; the slower of two."""
        return self.days[len(self.days) // 2]


class Applicant(NamedTuple):
    """`until`: the last day of its checks. `closed` of `lots` may not go where it asks; `note` is the house's own."""

    approved_at: datetime | None
    until: date | None
    run_out: bool
    lots: int
    closed: int
    note: str


async def of(session: AsyncSession, rows: Sequence[Waiting], actor: Actor, now: datetime) -> Mapping[int, Applicant]:
    """By the id of the registration."""
    approved = await _approved(session, rows)
    notes = await _notes(session, rows)
    markets = await _markets(session, rows, actor, now)
    found = {}
    for row in rows:
        lots, closed = markets.get((row.sale.id, row.registration.destination), (0, 0))
        at, note = approved.get(row.company.public_id), notes.get(row.registration.public_id, "")
        until = date.fromisoformat(row.company.verified_until) if row.company.verified_until else None
        run_out = until is not None and until < now.astimezone(UTC).date()
        found[row.registration.id] = Applicant(at, until, run_out, lots, closed, note)
    return found


async def _approved(session: AsyncSession, rows: Sequence[Waiting]) -> dict[str, datetime]:
    """When the checks of each company were done: the last time compliance let it trade."""
    companies = {row.company.public_id for row in rows if row.company.state == CompanyState.APPROVED}
    wanted = select(Event.subject, Event.at).where(Event.subject.in_(companies), Event.name == "company:approved")
    return {row.subject: row.at for row in await session.execute(wanted.order_by(Event.id))}


async def _notes(session: AsyncSession, rows: Sequence[Waiting]) -> dict[str, str]:
    """Beside the last refusal or suspension, where one stands."""
    refused = {row.registration.public_id for row in rows if row.registration.why}
    wanted = select(Event.subject, Event.facts).where(Event.subject.in_(refused), Event.name.in_(_DECISIONS))
    told = {row.subject: row.facts for row in await session.execute(wanted.order_by(Event.id))}
    return {
        row.registration.public_id: str(facts.get("note") or _typed(row))
        for row in rows
        if (facts := told.get(row.registration.public_id)) is not None
    }


def _typed(row: Waiting) -> str:
    """What was written before refusals had general words."""
    return row.registration.reason if row.registration.reason != row.registration.why else ""


async def _markets(
    session: AsyncSession, rows: Sequence[Waiting], actor: Actor, now: datetime
) -> dict[tuple[int, str], tuple[int, int]]:
    """Of each sale and destination: its lots, and those with a stone that may not be sold there today."""
    found = {}
    for sale in {row.sale.id for row in rows}:
        wanted = select(Lot.id).where(Lot.sale_id == sale, Lot.state.not_in((LotState.DRAFT, LotState.WITHDRAWN)))
        held = await queries.stones_by_lot(session, list(await session.scalars(wanted)), actor)
        lots = {lot: [stone.public_id for stone in stones] for lot, stones in held.items() if stones}
        places = {row.registration.destination for row in rows if row.sale.id == sale}
        stones = {stone for named in lots.values() for stone in named}
        answers = await eligibility.closed(session, stones, now.astimezone(UTC).date(), places)
        for place in places:
            shut = sum(any(place in answers.get(stone, {}) for stone in named) for named in lots.values())
            found[sale, place] = (len(lots), shut)
    return found
