"""Orders to the double, by its pages and by programs: `POST /control {"do": ..., ...}`."""

from collections.abc import Callable, Mapping
from typing import Any

from pavilion.settlement.payments.double import cash, checkout, moving, returning, telling
from pavilion.settlement.payments.double.orders import NoSuchOrder
from pavilion.settlement.payments.double.posting import Postman
from pavilion.settlement.payments.double.world import World

LONGEST = 300
Said = Mapping[str, Any]


def give(world: World, postman: Postman, said: Said) -> str | None:
    """Done as told; the id of what came of it, if anything did. NoSuchOrder or Wrong if it cannot be."""
    act = _ACTS.get(str(said.get("do", "")))
    if act is None:
        raise NoSuchOrder(str(said.get("do", ""))[:40])
    with world.state.change():
        return act(world, postman, said)


def _fault(world: World, postman: Postman, said: Said) -> None:
    world.orders.order(
        _text(said, "fault"),
        on=_text(said, "on", "POST /v1/"),
        times=_count(said, "times", 1),
        ms=_count(said, "ms", 0),
    )


def _post(world: World, postman: Postman, said: Said) -> None:
    world.orders.post(**{name: _count(said, name, 0) for name in said if name not in ("do", "lang", "to")})
    world.rung()


def _well(world: World, postman: Postman, said: Said) -> None:
    world.orders.well()
    world.rung()


def _webhook(world: World, postman: Postman, said: Said) -> None:
    postman.call(_text(said, "url", ""))


def _transfer(world: World, postman: Postman, said: Said) -> str:
    """A transfer into a customer's account."""
    asked = {"currency": _text(said, "currency").lower(), "amount": _count(said, "amount", 0)}
    asked |= {"reference": _text(said, "reference", ""), "_sender": _text(said, "sender", "Simulated sender")}
    return str(cash.fund(world, asked, _text(said, "customer"))["id"])


def _pay(world: World, postman: Postman, said: Said) -> str:
    """A hosted page is paid, by card (`good`, `declined`, `short`, `check`, `disputed`) or by transfer."""
    way, session = _text(said, "card", "good"), _text(said, "session")
    if way == "transfer":
        return str(checkout.pay_by_transfer(world, session)["id"])
    return str(checkout.pay_by_card(world, session, way, consented=bool(said.get("consented")))["id"])


def _payout(world: World, postman: Postman, said: Said) -> str:
    """Without an amount all of the balance, as by the account's calendar."""
    currency = _text(said, "currency").lower()
    if not said.get("amount"):
        return str(moving.by_calendar(world, currency)["id"])
    return str(moving.create_payout(world, {"currency": currency, "amount": _count(said, "amount", 0)})["id"])


_ACTS: dict[str, Callable[[World, Postman, Said], str | None]] = {
    "fault": _fault,
    "post": _post,
    "well": _well,
    "webhook": _webhook,
    "again": lambda world, _, said: telling.send_again(world, _text(said, "event")),
    "forged": lambda world, _, said: telling.send_forged(world, _text(said, "event")),
    "transfer": _transfer,
    "pay": _pay,
    "expire": lambda world, _, said: checkout.expire_session(world, {}, _text(said, "session"))["id"],
    "give_up": lambda world, _, said: checkout.give_up_waiting(world, _text(said, "session"))["id"],
    "settle_refund": lambda world, _, said: returning.settle(world, _text(said, "refund"))["id"],
    "fail_refund": lambda world, _, said: returning.fail(world, _text(said, "refund"))["id"],
    "dispute": lambda world, _, said: returning.dispute(world, _text(said, "charge"))["id"],
    "win": lambda world, _, said: returning.decide(world, _text(said, "dispute"), won=True)["id"],
    "lose": lambda world, _, said: returning.decide(world, _text(said, "dispute"), won=False)["id"],
    "payout": _payout,
    "arrive": lambda world, _, said: moving.arrive(world, _text(said, "payout"))["id"],
    "bounce": lambda world, _, said: moving.bounce(world, _text(said, "payout"))["id"],
}


def _text(said: Said, name: str, default: str | None = None) -> str:
    value = said.get(name, default)
    if not isinstance(value, str) or len(value) > LONGEST or (not value and default is None):
        raise NoSuchOrder(name)
    return value.strip()


def _count(said: Said, name: str, default: int) -> int:
    value = said.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise NoSuchOrder(name)
    return value
