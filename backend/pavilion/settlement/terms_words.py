"""The terms of a sale in the reader's words: amounts with their currency, rates in percent, days and bands told."""

from typing import Any

from pavilion.settlement.terms import Bands, Terms
from pavilion.settlement.terms_form import TERMS, Term
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue


def told(terms: Terms, currency: str, tongue: Tongue) -> dict[str, str]:
    """Each member as a person says it."""
    return {term.name: _told(term, getattr(terms, term.name), currency, tongue) for term in TERMS}


def _told(term: Term, value: Any, currency: str, tongue: Tongue) -> str:
    match term.kind:
        case "rate":
            return Figures(tongue).pct(value)
        case "amount" | "optional":
            return _sum(value, currency, tongue) if value is not None else tongue.pgettext("terms", "none")
        case "yes":
            return tongue.pgettext("terms", "yes") if value else tongue.pgettext("terms", "no")
        case "days":
            days = [_day(one, tongue) for one in value]
            return tongue.gettext(", ").join(days) or tongue.pgettext("terms", "none")
        case "bands":
            return _bands(value, currency, tongue)
        case _:
            return f"{value} {tongue.say(f'agreed_unit_{term.unit}')}" if term.unit else str(value)


def _sum(minor: int, currency: str, tongue: Tongue) -> str:
    return f"{currency} {Figures(tongue).amount(minor, currency, True)}"


def _day(offset: int, tongue: Tongue) -> str:
    if offset == 0:
        return tongue.say("agreed_told_on_due")
    side, one = "before" if offset < 0 else "after", "_one" if abs(offset) == 1 else ""
    return tongue.say(f"agreed_told_{side}{one}", n=abs(offset))


def _bands(bands: Bands, currency: str, tongue: Tongue) -> str:
    if not any(rate for _, rate in bands):
        return tongue.pgettext("terms", "none")
    pct = Figures(tongue).pct
    if len(bands) == 1:
        return tongue.say("agreed_told_flat", rate=pct(bands[0][1]))
    parts = [
        tongue.say("agreed_told_above", rate=pct(rate))
        if upto is None
        else tongue.say("agreed_told_upto", rate=pct(rate), sum=_sum(upto, currency, tongue))
        for upto, rate in bands
    ]
    return tongue.gettext(", ").join(parts)
