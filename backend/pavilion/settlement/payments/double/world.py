"""The double's own house: its objects, its clock, what it tells and to whom."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pavilion.settlement.payments.double import shapes
from pavilion.settlement.payments.double.orders import Orders
from pavilion.settlement.payments.double.state import State, Thing
from pavilion.settlement.payments.double.telling import tell
from pavilion.settlement.payments.double.wrong import Wrong, no_such

THREE_PLACES = frozenset(("bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"))
LARGEST, SMALLEST = 99_999_999, 50  # of one payment, in minor units
PREFIXES = {
    "customer": "cus", "checkout.session": "cs_test", "payment_intent": "pi", "charge": "ch", "refund": "re",
    "dispute": "dp", "balance_transaction": "txn", "payout": "po", "payment_method": "pm",
    "customer_cash_balance_transaction": "ccsbtxn",
}  # fmt: skip


@dataclass
class World:
    state: State
    clock: Callable[[], datetime]
    key: str  # what a caller must show
    secret: str  # what webhooks are signed with
    origin: str = "http://127.0.0.1"  # where its own pages stand
    rung: Callable[[], None] = field(default=lambda: None)  # a call is due

    @property
    def orders(self) -> Orders:
        return Orders(self.state)

    def now(self) -> int:
        return int(self.clock().timestamp())

    def now_ms(self) -> int:
        return int(self.clock().timestamp() * 1000)

    def new(self, kind: str, **members: Any) -> Thing:
        """A new object, remembered."""
        thing = shapes.new(kind, self.state.new_id(PREFIXES[kind]), self.now(), **members)
        return self.state.put(thing)

    def change(self, thing: Thing, **members: Any) -> Thing:
        thing |= members
        return self.state.put(thing)

    def need(self, kind: str, named: Any, param: str = "id") -> Thing:
        """The object of that name; without it the request is refused."""
        found = self.state.get(str(named), kind)
        if found is None:
            raise no_such(kind, str(named)[:80], param)
        return found

    def tell(self, kind: str, thing: Thing) -> None:
        """An event with the object as it now is, and a call for it."""
        tell(self, kind, thing)

    def booked(self, kind: str, source: str, amount: int, currency: str, *, fee: int = 0, category: str = "") -> Thing:
        """A movement of the account's balance."""
        details = [{"amount": fee, "currency": currency, "type": "stripe_fee", "description": "Processing fee"}]
        return self.new(
            "balance_transaction", type=kind, source=source, amount=amount, currency=currency, fee=fee,
            net=amount - fee, fee_details=details if fee else [], reporting_category=category or kind,
            available_on=self.now(), description=None,
        )  # fmt: skip


def amount_of(amount: Any, currency: str, *, least: int = SMALLEST) -> int:
    """An amount which this provider takes as one payment."""
    code = currency.lower()
    if not isinstance(amount, int) or amount <= 0:
        raise Wrong("This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount")
    if amount < least:
        raise Wrong(f"Amount must be at least {least} {code}", code="amount_too_small", param="amount")
    if amount > LARGEST:
        raise Wrong(f"Amount must be no more than {LARGEST} {code}", code="amount_too_large", param="amount")
    if code in THREE_PLACES and amount % 10:
        raise Wrong("Amounts in this currency must end in 0.", code="parameter_invalid_integer", param="amount")
    return amount


def currency_of(said: str) -> str:
    if said != said.lower() or len(said) != 3 or not said.isalpha():
        raise Wrong(f"Invalid currency: {said[:20]}", code="parameter_invalid", param="currency")
    return said
