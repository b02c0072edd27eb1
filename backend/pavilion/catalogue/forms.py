"""What an outsider may ask of the catalogue: read from an address, and written back as its one address."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import quote

from pavilion.catalogue.nomenclature import clean
from pavilion.catalogue.wanted import (
    CHOICES,
    MOST,
    PAGE,
    PRICED_SORTS,
    RANGES,
    SORTS,
    Choice,
    Range,
    Wanted,
    unit_of,
)
from pavilion.kernel.ids import is_ulid
from pavilion.kernel.money import CURRENCIES, MAX_AMOUNT

LONGEST = 400  # characters of one value; more is a fault before anything else is looked at
LONGEST_TEXT = 40
MOST_FREE = 20  # codes of a choice that has no enumeration
MOST_COMPARED = 6
VIEWS = ("grid", "list", "table")
FIRST_DAY = date(1970, 1, 1)

_NUMBER = re.compile(r"(-?)([0-9]{1,13})(?:\.([0-9]{1,3}))?")
_GROUPED = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,3})?")
_OWN = frozenset({"q", "sort", "cur", "view", "cursor", "limit", "lang"})


@dataclass(frozen=True, slots=True)
class Asked:
    """The question, how it is shown, and what in the address was not understood: field and code."""

    wanted: Wanted
    view: str = "grid"
    cursor: str | None = None
    limit: int = PAGE
    faults: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Reading:
    """One address while it is read."""

    prices: bool
    faults: dict[str, str] = field(default_factory=dict)

    def fault(self, name: str, code: str) -> None:
        self.faults.setdefault(name[:40], code)


def asked(params: Iterable[tuple[str, str]], *, prices: bool, staff: bool = False) -> Asked:
    """The address as a question. What cannot be read is left out and named, never guessed.

    Without the right to see prices nothing may be asked, ordered or counted by them; what the house alone asks is
    unknown to others.
    """
    reading = _Reading(prices)
    given: dict[str, list[str]] = {}
    for name, value in params:
        if len(value) > LONGEST or not value.isprintable():
            reading.fault(name, "search_value_unknown")
        elif value.strip():
            given.setdefault(name, []).append(value.strip())
    for name in given:
        if not _known(name, staff):
            reading.fault(name, "search_field_unknown")
    currency = _one_of(reading, given, "cur", sorted(CURRENCIES), "USD")
    wanted = Wanted(
        text=_text(reading, given),
        chosen={
            name: codes
            for name, choice in CHOICES.items()
            if (staff or not choice.staff) and (codes := _codes(reading, given, choice))
        },
        ranges={name: ends for name, span in RANGES.items() if (ends := _ends(reading, given, span, currency))},
        currency=currency,
        sort=_sort(reading, given),
    )
    view = _one_of(reading, given, "view", VIEWS, "grid")
    cursor = given.get("cursor", [None])[-1]
    return Asked(wanted, view, cursor, _limit(reading, given), tuple(sorted(reading.faults.items())))


def default_sort(prices: bool) -> str:
    return "ppc-" if prices else "ct-"


def address(wanted: Wanted, *, view: str = "grid", prices: bool, path: str = "/stones", **more: str | None) -> str:
    """The one address of this question: fixed order, nothing that is a default, runs of grades as `D..G`."""
    parts: list[tuple[str, str]] = [("q", wanted.text)] if wanted.text else []
    for name, choice in CHOICES.items():
        if codes := wanted.chosen.get(name):
            values = sorted(codes) if choice.free else [_runs(choice.codes, codes)]
            parts += [(name, value) for value in values]
    for name, span in RANGES.items():
        least, most = wanted.ranges.get(name, (None, None))
        ends = ((f"{name}_from", least), (f"{name}_to", most))
        parts += [(key, written(span, end, wanted.currency)) for key, end in ends if end is not None]
    if wanted.currency != "USD" and (prices or any(RANGES[name].money for name in wanted.ranges)):
        parts.append(("cur", wanted.currency))
    if wanted.sort != default_sort(prices):
        parts.append(("sort", wanted.sort))
    if view != "grid":
        parts.append(("view", view))
    parts += [(name, value) for name, value in more.items() if value]
    query = "&".join(f"{name}={quote(value, safe=',.-')}" for name, value in parts)
    return f"{path}?{query}" if query else path


def written(span: Range, value: int, currency: str) -> str:
    """A bound as a person writes it: no zeros at the end, no grouping; a day as year, month and day."""
    if span.day:
        return (FIRST_DAY + timedelta(days=value)).isoformat()
    unit = unit_of(span, currency)
    whole, part = divmod(abs(value), unit)
    digits = str(part).rjust(len(str(unit)) - 1, "0").rstrip("0") if part else ""
    return f"{'-' if value < 0 else ''}{whole}{'.' + digits if digits else ''}"


def compared(raw: str) -> tuple[list[str], int]:
    """Up to six public ids, parted by commas, and how many more there are; anything else is left out."""
    ids = list(dict.fromkeys(part for part in raw.split(",") if is_ulid(part)))
    return ids[:MOST_COMPARED], len(ids[MOST_COMPARED:])


def _known(name: str, staff: bool) -> bool:
    if name in CHOICES:
        return staff or not CHOICES[name].staff
    return name in _OWN or re.sub(r"_(from|to)$", "", name) in RANGES


def _text(reading: _Reading, given: Mapping[str, list[str]]) -> str:
    text = clean(given.get("q", [""])[-1])
    if len(text) > LONGEST_TEXT:
        reading.fault("q", "search_value_unknown")
        return ""
    return text.casefold()


def _codes(reading: _Reading, given: Mapping[str, list[str]], choice: Choice) -> frozenset[str]:
    values = given.get(choice.name, [])
    if choice.free:
        if len(values) > MOST_FREE:
            reading.fault(choice.name, "search_value_unknown")
        return frozenset(values[:MOST_FREE])
    found: set[str] = set()
    for piece in (piece.strip() for value in values for piece in value.split(",")):
        first, dots, last = piece.partition("..")
        if first in choice.codes and (not dots or last in choice.codes):
            start, end = choice.codes.index(first), choice.codes.index(last if dots else first)
            found.update(choice.codes[min(start, end) : max(start, end) + 1])
        elif piece:
            reading.fault(choice.name, "search_value_unknown")
    return frozenset(found)


def _ends(
    reading: _Reading, given: Mapping[str, list[str]], span: Range, currency: str
) -> tuple[int | None, int | None] | None:
    least, most = (_number(reading, given, span, f"{span.name}_{end}", currency) for end in ("from", "to"))
    if least is None and most is None:
        return None
    if span.priced and not reading.prices:
        reading.fault(span.name, "search_price_hidden")
        return None
    return (most, least) if least is not None and most is not None and most < least else (least, most)


def _number(reading: _Reading, given: Mapping[str, list[str]], span: Range, name: str, currency: str) -> int | None:
    if name not in given:
        return None
    if span.day:
        return _day(reading, given[name][-1], name)
    text = given[name][-1].replace("−", "-")
    text = text.replace(",", "") if _GROUPED.fullmatch(text) else text
    match = _NUMBER.fullmatch(text)
    places = len(str(unit_of(span, currency))) - 1
    if match is None or len((match[3] or "").rstrip("0")) > places or (match[1] and not span.signed):
        reading.fault(name, "search_number_unknown")
        return None
    value = int(match[2]) * unit_of(span, currency) + int(((match[3] or "") + "000")[:places] or "0")
    if value > (MAX_AMOUNT if span.money else 2**31 - 1):
        reading.fault(name, "search_number_unknown")
        return None
    return -value if match[1] else value


def _day(reading: _Reading, text: str, name: str) -> int | None:
    try:
        day = date.fromisoformat(text) if len(text) == len("2026-01-31") else None
    except ValueError:
        day = None
    if day is None or day < FIRST_DAY:
        reading.fault(name, "search_number_unknown")
        return None
    return (day - FIRST_DAY).days


def _sort(reading: _Reading, given: Mapping[str, list[str]]) -> str:
    default = default_sort(reading.prices)
    sort = _one_of(reading, given, "sort", SORTS, default)
    if sort in PRICED_SORTS and not reading.prices:
        reading.fault("sort", "search_price_hidden")
        return default
    return sort


def _one_of(reading: _Reading, given: Mapping[str, list[str]], name: str, codes: Sequence[str], default: str) -> str:
    value = given.get(name, [default])[-1]
    if value not in codes:
        reading.fault(name, "search_value_unknown")
        return default
    return value


def _limit(reading: _Reading, given: Mapping[str, list[str]]) -> int:
    text = given.get("limit", [str(PAGE)])[-1]
    if not re.fullmatch(r"[1-9][0-9]{0,2}", text) or int(text) > MOST:
        reading.fault("limit", "search_number_unknown")
        return PAGE
    return int(text)


def _runs(order: Sequence[str], codes: frozenset[str]) -> str:
    """`D,F..H`: three or more neighbours are a run."""
    places = sorted(order.index(code) for code in codes)
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    words = []
    for run in runs:
        names = [order[place] for place in run]
        words += [f"{names[0]}..{names[-1]}"] if len(names) > 2 else names
    return ",".join(words)
