"""One cell of a stock file: what it says, what was wrong with it, and what it says of other columns."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pavilion.catalogue import fancy
from pavilion.catalogue.nomenclature import Column, Nomenclature, clean, key, nomenclature
from pavilion.catalogue.numbers import CURRENCIES, Unread, read_list_pct, read_money, read_number, read_percent

CELL_CHARS_MOST = 2000
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Context:
    """What a cell may know of its file and row."""

    profile: str = "none"
    decimal: str = "."
    currency: str = "USD"
    lab: str | None = None
    fancy: bool = False
    natural_or_lab: str = "natural"
    mappings: Mapping[str, Any] = field(default_factory=dict)
    """The sender's own choices: column -> {word: code}, and `list_pct_sign`, `date_order`, `@headers`."""


@dataclass(frozen=True, slots=True)
class Cell:
    value: Any = None
    issues: tuple[str, ...] = ()
    also: Mapping[str, Any] = field(default_factory=dict)


EMPTY = Cell()


def read_cell(column: str, raw: str, context: Context) -> Cell:
    """The cell by the rules of its column; `issues` are sorted codes."""
    if len(raw) > CELL_CHARS_MOST:
        return Cell(issues=("too_long",))
    text = clean(raw)
    if not text:
        return EMPTY
    if text[0] == "=":
        return Cell(issues=("formula_cell",))
    table = nomenclature()
    spec = table.columns[column]
    word = key(text) if spec.type in _WORDS else text
    if (chosen := _chosen(column, text, context)) is not None:
        return chosen
    doubt = table.doubts.get("fancy_color" if column == "fancy_secondary" else column, {}).get(word)
    if doubt is not None:
        known = doubt.profile.get(context.profile)
        return Cell(known) if known is not None else Cell(issues=("ambiguous_value",))
    try:
        return _PARSERS[spec.type](text, spec, context, table)
    except Unread as unread:
        return Cell(issues=(unread.code,))


def suggestions(column: str, raw: str) -> tuple[str, ...]:
    """The readings to choose from where a word is ambiguous."""
    table = nomenclature()
    doubt = table.doubts.get(column, {}).get(key(raw))
    if doubt is not None:
        return doubt.candidates
    if table.columns[column].type == "list_pct":
        return ("positive_is_discount", "positive_is_premium")
    return ("dmy", "mdy") if table.columns[column].type == "date" else ()


_WORDS = frozenset(("enum", "fancy", "color", "country", "currency"))


def _chosen(column: str, text: str, context: Context) -> Cell | None:
    """The sender's stored choice for this very word."""
    choices = context.mappings.get(column)
    if not isinstance(choices, Mapping):
        return None
    wanted = key(text)
    for word, value in choices.items():
        if key(word) == wanted:
            return Cell(value)
    return None


def _cell(value: Any, issues: tuple[str, ...] = (), also: Mapping[str, Any] = NOTHING) -> Cell:
    return Cell(value, tuple(sorted(set(issues))) if len(issues) > 1 else issues, also)


def _ranged(value: int, spec: Column) -> int:
    if (spec.minimum is not None and value < spec.minimum) or (spec.maximum is not None and value > spec.maximum):
        raise Unread("out_of_range")
    return value


def _enum(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    word = key(text)
    for lab, code, degree in table.lab_scoped.get((spec.name, word), ()):
        if lab in ("any", context.lab):
            return Cell(code, also={"treatment_level": degree})
    if (joined := table.joined.get((spec.name, word))) is not None:
        return Cell(joined[0], also=joined[1])
    value = table.aliases[spec.name].get(word)
    if value is not None:
        if spec.name == "clarity" and value == "none" and not context.fancy:
            raise Unread("unknown_value")
        return Cell(value == "true" if spec.name == "pair_separable" else value)
    if spec.name == "fluor_intensity":
        return _fluorescence(word, table)
    if spec.name == "girdle_min":
        return _girdle(text, table)
    raise Unread("unknown_value")


def _fluorescence(word: str, table: Nomenclature) -> Cell:
    """Intensity and colour in one word: `SB`, `Strong Blue`."""
    intensities, colors = table.aliases["fluor_intensity"], table.aliases["fluor_color"]
    found = {
        (intensity, color)
        for cut in range(1, len(word))
        if (intensity := intensities.get(word[:cut])) not in (None, "none")
        and (color := colors.get(word[cut:])) is not None
    }
    if not found:
        raise Unread("unknown_value")
    if len(found) > 1:
        raise Unread("ambiguous_value")
    intensity, color = found.pop()
    return Cell(intensity, also={"fluor_color": color})


_BETWEEN = re.compile(r"[-/,]|\bto\b")


def _girdle(text: str, table: Nomenclature) -> Cell:
    """A range such as `Thin to Medium`: the thinner is the value."""
    folded, known, order = text.casefold(), table.aliases["girdle_min"], table.codes["girdle"]
    for mark in _BETWEEN.finditer(folded):
        sides = [known.get(key(side)) for side in (folded[: mark.start()], folded[mark.end() :])]
        if None not in sides:
            thin, thick = sorted(map(str, sides), key=order.index)
            return Cell(thin, also={"girdle_max": thick})
    raise Unread("unknown_value")


def _color(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    value = fancy.white(text, table)
    if value is not None:
        standard = value in table.codes["color"] or value in table.codes["color_range"]
        return Cell(value, () if standard else ("color_range_nonstandard",))
    return Cell(also=fancy.described(text, table))


def _fancy(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    if spec.name == "fancy_overtone":
        known = table.aliases["fancy_overtone"]
        parts = [known.get(key(part)) for part in re.split(r"[ ,]+", text) if part]
        if not 1 <= len(parts) <= fancy.MODIFIERS_MOST or None in parts:
            raise Unread("unknown_value")
        return Cell(parts)
    value = table.aliases["fancy_color"].get(key(text))
    if value is not None:
        return Cell(value)
    if spec.name == "fancy_secondary":
        raise Unread("unknown_value")
    also = fancy.described(text, table)
    return Cell(also.pop("fancy_color"), also=also)


_WEIGHT_END = re.compile(r"\s*(?:cts?|carats?)\.?$", re.IGNORECASE)
_MM = re.compile(r"(?<=[0-9.,])\s*mm\b\.?", re.IGNORECASE)
_TIMES = re.compile(r"\s*[-xX*/×]\s*|\s+")


def _weight(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    value, issues = read_number(_WEIGHT_END.sub("", text), context.decimal).stored(1000)
    return _cell(_ranged(value, spec), issues)


def _length(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    value, issues = read_number(_MM.sub("", text), context.decimal).stored(1000)
    return _cell(_ranged(value, spec), issues)


def _measurements(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    parts = _TIMES.split(_MM.sub("", text))
    if len(parts) != 3 or not all(parts):
        raise Unread("number_format")
    read = [read_number(part, context.decimal).stored(1000) for part in parts]
    length, width, depth = (_ranged(value, spec) for value, _ in read)
    issues = tuple(code for _, codes in read for code in codes)
    return _cell([max(length, width), min(length, width), depth], issues)


def _percent(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    value, issues = read_percent(text, context.decimal, fraction=spec.fraction)
    return _cell(_ranged(value, spec), issues)


def _angle(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    value, issues = read_number(text.removesuffix("°").rstrip(), context.decimal).stored(100)
    return _cell(_ranged(value, spec), issues)


def _money(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    return _cell(*read_money(text, context.decimal, context.currency, floor=spec.name != "list_price"))


def _list_pct(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    value, issues = read_list_pct(text, context.decimal, context.mappings.get("list_pct_sign"))
    return _cell(_ranged(value, spec), issues)


_STOCK_NO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{1,30}[A-Za-z0-9]")
_ORIGIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]{1,62}[A-Za-z0-9]")
_KP_NO = re.compile(r"[A-Z]{2}[A-Z0-9]{3,20}")


def _stock_no(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    if _STOCK_NO.fullmatch(text) is None:
        raise Unread("stock_no_format")
    return Cell(text)


def _origin_id(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    if _ORIGIN_ID.fullmatch(text) is None:
        raise Unread("origin_id_format")
    return Cell(text.upper())


def _kp_no(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    number = re.sub(r"[\s-]", "", text).upper()
    if _KP_NO.fullmatch(number) is None:
        raise Unread("kp_no_format")
    return Cell(number)


def _report_no(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    if table.scientific.fullmatch(text):
        raise Unread("report_no_scientific")
    if text.casefold() in table.refused_report_words or not text.strip("."):
        raise Unread("report_no_format")
    number = re.sub(r"[\s_#-]", "", text).upper()
    lab = (context.lab or "").replace("_", "")
    for prefix in ("AGSL", "AGS") if lab == "AGS" else (lab,):
        number = number.removeprefix(prefix)
    if table.labs.get(context.lab or "", table.any_lab).fullmatch(number) is None:
        raise Unread("report_no_format")
    grown = context.lab == "IGI" and number.startswith("LG") and context.natural_or_lab == "natural"
    return Cell(number, ("natural_lab_mixed",) if grown else ())


def _currency(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    if text.upper() not in CURRENCIES:
        raise Unread("unknown_value")
    return Cell(text.upper())


def _integer(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    if re.fullmatch(r"[0-9]{1,18}", text) is None:
        raise Unread("number_format")
    return Cell(_ranged(int(text), spec))


def _country(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    code = table.countries.get(key(text))
    if code is None:
        raise Unread("country_unknown")
    return Cell(code)


_YMD = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?: 00:00(?::00)?)?", re.ASCII)
_NIAN = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日", re.ASCII)
_NAMED = re.compile(r"(\d{1,2})[- ]([a-z]{3,9})[- ](\d{4})", re.ASCII)
_XXY = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})", re.ASCII)
_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS = {word: n for n, name in enumerate(_MONTH_NAMES, 1) for word in (name, name[:3])}


def _date(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    text = text.casefold()
    if match := _YMD.fullmatch(text):
        return _day(match[1], match[3], match[4])
    if match := _NIAN.fullmatch(text):
        return _day(match[1], match[2], match[3])
    if match := _NAMED.fullmatch(text):
        return _day(match[3], str(_MONTHS.get(match[2], 0)), match[1])
    if match := _XXY.fullmatch(text):
        first, second, order = int(match[1]), int(match[3]), context.mappings.get("date_order")
        if order not in ("dmy", "mdy"):
            if first <= 12 and second <= 12 and first != second:
                raise Unread("ambiguous_value")
            order = "mdy" if second > 12 else "dmy"
        return _day(match[4], match[3], match[1]) if order == "dmy" else _day(match[4], match[1], match[3])
    raise Unread("date_format")


def _day(year: str, month: str, day: str) -> Cell:
    try:
        return Cell(date(int(year), int(month), int(day)).isoformat())
    except ValueError:
        raise Unread("date_format") from None


_HTTPS = re.compile(r"https://(?:[\w-]+\.)+[\w-]+(?::[0-9]{1,5})?(?:[/?#]\S*)?", re.IGNORECASE)
_FILE_NAME = re.compile(r"[\w][\w .()+-]{0,120}\.[A-Za-z0-9]{2,5}")


def _link(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    if len(text) > spec.max_chars:
        raise Unread("too_long")
    if _HTTPS.fullmatch(text) is None and _FILE_NAME.fullmatch(text) is None:
        raise Unread("link_format")
    return Cell(text)


def _text(text: str, spec: Column, context: Context, table: Nomenclature) -> Cell:
    if len(text) > spec.max_chars:
        raise Unread("too_long")
    return Cell(text)


_PARSERS: dict[str, Callable[[str, Column, Context, Nomenclature], Cell]] = {
    "enum": _enum,
    "color": _color,
    "fancy": _fancy,
    "weight": _weight,
    "length": _length,
    "measurements": _measurements,
    "percent": _percent,
    "angle": _angle,
    "money": _money,
    "list_pct": _list_pct,
    "stock_no": _stock_no,
    "origin_id": _origin_id,
    "kp_no": _kp_no,
    "report_no": _report_no,
    "currency": _currency,
    "integer": _integer,
    "country": _country,
    "date": _date,
    "link": _link,
    "text": _text,
}
