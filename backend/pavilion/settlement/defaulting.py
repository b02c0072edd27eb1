"""The days of an unpaid invoice: reminded, overdue, defaulted, each once and on its own day (settlement spec 7 and 8).

Every step locks the invoice and looks again, so that a payment in the same moment is never overtaken.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import strikes
from pavilion.auctions.entities import entities
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Event
from pavilion.kernel.seldom import Seldom
from pavilion.settlement import default, deposits, queries, service
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.models import BilledLot, Invoice, InvoiceLine
from pavilion.settlement.rules import InvoiceState, business_days_after
from pavilion.settlement.stop_models import SettlementStop, StopState
from pavilion.settlement.terms import Terms

UNPAID = (InvoiceState.ISSUED, InvoiceState.OVERDUE)
FURTHEST_EAST = timedelta(hours=14)  # where the next day begins first
REMINDED, REOPENED = "invoice:reminded", "invoice:reopened"
NEAR = timedelta(days=21)  # of its due day an invoice may be reminded of
MISSED = timedelta(days=3)  # a reminder that is late by more is no reminder any more
AT_ONCE = 200
EVERY = timedelta(minutes=10)  # a day begins on a quarter of an hour everywhere


def ladder(sessions: Sessions) -> Seldom:
    """What the worker does for unpaid invoices."""

    async def act(now: datetime) -> int:
        return await late(sessions, now) + await remind(sessions, now)

    return Seldom(EVERY, act)


async def late(sessions: Sessions, now: datetime) -> int:
    """Invoices whose due day has passed are overdue, those whose default day has come defaulted; answers how many
    steps were taken."""
    latest = (now + FURTHEST_EAST).date().isoformat()
    passed = (Invoice.state == InvoiceState.ISSUED) & (Invoice.due_on < latest)
    defaulted = Invoice.state.in_(UNPAID) & (func.coalesce(Invoice.default_on, latest) <= latest)
    done = 0
    for invoice_id in await _of(sessions, or_(passed, defaulted & (Invoice.due_on < latest))):
        async with sessions.begin() as session:
            done += await _step(session, invoice_id, now)
    return done


async def remind(sessions: Sessions, now: datetime) -> int:
    """Who has an unpaid invoice is reminded on the days of the terms; answers how many reminders were given."""
    today = now.date()
    near = Invoice.due_on.between((today - NEAR).isoformat(), (today + NEAR).isoformat())
    async with reading(sessions) as session:
        rows = await session.scalars(select(Invoice).where(Invoice.state.in_(UNPAID), near).order_by(Invoice.id))
        waiting = [row.id for row in rows.all() if await _reminder(session, row, now) is not None]
    for invoice_id in waiting:
        async with sessions.begin() as session:
            await _remind(session, invoice_id, now)
    return len(waiting)


async def _of(sessions: Sessions, which: ColumnElement[bool]) -> Sequence[int]:
    async with reading(sessions) as session:
        return (await session.scalars(select(Invoice.id).where(which).order_by(Invoice.id))).all()


async def _step(session: AsyncSession, invoice_id: int, now: datetime) -> int:
    invoice = await session.get_one(Invoice, invoice_id, with_for_update=True)
    today, done = queries.local_day(invoice, now), 0
    if invoice.state == InvoiceState.ISSUED and invoice.due_day is not None and today > invoice.due_day:
        await service.mark_overdue(session, invoice, now)
        done += 1
    terms = await terms_of(session, invoice.sale, invoice.entity)
    if invoice.state == InvoiceState.OVERDUE and today >= await default_day(session, invoice, terms):
        await _default(session, invoice, terms, now)
        done += 1
    return done


async def default_day(session: AsyncSession, invoice: Invoice, terms: Terms) -> date:
    """The day from which it counts as defaulted. While its settlement stands stopped it cannot be paid, so that day
    does not come. After the word that lets it go on, or after a payment that came back, the buyer has the days to pay
    anew."""
    assert invoice.due_day is not None
    holidays = entities()[invoice.entity].holidays
    usual = business_days_after(invoice.due_day, terms.grace_days, holidays) + timedelta(days=1)
    day = date.fromisoformat(invoice.default_on) if invoice.default_on else usual
    reopened = select(Event.at).where(Event.subject == invoice.public_id, Event.name == REOPENED)
    anew = list(await session.scalars(reopened))
    lots = select(InvoiceLine.lot).where(InvoiceLine.invoice_id == invoice.id, InvoiceLine.lot.is_not(None))
    for stop in await session.scalars(select(SettlementStop).where(SettlementStop.lot.in_(lots))):
        if stop.state != StopState.RELEASED or stop.decided_at is None:
            return date.max
        anew.append(stop.decided_at)
    for at in anew:
        again = business_days_after(queries.local_day(invoice, at), terms.due_days, holidays)
        day = max(day, again + timedelta(days=1))
    return day


async def _default(session: AsyncSession, invoice: Invoice, terms: Terms, now: datetime) -> None:
    assert invoice.number is not None
    invoice.state = InvoiceState.DEFAULTED
    await session.flush()
    await strikes.strike(session, company_id=invoice.company_id, invoice=invoice.number, now=now)
    bp = {"forfeit_bp": terms.forfeit_bp, "seller_bp": terms.forfeit_to_seller_bp}
    kept = await deposits.forfeit(session, invoice=invoice, now=now, **bp)
    barred = await strikes.barred(session, invoice.company_id, entities()[invoice.entity].strikes)
    lots = sorted(await session.scalars(select(BilledLot.lot).where(BilledLot.invoice_id == invoice.id)))
    facts = {"number": invoice.number, "sale": invoice.sale, "company_id": invoice.company_id, "lots": lots}
    facts |= {"forfeited_minor": kept.forfeited, "barred": barred}
    events.record(session, "invoice:defaulted", invoice.public_id, by=None, at=now, **facts)


async def _remind(session: AsyncSession, invoice_id: int, now: datetime) -> None:
    invoice = await session.get_one(Invoice, invoice_id, with_for_update=True)
    if (day := await _reminder(session, invoice, now)) is not None:
        facts = {"number": invoice.number, "company_id": invoice.company_id, "day": day.isoformat()}
        events.record(session, REMINDED, invoice.public_id, by=None, at=now, **facts)


async def _reminder(session: AsyncSession, invoice: Invoice, now: datetime) -> date | None:
    """The day of the terms whose reminder is still to be given now; of several missed ones the last."""
    if invoice.state not in UNPAID or invoice.due_day is None:
        return None
    today = queries.local_day(invoice, now)
    terms = await terms_of(session, invoice.sale, invoice.entity)
    days = default.reminder_days(invoice.due_day, terms.reminders, entities()[invoice.entity].holidays)
    due = max((day for day in days if day <= today and today - day <= MISSED), default=None)
    if due is None:
        return None
    told = select(Event.facts).where(Event.subject == invoice.public_id, Event.name == REMINDED)
    given = [date.fromisoformat(facts["day"]) for facts in await session.scalars(told)]
    return None if any(day >= due for day in given) else due
