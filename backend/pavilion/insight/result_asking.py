"""What may be asked of the archive: read from an address, written back as one, and as conditions of SQL."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, or_

from pavilion.catalogue.nomenclature import nomenclature
from pavilion.insight.results_models import ResultLot
from pavilion.kernel.ids import is_ulid
from pavilion.kernel.money import CURRENCIES, MAX_AMOUNT, decimal_text, parse_minor
from pavilion.kernel.weight import two_decimals

STATES = ("sold", "sold_after", "cancelled", "passed", "withdrawn")
SORTS: Mapping[str, Any] = {
    "ended": ResultLot.ended_at,
    "hammer": ResultLot.hammer,
    "ppc": ResultLot.per_carat,
    "ct": ResultLot.weight_mct,
    "against": ResultLot.against_bp,
}
USUAL = "ended-"
OF_STONES = ("shape", "color", "clarity", "lab")
PAGE, MOST = 50, 250
MOST_CODES = 40  # of one choice; there are 32 shapes
LONGEST = 400  # characters of one value
_WEIGHT = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,3}))?")
_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")

Ends = tuple[int | None, int | None]
NOWHERE: Ends = (None, None)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. Weight in milli-carats, price in minor units of `currency`, days both inclusive."""

    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    weight: Ends = NOWHERE
    price: Ends = NOWHERE
    days: tuple[date | None, date | None] = (None, None)
    currency: str = ""
    sort: str = USUAL
    cursor: str = ""
    limit: int = PAGE
    faults: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)  # what stood in the fields at fault

    @property
    def filtered(self) -> bool:
        ends = (*self.weight, *self.price, *self.days)
        return bool(self.chosen or self.currency) or any(end is not None for end in ends)

    @property
    def of_stones(self) -> bool:
        """Whether what the stones of a lot are decides if it is among the answers, or where."""
        chosen = any(self.chosen.get(name) for name in OF_STONES)
        return chosen or self.weight != NOWHERE or self.key is ResultLot.weight_mct

    @property
    def descending(self) -> bool:
        return self.sort.endswith("-")

    @property
    def key(self) -> Any:
        return SORTS[self.sort.rstrip("+-")]

    def one(self, name: str) -> str:
        return (self.chosen.get(name) or ("",))[0]

    @property
    def said(self) -> list[tuple[str, str]]:
        """The question as an address holds it: always in this order, without what is usual."""
        pairs = [(name, code) for name in CHOICES for code in self.chosen.get(name, ())]
        pairs += _ends("ct", [None if end is None else two_or_three(end) for end in self.weight])
        pairs += _ends("price", [None if end is None else plain(end, self.currency) for end in self.price])
        pairs += [(name, day.isoformat()) for name, day in zip(("from", "to"), self.days, strict=True) if day]
        pairs += [("cur", self.currency)] if self.currency else []
        return pairs + ([("sort", self.sort)] if self.sort != USUAL else [])

    def address(self, path: str = "/results", **more: str) -> str:
        pairs = self.said + [(name, value) for name, value in more.items() if value]
        return f"{path}?{urlencode(pairs)}" if pairs else path


def asked(params: Iterable[tuple[str, str]], currency: str) -> Asked:
    """What cannot be read is left out and named. A price without its currency is meant in `currency`."""
    given: dict[str, list[str]] = {}
    faults: dict[str, str] = {}
    for name, value in params:
        if name not in _KNOWN:
            faults[name[:40]] = "search_field_unknown"
        elif len(value) > LONGEST or not value.isprintable():
            faults[name] = "search_value_unknown"
        elif value.strip():
            given.setdefault(name, []).append(value.strip())
    read = _Read({name: values[-1] for name, values in given.items()}, faults)
    chosen = {name: read.codes(name, given.get(name, [])) for name in CHOICES}
    priced = "price_from" in given or "price_to" in given
    cur = read.one_of("cur", CURRENCIES, "")
    meant = cur or (currency if priced else "")
    weight, price = (
        (read.weight("ct_from"), read.weight("ct_to")),
        (read.price("price_from", meant), read.price("price_to", meant)),
    )
    days = (read.day("from"), read.day("to"))
    for name, (low, high) in (("ct_to", weight), ("price_to", price)):
        if low is not None and high is not None and low > high:
            faults[name] = "results_crossed"
    if days[0] is not None and days[1] is not None and days[0] > days[1]:
        faults["to"] = "results_crossed"
    return Asked(
        chosen={name: codes for name, codes in chosen.items() if codes},
        weight=weight,
        price=price,
        days=days,
        currency=meant,
        sort=read.one_of("sort", [f"{name}{way}" for name in SORTS for way in "+-"], USUAL),
        cursor=read.texts.get("cursor", ""),
        limit=read.limit(),
        faults=faults,
        typed={name: read.texts[name] for name in faults if name in read.texts},
    )


@dataclass(frozen=True, slots=True)
class _Read:
    texts: Mapping[str, str]
    faults: dict[str, str]

    def wrong(self, name: str) -> None:
        self.faults[name] = "search_value_unknown"

    def codes(self, name: str, values: list[str]) -> tuple[str, ...]:
        codes = list(dict.fromkeys(code for value in values for code in value.split(",") if code))
        if len(codes) > MOST_CODES or not all(CHOICES[name](code) for code in codes):
            self.wrong(name)
            codes = [code for code in codes if CHOICES[name](code)][:MOST_CODES]
        return tuple(codes)

    def one_of(self, name: str, known: Iterable[str], otherwise: str) -> str:
        value = self.texts.get(name, otherwise)
        if value == otherwise or value in known:
            return value
        self.wrong(name)
        return otherwise

    def weight(self, name: str) -> int | None:
        text = self.texts.get(name)
        if text is None:
            return None
        if (match := _WEIGHT.fullmatch(text)) is None:
            self.wrong(name)
            return None
        return int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0"))

    def price(self, name: str, currency: str) -> int | None:
        text = self.texts.get(name)
        if text is None:
            return None
        minor = parse_minor(text, currency)
        if minor is None or minor > MAX_AMOUNT:
            self.wrong(name)
            return None
        return minor

    def day(self, name: str) -> date | None:
        text = self.texts.get(name)
        if text is None:
            return None
        try:
            if _DAY.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        self.wrong(name)
        return None

    def limit(self) -> int:
        text = self.texts.get("limit", str(PAGE))
        if text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MOST:
            return int(text)
        self.wrong("limit")
        return PAGE


def conditions(asked: Asked, withheld: Collection[str]) -> list[ColumnElement[bool]]:
    """Which rows the question means. Of the lots `withheld` from the reader nobody learns by asking what they are."""
    found: list[ColumnElement[bool]] = [ResultLot.lot.not_in(withheld)] if withheld and asked.of_stones else []
    for name, codes in asked.chosen.items():
        if name == "color":
            found.append(or_(ResultLot.color.in_(codes), ResultLot.fancy_color.in_(codes)))
        else:
            found.append(getattr(ResultLot, name).in_(codes))
    if asked.currency:
        found.append(ResultLot.currency == asked.currency)
    found += _between(ResultLot.weight_mct, asked.weight)
    if any(end is not None for end in asked.price):
        found += [ResultLot.state == "sold", *_between(ResultLot.hammer, asked.price)]
    first, last = asked.days
    if first is not None:
        found.append(ResultLot.ended_at >= _midnight(first))
    if last is not None:
        found.append(ResultLot.ended_at < _midnight(last) + timedelta(days=1))
    return found


def _between(column: Any, ends: Ends) -> list[ColumnElement[bool]]:
    least, most = ends
    return ([column >= least] if least is not None else []) + ([column <= most] if most is not None else [])


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


def _ends(name: str, ends: list[str | None]) -> list[tuple[str, str]]:
    return [(f"{name}_{side}", end) for side, end in zip(("from", "to"), ends, strict=True) if end is not None]


def two_or_three(mct: int) -> str:
    """A weight as it is typed: two decimals, or the three it has."""
    return two_decimals(mct) if mct % 10 == 0 else f"{mct // 1000}.{mct % 1000:03d}"


def plain(minor: int, currency: str) -> str:
    return decimal_text(minor, currency).removesuffix(".00")


def colours() -> list[str]:
    return [*nomenclature().codes["color"], *nomenclature().codes["fancy_color"]]


CHOICES: Mapping[str, Any] = {
    "sale": is_ulid,
    "state": lambda code: code in STATES,
    "shape": lambda code: code in nomenclature().codes["shape"],
    "color": lambda code: code in colours() or code in nomenclature().codes["color_range"],
    "clarity": lambda code: code in nomenclature().codes["clarity"],
    "lab": lambda code: code in nomenclature().labs,
}
_KNOWN = frozenset(CHOICES) | {
    *("ct_from", "ct_to", "price_from", "price_to", "from", "to", "cur", "sort", "cursor", "limit", "lang"),
}
