"""One row of a stock file: its cells read in order, then the rules that look at several of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pavilion.catalogue.cells import EMPTY, Cell, Context, read_cell
from pavilion.catalogue.nomenclature import nomenclature
from pavilion.kernel.money import exponent, half_up

Values = dict[str, Any]

_FIRST = ("natural_or_lab", "lab", "currency", "color", "fancy_color", "fancy_intensity", "fancy_overtone")
_WITHOUT_INTENSITY = ("black", "white", "chameleon")
_REPEATED = 4_000  # distinct words of one column kept; a file rarely has more
_TYPES_REPEATED = ("enum", "color", "fancy", "country", "currency", "percent", "angle", "date", "integer", "text")

# A value of the stone that follows from one the row changes is not held against the row.
_FOLLOWING = {
    "carat": ("price_total",),
    "price_per_carat": ("price_total", "list_pct", "list_price", "cash_price", "cash_list_pct"),
    "price_total": ("price_per_carat", "list_pct", "list_price", "cash_price", "cash_list_pct"),
    "report_no": ("report_date", "report_file", "inscription", "key_to_symbols"),
    "treatment": ("treatment_level",),
    "girdle_min": ("girdle_condition",),
    "culet_size": ("culet_condition",),
    "measurements": ("depth_pct",),
    "fluor_intensity": ("fluor_color",),
    "color": ("fancy_color", "fancy_intensity", "fancy_overtone", "fancy_secondary"),
    "fancy_color": ("color", "fancy_secondary", "fancy_overtone"),
}


@dataclass(frozen=True, slots=True)
class Issue:
    column: str
    code: str
    severity: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def triple(self) -> tuple[str, str, str]:
        return self.column, self.code, self.severity


@dataclass(slots=True)
class ReadRow:
    """What a row says. `dropped` columns had a value nobody could read."""

    values: Values
    issues: dict[tuple[str, str], Issue] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)

    @property
    def rejected(self) -> bool:
        return any(issue.severity == "error" for issue in self.issues.values())

    @property
    def ordered(self) -> list[Issue]:
        return sorted(self.issues.values(), key=lambda issue: issue.triple)

    def add(self, column: str, code: str, severity: str | None = None, /, **facts: Any) -> None:
        """The column's policy decides: an error in a column that only drops is a warning, and the value goes."""
        table = nomenclature()
        severity = severity or table.issue_codes[code].severity
        spec = table.columns.get(column)
        if severity == "error":
            self.dropped.add(column)
            if spec is not None and not spec.rejects:
                severity = "warning"
                self.values.pop(column, None)
        known = self.issues.get((column, code))
        if known is None or (known.severity == "warning" and severity == "error"):
            self.issues[column, code] = Issue(column, code, severity, facts)


class RowReader:
    """Reads the rows of one file; words that come again and again are read once."""

    def __init__(self, fields: Sequence[str | None], context: Context) -> None:
        places = {name: place for place, name in enumerate(fields) if name is not None}
        self._order = [(name, places[name]) for name in (*_FIRST, *places) if name in places]
        self._order = list(dict.fromkeys(self._order))
        self._width = len(fields)
        self._context = context
        types = {name: spec.type for name, spec in nomenclature().columns.items()}
        repeated = [name for name, _ in self._order if types[name] in _TYPES_REPEATED]
        self._known: dict[str, dict[tuple[str, Any], Cell]] = {name: {} for name in repeated}

    def read(self, cells: Sequence[str], base: Values | None = None) -> ReadRow:
        """The row with its values, issues of cells and of the row; the file's other rows are not looked at.

        With a `base` the row changes a known stone: an empty cell leaves what is known, a `-` alone clears it.
        """
        row = ReadRow({})
        if any(cell.strip() for cell in cells[self._width :]):
            row.add("", "ragged_row")
        also: list[tuple[str, Mapping[str, Any]]] = []
        cleared: set[str] = set()
        context = self._context if base is None else _beside(self._context, base)
        for name, place in self._order:
            raw = cells[place] if place < len(cells) else ""
            if not raw:
                continue
            if base is not None and raw.strip() == "-":
                cleared.add(name)
                continue
            cell = self._cell(name, raw, context)
            if cell.value is not None:
                row.values[name] = cell.value
            for code in cell.issues:
                row.add(name, code, None, **_beside_the_code(code, context))
            if cell.also:
                also.append((name, cell.also))
            if name in _FIRST and cell is not EMPTY:
                context = _learned(context, name, cell)
        _spread(row, also)
        if base is not None:
            _laid_over(row, base, cleared)
        for rule in _RULES:
            rule(row)
        return row

    def _cell(self, name: str, raw: str, context: Context) -> Cell:
        known = self._known.get(name)
        if known is None:
            return read_cell(name, raw, context)
        beside = (context.lab, context.fancy) if name in _MINDFUL else None
        cell = known.get((raw, beside))
        if cell is None:
            if len(known) > _REPEATED:
                known.clear()
            cell = known[raw, beside] = read_cell(name, raw, context)
        return cell


def _beside_the_code(code: str, context: Context) -> Values:
    """What the sentence of a cell's code says of its row."""
    if code == "report_no_format":
        return {"lab": context.lab or ""}
    return {"currency": context.currency} if code in _OF_MONEY else {}


_OF_MONEY = ("currency_mismatch", "precision_dropped", "decimal_mark", "out_of_range")
_MINDFUL = ("clarity", "treatment")  # what they mean depends on the laboratory, or on the colour being fancy


def _beside(context: Context, base: Values) -> Context:
    fancy = "fancy_color" in base
    return replace(context, lab=base.get("lab"), currency=base.get("currency", context.currency), fancy=fancy)


def _laid_over(row: ReadRow, base: Values, cleared: set[str]) -> None:
    """What is known and not touched stays; what followed from a changed value goes."""
    gone = cleared | row.dropped
    for name, followers in _FOLLOWING.items():
        if name in row.values and row.values[name] != base.get(name):
            gone.update(followers)
    row.values = {name: value for name, value in base.items() if name not in gone} | row.values


def _learned(context: Context, name: str, cell: Cell) -> Context:
    if name in ("lab", "currency", "natural_or_lab"):
        return replace(context, **{name: cell.value}) if cell.value is not None else context
    fancy = name.startswith("fancy") or "fancy_color" in cell.also
    return replace(context, fancy=True) if fancy and (cell.value or cell.also) else context


def _spread(row: ReadRow, also: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """What one cell says of other columns fills the empty ones; a filled one that differs is a conflict."""
    columns = nomenclature().columns
    for source, said in also:
        for target, value in said.items():
            if target not in columns or target in row.dropped:
                continue
            if (own := row.values.setdefault(target, value)) != value:
                row.add(source, "value_conflict", a=value, column=target, b=own)


def _measure(row: ReadRow) -> None:
    """Three length columns are one measurement."""
    values = row.values
    parts = ("meas_length", "meas_width", "meas_depth")
    if not all(name in values for name in parts):
        return
    length, width, depth = (values[name] for name in parts)
    together = [max(length, width), min(length, width), depth]
    for name in parts:
        del values[name]
    if values.setdefault("measurements", together) != together:
        row.add("measurements", "value_conflict", a=values["measurements"], column="meas_length", b=together)


def _require(row: ReadRow) -> None:
    values = row.values
    for name, spec in nomenclature().columns.items():
        if spec.default is not None and name not in row.dropped:
            values.setdefault(name, spec.default)
        if spec.required and name not in values and name not in row.dropped:
            if name == "report_no" and values.get("lab") == "none":
                continue
            row.add(name, "origin_missing" if name == "origin_id" else "required_missing")
    if values.get("lab") == "none":
        row.add("lab", "report_required")
    if values.get("natural_or_lab") == "laboratory_grown":
        row.add("natural_or_lab", "natural_lab_mixed")


def _grade(row: ReadRow) -> None:
    """Which grades a diamond must and must not have; other species declare their treatment."""
    values, dropped = row.values, row.dropped
    if values.get("species", "diamond") != "diamond":
        if "treatment" not in values and "treatment" not in dropped:
            row.add("treatment", "treatment_undeclared")
        if "image" not in values and "video" not in values:
            row.add("image", "media_missing")
        return
    fancy_parts = ("fancy_color", "fancy_intensity", "fancy_overtone")
    fancy = any(part in values for part in fancy_parts)
    doubtful = any(part in dropped for part in (*fancy_parts, "color"))
    if fancy and "color" in values:
        row.add("color", "fancy_and_white_both")
    if not fancy and not doubtful and "color" not in values:
        row.add("color", "required_missing")
    if not fancy and "clarity" not in values and "clarity" not in dropped:
        row.add("clarity", "required_missing")
    if fancy:
        _grade_fancy(row)
    elif "color" in values and values.get("shape") == "round" and "cut" not in values and "cut" not in dropped:
        row.add("cut", "cut_required_for_round")


def _grade_fancy(row: ReadRow) -> None:
    values, dropped = row.values, row.dropped
    hue, intensity = values.get("fancy_color"), values.get("fancy_intensity")
    if hue is None:
        if not dropped & {"fancy_color", "color"}:
            row.add("fancy_color", "required_missing")
        return
    if intensity is None and hue not in _WITHOUT_INTENSITY and not dropped & {"fancy_intensity", "color"}:
        row.add("fancy_intensity", "fancy_needs_intensity")
    illegal = nomenclature().fancy["illegal_pairs"]
    if intensity in illegal["intensities"] and hue in illegal["hues"]:
        row.add("fancy_intensity", "fancy_pair_illegal", intensity=intensity, hue=hue)


def _proportions(row: ReadRow) -> None:
    """Weight, measurements and depth belong together."""
    values = row.values
    if "measurements" not in values:
        return
    length, width, depth = values["measurements"]
    across = length + width if values.get("shape") == "round" else 2 * width
    given = values.get("depth_pct")
    if given is not None and abs(20_000 * depth - given * across) > 100 * across:
        computed = half_up(20_000 * depth, across)
        row.add("depth_pct", "measurement_depth_mismatch", computed=_hundredths(computed), given=_hundredths(given))
    carat = values.get("carat")
    if carat is None or values.get("species") != "diamond":
        return
    if values.get("shape") == "round":
        # 0.0061 d d h carats, d the mean of both diameters in millimetres: here in milli-carats x 4 x 10^10.
        scale = 40_000_000_000
        off = abs(61 * (length + width) ** 2 * depth - carat * scale)
        if 100 * off > 6 * carat * scale:
            severity = "error" if 100 * off > 25 * carat * scale else "warning"
            row.add("measurements", "carat_vs_measurement_implausible", severity)
    elif "shape" in values:
        box = length * width * depth * 176  # milli-carats of the whole block x 10^10
        if not 25 * box <= 100 * carat * 10**10 <= 90 * box:
            row.add("measurements", "carat_vs_measurement_implausible", "error")


def _prices(row: ReadRow) -> None:
    """Weight, price per carat, total, list price and percent agree to a unit; we never choose the lower."""
    values = row.values
    unit = 10 ** exponent(values.get("currency", "USD"))
    if {"price_per_carat", "price_total", "carat"} <= values.keys():
        per_carat, total, carat = values["price_per_carat"], values["price_total"], values["carat"]
        if (off := abs(total * 1000 - per_carat * carat)) > 1000 * unit:
            severity = "error" if off >= 10_000 * unit else "warning"
            computed = half_up(per_carat * carat, 1000)
            facts = {"computed": _major(computed, unit), "given": _major(total, unit)}
            row.add("price_total", "price_inconsistent", severity, **facts)
    if {"price_per_carat", "list_price", "list_pct"} <= values.keys():
        per_carat, exact = values["price_per_carat"], values["list_price"] * (10_000 + values["list_pct"])
        if abs(exact - per_carat * 10_000) > 10_000 * unit:
            facts = {"computed": _major(half_up(exact, 10_000), unit), "given": _major(per_carat, unit)}
            row.add("list_pct", "price_and_pct_disagree", None, **facts)


def _place(row: ReadRow) -> None:
    values = row.values
    if values.get("availability") == "guaranteed" and not ("city" in values and "country" in values):
        row.add("availability", "location_missing_for_guaranteed")
    carat, rough = values.get("carat"), values.get("rough_weight")
    if carat is not None and rough is not None and carat > rough:
        row.add("rough_weight", "origin_weight_exceeds_rough", carat=_thousandths(carat), rough=_thousandths(rough))


_RULES: tuple[Callable[[ReadRow], None], ...] = (_measure, _require, _grade, _proportions, _prices, _place)


def _hundredths(value: int) -> str:
    return f"{value // 100}.{value % 100:02d}"


def _thousandths(value: int) -> str:
    return f"{value // 1000}.{value % 1000:03d}"


def _major(minor: int, unit: int) -> str:
    return f"{minor // unit}.{minor % unit:02d}" if unit == 100 else str(half_up(minor, unit))
