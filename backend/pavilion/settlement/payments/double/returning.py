"""Money that goes back: refunds, and disputes."""

from typing import Any

from pavilion.settlement.payments.double import cash
from pavilion.settlement.payments.double.state import Thing
from pavilion.settlement.payments.double.world import World, currency_of
from pavilion.settlement.payments.double.wrong import Wrong

DISPUTE_FEE = 1_500
OVER = ("succeeded", "failed", "canceled")


def create_refund(world: World, asked: dict[str, Any]) -> Thing:
    if asked.get("origin") == "customer_balance":
        return _of_cash(world, asked)
    charge = _charge_of(world, asked)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = asked.get("amount", left)
    if charge["disputed"]:
        raise Wrong(f"Charge {charge['id']} has been charged back.", code="charge_disputed")
    if charge["refunded"] or left == 0:
        raise Wrong(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if not 0 < amount <= left:
        raise Wrong(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount")
    bank = charge["payment_method_details"]["type"] == "customer_balance"
    refund = world.new(
        "refund", amount=amount, currency=charge["currency"], charge=charge["id"], balance_transaction=None,
        payment_intent=charge["payment_intent"], reason=asked.get("reason"), metadata=asked.get("metadata") or {},
        status="pending" if bank else "succeeded", payment_method=charge["payment_method"],
        destination_details={"type": "customer_cash_balance"} if bank else {"type": "card", "card": {"type": "refund"}},
    )  # fmt: skip
    line = world.booked("payment_refund" if bank else "refund", refund["id"], -amount, charge["currency"],
                        category="refund")  # fmt: skip
    world.change(refund, balance_transaction=line["id"])
    back = charge["amount_refunded"] + amount
    world.change(charge, amount_refunded=back, refunded=back == charge["amount_captured"])
    world.tell("refund.created", refund)
    world.tell("charge.refunded", charge)
    return refund


def update_refund(world: World, asked: dict[str, Any], named: str) -> Thing:
    refund = world.need("refund", named)
    world.change(refund, metadata=refund["metadata"] | (asked.get("metadata") or {}))
    world.tell("refund.updated", refund)
    return refund


def settle(world: World, named: str) -> Thing:
    """A refund that was pending has arrived."""
    refund = world.need("refund", named)
    if refund["status"] not in ("pending", "requires_action"):
        raise _over(refund)
    world.change(refund, status="succeeded")
    world.tell("refund.updated", refund)
    return refund


def fail(world: World, named: str, reason: str = "declined") -> Thing:
    """The bank does not take it: the money is ours again, and the charge counts as not refunded by it."""
    refund = world.need("refund", named)
    if refund["status"] in ("failed", "canceled"):
        raise _over(refund)
    if refund.get("_cash"):
        cash.pay_in(world, refund["customer"], refund["currency"], refund["amount"], "return_canceled")
    else:
        bank = refund["destination_details"]["type"] == "customer_cash_balance"
        line = world.booked("payment_failure_refund" if bank else "refund_failure", refund["id"], refund["amount"],
                            refund["currency"], category="refund_failure")  # fmt: skip
        world.change(refund, failure_balance_transaction=line["id"])
        charge = world.need("charge", refund["charge"])
        world.change(charge, amount_refunded=charge["amount_refunded"] - refund["amount"], refunded=False)
    world.change(refund, status="failed", failure_reason=reason)
    world.tell("refund.failed", refund)
    world.tell("refund.updated", refund)
    return refund


def dispute(world: World, named: str, reason: str = "fraudulent") -> Thing:
    """The holder of the card wants the money back; it leaves our balance until that is decided."""
    charge = world.need("charge", named)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if charge["disputed"] or left <= 0 or charge["payment_method_details"]["type"] != "card":
        raise Wrong(f"Charge {named} cannot be disputed.", code="charge_already_refunded")
    claim = world.new(
        "dispute", amount=left, currency=charge["currency"], charge=charge["id"], status="needs_response",
        payment_intent=charge["payment_intent"], reason=reason, is_charge_refundable=False, balance_transactions=[],
    )  # fmt: skip
    line = world.booked("adjustment", claim["id"], -left, charge["currency"], fee=DISPUTE_FEE, category="dispute")
    world.change(claim, balance_transactions=[line])
    world.change(charge, disputed=True)
    world.tell("charge.dispute.created", claim)
    world.tell("charge.dispute.funds_withdrawn", claim)
    return claim


def decide(world: World, named: str, won: bool) -> Thing:
    """The dispute is over: won, the money comes back to us without the fee; lost, it does not."""
    claim = world.need("dispute", named)
    if claim["status"] in ("won", "lost"):
        raise Wrong(f"Dispute {named} is closed.", code="dispute_closed")
    if won:
        line = world.booked("adjustment", claim["id"], claim["amount"], claim["currency"], category="dispute_reversal")
        world.change(claim, balance_transactions=[*claim["balance_transactions"], line])
    world.change(claim, status="won" if won else "lost")
    if won:
        world.tell("charge.dispute.funds_reinstated", claim)
    world.tell("charge.dispute.closed", claim)
    return claim


def close_dispute(world: World, asked: dict[str, Any], named: str) -> Thing:
    """The house gives in."""
    return decide(world, named, won=False)


def _of_cash(world: World, asked: dict[str, Any]) -> Thing:
    for name in ("customer", "currency", "amount"):
        if name not in asked:
            raise Wrong(f"Missing required param: {name}.", code="parameter_missing", param=name)
    customer, currency, amount = asked["customer"], currency_of(asked["currency"]), asked["amount"]
    world.need("customer", customer, "customer")
    if not 0 < amount <= cash.left(world, customer, currency):
        raise Wrong("The cash balance is less than the refund.", code="insufficient_funds", param="amount")
    refund = world.new(
        "refund", amount=amount, currency=currency, charge=None, customer=customer, payment_intent=None,
        balance_transaction=None, reason=asked.get("reason"), metadata=asked.get("metadata") or {}, status="pending",
        destination_details={"type": cash.KINDS[currency]}, _cash=True,
    )  # fmt: skip
    cash.withdraw(world, customer, currency, amount, "return_initiated")
    world.tell("refund.created", refund)
    return refund


def _charge_of(world: World, asked: dict[str, Any]) -> Thing:
    if asked.get("charge"):
        return world.need("charge", asked["charge"], "charge")
    if not asked.get("payment_intent"):
        raise Wrong("One of charge, payment_intent is needed.", code="parameter_missing", param="charge")
    payment = world.need("payment_intent", asked["payment_intent"], "payment_intent")
    if payment["status"] != "succeeded":
        raise Wrong("This PaymentIntent does not have a successful charge to refund.",
                    code="payment_intent_unexpected_state", param="payment_intent")  # fmt: skip
    return world.need("charge", payment["latest_charge"])


def _over(refund: Thing) -> Wrong:
    return Wrong(f"Refund {refund['id']} is {refund['status']}.", code="refund_not_pending")
