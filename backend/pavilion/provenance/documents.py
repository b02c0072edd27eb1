"""The papers that the law asks for, made of verified facts alone: the EU due-diligence statement and the US text.

A paper exists for a stone exactly while its facts are complete; nobody signs one by hand for a stone that lacks them.
"""

from typing import NamedTuple

from pavilion.provenance.facts import TRANSFORMATIONS
from pavilion.provenance.lineage import Case

EU_DDS = "eu_dds"
US_CERT = "us_cbp_cert"


class Extraction(NamedTuple):
    """Where one rough piece came out of the ground."""

    piece: str
    country: str
    mine: str
    day: str
    mct: int


class Making(NamedTuple):
    kind: str
    country: str
    day: str


class Crossing(NamedTuple):
    """A Kimberley Process certificate under which rough of this stone crossed a border."""

    no: str
    issuer: str
    day: str


class Statement(NamedTuple):
    """What a due-diligence statement says of one stone."""

    piece: str
    mct: int
    report: str
    extractions: tuple[Extraction, ...]
    makings: tuple[Making, ...]
    crossings: tuple[Crossing, ...]


def provided(case: Case) -> frozenset[str]:
    """The documents of the law table that the house can give for this stone."""
    return frozenset({EU_DDS}) if isinstance(statement(case), Statement) else frozenset()


def statement(case: Case) -> Statement | tuple[str, ...]:
    """The statement, or the names of the facts that are missing for it."""
    mined = [e for e in case.chain if e.kind == "MINED" and not case.pieces.isdisjoint(e.outputs)]
    made = [e for e in case.chain if e.kind in TRANSFORMATIONS]
    report = case.report
    missing = []
    if not case.roots or any(e.cc is None for e in mined):
        missing.append("mine_country")
    if not any(e.kind in ("POLISHED", "RECUT") for e in made) or any(e.cc is None for e in made):
        missing.append("cutting_country")
    if report is None or not report.no:
        missing.append("report")
    if missing or report is None:
        return tuple(missing)
    return Statement(
        piece=case.facts.stone,
        mct=case.facts.mass_mct,
        report=f"{report.lab} {report.no}",
        extractions=tuple(
            Extraction(piece, e.cc or "", e.text("mine") or "", e.day.isoformat(), mct)
            for e in mined
            for piece, mct in sorted(e.outputs.items())
            if piece in case.pieces
        ),
        makings=tuple(Making(e.kind, e.cc or "", e.day.isoformat()) for e in made),
        crossings=tuple(
            Crossing(e.kp.no, e.kp.issuer, e.day.isoformat()) for e in case.chain if e.kind == "KP_EXPORT" and e.kp
        ),
    )


def certificate(case: Case, text: str) -> str | None:
    """The importer's text of the law table, for a stone of which it is true; None for any other."""
    banned = _banned(case)
    if not case.roots or not banned:
        return None
    touched = {e.cc for e in case.chain if e.kind == "MINED" or e.kind in TRANSFORMATIONS}
    return None if None in touched or touched & banned else text


def _banned(case: Case) -> frozenset[str]:
    """The origins that some entry of the law bans anywhere."""
    return frozenset(entry.origin for entry in case.tables.laws if entry.origin is not None)
