"""The search as programs ask it: every field of its query, from what can be asked of the catalogue."""

import re
from collections.abc import Iterable
from typing import Any

from pavilion.catalogue.forms import LONGEST, LONGEST_TEXT
from pavilion.catalogue.past_showing import LONGEST_INSTANT
from pavilion.catalogue.wanted import CHOICES, MOST, PAGE, RANGES, SORTS, Choice, Range
from pavilion.kernel.money import CURRENCIES
from pavilion.webkit.answers import parameter

_UNITS = {
    "ct": "Weight, carats", "ppc": "Price per carat", "total": "Price", "list": "Against the list, percent",
    "length": "Length, millimetres", "width": "Width, millimetres", "height": "Depth, millimetres",
    "depth": "Depth, percent", "table": "Table, percent", "ratio": "Length to width", "crown": "Crown angle, degrees",
    "pavilion": "Pavilion angle, degrees", "since": "Listed on that day",
    "officeday": "In an office, of `office` or any, on some day; without it `office` is asked of now",
}  # fmt: skip


def of_search() -> dict[str, Any]:
    """For `openapi_extra=` of the search."""
    choices = [_choice(one) for one in CHOICES.values()]
    ranges = [_end(one, end) for one in RANGES.values() for end in ("from", "to")]
    return {"parameters": [*choices, *ranges, *_own()]}


def codes(name: str, about: str, known: Iterable[str], *, runs: bool = True) -> dict[str, Any]:
    """Any of some codes: several parted by commas, neighbours as a run."""
    listed = list(known)
    one = f"(?:{'|'.join(re.escape(code) for code in listed)})"
    one += rf"(?:\.\.{one})?" if runs else ""
    run = ", a run is `first..last`" if runs else ""
    words = f"{about} Several are parted by commas{run}: {', '.join(listed)}."
    return parameter(name, words, listed[0], pattern=f"^{one}(?:,{one})*$", maxLength=LONGEST)


def _choice(choice: Choice) -> dict[str, Any]:
    about = "Any of these." + (" Asked by the house alone." if choice.staff else "")
    if choice.free:
        return parameter(choice.name, f"{about} As the stones have it.", "Debswana", maxLength=LONGEST)
    return codes(choice.name, about, choice.codes)


def _end(span: Range, end: str) -> dict[str, Any]:
    words = f"{_UNITS[span.name]}: {'at least' if end == 'from' else 'at most'}."
    if span.priced:
        words += " For those who may see prices."
    if span.day:
        return parameter(f"{span.name}_{end}", words, "2026-11-01", format="date")
    sign = "-?" if span.signed else ""
    return parameter(
        f"{span.name}_{end}", words, "1", pattern=rf"^{sign}[0-9]{{1,13}}(?:\.[0-9]{{1,{span.places or 1}}})?$"
    )


def _own() -> list[dict[str, Any]]:
    return [
        parameter("q", "Stock number, report number, or the beginning of one.", "A-101", maxLength=LONGEST_TEXT),
        parameter("sort", "The order; a trailing - is downwards.", "ct-", enum=list(SORTS)),
        parameter("cur", "Currency of prices asked.", "USD", enum=sorted(CURRENCIES)),
        parameter(
            "as_of",
            "The list as it was: the number of a change, or an instant (UTC) of which it was the last. For the house "
            "and for members; without counts of what else could be asked.",
            "4711",
            maxLength=LONGEST_INSTANT,
        ),
        parameter("limit", "Stones of a page.", PAGE, type="integer", minimum=1, maximum=MOST, default=PAGE),
        parameter(
            "cursor", "`cursor` of the page before; with the same question.", "WyJjdC0iLCJ4Il0", maxLength=LONGEST
        ),
    ]
