"""What viewings say of a sale before it is published (curation spec 5): whether its stones can be seen anywhere, and
while an office is open. Handed to the auctions by `main.py`; both are warnings."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.closing_together import closing_together
from pavilion.auctions.models import Sale
from pavilion.auctions.publishing import Check
from pavilion.auctions.rules import Code, Finding
from pavilion.provenance.custody_keeping import last_weights
from pavilion.provenance.custody_models import CustodyEntry
from pavilion.viewings.place_models import Office, SaleViewing, Window
from pavilion.viewings.stone_models import Stay

Spans = dict[str, list[tuple[datetime, datetime]]]  # by office


async def seen_before(
    session: AsyncSession, sale: Sale, lots: Mapping[str, Sequence[str]], now: datetime
) -> list[Finding]:
    """Stones of the sale that nobody can see before it closes: at no office till then, or only while it is shut."""
    until = await _until(session, sale)
    if until is None or until <= now or await session.scalar(select(Office.id).limit(1)) is None:
        return []  # when it closes is asked for elsewhere; a house without offices shows nothing
    stays = await _stays(session, [stone for stones in lots.values() for stone in stones], now, until)
    windows = await _windows(session, now, until)
    found: list[Finding] = []
    for lot, stones in lots.items():
        for stone in stones:
            if not (here := stays.get(stone)):
                found.append(Finding(Code.NOT_AT_VIEWING_OFFICE, lot, stone))
            elif not any(_open(stay, windows[stay.office_id], now, until) for stay in here):
                found.append(Finding(Code.NO_VIEWING_WINDOW, lot, stone))
    return found


async def weighed_in(
    session: AsyncSession, sale: Sale, lots: Mapping[str, Sequence[str]], now: datetime
) -> list[Finding]:
    """Stones that the house never weighed itself; one without a desk that weighs says nothing."""
    if await session.scalar(select(CustodyEntry.id).limit(1)) is None:
        return []
    known = await last_weights(session, [stone for stones in lots.values() for stone in stones])
    return [
        Finding(Code.WEIGH_IN_MISSING, lot, stone)
        for lot, stones in lots.items()
        for stone in stones
        if stone not in known
    ]


CHECKS: tuple[Check, ...] = (seen_before, closing_together, weighed_in)


async def _until(session: AsyncSession, sale: Sale) -> datetime | None:
    """When its stones are seen for the last time: the end of its viewing, or its first close."""
    held = await session.get(SaleViewing, sale.public_id)
    return held.ends_at if held is not None and held.ends_at is not None else sale.first_close_at


async def _stays(session: AsyncSession, stones: Sequence[str], now: datetime, until: datetime) -> dict[str, list[Stay]]:
    """Where each stone can be unpacked and shown in that span."""
    wanted = select(Stay).where(
        Stay.stone.in_(stones),
        or_(Stay.arrive.is_(None), Stay.arrive < until),
        or_(Stay.depart.is_(None), Stay.depart > now),
    )
    found: dict[str, list[Stay]] = defaultdict(list)
    for stay in await session.scalars(wanted):
        found[stay.stone].append(stay)
    return found


async def _windows(session: AsyncSession, now: datetime, until: datetime) -> Spans:
    wanted = select(Window.office_id, Window.opens_at, Window.closes_at)
    found: Spans = defaultdict(list)
    for office, opens, closes in await session.execute(wanted.where(Window.closes_at > now, Window.opens_at < until)):
        found[office].append((opens, closes))
    return found


def _open(stay: Stay, windows: Sequence[tuple[datetime, datetime]], now: datetime, until: datetime) -> bool:
    since = max(now, stay.arrive or now)
    end = min(until, stay.depart or until)
    return any(max(since, opens) < min(end, closes) for opens, closes in windows)
