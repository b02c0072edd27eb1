"""What the pages show of a trade: on a stone's page what this reader can do, before the order what it costs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import fees
from pavilion.auctions.entities import Entity, entities
from pavilion.auctions.titles import title_of
from pavilion.catalogue import queries as catalogue
from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.kernel.errors import NotAllowed
from pavilion.kernel.ids import ulid
from pavilion.trading import conditions, memo_queries, offer_days
from pavilion.trading.desk import Desk, desk_of
from pavilion.trading.memo_models import Memo
from pavilion.trading.models import Hold, HoldWait, Order
from pavilion.trading.offer_models import Offer
from pavilion.trading.queries import order_with
from pavilion.trading.rules import HoldState, hold_stands


@dataclass(frozen=True, slots=True)
class Trade:
    """A stone as this reader can trade it now."""

    seen: int
    key: str  # of the next act, so that a button pressed twice acts once
    hold: Hold | None  # the reader's own, asked for or standing
    order: Order | None  # the reader's own
    offer: Offer | None  # the reader's own, open
    memo: Memo | None  # the reader's own, asked for or running
    may_buy: bool
    may_hold: bool
    may_offer: bool
    may_borrow: bool
    may_wait: bool
    waits: bool
    desk: Desk
    first_right_until: datetime | None  # the reader's own

    @property
    def knows_supplier(self) -> bool:
        """After hold, memo or purchase a buyer learns whose stone it is (catalogue spec 6)."""
        lent = self.memo is not None and self.memo.number is not None
        return self.order is not None or bool(self.held_ref) or lent

    @property
    def held_ref(self) -> str:
        """What the order passes on: the reader's standing hold, or nothing."""
        return self.hold.public_id if self.hold is not None and self.hold.state == HoldState.ACTIVE else ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What is to be paid at a fixed price: no premium, tax as the table of this day has it."""

    price_minor: int
    currency: str
    house: Entity
    destination: str
    tax: fees.Tax | None  # none: a person decides
    tax_minor: int

    @property
    def total_minor(self) -> int:
        return self.price_minor + self.tax_minor


async def of_stone(session: AsyncSession, stone: Stone, actor: Actor, now: datetime) -> Trade | None:
    """None where the reader buys nothing: no buyer, or a stone of the own company."""
    if actor.company_id is None or not actor.may(Permission.HOLD_ASK):
        return None
    if actor.company_id == stone.supplier_company_id:
        return None
    live = (await catalogue.commitments_of(session, [stone.id])).get(stone.id)
    hold = await _own_hold(session, stone.public_id, actor.company_id, now)
    waits = (await session.scalars(select(HoldWait).where(
        HoldWait.stone == stone.public_id, HoldWait.ended_at.is_(None)
    ))).all()  # fmt: skip
    first = next((one for one in waits if one.first_right_until and one.first_right_until > now), None)
    mine = next((one for one in waits if one.company_id == actor.company_id), None)
    free = stone.listed and await _free(session, live, now) and (first is None or first is mine)
    held = hold is not None and hold.state == HoldState.ACTIVE
    order = await order_with(session, actor.company_id, live.ref) if _sold(live) and live else None
    offer = await offer_days.open_for(session, actor.company_id, stone.public_id, now)
    memo = await memo_queries.open_for(session, actor.company_id, stone.public_id)
    may_ask = actor.may(Permission.MEMO_ASK) and await memo_queries.left_minor(
        session, actor.company_id, stone.currency
    ) >= (stone.price_total_minor or 0)
    return Trade(
        seen=stone.seq,
        key=ulid(now),
        hold=hold,
        order=order,
        offer=offer,
        memo=memo,
        may_buy=stone.listed and (free or held) and bool(stone.price_total_minor) and actor.may(Permission.ORDER_PLACE),
        may_hold=free and hold is None,
        may_offer=stone.listed and (free or held) and offer is None and actor.may(Permission.OFFER_MAKE),
        may_borrow=stone.listed and (free or held) and memo is None and may_ask and bool(stone.price_total_minor),
        may_wait=not free and not held and live is not None and live.kind == CommitmentKind.HELD and mine is None,
        waits=mine is not None,
        desk=desk_of(conditions.house_of([stone])),
        first_right_until=mine.first_right_until if mine is not None and mine is first else None,
    )


async def cost_of(
    session: AsyncSession, *, price_minor: int, currency: str, house: Entity, company_id: int, destination: str,
    now: datetime,
) -> Cost:  # fmt: skip
    """As an invoice of this moment would have it."""
    company = await session.get_one(Company, company_id)
    today = now.astimezone(ZoneInfo(house.zone)).date()
    tax = house.tax(destination, has_tax_no=bool(company.tax_no), on=today)
    due = fees.tax_on(tax, fees.tax_base(tax, price_minor, 0)) if tax is not None else 0
    return Cost(price_minor, currency, house, destination, tax, due)


def zone_of(stones: list[Stone]) -> str:
    """The clock of the house through which these are sold."""
    return conditions.house_of(stones).zone


def zones() -> dict[str, str]:
    """The clock of each selling house."""
    return {code: house.zone for code, house in entities().items()}


def title(stone: Stone, lang: str) -> str:
    return title_of([stone], lang)


def company_of(actor: Actor) -> int:
    """Who trades for a company; the house itself buys and holds nothing."""
    if actor.company_id is None:
        raise NotAllowed(right=Permission.ORDER_PLACE.value)
    return actor.company_id


async def order_facts(session: AsyncSession, row: Order, actor: Actor) -> dict[str, Any]:
    """What the page of an order shows to the side that reads it; a seller does not learn who bought."""
    side = "staff" if actor.is_staff else "buyer" if row.company_id == actor.company_id else "seller"
    buyer, seller = [await session.get_one(Company, one) for one in (row.company_id, row.seller_company_id)]
    house = entities()[row.entity]
    names = {"buyer": buyer.name if side != "seller" else None, "seller": seller.name}
    yes = await conditions.silence_confirms(session, row.entity, row.seller_company_id)
    return {
        "row": row,
        "silence_confirms": yes,
        "side": side,
        "zone": house.zone,
        "house": house,
        "faults": {},
        "said": "",
        **names,
    }


async def _own_hold(session: AsyncSession, stone: str, company_id: int, now: datetime) -> Hold | None:
    open_ = (HoldState.ASKED, HoldState.ACTIVE)
    wanted = select(Hold).where(Hold.stone == stone, Hold.company_id == company_id, Hold.state.in_(open_))
    row = await session.scalar(wanted)
    if row is None or (row.state == HoldState.ACTIVE and not hold_stands(row.state, row.expires_at, now)):
        return None
    return row


async def _free(session: AsyncSession, live: StoneCommitment | None, now: datetime) -> bool:
    """Promised to nothing, or to a hold or a locked offer whose end has come though nobody has looked yet."""
    if live is None:
        return True
    if live.kind == CommitmentKind.OFFERED_LOCK:
        return not await offer_days.lock_stands(session, live.ref, now)
    if live.kind != CommitmentKind.HELD:
        return False
    row = await session.scalar(select(Hold).where(Hold.public_id == live.ref))
    return row is not None and not hold_stands(row.state, row.expires_at, now)


def _sold(live: StoneCommitment | None) -> bool:
    return live is not None and live.kind == CommitmentKind.SOLD
