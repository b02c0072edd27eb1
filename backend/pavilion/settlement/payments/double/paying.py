"""Payments: authorised, charged, captured, given back to the card before that."""

from typing import Any

from pavilion.settlement.payments.double import cash, people
from pavilion.settlement.payments.double.state import Thing
from pavilion.settlement.payments.double.world import World, amount_of, currency_of
from pavilion.settlement.payments.double.wrong import Wrong, declined

CARD_BP, CARD_FIXED = 290, 30
BANK_BP, BANK_MOST = 50, 500
DECLINES = {"declined": "card_declined", "short": "card_declined"}
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action", "processing")


def create_payment(world: World, asked: dict[str, Any]) -> Thing:
    currency = currency_of(asked["currency"])
    if customer := asked.get("customer"):
        world.need("customer", customer, "customer")
    payment = new_payment(world, amount_of(asked["amount"], currency), currency, asked)
    if asked.get("payment_method"):
        world.change(payment, payment_method=_usable(world, asked["payment_method"], customer)["id"])
    elif asked.get("payment_method_data", {}).get("type") == "customer_balance":
        world.change(payment, payment_method=people.bank_method(world, _owner(payment))["id"])
    if payment["payment_method"]:
        world.change(payment, status="requires_confirmation")
    if asked.get("confirm"):
        return confirm(world, payment, off_session=bool(asked.get("off_session")))
    return payment


def new_payment(world: World, amount: int, currency: str, asked: dict[str, Any]) -> Thing:
    methods = asked.get("allowed_payment_method_types") or ["card"]
    payment = world.new(
        "payment_intent", amount=amount, currency=currency, customer=asked.get("customer"), payment_method=None,
        status="requires_payment_method", capture_method=asked.get("capture_method", "automatic"),
        metadata=asked.get("metadata") or {}, description=asked.get("description"), payment_method_types=methods,
        allowed_payment_method_types=asked.get("allowed_payment_method_types"), amount_received=0,
        setup_future_usage=asked.get("setup_future_usage"), latest_charge=None,
    )  # fmt: skip
    world.change(payment, client_secret=f"{payment['id']}_secret_simulated")
    world.tell("payment_intent.created", payment)
    return payment


def confirm_payment(world: World, asked: dict[str, Any], named: str) -> Thing:
    payment = world.need("payment_intent", named)
    if payment["status"] not in OPEN:
        raise _state(payment, "confirm")
    if asked.get("payment_method"):
        method = _usable(world, asked["payment_method"], payment["customer"])
        world.change(payment, payment_method=method["id"])
    if not payment["payment_method"]:
        raise Wrong("You cannot confirm this PaymentIntent because it's missing a payment method.",
                    code="payment_intent_unexpected_state", payment_intent=payment)  # fmt: skip
    return confirm(world, payment, off_session=bool(asked.get("off_session")))


def confirm(world: World, payment: Thing, *, off_session: bool, consented: bool = False) -> Thing:
    """The method is asked for the money: it pays, declines, asks its holder first, or waits for a transfer."""
    method = world.need("payment_method", payment["payment_method"], "payment_method")
    if method["type"] == "customer_balance":
        return cash.await_transfer(world, payment)
    card = method["_card"]
    if card == "check" and not consented:
        if off_session:
            _fail(world, payment, method, "authentication_required")
            raise declined("authentication_required", payment_intent=payment, payment_method=method)
        action = {"type": "redirect_to_url", "redirect_to_url": {"url": f"{world.origin}/", "return_url": None}}
        world.change(payment, status="requires_action", next_action=action)
        world.tell("payment_intent.requires_action", payment)
        return payment
    if card in DECLINES:
        charge = _fail(world, payment, method, DECLINES[card])
        raise declined(
            DECLINES[card], decline_code="insufficient_funds" if card == "short" else "generic_decline",
            charge=charge["id"], payment_intent=payment, payment_method=method,
        )  # fmt: skip
    return _paid(world, payment, method)


def capture_payment(world: World, asked: dict[str, Any], named: str) -> Thing:
    payment = world.need("payment_intent", named)
    if payment["status"] != "requires_capture":
        raise _state(payment, "capture")
    amount = asked["amount_to_capture"] if "amount_to_capture" in asked else payment["amount_capturable"]
    if not 0 < amount <= payment["amount_capturable"]:
        raise Wrong("The amount to capture is more than was authorised.", code="amount_too_large",
                    param="amount_to_capture")  # fmt: skip
    charge = world.need("charge", payment["latest_charge"])
    line = world.booked("charge", charge["id"], amount, charge["currency"], fee=card_fee(amount))
    rest = charge["amount"] - amount
    world.change(charge, captured=True, amount_captured=amount, amount_refunded=rest, balance_transaction=line["id"])
    world.change(payment, status="succeeded", amount_received=amount, amount_capturable=0)
    world.tell("charge.captured", charge)
    world.tell("payment_intent.succeeded", payment)
    return payment


def cancel_payment(world: World, asked: dict[str, Any], named: str) -> Thing:
    payment = world.need("payment_intent", named)
    if payment["status"] not in (*OPEN, "requires_capture"):
        raise _state(payment, "cancel")
    if payment["latest_charge"] and payment["status"] == "requires_capture":
        charge = world.need("charge", payment["latest_charge"])
        world.change(charge, amount_refunded=charge["amount"], refunded=True)
        world.tell("charge.refunded", charge)
    cash.take_back(world, payment)
    world.change(
        payment, status="canceled", canceled_at=world.now(), amount_capturable=0, next_action=None,
        cancellation_reason=asked.get("cancellation_reason"),
    )  # fmt: skip
    world.tell("payment_intent.canceled", payment)
    return payment


def bank_charge(world: World, payment: Thing) -> Thing:
    """The transfers have come to the whole amount."""
    method = people.bank_method(world, _owner(payment))
    charge = _charge(world, payment, method)
    amount = payment["amount"]
    line = world.booked("payment", charge["id"], amount, payment["currency"], fee=bank_fee(amount))
    world.change(charge, captured=True, amount_captured=amount, balance_transaction=line["id"])
    world.change(
        payment, status="succeeded", amount_received=amount, latest_charge=charge["id"], next_action=None,
        payment_method=method["id"],
    )  # fmt: skip
    world.tell("charge.succeeded", charge)
    world.tell("payment_intent.succeeded", payment)
    return payment


def card_fee(amount: int) -> int:
    return (amount * CARD_BP + 5_000) // 10_000 + CARD_FIXED


def bank_fee(amount: int) -> int:
    return min((amount * BANK_BP + 5_000) // 10_000, BANK_MOST)


def _paid(world: World, payment: Thing, method: Thing) -> Thing:
    charge = _charge(world, payment, method)
    amount = payment["amount"]
    if payment["setup_future_usage"] and payment["customer"] and method["customer"] is None:
        world.change(method, customer=payment["customer"])
        world.tell("payment_method.attached", method)
    if payment["capture_method"] == "manual":
        world.change(
            payment, status="requires_capture", amount_capturable=amount, latest_charge=charge["id"], next_action=None
        )
        world.tell("charge.succeeded", charge)
        world.tell("payment_intent.amount_capturable_updated", payment)
        return payment
    line = world.booked("charge", charge["id"], amount, charge["currency"], fee=card_fee(amount))
    world.change(charge, captured=True, amount_captured=amount, balance_transaction=line["id"])
    world.change(payment, status="succeeded", amount_received=amount, latest_charge=charge["id"], next_action=None)
    world.tell("charge.succeeded", charge)
    world.tell("payment_intent.succeeded", payment)
    return payment


def _charge(world: World, payment: Thing, method: Thing, **members: Any) -> Thing:
    details: Thing = {"type": method["type"], method["type"]: {}}
    if method["type"] == "card":
        face = method["card"]
        kept = ("brand", "last4", "exp_month", "exp_year", "country", "funding", "fingerprint")
        details["card"] = {name: face[name] for name in kept} | {"network": face["brand"], "three_d_secure": None}
    return world.new(
        "charge",
        **{
            "amount": payment["amount"], "currency": payment["currency"], "customer": payment["customer"],
            "payment_intent": payment["id"], "payment_method": method["id"], "payment_method_details": details,
            "status": "succeeded", "paid": True, "captured": False, "description": payment["description"],
            "metadata": payment["metadata"], "receipt_url": None,
            "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        }
        | members,
    )  # fmt: skip


def _fail(world: World, payment: Thing, method: Thing, code: str) -> Thing:
    said = {"code": code, "type": "card_error", "message": "Your card was declined."}
    charge = _charge(
        world, payment, method, status="failed", paid=False, failure_code=code, failure_message=said["message"]
    )
    world.change(
        payment, status="requires_payment_method", last_payment_error=said, latest_charge=charge["id"],
        payment_method=None, next_action=None,
    )  # fmt: skip
    world.tell("charge.failed", charge)
    world.tell("payment_intent.payment_failed", payment)
    return charge


def _usable(world: World, named: str, customer: str | None) -> Thing:
    method = world.need("payment_method", named, "payment_method")
    if method["customer"] not in (None, customer):
        raise Wrong("The payment method belongs to another customer.", param="payment_method")
    return method


def _owner(payment: Thing) -> str:
    if not payment["customer"]:
        raise Wrong("A bank transfer needs a customer.", code="parameter_missing", param="customer")
    return str(payment["customer"])


def _state(payment: Thing, act: str) -> Wrong:
    return Wrong(
        f"This PaymentIntent's status is {payment['status']}: you cannot {act} it.",
        code="payment_intent_unexpected_state",
        payment_intent=payment,
    )
