"""Customers and their ways to pay."""

from typing import Any

from pavilion.settlement.payments.double.state import Thing
from pavilion.settlement.payments.double.world import World
from pavilion.settlement.payments.double.wrong import Wrong

KEPT = ("name", "email", "description", "phone", "metadata", "preferred_locales", "tax_exempt")
CARDS = {
    "good": ("visa", "4242"),
    "declined": ("visa", "0002"),
    "short": ("visa", "9995"),
    "check": ("visa", "3220"),  # asks for the holder's consent each time
    "disputed": ("visa", "0259"),  # paid, and then disputed
}


def create_customer(world: World, asked: dict[str, Any]) -> Thing:
    mode = asked.get("cash_balance", {}).get("settings", {}).get("reconciliation_mode", "automatic")
    customer = world.new(
        "customer",
        **{name: asked[name] for name in KEPT if name in asked},
        _reconciliation="manual" if mode == "manual" else "automatic",
    )
    world.tell("customer.created", customer)
    return customer


def update_customer(world: World, asked: dict[str, Any], named: str) -> Thing:
    customer = world.need("customer", named)
    settings = customer["invoice_settings"] | asked.get("invoice_settings", {})
    world.change(customer, **{name: asked[name] for name in KEPT if name in asked}, invoice_settings=settings)
    world.tell("customer.updated", customer)
    return customer


def new_method(world: World, card: str, customer: str | None) -> Thing:
    """A card that behaves as its name says; attached where there is a customer."""
    brand, last4 = CARDS[card]
    face = {
        "brand": brand, "display_brand": brand, "last4": last4, "exp_month": 12, "exp_year": 2034, "country": "US",
        "funding": "credit", "fingerprint": f"sim{last4}", "checks": {"cvc_check": "pass"},
        "networks": {"available": [brand], "preferred": None}, "three_d_secure_usage": {"supported": True},
        "wallet": None, "generated_from": None, "regulated_status": None,
    }  # fmt: skip
    blank = {"address": None, "email": None, "name": None, "phone": None}
    return world.new("payment_method", type="card", card=face, customer=customer, billing_details=blank, _card=card)


def bank_method(world: World, customer: str) -> Thing:
    """The way of a customer's own cash balance."""
    known = world.state.all("payment_method", customer=customer, type="customer_balance")
    if known:
        return known[0]
    blank = {"address": None, "email": None, "name": None, "phone": None}
    return world.new(
        "payment_method", type="customer_balance", customer_balance={}, customer=customer, billing_details=blank
    )


def attach(world: World, asked: dict[str, Any], named: str) -> Thing:
    method = world.need("payment_method", named)
    customer = world.need("customer", asked.get("customer", ""), "customer")
    if method["customer"] not in (None, customer["id"]):
        raise Wrong("The payment method is attached to another customer.", code="payment_method_unexpected_state")
    world.change(method, customer=customer["id"])
    world.tell("payment_method.attached", method)
    return method


def detach(world: World, asked: dict[str, Any], named: str) -> Thing:
    method = world.need("payment_method", named)
    if method["customer"] is None:
        raise Wrong("The payment method is not attached to a customer.", code="payment_method_unexpected_state")
    world.change(method, customer=None)
    world.tell("payment_method.detached", method)
    return method
