"""What is known about one stone when its origin is judged: read from a document once, checked, and frozen."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, TypeGuard

from pavilion.provenance.trust import NOBODY, Trust

TRANSFORMATIONS = frozenset({"CUT", "POLISHED", "RECUT"})
POLISHING = frozenset({"POLISHED", "RECUT"})
KINDS = TRANSFORMATIONS | {
    "MINED", "SORTED", "KP_EXPORT", "KP_IMPORT", "SOLD_ROUGH", "PLANNED", "GRADED", "REGRADED", "TESTED_NATURAL",
    "LISTED", "VIEWED", "SOLD", "TRANSFERRED", "SET_IN_JEWEL", "LOST", "STOLEN", "RECOVERED", "WITHDRAWN", "REINSTATED",
    "CORRECTED",
}  # fmt: skip
PARTY_FIELDS = ("by", "issuer", "from", "to", "for", "owner", "buyer")
EVIDENCE = ("measured", "attested", "declared")
RESULTS = ("PASS_NATURAL", "REFER", "LAB_GROWN", "SIMULANT")  # of a natural test
MAX_EVENTS = 2_000
MAX_MCT = 10**9  # a tonne of rough is not one stone
_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")


class Certificate(NamedTuple):
    """A Kimberley Process certificate as its export event carries it."""

    no: str
    issuer: str
    issued: date | None
    expires: date | None
    hs: str
    origin: tuple[str, ...]
    mct: Decimal
    exporter: str | None
    importer: str | None


class Report(NamedTuple):
    lab: str
    no: str
    type: str
    day: date | None
    words: Mapping[str, str]  # the laboratory's own, weight among them
    meas_um: tuple[int, int, int] | None
    treatment: str | None
    source: str
    inscription: str | None

    @property
    def carats(self) -> Decimal | None:
        return decimal_or_none(self.words.get("weight"))


class Happening(NamedTuple):
    """One event of the chain. `at` is exact only if the record gave a time of day."""

    place: int
    kind: str
    at: datetime
    exact: bool
    day: date
    late: bool  # said to have happened after it was recorded
    by: str | None
    issuer: str | None
    cc: str | None
    to_cc: str | None
    objects: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: Mapping[str, int]
    loss_mct: int
    signed: bool
    logged: bool
    evidence: str
    more: Mapping[str, Any]
    kp: Certificate | None = None
    report: Report | None = None
    revoked: bool = False  # signed with a key that was revoked by then

    def text(self, name: str) -> str | None:
        value = self.more.get(name)
        return value if isinstance(value, str) else None

    def mct(self, name: str) -> int | None:
        return self.more.get(name)

    def masses(self, name: str) -> tuple[int, ...]:
        return tuple(self.more.get(name) or ())

    def day_of(self, name: str) -> date | None:
        return day_or_none(self.more.get(name))

    def touches(self) -> Iterable[str]:
        return (*self.objects, *self.inputs, *self.outputs)

    def earlier_than(self, other: "Happening") -> bool:
        return self.at < other.at if self.exact and other.exact else self.day < other.day

    def parties(self) -> set[str]:
        named = {self.more.get(name) for name in PARTY_FIELDS} | {self.by, self.issuer}
        if self.kp is not None:
            named |= {self.kp.exporter, self.kp.importer}
        return {party for party in named if isinstance(party, str)}


@dataclass(frozen=True, slots=True)
class Listing:
    words: Mapping[str, str]
    fancy: Mapping[str, str] | None = None
    treatment: str | None = None
    standard: str | None = None
    text: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What registries and our other stones say about the pieces and numbers of this chain."""

    reports_in_use: frozenset[str] = frozenset()
    inscriptions_in_use: frozenset[str] = frozenset()
    consumed: frozenset[str] = frozenset()
    siblings_mct: Mapping[str, int] = field(default_factory=dict)
    match: tuple[Decimal, Decimal] | None = None  # score, threshold
    revoked: frozenset[str] = frozenset()
    stolen: frozenset[str] = frozenset()
    kp_used_mct: Mapping[str, int] = field(default_factory=dict)
    kp_conflicts: frozenset[str] = frozenset()
    companies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # as the warranty register knows them
    rjc: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    stated_origins: Mapping[str, str] = field(default_factory=dict)  # countries, by the report that states each
    noticed: frozenset[str] = frozenset()  # pieces that a party reported to the house as gone
    weighed: tuple[tuple[int, int], ...] = ()  # before and after, where a reported handling changed the mass


class Answered(NamedTuple):
    name: str
    status: str
    mandatory: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    stone: str  # the chain's name of the polished piece
    as_of: date
    events: tuple[Happening, ...]  # in order
    species: str = "diamond"
    natural: bool = True
    market: str | None = None
    mass_mct: int = 0
    shape: str | None = None
    inscription: str | None = None
    melee: bool = False
    catalogue: str = "untreated"
    listing: Listing = Listing({})
    documents: frozenset[str] = frozenset()
    grandfather: Mapping[str, Any] | None = None
    rjc: tuple[Mapping[str, Any], ...] = ()
    trust: Trust = NOBODY
    sanctioned: frozenset[str] = frozenset()
    resembling: frozenset[str] = frozenset()  # parties whose name is close to one on a sanction list
    hands: frozenset[str] = frozenset()  # had a part in the stone though no event names them as a party
    report: Report | None = None  # as the laboratory itself tells it; None: the chain's own
    report_withdrawn: bool = False
    elsewhere: Elsewhere = Elsewhere()
    answers: tuple[Answered, ...] = ()
    participants: tuple[Mapping[str, Any], ...] = ()  # added to the shipped table

    @property
    def is_diamond(self) -> bool:
        return self.species == "diamond"


def happenings(events: Iterable[Mapping[str, Any]]) -> tuple[Happening, ...]:
    """The events in order of `seq`, ties by place; ValueError names what cannot be read."""
    listed = list(events)
    if len(listed) > MAX_EVENTS:
        raise ValueError("too many events")
    if not all(map(_is_map, listed)):
        raise ValueError("an event is no object")
    order = sorted((_whole(event.get("seq", place), "seq"), place) for place, event in enumerate(listed))
    return tuple(_happening(nth, listed[place]) for nth, (_, place) in enumerate(order))


@lru_cache(maxsize=65_536)
def moment(text: str) -> tuple[datetime, bool]:
    """The UTC instant, and whether a time of day was given."""
    if len(text) == 10:
        return datetime.fromisoformat(text).replace(tzinfo=UTC), False
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"time without offset: {text[:40]}")
    return at.astimezone(UTC), True


def day_or_none(text: object) -> date | None:
    if not isinstance(text, str):
        return None
    try:
        return moment(text)[0].date()
    except ValueError:
        return None


def decimal_or_none(value: object) -> Decimal | None:
    """Whole numbers, Decimals and plain decimal texts; never a binary float."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    return None


def _happening(place: int, raw: Mapping[str, Any]) -> Happening:
    said = raw.get
    for name, value in raw.items():
        if value is not None and (check := _CHECKS.get(name)) is not None:
            check(value, name)
    kind, by, rec = _text(raw, "t"), said("by"), said("rec")
    if kind not in KINDS:
        raise ValueError(f"unknown event {kind[:40]!r}")
    at, exact = moment(_text(raw, "at"))
    kp, report = said("kp"), said("report")
    return Happening(
        place,
        kind,
        at,
        exact,
        at.date(),
        rec is not None and _late(at, exact, rec),
        by,
        said("issuer") or by,
        said("cc"),
        said("to_cc"),
        _names(said("obj"), "obj"),
        _names(said("in"), "in"),
        said("out") or {},
        said("loss") or 0,
        _signed(said("sig"), at.date()),
        _logged(said("log")),
        said("ev") or "attested",
        raw,
        None if kp is None else _certificate(kp),
        None if report is None else report_of(report),
        _revoked(said("sig"), at.date()),
    )


def _is_text(value: object, name: str) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")


def _are_masses(value: object, name: str) -> None:
    if not isinstance(value, list) or not all(type(mass) is int and abs(mass) <= MAX_MCT for mass in value):
        raise ValueError(f"{name} is no list of masses")


def _are_pieces(value: object, name: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no table of masses")
    if not all(isinstance(p, str) and type(mass) is int and 0 <= mass <= MAX_MCT for p, mass in value.items()):
        raise ValueError(f"{name} is no table of masses")


def _certificate(raw: object) -> Certificate:
    if not _is_map(raw):
        raise ValueError("kp is no certificate")
    origin = raw.get("origin")
    return Certificate(
        no=_optional_text(raw, "no") or "",
        issuer=_optional_text(raw, "issuer") or "",
        issued=day_or_none(raw.get("issued")),
        expires=day_or_none(raw.get("expires")),
        hs=_optional_text(raw, "hs") or "",
        origin=_names(origin, "origin"),
        mct=(decimal_or_none(raw.get("ct")) or Decimal(0)) * 1000,
        exporter=_optional_text(raw, "exporter"),
        importer=_optional_text(raw, "importer"),
    )


def report_of(raw: object) -> Report:
    """ValueError for what is no report."""
    if not _is_map(raw):
        raise ValueError("report is no report")
    words = {name: str(value) for name, value in raw.items() if isinstance(value, str | int | Decimal)}
    meas = raw.get("meas")
    treat = raw.get("treat")
    return Report(
        lab=_optional_text(raw, "lab") or "",
        no=words.get("no", ""),
        type=_optional_text(raw, "type") or "",
        day=day_or_none(raw.get("date")),
        words=words,
        meas_um=_lengths(meas) if meas is not None else None,
        treatment=None if treat in (None, "", "none") else str(treat),
        source=_optional_text(raw, "source") or "",
        inscription=_optional_text(raw, "inscription"),
    )


def _lengths(meas: object) -> tuple[int, int, int]:
    if not isinstance(meas, list | tuple) or len(meas) != 3:
        raise ValueError("meas is not three lengths")
    first, second, depth = (_length(value) for value in meas)
    return first, second, depth


def _length(value: object) -> int:
    mm = decimal_or_none(value)
    if mm is None:
        raise ValueError("meas is not three lengths")
    return int(mm.scaleb(3))


def _late(at: datetime, exact: bool, recorded: str | None) -> bool:
    """More than five minutes after its own recording; by day where one of both has no time."""
    if recorded is None:
        return False
    rec, rec_exact = moment(recorded)
    if exact and rec_exact:
        return (at - rec).total_seconds() > 300
    return at.date() > rec.date()


def _signed(sig: object, day: date) -> bool:
    if not _is_map(sig):
        return sig is True
    start, end = day_or_none(sig.get("key_from")), day_or_none(sig.get("key_to"))
    return sig.get("ok") is True and (start is None or start <= day) and (end is None or day <= end)


def _revoked(sig: object, day: date) -> bool:
    revoked = day_or_none(sig.get("revoked")) if _is_map(sig) else None
    return revoked is not None and revoked <= day


def _logged(log: object) -> bool:
    if not _is_map(log):
        return log is True
    cosigned, quorum = log.get("cosigned", 0), log.get("quorum", 0)
    return log.get("included") is True and isinstance(cosigned, int) and isinstance(quorum, int) and cosigned >= quorum


def _is_map(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _names(value: object, name: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ValueError(f"{name} is no list of names")


def _text(raw: Mapping[str, Any], name: str) -> str:
    if (value := _optional_text(raw, name)) is None:
        raise ValueError(f"{name} is missing")
    return value


def _optional_text(raw: Mapping[str, Any], name: str) -> str | None:
    value = raw.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_MCT:
        raise ValueError(f"{name} is no whole number")
    return value


_TEXTS = ("t", "at", "rec", "by", "issuer", "cc", "to_cc", "ev", "from", "to", "for", "owner", "buyer", "sow", "shape")
_WHOLES = ("seq", "loss", "weighed_mct", "parcel_mct", "mct_before", "mct_after", "plan_item")
_CHECKS: Mapping[str, Callable[[object, str], object]] = {
    **dict.fromkeys(_TEXTS, _is_text),
    **dict.fromkeys(_WHOLES, _whole),
    **dict.fromkeys(("stones_mct", "plan"), _are_masses),
    "out": _are_pieces,
}
