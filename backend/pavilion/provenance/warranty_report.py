"""Warranties in and out of one company, reconciled: every stone that left it came in with a statement that covers it,
and what came in, less what cutting took and what went out, is what it still holds. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

from pavilion.provenance.tables import Warranty

PERMILLE = 1000  # masses agree to a thousandth
ASSESSED_DAYS = 365
KEPT_YEARS = 5


class Way(StrEnum):
    IN = "in"
    OUT = "out"


class Kind(StrEnum):
    INVOICE = "invoice"
    MEMO = "memo"
    CONSIGNMENT = "consignment"  # came to the house for a sale, or left through it


class Piece(NamedTuple):
    name: str
    mct: int
    stone: str  # whose record tells of it


class Statement(NamedTuple):
    """The System of Warranties statement as it was given: which text, by whom, on which day, entitled by which
    self-assessment. `borne_out`: the register of companies does not say otherwise."""

    text: str | None
    seller: str
    given_on: date
    assessed: date | None
    borne_out: bool = True
    sha256: str | None = None


class Deed(NamedTuple):
    """An invoice or a memo by which pieces came or went."""

    way: Way
    kind: Kind
    day: date
    reference: str
    partner: str
    pieces: tuple[Piece, ...]
    rough: bool
    statement: Statement

    @property
    def mct(self) -> int:
        return sum(piece.mct for piece in self.pieces)

    @property
    def stones(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(piece.stone for piece in self.pieces))


class Mined(NamedTuple):
    """Own production: it enters the stock, and needs nobody's statement."""

    day: date
    pieces: tuple[Piece, ...]


class Cut(NamedTuple):
    """One piece or more became others; the rest is dust."""

    day: date
    inputs: tuple[str, ...]
    outputs: tuple[Piece, ...]
    loss_mct: int


Step = Deed | Mined | Cut


class Finding(NamedTuple):
    code: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Balance:
    """Masses of a period. `gap_mct` is what the sum leaves unexplained."""

    opening_mct: int = 0
    in_mct: int = 0
    mined_mct: int = 0
    loss_mct: int = 0
    out_mct: int = 0
    closing_mct: int = 0

    @property
    def gap_mct(self) -> int:
        return self.opening_mct + self.in_mct + self.mined_mct - self.loss_mct - self.out_mct - self.closing_mct

    @property
    def holds(self) -> bool:
        return abs(self.gap_mct) * PERMILLE <= self.opening_mct + self.in_mct + self.mined_mct


class Reconciliation(NamedTuple):
    balance: Balance
    deeds: tuple[Deed, ...]  # of the period, oldest first
    findings: tuple[Finding, ...]

    def of(self, way: Way) -> list[Deed]:
        return [deed for deed in self.deeds if deed.way is way]


def reconcile(steps: Iterable[Step], start: date, end: date, texts: Mapping[str, Sequence[Warranty]]) -> Reconciliation:
    """`steps` in their order; those before `start` make the opening stock, those after `end` do not count."""
    books = _Books()
    opening = before = None
    for step in steps:
        if step.day > end:
            continue
        if step.day >= start and before is None:
            opening, before = books.stock_mct, books.sums()
        books.take(step, counts=step.day >= start)
    if before is None:
        opening, before = books.stock_mct, books.sums()
    came, mined, lost, went = (now - then for now, then in zip(books.sums(), before, strict=True))
    balance = Balance(opening or 0, came, mined, lost, went, books.stock_mct)
    findings = [finding for deed in books.deeds for finding in faults(deed, texts)] + books.findings
    if not balance.holds:
        findings.insert(0, Finding("warranty_balance", {"gap_mct": balance.gap_mct}))
    return Reconciliation(balance, tuple(books.deeds), tuple(findings))


def faults(deed: Deed, texts: Mapping[str, Sequence[Warranty]]) -> list[Finding]:
    """What is wrong with the statement of one invoice or memo."""
    said, found = deed.statement, []
    facts = {"reference": deed.reference, "partner": deed.partner, "day": deed.day.isoformat(), "way": deed.way.value}
    if not text_valid(said, "rough" if deed.rough else "polished", texts):
        found.append(Finding("warranty_text", {**facts, "text": said.text or ""}))
    if said.assessed is None or not timedelta(0) <= said.given_on - said.assessed <= timedelta(ASSESSED_DAYS):
        found.append(Finding("warranty_assessed", {**facts, "assessed": str(said.assessed or "")}))
    elif not said.borne_out:
        found.append(Finding("warranty_register", {**facts, "assessed": str(said.assessed)}))
    return found


def text_valid(said: Statement, scope: str, texts: Mapping[str, Sequence[Warranty]]) -> bool:
    rows = texts.get(said.text or "", ())
    return any(scope in row.scopes and row.span.holds(said.given_on) for row in rows)


def kept_until(issued: date) -> date:
    """The last day on which an issued report must still be there."""
    try:
        return issued.replace(year=issued.year + KEPT_YEARS)
    except ValueError:  # 29 February
        return issued.replace(year=issued.year + KEPT_YEARS, day=28)


def text_hash(text: str | None) -> str | None:
    return None if text is None else sha256(text.encode()).hexdigest()


def year_of(year: int, today: date) -> tuple[date, date]:
    """The year, as far as it has gone by."""
    return date(year, 1, 1), min(date(year, 12, 31), today)


class _Books:
    """What the company holds, piece by piece, and the statement under which each came in."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.under: dict[str, str] = {}  # piece held or once held: the piece that came in
        self.came: dict[str, int] = {}
        self.went: dict[str, int] = {}
        self.deeds: list[Deed] = []
        self.findings: list[Finding] = []
        self.stock_mct = self.in_mct = self.mined_mct = self.loss_mct = self.out_mct = 0

    def sums(self) -> tuple[int, int, int, int]:
        return self.in_mct, self.mined_mct, self.loss_mct, self.out_mct

    def take(self, step: Step, *, counts: bool) -> None:
        match step:
            case Deed(way=Way.IN):
                for piece in step.pieces:
                    self.in_mct += piece.mct
                    self._put(piece, piece.name)
            case Deed():
                for piece in step.pieces:
                    self._go(piece, step, counts=counts)
            case Mined():
                for piece in step.pieces:
                    self.mined_mct += piece.mct
                    self._put(piece, piece.name)
            case Cut():
                self._cut(step)
        if counts and isinstance(step, Deed):
            self.deeds.append(step)

    def _put(self, piece: Piece, source: str) -> None:
        self.stock_mct += piece.mct - self.held.get(piece.name, 0)
        self.held[piece.name] = piece.mct
        self.under[piece.name] = source
        if source == piece.name:
            self.came[source] = max(piece.mct, self.came.get(source, 0))
            self.went[source] = 0  # it came again, whole

    def _go(self, piece: Piece, deed: Deed, *, counts: bool) -> None:
        self.out_mct += piece.mct
        facts = {"reference": deed.reference, "partner": deed.partner, "day": deed.day.isoformat(), "piece": piece.name}
        if piece.name not in self.held:
            if counts:
                self.findings.append(Finding("warranty_out_without_in", {**facts, "mct": piece.mct}))
            return
        self.stock_mct -= self.held.pop(piece.name)
        source = self.under[piece.name]
        self.went[source] += piece.mct
        if counts and (self.went[source] - self.came[source]) * PERMILLE > self.came[source]:
            told = {**facts, "came_mct": self.came[source], "went_mct": self.went[source]}
            self.findings.append(Finding("warranty_mass", told))

    def _cut(self, step: Cut) -> None:
        ours = [name for name in step.inputs if name in self.held]
        if not ours:
            return  # worked on for somebody else
        source = self.under[ours[0]]
        for name in ours:
            self.stock_mct -= self.held.pop(name)
        self.loss_mct += step.loss_mct
        for piece in step.outputs:
            self.stock_mct += piece.mct - self.held.get(piece.name, 0)
            self.held[piece.name], self.under[piece.name] = piece.mct, source
