"""Hosted pages on which one thing is paid: opened by the house, finished by the buyer, or expired."""

from typing import Any

from pavilion.settlement.payments.double import cash, paying, people
from pavilion.settlement.payments.double.state import Thing
from pavilion.settlement.payments.double.world import World, amount_of, currency_of
from pavilion.settlement.payments.double.wrong import Wrong

SHORTEST_S, LONGEST_S = 1_800, 86_400
SLACK_S = 60  # between the clocks of two machines
SUPPORTED = ("card", "customer_balance")


def create_session(world: World, asked: dict[str, Any]) -> Thing:
    if asked.get("mode") != "payment":
        raise Wrong("The double knows the mode `payment` only.", param="mode")
    if not asked.get("success_url"):
        raise Wrong("Missing required param: success_url.", code="parameter_missing", param="success_url")
    currency, amount = _total(asked)
    methods = _methods(asked, currency)
    expires = asked.get("expires_at", world.now() + LONGEST_S)
    if not SHORTEST_S - SLACK_S <= expires - world.now() <= LONGEST_S + SLACK_S:
        raise Wrong("`expires_at` must be between 30 minutes and 24 hours from now.", param="expires_at")
    if asked.get("customer"):
        world.need("customer", asked["customer"], "customer")
    session = world.new(
        "checkout.session", mode="payment", status="open", payment_status="unpaid", amount_total=amount,
        amount_subtotal=amount, currency=currency, customer=asked.get("customer"), expires_at=expires,
        client_reference_id=asked.get("client_reference_id"), metadata=asked.get("metadata") or {},
        success_url=asked["success_url"], cancel_url=asked.get("cancel_url"), locale=asked.get("locale"),
        payment_method_types=methods, allowed_payment_method_types=asked.get("allowed_payment_method_types"),
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        _title=asked["line_items"][0]["price_data"].get("product_data", {}).get("name", ""),
        _payment=asked.get("payment_intent_data") or {}, _failed="",
    )  # fmt: skip
    return world.change(session, url=f"{world.origin}/pay/{session['id']}")


def read_session(world: World, named: str) -> Thing:
    """As it is now: what has passed its time is expired."""
    session = world.need("checkout.session", named)
    if session["status"] == "open" and world.now() >= session["expires_at"]:
        with world.state.change():
            _expire(world, session)
    return session


def expire_session(world: World, asked: dict[str, Any], named: str) -> Thing:
    session = read_session(world, named)
    if session["status"] != "open":
        raise Wrong(f"Only Checkout Sessions with a status of `open` can be expired; this one is {session['status']}.",
                    code="checkout_session_not_open")  # fmt: skip
    return _expire(world, session)


def expire_due(world: World) -> None:
    """Every page whose time is over is expired, and said to be."""
    for session in world.state.all("checkout.session", status="open"):
        if world.now() >= session["expires_at"]:
            _expire(world, session)


def pay_by_card(world: World, named: str, card: str, *, consented: bool = False) -> Thing:
    """The buyer chose a card. Declined, the page stays open and another may be tried."""
    session = _open(world, named, "card")
    payment = _payment_of(world, session)
    method = people.new_method(world, card, None)
    world.change(payment, payment_method=method["id"])
    try:
        paying.confirm(world, payment, off_session=False, consented=consented)
    except Wrong as no:
        return world.change(session, _failed=no.code or "card_declined")
    if payment["status"] == "requires_action":
        return world.change(session, _failed="authentication_required")
    paid = "paid" if payment["status"] == "succeeded" else "unpaid"
    world.change(session, status="complete", payment_status=paid, url=None, _failed="", customer=payment["customer"])
    world.tell("checkout.session.completed", session)
    if card == "disputed":
        from pavilion.settlement.payments.double.returning import dispute

        dispute(world, payment["latest_charge"])
    return session


def pay_by_transfer(world: World, named: str) -> Thing:
    """The buyer will send a transfer: the page is complete and nothing is paid yet."""
    session = _open(world, named, "customer_balance")
    if not session["customer"]:
        raise Wrong("A bank transfer needs a customer.", code="parameter_missing", param="customer")
    payment = _payment_of(world, session)
    cash.await_transfer(world, payment)
    paid = "paid" if payment["status"] == "succeeded" else "unpaid"
    world.change(session, status="complete", payment_status=paid, url=None, _failed="")
    world.tell("checkout.session.completed", session)
    return session


def give_up_waiting(world: World, named: str) -> Thing:
    """The transfer never comes: the payment is cancelled and its page says so."""
    session = world.need("checkout.session", named)
    if session["status"] != "complete" or session["payment_status"] == "paid":
        raise Wrong("Nothing is awaited here.", code="checkout_session_not_waiting")
    paying.cancel_payment(world, {"cancellation_reason": "abandoned"}, session["payment_intent"])
    world.tell("checkout.session.async_payment_failed", session)
    return session


def paid_later(world: World, payment: Thing) -> None:
    """The transfer for a page has come."""
    for session in world.state.all("checkout.session", payment_intent=payment["id"], status="complete"):
        if session["payment_status"] == "unpaid":
            world.change(session, payment_status="paid")
            world.tell("checkout.session.async_payment_succeeded", session)


def _expire(world: World, session: Thing) -> Thing:
    if session["payment_intent"]:
        payment = world.need("payment_intent", session["payment_intent"])
        if payment["status"] in paying.OPEN:
            paying.cancel_payment(world, {"cancellation_reason": "abandoned"}, payment["id"])
    world.change(session, status="expired", url=None)
    world.tell("checkout.session.expired", session)
    return session


def _open(world: World, named: str, method: str) -> Thing:
    session = read_session(world, named)
    if session["status"] != "open" or method not in session["payment_method_types"]:
        raise Wrong("This page cannot be paid so.", code="checkout_session_not_open")
    return session


def _payment_of(world: World, session: Thing) -> Thing:
    """Made when the buyer first tries."""
    if session["payment_intent"]:
        return world.need("payment_intent", session["payment_intent"])
    asked = session["_payment"] | {
        "customer": session["customer"],
        "allowed_payment_method_types": session["payment_method_types"],
    }
    payment = paying.new_payment(world, session["amount_total"], session["currency"], asked)
    world.change(session, payment_intent=payment["id"])
    return payment


def _total(asked: dict[str, Any]) -> tuple[str, int]:
    lines = asked.get("line_items") or []
    if not lines:
        raise Wrong("Missing required param: line_items.", code="parameter_missing", param="line_items")
    currencies, total = set(), 0
    for line in lines:
        price = line.get("price_data")
        if not price or "unit_amount" not in price or not price.get("product_data"):
            raise Wrong("Each line needs price_data with unit_amount and product_data.", code="parameter_missing",
                        param="line_items[0][price_data]")  # fmt: skip
        currencies.add(currency_of(price["currency"]))
        total += price["unit_amount"] * line.get("quantity", 1)
    if len(currencies) != 1:
        raise Wrong("All lines must have one currency.", param="line_items")
    currency = currencies.pop()
    return currency, amount_of(total, currency)


def _methods(asked: dict[str, Any], currency: str) -> list[str]:
    wanted = asked.get("allowed_payment_method_types") or ["card"]
    offered = [one for one in SUPPORTED if one in wanted and (one == "card" or _transferable(asked, currency))]
    if not offered:
        raise Wrong("No payment method is possible with these parameters.", code="payment_method_unavailable",
                    param="allowed_payment_method_types")  # fmt: skip
    return offered


def _transferable(asked: dict[str, Any], currency: str) -> bool:
    held = (asked.get("payment_intent_data") or {}).get("capture_method") == "manual"
    return bool(asked.get("customer")) and currency in cash.KINDS and not held
