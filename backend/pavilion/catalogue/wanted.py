"""What can be asked of the catalogue: choices, ranges, orders, and one question as a value. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pavilion.catalogue.nomenclature import key, nomenclature
from pavilion.kernel.money import exponent

PAGE = 50
MOST = 250  # of one page
BINS = 30


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of some codes. Without an enumeration the codes are what the stones have."""

    name: str
    codes: tuple[str, ...] = ()
    enumeration: str | None = None
    several: bool = False  # a stone may have more than one
    staff: bool = False  # asked by the house alone

    @property
    def free(self) -> bool:
        return not self.codes


@dataclass(frozen=True, slots=True)
class Range:
    """From and to, both inclusive, in the stored unit; `places` is how many decimals a person may write."""

    name: str
    places: int
    priced: bool = False  # seen only by those who see prices
    money: bool = False
    signed: bool = False
    day: bool = False  # a calendar day, as days since 1970


def _colours() -> tuple[str, ...]:
    """Letters and laboratory ranges in one order: M N O-P O P Q-R .."""
    order = list(nomenclature().codes["color"])
    for pair in nomenclature().codes["color_range"]:
        order.insert(order.index(pair[0]), pair)
    return tuple(order)


def _enumerated(name: str, enumeration: str, several: bool = False) -> Choice:
    return Choice(name, nomenclature().codes[enumeration], enumeration, several)


TABS = ("white", "fancy", "coloured")
STATES = ("free", "in_sale", "reserved", "sold")
MEDIA = ("photo", "spin", "video", "report")  # in the order of their bits in `Stone.media`
PAIRS = ("pair", "separable")  # sold with its partner, or also without it

CHOICES: dict[str, Choice] = {
    choice.name: choice
    for choice in (
        Choice("tab", TABS),
        _enumerated("shape", "shape"),
        Choice("color", _colours(), "color"),
        _enumerated("clarity", "clarity"),
        _enumerated("cut", "cut"),
        _enumerated("polish", "polish"),
        _enumerated("symmetry", "symmetry"),
        _enumerated("fluor", "fluor_intensity"),
        _enumerated("lab", "lab"),
        _enumerated("hue", "fancy_color"),
        _enumerated("intensity", "fancy_intensity"),
        _enumerated("overtone", "fancy_overtone", several=True),
        _enumerated("species", "species"),
        _enumerated("variety", "variety"),
        _enumerated("treatment", "treatment"),
        _enumerated("availability", "availability"),
        Choice("state", STATES),
        Choice("mined"),
        Choice("producer"),
        _enumerated("fluorcolor", "fluor_color"),
        _enumerated("eye", "eye_clean"),
        _enumerated("milky", "milky"),
        _enumerated("shade", "shade"),
        _enumerated("black", "black_inclusion"),
        _enumerated("white", "white_inclusion"),
        _enumerated("open", "open_inclusion"),
        _enumerated("girdle", "girdle"),
        _enumerated("thickest", "girdle"),
        _enumerated("culet", "culet_size"),
        _enumerated("degree", "treatment_degree"),
        _enumerated("gemhue", "coloured_hue"),
        _enumerated("tone", "coloured_tone"),
        _enumerated("saturation", "coloured_saturation"),
        _enumerated("term", "coloured_trade_colour"),
        _enumerated("transparency", "coloured_transparency"),
        _enumerated("gemclarity", "coloured_clarity"),
        _enumerated("opinion", "origin_opinion"),
        Choice("pair", PAIRS),
        Choice("media", MEDIA, several=True),
        Choice("cutter"),
        Choice("sale"),
        Choice("office"),
        Choice("supplier", staff=True),
    )
}
RANGES: dict[str, Range] = {
    wanted.name: wanted
    for wanted in (
        Range("ct", 3),
        Range("ppc", 2, priced=True, money=True),
        Range("total", 2, priced=True, money=True),
        Range("list", 2, priced=True, signed=True),
        Range("length", 3),
        Range("width", 3),
        Range("height", 3),
        Range("depth", 2),
        Range("table", 2),
        Range("ratio", 2),
        Range("crown", 2),
        Range("pavilion", 2),
        Range("since", 0, day=True),
        Range("officeday", 0, day=True),
    )
}
DATED = "officeday"  # no measure: with it `office` is asked of these days, and not of now
HISTOGRAMS = ("ct", "ppc")
# a trailing - is downwards
SORTS = ("ppc-", "ppc", "total-", "total", "ct-", "ct", "color", "clarity", "list", "position", "new")
_GAP = re.compile(r"[\s_#:-]+")
# The order of positions says who asks less than whom: it is for those who see prices.
PRICED_SORTS = frozenset({"ppc-", "ppc", "total-", "total", "list", "position"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """One question. Equal questions are equal values."""

    text: str = ""
    chosen: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)
    currency: str = "USD"
    sort: str = "ct-"

    def without(self, name: str) -> "Wanted":
        """The same question with one of its filters taken back."""
        if name == "q":
            return replace(self, text="")
        chosen = {key: codes for key, codes in self.chosen.items() if key != name}
        return replace(self, chosen=chosen, ranges={key: ends for key, ends in self.ranges.items() if key != name})

    @property
    def report(self) -> tuple[str, str] | None:
        """The laboratory and the beginning of the number, where the text names both: `GIA 0002106454`."""
        laboratories = nomenclature().aliases["lab"]
        for gap in reversed(list(_GAP.finditer(self.text))):
            if (lab := laboratories.get(key(self.text[: gap.start()]))) is not None:
                return lab, _GAP.sub("", self.text[gap.end() :]).upper()
        return None

    @property
    def filters(self) -> list[str]:
        """Names of the filters that are set, in the order of the page."""
        named = [name for name in (*CHOICES, *RANGES) if name in self.chosen or name in self.ranges]
        return ["q", *named] if self.text else named


def choices_of(*, staff: bool) -> list[str]:
    """What this reader may ask by."""
    return [name for name, choice in CHOICES.items() if staff or not choice.staff]


def unit_of(wanted: Range, currency: str) -> int:
    """How many stored units one written unit has."""
    return int(10 ** (exponent(currency) if wanted.money else wanted.places))


def edges(least: int, most: int) -> list[int]:
    """Bounds of 30 bins that grow by a constant factor; whole, strictly rising, the last one beyond `most`."""
    least = max(1, least)
    most = max(least, most)
    bounds = [least]
    for step in range(1, BINS):
        bounds.append(max(bounds[-1] + 1, round(least * (most / least) ** (step / BINS))))
    return [*bounds, max(bounds[-1] + 1, most + 1)]
