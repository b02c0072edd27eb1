"""The provider's objects, as its API and its webhooks spell them, as the port's values. Pure; ids and amounts only."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pavilion.settlement.payments.port import (
    BalanceLine,
    Cash,
    Charged,
    Checkout,
    Disputed,
    PaidOut,
    Refunded,
    Said,
    VirtualAccount,
)

Shape = Mapping[str, Any]

REF = "ref"  # the member of `metadata` that carries our intent's public id

PAYMENT_STATES = {"succeeded": "succeeded", "requires_capture": "authorised", "canceled": "cancelled"}
DISPUTE_STATES = {"won": "won", "lost": "lost", "warning_closed": "won", "prevented": "won"}
REFUND_STATES = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}
PAYOUT_STATES = {"paid": "paid", "failed": "failed", "canceled": "failed"}
CASH_KINDS = {
    "funded": "funded",
    "applied_to_payment": "applied",
    "unapplied_from_payment": "unapplied",
    "refunded_from_payment": "unapplied",
    "funding_reversed": "reversed",
    "return_initiated": "refunded",
    "return_canceled": "unapplied",
}
LINE_KINDS = {
    "charge": "payment",
    "payment": "payment",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failure",
    "payment_failure_refund": "refund_failure",
    "payout": "payout",
    "payout_failure": "payout",
    "payout_cancel": "payout",
    "stripe_fee": "fee",
}
# Label of a funding instruction -> the members that may carry it, by kind of address.
ACCOUNT_LINES = {
    "holder": ("account_holder_name",),
    "account": ("iban", "account_number", "clabe"),
    "bic": ("bic", "swift_code"),
    "routing": ("routing_number", "sort_code", "branch_code"),
    "bank": ("bank_name",),
}


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def id_of(value: Any) -> str | None:
    """The id of something that is told as an id or as the whole object."""
    found: str | None = value["id"] if isinstance(value, Mapping) else value
    return found


def ref_of(shape: Shape) -> str:
    return str((shape.get("metadata") or {}).get(REF, ""))


def checkout_of(shape: Shape) -> Checkout:
    return Checkout(
        id=shape["id"],
        url=shape.get("url") or "",
        state=shape["status"],
        paid=shape.get("payment_status") == "paid",
        payment=id_of(shape.get("payment_intent")),
        expires_at=at(shape["expires_at"]),
        ref=str(shape.get("client_reference_id") or ref_of(shape)),
    )


def charged_of(shape: Shape) -> Charged:
    """From a payment intent; what its charge says is told where the charge came whole."""
    charge = shape.get("latest_charge")
    whole: Shape = charge if isinstance(charge, Mapping) else {}
    failed = shape["status"] == "requires_payment_method" and bool(shape.get("last_payment_error"))
    return Charged(
        id=shape["id"],
        charge=id_of(charge),
        state="failed" if failed else PAYMENT_STATES.get(shape["status"], "waiting"),
        amount_minor=shape["amount"],
        received_minor=shape.get("amount_received") or 0,
        refunded_minor=whole.get("amount_refunded") or 0,
        currency=shape["currency"].upper(),
        ref=ref_of(shape),
        method=id_of(shape.get("payment_method")),
        fee_minor=_fee(whole),
        disputed=bool(whole.get("disputed")),
        created=at(shape["created"]),
        by_transfer=_by_transfer(shape, whole),
    )


def charge_of(shape: Shape) -> Charged:
    """From a charge alone. `id` is then the payment's, if it has one."""
    taken = shape.get("amount_captured", shape["amount"])
    return Charged(
        id=id_of(shape.get("payment_intent")) or shape["id"],
        charge=shape["id"],
        state={"succeeded": "succeeded", "failed": "failed"}.get(shape["status"], "waiting"),
        amount_minor=shape["amount"],
        received_minor=taken if shape["status"] == "succeeded" else 0,
        refunded_minor=shape.get("amount_refunded") or 0,
        currency=shape["currency"].upper(),
        ref=ref_of(shape),
        method=shape.get("payment_method"),
        fee_minor=_fee(shape),
        disputed=bool(shape.get("disputed")),
        created=at(shape["created"]),
        by_transfer=_by_transfer({}, shape),
    )


def _fee(charge: Shape) -> int | None:
    line = charge.get("balance_transaction")
    return line["fee"] if isinstance(line, Mapping) else None


def _by_transfer(payment: Shape, charge: Shape) -> bool:
    if details := charge.get("payment_method_details"):
        return bool(details.get("type") == "customer_balance")
    kinds = payment.get("allowed_payment_method_types") or payment.get("payment_method_types")
    return list(kinds or ()) == ["customer_balance"]


def refunded_of(shape: Shape) -> Refunded:
    return Refunded(
        id=shape["id"],
        charge=id_of(shape.get("charge")) or "",
        state=REFUND_STATES.get(shape.get("status") or "", "waiting"),
        amount_minor=shape["amount"],
        currency=shape["currency"].upper(),
        ref=ref_of(shape),
        reason=shape.get("failure_reason") or "",
    )


def cash_of(shape: Shape) -> Cash:
    applied = shape.get("applied_to_payment") or shape.get("unapplied_from_payment") or {}
    return Cash(
        id=shape["id"],
        customer=id_of(shape["customer"]) or "",
        kind=CASH_KINDS.get(shape["type"], "other"),
        amount_minor=abs(shape["net_amount"]),
        currency=shape["currency"].upper(),
        reference=_reference(shape),
        payment=id_of(applied.get("payment_intent")),
        created=at(shape["created"]),
    )


def _reference(shape: Shape) -> str:
    transfer = (shape.get("funded") or {}).get("bank_transfer") or {}
    inner = transfer.get(transfer.get("type") or "") or {}
    return str(transfer.get("reference") or inner.get("reference") or "")[:80]


def disputed_of(shape: Shape) -> Disputed:
    return Disputed(
        id=shape["id"],
        charge=id_of(shape["charge"]) or "",
        amount_minor=shape["amount"],
        fee_minor=sum(line["fee"] for line in shape.get("balance_transactions") or () if line["amount"] < 0),
        currency=shape["currency"].upper(),
        state=DISPUTE_STATES.get(shape["status"], "open"),
    )


def paid_out_of(shape: Shape, lines: Sequence[BalanceLine] | None = None) -> PaidOut:
    return PaidOut(
        id=shape["id"],
        amount_minor=shape["amount"],
        currency=shape["currency"].upper(),
        state=PAYOUT_STATES.get(shape["status"], "waiting"),
        lines=None if lines is None else tuple(lines),
    )


def listed(payout: Shape) -> bool:
    """Whether the provider says of what movements this payout is made."""
    return bool(payout.get("automatic")) and payout.get("reconciliation_status") == "completed"


def line_of(shape: Shape) -> BalanceLine:
    kind = LINE_KINDS.get(shape["type"], "other")
    if shape["type"] == "adjustment" and str(shape.get("reporting_category", "")).startswith("dispute"):
        kind = "dispute"
    source = shape.get("source")
    return BalanceLine(
        id=shape["id"],
        kind=kind,
        source=id_of(source) or "",
        amount_minor=shape["amount"],
        fee_minor=shape["fee"],
        currency=shape["currency"].upper(),
        created=at(shape["created"]),
        payment=id_of(source.get("payment_intent")) or "" if isinstance(source, Mapping) else "",
    )


def account_of(customer: str, shape: Shape) -> VirtualAccount:
    transfer = shape["bank_transfer"]
    lines: dict[str, str] = {}
    for address in transfer["financial_addresses"]:
        inside = address.get(address["type"]) or {}
        for label, names in ACCOUNT_LINES.items():
            value = next((inside[name] for name in names if inside.get(name)), None)
            if value:
                lines.setdefault(label, str(value))
    if reference := transfer.get("reference"):
        lines["reference"] = str(reference)
    return VirtualAccount(customer=customer, currency=shape["currency"].upper(), lines=lines)


SAID: tuple[tuple[str, Callable[[Shape], Said]], ...] = (
    ("checkout.session.", checkout_of),
    ("payment_intent.", charged_of),
    ("customer_cash_balance_transaction.", cash_of),
    ("charge.dispute.", disputed_of),
    ("charge.refunded", charge_of),
    ("refund.", refunded_of),
    ("payout.", paid_out_of),
)


def said_of(type_: str, shape: Shape) -> Said | None:
    """The object of a webhook; none where its type means nothing to us."""
    return next((read(shape) for name, read in SAID if type_.startswith(name)), None)
