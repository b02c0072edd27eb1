"""The provider's interface: who asks, under which key, for what, and what is ordered to go wrong with it."""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pavilion.settlement.payments.double import cash, checkout, moving, paying, people, returning
from pavilion.settlement.payments.double.asked import read
from pavilion.settlement.payments.double.orders import Fault
from pavilion.settlement.payments.double.reading import expanded, listed
from pavilion.settlement.payments.double.state import Thing
from pavilion.settlement.payments.double.world import World
from pavilion.settlement.payments.double.wrong import Wrong, no_such

SIMULATED = "X-Simulated"
MOST_BYTES = 64 * 1024
HANG_MS = 30_000
LINE = "double.line"

Act = Callable[..., Thing]


class Way(NamedTuple):
    method: str
    path: re.Pattern[str]
    kind: str | None  # the SDK's type of the parameters
    act: Act


def _way(method: str, path: str, kind: str | None, act: Act) -> Way:
    return Way(method, re.compile(path.replace("{}", "([A-Za-z0-9_]{1,120})")), kind, act)


def _one(kind: str) -> Act:
    return lambda world, asked, *named: world.need(kind, named[-1])


def _many(kind: str, *like: str) -> Act:
    """All of a kind; `like` names the member that the id in the path must have."""
    return lambda world, asked, *named: listed(world, kind, asked, dict(zip(like, named, strict=True)))


def _funds(world: World, asked: dict[str, Any], customer: str) -> Thing:
    world.need("customer", customer)
    return listed(world, "customer_cash_balance_transaction", asked, {"customer": customer})


WAYS = (
    _way("POST", "customers", "_customer_create_params:CustomerCreateParams", people.create_customer),
    _way("GET", "customers", "_customer_list_params:CustomerListParams", _many("customer")),
    _way("GET", "customers/{}", "_customer_retrieve_params:CustomerRetrieveParams", _one("customer")),
    _way("POST", "customers/{}", "_customer_update_params:CustomerUpdateParams", people.update_customer),
    _way("POST", "customers/{}/funding_instructions",
         "_customer_create_funding_instructions_params:CustomerCreateFundingInstructionsParams",
         cash.funding_instructions),
    _way("GET", "customers/{}/cash_balance",
         "_customer_cash_balance_retrieve_params:CustomerCashBalanceRetrieveParams", cash.cash_balance),
    _way("POST", "customers/{}/cash_balance",
         "_customer_cash_balance_update_params:CustomerCashBalanceUpdateParams", cash.set_mode),
    _way("GET", "customers/{}/cash_balance_transactions",
         "_customer_cash_balance_transaction_list_params:CustomerCashBalanceTransactionListParams", _funds),
    _way("GET", "customers/{}/cash_balance_transactions/{}",
         "_customer_cash_balance_transaction_retrieve_params:CustomerCashBalanceTransactionRetrieveParams",
         cash.cash_transaction),
    _way("GET", "customers/{}/payment_methods", "_customer_payment_method_list_params:CustomerPaymentMethodListParams",
         _many("payment_method", "customer")),
    _way("POST", "test_helpers/customers/{}/fund_cash_balance",
         "test_helpers._customer_fund_cash_balance_params:CustomerFundCashBalanceParams", cash.fund),
    _way("POST", "checkout/sessions", "checkout._session_create_params:SessionCreateParams", checkout.create_session),
    _way("GET", "checkout/sessions", "checkout._session_list_params:SessionListParams", _many("checkout.session")),
    _way("GET", "checkout/sessions/{}", "checkout._session_retrieve_params:SessionRetrieveParams",
         lambda world, asked, named: checkout.read_session(world, named)),
    _way("POST", "checkout/sessions/{}/expire", "checkout._session_expire_params:SessionExpireParams",
         checkout.expire_session),
    _way("POST", "payment_intents", "_payment_intent_create_params:PaymentIntentCreateParams", paying.create_payment),
    _way("GET", "payment_intents", "_payment_intent_list_params:PaymentIntentListParams", _many("payment_intent")),
    _way("GET", "payment_intents/{}", "_payment_intent_retrieve_params:PaymentIntentRetrieveParams",
         _one("payment_intent")),
    _way("POST", "payment_intents/{}/confirm", "_payment_intent_confirm_params:PaymentIntentConfirmParams",
         paying.confirm_payment),
    _way("POST", "payment_intents/{}/capture", "_payment_intent_capture_params:PaymentIntentCaptureParams",
         paying.capture_payment),
    _way("POST", "payment_intents/{}/cancel", "_payment_intent_cancel_params:PaymentIntentCancelParams",
         paying.cancel_payment),
    _way("POST", "payment_intents/{}/apply_customer_balance",
         "_payment_intent_apply_customer_balance_params:PaymentIntentApplyCustomerBalanceParams", cash.apply_balance),
    _way("GET", "charges", "_charge_list_params:ChargeListParams", _many("charge")),
    _way("GET", "charges/{}", "_charge_retrieve_params:ChargeRetrieveParams", _one("charge")),
    _way("POST", "refunds", "_refund_create_params:RefundCreateParams", returning.create_refund),
    _way("GET", "refunds", "_refund_list_params:RefundListParams", _many("refund")),
    _way("GET", "refunds/{}", "_refund_retrieve_params:RefundRetrieveParams", _one("refund")),
    _way("POST", "refunds/{}", "_refund_update_params:RefundUpdateParams", returning.update_refund),
    _way("GET", "disputes", "_dispute_list_params:DisputeListParams", _many("dispute")),
    _way("GET", "disputes/{}", "_dispute_retrieve_params:DisputeRetrieveParams", _one("dispute")),
    _way("POST", "disputes/{}/close", "_dispute_close_params:DisputeCloseParams", returning.close_dispute),
    _way("GET", "balance", "_balance_retrieve_params:BalanceRetrieveParams", moving.balance),
    _way("GET", "balance_transactions", "_balance_transaction_list_params:BalanceTransactionListParams",
         _many("balance_transaction")),
    _way("GET", "balance_transactions/{}", "_balance_transaction_retrieve_params:BalanceTransactionRetrieveParams",
         _one("balance_transaction")),
    _way("POST", "payouts", "_payout_create_params:PayoutCreateParams", moving.create_payout),
    _way("GET", "payouts", "_payout_list_params:PayoutListParams", _many("payout")),
    _way("GET", "payouts/{}", "_payout_retrieve_params:PayoutRetrieveParams", _one("payout")),
    _way("GET", "payment_methods", "_payment_method_list_params:PaymentMethodListParams", _many("payment_method")),
    _way("GET", "payment_methods/{}", "_payment_method_retrieve_params:PaymentMethodRetrieveParams",
         _one("payment_method")),
    _way("POST", "payment_methods/{}/attach", "_payment_method_attach_params:PaymentMethodAttachParams", people.attach),
    _way("POST", "payment_methods/{}/detach", "_payment_method_detach_params:PaymentMethodDetachParams", people.detach),
    _way("GET", "events", "_event_list_params:EventListParams", _many("event")),
    _way("GET", "events/{}", "_event_retrieve_params:EventRetrieveParams", _one("event")),
)  # fmt: skip


async def answer(world: World, request: Request) -> Response:
    """One request of the house, with whatever is ordered to go wrong with it."""
    ordered = world.orders.take(f"{request.method} {request.url.path}")
    fault, ms = ordered or (None, 0)
    if fault is Fault.BEFORE:
        return await _hang(ms)
    if fault is Fault.ERROR:
        return _json(500, _sorry("api_error", "ordered"))
    if fault is Fault.LIMITED:
        return _json(429, _sorry("rate_limit_error", "rate_limit"))
    try:
        status, body = await _asked(world, request, fault, ms)
    except Wrong as wrong:
        return _json(wrong.status, json.dumps(wrong.body))
    if fault is Fault.AFTER:
        return await _hang(ms)
    return _Cut(body) if fault is Fault.CUT else _json(status, body)


async def _asked(world: World, request: Request, fault: Fault | None, ms: int) -> tuple[int, str]:
    _known(world, request)
    content = await _content(request)
    way, named = _find(request)
    key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
    if not key:
        asked = read(content, way.kind)
        await _slowly(fault, ms)
        return 200, _done(world, way, asked, named)
    print_ = hashlib.sha256(f"{request.url.path}\n{content}".encode()).hexdigest()
    if (known := world.state.key(key[:255])) is not None:
        return _again(print_, *known)
    asked = read(content, way.kind)  # what is not even a request is not kept under its key
    world.state.claim_key(key[:255], print_)
    return await _first(world, way, asked, named, key[:255], fault, ms)


async def _first(
    world: World, way: Way, asked: dict[str, Any], named: tuple[str, ...], key: str, fault: Fault | None, ms: int
) -> tuple[int, str]:
    """Done and kept under its key in one transaction; another with the same key finds it in progress until then."""
    try:
        await _slowly(fault, ms)
        if fault is Fault.KEPT:
            status, body = 500, _sorry("api_error", "ordered")
            world.state.answer_key(key, status, body)
            return status, body
        try:
            with world.state.change():
                body = _done(world, way, asked, named)
                world.state.answer_key(key, 200, body)
        except Wrong as wrong:
            world.state.answer_key(key, wrong.status, json.dumps(wrong.body))
            raise
    finally:
        world.state.free_key(key)
    return 200, body


def _done(world: World, way: Way, asked: dict[str, Any], named: tuple[str, ...]) -> str:
    expand = asked.pop("expand", [])
    with world.state.change():
        return json.dumps(expanded(world, way.act(world, asked, *named), expand), ensure_ascii=False)


def _again(fingerprint: str, kept: str, status: int | None, body: str | None) -> tuple[int, str]:
    if kept != fingerprint:
        raise Wrong("Keys for idempotent requests can only be used with the same parameters they were first used with.",
                    type="idempotency_error")  # fmt: skip
    if status is None or body is None:
        raise Wrong("There is currently another in-progress request using this idempotency key.", status=409,
                    code="idempotency_key_in_use")  # fmt: skip
    return status, body


def _known(world: World, request: Request) -> None:
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    if kind != "Bearer" or key != world.key:
        raise Wrong("Invalid API Key provided.", status=401, code="api_key_invalid")


def _find(request: Request) -> tuple[Way, tuple[str, ...]]:
    path = request.url.path.removeprefix("/v1/")
    for way in WAYS:
        if way.method == request.method and (found := way.path.fullmatch(path)):
            return way, found.groups()
    raise no_such("endpoint of the double", f"{request.method} {request.url.path}"[:120], "path")


async def _content(request: Request) -> str:
    if request.method != "POST":
        return request.url.query
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise Wrong("The request is too large.", status=413)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Wrong("The request is not UTF-8.") from None


async def _slowly(fault: Fault | None, ms: int) -> None:
    if fault is Fault.SLOW:
        await asyncio.sleep(ms / 1000)


async def _hang(ms: int) -> Response:
    """No answer: after a while the line is cut."""
    await asyncio.sleep(min(ms, HANG_MS) / 1000)
    return _Cut("")


class _Cut(Response):
    """Hangs up: before the answer, or in its middle where it has a body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.body or LINE not in scope:
            headers = [(b"content-length", b"%d" % (len(self.body) + 1)), (b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            half = self.body[: len(self.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
        else:
            scope[LINE].abort()


def with_line(app: ASGIApp) -> ASGIApp:
    """The server's own connection in reach of an answer that must never come."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        await app({**scope, LINE: transport} if transport else scope, receive, send)

    return outer


def _json(status: int, body: str) -> Response:
    return Response(body, status, {SIMULATED: "true", "Request-Id": "req_simulated"}, "application/json")


def _sorry(kind: str, code: str) -> str:
    return json.dumps({"error": {"type": kind, "code": code, "message": "Ordered to fail."}})


def forbidden(code: str) -> Response:
    return JSONResponse({"error": code, "simulated": True}, 403, {SIMULATED: "true"})
