"""Strikes against companies that did not pay what they bought. Enough open ones bar a company from every sale."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.strike_models import Strike
from pavilion.kernel import events
from pavilion.kernel.errors import Refusal

THRESHOLD = 2  # open strikes that bar a company (settlement spec 8), where the selling entity says nothing else


class End(StrEnum):
    CURED = "cured"  # paid after all
    WAIVED = "waived"  # forgiven by two persons


class Banned(Refusal):
    """The company did not pay what it bought before: it takes part in no sale until that is mended."""

    status, code = 403, "banned"


async def strike(session: AsyncSession, *, company_id: int, invoice: str, now: datetime) -> bool:
    """A strike stands open for this invoice (its number), from now on. False where it stood open already."""
    firm = await _locked(session, company_id)
    row = await session.scalar(select(Strike).where(Strike.invoice == invoice))
    if row is None:
        session.add(Strike(company_id=company_id, invoice=invoice, at=now, reason=""))
    elif row.ended_at is None:
        return False
    else:  # the payment that had cured it was taken back
        row.at, row.ended_at, row.how, row.by, row.reason = now, None, None, None, ""
    await session.flush()
    standing = len(await open_strikes(session, company_id))
    facts = {"company_id": company_id, "invoice": invoice, "open": standing}
    events.record(session, "company:struck", firm.public_id, by=None, at=now, **facts)
    return True


async def cure(session: AsyncSession, *, invoice: str, by: str | None, now: datetime) -> bool:
    """The invoice was paid after all: its strike is closed. False where none was open."""
    return await _end(session, invoice, End.CURED, by=by, reason="", now=now)


async def waive(session: AsyncSession, *, invoice: str, reason: str, by: str, now: datetime) -> bool:
    """Two persons forgave it. False where no strike was open."""
    return await _end(session, invoice, End.WAIVED, by=by, reason=reason, now=now)


async def open_strikes(session: AsyncSession, company_id: int) -> Sequence[Strike]:
    """In the order of default."""
    wanted = select(Strike).where(Strike.company_id == company_id, Strike.ended_at.is_(None))
    return (await session.scalars(wanted.order_by(Strike.at, Strike.id))).all()


async def strikes_of(session: AsyncSession, invoices: Collection[str]) -> dict[str, Strike]:
    """By the number of the invoice."""
    rows = await session.scalars(select(Strike).where(Strike.invoice.in_(invoices)))
    return {row.invoice: row for row in rows}


async def barred(session: AsyncSession, company_id: int, threshold: int = THRESHOLD) -> bool:
    """Whether the company is kept out of every sale now."""
    return company_id in await barred_of(session, [company_id], threshold)


async def barred_of(session: AsyncSession, companies: Collection[int], threshold: int = THRESHOLD) -> frozenset[int]:
    """Those of these companies that are kept out of every sale now."""
    wanted = select(Strike.company_id).where(Strike.company_id.in_(companies), Strike.ended_at.is_(None))
    return frozenset(await session.scalars(wanted.group_by(Strike.company_id).having(func.count() >= threshold)))


async def refuse_barred(session: AsyncSession, company_id: int, threshold: int = THRESHOLD) -> None:
    if await barred(session, company_id, threshold):
        raise Banned()


async def _end(session: AsyncSession, invoice: str, how: End, *, by: str | None, reason: str, now: datetime) -> bool:
    wanted = select(Strike).where(Strike.invoice == invoice, Strike.ended_at.is_(None))
    row = await session.scalar(wanted.with_for_update())
    if row is None:
        return False
    firm = await _locked(session, row.company_id)
    row.ended_at, row.how, row.by, row.reason = now, how, by, reason
    await session.flush()
    left = len(await open_strikes(session, row.company_id))
    facts = {"company_id": row.company_id, "invoice": invoice, "open": left}
    events.record(session, f"company:strike_{how}", firm.public_id, by=by, at=now, **facts)
    return True


async def _locked(session: AsyncSession, company_id: int) -> Company:
    """One strike of a company at a time, so that the count in its event is true."""
    return await session.get_one(Company, company_id, with_for_update=True)
