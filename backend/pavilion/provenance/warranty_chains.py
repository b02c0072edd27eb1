"""From the chains of stones to what came to a company and left it. Pure."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from pavilion.provenance.facts import day_or_none, moment
from pavilion.provenance.outcome_chains import Event, masses_of, objects_of
from pavilion.provenance.warranty_report import Cut, Deed, Kind, Mined, Piece, Statement, Step, Way

KINDS = ("MINED", "SOLD_ROUGH", "SOLD", "TRANSFERRED", "CUT", "POLISHED", "RECUT")
CUTS = frozenset({"CUT", "POLISHED", "RECUT"})
FINISHING = frozenset({"POLISHED", "RECUT"})
_ITS_OWN_PLACE = ("seq", "prev", "sig", "rec")  # what differs where two stones' chains tell of the same event


class Told(NamedTuple):
    """A chain as it is kept, and what the register said against statements in it: (seller, self-assessment)."""

    events: Sequence[Event]
    doubted: Collection[tuple[str, str]] = ()


def steps_of(chains: Mapping[str, Told], parties: Collection[str], texts: Mapping[str, str]) -> list[Step]:
    """What these chains tell of the company that acts in them under these names, oldest first; an event that several
    chains tell is told once. `texts`: hash of each statement's text."""
    found: dict[str, tuple[tuple[date, int], Step]] = {}
    for stone, told in chains.items():
        masses, polished = masses_of(told.events), _polished(told.events)
        for place, event in enumerate(told.events):
            step = _step(event, stone, parties, masses, polished, told.doubted, texts)
            if step is not None:
                found.setdefault(_key(event), ((step.day, place), step))
    return [step for _, step in sorted(found.values(), key=lambda one: one[0])]


def last_sale(told: Told, stone: str, texts: Mapping[str, str]) -> tuple[Piece, Event, Statement] | None:
    """The last sale that the stone's chain tells, and the statement that went with it."""
    masses = masses_of(told.events)
    for event in reversed(told.events):
        if event["t"] == "SOLD" and (names := objects_of(event)):
            piece = Piece(names[0], masses.get(names[0], 0), stone)
            return piece, event, statement_of(event, told.doubted, texts)
    return None


def piece_of(told: Told) -> str | None:
    """The name under which the chain knows the finished stone."""
    for event in reversed(told.events):
        names = objects_of(event) or list(event.get("out") or ())
        if names:
            return names[0] if len(names) == 1 else None
    return None


def statement_of(event: Event, doubted: Collection[tuple[str, str]], texts: Mapping[str, str]) -> Statement:
    seller, assessed = str(event.get("by") or ""), event.get("sow_self_assessed")
    text = event.get("sow") if isinstance(event.get("sow"), str) else None
    return Statement(
        text=text,
        seller=seller,
        given_on=_day(event),
        assessed=day_or_none(assessed),
        borne_out=(seller, str(assessed or "")) not in doubted,
        sha256=texts.get(text or ""),
    )


def _step(
    event: Event,
    stone: str,
    parties: Collection[str],
    masses: Mapping[str, int],
    polished: frozenset[str],
    doubted: Collection[tuple[str, str]],
    texts: Mapping[str, str],
) -> Step | None:
    kind = event["t"]
    if kind == "MINED":
        return Mined(_day(event), _outputs(event, stone)) if event.get("by") in parties else None
    if kind in CUTS:
        return Cut(_day(event), tuple(_several(event.get("in"))), _outputs(event, stone), int(event.get("loss") or 0))
    giver, taker = event.get("from" if kind == "TRANSFERRED" else "by"), event.get("to")
    if (giver in parties) == (taker in parties) or (kind == "TRANSFERRED" and not event.get("memo")):
        return None
    weighed = event.get("mct_after" if taker in parties else "mct_before")
    names = objects_of(event)
    pieces = tuple(
        Piece(name, weighed if type(weighed) is int and len(names) == 1 else masses.get(name, 0), stone)
        for name in names
    )
    return Deed(
        way=Way.IN if taker in parties else Way.OUT,
        kind=Kind.MEMO if kind == "TRANSFERRED" else Kind.INVOICE,
        day=_day(event),
        reference=str(event.get("memo" if kind == "TRANSFERRED" else "invoice") or ""),
        partner=str((giver if taker in parties else taker) or ""),
        pieces=pieces,
        rough=kind == "SOLD_ROUGH" or (kind == "TRANSFERRED" and polished.isdisjoint(names)),
        statement=statement_of(event, doubted, texts),
    )


def _polished(events: Iterable[Event]) -> frozenset[str]:
    return frozenset(piece for event in events if event["t"] in FINISHING for piece in event.get("out") or ())


def _outputs(event: Event, stone: str) -> tuple[Piece, ...]:
    return tuple(Piece(name, mct, stone) for name, mct in (event.get("out") or {}).items() if type(mct) is int)


def _several(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value or ()]


def _key(event: Event) -> str:
    bare = {name: value for name, value in event.items() if name not in _ITS_OWN_PLACE}
    return json.dumps(bare, sort_keys=True, separators=(",", ":"))


def _day(event: Event) -> date:
    return moment(event["at"])[0].date()
