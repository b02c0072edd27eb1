"""What becomes of a lot whose buyer did not pay: one choice of a person per lot, nothing by itself (settlement spec 8).

The first choice cancels the sale of the lot by a credit note. After an offer in vain another choice can be made; a lot
that goes to a later sale or back to its owner is decided.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import sequels
from pavilion.auctions.sequel_models import After
from pavilion.bidding.vault import Vault
from pavilion.catalogue import service as catalogue
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, NotFound, Refusal
from pavilion.settlement import crediting, goods, offering, queries
from pavilion.settlement.default_models import LotRemedy, OfferState, Remedy
from pavilion.settlement.models import BilledLot, Invoice
from pavilion.settlement.offering import Candidate
from pavilion.settlement.rules import InvoiceState

REASON = "default"


class Outlook(NamedTuple):
    """Whether the lot could be offered to an underbidder now: to whom and for how much, or the code why not."""

    candidate: Candidate | None
    code: str | None


async def remedies_of(session: AsyncSession, lots: Collection[str]) -> Sequence[LotRemedy]:
    """Every choice made for these lots, the first first."""
    wanted = select(LotRemedy).where(LotRemedy.lot.in_(lots)).order_by(LotRemedy.id)
    return (await session.scalars(wanted)).all()


async def may_choose(session: AsyncSession, invoice: Invoice, lot: str, now: datetime) -> str | None:
    """None when a choice for this lot can be made now, else the state that forbids it."""
    made = [one for one in await remedies_of(session, [lot]) if one.invoice_id == invoice.id]
    billed = await session.scalar(select(BilledLot.invoice_id).where(BilledLot.lot == lot))
    if not made:
        return None if invoice.state == InvoiceState.DEFAULTED and billed == invoice.id else invoice.state
    if made[-1].choice != Remedy.OFFER:
        return made[-1].choice
    if billed is not None:
        return OfferState.ACCEPTED
    standing = await offering.offers_of(session, lot)
    return OfferState.OPEN if any(offering.is_open(one, now) for one in standing) else None


async def outlook(session: AsyncSession, vault: Vault, invoice: Invoice, lot: str, now: datetime) -> Outlook:
    """Who would be asked, were the lot offered now."""
    defaulters = await offering.defaulters_of(session, lot) | {invoice.company_id}
    try:
        found = await offering.next_underbidder(session, vault, lot, defaulters=defaulters, now=now)
    except Refusal as refused:
        return Outlook(None, refused.code)
    return Outlook(found, None)


async def choose(
    session: AsyncSession, vault: Vault, *, number: str, lot: str, choice: Remedy, actor: Actor, now: datetime
) -> LotRemedy:
    """The sale of the lot to the defaulter is cancelled, and the lot goes the way that was chosen: all of it or
    nothing."""
    found = await queries.invoice_by_number(session, number)
    if found is None or lot not in {line.lot for line in found.lines}:
        raise NotFound()
    invoice = await crediting.locked(session, found.id)
    await offering.offers_of(session, lot, lock=True)
    if (state := await may_choose(session, invoice, lot, now)) is not None:
        raise ActNotAllowed(state=state)
    note = await _note_of(session, invoice, lot)
    if note is None:
        made = await crediting.credit(session, invoice, lots=[lot], reason=REASON, by=actor.public_id, now=now)
        note = made.number
    row = LotRemedy(lot=lot, invoice_id=invoice.id, choice=choice, credit_note=note, by=actor.public_id or "", at=now)
    session.add(row)
    await session.flush()
    await sequels.became(session, lot=lot, sale=invoice.sale, what=After.CANCELLED, by=actor.public_id, now=now)
    if choice == Remedy.OFFER:
        defaulters = await offering.defaulters_of(session, lot)
        await offering.offer_to_underbidder(session, vault, lot=lot, defaulters=defaulters, actor=actor, now=now)
    else:
        await _let_go(session, lot, choice, actor, now)
    facts = {"choice": choice.value, "invoice": number, "note": note, "sale": invoice.sale}
    events.record(session, "lot:remedied", lot, by=actor.public_id, at=now, **facts)
    return row


async def _note_of(session: AsyncSession, invoice: Invoice, lot: str) -> str | None:
    """The note that cancelled the sale of the lot when the first choice was made."""
    wanted = select(LotRemedy.credit_note).where(LotRemedy.lot == lot, LotRemedy.invoice_id == invoice.id)
    return await session.scalar(wanted.order_by(LotRemedy.id).limit(1))


async def _let_go(session: AsyncSession, lot: str, choice: Remedy, actor: Actor, now: datetime) -> None:
    """Its stones are promised to nothing any more: they can stand in another sale, or leave with their owner."""
    for stone in await offering.stones_of(session, lot):
        await catalogue.release_stone(session, stone=stone, ref=lot, by=actor.public_id, now=now)
    if choice == Remedy.RETURN:
        await goods.returned(session, lot, by=actor.public_id or "", now=now)
