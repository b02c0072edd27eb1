"""What every trade at a fixed price asks of its buyer, whatever it is called: order, offer, hold or memo."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import strikes
from pavilion.accounts.models import Company
from pavilion.accounts.rules import CompanyState, share_owner
from pavilion.auctions.entities import Entity, entities
from pavilion.catalogue.models import Stone
from pavilion.catalogue.service import NotAvailable
from pavilion.kernel.errors import NotAllowed, Refusal
from pavilion.provenance import eligibility
from pavilion.trading.memo_models import Memo, MemoStone
from pavilion.trading.memo_rules import COMMITTED, OPEN_STONES
from pavilion.trading.models import Order
from pavilion.trading.rules import UNPAID

SILENCE, CONFIRMED = "unanswered_order", "confirmed"  # among an entity's terms of trade


class OwnStone(Refusal):
    """Nobody buys the own stone, nor one of a company with which it shares an owner (bidding spec 5.1)."""

    status, code = 403, "own_stone"


class NotEligible(Refusal):
    """The law closes the destination to a stone of it today."""

    status, code = 409, "not_eligible"


class KycExpired(Refusal):
    status, code = 403, "kyc_expired"


class OverTradeLimit(Refusal):
    """With this the company would have more unpaid than the house has agreed to."""

    status, code = 409, "over_trade_limit"


async def refuse_unfit(
    session: AsyncSession,
    *,
    company_id: int,
    stones: Sequence[Stone],
    destination: str,
    total_minor: int,
    on_credit: bool,
    now: datetime,
) -> None:
    """Refused where the company may not have these stones today: not approved, barred, interested in them, its
    destination closed to one, or, where they leave unpaid, more than its trade limit."""
    house = house_of(stones)
    await refuse_buyer(session, company_id, stones, threshold=house.strikes, now=now)
    names = [stone.public_id for stone in stones]
    closed = await eligibility.closed(session, names, now.astimezone(UTC).date(), [destination])
    if barred := sorted(stone for stone, answer in closed.items() if destination in answer):
        raise NotEligible(stones=barred, destination=destination)
    if on_credit:
        firm = await session.get_one(Company, company_id, with_for_update=True)
        used = await used_minor(session, company_id, stones[0].currency)
        if firm.trade_currency != stones[0].currency or used + total_minor > firm.trade_limit_minor:
            raise OverTradeLimit()


async def refuse_buyer(
    session: AsyncSession, company_id: int, stones: Sequence[Stone], *, threshold: int, now: datetime
) -> None:
    """Refused where the company takes part in no trade, or has to do with who sells these."""
    firm = await session.get_one(Company, company_id)
    if firm.state != CompanyState.APPROVED:
        raise NotAllowed(right="company")
    if firm.verified_until is not None and firm.verified_until < now.astimezone(UTC).date().isoformat():
        raise KycExpired()
    await strikes.refuse_barred(session, company_id, threshold)
    sellers = select(Company).where(Company.id.in_({stone.supplier_company_id for stone in stones}))
    for seller in await session.scalars(sellers):
        if seller.id == company_id or share_owner(seller.owners, firm.owners):
            raise OwnStone()
        if seller.state != CompanyState.APPROVED:
            raise NotAvailable(stone=stones[0].public_id, reason="seller")


async def good_standing(session: AsyncSession, company_id: int) -> bool:
    """Approved, with no default that is still open: its holds need nobody's word."""
    firm = await session.get_one(Company, company_id)
    return firm.state == CompanyState.APPROVED and not await strikes.open_strikes(session, company_id)


def house_of(stones: Sequence[Stone]) -> Entity:
    """The selling house of ours nearest to where the stones lie: of their country, of its union, else the first."""
    place, houses = stones[0].country, list(entities().values())
    union = (house for house in houses if place in house.eu and house.country in house.eu)
    return next((house for house in houses if house.country == place), None) or next(union, houses[0])


async def silence_confirms(session: AsyncSession, entity: str, seller_company_id: int) -> bool:
    """Whether an owner who says nothing in time has confirmed: so it is, unless the selling house or the staff for
    this owner have it otherwise."""
    if entities()[entity].trade.get(SILENCE, CONFIRMED) != CONFIRMED:
        return False
    return not (await session.get_one(Company, seller_company_id)).silence_refuses


async def used_minor(session: AsyncSession, company_id: int, currency: str) -> int:
    """What the company has unpaid in this currency: orders, and whatever else counts against its trade limit."""
    return sum([await counted(session, company_id, currency) for counted in COUNTED])


async def _unpaid_orders(session: AsyncSession, company_id: int, currency: str) -> int:
    wanted = select(func.coalesce(func.sum(Order.total_minor), 0)).where(
        Order.company_id == company_id, Order.currency == currency, Order.state.in_(UNPAID)
    )
    return int(await session.scalar(wanted) or 0)


async def _open_memos(session: AsyncSession, company_id: int, currency: str) -> int:
    wanted = select(func.coalesce(func.sum(MemoStone.price_minor), 0)).join(Memo, Memo.id == MemoStone.memo_id)
    mine = (Memo.company_id == company_id, Memo.currency == currency, Memo.state.in_(COMMITTED))
    return int(await session.scalar(wanted.where(*mine, MemoStone.state.in_(OPEN_STONES))) or 0)


COUNTED: list[Callable[[AsyncSession, int, str], Awaitable[int]]] = [_unpaid_orders, _open_memos]
