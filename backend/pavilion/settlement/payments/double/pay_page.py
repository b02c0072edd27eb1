"""The hosted page on which a buyer pays: card or transfer, and what the card's holder is asked."""

from html import escape

from pavilion.settlement.payments.double.markup import alert, hidden, money, other_language, page
from pavilion.settlement.payments.double.people import CARDS
from pavilion.settlement.payments.double.state import Thing
from pavilion.settlement.payments.double.words import Say


def paying(say: Say, session: Thing) -> str:
    """The page as it is before it is paid."""
    amount = money(session["amount_total"], session["currency"])
    ways = list(CARDS) if "card" in session["payment_method_types"] else []
    if "customer_balance" in session["payment_method_types"]:
        ways.append("transfer")
    chosen = [
        f'<label class="way"><input type="radio" name="way" value="{way}"{" checked" if place == 0 else ""}>'
        f"<span>{escape(say(way))}</span></label>"
        for place, way in enumerate(ways)
    ]
    refusal = [alert(say(f"no_{session['_failed']}"))] if session["_failed"] else []
    return page(
        say,
        session["_title"] or say("pay"),
        [
            *refusal,
            f'<div class="box"><p class="note">{escape(say("to"))}</p><p class="sum">{escape(amount)}</p>',
            f'<form method="post" action="/pay/{session["id"]}">{hidden(say, "")}',
            f"<fieldset><legend>{escape(say('how'))}</legend>",
            f'<p class="note">{escape(say("card_note"))}</p>' if "card" in session["payment_method_types"] else "",
            *chosen,
            f'</fieldset><button class="main">{escape(say("pay_amount", amount=amount))}</button></form>',
            f'<p class="end">{_back(say, session)}</p></div>',
            f"<p>{other_language(say, '/pay/' + session['id'])}</p>",
        ],
        narrow=True,
    )


def asking(say: Say, session: Thing) -> str:
    """The bank of the card asks its holder."""
    amount = money(session["amount_total"], session["currency"])
    acts = [
        f'<form class="in" method="post" action="/pay/{session["id"]}">{hidden(say, "", way="check", consented=given)}'
        f"<button{kind}>{escape(say(word))}</button></form>"
        for word, given, kind in (("agree", "yes", ' class="main"'), ("refuse", "no", ""))
    ]
    parts = [f'<div class="box"><p>{escape(say("confirm_note", amount=amount))}</p>{"".join(acts)}</div>']
    return page(say, say("confirm_title"), parts, narrow=True)


def over(say: Say, session: Thing) -> str:
    """Nothing can be paid on it any more."""
    word = "over_expired" if session["status"] == "expired" else "over_complete"
    where = session["success_url"] if session["status"] == "complete" else session["cancel_url"]
    shop = f'<a class="as" href="{escape(where)}">{escape(say("back_shop"))}</a>' if where else ""
    return page(say, session["_title"] or say("pay"), [alert(say(word)), f'<p class="end">{shop}</p>'], narrow=True)


def _back(say: Say, session: Thing) -> str:
    if not session["cancel_url"]:
        return ""
    return f'<a class="as" href="{escape(session["cancel_url"])}">{escape(say("back"))}</a>'
