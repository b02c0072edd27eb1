"""The way of a stone as told to one reader: stops on a map, a line per event, what became of the weight. Pure.

Whoever may not see a fact is never handed it: the template has nothing to hide (origin spec 15).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from pavilion.provenance import worldmap
from pavilion.provenance.facts import TRANSFORMATIONS
from pavilion.provenance.passport_facts import PROCESSES, initials
from pavilion.provenance.queries import ChainStep


class Sees(StrEnum):
    PUBLIC = "public"
    HOLDER = "holder"  # the stone's owner or custodian
    INSIDE = "inside"  # compliance, auditors: everything


SOURCES: Mapping[str, str] = {
    "MINED": "producer", "SORTED": "producer", "KP_EXPORT": "authority", "KP_IMPORT": "importer",
    "SOLD_ROUGH": "seller", "PLANNED": "works", "CUT": "works", "POLISHED": "works", "RECUT": "works",
    "TESTED_NATURAL": "tester", "GRADED": "laboratory", "REGRADED": "laboratory", "SOLD": "seller",
    "SET_IN_JEWEL": "jeweller",
}  # fmt: skip
_ROLES: Mapping[str, str] = {
    "MINED": "mined", "KP_EXPORT": "left", "KP_IMPORT": "arrived", "CUT": "cut", "POLISHED": "cut", "RECUT": "cut",
    "TESTED_NATURAL": "tested", "GRADED": "graded", "REGRADED": "graded", "SOLD_ROUGH": "sold", "SOLD": "sold",
}  # fmt: skip
_OF_HOLDER = frozenset({"SORTED", "PLANNED", "SOLD_ROUGH", "SOLD", "LISTED", "TRANSFERRED", "VIEWED"})
HERE = "here"


class Stop(NamedTuple):
    number: int
    cc: str
    region: str | None
    town: str | None
    roles: tuple[str, ...]
    first: datetime | None
    last: datetime | None
    place: worldmap.Place | None


class Line(NamedTuple):
    """One event. `facts` holds what this reader may know of it and nothing else."""

    seq: int
    kind: str
    at: datetime
    cc: str | None
    stop: int | None
    facts: Mapping[str, Any]
    evidence: str
    source: str
    logged: int | None  # its entry in the public log


class Piece(NamedTuple):
    mct: int
    ours: bool  # the stone was made from it


class Stage(NamedTuple):
    """What one cut made of what went in."""

    kind: str
    pieces: tuple[Piece, ...]
    loss_mct: int

    def segments(self, rough_mct: int) -> list[tuple[int, int, str]]:
        """The stage as parts of a line as long as the rough: where each begins, how long it is, in thousandths."""
        found, start = [], 0
        for mct, kind in [
            *((one.mct, "ours" if one.ours else "other") for one in self.pieces),
            (self.loss_mct, "loss"),
        ]:
            found.append((start * 1000 // rough_mct, max(1, mct * 1000 // rough_mct), kind))
            start += mct
        return found


class Balance(NamedTuple):
    """From the rough to the stone. The yield is in hundredths of a percent, rounded down."""

    rough_mct: int
    stages: tuple[Stage, ...]
    polished_mct: int
    yield_bp: int


class Journey(NamedTuple):
    lines: tuple[Line, ...]
    stops: tuple[Stop, ...]
    drawing: worldmap.Drawing | None
    balance: Balance | None

    def stop(self, number: int) -> Stop:
        return self.stops[number - 1]


def told(
    steps: Sequence[ChainStep],
    sees: Sees,
    *,
    indices: Mapping[int, int] | None = None,
    here: tuple[str, str | None] | None = None,
) -> Journey:
    """`indices`: where each event, by its `seq`, stands in the log. `here`: country and city where the stone is now."""
    shown = [step for step in steps if _may_know(step.kind, sees)]
    named = sees is not Sees.PUBLIC or _consented(steps)
    stops = _stops(shown, named=named, here=here)
    at = {seq: stop.number for stop, seqs in stops for seq in seqs}
    places = tuple(stop.place for stop, _ in stops if stop.place is not None)
    lines = tuple(_line(step, sees, at.get(step.seq), (indices or {}).get(step.seq)) for step in shown)
    whole = len(places) == len(stops) and bool(places)
    return Journey(lines, tuple(stop for stop, _ in stops), worldmap.drawn(places) if whole else None, balance(steps))


def balance(steps: Sequence[ChainStep]) -> Balance | None:
    """The weights from the rough to the stone, or None while one of them is not known."""
    made = [step for step in steps if step.kind in TRANSFORMATIONS]
    mined = next((step for step in steps if step.kind == "MINED"), None)
    if mined is None or not made or not (rough := sum(_out(mined).values())):
        return None
    ours = _line_of(made)
    stages = tuple(
        Stage(
            step.kind,
            tuple(
                Piece(mct, piece in ours) for piece, mct in sorted(_out(step).items(), key=lambda o: o[0] not in ours)
            ),
            int(step.facts.get("loss") or 0),
        )
        for step in made
        if ours & _out(step).keys()
    )
    if not stages or not (polished := next((piece.mct for piece in stages[-1].pieces if piece.ours), 0)):
        return None
    return Balance(rough, stages, polished, polished * 10_000 // rough)


def _line_of(made: Sequence[ChainStep]) -> set[str]:
    """The pieces the stone came from, walked backwards from the last cut."""
    ours = set(_out(made[-1]))
    for step in reversed(made):
        if ours & _out(step).keys():
            ours |= set(_several(step.facts.get("in")))
    return ours


def _may_know(kind: str, sees: Sees) -> bool:
    return kind in PROCESSES or sees is Sees.INSIDE or (sees is Sees.HOLDER and kind in _OF_HOLDER)


def _consented(steps: Iterable[ChainStep]) -> bool:
    makers = [step.facts.get("cutter") for step in steps if step.kind in ("POLISHED", "RECUT")]
    return bool(makers) and all(isinstance(maker, Mapping) and maker.get("consent") == "name" for maker in makers)


def _stops(
    steps: Sequence[ChainStep], *, named: bool, here: tuple[str, str | None] | None
) -> list[tuple[Stop, list[int]]]:
    found: list[tuple[Stop, list[int]]] = []
    for step in steps:
        if not step.cc:
            continue
        region = _text(step.facts.get("region")) if step.kind == "MINED" else None
        town = _town(step) if named else None
        role = _ROLES.get(step.kind)
        _reach(found, step.cc, region, town, (role,) if role else (), step.at, step.seq)
    if here is not None and here[0]:
        _reach(found, here[0], None, here[1], (HERE,), None, None)
    return found


def _reach(
    found: list[tuple[Stop, list[int]]],
    cc: str,
    region: str | None,
    town: str | None,
    roles: tuple[str, ...],
    at: datetime | None,
    seq: int | None,
) -> None:
    """The stone is there: at the last stop if that is the same place, else at a new one."""
    place = (town and worldmap.town(cc, town)) or worldmap.centre(cc, region)
    last = found[-1][0] if found else None
    seqs = [] if seq is None else [seq]
    if last is None or not _is_there(last, cc, town, roles, place):
        found.append((Stop(len(found) + 1, cc, region, town, roles, at, at, place), seqs))
        return
    stop = last._replace(roles=tuple(dict.fromkeys((*last.roles, *roles))), last=at or last.last)
    if town and not last.town and "mined" not in last.roles:
        stop = stop._replace(town=town, place=place)
    found[-1] = (stop, [*found[-1][1], *seqs])


def _is_there(last: Stop, cc: str, town: str | None, roles: tuple[str, ...], place: worldmap.Place | None) -> bool:
    """Nothing says that the stone had to move: same country, no other city, and not from the mine to the works."""
    if last.cc != cc or (town and last.town and town != last.town):
        return False
    return "mined" not in last.roles or place == last.place or not roles or roles == ("left",)


def _line(step: ChainStep, sees: Sees, stop: int | None, index: int | None) -> Line:
    source = SOURCES.get(step.kind, "holder")
    evidence = str(step.facts.get("ev") or "attested")
    return Line(step.seq, step.kind, step.at, step.cc, stop, _known(step, sees), evidence, source, index)


def _known(step: ChainStep, sees: Sees) -> dict[str, Any]:
    """The event's facts for this reader."""
    said = step.facts
    if sees is Sees.INSIDE:
        return {**said} | _made(said) | _cutter(said, named=True)
    known: dict[str, Any] = {name: said[name] for name in ("to_cc", "producer", "region", "result") if said.get(name)}
    if said.get("mine") and said.get("mine_public") is True:
        known["mine"] = said["mine"]
    if sow := _text(said.get("sow")):
        known["sow"] = sow
    known |= _made(said) | _cutter(said, named=sees is Sees.HOLDER)
    if sees is Sees.HOLDER and isinstance(said.get("plan"), list):
        known["plan"] = said["plan"]
    if isinstance(report := said.get("report"), Mapping):
        known["report"] = {name: report[name] for name in ("lab", "no", "date", "weight") if report.get(name)}
    return known


def _made(said: Mapping[str, Any]) -> dict[str, Any]:
    out = said.get("out")
    return {"out": dict(out), "loss": int(said.get("loss") or 0)} if isinstance(out, Mapping) else {}


def _cutter(said: Mapping[str, Any], *, named: bool) -> dict[str, Any]:
    """The cutter's name if the reader may know it or the cutter agreed, and then the works; else the initials."""
    cutter = said.get("cutter")
    if not isinstance(cutter, Mapping) or not isinstance(cutter.get("name"), str):
        return {}
    named = named or cutter.get("consent") == "name"
    known: dict[str, Any] = {"cutter": cutter["name"] if named else initials(cutter["name"])}
    if type(cutter.get("years")) is int:
        known["years"] = cutter["years"]
    if named and (plant := _text(said.get("plant"))):
        known["plant"] = plant
    return known


def _town(step: ChainStep) -> str | None:
    """The city of the works, as `WORKS, CITY` says it."""
    plant = _text(step.facts.get("plant"))
    name = plant.rpartition(", ")[2] if plant else None
    return name if name and step.cc and worldmap.town(step.cc, name) else None


def _out(step: ChainStep) -> dict[str, int]:
    out = step.facts.get("out")
    return {piece: mct for piece, mct in out.items() if type(mct) is int} if isinstance(out, Mapping) else {}


def _several(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _text(value: object) -> str | None:
    return value[:160] if isinstance(value, str) and value else None
