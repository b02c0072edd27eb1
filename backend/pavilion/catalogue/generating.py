"""A stock file with its registry, made from a table of real stones, and the answers an importer must give.

The stones' weights, grades, measurements and prices are those of the table; their chains are invented. Equal table,
count, seed and share of broken stones give equal bytes.
"""

import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from random import Random  # noqa: TID251 - made from the seed, never from the clock
from typing import Any, TextIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pavilion.catalogue import chains
from pavilion.catalogue.breaking import CHANGED, FAULTS, REVIEW, WARNED, Draft, Fault, Row
from pavilion.provenance.registries.port import OWN_PRODUCTION
from pavilion.provenance.registries.writing import RegistryWriter

PARCEL = 25  # stones under one certificate
COLUMNS = (
    *("Stock #", "Availability", "Shape", "Carat", "Color", "Clarity", "Cut Grade", "Polish", "Symmetry"),
    *("Fluorescence", "Measurements", "Depth %", "Table %", "Lab", "Report #", "Report Date", "$/ct", "Total Price"),
    *("Currency", "City", "Country", "Growth Type", "Origin ID", "Origin Registry", "Rough Ct", "KP No"),
    *("Cutter", "Cutter Experience"),
)

# The table's five makes in the laboratory's words; its "Ideal" and "Premium" are a seller's words for Excellent.
_MAKES = {
    "Ideal": ("Excellent", "EX", "EX", "EX"),
    "Premium": ("Excellent", "EX", "VG", "EX"),
    "Very Good": ("Very Good", "VG", "VG", "VG"),
    "Good": ("Good", "GD", "VG", "G"),
    "Fair": ("Fair", "F", "G", "F"),
}
_FINISH = {"EX": "Excellent", "VG": "Very Good", "GD": "Good", "G": "Good", "F": "Fair"}
_FLUORESCENCE = (("None", "NON"),) * 6 + (("Faint", "FNT"), ("Medium", "MED"), ("Strong", "STG"), ("None", "N"))
_SHAPES = ("RBC", "Round", "BR", "round brilliant")


@dataclass(frozen=True, slots=True)
class Generated:
    rows: int
    broken: int
    registered: int


@dataclass(frozen=True, slots=True)
class _Stone:
    """One line of the table."""

    line: int
    carat: Decimal
    cut: str
    color: str
    clarity: str
    depth: Decimal
    table: Decimal
    price: Decimal
    meas: tuple[Decimal, Decimal, Decimal]


def generate(diamonds: Path, out: Path, *, rows: int | None = None, seed: int = 1, broken_bp: int = 500) -> Generated:
    """`stock.csv`, `registry/` and `answers.jsonl` stand in `out`; ValueError says what the table lacks."""
    stones = _chosen(_read(diamonds), rows, seed)
    random = Random(f"pavilion:{seed}")  # noqa: S311 - invents, guards nothing
    out.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"pavilion registry {seed}".encode()).digest())
    with (
        (out / "stock.csv").open("w", encoding="utf-8", newline="") as stock,
        (out / "answers.jsonl").open("w", encoding="utf-8") as answers,
        RegistryWriter(out / "registry", key, name=OWN_PRODUCTION) as registry,
    ):
        return _Writer(stock, answers, registry, random, broken_bp).write(stones)


class _Writer:
    def __init__(
        self, stock: TextIO, answers: TextIO, registry: RegistryWriter, random: Random, broken_bp: int
    ) -> None:
        self._csv = csv.DictWriter(stock, COLUMNS, lineterminator="\r\n")
        self._answers, self._registry, self._random, self._broken_bp = answers, registry, random, broken_bp
        self._faults = list(FAULTS)
        self._random.shuffle(self._faults)
        self._row, self._broken, self._registered = 1, 0, 0
        self._last_good: tuple[int, Row] | None = None

    def write(self, stones: Sequence[_Stone]) -> Generated:
        self._csv.writeheader()
        for number, start in enumerate(range(0, len(stones), PARCEL)):
            for draft, natural in self._parcel(number, stones[start : start + PARCEL]):
                self._put(draft, natural)
        return Generated(self._row - 1, self._broken, self._registered)

    def _parcel(self, number: int, stones: Sequence[_Stone]) -> Iterator[tuple[Draft, tuple[str, set[str]]]]:
        random = self._random
        finished = [_finished(stone, random) for stone in stones]
        roughs = [chains.rough_for(polished, random) for polished, _ in finished]
        parcel = chains.shipment(number, roughs, random)
        for stone, (polished, row), rough in zip(stones, finished, roughs, strict=True):
            origin_id = f"{parcel.mine.cc}:{polished.origin_id}"
            polished = chains.with_origin(polished, origin_id)
            events, cutter = chains.whole_chain(polished, rough, parcel, random)
            row |= {
                "Origin ID": origin_id,
                "Rough Ct": f"{rough.mass_mct // 1000}.{rough.mass_mct % 1000:03d}",
                "KP No": parcel.kp_no if parcel.crosses else "",
                "Cutter": cutter[0],
                "Cutter Experience": str(cutter[1]),
                "Report Date": events[-2]["at"],
            }
            yield Draft(row, events, origin_id, polished.mass_mct, self._last_good), _upload_answer(stone)

    def _put(self, draft: Draft, natural: tuple[str, set[str]]) -> None:
        self._row += 1
        outcome, codes = natural
        fault = self._fault(draft) if not codes else None
        stock_no = draft.row["Stock #"]
        if fault is not None:
            fault.plant(draft)
            outcome, codes = fault.outcome, set(fault.codes)
            self._broken += 1
        judged = outcome in ("accepted", WARNED) if fault is None else fault.judged
        if judged and _too_light_for_its_size(draft):
            codes = codes | {"GR-05"}
            outcome = REVIEW if outcome in ("accepted", WARNED, CHANGED) else outcome
        if draft.registered:
            self._registry.add(draft.origin_id, draft.events)
            self._registered += 1
        self._csv.writerow(draft.row)
        if fault is None and judged:
            self._last_good = (self._row, dict(draft.row))
        verified = ("accepted", WARNED, CHANGED)
        verdict = ("verified" if outcome in verified else outcome) if judged else None
        answer: dict[str, Any] = {
            "row": self._row,
            "stock_no": draft.row["Stock #"],
            "outcome": outcome,
            "verdict": verdict,
        }
        answer |= {"codes": sorted(codes), "broken": fault.name if fault else None}
        if draft.first_row is not None:
            answer["first_row"] = draft.first_row
        assert stock_no
        self._answers.write(json.dumps(answer, ensure_ascii=False) + "\n")

    def _fault(self, draft: Draft) -> Fault | None:
        """The next fault in turn that this stone can have; they come equally often."""
        if self._random.randrange(10_000) >= self._broken_bp:
            return None
        for place, fault in enumerate(self._faults):
            if fault.needs(draft):
                self._faults.append(self._faults.pop(place))
                return fault
        return None


def _read(path: Path) -> list[_Stone]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        wanted = {"carat", "cut", "color", "clarity", "depth", "table", "price", "x", "y", "z"}
        if not wanted <= set(reader.fieldnames or ()):
            raise ValueError(f"columns are missing: {', '.join(sorted(wanted - set(reader.fieldnames or ())))}")
        try:
            return [_stone(line, row) for line, row in enumerate(reader, 1)]
        except (ArithmeticError, KeyError, TypeError) as fault:
            raise ValueError(f"not a table of stones: {fault}") from None


def _stone(line: int, row: dict[str, str]) -> _Stone:
    meas = (Decimal(row["x"]), Decimal(row["y"]), Decimal(row["z"]))
    depth, table = Decimal(row["depth"]), Decimal(row["table"])
    if row["cut"] not in _MAKES:
        raise KeyError(f"cut {row['cut']!r} in line {line + 1}")
    return _Stone(
        line, Decimal(row["carat"]), row["cut"], row["color"], row["clarity"], depth, table, Decimal(row["price"]), meas
    )


def _chosen(stones: list[_Stone], rows: int | None, seed: int) -> list[_Stone]:
    """The whole table, or a mixture of it in the table's order."""
    if rows is None or rows >= len(stones):
        return stones
    random = Random(f"rows:{seed}")  # noqa: S311
    places = sorted(random.sample(range(len(stones)), rows))
    return [stones[place] for place in places]


def _finished(stone: _Stone, random: Random) -> tuple[chains.Polished, Row]:
    """The stone as its report and its supplier's row describe it."""
    make, polish, symmetry, cut = _MAKES[stone.cut]
    fluorescence, short = random.choice(_FLUORESCENCE)
    lab = random.choices(("GIA", "IGI", "HRD"), (7, 2, 1))[0]
    number = f"0{stone.line * 7919 % 10**9:0{chains.LABS[lab][1]}d}"
    length, width, height = (f"{value.normalize():f}" if value else "0" for value in stone.meas)
    weight = f"{stone.carat:.2f}"
    mass = int(stone.carat * 1000) + random.randrange(-1, 9)
    words = {"weight": weight, "color": stone.color, "clarity": stone.clarity, "shape": "RBC", "cut": make}
    words |= {"polish": _FINISH[polish], "symmetry": _FINISH[symmetry], "fluorescence": fluorescence}
    city, country = random.choice(chains.OFFICES)
    per_carat = (stone.price / stone.carat).quantize(Decimal("0.01"), ROUND_HALF_UP)
    row = dict.fromkeys(COLUMNS, "") | {
        "Stock #": f"PV-{stone.line:07d}",
        "Availability": random.choice(("G", "GA", "M", "STPS")),
        "Shape": random.choice(_SHAPES),
        "Carat": weight,
        "Color": stone.color,
        "Clarity": stone.clarity,
        "Cut Grade": cut,
        "Polish": polish,
        "Symmetry": symmetry,
        "Fluorescence": short,
        "Measurements": f"{length} x {width} x {height}",
        "Depth %": str(stone.depth),
        "Table %": str(stone.table),
        "Lab": lab,
        "Report #": number,
        "$/ct": f"{per_carat}",
        "Total Price": f"{stone.price:.2f}",
        "Currency": "USD",
        "City": city,
        "Country": country,
        "Growth Type": "Natural",
        "Origin Registry": OWN_PRODUCTION,
    }
    meas = (length, width, height)
    polished = chains.Polished(
        origin_id=f"{stone.line:07d}-{stone.line * 7 % 10}",
        mass_mct=mass,
        words=words,
        lab=lab,
        report_no=number,
        meas_mm=meas,
        yield_permille=random.randrange(400, 560),
    )
    return polished, row


def _upload_answer(stone: _Stone) -> tuple[str, set[str]]:
    """What the real numbers of the table deserve by themselves: some of its rows are nonsense."""
    length, width, height = stone.meas
    if 0 in stone.meas:
        return "rejected", {"out_of_range"}
    codes = set()
    if abs(200 * height / (length + width) - stone.depth) > 1:
        codes.add("measurement_depth_mismatch")
    off = abs(Decimal("0.0061") * ((length + width) / 2) ** 2 * height - stone.carat) / stone.carat
    if off > Decimal("0.06"):
        codes.add("carat_vs_measurement_implausible")
    if off > Decimal("0.25"):
        return "rejected", codes
    return (WARNED if codes else "accepted"), codes


def _too_light_for_its_size(draft: Draft) -> bool:
    """The laboratory's measurements and the mass off the wheel differ by more than six in a hundred."""
    graded = next((event for event in draft.events if event["t"] == "GRADED"), None)
    if graded is None or not draft.registered or draft.row["Origin ID"] != draft.origin_id:
        return False
    mass = Decimal(draft.event("POLISHED")["out"].get(draft.origin_id, draft.mass_mct))
    length, width, height = (Decimal(text) for text in graded["report"]["meas"])
    expected = Decimal("6.1") * ((length + width) / 2) ** 2 * height
    return abs(expected - mass) > mass * 6 / 100
