"""The invoice on paper: the same frozen figures, worded in the reader's language, set by typst."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pavilion.catalogue.nomenclature import term
from pavilion.kernel.weight import per_carat_minor
from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.rules import LineKind
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue

EXPORT_PROOF_DAYS = 90  # of an invoice that did not freeze its own


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
        "days": invoice.facts.get("days", {}).get("export_proof", EXPORT_PROOF_DAYS),
    }
    said = tongue.say(f"tax_{invoice.regime}", **facts)
    own = invoice.facts.get("tax_decided", {}).get("text", "")  # a resale certificate, an article of law
    taxed = any(line.kind == LineKind.CHARGE and line.facts["taxed"] for line in invoice.lines)
    also = tongue.say("tax_on_charges", **facts) if taxed and invoice.rate_bp else ""
    return " ".join(filter(None, [said, also, own]))


def data_of(invoice: Invoice, tongue: Tongue) -> dict[str, Any]:
    """Everything that `pdf/invoice.typ` sets, ready worded."""
    figures, say, facts = Figures(tongue), tongue.gettext, invoice.facts
    seller, buyer = facts["seller"], facts["buyer"]
    by_lot: dict[str, dict[str, InvoiceLine]] = {}
    for line in invoice.lines:
        if line.lot is not None:
            by_lot.setdefault(line.lot, {})[line.kind] = line
    warranty = facts.get("warranty")
    draft = invoice.number is None
    due = max(0, invoice.total_minor - invoice.credits_minor)
    return {
        "lang": tongue.lang,
        "title": say("Pro forma invoice") if draft else say("Invoice"),
        "mark": say("Pro forma") if draft else "",
        "subtitle": " · ".join(filter(None, [invoice.number, _issued(invoice, figures), _sale(facts, tongue)])),
        "notice": _draft_notice(invoice, tongue) if draft else "",
        "footer": f"{seller['name']} · {invoice.number or say('Pro forma invoice')}",
        "seller": {"name": seller["name"], "lines": [seller["name"], *seller["address"], seller["tax_no"]]},
        "buyer": {"lines": buyer_lines(buyer, facts["paddle"], figures, tongue)},
        "due": [figures.day(date.fromisoformat(invoice.due_on)) if invoice.due_on else "–"],
        "words": {
            "seller": say("Seller"),
            "buyer": say("Buyer"),
            "due": say("Due"),
            "pay": say("Pay by bank transfer"),
            "warranty": say("Warranty of the seller"),
            "disclosures": say("Disclosures"),
            "columns": _columns(invoice, tongue),
        },
        "lots": [_lot(lines, invoice.currency, figures, tongue) for lines in by_lot.values()],
        "totals": _totals(invoice, figures, tongue),
        "grand": {
            "word": say("To pay"),
            "amount": f"{invoice.currency} {figures.amount(due, invoice.currency, True)}",
        },
        "about": tongue.say("invoice_instead_of", number=facts["instead_of"]) if facts.get("instead_of") else "",
        "tax_text": tax_words(invoice, tongue),
        "disclosures": _disclosures(invoice, figures, tongue),
        "pay": _bank_lines(invoice, tongue) if due else [],
        "warranty": warranty["text_en"] if warranty else "",
        "warranty_source": warranty_source(warranty, invoice.warranty_sha256, figures, tongue) if warranty else "",
        "notes": house_notes(seller, tongue),
    }


def house_notes(seller: dict[str, Any], tongue: Tongue) -> list[str]:
    said = tongue.gettext("Demonstration house: no money moves and nothing here is for sale.")
    return [said] if seller["bank"]["bic"].startswith("DEMO") else []


def charge_words(line: InvoiceLine, tongue: Tongue) -> str:
    """`Shipping, Brinks to Hong Kong`: the kind of the charge and what a person added."""
    said = tongue.say(f"charge_{line.facts.get('charge', 'other')}")
    own = (line.text_zh if tongue.lang == "zh" else "") or line.text_en
    return f"{said}{tongue.gettext(', ')}{own}" if own else said


def _totals(invoice: Invoice, figures: Figures, tongue: Tongue) -> list[dict[str, str]]:
    """Hammer, premium, each charge, the tax with its rate, and what was put down before."""
    say, currency = tongue.gettext, invoice.currency
    price = say("Price") if ordered(invoice) else say("Hammer")
    rows = [{"word": price, "amount": _sum(invoice, LineKind.HAMMER, figures)}]
    if not ordered(invoice):
        rows.append({"word": say("Premium"), "amount": _sum(invoice, LineKind.PREMIUM, figures)})
    for line in invoice.lines:
        if line.kind == LineKind.CHARGE:
            amount = figures.amount(line.amount_minor, currency, True)
            rows.append({"word": charge_words(line, tongue), "amount": amount})
    rate = f"{say('Tax')}{say(', ')}{figures.pct(invoice.rate_bp)}" if invoice.rate_bp else say("Tax")
    if invoice.regime != "margin_included" or any(x.kind == LineKind.CHARGE for x in invoice.lines):
        rows.append({"word": rate, "amount": _sum(invoice, LineKind.TAX, figures)})
    if credits := [line for line in invoice.lines if line.kind == LineKind.CREDIT]:
        rows.append({"word": say("Total"), "amount": figures.amount(invoice.total_minor, currency, True)})
        for line in credits:
            word = tongue.say(f"credit_{line.facts.get('credit', 'deposit')}")
            rows.append({"word": word, "amount": f"−{figures.amount(line.amount_minor, currency, True)}"})
    return rows


def ordered(invoice: Invoice) -> bool:
    """Bought at a fixed price: nobody held up a paddle, and no premium is owed."""
    return not invoice.facts["paddle"]


def _draft_notice(invoice: Invoice, tongue: Tongue) -> str:
    if ordered(invoice):
        return tongue.gettext("This is a draft. It will be numbered when the order is confirmed.")
    return tongue.gettext("This is a draft. It will be numbered when the sale has closed.")


def _issued(invoice: Invoice, figures: Figures) -> str:
    return figures.day(date.fromisoformat(invoice.issued_on)) if invoice.issued_on else ""


def _sale(facts: dict[str, Any], tongue: Tongue) -> str:
    title: str = facts["sale"]["title_zh"] if tongue.lang == "zh" else facts["sale"]["title_en"]
    return title or str(facts["sale"]["title_en"])


def buyer_lines(buyer: dict[str, Any], paddle: str, figures: Figures, tongue: Tongue) -> list[str]:
    told = [*address_lines(buyer, figures), *filter(None, [buyer["tax_no"]])]
    return [buyer["name"], *told, *([f"{tongue.gettext('Paddle')} {paddle}"] if paddle else [])]


def address_lines(buyer: Mapping[str, Any], figures: Figures) -> list[str]:
    """Street, then postcode, town and country; an invoice of before the house asked for a street has none."""
    place = figures.place(buyer["city"], buyer["country"])
    return [*filter(None, [buyer.get("street"), " ".join(filter(None, [buyer.get("postcode"), place]))])]


def _columns(invoice: Invoice, tongue: Tongue) -> list[str]:
    say, unit = tongue.gettext, tongue.gettext(", ") + invoice.currency
    heads = [say("Price") if ordered(invoice) else say("Hammer"), say("Premium"), say("Sum")]
    return [say("Lot"), say("Stone"), say("Per carat"), *(f"{head}{unit}" for head in heads)]


def warranty_source(warranty: dict[str, Any], sha256: str | None, figures: Figures, tongue: Tongue) -> str:
    """Which statement it is, and by which self-assessment its seller may give it."""
    told = [warranty["id"], f"SHA-256 {sha256}"]
    if warranty.get("self_assessed"):
        day = figures.day(date.fromisoformat(warranty["self_assessed"]))
        told.append(tongue.gettext("self-assessed %(on)s") % {"on": day})
    return " · ".join(told)


def _lot(lines: dict[str, InvoiceLine], currency: str, figures: Figures, tongue: Tongue) -> dict[str, str]:
    hammer, premium = lines[LineKind.HAMMER], lines[LineKind.PREMIUM]
    facts, mct = hammer.facts, hammer.facts.get("weight_mct")
    pieces = facts.get("pieces", ())
    each = per_carat_minor(hammer.amount_minor, mct) if mct else None
    detail = [figures.ct(mct)] if mct else []
    detail += [facts["report"]] if facts.get("report") else []
    return {
        "number": facts["number"],
        "title": (hammer.text_zh if tongue.lang == "zh" else hammer.text_en) or hammer.text_en,
        "detail": tongue.gettext(", ").join(detail),
        "stones": [_origin(piece, len(pieces) > 1, figures, tongue) for piece in pieces],
        "per_carat": "–" if each is None else figures.amount(each, currency, True),
        "hammer": figures.amount(hammer.amount_minor, currency, True),
        "premium": figures.amount(premium.amount_minor, currency, True) if premium.amount_minor else "–",
        "sum": figures.amount(hammer.amount_minor + premium.amount_minor, currency, True),
    }


def _origin(piece: dict[str, Any], named: bool, figures: Figures, tongue: Tongue) -> dict[str, str]:
    """Where a stone was mined and made, and where its passport is read."""
    code = (
        "stone_mined_made" if piece["mined"] and piece["made"] else "stone_mined" if piece["mined"] else "stone_as_told"
    )
    countries = {name: figures.country(piece[name] or "") for name in ("mined", "made")}
    said = tongue.say(code, **countries)
    passport = piece["passport"] or {}
    return {
        "text": f"{piece['report'] or piece['stock_no']}{tongue.gettext(': ')}{said}" if named else said,
        "href": passport.get("page", ""),
        "link": tongue.say("stone_passport", version=passport.get("version", 0)) if passport else "",
    }


def _disclosures(invoice: Invoice, figures: Figures, tongue: Tongue) -> list[str]:
    """What a coloured or treated stone is: natural, its origin, its treatment; other diamonds have the warranty."""
    found = []
    for line in invoice.lines:
        for piece in line.facts.get("pieces", ()) if line.kind == LineKind.HAMMER else ():
            treatment = piece["treatment"]
            if piece["species"] == "diamond" and not treatment:
                continue
            gem = term("variety", piece["variety"], tongue.lang) if piece["variety"] else ""
            told = tongue.say(
                "stone_disclosed",
                number=line.facts["number"],
                gem=gem or term("species", piece["species"], tongue.lang),
                origin=figures.country(piece["mined"]) if piece["mined"] else tongue.gettext("not stated"),
                treatment=term("treatment", treatment or "none", tongue.lang),
            )
            found.append(told)
    return list(dict.fromkeys(found))


def _sum(invoice: Invoice, kind: LineKind, figures: Figures) -> str:
    total = sum(line.amount_minor for line in invoice.lines if line.kind == kind)
    return figures.amount(total, invoice.currency, True)


def _bank_lines(invoice: Invoice, tongue: Tongue) -> list[str]:
    bank = invoice.facts["seller"]["bank"]
    say, colon = tongue.gettext, tongue.gettext(": ")
    return [
        f"{say('Account holder')}{colon}{bank['holder']}",
        f"{say('Account')}{colon}{bank['account']} · BIC {bank['bic']}",
        f"{tongue.say('payto_reference')}{colon}{invoice.number or '–'}",
    ]
