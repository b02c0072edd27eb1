"""What settlement asks of a payment provider, and the values in which it answers. Minor units; aware instants."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


class ProviderUnreachable(Exception):
    """No answer, or one that says nothing: the effect may or may not have happened. Asked again with the same key."""


class ProviderRefused(Exception):
    """A definite no, with the provider's own code; asked again it would be the same."""

    def __init__(self, code: str, words: str = "") -> None:
        super().__init__(f"{code} {words}")
        self.code, self.words = code, words


class ForgedWebhook(Exception):
    """The signature does not fit the body, or is too old. `reason`: `signature`, `stale`, `unreadable`, `mode`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Checkout:
    """A page of the provider. `state`: open, complete, expired."""

    id: str
    url: str
    state: str
    paid: bool
    payment: str | None  # the provider's id of the payment, once there is one
    expires_at: datetime
    ref: str = ""  # our intent's public id


@dataclass(frozen=True, slots=True)
class Charged:
    """A payment. `state`: waiting, succeeded, failed, authorised, cancelled. `ref` is our intent's public id."""

    id: str
    charge: str | None
    state: str
    amount_minor: int
    received_minor: int
    refunded_minor: int
    currency: str
    ref: str
    method: str | None
    fee_minor: int | None
    disputed: bool
    created: datetime
    by_transfer: bool = False  # paid out of the customer's cash balance: that money was already told as cash


@dataclass(frozen=True, slots=True)
class Refunded:
    """`state`: waiting, succeeded, failed."""

    id: str
    charge: str
    state: str
    amount_minor: int
    currency: str
    ref: str
    reason: str = ""  # why it failed, the provider's code


@dataclass(frozen=True, slots=True)
class VirtualAccount:
    """Where transfers of a customer go. `lines`: code of a label (account, bic, bank, holder, reference) -> value."""

    customer: str
    currency: str
    lines: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cash:
    """Money on a customer's cash balance: `kind` funded, reversed, applied, unapplied, refunded, other."""

    id: str
    customer: str
    kind: str
    amount_minor: int
    currency: str
    reference: str
    payment: str | None
    created: datetime


@dataclass(frozen=True, slots=True)
class Disputed:
    """`state`: open, won, lost."""

    id: str
    charge: str
    amount_minor: int
    fee_minor: int
    currency: str
    state: str


@dataclass(frozen=True, slots=True)
class PaidOut:
    """Our balance there on its way to our bank. `state`: waiting, paid, failed. `lines`: the movements it is made of;
    none: the provider does not say, as of one that was not made by its own calendar."""

    id: str
    amount_minor: int
    currency: str
    state: str
    lines: "tuple[BalanceLine, ...] | None" = None


Said = Checkout | Charged | Refunded | Cash | Disputed | PaidOut


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """A movement of our balance there. `kind`: payment, refund, refund_failure, fee, dispute, payout, other. `payment`:
    the payment that its source belongs to, if any."""

    id: str
    kind: str
    source: str  # the charge, refund, dispute or payout behind it
    amount_minor: int
    fee_minor: int
    currency: str
    created: datetime
    payment: str = ""

    @property
    def net_minor(self) -> int:
        return self.amount_minor - self.fee_minor


@dataclass(frozen=True, slots=True)
class Told:
    """A verified webhook: which object it is about, and `said`, the object as it was then; none of a type that has no
    meaning for us. `owner`: the customer behind a cash transaction."""

    event: str
    type: str
    object: str
    created: datetime
    body: Mapping[str, Any] = field(repr=False)
    said: Said | None = None
    owner: str = ""


class Payments(Protocol):
    """Each call that changes something takes `key`: the same key asks for the same thing once."""

    async def customer(self, *, name: str, about: str, ref: str, key: str) -> str: ...

    async def checkout(
        self, *, customer: str, amount_minor: int, currency: str, title: str, ref: str, methods: tuple[str, ...],
        success_url: str, cancel_url: str, expires_at: datetime, save_method: bool, hold: bool, lang: str, key: str,
    ) -> Checkout: ...  # fmt: skip

    async def read_checkout(self, checkout: str) -> Checkout: ...

    async def expire(self, checkout: str, *, key: str) -> Checkout: ...

    async def virtual_account(self, *, customer: str, currency: str, country: str, key: str) -> VirtualAccount: ...

    async def charge(
        self, *, customer: str, method: str, amount_minor: int, currency: str, ref: str, key: str
    ) -> Charged: ...

    async def capture(self, payment: str, *, amount_minor: int, key: str) -> Charged: ...

    async def release_hold(self, payment: str, *, key: str) -> Charged: ...

    async def read_payment(self, payment: str) -> Charged: ...

    async def read_charge(self, charge: str) -> Charged: ...

    async def refund(self, *, charge: str, amount_minor: int, ref: str, key: str) -> Refunded: ...

    async def refund_cash(self, *, customer: str, amount_minor: int, currency: str, ref: str, key: str) -> Refunded: ...

    async def read_refund(self, refund: str) -> Refunded: ...

    async def read_cash(self, customer: str, transaction: str) -> Cash: ...

    async def read_dispute(self, dispute: str) -> Disputed: ...

    async def read_payout(self, payout: str) -> PaidOut: ...

    def cash_of(self, customer: str, *, since: datetime) -> AsyncIterator[Cash]: ...

    def movements(self, *, since: datetime) -> AsyncIterator[BalanceLine]: ...

    def told(self, body: bytes, signature: str, now: datetime) -> Told: ...

    async def close(self) -> None: ...
