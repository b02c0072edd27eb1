"""To the provider's page and back; and the provider's own calls."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.entities import entities
from pavilion.kernel.db import Sessions
from pavilion.kernel.errors import NotFound, Refusal
from pavilion.settlement import checkouts, consents, deposits, queries, sending, webhooks
from pavilion.settlement.intent_models import IntentKind, PaymentIntent
from pavilion.settlement.payments.port import ForgedWebhook, Payments, ProviderRefused, ProviderUnreachable
from pavilion.settlement.payments.signing import LARGEST
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page
from pavilion.webkit.log import get_logger
from pavilion.webkit.upload import body_of

router = APIRouter(tags=["payments"])
log = get_logger()

Payer = Annotated[Actor, may(Permission.INVOICE_PAY)]


class WebhookRefused(Refusal):
    status, code = 400, "webhook_refused"


class PayForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    way: Literal["card", "transfer"] = "card"
    save: Literal["", "1"] = ""


@router.post("/desk/invoices/{number}/checkout")
async def pay_invoice(
    request: Request, number: str, said: Annotated[PayForm, Form()], actor: Payer, now: Now
) -> Response:
    """A page of the provider for the balance, or the account to transfer it to."""
    payments, sessions = _provider(request), request.app.state.sessions
    async with sessions.begin() as session:
        seen = await queries.invoice_for(session, actor, number)
        if seen is None or seen.number is None or seen.company_id != actor.company_id:
            raise NotFound()
        invoice = await queries.invoice_by_number(session, seen.number, lock=True)
        assert invoice is not None
        lang, by_card = language(request), said.way == "card"
        intent = await checkouts.pay_invoice(
            session, invoice, by_card=by_card, save=bool(said.save), lang=lang, now=now
        )
        if by_card and said.save:
            await consents.give(
                session, company_id=invoice.company_id, sale=invoice.sale, entity=invoice.entity,
                by=actor.public_id or "", now=now,
            )  # fmt: skip
        back = f"/desk/invoices/{invoice.number}?way=transfer#pay"
    return await _onwards(request, payments, sessions, intent, back, now)


@router.post("/desk/deposits/{deposit}/checkout")
async def pay_deposit(
    request: Request, deposit: str, said: Annotated[PayForm, Form()], actor: Payer, now: Now
) -> Response:
    payments, sessions = _provider(request), request.app.state.sessions
    async with sessions.begin() as session:
        row = await deposits.locked(session, deposit)
        if row.company_id != actor.company_id:
            raise NotFound()
        by_card, lang = said.way == "card", language(request)
        intent = await checkouts.pay_deposit(
            session, row, by_card=by_card, save=bool(said.save), lang=lang, now=now, by=actor.public_id
        )
        if by_card and said.save:
            await consents.give(
                session, company_id=row.company_id, sale=row.sale, entity=row.entity, by=actor.public_id or "", now=now
            )
    return await _onwards(request, payments, sessions, intent, "/desk/deposits?way=transfer#pay", now)


@router.get("/desk/payments")
async def agreed(request: Request, actor: Payer, session: Reading) -> Response:
    """The sales at whose close the house may charge the company's card."""
    done = request.query_params.get("done", "") == "withdrawn"
    rows = await consents.of_company(session, actor.company_id)
    return page(request, "settlement/consents.html", rows=rows, done=done)


@router.post("/desk/payments/consents/{sale}/withdrawal")
async def withdraw(sale: str, actor: Payer, session: Writing, now: Now) -> Response:
    by = actor.public_id or ""
    await consents.withdraw(session, company_id=actor.company_id or 0, sale=sale, by=by, now=now)
    return RedirectResponse("/desk/payments?done=withdrawn", status_code=303)


@router.get("/desk/payments/{payment}")
async def payment_page(
    request: Request, payment: str, actor: Payer, session: Reading, back: Literal["", "paid", "left"] = ""
) -> Response:
    """Onwards to the provider's page; after it, what became of the payment. Only the provider's word makes it paid."""
    intent = await checkouts.of_company(session, actor.company_id, payment)
    deposit = intent.kind != IntentKind.CHECKOUT
    invoice = None if deposit else await queries.invoice_for(session, actor, intent.ref)
    zone = invoice.facts["sale"]["zone"] if invoice else entities()[intent.entity].zone
    return page(request, "settlement/payment.html", intent=intent, back=back, deposit=deposit, zone=zone)


@router.post("/webhooks/stripe")
async def told(request: Request, now: Now) -> Response:
    """Verified on the raw body, stored once with its effect. What is not believed leaves nothing but a counter."""
    payments, sessions = _provider(request), request.app.state.sessions
    body = await body_of(request, LARGEST)
    try:
        event = payments.told(body, request.headers.get("stripe-signature", ""), now)
    except ForgedWebhook as fault:
        async with sessions.begin() as session:
            await webhooks.count_refused(session, fault.reason, now)
        raise WebhookRefused(reason=fault.reason) from None
    try:
        effect = await webhooks.take(sessions, payments, event, now)
    except (ProviderUnreachable, ProviderRefused) as fault:  # told again later, and read again then
        log.warning("webhook not taken", act="webhook", subject=event.event, outcome=type(fault).__name__)
        return JSONResponse({"taken": False}, 503, headers={"retry-after": "5"})
    return JSONResponse({"taken": True, "effect": effect})


def _provider(request: Request) -> Payments:
    payments: Payments | None = request.app.state.payments
    if payments is None:
        raise checkouts.PayByWire()
    return payments


async def _onwards(
    request: Request, payments: Payments, sessions: Sessions, intent: PaymentIntent, back: str, now: Now
) -> Response:
    """After the commit the provider is asked at once; when it does not answer, the worker goes on asking."""
    public_url = request.app.state.settings.public_url.rstrip("/")
    await sending.send(sessions, payments, public_url, intent.public_id, now)
    to = back if intent.kind == IntentKind.ACCOUNT else f"/desk/payments/{intent.public_id}"
    return RedirectResponse(to, status_code=303)
