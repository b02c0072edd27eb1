"""A buyer offers for a passed lot, and the two sides answer in turns until one says yes (settlement spec 9 and 11.3).

The seller's side is the lot's owner in person, or the house with the owner's word; at the reserve or above it the house
needs no other. Neither side ever learns of another buyer's offer, nor the buyer of the reserve: what is refused here is
refused by what the buyer typed, by public figures and by the company's own standing.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import sequels
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.bidding.commitments import ended
from pavilion.bidding.deciding import STANDING_CODES
from pavilion.bidding.models import BookLot, BookLotState
from pavilion.bidding.vault import Vault
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed, NotDone, NotFound, Refusal
from pavilion.kernel.ids import ulid
from pavilion.settlement import accepting, invoicing, offering, queries, sold
from pavilion.settlement.accepting import end_approach as end
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.approach_models import Approach, ApproachRound, Consent
from pavilion.settlement.models import Invoice
from pavilion.settlement.rules import PAYABLE, InvoiceState
from pavilion.trading import turns
from pavilion.trading.turns import WORDS, Act, OfferExists, Side, ThreadState


class Place:
    """A passed lot in its sale, open for offers."""

    def __init__(self, lot: Lot, sale: Sale, stands: BookLot, days: int) -> None:
        self.lot, self.sale, self.stands, self.days = lot, sale, stands, days

    def open_at(self, now: datetime) -> bool:
        return sequels.takes_offers(self.stands.end, self.sale.zone, self.days, self.sale.entity, now)


async def place_of(session: AsyncSession, lot: str) -> Place:
    """The lot, when it was part of a sale and passed; NotFound for any other."""
    wanted = select(Lot, Sale, BookLot).join(Sale, Sale.id == Lot.sale_id).join(BookLot, BookLot.lot == Lot.public_id)
    row = (await session.execute(wanted.where(Lot.public_id == lot))).one_or_none()
    if row is None or row[2].state != BookLotState.PASSED:
        raise NotFound()
    return Place(row[0], row[1], row[2], int((row[1].rules or {})["passed_offer_days"]))


async def floor_of(session: AsyncSession, place: Place) -> int:
    """What an offer comes to at least: a share of the low estimate, both of them public. 0: nothing is said."""
    terms = await terms_of(session, place.sale.public_id, place.sale.entity)
    return -(-(place.lot.low_minor or 0) * terms.approach_floor_bp // 10_000)


async def why_not(session: AsyncSession, place: Place, company_id: int | None, now: datetime) -> str | None:
    """None when this company could make an offer now, else the code that says why it cannot."""
    try:
        await _refuse_closed(session, place, now)
        await _standing(session, place, company_id or 0, now)
    except Refusal as refused:
        return str(refused.facts.get("state", refused.code)) if refused.code == "act_not_allowed" else refused.code
    return None


async def make(
    session: AsyncSession, *, lot: str, price_minor: int, days: int, actor: Actor, now: datetime
) -> Approach:
    """The company's offer waits for the seller. Said twice alike it is one; another while one is open is refused."""
    _refuse_right(actor, Permission.OFFER_MAKE)
    company = actor.company_id or 0
    await accepting.lock_offers(session, lot)
    place = await place_of(session, lot)
    standing = next(
        (one for one in await of_lot(session, lot) if one.company_id == company and one.standing.open_at(now)), None
    )
    if standing is not None:
        if (standing.price_minor, standing.round) == (price_minor, 1):
            return standing
        raise OfferExists()
    await _refuse_closed(session, place, now)
    registration = await _standing(session, place, company, now)
    turns.refuse_typed(price_minor, days)
    if price_minor < await floor_of(session, place):
        raise BadInput(fields={"price": "below_floor"})
    for one in await of_lot(session, lot):
        if one.company_id == company and one.state == ThreadState.OPEN:  # its time was over before a job looked
            end(session, one, ThreadState.LAPSED, by=None, now=now)
    await session.flush()
    await _refuse_beyond(session, place, registration, price_minor, now)
    row = Approach(public_id=ulid(now), lot=lot, sale=place.sale.public_id, company_id=company)
    row.registration, row.currency, row.state = registration.public_id, place.sale.currency, ThreadState.OPEN
    row.made_by, row.made_at = actor.public_id or "", now
    await _say(session, row, Side.BUYER, price_minor, days, None, actor, now, round_=1)
    accepting.tell_approach(session, row, "made", by=actor.public_id, now=now)
    return row


async def counter(
    session: AsyncSession, vault: Vault, public_id: str, *, side: Side, round_: int, price_minor: int, days: int,
    approved: bool, actor: Actor, now: datetime,
) -> Approach:  # fmt: skip
    """The side on turn names another price, and the other side has to answer it. Said twice it is done once."""
    row = await _found(session, public_id, side, actor)
    if (row.round, row.turn, row.price_minor) == (round_ + 1, side.other, price_minor) and row.standing.open_at(now):
        return row
    row.standing.refuse(Act.COUNTER, side, round_, now)
    turns.refuse_typed(price_minor, days)
    if price_minor == row.price_minor:
        raise BadInput(fields={"price": "same_price"})
    place = await place_of(session, row.lot)
    await offering.refuse_promised(session, row.lot)
    consent = None
    if side is Side.BUYER:
        if price_minor < await floor_of(session, place):
            raise BadInput(fields={"price": "below_floor"})
        registration = await _standing(session, place, row.company_id, now)
        await _refuse_beyond(session, place, registration, price_minor, now, without=row)
    else:
        consent = await _consent(session, vault, place, price_minor, approved, actor)
    await _say(session, row, side, price_minor, days, consent, actor, now, round_=row.round + 1)
    accepting.tell_approach(session, row, WORDS[side][Act.COUNTER], by=actor.public_id, now=now)
    return row


async def accept(
    session: AsyncSession, vault: Vault, public_id: str, *, side: Side, round_: int, approved: bool, actor: Actor,
    now: datetime,
) -> Invoice:  # fmt: skip
    """The lot is bought at exactly the last proposal's price and stands on an invoice; no other offer of it is open.
    Said twice, it is bought once."""
    row = await _found(session, public_id, side, actor)
    if row.standing.done(Act.ACCEPT, side) and row.round == round_:
        return await accepting.invoice_of(session, row)
    row.standing.refuse(Act.ACCEPT, side, round_, now)
    place = await place_of(session, row.lot)
    await offering.refuse_bought(session, row.lot)
    registration = await _standing(session, place, row.company_id, now)
    await _refuse_beyond(session, place, registration, row.price_minor, now, without=row)
    if side is Side.SELLER:
        row.consent = await _consent(session, vault, place, row.price_minor, approved, actor)
    await accepting.take_stones(session, row.lot, actor, now)
    end(session, row, ThreadState.ACCEPTED, by=actor.public_id, now=now, word=WORDS[side][Act.ACCEPT])
    await accepting.lapse_others(session, row, now)
    await session.flush()
    return await accepting.billed(session, row, now)


async def decline(
    session: AsyncSession, public_id: str, *, side: Side, round_: int, actor: Actor, now: datetime
) -> None:
    """The side on turn says no, and the thread is over. Said twice, it is said once."""
    row = await _found(session, public_id, side, actor)
    if row.standing.done(Act.DECLINE, side):
        return
    row.standing.refuse(Act.DECLINE, side, round_, now)
    end(session, row, ThreadState.DECLINED, by=actor.public_id, now=now, word=WORDS[side][Act.DECLINE])


async def withdraw(session: AsyncSession, public_id: str, *, side: Side, actor: Actor, now: datetime) -> None:
    """Who made the last proposal takes it back before it is answered. Said twice, it is said once."""
    row = await _found(session, public_id, side, actor)
    if row.standing.done(Act.WITHDRAW, side):
        return
    row.standing.refuse(Act.WITHDRAW, side, row.round, now)
    end(session, row, ThreadState.WITHDRAWN, by=actor.public_id, now=now, word=WORDS[side][Act.WITHDRAW])


async def seen(session: AsyncSession, public_id: str, side: Side, actor: Actor) -> Approach:
    """The thread, for who stands on this side of it."""
    return await _found(session, public_id, side, actor)


async def of_lot(session: AsyncSession, lot: str, *, lock: bool = False) -> Sequence[Approach]:
    """All offers ever made by buyers for the lot, the first first."""
    wanted = select(Approach).where(Approach.lot == lot).order_by(Approach.id)
    return (await session.scalars(wanted.with_for_update() if lock else wanted)).all()


def may_answer(actor: Actor, lot: Lot) -> Side | None:
    """On the seller's side stand the lot's owner, by its own people, and the house's cashiers."""
    if actor.may(Permission.PAYMENT_BOOK):
        return Side.SELLER
    own = actor.company_id is not None and lot.consignor_company_id == actor.company_id
    return Side.SELLER if own and actor.may(Permission.OFFER_ANSWER) else None


async def _found(session: AsyncSession, public_id: str, side: Side, actor: Actor) -> Approach:
    """The thread, to the side the reader stands on and to nobody else; locked with every other offer of the lot."""
    wanted = select(Approach, Lot).join(Lot, Lot.public_id == Approach.lot).where(Approach.public_id == public_id)
    found = (await session.execute(wanted)).one_or_none()
    if found is None:
        raise NotFound()
    row, lot = found
    mine = row.company_id == actor.company_id if side is Side.BUYER else may_answer(actor, lot) is Side.SELLER
    if not mine:
        raise NotFound()
    if side is Side.BUYER:
        _refuse_right(actor, Permission.OFFER_MAKE)
    await accepting.lock_offers(session, row.lot)
    await session.refresh(row)
    return row


async def _say(
    session: AsyncSession,
    row: Approach,
    side: Side,
    price_minor: int,
    days: int,
    consent: Consent | None,
    actor: Actor,
    now: datetime,
    *,
    round_: int,
) -> None:
    row.price_minor, row.round, row.expires_at = price_minor, round_, turns.until(now, days)
    row.turn, row.consent = side.other, consent
    session.add(row)
    await session.flush()
    said = ApproachRound(approach_id=row.id, round=round_, side=side, price_minor=price_minor, consent=consent)
    said.by, said.at, said.expires_at = actor.public_id or "", now, row.expires_at
    session.add(said)
    await session.flush()


def _refuse_right(actor: Actor, right: Permission) -> None:
    if not actor.may(right) or actor.company_id is None:
        raise NotAllowed(right=right.value)


async def _refuse_closed(session: AsyncSession, place: Place, now: datetime) -> None:
    """Refused where the lot takes no new offers: its days are over, or it is sold or promised elsewhere."""
    if not place.open_at(now):
        raise ActNotAllowed(state="window_over")
    await offering.refuse_bought(session, place.lot.public_id)
    await offering.refuse_promised(session, place.lot.public_id)


async def _standing(session: AsyncSession, place: Place, company_id: int, now: datetime) -> Registration:
    """The company's registration in the sale; refused where it could not bid on the lot either."""
    wanted = select(Registration).where(
        Registration.sale_id == place.sale.id, Registration.company_id == company_id
    )  # fmt: skip
    one = await session.scalar(wanted)
    if one is None or one.paddle is None:
        raise NotDone("not_registered" if one is None else STANDING_CODES.get(one.state, "registration_pending"))
    if (code := STANDING_CODES.get(one.state)) is not None:
        raise NotDone(code)
    await _refuse_interested(session, place.lot, company_id)
    await offering.refuse_unfit(session, place.lot.public_id, company_id, one.destination, now)
    return one


async def _refuse_interested(session: AsyncSession, lot: Lot, company_id: int) -> None:
    """Nobody buys the own stone, nor one of a company with which it shares an owner (bidding spec 5.1)."""
    both = {one.id: one for one in await session.scalars(
        select(Company).where(Company.id.in_({company_id, lot.consignor_company_id}))
    )}  # fmt: skip
    named = [{" ".join(str(name).casefold().split()) for name in one.owners} for one in both.values()]
    if len(both) < 2 or named[0] & named[1]:
        raise NotDone("conflict_of_interest")


async def _refuse_beyond(
    session: AsyncSession,
    place: Place,
    one: Registration,
    price_minor: int,
    now: datetime,
    without: Approach | None = None,
) -> None:
    """Refused where what the company owes of this sale, offers in it and would owe here is more than its limit."""
    rules = place.sale.rules or {}
    if one.limit_minor is None or not rules["limits"]["required"]:
        return
    fees = bool(rules["limits"]["include_fees"])
    total = await _weight(session, place.lot.public_id, one.public_id, price_minor, fees, now)
    wanted = select(Approach).where(
        Approach.company_id == one.company_id,
        Approach.sale == place.sale.public_id,
        Approach.state == ThreadState.OPEN,
        Approach.expires_at > now,
    )
    for other in await session.scalars(wanted):
        if without is None or other.id != without.id:
            total += await _weight(session, other.lot, other.registration, other.price_minor, fees, now)
    owed = select(Invoice).where(Invoice.company_id == one.company_id, Invoice.sale == place.sale.public_id)
    for invoice in await session.scalars(owed.where(Invoice.state.in_({*PAYABLE, InvoiceState.DRAFT}))):
        draft = invoice.state == InvoiceState.DRAFT
        total += invoice.total_minor if draft else await queries.open_minor(session, invoice)
    if total > one.limit_minor:
        raise NotDone("over_limit", limit=one.limit_minor, headroom=max(0, one.limit_minor - total + price_minor))


async def _weight(
    session: AsyncSession, lot: str, registration: str, price_minor: int, fees: bool, now: datetime
) -> int:  # fmt: skip
    """What this price counts against a limit."""
    if not fees:
        return price_minor
    terms, buyer, held = await sold.offered(
        session, lot=lot, registration=registration, price_minor=price_minor, reached_at=None, now=now
    )
    owed = await invoicing.outlay(session, terms, buyer, held, now)
    return price_minor + owed.premium + (owed.tax or 0)


async def _consent(
    session: AsyncSession, vault: Vault, place: Place, price_minor: int, approved: bool, actor: Actor
) -> Consent:
    """Why the seller's side may sell at this price; refused where nobody has asked the owner."""
    if actor.company_id is not None and place.lot.consignor_company_id == actor.company_id:
        return Consent.OWNER
    if approved:
        return Consent.TOLD
    reserve = (await ended(session, vault, place.lot.public_id)).terms.reserve
    if reserve is None or price_minor < reserve:
        raise BadInput(fields={"approved": "seller_not_asked"})
    return Consent.RESERVE
