"""The coloured and fancy stones of the demonstration: traced pictures with invented chains, as a stock file."""

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random  # noqa: TID251 - seeded; invents chains, guards nothing
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pavilion.catalogue import chains, generating
from pavilion.provenance.registries.port import OWN_PRODUCTION
from pavilion.provenance.registries.writing import RegistryWriter

NEW = 36  # stones that are registered and that nobody has listed yet
SAMPLE = Path(chains.__file__).parent / "data" / "sample" / "diamonds.csv"  # some hundred of the public table
COLUMNS = (
    *("Stock #", "Availability", "Shape", "Carat", "Color", "Clarity", "Fancy Color", "Fancy Color Intensity"),
    *("Fancy Color Overtone", "Species", "Variety", "Hue", "Treatment", "Cut Grade", "Polish", "Symmetry"),
    *(
        "Fluorescence",
        "Measurements",
        "Lab",
        "Report #",
        "$/ct",
        "Total Price",
        "Currency",
        "City",
        "Country",
        "Growth Type",
    ),
    *("Origin ID", "Origin Registry", "Rough Ct", "KP No", "Cutter", "Cutter Experience", "Report Date"),
)


class Jewel(NamedTuple):
    """One stone as its report says. `meas_mm` length, width, height; `usd_ct` whole dollars per carat."""

    picture: str  # file under static/img/stones
    shape: str  # the file's word
    lab_shape: str  # the laboratory's
    carat: str
    color: str
    fancy: tuple[str, str, str]  # intensity, overtone, hue
    clarity: str
    meas_mm: tuple[str, str, str]
    usd_ct: int
    species: str = "diamond"
    variety: str = ""
    lab: str = "GIA"


JEWELS = (
    Jewel("cushion-vivid-yellow-large.webp", "Cushion", "CUSHION", "1.51", "", ("Fancy Vivid", "", "Yellow"), "VS1",
          ("6.62", "6.44", "4.31"), 16_500),
    Jewel("cushion-vivid-yellow.webp", "Cushion", "CUSHION", "1.03", "", ("Fancy Vivid", "", "Yellow"), "VS2",
          ("5.82", "5.66", "3.80"), 13_900),
    Jewel("radiant-vivid-pink.webp", "Radiant", "RADIANT", "0.52", "", ("Fancy Vivid", "Purplish", "Pink"), "SI1",
          ("4.62", "4.50", "3.05"), 310_000),
    Jewel("pear-intense-pink.webp", "Pear", "PEAR", "0.81", "", ("Fancy Intense", "", "Pink"), "VS2",
          ("7.30", "4.92", "3.10"), 142_000),
    Jewel("oval-greyish-blue.webp", "Oval", "OVAL", "0.64", "", ("Fancy", "Greyish", "Blue"), "VS1",
          ("6.30", "4.70", "2.95"), 168_000),
    Jewel("heart-purplish-pink.webp", "Heart", "HEART", "1.20", "", ("Fancy", "Purplish", "Pink"), "VVS2",
          ("6.70", "6.90", "3.80"), 118_000),
    Jewel("round-intense-yellow.webp", "Round", "RBC", "2.52", "", ("Fancy Intense", "", "Yellow"), "VVS1",
          ("8.72", "8.76", "5.36"), 17_300),
    Jewel("pear-orange-yellow.webp", "Pear", "PEAR", "1.88", "", ("Fancy Vivid", "Orangy", "Yellow"), "VS2",
          ("9.60", "6.60", "4.15"), 32_000),
    Jewel("marquise-yellowish-green.webp", "Marquise", "MARQUISE", "0.71", "", ("Fancy", "Yellowish", "Green"), "SI1",
          ("8.80", "4.40", "2.75"), 54_000),
    Jewel("radiant-orange-brown.webp", "Radiant", "RADIANT", "2.07", "", ("Fancy Deep", "Orangy", "Brown"), "SI1",
          ("7.30", "7.05", "4.75"), 4_200),
    Jewel("cushion-light-brown.webp", "Cushion", "CUSHION", "3.02", "", ("Fancy Light", "", "Brown"), "VS2",
          ("8.55", "8.20", "5.55"), 3_600),
    Jewel("emerald-d.webp", "Emerald", "EMERALD", "3.14", "D", ("", "", ""), "VVS1", ("9.60", "6.95", "4.65"), 31_000),
    Jewel("oval-e.webp", "Oval", "OVAL", "5.03", "E", ("", "", ""), "VVS1", ("13.10", "9.20", "5.70"), 36_500),
    Jewel("round-d.webp", "Round", "RBC", "1.52", "D", ("", "", ""), "IF", ("7.38", "7.41", "4.55"), 21_400),
    Jewel("cushion-ruby.webp", "Cushion", "CUSHION", "2.11", "", ("", "", ""), "", ("7.60", "7.10", "4.50"), 24_000,
          "corundum", "Ruby", "SSEF"),
    Jewel("oval-sapphire.webp", "Oval", "OVAL", "4.36", "", ("", "", ""), "", ("10.60", "8.60", "5.60"), 9_800,
          "corundum", "Sapphire", "SSEF"),
    Jewel("emerald-emerald.webp", "Emerald", "EMERALD", "3.05", "", ("", "", ""), "", ("10.10", "7.60", "5.30"), 12_600,
          "beryl", "Emerald", "SSEF"),
)  # fmt: skip


# Coloured stones are dug and cut where such stones are; no Kimberley certificate and no diamond warranty go with them.
FIELDS = {
    "Ruby": (
        chains.Mine("MZ", "Nkalamo Field", "Cabo Gemas", "cabo", "Cabo Delgado"),
        chains.House("MZ", "Pemba", "Pemba Lapidary", "pemba", (("I. Machava", 13),)),
    ),
    "Sapphire": (
        chains.Mine("LK", "Ratna Oya", "Sabara Gems", "sabara", "Sabaragamuwa"),
        chains.House("LK", "Ratnapura", "Ratna Lapidary", "ratna", (("N. Perera", 22),)),
    ),
    "Emerald": (
        chains.Mine("ZM", "Kafubu West", "Ndola Emeralds", "ndola", "Copperbelt"),
        chains.House("ZM", "Ndola", "Copperbelt Lapidary", "copperbelt", (("C. Mwale", 17),)),
    ),
}
OF_DIAMONDS_ONLY = ("sow", "sow_self_assessed")


def write(folder: Path, sample: Path, seed: int = 7) -> list[Path]:
    """`jewels.csv`, `sample/stock.csv` and one signed registry of both stand in `folder`; answers the two files. A
    third, `sample/new.csv`, is for a newcomer to send: its stones are registered and not yet listed."""
    random = Random(f"jewels:{seed}")  # noqa: S311
    folder.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"pavilion jewels {seed}".encode()).digest())
    jewels = folder / "jewels.csv"
    generating.generate(sample, folder / "sample", seed=seed)
    _part(folder / "sample")
    with (
        jewels.open("w", encoding="utf-8", newline="") as file,
        RegistryWriter(folder / "registry", key, name=OWN_PRODUCTION) as registry,
    ):
        for origin_id, events in _registered(folder / "sample" / "registry"):
            registry.add(origin_id, events)
        sheet = csv.DictWriter(file, COLUMNS, lineterminator="\r\n")
        sheet.writeheader()
        for place, jewel in enumerate(JEWELS, start=1):
            polished = _polished(place, jewel)
            rough = chains.rough_for(polished, random)
            parcel = _parcel(jewel, chains.shipment(900_000 + place, [rough], random))
            events, cutter = chains.whole_chain(polished, rough, parcel, random)
            if jewel.species != "diamond":
                events = [{k: v for k, v in event.items() if k not in OF_DIAMONDS_ONLY} for event in events]
            registry.add(polished.origin_id, events)
            sheet.writerow(_row(place, jewel, polished, rough, parcel, cutter, events[-2]["at"]))
    return [jewels, folder / "sample" / "stock.csv"]


def pictures() -> dict[str, str]:
    """The traced picture of each stone of this file, by stock number."""
    return {_stock_no(place): jewel.picture for place, jewel in enumerate(JEWELS, start=1)}


def _part(folder: Path) -> None:
    """The last stones of the stock stand in a file of their own, with two faults of a hurried hand beside theirs."""
    with (folder / "stock.csv").open(encoding="utf-8", newline="") as file:
        sheet = csv.DictReader(file)
        columns, rows = list(sheet.fieldnames or ()), list(sheet)
    answers = (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    old, new = rows[:-NEW], [dict(row) for row in rows[-NEW:]]
    new[4]["Total Price"] = f"{new[4]['Total Price'].split('.')[0]}0.00"
    new.append(dict(new[0]))
    for name, part in (("stock.csv", old), ("new.csv", new)):
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            out = csv.DictWriter(file, columns, lineterminator="\r\n")
            out.writeheader()
            out.writerows(part)
    (folder / "answers.jsonl").write_text("".join(answers[: len(old)]), encoding="utf-8")


def _registered(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Every stone of a registry with its events, unsigned."""
    for path in sorted(folder.glob("events-*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                signed = json.loads(line)["signed"]
                events = [
                    {name: value for name, value in event.items() if name != "prev"} for event in signed["events"]
                ]
                yield signed["origin_id"], events


def _parcel(jewel: Jewel, parcel: chains.Shipment) -> chains.Shipment:
    """A coloured stone comes from a field of its kind."""
    if jewel.variety not in FIELDS:
        return parcel
    mine, house = FIELDS[jewel.variety]
    return replace(parcel, mine=mine, house=house)


def _stock_no(place: int) -> str:
    return f"PV-J{place:04d}"


def _polished(place: int, jewel: Jewel) -> chains.Polished:
    digits = 9 if jewel.lab == "GIA" else 6
    intensity, overtone, hue = jewel.fancy
    words = {"weight": jewel.carat, "shape": jewel.lab_shape}
    if jewel.species == "diamond":
        words |= {"color": jewel.color or "FANCY", "clarity": jewel.clarity, "polish": "Excellent"}
        words |= {"symmetry": "Very Good", "fluorescence": "None"}
        words |= {"cut": "Excellent"} if _graded_for_cut(jewel) else {}
    else:
        words |= {"species": jewel.species.capitalize(), "variety": jewel.variety}
    assert bool(intensity) == bool(hue) and (hue or not overtone)
    return chains.Polished(
        origin_id=f"PAVJ-{place:04d}",
        mass_mct=int(jewel.carat.replace(".", "")) * 10,
        words=words,
        lab=jewel.lab,
        report_no=f"0{700_000 + place * 37:0{digits - 1}d}",
        meas_mm=jewel.meas_mm,
        shape=jewel.lab_shape,
        species=jewel.species,
        yield_permille=480,
    )


def _graded_for_cut(jewel: Jewel) -> bool:
    return jewel.lab_shape == "RBC" and bool(jewel.color)


def _row(
    place: int,
    jewel: Jewel,
    polished: chains.Polished,
    rough: chains.Rough,
    parcel: chains.Shipment,
    cutter: tuple[str, int],
    report_date: str,
) -> dict[str, str]:
    intensity, overtone, hue = jewel.fancy
    total = jewel.usd_ct * polished.mass_mct
    diamond = jewel.species == "diamond"
    return dict.fromkeys(COLUMNS, "") | {
        "Stock #": _stock_no(place),
        "Availability": "G",
        "Shape": jewel.shape,
        "Carat": jewel.carat,
        "Color": jewel.color,
        "Clarity": jewel.clarity,
        "Fancy Color": hue,
        "Fancy Color Intensity": intensity,
        "Fancy Color Overtone": overtone,
        "Species": jewel.species,
        "Variety": jewel.variety,
        "Treatment": "" if diamond else "None",
        "Cut Grade": "EX" if _graded_for_cut(jewel) else "",
        "Polish": "EX" if diamond else "",
        "Symmetry": "VG" if diamond else "",
        "Fluorescence": "NON" if diamond else "",
        "Measurements": " x ".join(jewel.meas_mm),
        "Lab": jewel.lab,
        "Report #": polished.report_no,
        "$/ct": f"{jewel.usd_ct}.00",
        "Total Price": f"{total // 1000}.{total % 1000 // 10:02d}",
        "Currency": "USD",
        "City": "Antwerp",
        "Country": "BE",
        "Growth Type": "Natural",
        "Origin ID": polished.origin_id,
        "Origin Registry": OWN_PRODUCTION,
        "Rough Ct": f"{rough.mass_mct // 1000}.{rough.mass_mct % 1000:03d}",
        "KP No": parcel.kp_no if parcel.crosses and diamond else "",
        "Cutter": cutter[0],
        "Cutter Experience": str(cutter[1]),
        "Report Date": report_date,
    }
