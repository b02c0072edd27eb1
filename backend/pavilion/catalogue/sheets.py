"""Stones as rows of a spreadsheet, under the names by which a stock file is read back. Pure."""

from collections.abc import Mapping, Sequence

from pavilion.catalogue.benchmarks import Beside
from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.kernel.money import exponent
from pavilion.kernel.xlsx_writing import Cell

# Field of a file -> column of a stone.
_SAME = {
    name: name
    for name in (
        *("stock_no", "species", "variety", "shape", "color", "fancy_intensity", "fancy_overtone", "fancy_secondary"),
        *("fancy_color", "clarity", "cut", "polish", "symmetry", "fluor_intensity", "fluor_color", "shade", "milky"),
        *("eye_clean", "black_inclusion", "white_inclusion", "open_inclusion", "gem_hue", "gem_tone"),
        *("gem_saturation", "color_term", "transparency", "gem_clarity", "origin_opinion", "treatment", "lab"),
        *("report_no", "report_date", "inscription", "key_to_symbols", "girdle_min", "girdle_max", "pair_stock_no"),
        *("brand", "city", "country", "availability", "origin_id", "mine", "producer"),
    )
} | {"treatment_level": "treatment_degree", "culet_size": "culet", "origin_country": "mine_country"}
_DECIMALS = {
    "carat": ("weight_mct", 3),
    "meas_length": ("length_um", 3),
    "meas_width": ("width_um", 3),
    "meas_depth": ("depth_um", 3),
    "depth_pct": ("depth_pct", 2),
    "table_pct": ("table_pct", 2),
    "ratio": ("ratio", 2),
    "crown_angle": ("crown_angle", 2),
    "pavilion_angle": ("pavilion_angle", 2),
    "rough_weight": ("rough_weight_mct", 3),
}
_MONEY = {
    "price_per_carat": "price_per_carat_minor",
    "price_total": "price_total_minor",
    "list_price": "list_price_minor",
    "cash_price": "cash_price_minor",
}


AGAINST = ("benchmark_owner", "benchmark_list", "benchmark_date", "benchmark_price_per_carat", "benchmark_pct")

# Column of the table of stones -> what it is in a file. By the first ones every row is known.
_NAMED = ("stone", "stock_no", "species", "variety", "shape", "on_the_market")
_OF_TABLE = {
    "weight": ("carat",),
    "color": ("color", "fancy_intensity", "fancy_overtone", "fancy_secondary", "fancy_color"),
    "fluor": ("fluor_intensity", "fluor_color"),
    "size": ("meas_length", "meas_width", "meas_depth"),
    "depth": ("depth_pct",),
    "table": ("table_pct",),
    "report": ("report_no",),
    "ppc": ("currency", "price_per_carat"),
    "total": ("currency", "price_total"),
    "against": AGAINST,
    "list": ("list_pct",),
    "mine": ("mine", "origin_country"),
    "now": ("city", "country"),
}


def of_table(columns: Sequence[str], chosen: Sequence[str]) -> list[int]:
    """The places of those of these columns that a reader's table shows, where it shows the `chosen` ones."""
    wanted = {*_NAMED, *(column for name in chosen for column in _OF_TABLE.get(name, (name,)))}
    return [place for place, column in enumerate(columns) if column in wanted]


def columns(*, prices: bool, against: bool = False) -> list[str]:
    """What this reader may see of stones; `against`: they are set against a price list."""
    priced = ["currency", *_MONEY, "list_pct", *(AGAINST if against else ())] if prices else []
    return ["stone", *_SAME, *_DECIMALS, "cutter_name", *priced, "on_the_market"]


def cells(
    stone: Stone,
    promise: StoneCommitment | None,
    *,
    prices: bool,
    against: bool = False,
    beside: Beside | None = None,
) -> list[Cell]:
    """One row; what was asked for a stone that is sold is told to nobody. `beside`: what the list says of it."""
    found: list[Cell] = [stone.public_id, *(getattr(stone, column) for column in _SAME.values())]
    found += [_decimal(getattr(stone, column), places) for column, places in _DECIMALS.values()]
    found.append(stone.cutter_name if stone.cutter_named else None)
    if prices:
        sold = promise is not None and promise.kind == CommitmentKind.SOLD
        places = exponent(stone.currency)
        money = [_decimal(None if sold else getattr(stone, column), places) for column in _MONEY.values()]
        found += [stone.currency, *money, _decimal(None if sold else stone.list_pct, 2)]
        if against:
            found += _against(None if sold else beside)
    return [*found, "free" if promise is None else _STATES.get(promise.kind, "reserved")]


def _against(beside: Beside | None) -> list[Cell]:
    if beside is None:
        return [None] * len(AGAINST)
    told = [beside.owner, beside.name, beside.day.isoformat()]
    return [*told, money(beside.ppc_minor, beside.currency), _decimal(beside.pct, 2)]


def money(minor: int, currency: str) -> Cell:
    return _decimal(minor, exponent(currency))


def texts(row: Sequence[Cell]) -> list[str]:
    """The same row for a CSV file: figures without grouping."""
    return [_text(cell) for cell in row]


_STATES: Mapping[str, str] = {CommitmentKind.IN_SALE: "in_sale", CommitmentKind.SOLD: "sold"}


def _decimal(units: int | None, places: int) -> Cell:
    return None if units is None else (units, places)


def _text(cell: Cell) -> str:
    if not isinstance(cell, tuple):
        return "" if cell is None else str(cell)
    units, places = cell
    whole, part = divmod(abs(units), 10**places)
    return f"{'-' if units < 0 else ''}{whole}" + (f".{part:0{places}d}" if places else "")
