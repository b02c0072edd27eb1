"""Search in SQL: the whole answer while the column index is cold, and the facts that the index is built from."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, cast, func, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.catalogue.position import RANKED
from pavilion.catalogue.queries import LISTED
from pavilion.catalogue.staying import offices_on
from pavilion.catalogue.wanted import BINS, CHOICES, DATED, HISTOGRAMS, MEDIA, MOST, RANGES, Wanted, edges
from pavilion.kernel.day_of import day_of, micros_of
from pavilion.kernel.db import Big

_BOUNDS = [f"bound{place}" for place in range(BINS + 1)]  # of a histogram's bins, as parameters
LAST = 2**62  # the key of a stone without the value that is sorted by

_LIVE = and_(StoneCommitment.stone_id == Stone.id, StoneCommitment.released_at.is_(None))
_UNSOLD = StoneCommitment.kind.is_distinct_from(CommitmentKind.SOLD)
_FANCY = or_(Stone.fancy_color.is_not(None), Stone.fancy_intensity.is_not(None))
# What there is to look at, as words parted by spaces.
_MEDIA = {bits: " ".join(kind for place, kind in enumerate(MEDIA) if bits >> place & 1) for bits in range(1, 16)}
CHOSEN: dict[str, Any] = {
    "tab": case((Stone.species != "diamond", "coloured"), (_FANCY, "fancy"), else_="white"),
    "shape": Stone.shape,
    "color": Stone.color,
    "clarity": Stone.clarity,
    "cut": Stone.cut,
    "polish": Stone.polish,
    "symmetry": Stone.symmetry,
    "fluor": Stone.fluor_intensity,
    "lab": Stone.lab,
    "hue": Stone.fancy_color,
    "intensity": Stone.fancy_intensity,
    "overtone": Stone.fancy_overtone,
    "species": Stone.species,
    "variety": Stone.variety,
    "treatment": Stone.treatment,
    "availability": Stone.availability,
    "state": case(
        (StoneCommitment.kind.is_(None), "free"),
        (StoneCommitment.kind == CommitmentKind.IN_SALE, "in_sale"),
        (StoneCommitment.kind == CommitmentKind.SOLD, "sold"),
        else_="reserved",
    ),
    "mined": Stone.mine_country,
    "producer": Stone.producer,
    "fluorcolor": Stone.fluor_color,
    "eye": Stone.eye_clean,
    "milky": Stone.milky,
    "shade": Stone.shade,
    "black": Stone.black_inclusion,
    "white": Stone.white_inclusion,
    "open": Stone.open_inclusion,
    "girdle": Stone.girdle_min,
    "thickest": Stone.girdle_max,
    "culet": Stone.culet,
    "degree": Stone.treatment_degree,
    "gemhue": Stone.gem_hue,
    "tone": Stone.gem_tone,
    "saturation": Stone.gem_saturation,
    "term": Stone.color_term,
    "transparency": Stone.transparency,
    "gemclarity": Stone.gem_clarity,
    "opinion": Stone.origin_opinion,
    "pair": case((Stone.pair_stock_no.is_(None), None), (Stone.pair_separable.is_(True), "separable"), else_="pair"),
    "media": case(_MEDIA, value=Stone.media),
    "cutter": case((Stone.cutter_named.is_(True), Stone.cutter_name)),
    "sale": case((StoneCommitment.kind == CommitmentKind.IN_SALE, StoneCommitment.facts["sale"].as_string())),
    "office": Stone.office,
    "supplier": select(Company.public_id).where(Company.id == Stone.supplier_company_id).scalar_subquery(),
}
# What was asked for a sold stone is told to nobody, so nothing that is asked of prices finds, counts or places it: it
# would follow by asking for less and less of a span.
ASKED = {"ppc": Stone.price_per_carat_minor, "total": Stone.price_total_minor, "list": Stone.list_pct}
MEASURED: dict[str, Any] = {
    "ct": Stone.weight_mct,
    **{name: case((_UNSOLD, column)) for name, column in ASKED.items()},
    "length": Stone.length_um,
    "width": Stone.width_um,
    "height": Stone.depth_um,
    "depth": Stone.depth_pct,
    "table": Stone.table_pct,
    "ratio": Stone.ratio,
    "crown": Stone.crown_angle,
    "pavilion": Stone.pavilion_angle,
    "since": day_of(Stone.listed_at),
}
LISTED_AT = "listed_at"  # the instant, which nobody asks for and the newest are found by
LIES = "lies"  # on which days in which office: what `DATED` is asked of
# The columns of `facts`, in order.
FACTS = ("id", "seq", "currency", "stock_no_key", "report_no", *CHOSEN, LIES, *MEASURED, LISTED_AT)
_PROMISED = frozenset({"state", "sale", *ASKED})  # asked of what a stone is promised to
_SORTED = {"color": Stone.color, "clarity": Stone.clarity}


class Bars(NamedTuple):
    """A histogram: bound i and i + 1 hold `counts[i]`."""

    bounds: list[int]
    counts: list[int]


class After(NamedTuple):
    """The last stone of the page before: its sort key and inner id."""

    key: int
    id: int
    shown: int = 0  # how many stones stood on the pages up to it


@dataclass(frozen=True, slots=True)
class Answer:
    """Exact at change `as_of`. A facet counts what is left when its own filter is taken back."""

    total: int
    facets: dict[str, dict[str, int]]
    histograms: dict[str, Bars]
    ids: list[int]
    after: After | None
    as_of: int
    source: str


def facts() -> Select[*tuple[Any, ...]]:
    """One row a listed stone with everything that can be asked about it; unordered."""
    columns: list[Any] = [Stone.id, Stone.seq, Stone.currency, Stone.stock_no_key, Stone.report_no]
    columns += [expression.label(name) for name, expression in CHOSEN.items()]
    columns.append(Stone.lies.label(LIES))
    columns += [expression.label(name) for name, expression in MEASURED.items()]
    columns.append(micros_of(Stone.listed_at).label(LISTED_AT))
    return select(*columns).outerjoin_from(Stone, StoneCommitment, _LIVE)


async def ask(
    session: AsyncSession,
    wanted: Wanted,
    *,
    size: int,
    after: After | None = None,
    as_of: int = 0,
    facets: Collection[str] = CHOICES.keys(),
    bars: Collection[str] = HISTOGRAMS,
) -> Answer:
    """The answer by SQL alone. `facets` and `bars`: what is to be counted beside the total."""
    told = await _told(session, wanted)
    conditions = _conditions(wanted, told)
    everything = and_(LISTED, *conditions.values())
    counted = {name: await _facet(session, name, wanted, conditions, everything) for name in facets}
    histograms = {name: await _bars(session, name, wanted, conditions) for name in bars}
    total = await session.scalar(_counted(func.count(), promises=_promised(conditions)).where(everything)) or 0
    ids, last = await _page(session, wanted, everything, size, after)
    return Answer(total, counted, histograms, ids, last, as_of, "sql")


async def further(session: AsyncSession, wanted: Wanted, *, size: int, after: After) -> tuple[list[int], After | None]:
    """The page after that stone, without counting anything."""
    conditions = _conditions(wanted, await _told(session, wanted))
    return await _page(session, wanted, and_(LISTED, *conditions.values()), size, after)


def key_of(sort: str, currency: str) -> ColumnElement[int]:
    """Ascending by this, then by id, is the order asked for; stones without the value come last. Positions are read
    from `position.RANKED`, which the statement joins."""
    name, down = sort.rstrip("-"), sort.endswith("-")
    if name in _SORTED:
        ranks = {code: rank for rank, code in enumerate(CHOICES[name].codes)}
        return case(ranks, value=_SORTED[name], else_=literal(LAST, Big))
    if name == "position":
        return case((RANKED.c.n > 1, RANKED.c.rank), else_=literal(LAST, Big))
    value = -micros_of(Stone.listed_at) if name == "new" else -MEASURED[name] if down else MEASURED[name]
    if name in RANGES and RANGES[name].money:
        return case((and_(Stone.currency == currency, value.is_not(None)), value), else_=literal(LAST, Big))
    return func.coalesce(value, literal(LAST, Big))


def _promised(names: Iterable[str]) -> bool:
    return not _PROMISED.isdisjoint(names)


def _counted(*columns: Any, promises: bool) -> Select[*tuple[Any, ...]]:
    """Over stones, with what each is promised to only where that is asked about: the join costs most of a scan."""
    counted = select(*columns).select_from(Stone)
    return counted.outerjoin(StoneCommitment, _LIVE) if promises else counted


async def _told(session: AsyncSession, wanted: Wanted) -> Sequence[str]:
    """The texts that a question of days is asked of: few, for many stones share one."""
    if DATED not in wanted.ranges:
        return ()
    return [text for text in await session.scalars(select(Stone.lies).where(LISTED).distinct()) if text is not None]


def on_days(wanted: Wanted, told: Iterable[str]) -> dict[str, frozenset[str]]:
    """Where a stone of each of these texts lies on the days that are asked for."""
    return {text: offices_on(text, *wanted.ranges[DATED]) for text in told}


def _conditions(wanted: Wanted, told: Sequence[str]) -> dict[str, ColumnElement[bool]]:
    """One condition per filter that is set, by its name. `told`: as `_told` found them."""
    found: dict[str, ColumnElement[bool]] = {}
    if wanted.text:
        readings = [
            Stone.stock_no_key.startswith(wanted.text.casefold(), autoescape=True),
            Stone.report_no.startswith(wanted.text.upper(), autoescape=True),
        ]
        if wanted.report is not None:
            lab, number = wanted.report
            readings.append(and_(Stone.lab == lab, Stone.report_no.startswith(number, autoescape=True)))
        found["q"] = or_(*readings)
    days = on_days(wanted, told)
    for name, codes in wanted.chosen.items():
        if name == "office" and DATED in wanted.ranges:
            found[name] = Stone.lies.in_([text for text, offices in days.items() if offices & codes])
            continue
        found[name] = _any_of(name, codes) if CHOICES[name].several else CHOSEN[name].in_(sorted(codes))
    for name, (least, most) in wanted.ranges.items():
        if name == DATED:
            found[name] = Stone.lies.in_([text for text, offices in days.items() if offices])
            continue
        value = ASKED.get(name, MEASURED[name])
        parts = [value >= least if least is not None else true(), value <= most if most is not None else true()]
        parts += [value.is_not(None)] + ([Stone.currency == wanted.currency] if RANGES[name].money else [])
        found[name] = and_(*parts, *([_UNSOLD] if name in ASKED else []))
    return found


def _any_of(name: str, codes: Iterable[str]) -> ColumnElement[bool]:
    if name == "media":
        return Stone.media.op("&")(sum(1 << MEDIA.index(code) for code in codes)) != 0
    return or_(*((" " + Stone.fancy_overtone + " ").contains(f" {code} ") for code in sorted(codes)))


async def _facet(
    session: AsyncSession,
    name: str,
    wanted: Wanted,
    conditions: Mapping[str, ColumnElement[bool]],
    everything: ColumnElement[bool],
) -> dict[str, int]:
    left = everything
    if name in conditions:
        left = and_(LISTED, *(condition for other, condition in conditions.items() if other != name))
    if name == "office" and DATED in wanted.ranges:
        lie = _counted(Stone.lies, func.count(), promises=_promised(conditions)).where(left).group_by(Stone.lies)
        return by_office(wanted, dict((await session.execute(lie)).all()))
    rows = await session.execute(_by_code(name, _promised((name, *conditions))).where(left))
    choice = CHOICES[name]
    if choice.several:
        return {code: int(n) for code, n in zip(choice.codes, rows.one(), strict=True) if n}
    return {code: n for code, n in rows if code is not None}


def by_office(wanted: Wanted, counts: Mapping[str | None, int]) -> dict[str, int]:
    """How many lie in each office on the days that are asked for, of so many stones of each text."""
    found: dict[str, int] = {}
    for text, offices in on_days(wanted, [text for text in counts if text]).items():
        for office in offices:
            found[office] = found.get(office, 0) + counts[text]
    return found


async def _bars(
    session: AsyncSession, name: str, wanted: Wanted, conditions: Mapping[str, ColumnElement[bool]]
) -> Bars:
    """Bounds from all listed stones, so that they stand still while filters change."""
    value = MEASURED[name]
    base = and_(LISTED, Stone.currency == wanted.currency if RANGES[name].money else true())
    ends = _counted(func.min(value), func.max(value), promises=_promised([name]))
    least, most = (await session.execute(ends.where(base))).one()
    if least is None:
        return Bars([], [])
    bounds = edges(least, most)
    left = and_(base, *(condition for other, condition in conditions.items() if other != name))
    counted = _by_bin(name, _promised((name, *conditions))).where(left)
    row = (await session.execute(counted, dict(zip(_BOUNDS, bounds, strict=True)))).one()
    return Bars(bounds, [int(n or 0) for n in row])


# What is counted is the same for every question but for its conditions and bounds. Written anew for each, it took
# longer than its answer.


@cache
def _by_code(name: str, promises: bool) -> Select[*tuple[Any, ...]]:
    """How many have each code: a row for each, or for a choice of several a column."""
    choice = CHOICES[name]
    if choice.several:
        sums = [func.sum(case((_any_of(name, [code]), 1), else_=0)) for code in choice.codes]
        return _counted(*sums, promises=promises)
    return _counted(CHOSEN[name].label("found"), func.count(), promises=promises).group_by("found")


@cache
def _by_bin(name: str, promises: bool) -> Select[*tuple[Any, ...]]:
    """How many stand between each two of the bounds, which are parameters."""
    value, bounds = MEASURED[name], [bindparam(bound, type_=Big) for bound in _BOUNDS]
    bins = [func.sum(case((and_(value >= low, value < high), 1), else_=0)) for low, high in pairwise(bounds)]
    return _counted(*bins, promises=promises)


async def _page(
    session: AsyncSession, wanted: Wanted, everything: ColumnElement[bool], size: int, after: After | None
) -> tuple[list[int], After | None]:
    assert 0 < size <= MOST
    key = cast(key_of(wanted.sort, wanted.currency), Big)
    page = _counted(Stone.id, key, promises=_promised((*wanted.filters, wanted.sort.rstrip("-")))).where(everything)
    if wanted.sort == "position":
        page = page.outerjoin(RANKED, RANKED.c.id == Stone.id)
    if after is not None:
        page = page.where(or_(key > after.key, and_(key == after.key, Stone.id > after.id)))
    rows = (await session.execute(page.order_by(key, Stone.id).limit(size + 1))).all()
    return cut(rows, size)


def cut(rows: Sequence[Any], size: int) -> tuple[list[int], After | None]:
    """The page's ids, and where the next one starts if there is one."""
    last = After(rows[size - 1][1], rows[size - 1][0]) if len(rows) > size else None
    return [row[0] for row in rows[:size]], last
