"""The terms of a sale as a form of texts: each member with its kind and its bounds."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pavilion.auctions.deposits import MOST_TIMES
from pavilion.auctions.forms import bands_text, read_bands
from pavilion.auctions.rules import bands_sound
from pavilion.kernel.money import MAX_AMOUNT, decimal_text, parse_minor
from pavilion.settlement.terms import Terms

MOST_REMINDERS = 8


@dataclass(frozen=True, slots=True)
class Term:
    """`kind`: whole, rate, amount, optional, yes, days, bands. `unit` is the word beside a whole number."""

    name: str
    kind: str
    unit: str = ""
    least: int = 0
    most: int = 60


GROUPS: tuple[tuple[str, tuple[Term, ...]], ...] = (
    (
        "deposit",
        (
            Term("deposit_rate_bp", "rate"),
            Term("deposit_min_minor", "amount"),
            Term("deposit_max_minor", "optional"),
            Term("deposit_fixed_minor", "amount"),
            Term("deposit_factor", "whole", "times", 1, MOST_TIMES),
            Term("deposit_by_hold", "yes"),
        ),
    ),
    (
        "payment",
        (
            Term("due_days", "whole", "business_days"),
            Term("reminders", "days"),
            Term("card_ceiling_minor", "amount"),
            Term("checkout_hours", "whole", "hours", 1, 24),
            Term("auto_charge", "yes"),
            Term("refund_alone_minor", "amount"),
        ),
    ),
    (
        "default",
        (
            Term("grace_days", "whole", "business_days"),
            Term("forfeit_bp", "rate"),
            Term("forfeit_to_seller_bp", "rate"),
            Term("forfeit_wait_days", "whole", "business_days"),
            Term("offer_hours", "whole", "hours", 1, 336),
            Term("passed_offer_days", "whole", "business_days"),
            Term("approach_floor_bp", "rate"),
        ),
    ),
    (
        "release",
        (
            Term("holdback_days", "whole", "business_days"),
            Term("export_proof_days", "whole", "calendar_days", 1, 365),
            Term("ownership_on_payment", "yes"),
            Term("way_days", "whole", "business_days"),
        ),
    ),
    (
        "seller",
        (
            Term("commission", "bands"),
            Term("unsold_charge_minor", "amount"),
            Term("seller_days", "whole", "business_days", 0, 90),
        ),
    ),
)
TERMS = tuple(term for _, terms in GROUPS for term in terms)


def texts(terms: Terms, currency: str) -> dict[str, str]:
    """Each member as it is typed."""
    return {term.name: _text(term, getattr(terms, term.name), currency) for term in TERMS}


def read(said: Mapping[str, str], usual: Terms, currency: str) -> tuple[dict[str, Any], dict[str, str]]:
    """(the members that differ from the selling entity's usual terms, the fault of each field that was not readable).
    A yes that was not said is a no."""
    found: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for term in TERMS:
        text = " ".join(said.get(term.name, "").split()) if term.kind != "bands" else said.get(term.name, "")
        try:
            value = _READERS[term.kind](text, term, currency)
        except ValueError as fault:
            faults[term.name] = str(fault)
            continue
        if value != getattr(usual, term.name):
            found[term.name] = value
    most, least = found.get("deposit_max_minor", usual.deposit_max_minor), found.get("deposit_min_minor")
    least = usual.deposit_min_minor if least is None else least
    if not faults and most is not None and most < least:
        faults["deposit_max_minor"] = "term_below_least"
    return found, faults


def _text(term: Term, value: Any, currency: str) -> str:
    match term.kind:
        case "rate":
            return f"{value // 100}" + (f".{value % 100:02d}" if value % 100 else "")
        case "amount" | "optional":
            return "" if value is None else _grouped(decimal_text(value, currency))
        case "yes":
            return "yes" if value else ""
        case "days":
            return ", ".join(map(str, value))
        case "bands":
            return bands_text([list(band) for band in value], currency)
        case _:
            return str(value)


def _grouped(amount: str) -> str:
    whole, point, part = amount.partition(".")
    return f"{int(whole):,}{point}{part}"


def _whole(text: str, term: Term, _currency: str) -> int:
    if re.fullmatch(r"[0-9]{1,4}", text) is None or not term.least <= int(text) <= term.most:
        raise ValueError("term_out_of_range")
    return int(text)


def _rate(text: str, _term: Term, _currency: str) -> int:
    found = re.fullmatch(r"([0-9]{1,3})(?:\.([0-9]{1,2}))? ?%?", text)
    rate = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else None
    if rate is None or rate > 10_000:
        raise ValueError("term_rate_invalid")
    return rate


def _amount(text: str, _term: Term, currency: str) -> int:
    amount = parse_minor(text, currency)
    if amount is None or amount > MAX_AMOUNT:
        raise ValueError("amount_invalid")
    return amount


def _optional(text: str, term: Term, currency: str) -> int | None:
    if not text:
        return None
    if (amount := _amount(text, term, currency)) == 0:
        raise ValueError("amount_invalid")
    return amount


def _yes(text: str, _term: Term, _currency: str) -> bool:
    if text not in ("", "yes"):
        raise ValueError("bad_input")
    return text == "yes"


def _days(text: str, _term: Term, _currency: str) -> tuple[int, ...]:
    words = [word for word in re.split(r"[,;，；\s]+", text.replace("−", "-")) if word]
    if len(words) > MOST_REMINDERS or any(re.fullmatch(r"[+-]?[0-9]{1,2}", word) is None for word in words):
        raise ValueError("term_days_unread")
    return tuple(sorted({int(word) for word in words}))


def _bands(text: str, _term: Term, currency: str) -> tuple[tuple[int | None, int], ...]:
    try:
        bands = read_bands(text, currency)
    except ValueError:
        raise ValueError("table_unread") from None
    if not bands_sound(bands):
        raise ValueError("table_unread")
    return tuple((upto, rate or 0) for upto, rate in bands)


_READERS: Mapping[str, Callable[[str, Term, str], Any]] = {
    "whole": _whole,
    "rate": _rate,
    "amount": _amount,
    "optional": _optional,
    "yes": _yes,
    "days": _days,
    "bands": _bands,
}
