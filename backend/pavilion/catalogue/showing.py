"""What the search page shows of an answer: options with their counts, bars, chips and addresses."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pavilion.catalogue.forms import VIEWS, Asked, address, written
from pavilion.catalogue.models import Stone
from pavilion.catalogue.nomenclature import country_name, term
from pavilion.catalogue.searching import Answer, Bars
from pavilion.catalogue.wanted import CHOICES, PRICED_SORTS, RANGES, SORTS, TABS, Wanted
from pavilion.kernel.weight import two_decimals, unparted

_HIGH = 50  # of the tallest bar
_PITCH = 272 / 30

_MAIN = ("color", "hue", "intensity", "clarity", "gemhue", "term", "opinion", "lab", "mined", "state", "office")
_MORE = (
    *("cut", "polish", "symmetry", "fluor", "fluorcolor", "eye", "milky", "shade", "black", "white", "open", "girdle"),
    *("thickest", "culet", "overtone", "variety", "species", "treatment", "degree", "tone", "saturation"),
    *("transparency", "gemclarity", "pair", "media", "cutter", "producer", "sale", "supplier"),
    "availability",
)
_NOTHING: frozenset[str] = frozenset()
_OF_GEMS = frozenset({"gemhue", "term", "opinion", "tone", "saturation", "transparency", "gemclarity"})
_OF_FANCY = frozenset({"hue", "intensity", "overtone"})
_FOREIGN = {
    "white": _OF_GEMS | _OF_FANCY | {"variety", "species"},
    "fancy": _OF_GEMS | {"color", "variety", "species"},
    "coloured": _OF_FANCY | {"color", "cut", "fluorcolor", "milky", "shade", "black", "white", "open"},
}

# Column of a stone -> the choice whose codes stand from best to worst.
GRADED = {name: name for name in ("color", "clarity", "cut", "polish", "symmetry", "milky")} | {"eye_clean": "eye"}


class Option(NamedTuple):
    code: str
    word: str  # empty where the page has the words itself
    n: int
    checked: bool


class Bar(NamedTuple):
    x: str
    y: str
    height: str
    inside: bool


class Chip(NamedTuple):
    """A filter that is set, and the address without it."""

    name: str
    codes: list[str]
    ends: tuple[int | None, int | None] | None
    address: str


class Said(NamedTuple):
    """A question as its chips say it, away from the page of answers."""

    wanted: Wanted
    chips: list[Chip]
    ends: dict[str, str]
    called: Mapping[str, str]


class Shown(NamedTuple):
    main: list[str]  # choices of the form that stand open, and those under "More filters"
    more: list[str]
    options: dict[str, list[Option]]
    bars: dict[str, list[Bar]]
    bounds: dict[str, str]  # of the bars, as a person writes them, parted by spaces
    ends: dict[str, str]  # what stands in the fields of a range
    chips: list[Chip]
    tabs: list[tuple[str, int, str, bool]]  # code, count, address, whether it is this one
    sorts: list[str]
    here: str
    views: dict[str, str]


def offered(wanted: Wanted, *, staff: bool) -> list[str]:
    """The choices that this tab's trade asks by, and those that are set all the same, in the order of the form."""
    tab = wanted.chosen.get("tab", frozenset())
    hidden = _FOREIGN.get(next(iter(tab)), _NOTHING) if len(tab) == 1 else _NOTHING
    named = [name for name in (*_MAIN, *_MORE) if name not in hidden or name in wanted.chosen]
    return [name for name in named if staff or not CHOICES[name].staff]


def shown(
    asked: Asked, answer: Answer, *, prices: bool, lang: str, called: Mapping[str, str], staff: bool = False
) -> Shown:
    """`called`: the words of codes that are ids: of sales and, for the house, of suppliers."""
    wanted = asked.wanted
    names = offered(wanted, staff=staff)

    def to(question: Wanted, view: str = asked.view) -> str:
        return address(question, view=view, prices=prices)

    return Shown(
        main=[name for name in names if name in _MAIN],
        more=[name for name in names if name in _MORE],
        options={name: _options(name, wanted, answer, lang, called) for name in ("shape", *names)},
        bars={name: _bars(found, wanted.ranges.get(name)) for name, found in answer.histograms.items()},
        bounds={name: _bounds(name, found, wanted.currency) for name, found in answer.histograms.items()},
        ends=_ends(wanted),
        chips=_chips(wanted, to),
        tabs=_tabs(wanted, answer, to),
        sorts=[sort for sort in SORTS if prices or sort not in PRICED_SORTS],
        here=to(wanted),
        views={view: to(wanted, view) for view in VIEWS},
    )


def said(wanted: Wanted, called: Mapping[str, str]) -> Said:
    """`called`: as for `shown`."""
    return Said(wanted, _chips(wanted, lambda question: "", tab=True), _ends(wanted), called)


def word_of(name: str, code: str, lang: str) -> str:
    """The word of one option of a filter; grades, laboratories and producers are their own."""
    if name == "mined":
        return country_name(code, lang)
    if name == "lab":
        return code.replace("_", " ")
    enumeration = CHOICES[name].enumeration
    if name in ("color", "clarity", "producer") or enumeration is None:
        return "" if name in ("state", "pair", "media") else code
    return term(enumeration, code, lang)


class Name(NamedTuple):
    """How a stone is called: its colour, on a card, and as a title."""

    colour: str
    card: str
    title: str


def name_of(stone: Stone, lang: str) -> Name:
    """`Fancy Vivid Yellow`, `Fancy Vivid Yellow, cushion`, `Fancy Vivid Yellow cushion, 1.51 ct`; in Chinese
    `艳彩黄色`, `枕形 · 艳彩黄色`, `枕形 · 1.51 克拉 · 艳彩黄色 · VS1`."""
    colour, shape = _colour(stone, lang), term("shape", stone.shape, lang)
    weight = two_decimals(stone.weight_mct)
    if lang == "zh":
        if stone.species != "diamond":
            return Name(colour, f"{colour} · {shape}", chinese_title(f"{colour} · {shape}", weight))
        shade = colour if stone.fancy_color or stone.fancy_intensity else stone.color or ""
        card = chinese_title(shape, "", shade, "" if shade == colour else stone.clarity or "")
        return Name(colour, card, chinese_title(shape, weight, shade, stone.clarity or ""))
    return Name(colour, f"{colour}, {shape.lower()}", f"{colour} {shape.lower()}, {weight}\u00a0ct")


def chinese_title(shape: str, weight: str, colour: str = "", clarity: str = "") -> str:
    """`圆形 · 1.02 克拉 · D 色 · VS1`: shape, weight, colour, clarity, as the trade writes them; what is not known is
    left out. `colour` is a grade of letters, or the words of a fancy colour."""
    shade = f"{colour} 色" if colour.isascii() and colour else colour
    parts = (shape, f"{weight} 克拉" if weight else "", shade, clarity)
    return unparted(" · ".join(part for part in parts if part))


def _colour(stone: Stone, lang: str) -> str:
    if stone.species != "diamond":
        return term("variety", stone.variety, lang) if stone.variety else term("species", stone.species, lang)
    if not stone.fancy_color and not stone.fancy_intensity:
        return " ".join(grade for grade in (stone.color, stone.clarity) if grade)
    words = [term("fancy_overtone", overtone, lang) for overtone in stone.overtones]
    words += [term("fancy_color", hue, lang) for hue in (stone.fancy_secondary, stone.fancy_color) if hue]
    if stone.fancy_intensity:
        words.insert(0, term("fancy_intensity", stone.fancy_intensity, lang))
    return ("" if lang == "zh" else " ").join(words)


def best_of(stones: Sequence[Stone]) -> dict[str, frozenset[int]]:
    """Places of the best grade per property, where grades have an order and the stones differ."""
    return {name: _best(choice, [getattr(stone, name) for stone in stones]) for name, choice in GRADED.items()}


def girdle_of(stone: Stone, lang: str) -> str:
    """`Thin to medium`, in the reader's language."""
    ends = [code for code in (stone.girdle_min, stone.girdle_max) if code]
    words = list(dict.fromkeys(term("girdle", code, lang) for code in ends))
    return {"en": " to ", "zh": "至"}[lang].join(words)


def hundredths(value: int, unit: bool = True) -> str:
    """`34.5°`, or a bare ratio `1.03`."""
    text = f"{value // 100}.{value % 100:02d}"
    return text.rstrip("0").rstrip(".") + "°" if unit else text


def _best(name: str, grades: list[str | None]) -> frozenset[int]:
    order = CHOICES[name].codes
    places = [order.index(grade) for grade in grades if grade in order]
    if len(set(places)) < 2:
        return frozenset()
    return frozenset(i for i, grade in enumerate(grades) if grade in order and order.index(grade) == min(places))


def _options(name: str, wanted: Wanted, answer: Answer, lang: str, called: Mapping[str, str]) -> list[Option]:
    """What the other filters leave, and what is chosen even where nothing is left."""
    counts, chosen = answer.facets[name], wanted.chosen.get(name, frozenset())
    if CHOICES[name].free:
        order = sorted(counts.keys() | chosen, key=lambda code: (-counts.get(code, 0), code))[:40]
    else:
        order = [code for code in CHOICES[name].codes if code in counts or code in chosen]
    words = {code: called.get(code) or word_of(name, code, lang) for code in order}
    return [Option(code, words[code], counts.get(code, 0), code in chosen) for code in order]


def _bars(found: Bars, ends: tuple[int | None, int | None] | None) -> list[Bar]:
    tallest = max(found.counts, default=0)
    least, most = ends or (None, None)
    bars = []
    for i, n in enumerate(found.counts):
        height = _HIGH * n / tallest if tallest else 0
        inside = (least is None or found.bounds[i + 1] > least) and (most is None or found.bounds[i] <= most)
        bars.append(Bar(f"{0.5 + i * _PITCH:.1f}", f"{54 - height:.1f}", f"{height:.1f}", inside))
    return bars


def _ends(wanted: Wanted) -> dict[str, str]:
    return {
        f"{name}_{side}": "" if end is None else written(RANGES[name], end, wanted.currency)
        for name in RANGES
        for side, end in zip(("from", "to"), wanted.ranges.get(name, (None, None)), strict=True)
    }


def _bounds(name: str, found: Bars, currency: str) -> str:
    return " ".join(written(RANGES[name], bound, currency) for bound in found.bounds)


def _chips(wanted: Wanted, to: Callable[[Wanted], str], *, tab: bool = False) -> list[Chip]:
    chips = []
    for name in wanted.filters:
        if name == "tab" and not tab:
            continue
        codes = wanted.chosen.get(name, frozenset())
        order = CHOICES[name].codes if name in CHOICES else ()
        listed = [code for code in order if code in codes] or sorted(codes)
        chips.append(Chip(name, listed, wanted.ranges.get(name), to(wanted.without(name))))
    return chips


def _tabs(wanted: Wanted, answer: Answer, to: Callable[[Wanted], str]) -> list[tuple[str, int, str, bool]]:
    chosen = wanted.chosen.get("tab", frozenset())
    counts = answer.facets["tab"]
    everything = wanted.without("tab")
    tabs = [("all", sum(counts.values()), to(everything), not chosen)]
    for code in TABS:
        question = Wanted(
            everything.text,
            {**everything.chosen, "tab": frozenset({code})},
            everything.ranges,
            wanted.currency,
            wanted.sort,
        )
        tabs.append((code, counts.get(code, 0), to(question), chosen == frozenset({code})))
    return tabs
