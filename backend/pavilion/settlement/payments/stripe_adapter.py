"""Stripe behind the port, by its own SDK, which is imported at the first call and not before."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from pavilion.kernel.instants import micros
from pavilion.settlement.payments import shapes
from pavilion.settlement.payments.port import (
    BalanceLine,
    Cash,
    Charged,
    Checkout,
    Disputed,
    PaidOut,
    ProviderRefused,
    ProviderUnreachable,
    Refunded,
    Told,
    VirtualAccount,
)
from pavilion.settlement.payments.signing import verified

if TYPE_CHECKING:
    from stripe import StripeClient

TIMEOUT_S = 20
PAGE = 100
WHOLE_PAYMENT = ["latest_charge.balance_transaction"]
WHOLE_LINES = ["data.source"]  # what it belongs to says whose money it is
RETURNS = 5  # payouts that came back, one within the other, that are looked into
# Where a currency is paid to an account of its own kind; other currencies are wired to the house itself.
TRANSFERS = {
    "EUR": "eu_bank_transfer",
    "GBP": "gb_bank_transfer",
    "JPY": "jp_bank_transfer",
    "MXN": "mx_bank_transfer",
    "USD": "us_bank_transfer",
}
EU_ACCOUNTS = ("DE", "FR", "IE", "NL")  # where the provider opens euro accounts; a house elsewhere has an Irish one
LANGUAGES = {"en": "en", "zh": "zh"}


class StripePayments:
    """One client per process and loop; `close` ends its connections."""

    def __init__(self, key: str, secret: str, url: str, *, live: bool) -> None:
        self._key, self._secret, self._url, self._live = key, secret, url, live
        self._client: StripeClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def _stripe(self) -> "StripeClient":
        """Bound to the loop that uses it: a client of another loop is left to that one."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            import stripe
            from stripe._http_client import AIOHTTPClient

            http: Any = AIOHTTPClient(timeout=TIMEOUT_S)
            where: Any = {"base_addresses": {"api": self._url}} if self._url else {}
            self._client = stripe.StripeClient(self._key, http_client=http, max_network_retries=0, **where)
            self._http, self._loop = http, loop
        return self._client

    async def close(self) -> None:
        if self._client is not None:
            self._client, http = None, self._http
            await http.close_async()

    async def customer(self, *, name: str, about: str, ref: str, key: str) -> str:
        params: Any = {
            "name": name,
            "description": about,
            "metadata": {"company": ref},
            # What is transferred stays on the balance until we say which invoice it pays.
            "cash_balance": {"settings": {"reconciliation_mode": "manual"}},
        }
        return str((await _answer(self._stripe().v1.customers.create_async(params, _once(key))))["id"])

    async def checkout(
        self,
        *,
        customer: str,
        amount_minor: int,
        currency: str,
        title: str,
        ref: str,
        methods: tuple[str, ...],
        success_url: str,
        cancel_url: str,
        expires_at: datetime,
        save_method: bool,
        hold: bool,
        lang: str,
        key: str,
    ) -> Checkout:
        price = {"currency": currency.lower(), "unit_amount": amount_minor, "product_data": {"name": title}}
        payment: dict[str, Any] = {"metadata": {shapes.REF: ref}}
        if hold:
            payment["capture_method"] = "manual"
        if save_method:
            payment["setup_future_usage"] = "off_session"
        params: Any = {
            "mode": "payment",
            "customer": customer,
            "client_reference_id": ref,
            "line_items": [{"quantity": 1, "price_data": price}],
            "payment_intent_data": payment,
            "metadata": {shapes.REF: ref},
            "allowed_payment_method_types": list(methods),
            "success_url": success_url,
            "cancel_url": cancel_url,
            "expires_at": micros(expires_at) // 1_000_000,
            "locale": LANGUAGES.get(lang, "auto"),
        }
        if "customer_balance" in methods:
            params["payment_method_options"] = {"customer_balance": _bank_transfer(currency)}
        return shapes.checkout_of(await _answer(self._stripe().v1.checkout.sessions.create_async(params, _once(key))))

    async def read_checkout(self, checkout: str) -> Checkout:
        return shapes.checkout_of(await _answer(self._stripe().v1.checkout.sessions.retrieve_async(checkout)))

    async def expire(self, checkout: str, *, key: str) -> Checkout:
        return shapes.checkout_of(
            await _answer(self._stripe().v1.checkout.sessions.expire_async(checkout, None, _once(key)))
        )

    async def virtual_account(self, *, customer: str, currency: str, country: str, key: str) -> VirtualAccount:
        if currency not in TRANSFERS:
            raise ProviderRefused("currency_without_account", currency)
        params: Any = {"currency": currency.lower(), **_bank_transfer(currency, country)}
        made = self._stripe().v1.customers.funding_instructions.create_async(customer, params, _once(key))
        return shapes.account_of(customer, await _answer(made))

    async def charge(
        self, *, customer: str, method: str, amount_minor: int, currency: str, ref: str, key: str
    ) -> Charged:
        """With a saved card, or with `customer_balance` out of what lies on the customer's cash balance."""
        params: Any = {
            "customer": customer,
            "amount": amount_minor,
            "currency": currency.lower(),
            "confirm": True,
            "metadata": {shapes.REF: ref},
            "expand": WHOLE_PAYMENT,
        }
        if method == "customer_balance":
            params["payment_method_data"] = {"type": method}
            params["allowed_payment_method_types"] = [method]
            params["payment_method_options"] = {method: _bank_transfer(currency)}
        else:
            params |= {"payment_method": method, "off_session": True, "allowed_payment_method_types": ["card"]}
        return shapes.charged_of(await _answer(self._stripe().v1.payment_intents.create_async(params, _once(key))))

    async def capture(self, payment: str, *, amount_minor: int, key: str) -> Charged:
        params: Any = {"amount_to_capture": amount_minor, "expand": WHOLE_PAYMENT}
        done = self._stripe().v1.payment_intents.capture_async(payment, params, _once(key))
        return shapes.charged_of(await _answer(done))

    async def release_hold(self, payment: str, *, key: str) -> Charged:
        return shapes.charged_of(
            await _answer(self._stripe().v1.payment_intents.cancel_async(payment, None, _once(key)))
        )

    async def read_payment(self, payment: str) -> Charged:
        params: Any = {"expand": WHOLE_PAYMENT}
        return shapes.charged_of(await _answer(self._stripe().v1.payment_intents.retrieve_async(payment, params)))

    async def read_charge(self, charge: str) -> Charged:
        """The charge, with the reference of the payment it belongs to."""
        params: Any = {"expand": ["balance_transaction"]}
        found = shapes.charge_of(await _answer(self._stripe().v1.charges.retrieve_async(charge, params)))
        return found if found.id == charge else await self.read_payment(found.id)

    async def refund(self, *, charge: str, amount_minor: int, ref: str, key: str) -> Refunded:
        params: Any = {"charge": charge, "amount": amount_minor, "metadata": {shapes.REF: ref}}
        return shapes.refunded_of(await _answer(self._stripe().v1.refunds.create_async(params, _once(key))))

    async def refund_cash(self, *, customer: str, amount_minor: int, currency: str, ref: str, key: str) -> Refunded:
        params: Any = {"customer": customer, "amount": amount_minor, "currency": currency.lower()}
        params |= {"origin": "customer_balance", "metadata": {shapes.REF: ref}}
        return shapes.refunded_of(await _answer(self._stripe().v1.refunds.create_async(params, _once(key))))

    async def read_refund(self, refund: str) -> Refunded:
        return shapes.refunded_of(await _answer(self._stripe().v1.refunds.retrieve_async(refund)))

    async def read_cash(self, customer: str, transaction: str) -> Cash:
        found = self._stripe().v1.customers.cash_balance_transactions.retrieve_async(customer, transaction)
        return shapes.cash_of(await _answer(found))

    async def read_dispute(self, dispute: str) -> Disputed:
        return shapes.disputed_of(await _answer(self._stripe().v1.disputes.retrieve_async(dispute)))

    async def read_payout(self, payout: str) -> PaidOut:
        return await self._payout(payout, RETURNS)

    async def _payout(self, payout: str, deep: int) -> PaidOut:
        """With what it is made of; what came back of an earlier one is what that one was made of."""
        shape = await _answer(self._stripe().v1.payouts.retrieve_async(payout))
        if not shapes.listed(shape):
            return shapes.paid_out_of(shape)
        lines: list[BalanceLine] = []
        async for line in self._lines({"payout": payout}):
            if line.kind != "payout":
                lines.append(line)
            elif line.source != payout:
                inner = (await self._payout(line.source, deep - 1)).lines if line.amount_minor > 0 and deep else None
                lines += inner or (line,)
        return shapes.paid_out_of(shape, lines)

    async def movements(self, *, since: datetime) -> AsyncIterator[BalanceLine]:
        async for line in self._lines({"created": {"gte": micros(since) // 1_000_000}}):
            yield line

    async def _lines(self, which: Mapping[str, Any]) -> AsyncIterator[BalanceLine]:
        after: str | None = None
        while True:
            params: Any = {**which, "limit": PAGE, "expand": WHOLE_LINES}
            params |= {"starting_after": after} if after else {}
            page = await _answer(self._stripe().v1.balance_transactions.list_async(params))
            for one in page["data"]:
                yield shapes.line_of(one)
                after = one["id"]
            if not page["has_more"]:
                return

    async def cash_of(self, customer: str, *, since: datetime) -> AsyncIterator[Cash]:
        """The newest first, as far back as `since`."""
        after: str | None = None
        while True:
            params: Any = {"limit": PAGE, **({"starting_after": after} if after else {})}
            listed = self._stripe().v1.customers.cash_balance_transactions.list_async(customer, params)
            page = await _answer(listed)
            for one in page["data"]:
                found = shapes.cash_of(one)
                if found.created < since:
                    return
                yield found
                after = one["id"]
            if not page["has_more"]:
                return

    def told(self, body: bytes, signature: str, now: datetime) -> Told:
        return verified(body, signature, self._secret, now, live=self._live)


def _once(key: str) -> Any:
    return {"idempotency_key": key}


def _bank_transfer(currency: str, country: str = "") -> dict[str, Any]:
    kind = TRANSFERS.get(currency, "")
    transfer: dict[str, Any] = {"type": kind}
    if kind == "eu_bank_transfer":
        transfer["eu_bank_transfer"] = {"country": country if country in EU_ACCOUNTS else "IE"}
    return {"funding_type": "bank_transfer", "bank_transfer": transfer}


async def _answer(asked: Awaitable[Any]) -> Mapping[str, Any]:
    """The answer as plain mappings; what failed is told as either a definite no or as not knowing."""
    import aiohttp
    import stripe

    try:
        answer: Mapping[str, Any] = (await asked).to_dict()
    except stripe.StripeError as fault:
        _fault(fault)
    except (aiohttp.ClientError, TimeoutError) as fault:  # in the middle of an answer
        raise ProviderUnreachable(type(fault).__name__) from fault
    except (KeyError, TypeError, ValueError) as fault:  # an answer that is none
        raise ProviderUnreachable(type(fault).__name__) from fault
    return answer


def _fault(fault: Any) -> NoReturn:
    """A 4xx that names the request is a no. Another request with this key still running, too many calls, our own key
    refused, and all that is the provider's fault, say nothing about the effect."""
    import stripe

    status, code = fault.http_status or 0, str(fault.code or "")
    unsure = (stripe.APIConnectionError, stripe.RateLimitError, stripe.AuthenticationError, stripe.PermissionError)
    if isinstance(fault, unsure) or status >= 500 or status in (0, 409, 429):
        raise ProviderUnreachable(f"{type(fault).__name__} {status} {code}") from fault
    if isinstance(fault, stripe.IdempotencyError):
        raise ProviderRefused("key_reused") from fault
    raise ProviderRefused(
        code or "invalid_request", str(fault.param or "") if hasattr(fault, "param") else ""
    ) from fault
