"""Transfers into virtual accounts: a customer's own cash balance, applied to payments that wait for it, oldest first.

What lies on a cash balance is not yet part of our balance at the provider; it becomes so when it is applied to a
payment. A payment of type `customer_balance` that the balance covers succeeds at once."""

from typing import Any

from pavilion.settlement.payments.double import checkout, paying, people
from pavilion.settlement.payments.double.state import Thing
from pavilion.settlement.payments.double.world import World, currency_of
from pavilion.settlement.payments.double.wrong import Wrong, no_such

BANKS = {
    "eu_bank_transfer": ("eur", "iban"),
    "gb_bank_transfer": ("gbp", "sort_code"),
    "us_bank_transfer": ("usd", "aba"),
    "jp_bank_transfer": ("jpy", "zengin"),
    "mx_bank_transfer": ("mxn", "spei"),
}
KINDS = {currency: kind for kind, (currency, _) in BANKS.items()}
COUNTRIES = {"gbp": "GB", "usd": "US", "jpy": "JP", "mxn": "MX"}
MOST_OF_A_TRANSFER = 10**13


def funding_instructions(world: World, asked: dict[str, Any], customer: str) -> Thing:
    world.need("customer", customer)
    currency, kind = currency_of(asked["currency"]), asked["bank_transfer"]["type"]
    if BANKS[kind][0] != currency:
        raise Wrong(f"{kind} does not take {currency}.", param="currency")
    country = asked["bank_transfer"].get("eu_bank_transfer", {}).get("country")
    if kind == "eu_bank_transfer" and country not in ("DE", "FR", "IE", "NL"):
        raise Wrong("One of DE, FR, IE, NL is needed.", code="parameter_missing",
                    param="bank_transfer[eu_bank_transfer][country]")  # fmt: skip
    return instructions(world, customer, currency, country or COUNTRIES.get(currency, "DE"))


def instructions(world: World, customer: str, currency: str, country: str) -> Thing:
    """Where transfers of this customer in this currency go; the same each time."""
    kind = KINDS[currency]
    address = _address(customer, BANKS[kind][1], country)
    return {
        "object": "funding_instructions", "funding_type": "bank_transfer", "currency": currency, "livemode": False,
        "bank_transfer": {"type": kind, "country": country, "financial_addresses": [address]},
    }  # fmt: skip


def cash_balance(world: World, asked: dict[str, Any], customer: str) -> Thing:
    available: dict[str, int] = {}
    for line in world.state.all("customer_cash_balance_transaction", customer=customer):
        available[line["currency"]] = line["ending_balance"]
    mode = mode_of(world, customer)
    settings = {"reconciliation_mode": mode, "using_merchant_default": mode == "automatic"}
    return {
        "object": "cash_balance", "customer": customer, "customer_account": None, "livemode": False,
        "available": available or None, "settings": settings,
    }  # fmt: skip


def cash_transaction(world: World, asked: dict[str, Any], customer: str, named: str) -> Thing:
    line = world.need("customer_cash_balance_transaction", named)
    if line["customer"] != customer:
        raise no_such("customer cash balance transaction", named)
    return line


def fund(world: World, asked: dict[str, Any], customer: str) -> Thing:
    """A transfer has arrived: it lies on the balance, and the payments that wait for it take of it."""
    world.need("customer", customer)
    currency, amount = currency_of(asked["currency"]), asked["amount"]
    if not 0 < amount <= MOST_OF_A_TRANSFER:
        raise Wrong("This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount")
    if currency not in KINDS:
        raise Wrong(f"No bank transfers in {currency}.", param="currency")
    kind = KINDS[currency]
    sender = {"sender_name": asked.get("_sender", "Simulated sender")}
    transfer = {"type": kind, "reference": asked.get("reference"), kind: sender}
    line = _move(world, customer, currency, "funded", amount, funded={"bank_transfer": transfer})
    if mode_of(world, customer) == "automatic":
        for payment in _waiting(world, customer, currency, asked.get("reference") or ""):
            _apply(world, payment)
    return line


def mode_of(world: World, customer: str) -> str:
    """`automatic`: what arrives is applied by itself to payments that wait for it; `manual`: when we say so."""
    return str(world.need("customer", customer).get("_reconciliation", "automatic"))


def set_mode(world: World, asked: dict[str, Any], customer: str) -> Thing:
    mode = asked.get("settings", {}).get("reconciliation_mode", "automatic")
    world.change(world.need("customer", customer), _reconciliation="manual" if mode == "manual" else "automatic")
    return cash_balance(world, {}, customer)


def apply_balance(world: World, asked: dict[str, Any], named: str) -> Thing:
    """A payment that waits for a transfer takes of what lies there, `amount` at most."""
    payment = world.need("payment_intent", named)
    if payment["status"] != "requires_action" or payment["payment_method_types"] != ["customer_balance"]:
        raise Wrong("This PaymentIntent does not wait for a transfer.", code="payment_intent_unexpected_state")
    lacking = payment["amount"] - payment["_applied"]
    wanted = asked.get("amount", lacking)
    if not 0 < wanted <= min(lacking, left(world, payment["customer"], payment["currency"])):
        raise Wrong("The cash balance is less than that.", code="insufficient_funds", param="amount")
    _apply(world, payment, wanted)
    return payment


def await_transfer(world: World, payment: Thing) -> Thing:
    """The payment takes what lies there and waits for the rest."""
    currency = payment["currency"]
    if currency not in KINDS:
        raise Wrong(f"No bank transfers in {currency}.", param="currency")
    world.change(payment, status="requires_action", _applied=0, payment_method_types=["customer_balance"])
    _show_rest(world, payment)
    _apply(world, payment)
    if payment["status"] == "requires_action":
        world.tell("payment_intent.requires_action", payment)
    return payment


def take_back(world: World, payment: Thing) -> None:
    """What a payment took and did not need lies on the balance again."""
    if applied := payment.get("_applied"):
        _move(
            world, payment["customer"], payment["currency"], "unapplied_from_payment", applied,
            unapplied_from_payment={"payment_intent": payment["id"]},
        )  # fmt: skip
        world.change(payment, _applied=0)


def left(world: World, customer: str, currency: str) -> int:
    """What lies on the balance."""
    lines = world.state.all("customer_cash_balance_transaction", customer=customer, currency=currency)
    return int(lines[-1]["ending_balance"]) if lines else 0


def withdraw(world: World, customer: str, currency: str, amount: int, kind: str, **members: Any) -> Thing:
    """Money leaves the balance."""
    return _move(world, customer, currency, kind, -amount, **members)


def pay_in(world: World, customer: str, currency: str, amount: int, kind: str, **members: Any) -> Thing:
    return _move(world, customer, currency, kind, amount, **members)


def _move(world: World, customer: str, currency: str, kind: str, amount: int, **members: Any) -> Thing:
    ending = left(world, customer, currency) + amount
    line = world.new(
        "customer_cash_balance_transaction", customer=customer, currency=currency, type=kind, net_amount=amount,
        ending_balance=ending, **{"funded": None, **members},
    )  # fmt: skip
    if line["funded"] is None:
        del line["funded"]
        world.state.put(line)
    world.tell("customer_cash_balance_transaction.created", line)
    return line


def _waiting(world: World, customer: str, currency: str, reference: str) -> list[Thing]:
    """Payments that wait for a transfer: the one whose reference it names first, then the oldest."""
    payments = world.state.all("payment_intent", customer=customer, currency=currency, status="requires_action")
    waiting = [one for one in payments if one["payment_method_types"] == ["customer_balance"]]
    return sorted(waiting, key=lambda one: one["next_action"][_SHOWN]["reference"] not in reference)


_SHOWN = "display_bank_transfer_instructions"


def _apply(world: World, payment: Thing, most: int | None = None) -> None:
    """As much of the balance as the payment still lacks, and no more than `most`."""
    customer, currency = payment["customer"], payment["currency"]
    lacking = payment["amount"] - payment["_applied"]
    taken = min(lacking, left(world, customer, currency), lacking if most is None else most)
    if taken <= 0:
        return
    withdraw(
        world, customer, currency, taken, "applied_to_payment", applied_to_payment={"payment_intent": payment["id"]}
    )
    world.change(payment, _applied=payment["_applied"] + taken)
    if taken < lacking:
        _show_rest(world, payment)
        world.tell("payment_intent.partially_funded", payment)
        return
    paying.bank_charge(world, payment)
    world.change(payment, _applied=0)
    checkout.paid_later(world, payment)


def _show_rest(world: World, payment: Thing) -> None:
    found = instructions(world, payment["customer"], payment["currency"], COUNTRIES.get(payment["currency"], "DE"))
    shown = {
        "amount_remaining": payment["amount"] - payment["_applied"], "currency": payment["currency"],
        "financial_addresses": found["bank_transfer"]["financial_addresses"], "reference": payment["id"][-10:].upper(),
        "type": found["bank_transfer"]["type"], "hosted_instructions_url": f"{world.origin}/bank/{payment['customer']}",
    }  # fmt: skip
    people.bank_method(world, payment["customer"])
    world.change(payment, next_action={"type": _SHOWN, _SHOWN: shown})


def _address(customer: str, kind: str, country: str) -> Thing:
    number = f"{sum(ord(letter) * 31**place for place, letter in enumerate(customer)) % 10**10:010d}"
    holder = {"account_holder_name": "SIMULATED PROVIDER", "account_holder_address": _nowhere(country)}
    holder["bank_address"] = _nowhere(country)
    faces: dict[str, Thing] = {
        "iban": {"iban": _iban(country, f"00000000{number}"), "bic": "SIMUDEFFXXX", "country": country},
        "sort_code": {"account_number": number[:8], "sort_code": "000000"},
        "aba": {"account_number": number, "routing_number": "000000000", "bank_name": "SIMULATED BANK",
                "account_type": "checking"},
        "zengin": {"account_number": number[:7], "bank_code": "0000", "bank_name": "SIMULATED BANK",
                   "branch_code": "000", "branch_name": "SIMULATED", "account_type": "futsu"},
        "spei": {"clabe": f"00000000{number}", "bank_code": "000", "bank_name": "SIMULATED BANK"},
    }  # fmt: skip
    networks = {"iban": ["sepa"], "sort_code": ["bacs", "fps"], "aba": ["ach", "domestic_wire_us"],
                "zengin": ["zengin"], "spei": ["spei"]}  # fmt: skip
    return {"type": kind, "supported_networks": networks[kind], kind: faces[kind] | holder}


def _nowhere(country: str) -> Thing:
    return {"city": "Simulated", "country": country, "line1": "Loopback 1", "line2": None, "postal_code": "00000",
            "state": None}  # fmt: skip


def _iban(country: str, account: str) -> str:
    """With check digits that are right, at a bank that is not."""
    digits = "".join(str(int(letter, 36)) for letter in f"{account}{country}00")
    return f"{country}{98 - int(digits) % 97:02d}{account}"
