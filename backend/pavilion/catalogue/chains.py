"""Invented but believable chains of custody, from the mine to the last sale, for demonstrations and tests.

No mine, party or report number here exists; report numbers begin with 0, as no laboratory issues them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random  # noqa: TID251 - only the type: every function is handed a seeded one
from typing import Any

Event = dict[str, Any]

STATEMENT = "sow-2021-polished-v1"
FIRST_DAY = date(2025, 1, 6)


@dataclass(frozen=True, slots=True)
class Mine:
    cc: str
    name: str
    producer: str
    party: str
    region: str


@dataclass(frozen=True, slots=True)
class House:
    """A cutting house with its polishers: name and years at the wheel."""

    cc: str
    city: str
    name: str
    party: str
    cutters: tuple[tuple[str, int], ...]


MINES = (
    Mine("BW", "Khwebe Ridge", "Kgale Diamonds", "kgale", "Ngamiland"),
    Mine("BW", "Tsodilo South", "Kgale Diamonds", "kgale", "Ngamiland"),
    Mine("CA", "Snowdrift Lake", "Northern Kimberlite", "northern", "Northwest Territories"),
    Mine("ZA", "Vaalkop Deep", "Witrand Mining", "witrand", "Northern Cape"),
    Mine("NA", "Uubvlei Terrace", "Sperrgebiet Diamonds", "sperrgebiet", "Karas"),
    Mine("AO", "Luele Norte", "Lunda Diamantes", "lunda", "Lunda Norte"),
    Mine("LS", "Maluti Pipe", "Highland Gems", "highland", "Mokhotlong"),
    Mine("CA", "Point Lake North", "Northern Kimberlite", "northern", "Northwest Territories"),
)
HOUSES = (
    House(
        "BE",
        "Antwerp",
        "Scheldt Diamond Works",
        "scheldt",
        (("A. Peeters", 27), ("L. De Smet", 14), ("M. Janssens", 33)),
    ),
    House(
        "IN", "Surat", "Tapi Diamonds", "tapi", (("R. Mehta", 19), ("K. Patel", 11), ("S. Desai", 24), ("P. Vora", 8))
    ),
    House("IL", "Ramat Gan", "Yarkon Polishing", "yarkon", (("D. Levi", 30), ("N. Azulay", 16))),
    House("BW", "Gaborone", "Notwane Cutting", "notwane", (("T. Molefe", 9), ("B. Kgosi", 12))),
    House("CN", "Guangzhou", "Panyu Facets", "panyu", (("陈明", 21), ("林秀英", 15))),
)
INITIALS_ONLY = frozenset({"K. Patel", "N. Azulay"})  # cutters who did not agree to be named
LABS = {"GIA": ("BE", 9), "IGI": ("BE", 9), "HRD": ("BE", 11)}  # place, digits after the leading 0
OFFICES = (("Antwerp", "BE"), ("Hong Kong", "HK"), ("Mumbai", "IN"), ("Ramat Gan", "IL"), ("New York", "US"))


@dataclass(frozen=True, slots=True)
class Polished:
    """The finished stone, in the laboratory's words."""

    origin_id: str
    mass_mct: int
    words: Mapping[str, str]  # weight, color, clarity, shape ... as on the report
    lab: str
    report_no: str
    meas_mm: tuple[str, str, str] | None = None
    shape: str = "RBC"
    species: str = "diamond"
    yield_permille: int = 480  # of the sawn piece


@dataclass(frozen=True, slots=True)
class Shipment:
    """Rough of one mine that travelled under one certificate to one house."""

    number: int
    mine: Mine
    house: House
    stones_mct: tuple[int, ...]
    mined: date
    exported: date
    imported: date
    kp_no: str
    certificate: Mapping[str, Any] | None = field(default=None)

    @property
    def crosses(self) -> bool:
        return self.mine.cc != self.house.cc


@dataclass(frozen=True, slots=True)
class Rough:
    """What a polished stone was sawn from."""

    mass_mct: int
    piece_mct: int
    other_mct: int
    dust_mct: int


def rough_for(stone: Polished, random: Random) -> Rough:
    piece = stone.mass_mct * 1000 // stone.yield_permille
    dust = 4 + piece * random.randrange(15, 40) // 1000
    other = piece * random.randrange(80, 450) // 1000
    return Rough(piece + dust + other, piece, other, dust)


def with_origin(stone: Polished, origin_id: str) -> Polished:
    return replace(stone, origin_id=origin_id)


def shipment(number: int, stones: Sequence[Rough], random: Random) -> Shipment:
    """One parcel: its certificate covers exactly the stones in it."""
    mine, house = random.choice(MINES), random.choice(HOUSES)
    mined = FIRST_DAY + timedelta(days=random.randrange(0, 150))
    exported = mined + timedelta(days=random.randrange(9, 26))
    imported = exported + timedelta(days=random.randrange(2, 8))
    masses = tuple(stone.mass_mct for stone in stones)
    kp_no = f"{mine.cc}{100_000 + number:06d}"
    return Shipment(
        number,
        mine,
        house,
        masses,
        mined,
        exported,
        imported,
        kp_no,
        _certificate(mine, house, masses, exported, kp_no),
    )


def whole_chain(stone: Polished, rough: Rough, parcel: Shipment, random: Random) -> tuple[list[Event], tuple[str, int]]:
    """Every event from the mine to the last sale, and who polished the stone."""
    mine, house, oid = parcel.mine, parcel.house, stone.origin_id
    r, piece, rest = f"{oid}.R", f"{oid}.A", f"{oid}.B"
    cutter = random.choice(house.cutters)
    at = _Days(parcel.mined)
    events: list[Event] = [
        {
            **_by(mine.party, mine.cc, "MINED", at.today),
            "mine": mine.name,
            "mine_public": True,
            "region": mine.region,
            "producer": mine.producer,
            "out": {r: rough.mass_mct},
        },
        {
            **_by(mine.party, mine.cc, "SORTED", at.after(random, 2, 8)),
            "obj": r,
            "parcel": f"P-{parcel.number:06d}",
            "parcel_mct": sum(parcel.stones_mct),
            "stones_mct": list(parcel.stones_mct),
        },
    ]
    if parcel.crosses:
        events += _journey(parcel, r)
        at = _Days(parcel.imported)
    at.after(random, 1, 14)
    events.append(_sale("SOLD_ROUGH", mine.party, house.party, house.cc, r, at.today, random))
    plan = [stone.mass_mct + random.randrange(0, 12), max(1, rough.other_mct * 2 // 5)]
    events += [
        {**_by(house.party, house.cc, "PLANNED", at.after(random, 2, 10)), "obj": r, "plan": plan},
        {
            **_by(house.party, house.cc, "CUT", at.after(random, 1, 6)),
            "in": r,
            "out": {piece: rough.piece_mct, rest: rough.other_mct},
            "loss": rough.dust_mct,
            "ev": "measured",
        },
        {
            **_by(house.party, house.cc, "POLISHED", at.after(random, 4, 28)),
            "in": piece,
            "out": {oid: stone.mass_mct},
            "loss": rough.piece_mct - stone.mass_mct,
            "plan_item": 0,
            "shape": stone.shape,
            "plant": f"{house.name}, {house.city}",
            "ev": "measured",
            "cutter": _named(cutter),
        },
    ]
    events += [
        {
            **_by(house.party, house.cc, "TESTED_NATURAL", at.after(random, 1, 5)),
            "obj": oid,
            "result": "PASS_NATURAL",
            "device": "accepted",
        },
        _graded(stone, at.after(random, 5, 25)),
        _sale("SOLD", house.party, "consignor", house.cc, oid, at.after(random, 2, 25), random),
    ]
    return events, cutter


def _named(cutter: tuple[str, int]) -> dict[str, Any]:
    name, years = cutter
    return {"name": name, "years": years, "consent": "initials" if name in INITIALS_ONLY else "name"}


def _certificate(mine: Mine, house: House, masses: Sequence[int], exported: date, number: str) -> dict[str, Any]:
    return {
        "no": number,
        "issuer": mine.cc,
        "hs": "7102.31",
        "origin": [mine.cc],
        "issued": (exported - timedelta(days=1)).isoformat(),
        "expires": (exported + timedelta(days=60)).isoformat(),
        "exporter": mine.party,
        "importer": house.party,
        "parcels": 1,
        "ct": _carats(sum(masses)),
        "usd": sum(masses) * 160 // 1000,
    }


def _journey(parcel: Shipment, rough: str) -> list[Event]:
    """The rough crosses a border under its Kimberley certificate; the authority signs the export."""
    mine, house = parcel.mine, parcel.house
    assert parcel.certificate is not None
    return [
        {
            **_by(mine.party, mine.cc, "KP_EXPORT", parcel.exported),
            "issuer": f"kp-{mine.cc.lower()}",
            "to_cc": house.cc,
            "obj": rough,
            "kp": dict(parcel.certificate),
        },
        {
            **_by(house.party, house.cc, "KP_IMPORT", parcel.imported),
            "obj": rough,
            "kp_no": parcel.kp_no,
            "weighed_mct": sum(parcel.stones_mct),
        },
    ]


def _graded(stone: Polished, day: date) -> Event:
    report: dict[str, Any] = {
        "lab": stone.lab,
        "no": stone.report_no,
        "type": "DG",
        "date": day.isoformat(),
        **stone.words,
        "source": "lab_api",
        "inscription": f"{stone.lab} {stone.report_no}",
    }
    if stone.meas_mm is not None:
        report["meas"] = list(stone.meas_mm)
    cc = LABS.get(stone.lab, ("BE", 9))[0]
    return {**_by(stone.lab, cc, "GRADED", day), "obj": stone.origin_id, "report": report}


def _sale(kind: str, seller: str, buyer: str, cc: str, piece: str, day: date, random: Random) -> Event:
    assessed = day - timedelta(days=random.randrange(20, 320))
    invoice = f"{seller[:3].upper()}-{day:%y%m}-{random.randrange(1000, 9999)}"
    return {
        **_by(seller, cc, kind, day),
        "to": buyer,
        "obj": piece,
        "invoice": invoice,
        "sow": STATEMENT,
        "sow_self_assessed": assessed.isoformat(),
    }


def _by(party: str, cc: str, kind: str, day: date) -> Event:
    return {"t": kind, "at": day.isoformat(), "by": party, "cc": cc}


def _carats(mct: int) -> str:
    return f"{mct // 1000}.{mct % 1000:03d}"


class _Days:
    """A day that only goes on."""

    def __init__(self, start: date) -> None:
        self.today = start

    def after(self, random: Random, least: int, most: int) -> date:
        self.today += timedelta(days=random.randrange(least, most))
        return self.today
