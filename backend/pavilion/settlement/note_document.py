"""The credit note on paper, worded in the reader's language from what the note and its invoice froze."""

from datetime import date
from typing import Any

from pavilion.settlement.document import buyer_lines, charge_words, house_notes, tax_words, warranty_source
from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.note_models import CreditNote
from pavilion.settlement.rules import LineKind
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue


def data_of(note: CreditNote, invoice: Invoice, tongue: Tongue) -> dict[str, Any]:
    """Everything that `pdf/credit_note.typ` sets, ready worded."""
    figures, say, facts, currency = Figures(tongue), tongue.gettext, invoice.facts, invoice.currency
    by_id = {line.id: line for line in invoice.lines}
    taken = [(by_id[line.line_id], line.amount_minor) for line in note.lines]
    tax = sum(amount for line, amount in taken if line.kind == LineKind.TAX)
    diamonds = any(line.facts.get("species") == "diamond" for line, _ in taken if line.kind == LineKind.HAMMER)
    warranty = facts.get("warranty") if diamonds else None
    issued = figures.day(date.fromisoformat(invoice.issued_on or note.issued_on))
    return {
        "lang": tongue.lang,
        "title": say("Credit note"),
        "subtitle": f"{note.number} · {figures.day(date.fromisoformat(note.issued_on))}",
        "footer": f"{facts['seller']['name']} · {note.number}",
        "seller": {
            "name": facts["seller"]["name"],
            "lines": [facts["seller"]["name"], *facts["seller"]["address"], facts["seller"]["tax_no"]],
        },
        "buyer": {"lines": buyer_lines(facts["buyer"], facts["paddle"], figures, tongue)},
        "invoice": [invoice.number or "", issued],
        "words": {
            "seller": say("Seller"),
            "buyer": say("Buyer"),
            "invoice": say("Invoice"),
            "reason": say("Reason"),
            "warranty": say("Warranty of the seller"),
            "columns": [say("Lot"), say("Stone"), say("Line"), f"{say('Credited')}, {currency}"],
        },
        "about": tongue.say("note_about", number=invoice.number, day=issued),
        "reason": tongue.say(code) if tongue.knows("code", code := f"note_{note.reason}") else note.reason,
        "rows": [_row(line, amount, currency, figures, tongue) for line, amount in taken if line.kind != LineKind.TAX],
        "totals": [
            {"word": say("Tax"), "amount": figures.amount(tax, currency, True)},
        ],
        "grand": {
            "word": say("Credited"),
            "amount": f"{currency} {figures.amount(note.total_minor, currency, True)}",
        },
        "tax_text": tax_words(invoice, tongue),
        "warranty": warranty["text_en"] if warranty else "",
        "warranty_source": warranty_source(warranty, invoice.warranty_sha256, figures, tongue) if warranty else "",
        "notes": house_notes(facts["seller"], tongue),
    }


def _row(line: InvoiceLine, amount: int, currency: str, figures: Figures, tongue: Tongue) -> dict[str, str]:
    said = {"amount": figures.amount(amount, currency, True), "number": "–", "detail": ""}
    if line.kind == LineKind.CHARGE:
        return {**said, "title": charge_words(line, tongue), "what": tongue.gettext("Charge")}
    mct, report = line.facts.get("weight_mct"), line.facts.get("report")
    detail = ", ".join(filter(None, [figures.ct(mct) if mct else "", report or ""]))
    what = tongue.gettext("Hammer") if line.kind == LineKind.HAMMER else tongue.gettext("Premium")
    title = (line.text_zh if tongue.lang == "zh" else "") or line.text_en
    return {**said, "title": title, "what": what, "number": line.facts["number"], "detail": detail}
