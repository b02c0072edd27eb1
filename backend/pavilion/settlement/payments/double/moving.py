"""Payouts: our balance at the provider on its way to our bank."""

from typing import Any

from pavilion.settlement.payments.double.state import Thing
from pavilion.settlement.payments.double.world import World, currency_of
from pavilion.settlement.payments.double.wrong import Wrong

SOON_S = 86_400


def available(world: World) -> dict[str, int]:
    """What our balance comes to, by currency."""
    sums: dict[str, int] = {}
    for line in world.state.all("balance_transaction"):
        sums[line["currency"]] = sums.get(line["currency"], 0) + line["net"]
    return sums


def balance(world: World, asked: dict[str, Any]) -> Thing:
    lines = [{"amount": amount, "currency": currency} for currency, amount in sorted(available(world).items())]
    return {"object": "balance", "available": lines, "pending": [], "livemode": False}


def create_payout(world: World, asked: dict[str, Any]) -> Thing:
    currency, amount = currency_of(asked["currency"]), asked["amount"]
    if not 0 < amount <= available(world).get(currency, 0):
        raise Wrong("You have insufficient funds in your account.", code="balance_insufficient", param="amount")
    return _leave(world, currency, amount, asked, automatic=False)


def by_calendar(world: World, currency: str) -> Thing:
    """All that lies there leaves by itself; the movements it is made of can be listed by it."""
    if (amount := available(world).get(currency_of(currency), 0)) <= 0:
        raise Wrong("You have insufficient funds in your account.", code="balance_insufficient", param="amount")
    lines = [one for one in world.state.all("balance_transaction", currency=currency) if not one.get("_payout")]
    payout = _leave(world, currency, amount, {}, automatic=True)
    for line in (*lines, world.need("balance_transaction", payout["balance_transaction"])):
        world.change(line, _payout=payout["id"])
    return payout


def _leave(world: World, currency: str, amount: int, asked: dict[str, Any], *, automatic: bool) -> Thing:
    payout = world.new(
        "payout", amount=amount, currency=currency, status="in_transit", automatic=automatic, balance_transaction=None,
        arrival_date=world.now() + SOON_S, metadata=asked.get("metadata") or {},
        reconciliation_status="completed" if automatic else "not_applicable",
        statement_descriptor=asked.get("statement_descriptor"),
    )  # fmt: skip
    line = world.booked("payout", payout["id"], -amount, currency)
    world.change(payout, balance_transaction=line["id"])
    world.tell("payout.created", payout)
    return payout


def arrive(world: World, named: str) -> Thing:
    """The money is at our bank."""
    payout = world.need("payout", named)
    if payout["status"] != "in_transit":
        raise _over(payout)
    world.change(payout, status="paid", arrival_date=world.now())
    world.tell("payout.paid", payout)
    return payout


def bounce(world: World, named: str) -> Thing:
    """Our bank did not take it, even after it seemed to have: it is on the balance again."""
    payout = world.need("payout", named)
    if payout["status"] not in ("in_transit", "paid"):
        raise _over(payout)
    line = world.booked("payout_failure", payout["id"], payout["amount"], payout["currency"])
    world.change(
        payout, status="failed", failure_code="account_closed", failure_balance_transaction=line["id"],
        failure_message="The bank account has been closed.",
    )  # fmt: skip
    world.tell("payout.failed", payout)
    return payout


def _over(payout: Thing) -> Wrong:
    return Wrong(f"Payout {payout['id']} is {payout['status']}.", code="payout_not_in_transit")
