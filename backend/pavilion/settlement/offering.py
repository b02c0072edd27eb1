"""A lot offered to one who bid on it: after a default as if the defaulters had never bid, after the sale by rank.
Nobody is bound before the own word, and nobody learns what others would have paid (settlement spec 8 and 9)."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import strikes
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, CompanyState
from pavilion.auctions.entities import Entity, entities
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.auctions.rules import RegistrationState
from pavilion.bidding.commitments import Behind, Ended, ended, reached_at
from pavilion.bidding.models import BookLotState
from pavilion.bidding.vault import Vault
from pavilion.catalogue.models import Stone, StoneCommitment
from pavilion.catalogue.service import NotAvailable
from pavilion.kernel import events
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed, Refusal
from pavilion.kernel.ids import ulid
from pavilion.kernel.money import MAX_AMOUNT
from pavilion.provenance import eligibility
from pavilion.settlement import default, sold
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.approach_models import Approach
from pavilion.settlement.default_models import LotOffer, LotRemedy, OfferKind, OfferState
from pavilion.settlement.invoicing import Buyer, SaleTerms, SoldLot
from pavilion.settlement.models import BilledLot, Invoice
from pavilion.settlement.rules import business_days_after

ANSWERED_NO = (OfferState.DECLINED, OfferState.LAPSED)


class NoBidder(Refusal):
    """Nobody is left who stood behind the lot and may have it."""

    status, code = 409, "no_bidder"


class ReserveNotMet(Refusal):
    """The next bidder's own maximum lies below the reserve: no offer is made to anyone."""

    status, code = 409, "reserve_not_met"


class NotEligible(Refusal):
    """By law the lot may not be supplied to the buyer's destination today."""

    status, code = 409, "not_eligible"


class Candidate(NamedTuple):
    """Who would be offered the lot next, and at what price."""

    behind: Behind
    price_minor: int


async def offers_of(session: AsyncSession, lot: str, *, lock: bool = False) -> Sequence[LotOffer]:
    """All offers ever made of the lot, the first first."""
    wanted = select(LotOffer).where(LotOffer.lot == lot).order_by(LotOffer.id)
    return (await session.scalars(wanted.with_for_update() if lock else wanted)).all()


async def defaulters_of(session: AsyncSession, lot: str) -> frozenset[int]:
    """The companies that bought the lot and did not pay it."""
    wanted = select(Invoice.company_id).join(LotRemedy, LotRemedy.invoice_id == Invoice.id)
    return frozenset(await session.scalars(wanted.where(LotRemedy.lot == lot)))


async def next_underbidder(
    session: AsyncSession, vault: Vault, lot: str, *, defaulters: Collection[int], now: datetime
) -> Candidate:
    """The first of the standing, without the defaulters, who has not declined and may still buy. Refused where there
    is none, or where the reserve lies above that bidder's own maximum."""
    found = await ended(session, vault, lot)
    said_no = {one.company_id for one in await offers_of(session, lot) if one.state in ANSWERED_NO}
    declined = {str(company) for company in said_no} | await _unfit(session, found, now)
    offer = default.underbidder_offer(found.terms, found.best, {str(one) for one in defaulters}, declined)
    if offer.to is None or offer.price is None:
        raise ReserveNotMet() if offer.reason == "reserve_not_met" else NoBidder()
    price = found.best[offer.to][0] if found.first_price else offer.price
    return Candidate(found.behind[offer.to], price)


async def next_of_passed(session: AsyncSession, vault: Vault, lot: str, now: datetime) -> Behind:
    """The first by rank of a passed lot to whom it was not offered yet."""
    found = await ended(session, vault, lot)
    asked = {str(one.company_id) for one in await offers_of(session, lot) if one.state != OfferState.WITHDRAWN}
    out = asked | await _unfit(session, found, now)
    ranked = sorted(found.best.items(), key=lambda one: (-one[1][0], one[1][1]))
    company = next((company for company, _ in ranked if company not in out), None)
    if company is None:
        raise NoBidder()
    return found.behind[company]


async def offer_to_underbidder(
    session: AsyncSession, vault: Vault, *, lot: str, defaulters: Collection[int], actor: Actor, now: datetime
) -> LotOffer:
    """The next candidate is asked, for as long as the terms say. One offer of the lot stands at a time."""
    standing = await offers_of(session, lot, lock=True)
    await refuse_bought(session, lot)
    for one in standing:
        if is_open(one, now):
            raise ActNotAllowed(state=OfferState.OPEN.value)
        if one.state == OfferState.OPEN:  # its time was over before a job looked
            end(session, one, OfferState.LAPSED, by=None, now=now)
    await session.flush()
    found = await next_underbidder(session, vault, lot, defaulters=defaulters, now=now)
    sale = await _sale_of(session, lot)
    return await _to(session, OfferKind.UNDERBIDDER, sale, lot, found.behind, found.price_minor, actor, now)


class Next(NamedTuple):
    """To whom a passed lot would go now, and for how much."""

    sale: Sale
    behind: Behind
    price_minor: int

    @property
    def seen(self) -> str:
        """What a person has seen who agrees to it."""
        return f"{self.behind.company_id} {self.price_minor}"


async def offer_passed(
    session: AsyncSession, vault: Vault, *, lot: str, price_minor: int | None, actor: Actor, now: datetime,
    seen: str | None = None,
) -> LotOffer:  # fmt: skip
    """A passed lot is offered to the next by rank: at its reserve, or at the price that its seller approved. Several
    such offers may stand at once. `seen`: whom and what the page showed; another by now is refused."""
    found = await next_of(session, vault, lot=lot, price_minor=price_minor, now=now)
    if seen is not None and seen != found.seen:
        raise ActNotAllowed(state="changed")
    return await _to(session, OfferKind.PASSED, found.sale, lot, found.behind, found.price_minor, actor, now)


async def next_of(session: AsyncSession, vault: Vault, *, lot: str, price_minor: int | None, now: datetime) -> Next:
    """To whom the passed lot would be offered now; nothing is sent."""
    await one_at_a_time(session, f"offers:{lot}")  # of the first two there is no row yet to wait for
    await offers_of(session, lot, lock=True)
    found = await ended(session, vault, lot)
    sale = await _sale_of(session, lot)
    if found.state != BookLotState.PASSED:
        raise ActNotAllowed(state=found.state)
    if local_day(now, sale.zone) > last_day(found, sale):
        raise ActNotAllowed(state="window_over")
    await refuse_bought(session, lot)
    await refuse_promised(session, lot)
    price = price_minor if price_minor is not None else found.terms.reserve
    if price is None or not 0 < price <= MAX_AMOUNT:
        raise BadInput(fields={"price": "amount_invalid"})
    return Next(sale, await next_of_passed(session, vault, lot, now), price)


async def make(
    session: AsyncSession,
    *,
    kind: OfferKind,
    sale: Sale,
    lot: str,
    company_id: int,
    registration: str,
    price_minor: int,
    by: str,
    now: datetime,
) -> LotOffer:
    """The lot is offered to this company from now on, for as long as the terms say."""
    terms = await terms_of(session, sale.public_id, sale.entity)
    offer = LotOffer(public_id=ulid(now), kind=kind, lot=lot, sale=sale.public_id, company_id=company_id)
    offer.registration, offer.currency, offer.price_minor = registration, sale.currency, price_minor
    offer.state, offer.made_by, offer.made_at = OfferState.OPEN, by, now
    offer.expires_at = now + timedelta(hours=terms.offer_hours)
    session.add(offer)
    await session.flush()
    events.record(session, "offer:made", offer.public_id, by=by or None, at=now, **facts_of(offer))
    return offer


async def sold_by(session: AsyncSession, offer: LotOffer | Approach, now: datetime) -> tuple[SaleTerms, Buyer, SoldLot]:
    """The lot as it is sold when the offer is accepted now. A price after a default rests on the own bid, with its
    early rate; one that the seller or the buyer named after the sale rests on none."""
    on_bid = isinstance(offer, LotOffer) and offer.kind == OfferKind.UNDERBIDDER
    at = await reached_at(session, offer.lot, offer.registration) if on_bid else None
    return await sold.offered(
        session, lot=offer.lot, registration=offer.registration, price_minor=offer.price_minor, reached_at=at, now=now
    )


async def withdraw(session: AsyncSession, offer: LotOffer, *, actor: Actor, now: datetime) -> None:
    """The house takes the offer back; the same bidder may be asked again. The row is locked by the caller."""
    if not is_open(offer, now):
        raise ActNotAllowed(state=state_of(offer, now))
    end(session, offer, OfferState.WITHDRAWN, by=actor.public_id, now=now)
    await session.flush()


def is_open(offer: LotOffer, now: datetime) -> bool:
    return offer.state == OfferState.OPEN and now < offer.expires_at


def state_of(offer: LotOffer, now: datetime) -> str:
    """As it is now, whether or not a job has noticed that its time is over."""
    return OfferState.LAPSED if offer.state == OfferState.OPEN and now >= offer.expires_at else offer.state


def end(session: AsyncSession, offer: LotOffer, state: OfferState, *, by: str | None, now: datetime) -> None:
    """The offer has its answer, and those whom it concerns can be told."""
    offer.state, offer.answered_by, offer.answered_at = state, by, now
    events.record(session, f"offer:{state}", offer.public_id, by=by, at=now, **facts_of(offer))


def facts_of(offer: LotOffer) -> dict[str, object]:
    """No amount: the event is read by more than the one who may know it."""
    return {"lot": offer.lot, "sale": offer.sale, "company_id": offer.company_id, "kind": offer.kind}


def last_day(found: Ended, sale: Sale) -> date:
    """The last day on which a passed lot may be offered to those who bid on it."""
    holidays = entities()[sale.entity].holidays
    return business_days_after(local_day(found.ended_at, sale.zone), found.offer_days, holidays)


def local_day(now: datetime, zone: str) -> date:
    return now.astimezone(ZoneInfo(zone)).date()


async def refuse_bought(session: AsyncSession, lot: str) -> None:
    """Refused while the lot stands on an invoice: somebody has bought it, by an offer or under the hammer."""
    if await session.get(BilledLot, lot) is not None:
        raise ActNotAllowed(state=OfferState.ACCEPTED.value)


async def refuse_promised(session: AsyncSession, lot: str) -> None:
    """Refused where a stone of the lot is held, offered or sold elsewhere by now."""
    wanted = select(StoneCommitment.id).join(LotStone, LotStone.stone_id == StoneCommitment.stone_id)
    wanted = wanted.join(Lot, Lot.id == LotStone.lot_id).where(Lot.public_id == lot)
    elsewhere = wanted.where(StoneCommitment.released_at.is_(None), StoneCommitment.ref != lot)
    if await session.scalar(elsewhere.limit(1)) is not None:
        raise NotAvailable(reason="promised")


async def refuse_unfit(session: AsyncSession, lot: str, company_id: int, destination: str, now: datetime) -> None:
    """Refused where the company may not buy the lot today: barred, or its destination closed to a stone of it."""
    entity: Entity = entities()[(await _sale_of(session, lot)).entity]
    await strikes.refuse_barred(session, company_id, entity.strikes)
    if (await session.get_one(Company, company_id)).state != CompanyState.APPROVED:
        raise NotAllowed(right="company")
    stones = await stones_of(session, lot)
    closed = await eligibility.closed(session, stones, now.date(), [destination])
    if any(destination in answer for answer in closed.values()):
        raise NotEligible()


async def stones_of(session: AsyncSession, lot: str) -> Sequence[str]:
    wanted = select(Stone.public_id).join(LotStone, LotStone.stone_id == Stone.id)
    wanted = wanted.join(Lot, Lot.id == LotStone.lot_id).where(Lot.public_id == lot)
    return (await session.scalars(wanted.order_by(LotStone.place))).all()


async def _unfit(session: AsyncSession, found: Ended, now: datetime) -> set[str]:
    """Those who stood behind the lot and may not buy it today; their bids still count for the price of others."""
    ids = [one.company_id for one in found.behind.values()]
    sale = await _sale_of(session, found.lot)
    barred = await strikes.barred_of(session, ids, entities()[sale.entity].strikes)
    approved = set(
        await session.scalars(select(Company.id).where(Company.id.in_(ids), Company.state == CompanyState.APPROVED))
    )
    destinations = {one.destination for one in found.behind.values()}
    answers = await eligibility.closed(session, await stones_of(session, found.lot), now.date(), destinations)
    closed = {destination for answer in answers.values() for destination in answer}
    return {
        company
        for company, one in found.behind.items()
        if one.company_id in barred
        or one.company_id not in approved
        or one.state != RegistrationState.APPROVED
        or one.destination in closed
    }


async def _sale_of(session: AsyncSession, lot: str) -> Sale:
    return (await session.scalars(select(Sale).join(Lot, Lot.sale_id == Sale.id).where(Lot.public_id == lot))).one()


async def _to(
    session: AsyncSession,
    kind: OfferKind,
    sale: Sale,
    lot: str,
    behind: Behind,
    price_minor: int,
    actor: Actor,
    now: datetime,
) -> LotOffer:
    return await make(
        session,
        kind=kind,
        sale=sale,
        lot=lot,
        company_id=behind.company_id,
        registration=behind.registration,
        price_minor=price_minor,
        by=actor.public_id or "",
        now=now,
    )
