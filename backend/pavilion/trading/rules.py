"""Orders and holds at a fixed price (settlement spec 11.2 and 11.4). Pure; `now` is an argument."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

HOLD_ANSWER = timedelta(hours=24)  # an owner who says nothing has said no
CONFIRM_FOR = timedelta(hours=24)
MOST_RENEWALS = 10  # whatever a house agrees to


# Why a stone cannot be had, besides what it is promised to.
GONE_FOR = ("withdrawn", "not_verified", "first_right", "seller", "not_promised", "not_open", "passed")


class OrderState(StrEnum):
    PLACED = "placed"
    CONFIRMED = "confirmed"
    INVOICED = "invoiced"
    PAID = "paid"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    REFUSED = "refused"
    CANCELLED = "cancelled"


_O = OrderState
ORDER_TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    _O.PLACED: frozenset({_O.CONFIRMED, _O.REFUSED}),
    _O.CONFIRMED: frozenset({_O.INVOICED, _O.CANCELLED}),
    _O.INVOICED: frozenset({_O.PAID, _O.CANCELLED}),
    _O.PAID: frozenset({_O.SHIPPED, _O.INVOICED}),  # a payment can be taken back
    _O.SHIPPED: frozenset({_O.COMPLETED}),
    _O.COMPLETED: frozenset(),
    _O.REFUSED: frozenset(),
    _O.CANCELLED: frozenset(),
}
STANDING = frozenset({_O.PLACED, _O.CONFIRMED, _O.INVOICED, _O.PAID, _O.SHIPPED, _O.COMPLETED})
UNPAID = frozenset({_O.PLACED, _O.CONFIRMED, _O.INVOICED})
CANCELLABLE = frozenset({_O.CONFIRMED, _O.INVOICED})


class OrderSource(StrEnum):
    BUY_NOW = "buy_now"
    OFFER = "offer"
    MEMO = "memo"
    COLLECTION = "collection"


class HoldState(StrEnum):
    ASKED = "asked"
    ACTIVE = "active"
    REFUSED = "refused"
    RELEASED = "released"
    LAPSED = "lapsed"
    CONVERTED = "converted"


_H = HoldState
HOLD_TRANSITIONS: dict[HoldState, frozenset[HoldState]] = {
    _H.ASKED: frozenset({_H.ACTIVE, _H.REFUSED, _H.RELEASED}),  # its company may take back what it asked
    _H.ACTIVE: frozenset({_H.RELEASED, _H.LAPSED, _H.CONVERTED}),
    _H.REFUSED: frozenset(),
    _H.RELEASED: frozenset(),
    _H.LAPSED: frozenset(),
    _H.CONVERTED: frozenset(),
}


def short(public_id: str) -> str:
    """What people call an order by."""
    return public_id[-6:]


def order_may(state: str, to: OrderState) -> bool:
    return to in ORDER_TRANSITIONS[OrderState(state)]


def hold_may(state: str, to: HoldState) -> bool:
    return to in HOLD_TRANSITIONS[HoldState(state)]


def hold_stands(state: str, expires_at: datetime | None, now: datetime) -> bool:
    """Whether the hold still keeps the stone: at its very end it does not, whoever looks first."""
    return state == HoldState.ACTIVE and expires_at is not None and now < expires_at


def unanswered(answer_by: datetime | None, now: datetime) -> bool:
    """Whether an owner has let the time for an answer pass."""
    return answer_by is not None and now >= answer_by


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """The total in parts after these weights: whole, exactly the total together, each at least one."""
    assert total >= len(weights) > 0
    rest, over = total - len(weights), sum(weights)
    parts = [rest * weight // over if over else rest // len(weights) for weight in weights]
    left = rest - sum(parts)
    most = sorted(range(len(weights)), key=lambda at: (-(rest * weights[at] % over if over else 0), at))
    return [1 + part + (at in most[:left]) for at, part in enumerate(parts)]
