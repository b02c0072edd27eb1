"""A consignor's statement in the reader's words, on screen and on paper; set once after the issue, with its hash."""

from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from anyio import to_thread
from sqlalchemy import select

from pavilion.kernel import jobs
from pavilion.kernel.db import Sessions
from pavilion.settlement import sellers
from pavilion.settlement.note_models import Paper
from pavilion.settlement.seller_models import SellerStatement
from pavilion.settlement.seller_rules import ItemKind
from pavilion.webkit import pdf
from pavilion.webkit.figures import MINUS, Figures
from pavilion.webkit.i18n import LANGUAGES, Lang, Tongue

KIND = "statement"
TEMPLATE = "seller_statement.typ"


def data_of(row: SellerStatement, tongue: Tongue) -> dict[str, Any]:
    """Everything that `pdf/seller_statement.typ` and the page set, ready worded."""
    figures, say, facts = Figures(tongue), tongue.gettext, row.facts
    sale, house, party = facts["sale"], facts["house"], facts["consignor"]
    title = (sale["title_zh"] if tongue.lang == "zh" else "") or sale["title_en"]
    unit, place = row.currency, figures.place(party["city"], party["country"])
    return {
        "lang": tongue.lang,
        "title": say("Statement of proceeds"),
        "subtitle": " · ".join(filter(None, [row.number, figures.day(date.fromisoformat(row.issued_on)), title])),
        "footer": f"{house['name']} · {row.number}",
        "house": [house["name"], *house["address"], house["tax_no"]],
        "consignor": [party["name"], place, *filter(None, [party["tax_no"]])],
        "payable": payable_words(row, tongue),
        "words": {
            "house": say("Auction house"),
            "consignor": say("Consignor"),
            "payable": say("Payable"),
            "waiting": say("Waiting for the buyer's payment"),
            "columns": [
                say("Lot"), say("Stone"), *(f"{head}, {unit}" for head in (
                    say("Hammer"), say("Commission"), say("Charges"), say("Sum"),
                )),
            ],
            "waits": [say("Lot"), say("Stone"), say("State"), f"{say('Hammer')}, {unit}"],
        },
        "items": [_item(item, unit, figures, tongue) for item in facts["items"]],
        "waiting": [_waits(one, unit, figures, tongue) for one in facts["waiting"]],
        "totals": _totals(row, figures, tongue),
        "grand": {
            "word": say("To your account") if row.net_minor >= 0 else say("Carried to the next statement"),
            "amount": f"{unit} {figures.amount(row.net_minor, unit, True)}",
        },
        "tax_text": _tax_words(row, figures, tongue),
        "notes": [say("Demonstration house: no money moves and nothing here is for sale.")]
        if house["demonstration"]
        else [],
    }  # fmt: skip


def payable_words(row: SellerStatement, tongue: Tongue) -> str:
    """From which day it can be paid; a dash where there is nothing to pay."""
    return Figures(tongue).day(date.fromisoformat(row.payable_on)) if row.net_minor > 0 else "–"


def _item(item: Mapping[str, Any], unit: str, figures: Figures, tongue: Tongue) -> dict[str, str]:
    kind = item["kind"]
    title = (item["title_zh"] if tongue.lang == "zh" else "") or item["title_en"]
    sold = kind in (ItemKind.SOLD, ItemKind.UNSOLD)
    net = item["hammer_minor"] + item["share_minor"] + item["carried_minor"]
    net -= item["commission_minor"] + item["charge_minor"]
    return {
        "number": item["label"] if sold else "",
        "title": title or tongue.say(f"statement_{kind}", number=item["label"]),
        "detail": "" if kind == ItemKind.SOLD or not title else tongue.say(f"statement_{kind}", number=item["label"]),
        "hammer": figures.amount(item["hammer_minor"], unit, True) if item["hammer_minor"] else "–",
        "commission": _less(item["commission_minor"], unit, figures),
        "charge": _less(item["charge_minor"], unit, figures),
        "sum": figures.amount(net, unit, True),
    }


def _less(minor: int, unit: str, figures: Figures) -> str:
    """An amount that is taken off, with its sign."""
    return figures.amount(-minor, unit, True) if minor else "–"


def _waits(one: Mapping[str, Any], unit: str, figures: Figures, tongue: Tongue) -> dict[str, str]:
    return {
        "number": one["number"],
        "title": (one["title_zh"] if tongue.lang == "zh" else "") or one["title_en"],
        "state": tongue.say(f"proceeds_{one['state']}"),
        "hammer": figures.amount(one["hammer_minor"], unit, True),
    }


def _totals(row: SellerStatement, figures: Figures, tongue: Tongue) -> list[dict[str, str]]:
    say = tongue.gettext
    lines = (
        (say("Hammer"), row.gross_minor, True),
        (say("Shares of forfeited deposits"), row.forfeits_minor, False),
        (say("Commission"), -row.commission_minor, True),
        (say("Charges"), -row.charges_minor, False),
        (say("Tax on commission and charges"), -row.tax_minor, True),
        (say("Carried from earlier statements"), row.carried_minor, False),
    )
    return [
        {"word": word, "amount": figures.amount(amount, row.currency, True)}
        for word, amount, always in lines
        if amount or always
    ]


def _tax_words(row: SellerStatement, figures: Figures, tongue: Tongue) -> str:
    tax, base = row.facts["tax"], row.facts["tax_base_minor"]
    if row.tax_minor == 0:
        return tongue.say(f"statement_tax_{tax['regime'] if tax['regime'] in ('export', 'reverse') else 'none'}")
    told = f"{row.currency} {figures.amount(base, row.currency, True)}".replace("-", MINUS)
    return tongue.say("statement_tax", rate=figures.pct(tax["rate_bp"]), base=told)


async def set_papers(sessions: Sessions, now: datetime, tongues: Mapping[Lang, Tongue]) -> int:
    """The PDF of each statement in both languages is set, hashed and kept. A failed one is tried again."""
    job = await jobs.taken(sessions, now, kinds=[sellers.RENDER])
    if job is None:
        return 0
    try:
        await _set(sessions, job.payload["statement"], tongues, now)
    except Exception as error:
        async with sessions.begin() as session:
            await jobs.failed(session, job.id, f"{type(error).__name__}: {error}", now)
        raise
    async with sessions.begin() as session:
        await jobs.done(session, job.id)
    return 1


async def _set(sessions: Sessions, public_id: str, tongues: Mapping[Lang, Tongue], now: datetime) -> None:
    async with sessions() as session:
        row = (await session.scalars(select(SellerStatement).where(SellerStatement.public_id == public_id))).one()
        known = [lang for lang in LANGUAGES if await session.get(Paper, (public_id, KIND, lang))]
    for lang in [lang for lang in LANGUAGES if lang not in known]:
        made = await to_thread.run_sync(pdf.render, TEMPLATE, data_of(row, tongues[lang]))
        async with sessions.begin() as session:
            digest = sha256(made).hexdigest()
            session.add(Paper(owner=public_id, kind=KIND, lang=lang, sha256=digest, pdf=made, at=now))
