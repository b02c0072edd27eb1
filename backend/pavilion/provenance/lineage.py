"""Where a stone comes from: its line of pieces, and the rules of identity (ID)."""

from collections.abc import Iterator
from typing import NamedTuple

from pavilion.provenance.facts import POLISHING, TRANSFORMATIONS, Facts, Happening, Report
from pavilion.provenance.findings import Finding, Severity
from pavilion.provenance.tables import Tables
from pavilion.provenance.tolerances import Tolerances

GONE = frozenset({"LOST", "STOLEN", "WITHDRAWN"})
BACK = frozenset({"RECOVERED", "REINSTATED"})


class Case(NamedTuple):
    """One stone before the rules: its facts, the tables of the day, and what follows from both."""

    facts: Facts
    tables: Tables
    pieces: frozenset[str]  # L: the stone and all it was made from
    chain: tuple[Happening, ...]  # C: the events that touch a piece of L
    mass: dict[str, int]  # of each piece where it was produced
    producers: dict[str, list[Happening]]
    consumers: dict[str, list[Happening]]
    roots: tuple[str, ...]
    last_cut: Happening | None  # the last transformation that gave the stone
    report: Report | None
    exports: dict[str, Happening]  # certificate number -> its export

    @property
    def limits(self) -> Tolerances:
        return self.tables.limits

    @property
    def transformations(self) -> Iterator[Happening]:
        return (event for event in self.chain if event.kind in TRANSFORMATIONS)

    @property
    def first_polish(self) -> Happening | None:
        return next(
            (e for e in self.chain if e.kind == "POLISHED" and not self.pieces.isdisjoint(e.outputs)),
            None,
        )

    @property
    def polished(self) -> frozenset[str]:
        """Every piece of the record that came off a wheel."""
        return frozenset(piece for e in self.facts.events if e.kind in POLISHING for piece in e.outputs)


def case_of(facts: Facts, tables: Tables) -> Case:
    producers: dict[str, list[Happening]] = {}
    consumers: dict[str, list[Happening]] = {}
    mass: dict[str, int] = {}
    for event in facts.events:
        for piece in event.inputs:
            consumers.setdefault(piece, []).append(event)
        for piece, mct in event.outputs.items():
            producers.setdefault(piece, []).append(event)
            mass.setdefault(piece, mct)
    pieces, waiting = {facts.stone}, [facts.stone]
    while waiting:
        for event in producers.get(waiting.pop(), ()):
            for piece in event.inputs:
                if piece not in pieces:
                    pieces.add(piece)
                    waiting.append(piece)
    chain = tuple(event for event in facts.events if not pieces.isdisjoint(event.touches()))
    made = producers.get(facts.stone, ())
    graded = [e.report for e in chain if e.kind in ("GRADED", "REGRADED") and facts.stone in e.objects]
    return Case(
        facts=facts,
        tables=tables,
        pieces=frozenset(pieces),
        chain=chain,
        mass=mass,
        producers=producers,
        consumers=consumers,
        roots=tuple(p for p in sorted(pieces) if any(e.kind == "MINED" for e in producers.get(p, ()))),
        last_cut=next((e for e in reversed(made) if e.kind in TRANSFORMATIONS), None),
        report=facts.report or (graded[-1] if graded else None),
        exports={e.kp.no: e for e in chain if e.kind == "KP_EXPORT" and e.kp is not None},
    )


def identity(case: Case) -> Iterator[Finding]:
    yield from _reaches_one_mine(case)
    yield from _spent_once(case)
    yield from _numbers_are_its_own(case)
    yield from _inscribed(case)
    yield from _scanned(case)
    yield from _not_lost(case)


def _reaches_one_mine(case: Case) -> Iterator[Finding]:
    orphans = sorted(piece for piece in case.pieces if piece not in case.producers)
    if orphans:
        yield Finding("ID-01", Severity.BLOCK, None, {"piece": orphans[0]})
    elif not case.roots:
        yield Finding("ID-01", Severity.BLOCK)
    elif len(case.roots) > 1 and not case.facts.melee:
        yield Finding("ID-01", Severity.BLOCK, None, {"roots": len(case.roots)})


def _spent_once(case: Case) -> Iterator[Finding]:
    for piece in sorted(case.pieces):
        for twice in (case.producers.get(piece, ()), case.consumers.get(piece, ())):
            if len(twice) > 1:
                yield Finding("ID-02", Severity.BLOCK, twice[1].place, {"piece": piece})
    for piece in sorted(case.pieces & case.facts.elsewhere.consumed):
        yield Finding("ID-02", Severity.BLOCK, None, {"piece": piece})


def _numbers_are_its_own(case: Case) -> Iterator[Finding]:
    known = case.facts.elsewhere
    if case.report is not None and (number := f"{case.report.lab}:{case.report.no}") in known.reports_in_use:
        yield Finding("ID-03", Severity.BLOCK, None, {"number": number})
    if case.facts.inscription is not None and case.facts.inscription in known.inscriptions_in_use:
        yield Finding("ID-03", Severity.BLOCK, None, {"number": case.facts.inscription})


def _inscribed(case: Case) -> Iterator[Finding]:
    inscription, report = case.facts.inscription, case.report
    if not inscription:
        if case.facts.is_diamond:
            yield Finding("ID-04", Severity.HOLD)
    elif report is not None and not holds_number(inscription, report.no):
        yield Finding("ID-04", Severity.HOLD, None, {"inscription": inscription, "number": report.no})


def holds_number(inscription: str, number: str) -> bool:
    """As a whole token: no letter or digit directly before or after."""
    start = inscription.find(number) if number else -1
    while start >= 0:
        around = inscription[max(start - 1, 0) : start] + inscription[start + len(number) : start + len(number) + 1]
        if not any(char.isalnum() for char in around):
            return True
        start = inscription.find(number, start + 1)
    return False


def _scanned(case: Case) -> Iterator[Finding]:
    match = case.facts.elsewhere.match
    if match is None:
        yield Finding("ID-05", Severity.INFO)
    elif match[0] < match[1]:
        yield Finding("ID-05", Severity.BLOCK, None, {"score": str(match[0]), "threshold": str(match[1])})


def _not_lost(case: Case) -> Iterator[Finding]:
    gone: dict[str, Happening] = {}
    for event in case.chain:
        for piece in event.objects:
            if event.kind in GONE and piece in case.pieces:
                gone[piece] = event
            elif event.kind in BACK:
                gone.pop(piece, None)
    for piece, event in sorted(gone.items()):
        yield Finding("ID-06", Severity.BLOCK, event.place, {"piece": piece})
    for piece in sorted(case.pieces & case.facts.elsewhere.stolen):
        yield Finding("ID-06", Severity.BLOCK, None, {"piece": piece})
