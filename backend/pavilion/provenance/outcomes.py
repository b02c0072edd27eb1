"""What became of the rough a company bought under contract (PO-01 to PO-06), and what may be told of all of it (PO-07).
Pure: masses are whole milli-carats, yields basis points, nothing is rounded but for the reader."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

from pavilion.provenance.tolerances import Tolerances

BP = 10_000
LEAST_REPORTERS, MOST_SHARE_BP = 5, 5_000
DIGITS = 3  # of a published figure


class Category(StrEnum):
    MANUFACTURER = "manufacturer"
    DEALER = "dealer"
    RETAILER = "retailer"


class ReportState(StrEnum):
    ACCEPTED = "accepted"
    REVIEW = "review"
    REJECTED = "rejected"


class Weight(StrEnum):
    BLOCK = "block"
    HOLD = "hold"
    FLAG = "flag"


WEIGHTS = {
    "PO-01": Weight.HOLD,
    "PO-02": Weight.BLOCK,
    "PO-03": Weight.HOLD,
    "PO-04": Weight.FLAG,
    "PO-05": Weight.HOLD,
    "PO-06": Weight.BLOCK,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The defaults of origin 13."""

    due_days: int = 180
    accounted_bp: int = 9_800
    excess_bp: int = 10
    peer_lots: int = 20
    spread: int = 3
    least_spread_bp: int = 50
    grades_better: int = 2


LIMITS = Limits()


def limits_of(tolerances: Tolerances) -> Limits:
    """As the house has set them; what it does not set stays as origin 13 says."""
    return Limits(accounted_bp=tolerances.accounted_bp, excess_bp=tolerances.excess_bp)


@dataclass(frozen=True, slots=True)
class Purchase:
    lot: str
    sight: date
    mct: int


class Resale(NamedTuple):
    buyer: str
    mct: int
    verified: bool


@dataclass(frozen=True, slots=True)
class Grades:
    """A mean of grades, weighted by mass: places on a scale where less is better, times the mass."""

    mct: int
    weighted: int


@dataclass(frozen=True, slots=True)
class Assortment:
    code: str
    consumed_mct: int
    polished_mct: int
    peer_yield_bp: tuple[int, ...] = ()
    estimated: Mapping[str, Grades] = field(default_factory=dict)  # by colour and clarity
    polished: Mapping[str, Grades] = field(default_factory=dict)

    @property
    def yield_bp(self) -> int:
        return self.polished_mct * BP // self.consumed_mct


@dataclass(frozen=True, slots=True)
class Account:
    """Everything a judgement of a report may look at."""

    as_of: date
    buyer: str
    category: Category
    resale_limit_bp: int
    purchases: tuple[Purchase, ...]
    polished_mct: int
    loss_mct: int
    stock_mct: int
    lost_mct: int
    resold: tuple[Resale, ...] = ()
    cutter_named_mct: int = 0
    stones: tuple[str, ...] = ()
    assortments: tuple[Assortment, ...] = ()
    seen: Mapping[str, int] = field(default_factory=dict)  # rough sold by the buyer, by counterpart
    elsewhere: frozenset[str] = frozenset()  # stones reported under other contracts

    @property
    def resold_mct(self) -> int:
        return sum(resale.mct for resale in self.resold)

    @property
    def accounted_mct(self) -> int:
        return self.polished_mct + self.loss_mct + self.stock_mct + self.resold_mct + self.lost_mct

    @property
    def bought_mct(self) -> int:
        return sum(purchase.mct for purchase in self.purchases)

    def due_mct(self, limits: Limits = LIMITS) -> int:
        return sum(p.mct for p in self.purchases if p.sight + timedelta(days=limits.due_days) <= self.as_of)


class Remark(NamedTuple):
    """One rule that fires, with the figures it rests on."""

    code: str
    facts: Mapping[str, Any]


class Judgement(NamedTuple):
    state: ReportState
    remarks: tuple[Remark, ...]

    @property
    def codes(self) -> list[str]:
        return [remark.code for remark in self.remarks]

    @property
    def opens_case(self) -> bool:
        return any(WEIGHTS[code] == Weight.FLAG for code in self.codes)


def judge(account: Account, limits: Limits = LIMITS) -> Judgement:
    """Each code once, in order; blocked is rejected, held or flagged is for review."""
    found: dict[str, Remark] = {}
    for remark in _remarks(account, limits):
        found.setdefault(remark.code, remark)
    weights = {WEIGHTS[code] for code in found}
    state = ReportState.ACCEPTED
    if weights:
        state = ReportState.REJECTED if Weight.BLOCK in weights else ReportState.REVIEW
    return Judgement(state, tuple(found[code] for code in sorted(found)))


def _remarks(account: Account, limits: Limits) -> Iterator[Remark]:
    accounted, due, bought = account.accounted_mct, account.due_mct(limits), account.bought_mct
    if accounted * BP < due * limits.accounted_bp:
        yield Remark("PO-01", {"accounted_mct": accounted, "due_mct": due})
    if accounted * BP > bought * (BP + limits.excess_bp):
        yield Remark("PO-02", {"accounted_mct": accounted, "bought_mct": bought})
    yield from _resold(account)
    for counterpart, seen in sorted(account.seen.items()):
        declared = sum(resale.mct for resale in account.resold if resale.buyer == counterpart)
        if seen * BP > declared * (BP + limits.excess_bp):
            yield Remark("PO-04", {"counterpart": counterpart, "seen_mct": seen, "declared_mct": declared})
    for assortment in account.assortments:
        yield from _unlikely(assortment, limits)
    if twice := sorted(account.elsewhere.intersection(account.stones)):
        yield Remark("PO-06", {"stones": ", ".join(twice[:5]), "count": len(twice)})


def _resold(account: Account) -> Iterator[Remark]:
    match account.category:
        case Category.MANUFACTURER:
            if account.resold_mct * BP > account.resale_limit_bp * account.bought_mct:
                yield Remark("PO-03", {"resold_mct": account.resold_mct, "limit_bp": account.resale_limit_bp})
        case Category.DEALER:
            if nameless := [one for one in account.resold if not one.buyer or not one.verified]:
                yield Remark("PO-03", {"buyer": nameless[0].buyer, "resold_mct": sum(one.mct for one in nameless)})
        case Category.RETAILER:
            if account.cutter_named_mct < account.polished_mct:
                yield Remark("PO-03", {"nameless_mct": account.polished_mct - account.cutter_named_mct})


def _unlikely(lot: Assortment, limits: Limits) -> Iterator[Remark]:
    """A yield far from that of the peers, or stones much better than the rough was estimated."""
    if lot.consumed_mct > 0 and len(lot.peer_yield_bp) >= limits.peer_lots:
        middle = median(lot.peer_yield_bp)
        spread = max(median([abs(one - middle) for one in lot.peer_yield_bp]), Fraction(limits.least_spread_bp))
        if abs(lot.yield_bp - middle) > limits.spread * spread:
            yield Remark("PO-05", {"assortment": lot.code, "yield_bp": lot.yield_bp, "median_bp": half_up(middle)})
    for grade, estimated in lot.estimated.items():
        polished = lot.polished.get(grade)
        if polished is None or not polished.mct or not estimated.mct:
            continue
        better = Fraction(estimated.weighted, estimated.mct) - Fraction(polished.weighted, polished.mct)
        if better >= limits.grades_better:
            yield Remark("PO-05", {"assortment": lot.code, "grade": grade, "better_by": half_up(better)})


# -- PO-07: what may leave ---------------------------------------------------------------------------------------------

By = Mapping[str, int]  # mass by reporter
Cell = tuple[str, str]  # row and column


class Line(NamedTuple):
    """A row or a column of the grid whose total is asked for."""

    is_row: bool
    name: str


@dataclass(frozen=True, slots=True)
class Published:
    """What is told: exact masses, None where nothing is. `spoken` rounds them for the reader."""

    cells: Mapping[Cell, int | None]
    totals: Mapping[Line, int | None]


class Benchmark(NamedTuple):
    own: int
    peer_median: int


def publishable(by: By) -> bool:
    """Enough reporters, and none that holds more than half."""
    masses = [mass for mass in by.values() if mass > 0]
    return len(masses) >= LEAST_REPORTERS and max(masses) * BP <= sum(masses) * MOST_SHARE_BP


def publish(
    rows: Sequence[str],
    cols: Sequence[str],
    cells: Mapping[Cell, By],
    *,
    row_totals: bool = False,
    col_totals: bool = False,
) -> Published:
    """The grid as PO-07 lets it leave: small cells suppressed, then others so that no line gives one away."""
    order = [(row, col) for row in rows for col in cols]
    mass = {cell: sum(cells.get(cell, {}).values()) for cell in order}
    hidden = {cell for cell in order if mass[cell] and not publishable(cells[cell])}
    members = {Line(True, row): [(row, col) for col in cols] for row in rows if row_totals}
    members |= {Line(False, col): [(row, col) for row in rows] for col in cols if col_totals}
    withheld: set[Line] = set()
    changed = True
    while changed:
        changed = False
        for line, inside in members.items():
            if line in withheld:
                continue
            if not publishable(_together(cells, inside)):
                withheld.add(line)
                continue
            kept = [cell for cell in inside if cell in hidden]
            if not kept or (len(kept) >= 2 and publishable(_together(cells, kept))):
                continue
            changed = True
            if open_cells := [cell for cell in inside if cell not in hidden and mass[cell]]:
                hidden.add(min(open_cells, key=lambda cell: mass[cell]))  # of equals the first of the grid
            else:
                withheld.add(line)
    return Published(
        {cell: None if cell in hidden else mass[cell] for cell in order},
        {line: None if line in withheld else sum(mass[cell] for cell in inside) for line, inside in members.items()},
    )


def sealed(published: Published) -> Published:
    """The same, without the totals through which a suppressed cell could still be computed.

    Each line may hide two cells and yet one of them follow from several lines together. The suppressed cells are the
    edges of a graph whose knots are the lines that tell a total (all others are one knot): a cell can be computed
    exactly if it is the only way between two parts. Withholding a total that ends such a way joins the parts.
    """
    totals = dict(published.totals)
    while bridge := _bridge([cell for cell, told in published.cells.items() if told is None], totals):
        ends = [line for line in (Line(True, bridge[0]), Line(False, bridge[1])) if totals.get(line) is not None]
        totals[min(ends, key=lambda line: (totals[line] or 0, not line.is_row))] = None
    return Published(published.cells, totals)


def spoken(figure: int | None) -> int | None:
    """Three significant digits, half up."""
    if figure is None or figure < 10**DIGITS:
        return figure
    unit: int = 10 ** (len(str(figure)) - DIGITS)
    return (figure + unit // 2) // unit * unit


def benchmark(reporter: str, by: By, value: Mapping[str, int]) -> Benchmark | None:
    """The own figure beside the median of the others; None where it would tell too much or the reporter has no part."""
    if by.get(reporter, 0) <= 0 or not publishable(by):
        return None
    others = [value[one] for one, mass in by.items() if mass > 0 and one != reporter]
    return Benchmark(value[reporter], half_up(median(others)))


def median(figures: Iterable[int | Fraction]) -> Fraction:
    order = sorted(figures)
    middle = len(order) // 2
    if len(order) % 2:
        return Fraction(order[middle])
    return Fraction(order[middle - 1] + order[middle]) / 2


def half_up(figure: Fraction) -> int:
    return (2 * figure.numerator + figure.denominator) // (2 * figure.denominator)


def _together(cells: Mapping[Cell, By], inside: Iterable[Cell]) -> dict[str, int]:
    by: dict[str, int] = {}
    for cell in inside:
        for reporter, mass in cells.get(cell, {}).items():
            by[reporter] = by.get(reporter, 0) + mass
    return by


def _bridge(hidden: Sequence[Cell], totals: Mapping[Line, int | None]) -> Cell | None:
    """A suppressed cell without which its row and its column hang together no more."""

    def knot(line: Line) -> Line | None:
        return line if totals.get(line) is not None else None

    edges = [(cell, knot(Line(True, cell[0])), knot(Line(False, cell[1]))) for cell in hidden]
    for place, (cell, one, other) in enumerate(edges):
        if one != other and not _joined(edges[:place] + edges[place + 1 :], one, other):
            return cell
    return None


def _joined(edges: Sequence[tuple[Cell, Line | None, Line | None]], start: Line | None, goal: Line | None) -> bool:
    reached, fresh = {start}, [start]
    beside: dict[Line | None, list[Line | None]] = {}
    for _, one, other in edges:
        beside.setdefault(one, []).append(other)
        beside.setdefault(other, []).append(one)
    while fresh:
        for knot in beside.get(fresh.pop(), ()):
            if knot not in reached:
                reached.add(knot)
                fresh.append(knot)
    return goal in reached
