"""The double's desk: what was paid, what goes wrong, who is told, and the bank from which transfers come."""

from datetime import UTC, datetime
from html import escape
from typing import Any

from pavilion.settlement.payments.double import cash, moving
from pavilion.settlement.payments.double.markup import (
    alert,
    box,
    button,
    choice,
    field,
    hidden,
    money,
    page,
    table,
    tabs,
)
from pavilion.settlement.payments.double.orders import POSTING, Fault
from pavilion.settlement.payments.double.state import Thing
from pavilion.settlement.payments.double.words import Say
from pavilion.settlement.payments.double.world import World

NEWEST = 50


def desk(say: Say, world: World, said: str = "") -> str:
    """Orders, and the pages that wait to be paid."""
    orders = world.orders
    standing = [
        f"{escape(say('f_' + one['fault']))} · <code>{escape(one['on'])}</code> · {one['times']}×"
        + (f" · {one['ms']} ms" if one["ms"] else "")
        for one in orders.faults
    ]
    faults = choice(say, "fault", "fault", [(each.value, say("f_" + each.value)) for each in Fault])
    where = field(say, "on", "on", "POST /v1/", maxlength="200")
    row = f"{faults}{where}{_figure(say, 'times', 1)}{_figure(say, 'ms', 0)}"
    posting = "".join(_figure(say, name, orders.posting[name]) for name in POSTING)
    webhook = world.state.note("webhook") or ""
    return page(
        say,
        say("provider"),
        [
            _said(say, said),
            box(say, "open_pages", _open_pages(say, world)),
            box(
                say, "order",
                "".join(f"<p>{one}</p>" for one in standing) or f'<p class="note">{escape(say("order_none"))}</p>',
                _form(say, "/", "fault", f'<div class="row">{row}</div>', "do"),
            ),
            box(say, "posting", _form(say, "/", "post", f'<div class="row">{posting}</div>', "do"),
                button(say, "well", "/", do="well")),
            box(say, "told_to", f'<p class="note">{escape(webhook or say("nobody"))}</p>',
                _form(say, "/", "webhook", field(say, "told_to", "url", webhook, type="url"), "save")),
            box(say, "clock", f"<p>{_time(world.now())}</p>"),
        ],
        tabs=tabs(say, "/"),
    )  # fmt: skip


def payments(say: Say, world: World, said: str = "") -> str:
    """Charges, refunds and disputes, the newest first."""
    charges = [
        (
            _time(one["created"]),
            f"<code>{one['id']}</code>",
            _money(one),
            _charge_state(say, one),
            _charge_acts(say, one),
        )
        for one in _newest(world, "charge")
    ]
    refunds = [
        (_time(one["created"]), f"<code>{one['id']}</code>", _money(one), escape(say(one["status"])),
         _refund_acts(say, one))
        for one in _newest(world, "refund")
    ]  # fmt: skip
    disputes = [
        (_time(one["created"]), f"<code>{one['id']}</code>", _money(one), escape(say(one["status"])),
         _dispute_acts(say, one))
        for one in _newest(world, "dispute")
    ]  # fmt: skip
    heads = ("when", "object", "amount", "state", "act")
    return page(
        say,
        say("payments"),
        [
            _said(say, said),
            box(say, "charges", table(say, heads, charges, "no_charges", (2,))),
            box(say, "refunds", table(say, heads, refunds, "no_refunds", (2,))),
            box(say, "disputes", table(say, heads, disputes, "no_disputes", (2,))),
        ],
        tabs=tabs(say, "/payments"),
    )


def bank(say: Say, world: World) -> str:
    """The customers, each with accounts of its own."""
    rows = []
    for one in _newest(world, "customer"):
        lying = cash.cash_balance(world, {}, one["id"])["available"] or {}
        texts = [escape(money(amount, currency)) for currency, amount in lying.items() if amount]
        link = f'<a class="as" href="/bank/{one["id"]}?lang={say.lang}">{escape(one["name"] or one["id"])}</a>'
        house = f"<br><small>{escape(one['description'])}</small>" if one.get("description") else ""
        rows.append((link + house, f"<code>{one['id']}</code>", "<br>".join(texts) or "–"))
    parts = [box(say, "bank", f'<p class="note">{escape(say("bank_note"))}</p>',
                 table(say, ("customer", "object", "balance"), rows, "no_customers", (2,)))]  # fmt: skip
    return page(say, say("bank"), parts, tabs=tabs(say, "/bank"))


def account(say: Say, world: World, customer: Thing, said: str = "", session: str = "", shop: str = "") -> str:
    """Where this customer's transfers go, and the bank from which one is sent."""
    here = f"/bank/{customer['id']}"
    back_here = f"{here}?page={session}" if session else here
    waiting = [
        one
        for one in world.state.all("payment_intent", customer=customer["id"], status="requires_action")
        if "_applied" in one
    ]
    first = waiting[0] if waiting else None
    owed = first["amount"] - first["_applied"] if first else 0
    currency = first["currency"] if first else "usd"
    fields = [
        choice(say, "currency", "currency", [(one, one.upper()) for one in cash.KINDS], currency),
        field(say, "amount", "amount", money(owed, currency)[4:] if owed else "", inputmode="decimal", required=""),
        field(say, "reference", "reference", _reference(first), maxlength="140"),
        field(say, "sender", "sender", customer["name"] or "", maxlength="100"),
    ]
    lines = [
        (_time(one["created"]), escape(say(one["type"])), escape(money(one["net_amount"], one["currency"])),
         escape((one.get("funded") or {}).get("bank_transfer", {}).get("reference") or "–"))
        for one in reversed(world.state.all("customer_cash_balance_transaction", customer=customer["id"]))
    ]  # fmt: skip
    back = f'<p class="end"><a class="as" href="{escape(shop)}">{escape(say("back_shop"))}</a></p>' if shop else ""
    return page(
        say,
        ", ".join(one for one in (customer["name"] or customer["id"], customer.get("description")) if one),
        [
            _said(say, said),
            box(say, "transfer", f'<p class="note">{escape(say("bank_note"))}</p>', _awaited(say, first),
                f'<form method="post" action="/do">{hidden(say, back_here, do="transfer", customer=customer["id"])}'
                f'<div class="row">{"".join(fields)}</div><button class="main">{escape(say("send"))}</button></form>',
                back),
            *(_face(say, world, customer["id"], each) for each in _currencies(world, customer["id"], currency)),
            box(say, "movements", table(say, ("when", "type", "amount", "reference"), lines[:NEWEST], "no_movements",
                                        (2,))),
        ],
        tabs=tabs(say, here),
    )  # fmt: skip


def payouts(say: Say, world: World, said: str = "") -> str:
    """Our balance there, and its way to our bank."""
    lying = sorted(moving.available(world).items())
    rows = [
        (
            _time(one["created"]),
            f"<code>{one['id']}</code>",
            _money(one),
            escape(say(one["status"])),
            _payout_acts(say, one),
        )
        for one in _newest(world, "payout")
    ]
    currencies = [(currency, currency.upper()) for currency, amount in lying if amount > 0]
    which = choice(say, "currency", "currency", currencies)
    fields = which + field(say, "amount", "amount", "", inputmode="decimal", required="")
    form = _form(say, "/payouts", "payout", f'<div class="row">{fields}</div>', "pay_out") if currencies else ""
    form += _form(say, "/payouts", "payout", f'<div class="row">{which}</div>', "pay_out_all") if currencies else ""
    sums = "".join(f'<p class="sum">{escape(money(amount, currency))}</p>' for currency, amount in lying)
    return page(
        say,
        say("payouts"),
        [
            _said(say, said),
            box(say, "our_balance", sums or f'<p class="note">{escape(say("no_balance"))}</p>', form),
            box(say, "payouts", table(say, ("when", "object", "amount", "state", "act"), rows, "no_payouts", (2,))),
        ],
        tabs=tabs(say, "/payouts"),
    )


def calls(say: Say, world: World, said: str = "") -> str:
    """What was told, how often, and what the house answered."""
    rows = []
    for call in world.state.calls(newest=NEWEST):
        event = world.state.get(call["event"], "event") or {}
        state = escape(say(call["state"])) + (f" · {escape(say('forged'))}" if call["forged"] else "")
        acts = button(say, "again", "/calls", do="again", event=call["event"])
        acts += button(say, "forge", "/calls", do="forged", event=call["event"])
        rows.append(
            (_time(call["due_ms"] // 1000), f"<code>{escape(event.get('type', ''))}</code>",
             f"<code>{call['event']}</code>", f"{state} ({call['attempts']})", escape(call["answer"] or "–"), acts)
        )  # fmt: skip
    heads = ("when", "type", "event", "state", "answer", "act")
    parts = [_said(say, said), box(say, "calls", table(say, heads, rows, "no_calls"))]
    return page(say, say("calls"), parts, tabs=tabs(say, "/calls"))


def _open_pages(say: Say, world: World) -> str:
    rows = []
    for one in _newest(world, "checkout.session"):
        if one["status"] == "open":
            acts = button(say, "expire", "/", do="expire", session=one["id"])
        elif (
            one["status"] == "complete"
            and one["payment_status"] == "unpaid"
            and "customer_balance" in one["payment_method_types"]
        ):
            acts = button(say, "give_up", "/", do="give_up", session=one["id"])
        else:
            continue
        link = f'<a class="as" href="/pay/{one["id"]}?lang={say.lang}">{escape(one["_title"] or one["id"])}</a>'
        rows.append((link, escape(money(one["amount_total"], one["currency"])), escape(say(one["status"])), acts))
    return table(say, ("payments", "amount", "state", "act"), rows, "no_pages", (1,))


def _awaited(say: Say, payment: Thing | None) -> str:
    if payment is None:
        return ""
    rest = money(payment["amount"] - payment["_applied"], payment["currency"])
    return f"<dl><dt>{escape(say('awaited'))}</dt><dd>{escape(rest)}</dd></dl>"


def _face(say: Say, world: World, customer: str, currency: str) -> str:
    found = cash.instructions(world, customer, currency, cash.COUNTRIES.get(currency, "DE"))["bank_transfer"]
    address = found["financial_addresses"][0]
    inside: dict[str, Any] = address[address["type"]]
    known = [
        (name, value) for name, value in inside.items() if isinstance(value, str) and name != "account_holder_name"
    ]
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in known)
    holder = f"<dt>{escape(say('holder'))}</dt><dd>{escape(inside['account_holder_name'])}</dd>"
    lying = f"<dt>{escape(say('balance'))}</dt><dd>{escape(money(cash.left(world, customer, currency), currency))}</dd>"
    heading = f"<h2>{escape(say('account'))} {currency.upper()}</h2>"
    return f'<section class="box">{heading}<dl>{holder}{lines}{lying}</dl></section>'


def _currencies(world: World, customer: str, first: str) -> list[str]:
    used = {line["currency"] for line in world.state.all("customer_cash_balance_transaction", customer=customer)}
    return [first, *sorted(used - {first})]


def _charge_state(say: Say, charge: Thing) -> str:
    parts = [say(charge["status"])]
    if charge["amount_refunded"]:
        parts.append(say("refunded_of", amount=money(charge["amount_refunded"], charge["currency"])))
    if charge["disputed"]:
        parts.append(say("is_disputed"))
    return escape(" · ".join(parts))


def _charge_acts(say: Say, charge: Thing) -> str:
    card = charge["payment_method_details"]["type"] == "card"
    if not card or charge["disputed"] or charge["amount_captured"] <= charge["amount_refunded"]:
        return "–"
    return button(say, "dispute", "/payments", do="dispute", charge=charge["id"])


def _refund_acts(say: Say, refund: Thing) -> str:
    acts = [("fail", "fail_refund")] if refund["status"] in ("pending", "succeeded") else []
    acts += [("settle", "settle_refund")] if refund["status"] == "pending" else []
    return "".join(button(say, word, "/payments", do=do, refund=refund["id"]) for word, do in reversed(acts)) or "–"


def _dispute_acts(say: Say, claim: Thing) -> str:
    if claim["status"] in ("won", "lost"):
        return "–"
    return "".join(button(say, do, "/payments", do=do, dispute=claim["id"]) for do in ("win", "lose"))


def _payout_acts(say: Say, payout: Thing) -> str:
    acts = {"in_transit": ("arrive", "bounce"), "paid": ("bounce",)}.get(payout["status"], ())
    return "".join(button(say, do, "/payouts", do=do, payout=payout["id"]) for do in acts) or "–"


def _form(say: Say, back: str, do: str, inside: str, word: str) -> str:
    return (
        f'<form method="post" action="/do">{hidden(say, back, do=do)}{inside}'
        f'<p class="end"><button>{escape(say(word))}</button></p></form>'
    )


def _figure(say: Say, name: str, value: int) -> str:
    return field(say, name, name, str(value), inputmode="numeric", pattern="[0-9]{1,15}", required="")


def _said(say: Say, said: str) -> str:
    return alert(say(said), good=said == "sent") if said in ("refused", "sent") else ""


def _reference(payment: Thing | None) -> str:
    if payment is None:
        return ""
    return str(payment["next_action"]["display_bank_transfer_instructions"]["reference"])


def _money(one: Thing) -> str:
    return escape(money(one["amount"], one["currency"]))


def _newest(world: World, kind: str) -> list[Thing]:
    return world.state.all(kind)[: -NEWEST - 1 : -1]


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
