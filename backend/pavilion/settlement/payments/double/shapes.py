"""The members of the provider's objects, from its own published examples (MIT licence, data/stripe/LICENSE)."""

import json
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any

Thing = dict[str, Any]

# Members which the examples fill with a picture of everything, and which stand empty until something happens.
_EMPTY: dict[str, tuple[str, ...]] = {
    "charge": ("transfer_data", "balance_transaction", "description", "payment_method", "payment_method_details"),
    "checkout.session": (
        "after_expiration", "cancel_url", "collected_information", "consent", "consent_collection",
        "currency_conversion", "customer_details", "invoice_creation", "payment_intent", "adaptive_pricing",
        "saved_payment_method_options", "shipping_address_collection", "shipping_cost", "success_url",
        "managed_payments",
    ),
    "customer": ("discount", "invoice_prefix", "currency"),
    "payment_intent": (
        "amount_details", "automatic_payment_methods", "canceled_at", "last_payment_error", "next_action",
        "payment_method_configuration_details", "processing", "transfer_data", "managed_payments",
    ),
    "payout": ("balance_transaction", "destination", "trace_id", "description"),
    "payment_method": ("card",),
    "refund": ("charge",),
}  # fmt: skip
_GONE = {
    "charge": ("source", "refunds"),
    "payment_intent": ("source",),
    "customer": ("default_source",),
    "checkout.session": ("payment_method_configuration_details",),
}
# Members of this version of the interface which the examples do not have yet.
_NEW: dict[str, Thing] = {
    "checkout.session": {"allowed_payment_method_types": None, "branding_settings": None, "tax_id_collection": None},
    "payment_intent": {"allowed_payment_method_types": None, "hooks": None, "payment_details": None},
    "refund": {
        "failure_reason": None,
        "pending_reason": None,
        "next_action": None,
        "description": None,
        "failure_balance_transaction": None,
    },
    "dispute": {"network_reason_code": None, "intended_submission_method": None},
}


def new(kind: str, named: str, now: int, **members: Any) -> Thing:
    """An object of this kind as it is at its birth."""
    thing = deepcopy(_all()[kind])
    for name in _GONE.get(kind, ()):
        thing.pop(name, None)
    thing |= deepcopy(_NEW.get(kind, {})) | dict.fromkeys(_EMPTY.get(kind, ()))
    thing |= {name: value for name, value in (("livemode", False), ("metadata", {})) if name in thing}
    return thing | {"id": named, "created": now} | members


def list_of(things: list[Thing], url: str, *, more: bool = False) -> Thing:
    return {"object": "list", "data": things, "has_more": more, "url": url}


@cache
def _all() -> dict[str, Thing]:
    folder = files("pavilion.settlement") / "data" / "stripe"
    found: dict[str, Thing] = json.loads((folder / "shapes.json").read_text("utf-8"))
    return found
