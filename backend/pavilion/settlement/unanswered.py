"""Who has paid and has not said how the stones go: reminded once, some business days after the payment, and seen."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.entities import entities
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Event
from pavilion.kernel.seldom import Seldom
from pavilion.settlement import clearing, queries
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.models import Invoice
from pavilion.settlement.release_models import Goods, GoodsState
from pavilion.settlement.rules import InvoiceState, business_days_after

REMINDED = "invoice:way_reminded"
EVERY = timedelta(minutes=10)  # a day begins on a quarter of an hour everywhere
PAGE = 200


class Silent(NamedTuple):
    """A paid invoice with goods in the safe for which nobody has said how they are to go."""

    invoice: Invoice
    company: str
    remind_on: date
    reminded_at: datetime | None


def reminders(sessions: Sessions) -> Seldom:
    """What the worker does for them."""
    return Seldom(EVERY, partial(remind, sessions))


async def remind(sessions: Sessions, now: datetime) -> int:
    """Each is reminded once, on the day of the terms or the first look after it; answers how many were."""
    told = select(Event.subject).where(Event.name == REMINDED)
    async with reading(sessions) as session:
        rows = (await session.scalars(_waiting().where(Invoice.public_id.not_in(told)))).all()
        days = await _days(session, rows)
        due = [row for row in rows if queries.local_day(row, now) >= days[row.id]]
        contested = await clearing.disputed(session, due)
    done = 0
    for row in due:
        if row.id not in contested:
            async with sessions.begin() as session:
                done += await _remind(session, row.id, now)
    return done


async def of_house(session: AsyncSession) -> list[Silent]:
    """All of them, who waits longest first."""
    return await _silent(session, _waiting())


async def of_company(session: AsyncSession, company_id: int) -> list[Silent]:
    """Those of one buyer; while a payment is contested nothing is asked."""
    found = await _silent(session, _waiting().where(Invoice.company_id == company_id))
    contested = await clearing.disputed(session, [one.invoice for one in found])
    return [one for one in found if one.invoice.id not in contested]


async def waits(session: AsyncSession, invoice: Invoice) -> bool:
    """Whether nobody has said yet how goods of this paid invoice go."""
    return await session.scalar(_waiting().where(Invoice.id == invoice.id)) is not None


def _waiting() -> Select[Invoice]:
    here = select(Goods.invoice_id).where(Goods.state == GoodsState.RESERVED, Goods.release.is_(None))
    wanted = select(Invoice).where(Invoice.state == InvoiceState.PAID, Invoice.id.in_(here))
    return wanted.order_by(Invoice.paid_on, Invoice.id)


async def _silent(session: AsyncSession, wanted: Select[Invoice]) -> list[Silent]:
    rows = (await session.scalars(wanted.limit(PAGE))).all()
    names = await queries.company_names(session, {row.company_id for row in rows})
    said = select(Event.subject, func.max(Event.at)).where(Event.name == REMINDED)
    said = said.where(Event.subject.in_([row.public_id for row in rows])).group_by(Event.subject)
    reminded = dict((await session.execute(said)).all())
    days = await _days(session, rows)
    return [Silent(row, names[row.company_id], days[row.id], reminded.get(row.public_id)) for row in rows]


async def _days(session: AsyncSession, rows: Collection[Invoice]) -> dict[int, date]:
    """On which day each is reminded, by the terms of its sale and the selling house's calendar."""
    terms = {key: await terms_of(session, *key) for key in {(row.sale, row.entity) for row in rows}}
    return {
        row.id: business_days_after(
            date.fromisoformat(row.paid_on or row.issued_on or ""),
            terms[row.sale, row.entity].way_days,
            entities()[row.entity].holidays,
        )
        for row in rows
    }


async def _remind(session: AsyncSession, invoice_id: int, now: datetime) -> bool:
    """The invoice is locked and looked at again: an answer in the same moment is never overtaken."""
    invoice = await session.get_one(Invoice, invoice_id, with_for_update=True)
    told = select(Event.id).where(Event.subject == invoice.public_id, Event.name == REMINDED)
    if not await waits(session, invoice) or await session.scalar(told.limit(1)) is not None:
        return False
    facts = {"number": invoice.number, "company_id": invoice.company_id}
    events.record(session, REMINDED, invoice.public_id, by=None, at=now, **facts)
    return True
