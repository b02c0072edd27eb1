"""A buyer offers for stones, and the two sides answer in turns until one says yes (settlement spec 11.3).

Neither side learns who the other is, and neither learns of another offer for the same stones. An open offer keeps
nothing from anybody unless the owner locks the stones for it.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor
from pavilion.accounts.strikes import Banned
from pavilion.auctions.queries import HOUSE
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.models import CommitmentKind, Stone
from pavilion.catalogue.queries import visible_to
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import ActNotAllowed, BadInput, KeyReused, NotAllowed, NotFound, Refusal
from pavilion.kernel.ids import is_ulid, ulid
from pavilion.trading import conditions, holding, offer_days, placing, queueing, turns
from pavilion.trading.offer_models import Offer, OfferAnswer, OfferFloor, OfferRound, OfferStone
from pavilion.trading.placing import Line
from pavilion.trading.rules import OrderSource, shares
from pavilion.trading.turns import WORDS, Act, OfferExists, Side, ThreadState

MOST_STONES = 20
MOST_TERMS = 500


class BuyerUnfit(Refusal):
    """The buyer could not buy this today; why is between the buyer and the house."""

    status, code = 409, "buyer_unfit"


OF_THE_BUYER = (
    NotAllowed, Banned, conditions.KycExpired, conditions.OwnStone, conditions.NotEligible, conditions.OverTradeLimit
)  # fmt: skip


async def make(
    session: AsyncSession,
    *,
    stones: Sequence[str],
    seen: int,
    price_minor: int,
    days: int,
    terms: str,
    destination: str,
    key: str,
    actor: Actor,
    now: datetime,
    confirm: int | None = None,
) -> Offer:
    """The company's offer for these stones together waits for their owner. Said twice with one key it is one; another
    for the same stones while one is open is refused. `seen` is the latest change of any of the stones, as read;
    `confirm` the price once more, where it was asked about."""
    company, names = _company(actor), sorted(set(stones))
    if not 0 < len(names) == len(stones) <= MOST_STONES:
        raise BadInput(fields={"stones": "bad_input"})
    said = placing.digest(names, seen, price_minor, days, terms, destination)
    await one_at_a_time(session, f"trade:{company}")
    known = await session.scalar(select(Offer).where(Offer.company_id == company, Offer.key == key))
    if known is not None and known.body_sha256 != said:
        raise KeyReused()
    if known is not None:
        return known
    set_key = sha256("\n".join(names).encode()).hexdigest()
    await _refuse_another(session, company, set_key, now)
    turns.refuse_typed(price_minor, days)
    found = [await _free(session, one, company, now) for one in await _as_seen(session, names, seen)]
    if len({(one.supplier_company_id, one.currency) for one in found}) != 1:
        raise BadInput(fields={"stones": "several_sellers"})
    await _refuse_unfit(session, company, found, destination, price_minor, now)
    turns.refuse_unlikely(price_minor, _asked(found), None, confirm)
    row = Offer(public_id=ulid(now), company_id=company, seller_company_id=found[0].supplier_company_id)
    row.stones_key, row.currency, row.destination, row.state = set_key, found[0].currency, destination, ThreadState.OPEN
    row.key, row.body_sha256, row.made_at = key, said, now
    await _say(session, row, Side.BUYER, price_minor, days, terms, actor, now, round_=1)
    session.add_all([OfferStone(offer_id=row.id, stone=name) for name in names])
    await session.flush()
    offer_days.tell(session, row, "made", by=actor.public_id, now=now)
    await _decline_below_floor(session, row, found, now)
    return row


async def answer(
    session: AsyncSession,
    *,
    offer: str,
    side: Side,
    act: Act,
    round_: int,
    actor: Actor,
    now: datetime,
    seen: int = 0,
    price_minor: int = 0,
    days: int = 0,
    terms: str = "",
    key: str | None = None,
    confirm: int | None = None,
) -> Offer:
    """The side has done this act, or it is refused; said twice it is done once. `seen` matters to an acceptance alone:
    the stones are bought as they were seen; `confirm` to a counter-offer: its price once more, where it was asked
    about."""
    row = await _found(session, offer, side, actor)
    said = placing.digest(act, round_, seen, price_minor, days, terms)
    if key is not None and await _answered(session, row, _company(actor), key, said, now):
        return row
    if act is Act.COUNTER:
        return await _counter(session, row, side, round_, price_minor, days, terms, actor, now, confirm)
    if row.standing.done(act, side) and (act is not Act.ACCEPT or row.round == round_):
        return row
    row.standing.refuse(act, side, row.round if act is Act.WITHDRAW else round_, now)
    if act is Act.ACCEPT:
        await _accept(session, row, side, seen, actor, now)
    await offer_days.end(session, row, turns.AFTER[act], by=actor.public_id, now=now, word=WORDS[side][act])
    return row


async def lock(session: AsyncSession, *, offer: str, on: bool, actor: Actor, now: datetime) -> Offer:
    """The owner keeps the stones for this offer while it is open, or lets them go again."""
    row = await _found(session, offer, Side.SELLER, actor)
    if row.locked == on:
        return row
    if on:
        if not row.standing.open_at(now):
            raise ActNotAllowed(state=row.standing.at(now))
        names = [one.public_id for one in await stones_of(session, row)]
        await holding.lapse(session, names, now)
        for name in names:
            await queueing.refuse_after_others(session, name, row.company_id, now)
            await catalogue.commit_stone(
                session, stone=name, kind=CommitmentKind.OFFERED_LOCK, ref=row.public_id, facts={}, by=actor.public_id,
                now=now,
            )  # fmt: skip
        row.locked = True
        await session.flush()
    else:
        await offer_days.unlock(session, row, by=actor.public_id, now=now)
    return row


async def set_floor(session: AsyncSession, *, share_bp: int | None, actor: Actor, now: datetime) -> None:
    """Offers below this share of the asking price are declined by themselves; none: each waits for an answer."""
    company = _company(actor)
    if share_bp is not None and not 1 <= share_bp <= 10_000:
        raise BadInput(fields={"share": "share_invalid"})
    row = await session.get(OfferFloor, company, with_for_update=True)
    if share_bp is None:
        if row is not None:
            await session.delete(row)
        return
    if row is None:
        row = OfferFloor(company_id=company)
        session.add(row)
    row.share_bp, row.by, row.at = share_bp, actor.public_id or "", now


async def floor_of(session: AsyncSession, company_id: int) -> int | None:
    return await session.scalar(select(OfferFloor.share_bp).where(OfferFloor.company_id == company_id))


async def side_of(session: AsyncSession, offer: str, actor: Actor) -> Side:
    """On which side of the offer the reader's company stands; to others there is none."""
    if not is_ulid(offer):
        raise NotFound()
    wanted = select(Offer.company_id, Offer.seller_company_id).where(Offer.public_id == offer)
    row = (await session.execute(wanted)).one_or_none()
    if row is None or actor.company_id is None or actor.company_id not in row:
        raise NotFound()
    return Side.BUYER if row.company_id == actor.company_id else Side.SELLER


async def stones_of(session: AsyncSession, offer: Offer) -> Sequence[Stone]:
    """In the order in which they are locked."""
    wanted = (
        visible_to(HOUSE).join(OfferStone, OfferStone.stone == Stone.public_id).where(OfferStone.offer_id == offer.id)
    )
    return (await session.scalars(wanted.order_by(Stone.id).execution_options(populate_existing=True))).all()


async def _counter(
    session: AsyncSession, row: Offer, side: Side, round_: int, price_minor: int, days: int, terms: str, actor: Actor,
    now: datetime, confirm: int | None,
) -> Offer:  # fmt: skip
    if (row.round, row.turn, row.price_minor) == (round_ + 1, side.other, price_minor) and row.standing.open_at(now):
        return row  # said twice
    row.standing.refuse(Act.COUNTER, side, round_, now)
    turns.refuse_typed(price_minor, days)
    if price_minor == row.price_minor:
        raise BadInput(fields={"price": "same_price"})
    found = await stones_of(session, row)
    await offer_days.refuse_gone(session, row)
    if side is Side.BUYER:
        await _refuse_unfit(session, row.company_id, found, row.destination, price_minor, now)
    turns.refuse_unlikely(price_minor, _asked(found), row.price_minor, confirm)
    await _say(session, row, side, price_minor, days, terms, actor, now, round_=row.round + 1)
    offer_days.tell(session, row, WORDS[side][Act.COUNTER], by=actor.public_id, now=now)
    if side is Side.BUYER:
        await _decline_below_floor(session, row, found, now)
    return row


async def _accept(session: AsyncSession, row: Offer, side: Side, seen: int, actor: Actor, now: datetime) -> None:
    """The stones are the buyer's, at exactly the last proposal's price."""
    found = await _as_seen(session, [one.public_id for one in await stones_of(session, row)], seen)
    prices = shares(row.price_minor, [stone.price_total_minor or stone.weight_mct for stone, _ in found])
    lines = []
    for (stone, known), price in zip(found, prices, strict=True):
        held = await holding.standing(session, stone.public_id, row.company_id, now)
        ref = row.public_id if row.locked else held.public_id if held is not None else None
        lines.append(Line(stone.public_id, known, price, ref))
    try:
        stones = [stone for stone, _ in found]
        await _refuse_unfit(session, row.company_id, stones, row.destination, row.price_minor, now)
        order = await placing.place_order(  # under a key that no buyer can have used: theirs hold no stroke
            session, company_id=row.company_id, destination=row.destination, lines=lines, source=OrderSource.OFFER,
            source_ref=row.public_id, key=f"offer/{row.public_id}", actor=actor, now=now,
        )  # fmt: skip
    except OF_THE_BUYER as refused:
        if side is Side.BUYER:
            raise
        raise BuyerUnfit() from refused
    row.order, row.locked = order.public_id, False


async def _decline_below_floor(session: AsyncSession, row: Offer, stones: Sequence[Stone], now: datetime) -> None:
    """Where the owner has said from where on an offer is worth an answer, what is lower has its answer."""
    share, asked = await floor_of(session, row.seller_company_id), _asked(stones)
    if share is None or asked is None:
        return
    if row.price_minor * 10_000 < asked * share:
        await offer_days.end(session, row, ThreadState.DECLINED, by=None, now=now)


def _asked(stones: Sequence[Stone]) -> int | None:
    """For all of them; None where one is priced on request."""
    prices = [stone.price_total_minor for stone in stones]
    return None if None in prices else sum(price or 0 for price in prices)


async def _refuse_unfit(
    session: AsyncSession, company_id: int, stones: Sequence[Stone], destination: str, total_minor: int, now: datetime
) -> None:
    """A company with a trade limit offers within it; one without pays before it is handed anything."""
    firm = await session.get_one(Company, company_id)
    limited = firm.trade_limit_minor > 0 and firm.trade_currency == stones[0].currency
    await conditions.refuse_unfit(
        session, company_id=company_id, stones=stones, destination=destination, total_minor=total_minor,
        on_credit=limited, now=now,
    )  # fmt: skip


async def _refuse_another(session: AsyncSession, company_id: int, set_key: str, now: datetime) -> None:
    wanted = select(Offer).where(
        Offer.company_id == company_id, Offer.stones_key == set_key, Offer.state == ThreadState.OPEN
    )
    row = await session.scalar(wanted.with_for_update())
    if row is None:
        return
    if row.standing.open_at(now):
        raise OfferExists(offer=row.public_id)
    await offer_days.end(session, row, ThreadState.LAPSED, by=None, now=now)  # its time was over before a job looked
    await session.flush()


async def _as_seen(session: AsyncSession, names: Sequence[str], seen: int) -> list[tuple[Stone, int]]:
    """Each stone with the change at which it was seen."""
    wanted = visible_to(HOUSE).where(Stone.public_id.in_(names)).order_by(Stone.id)
    rows = (await session.scalars(wanted.execution_options(populate_existing=True))).all()
    if len(rows) != len(names):
        raise NotFound()
    as_seen = holding.as_seen(rows, seen)
    return [(row, as_seen[row.public_id]) for row in rows]


async def _free(session: AsyncSession, one: tuple[Stone, int], company_id: int, now: datetime) -> Stone:
    stone, seen = one
    held = await holding.standing(session, stone.public_id, company_id, now)
    return await holding.free(
        session, stone.public_id, seen, company_id, now, held_ref=held.public_id if held is not None else None
    )


async def _say(
    session: AsyncSession, row: Offer, side: Side, price_minor: int, days: int, terms: str, actor: Actor, now: datetime,
    *, round_: int,
) -> None:  # fmt: skip
    row.price_minor, row.round, row.turn, row.expires_at = price_minor, round_, side.other, turns.until(now, days)
    session.add(row)
    await session.flush()
    said = OfferRound(offer_id=row.id, round=round_, side=side, price_minor=price_minor, terms=" ".join(terms.split()))
    said.by, said.at, said.expires_at = actor.public_id or "", now, row.expires_at
    session.add(said)
    await session.flush()


async def _answered(session: AsyncSession, row: Offer, company_id: int, key: str, said: str, now: datetime) -> bool:
    """Whether this key has answered this offer already, by the same words."""
    known = await session.get(OfferAnswer, (row.id, company_id, key))
    if known is not None and known.body_sha256 != said:
        raise KeyReused()
    if known is None:
        session.add(OfferAnswer(offer_id=row.id, company_id=company_id, key=key, body_sha256=said, at=now))
        await session.flush()
    return known is not None


async def _found(session: AsyncSession, public_id: str, side: Side, actor: Actor) -> Offer:
    """The offer, to the side the reader stands on; one act of its buyer's company at a time, and of the offer too."""
    if await side_of(session, public_id, actor) is not side:
        raise NotFound()
    buyer = select(Offer.company_id).where(Offer.public_id == public_id)
    await one_at_a_time(session, f"trade:{await session.scalar(buyer)}")
    wanted = select(Offer).where(Offer.public_id == public_id).with_for_update()
    return (await session.scalars(wanted.execution_options(populate_existing=True))).one()


def _company(actor: Actor) -> int:
    if actor.company_id is None:
        raise NotAllowed(right="company")
    return actor.company_id
