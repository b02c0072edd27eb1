"""What invoices do to goods and owners: reserved at the issue, the buyer's once paid, in the safe again if credited."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import Sessions
from pavilion.kernel.events import cursor_of, news, unread
from pavilion.provenance.handling import HouseHand
from pavilion.settings import Settings
from pavilion.settlement import goods, ownership, release_queries
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.models import Invoice
from pavilion.settlement.rules import InvoiceState

FOLLOWER = "goods:invoices"
NAMES = ("invoice:issued", "invoice:paid", "invoice:credited", "invoice:cancelled")
AT_ONCE = 20  # invoices in one transaction
BY = "house"


def hand_of(settings: Settings) -> HouseHand | None:
    """What the house signs with; none in a house without its data key."""
    key = settings.data_key.get_secret_value()
    return HouseHand(settings.house_did, bytes.fromhex(key)) if key else None


async def follow(sessions: Sessions, hand: HouseHand | None, now: datetime) -> int:
    """What was said of invoices since the last look has had its effect; read from the invoice itself, so that an event
    read twice or late ends in the same rows."""
    if not await news(sessions, FOLLOWER, NAMES):
        return 0
    async with sessions.begin() as session:
        cursor = await cursor_of(session, FOLLOWER)
        again, fresh = await unread(session, cursor, NAMES, at_once=AT_ONCE)
        for public_id in sorted({event.subject for event in (*again, *fresh)}):
            await put_right(session, public_id, hand, now)
        if fresh:
            cursor.last_id = fresh[-1].id
        return len(fresh)


async def put_right(session: AsyncSession, public_id: str, hand: HouseHand | None, now: datetime) -> None:
    """Goods and owners are as the invoice says."""
    found = await session.scalar(select(Invoice.id).where(Invoice.public_id == public_id))
    if found is None:
        return
    invoice = await release_queries.locked_invoice(session, found)
    await goods.keep(session, invoice, now)
    await ownership.take_back(session, invoice, hand=hand, by=BY, now=now)
    if invoice.state != InvoiceState.PAID:
        return
    terms = await terms_of(session, invoice.sale, invoice.entity)
    if terms.ownership_on_payment:
        await ownership.pass_on(session, invoice, hand=hand, stays=True, by=BY, now=now)
