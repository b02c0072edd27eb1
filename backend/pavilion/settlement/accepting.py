"""The answer to an offered lot: accepted it is bought and invoiced, declined or left alone it is over."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import sequels
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.auctions.rules import RegistrationState
from pavilion.auctions.sequel_models import After
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.models import CommitmentKind
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, one_at_a_time, reading
from pavilion.kernel.errors import ActNotAllowed, NotFound
from pavilion.kernel.events import Event, cursor_of, news
from pavilion.settlement import invoicing, offering, queries
from pavilion.settlement.approach_models import Approach
from pavilion.settlement.default_models import LotOffer, OfferKind, OfferState
from pavilion.settlement.models import BilledLot, Invoice
from pavilion.settlement.offering import end, is_open, offers_of, state_of
from pavilion.trading.turns import ThreadState

TENDERS = "settlement:tender_offers"
TENDER_OFFERED = "tender:offered"
LAPSING, SOON = "offer:lapsing", timedelta(hours=12)
AT_ONCE = 200


async def own_offer(session: AsyncSession, public_id: str, actor: Actor, *, lock: bool = False) -> LotOffer:
    """The offer, to the company that it was made to and nobody else. Locked with every other offer of the lot, so that
    one acceptance is the first."""
    wanted = select(LotOffer).where(LotOffer.public_id == public_id, LotOffer.company_id == (actor.company_id or 0))
    offer = await session.scalar(wanted)
    if offer is None:
        raise NotFound()
    if lock:
        await lock_offers(session, offer.lot)
        await session.refresh(offer)
    return offer


async def lock_offers(session: AsyncSession, lot: str) -> None:
    """Whoever offers, answers or buys this lot does it one at a time; of a first offer there is no row to wait for."""
    await one_at_a_time(session, f"offers:{lot}")
    await offers_of(session, lot, lock=True)
    wanted = select(Approach).where(Approach.lot == lot).order_by(Approach.id).with_for_update()
    await session.scalars(wanted)


async def accept(session: AsyncSession, public_id: str, *, actor: Actor, now: datetime) -> Invoice:
    """The lot is bought at the offered price: it stands on an invoice of this day, and no other offer of it is open.
    Said twice, it is bought once."""
    offer = await own_offer(session, public_id, actor, lock=True)
    if offer.state == OfferState.ACCEPTED:
        return await invoice_of(session, offer)
    if not is_open(offer, now):
        raise ActNotAllowed(state=state_of(offer, now))
    one = (await session.scalars(select(Registration).where(Registration.public_id == offer.registration))).one()
    if one.state != RegistrationState.APPROVED:
        raise ActNotAllowed(state=one.state)
    await offering.refuse_bought(session, offer.lot)
    await offering.refuse_unfit(session, offer.lot, offer.company_id, one.destination, now)
    await take_stones(session, offer.lot, actor, now)
    end(session, offer, OfferState.ACCEPTED, by=actor.public_id, now=now)
    await lapse_others(session, offer, now)
    await session.flush()
    return await billed(session, offer, now)


async def lapse_others(session: AsyncSession, bought: LotOffer | Approach, now: datetime) -> None:
    """No other offer of the lot is open, whoever made it."""
    for other in await offers_of(session, bought.lot):
        if other is not bought and other.state == OfferState.OPEN:
            end(session, other, OfferState.LAPSED, by=None, now=now)
    wanted = select(Approach).where(Approach.lot == bought.lot, Approach.state == ThreadState.OPEN)
    for one in await session.scalars(wanted.order_by(Approach.id)):
        if one is not bought:
            end_approach(session, one, ThreadState.LAPSED, by=None, now=now)


def end_approach(
    session: AsyncSession, row: Approach, state: ThreadState, *, by: str | None, now: datetime, word: str = ""
) -> None:
    """What a buyer offered is over, and the other side can be told; `word` names the event where the state does not."""
    row.state, row.answered_by, row.answered_at = state, by, now
    tell_approach(session, row, word or state.value, by=by, now=now)


def tell_approach(session: AsyncSession, row: Approach, word: str, *, by: str | None, now: datetime) -> None:
    """No amount: the event is read by more than the two who may know it."""
    facts = {"lot": row.lot, "sale": row.sale, "company_id": row.company_id}
    events.record(session, f"approach:{word}", row.public_id, by=by, at=now, **facts)


async def decline(session: AsyncSession, public_id: str, *, actor: Actor, now: datetime) -> None:
    """The lot may be offered to the next. Said twice, it is declined once."""
    offer = await own_offer(session, public_id, actor, lock=True)
    if offer.state == OfferState.DECLINED:
        return
    if not is_open(offer, now):
        raise ActNotAllowed(state=state_of(offer, now))
    end(session, offer, OfferState.DECLINED, by=actor.public_id, now=now)
    await session.flush()


async def tick(sessions: Sessions, now: datetime) -> int:
    """What the worker does for offers."""
    return await lapse(sessions, now) + await remind(sessions, now) + await follow_tenders(sessions, now)


async def lapse(sessions: Sessions, now: datetime) -> int:
    """Offers whose time is over have lapsed, which counts as declined; answers how many."""
    over = select(LotOffer.id).where(LotOffer.state == OfferState.OPEN, LotOffer.expires_at <= now)
    async with reading(sessions) as session:
        found = (await session.scalars(over.order_by(LotOffer.id).limit(AT_ONCE))).all()
    done = 0
    for offer_id in found:
        async with sessions.begin() as session:
            offer = await session.get_one(LotOffer, offer_id, with_for_update=True)
            if offer.state == OfferState.OPEN and now >= offer.expires_at:
                end(session, offer, OfferState.LAPSED, by=None, now=now)
                done += 1
    return done


async def remind(sessions: Sessions, now: datetime) -> int:
    """Who has not answered is told once that the offer lapses soon; answers how many were."""
    soon = select(LotOffer.id).where(
        LotOffer.state == OfferState.OPEN,
        LotOffer.expires_at > now,
        LotOffer.expires_at <= now + SOON,
        LotOffer.made_at <= now - SOON,  # an offer for so few hours has just been told
        ~select(Event.id).where(Event.subject == LotOffer.public_id, Event.name == LAPSING).exists(),
    )
    async with reading(sessions) as session:
        found = (await session.scalars(soon.order_by(LotOffer.id).limit(AT_ONCE))).all()
    for offer_id in found:
        async with sessions.begin() as session:
            offer = await session.get_one(LotOffer, offer_id, with_for_update=True)
            if is_open(offer, now):
                facts = offering.facts_of(offer)
                events.record(session, LAPSING, offer.public_id, by=None, at=now, **facts)
    return len(found)


async def follow_tenders(sessions: Sessions, now: datetime) -> int:
    """What the seller of a tender said yes to below the reserve is an offer to that bidder, at the own total."""
    if not await news(sessions, TENDERS, [TENDER_OFFERED]):
        return 0
    async with sessions.begin() as session:
        cursor = await cursor_of(session, TENDERS, from_now=True)
        fresh = select(Event).where(Event.name == TENDER_OFFERED, Event.id > cursor.last_id)
        found = (await session.scalars(fresh.order_by(Event.id).limit(AT_ONCE))).all()
        for event in found:
            await _offer_tendered(session, event, now)
            cursor.last_id = event.id
        return len(found)


async def _offer_tendered(session: AsyncSession, event: Event, now: datetime) -> None:
    facts = event.facts
    wanted = select(Registration, Sale).join(Sale, Sale.id == Registration.sale_id)
    row = await session.execute(wanted.where(Sale.public_id == facts["sale"], Registration.paddle == facts["paddle"]))
    one, sale = row.one()
    known = select(LotOffer.id).where(LotOffer.lot == event.subject, LotOffer.company_id == one.company_id)
    if await session.scalar(known.limit(1)) is None:
        await offering.make(
            session,
            kind=OfferKind.PASSED,
            sale=sale,
            lot=event.subject,
            company_id=one.company_id,
            registration=one.public_id,
            price_minor=facts["total"],
            by=event.by or "",
            now=now,
        )


async def take_stones(session: AsyncSession, lot: str, actor: Actor, now: datetime) -> None:
    """The stones are sold under this lot; those of a passed lot were free meanwhile."""
    await offering.refuse_promised(session, lot)
    row = (await session.scalars(select(Lot).where(Lot.public_id == lot))).one()
    sale = await session.get_one(Sale, row.sale_id)
    facts = {"number": row.number_text, "sale": sale.public_id, "title_en": sale.title_en, "title_zh": sale.title_zh}
    for stone in await offering.stones_of(session, lot):
        sold_to: dict[str, Any] = {"stone": stone, "ref": lot, "by": actor.public_id, "now": now}
        if not await catalogue.sell_stone(session, **sold_to):
            await catalogue.commit_stone(session, **sold_to, kind=CommitmentKind.IN_SALE, facts=facts)
            await catalogue.sell_stone(session, **sold_to)


async def billed(session: AsyncSession, offer: LotOffer | Approach, now: datetime) -> Invoice:
    """The lot stands on an invoice at the price of the offer, issued where nothing waits for a person; what the auction
    said of it holds no longer."""
    terms, buyer, lot = await offering.sold_by(session, offer, now)
    draft = await invoicing.add_lots(session, terms=terms, buyer=buyer, lots=[lot], now=now)
    if draft.regime is not None and not draft.facts.get("waits"):  # these wait for a person
        await invoicing.issue(session, draft, now)
    facts = {"lot": offer.lot, "offer": offer.public_id, "invoice": draft.public_id}
    events.record(session, "offer:billed", offer.public_id, by=None, at=now, **facts)
    await sequels.became(session, lot=offer.lot, sale=offer.sale, what=After.SOLD_AFTER, by=offer.answered_by, now=now)
    return draft


async def invoice_of(session: AsyncSession, offer: LotOffer | Approach) -> Invoice:
    """On which the lot stands that was bought by this offer."""
    wanted = select(Invoice.public_id).join(BilledLot, BilledLot.invoice_id == Invoice.id)
    wanted = wanted.where(BilledLot.lot == offer.lot, Invoice.company_id == offer.company_id)
    public_id = await session.scalar(wanted)
    if public_id is None:  # not paid and taken back since, maybe sold to another
        raise ActNotAllowed(state=OfferState.ACCEPTED.value)
    return await queries.invoice_by_public_id(session, public_id)
