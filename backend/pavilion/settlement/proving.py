"""The nightly proof of the books: every posting balances, and every running balance is what its entries add up to."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Event
from pavilion.settlement.models import Entry, Guarded
from pavilion.settlement.postings import GUARDED

PROVED, BROKEN = "ledger:proved", "ledger:broken"
CODES = ("unbalanced", "running_balance", "overdrawn")
AT = timedelta(hours=2)  # after midnight, UTC


class Fault(NamedTuple):
    """`code`: a posting that does not balance, a running balance that differs from its entries, an account that owes
    its creditor less than nothing."""

    code: str
    subject: str
    currency: str
    said_minor: int
    found_minor: int


async def faults(session: AsyncSession) -> list[Fault]:
    """Counted anew from the entries; empty when the books are right."""
    total = func.sum(Entry.amount_minor)
    unbalanced = select(Entry.txn_id, Entry.currency, total).group_by(Entry.txn_id, Entry.currency)
    found = [
        Fault("unbalanced", str(txn), currency, 0, int(amount))
        for txn, currency, amount in await session.execute(unbalanced.having(total != 0))
    ]
    guarded = or_(*(Entry.account.startswith(start, autoescape=True) for start in GUARDED))
    sums = select(Entry.account, Entry.currency, total).where(guarded).group_by(Entry.account, Entry.currency)
    counted = {(account, currency): int(amount) for account, currency, amount in await session.execute(sums)}
    said = {(row.account, row.currency): row.amount_minor for row in await session.scalars(select(Guarded))}
    for account, currency in sorted(counted.keys() | said.keys()):
        found_minor, said_minor = counted.get((account, currency), 0), said.get((account, currency), 0)
        if found_minor != said_minor:
            found.append(Fault("running_balance", account, currency, said_minor, found_minor))
        elif found_minor > 0:
            found.append(Fault("overdrawn", account, currency, said_minor, found_minor))
    return found


async def prove_nightly(sessions: Sessions, now: datetime) -> int:
    """Once a night the proof stands among the events, with what was found. 1 when it was made now."""
    day = (now - AT).date().isoformat()
    async with reading(sessions) as session:
        done = select(Event.id).where(Event.name.in_((PROVED, BROKEN)), Event.subject == day).limit(1)
        if await session.scalar(done) is not None:
            return 0
        found = await faults(session)
    async with sessions.begin() as session:
        if await session.scalar(done) is not None:
            return 0
        told = [fault._asdict() for fault in found[:100]]
        events.record(session, BROKEN if found else PROVED, day, by=None, at=now, faults=told, count=len(found))
    return 1


async def last_proof(session: AsyncSession) -> Event | None:
    """The newest nightly proof."""
    wanted = select(Event).where(Event.name.in_((PROVED, BROKEN))).order_by(Event.id.desc()).limit(1)
    found: Event | None = await session.scalar(wanted)
    return found
