"""The one grid in which figures are told: size by shape down, colour by clarity across. It never changes with the data,
so that no two tables can be held against each other. Pure."""

from typing import NamedTuple

SIZES: tuple[tuple[str, int], ...] = (
    *(("-0.29", 300), ("0.30-0.49", 500), ("0.50-0.99", 1000), ("1.00-1.99", 2000)),
    ("2.00-", 10**9),
)  # by the mass of one stone, up to but not including so many milli-carats
SHAPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    *(("round", ("round",)), ("oval", ("oval",)), ("pear", ("pear",)), ("cushion", ("cushion",))),
    ("emerald", ("emerald", "asscher")),
    ("other", ()),
)
COLORS: tuple[tuple[str, str], ...] = (
    *(("D-F", "DEF"), ("G-H", "GH"), ("I-J", "IJ"), ("K-M", "KLM"), ("N-Z", "NOPQRSTUVWXYZ")),
    ("FANCY", ""),
)
CLARITIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("FL-VVS", ("FL", "IF", "VVS1", "VVS2")),
    ("VS", ("VS1", "VS2")),
    ("SI", ("SI1", "SI2")),
    ("I", ("I1", "I2", "I3")),
)


class Row(NamedTuple):
    size: str
    shape: str

    def __str__(self) -> str:
        return f"{self.size} {self.shape}"


class Col(NamedTuple):
    color: str
    clarity: str

    def __str__(self) -> str:
        return f"{self.color} {self.clarity}"


ROWS = tuple(Row(size, shape) for shape, _ in SHAPES for size, _ in SIZES)
COLS = tuple(Col(color, clarity) for color, _ in COLORS for clarity, _ in CLARITIES)


def row_of(mct: int, stones: int, shape: str) -> Row:
    """Of a parcel the mean stone decides."""
    mean = mct // max(stones, 1)
    size = next(name for name, upto in SIZES if mean < upto)
    return Row(size, next((group for group, members in SHAPES if shape in members), "other"))


def col_of(color: str, clarity: str) -> Col:
    group = next((name for name, members in COLORS if color and color in members), "FANCY")
    return Col(group, next(name for name, members in CLARITIES if clarity in members))
