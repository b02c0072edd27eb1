"""The invoice on paper: the same frozen figures, worded in the reader's language, set by typst."""

from datetime import date
from typing import Any

from pavilion.kernel.weight import per_carat_minor
from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.rules import LineKind
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue


def tax_words(invoice: Invoice, tongue: Tongue) -> str:
    """What the invoice must say of its tax, as a code's sentence."""
    if invoice.regime is None:
        return tongue.say("tax_undecided")
    seller, buyer = invoice.facts["seller"], invoice.facts["buyer"]
    figures = Figures(tongue)
    facts = {
        "rate": figures.pct(invoice.rate_bp),
        "country": figures.country(invoice.destination),
        "seller_no": seller["tax_no"] or "–",
        "buyer_no": buyer["tax_no"] or "–",
    }
    return tongue.say(f"tax_{invoice.regime}", **facts)


def data_of(invoice: Invoice, tongue: Tongue) -> dict[str, Any]:
    """Everything that `pdf/invoice.typ` sets, ready worded."""
    figures, say, facts = Figures(tongue), tongue.gettext, invoice.facts
    seller, buyer = facts["seller"], facts["buyer"]
    by_lot: dict[str, dict[str, InvoiceLine]] = {}
    for line in invoice.lines:
        if line.lot is not None:
            by_lot.setdefault(line.lot, {})[line.kind] = line
    tax = sum(line.amount_minor for line in invoice.lines if line.kind == LineKind.TAX)
    warranty = facts.get("warranty")
    draft = invoice.number is None
    return {
        "lang": tongue.lang,
        "title": say("Pro forma invoice") if draft else say("Invoice"),
        "subtitle": " · ".join(filter(None, [invoice.number, _issued(invoice, figures), _sale(facts, tongue)])),
        "notice": say("This is a draft. It will be numbered when the sale has closed.") if draft else "",
        "footer": f"{seller['name']} · {invoice.number or say('Pro forma invoice')}",
        "seller": {"name": seller["name"], "lines": [seller["name"], *seller["address"], seller["tax_no"]]},
        "buyer": {"lines": _buyer_lines(buyer, facts["paddle"], figures, tongue)},
        "due": [figures.day(date.fromisoformat(invoice.due_on)) if invoice.due_on else "–"],
        "words": {
            "seller": say("Seller"),
            "buyer": say("Buyer"),
            "due": say("Due"),
            "pay": say("Pay by bank transfer"),
            "warranty": say("Warranty of the seller"),
            "columns": _columns(invoice, tongue),
        },
        "lots": [_lot(lines, invoice.currency, figures, tongue) for lines in by_lot.values()],
        "totals": [
            {"word": say("Hammer"), "amount": _sum(invoice, LineKind.HAMMER, figures)},
            {"word": say("Premium"), "amount": _sum(invoice, LineKind.PREMIUM, figures)},
            {"word": say("Tax"), "amount": figures.amount(tax, invoice.currency, True)},
        ],
        "grand": {
            "word": say("To pay"),
            "amount": f"{invoice.currency} {figures.amount(invoice.total_minor, invoice.currency, True)}",
        },
        "tax_text": tax_words(invoice, tongue),
        "pay": _bank_lines(invoice, tongue),
        "warranty": warranty["text_en"] if warranty else "",
        "warranty_source": _warranty_source(invoice, figures, tongue) if warranty else "",
        "notes": [say("Demonstration house: no money moves and nothing here is for sale.")]
        if seller["bank"]["bic"].startswith("DEMO")
        else [],
    }


def _issued(invoice: Invoice, figures: Figures) -> str:
    return figures.day(date.fromisoformat(invoice.issued_on)) if invoice.issued_on else ""


def _sale(facts: dict[str, Any], tongue: Tongue) -> str:
    title: str = facts["sale"]["title_zh"] if tongue.lang == "zh" else facts["sale"]["title_en"]
    return title or str(facts["sale"]["title_en"])


def _buyer_lines(buyer: dict[str, Any], paddle: str, figures: Figures, tongue: Tongue) -> list[str]:
    place = ", ".join(filter(None, [buyer["city"], figures.country(buyer["country"])]))
    return [buyer["name"], place, *filter(None, [buyer["tax_no"]]), f"{tongue.gettext('Paddle')} {paddle}"]


def _columns(invoice: Invoice, tongue: Tongue) -> list[str]:
    say, unit = tongue.gettext, invoice.currency
    heads = [say("Hammer"), say("Premium"), say("Sum")]
    return [say("Lot"), say("Stone"), say("Per carat"), *(f"{head}, {unit}" for head in heads)]


def _warranty_source(invoice: Invoice, figures: Figures, tongue: Tongue) -> str:
    """Which statement it is, and by which self-assessment its seller may give it."""
    warranty = invoice.facts["warranty"]
    told = [warranty["id"], f"SHA-256 {invoice.warranty_sha256}"]
    if warranty.get("self_assessed"):
        day = figures.day(date.fromisoformat(warranty["self_assessed"]))
        told.append(tongue.gettext("self-assessed %(on)s") % {"on": day})
    return " · ".join(told)


def _lot(lines: dict[str, InvoiceLine], currency: str, figures: Figures, tongue: Tongue) -> dict[str, str]:
    hammer, premium = lines[LineKind.HAMMER], lines[LineKind.PREMIUM]
    facts, mct = hammer.facts, hammer.facts.get("weight_mct")
    each = per_carat_minor(hammer.amount_minor, mct) if mct else None
    detail = [figures.ct(mct)] if mct else []
    detail += [facts["report"]] if facts.get("report") else []
    return {
        "number": facts["number"],
        "title": (hammer.text_zh if tongue.lang == "zh" else hammer.text_en) or hammer.text_en,
        "detail": ", ".join(detail),
        "per_carat": "–" if each is None else figures.amount(each, currency, True),
        "hammer": figures.amount(hammer.amount_minor, currency, True),
        "premium": figures.amount(premium.amount_minor, currency, True),
        "sum": figures.amount(hammer.amount_minor + premium.amount_minor, currency, True),
    }


def _sum(invoice: Invoice, kind: LineKind, figures: Figures) -> str:
    total = sum(line.amount_minor for line in invoice.lines if line.kind == kind)
    return figures.amount(total, invoice.currency, True)


def _bank_lines(invoice: Invoice, tongue: Tongue) -> list[str]:
    bank = invoice.facts["seller"]["bank"]
    say = tongue.gettext
    return [
        f"{say('Account holder')}: {bank['holder']}",
        f"{say('Account')}: {bank['account']} · BIC {bank['bic']}",
        f"{say('Reference')}: {invoice.number or '–'}",
    ]
