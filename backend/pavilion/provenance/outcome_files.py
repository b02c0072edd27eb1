"""A report as a file: each row a polished stone, or a mass lost, kept, resold or consumed. All faults are told at once,
with row, column and code; nothing is taken from a file that has one."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pavilion.kernel.sheet import Limits, Row, SheetFault, bare, open_sheet, write_csv
from pavilion.provenance.outcome_said import (
    ResaleSaid,
    Said,
    StoneSaid,
    carats,
    clarity_of,
    color_of,
    folded,
    shape_of,
)

LIMITS = Limits(file_bytes=20_000_000, rows=100_000, columns=60, unpacked_bytes=200_000_000)
FAULTS_KEPT = 2_000
TOLD_EVERY = 2_000  # rows between two words on the progress
ERROR = "_error"
COLUMNS = (
    *("kind", "id", "stones", "carat", "rough_carat", "shape", "color", "clarity"),
    *("assortment", "cutter", "buyer"),
)
KINDS = ("stone", "loss", "stock", "lost", "resale", "consumed")
NEEDED = ("kind", "carat")
_HEADS = {
    **{folded(name): name for name in COLUMNS},
    "weight": "carat",
    "carats": "carat",
    "ct": "carat",
    "stoneid": "id",
    "parcel": "id",
    "colour": "color",
    "count": "stones",
    "pieces": "stones",
    "rough": "rough_carat",
    "roughct": "rough_carat",
    "lot": "assortment",
    "类别": "kind",
    "编号": "id",
    "粒数": "stones",
    "克拉": "carat",
    "重量": "carat",
    "原石克拉": "rough_carat",
    "形状": "shape",
    "颜色": "color",
    "净度": "clarity",
    "货类": "assortment",
    "切磨师": "cutter",
    "买家": "buyer",
}
_KIND_WORDS = {
    **{kind: kind for kind in KINDS},
    "polished": "stone",
    "parcel": "stone",
    "resold": "resale",
    "losses": "loss",
    "inventory": "stock",
    "成品": "stone",
    "损耗": "loss",
    "库存": "stock",
    "遗失": "lost",
    "转售": "resale",
    "投入": "consumed",
}
_LONGEST = {"id": 80, "assortment": 40, "cutter": 80, "buyer": 160}
EXAMPLE = (
    ("stone", "6120456789", "1", "1.012", "2.650", "round", "G", "VS1", "2-4GR", "L. Motse", ""),
    ("stone", "MELEE-7", "240", "6.400", "17.100", "round", "F", "VS2", "2-4GR", "L. Motse", ""),
    ("consumed", "", "", "19.750", "", "", "", "", "2-4GR", "", ""),
    ("loss", "", "", "12.338", "", "", "", "", "", "", ""),
    ("stock", "", "", "80.250", "", "", "", "", "", "", ""),
    ("resale", "", "", "4.000", "", "", "", "", "", "", "Lumen Trading"),
)


class Fault(NamedTuple):
    """What is wrong with a cell; `row` counts from the header, which is 1."""

    row: int
    column: str
    code: str
    facts: dict[str, Any]


@dataclass(slots=True)
class Reading:
    """A file as far as it was read: what it says, or all that is wrong with it."""

    decimal: str = "."
    rows: int = 0
    wrong: int = 0
    faults: list[Fault] = field(default_factory=list)
    lines: list[StoneSaid] = field(default_factory=list)
    resold: list[ResaleSaid] = field(default_factory=list)
    masses: dict[str, int] = field(default_factory=dict)
    consumed: dict[str, int] = field(default_factory=dict)
    _objects: dict[str, int] = field(default_factory=dict)

    def take(self, number: int, cells: Mapping[str, str]) -> None:
        self.rows += 1
        found = list(self._read(number, cells))
        if found:
            self.wrong += 1
            self.faults.extend(found[: FAULTS_KEPT - len(self.faults)])

    def said(self) -> Said:
        assert not self.wrong, "a file with faults says nothing"
        return Said(
            polished_mct=sum(line.mct for line in self.lines),
            loss_mct=self.masses.get("loss", 0),
            stock_mct=self.masses.get("stock", 0),
            lost_mct=self.masses.get("lost", 0),
            cutter_named_mct=sum(line.mct for line in self.lines if line.cutter),
            resold=tuple(self.resold),
            lines=tuple(self.lines),
            consumed=self.consumed,
        )

    def _read(self, number: int, cells: Mapping[str, str]) -> Iterator[Fault]:
        for column, most in _LONGEST.items():
            if len(cells.get(column, "")) > most:
                yield Fault(number, column, "po_too_long", {"most": most})
                return
        kind = _KIND_WORDS.get(cells.get("kind", "").casefold())
        if kind is None:
            yield Fault(number, "kind", "po_kind", {"value": cells.get("kind", "")[:40]})
            return
        mct = carats(cells.get("carat", ""), self.decimal)
        if not mct:
            yield Fault(number, "carat", "po_carat", {"value": cells.get("carat", "")[:40]})
        if kind == "stone":
            yield from self._stone(number, cells, mct)
        elif kind == "resale":
            if not cells.get("buyer"):
                yield Fault(number, "buyer", "po_needed", {})
            self.resold.append(ResaleSaid(cells.get("buyer", ""), mct or 0))
        elif kind == "consumed":
            if not cells.get("assortment"):
                yield Fault(number, "assortment", "po_needed", {})
            code = cells.get("assortment", "")
            self.consumed[code] = self.consumed.get(code, 0) + (mct or 0)
        else:
            self.masses[kind] = self.masses.get(kind, 0) + (mct or 0)

    def _stone(self, number: int, cells: Mapping[str, str], mct: int | None) -> Iterator[Fault]:
        name, faults = cells.get("id", ""), list[Fault]()
        if not name:
            faults.append(Fault(number, "id", "po_needed", {}))
        elif (before := self._objects.setdefault(name, number)) != number:
            faults.append(Fault(number, "id", "po_twice", {"value": name[:40], "row": before}))
        stones = cells.get("stones", "") or "1"
        if not (stones.isdecimal() and stones.isascii() and 1 <= int(stones[:8]) <= 1_000_000):
            faults.append(Fault(number, "stones", "po_count", {"value": stones[:40]}))
        rough = None
        if cells.get("rough_carat"):
            rough = carats(cells["rough_carat"], self.decimal)
            if rough is None or (mct and rough < mct):
                faults.append(Fault(number, "rough_carat", "po_rough", {"value": cells["rough_carat"][:40]}))
        words: dict[str, str] = {}
        for column, read in _DESCRIBED.items():
            word = read(cells.get(column, ""))
            if word is None:
                faults.append(Fault(number, column, f"po_{column}", {"value": cells.get(column, "")[:40]}))
            words[column] = word or ""
        yield from faults
        if not faults and mct:
            more = {"assortment": cells.get("assortment", ""), "cutter": cells.get("cutter", "")}
            self.lines.append(StoneSaid(name, mct, **words, stones=int(stones), rough_mct=rough, **more))


_DESCRIBED: Mapping[str, Callable[[str], str | None]] = {
    "shape": shape_of,
    "color": color_of,
    "clarity": clarity_of,
}


def read_file(path: Path, told: Callable[[int], None] = lambda _: None) -> Reading:
    """The whole file read; SheetFault when it is no table we can read. `told` hears how many rows were read."""
    sheet = open_sheet(path, LIMITS)
    heads = [_HEADS.get(folded(head), "") for head in sheet.header]
    if missing := [column for column in NEEDED if column not in heads]:
        raise SheetFault("columns", columns=", ".join(missing))
    reading = Reading(decimal=sheet.decimal)
    for number, cells in sheet.rows():
        reading.take(number, _named(heads, cells))
        if reading.rows % TOLD_EVERY == 0:
            told(reading.rows)
    if not reading.rows:
        raise SheetFault("no_rows")
    return reading


def read_lines(text: str) -> Reading:
    """Stones typed on the page, one a line: id, carats, shape, colour, clarity, and if known assortment and cutter."""
    reading = Reading()
    order = ("id", "carat", "shape", "color", "clarity", "assortment", "cutter")
    for number, cells in enumerate(csv.reader(io.StringIO(text.replace("，", ",").replace(";", ","))), start=1):
        if any(cell.strip() for cell in cells):
            named = dict(zip(order, (cell.strip() for cell in cells), strict=False))
            reading.take(number, {"kind": "stone", **named})
    return reading


def to_mend(path: Path, faults: Mapping[int, str]) -> Iterator[bytes]:
    """The sender's own rows, all of them, with what is wrong beside each; sent again it is one whole report."""
    sheet = open_sheet(path, LIMITS)
    keep = [place for place, head in enumerate(sheet.header) if head != ERROR]

    def rows() -> Iterator[Sequence[str]]:
        yield [*(sheet.header[place] for place in keep), ERROR]
        for number, cells in sheet.rows():
            yield [*(cells[place] if place < len(cells) else "" for place in keep), faults.get(number, "")]

    return write_csv(rows(), sheet.delimiter)


def template() -> Iterator[bytes]:
    """An empty report with an example of each kind of row."""
    return write_csv(iter((COLUMNS, *EXAMPLE)))


def _named(heads: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for head, cell in zip(heads, cells, strict=False):
        if head and (word := bare(cell).strip()):
            named.setdefault(head, word)
    return named


__all__ = ["Fault", "Reading", "Row", "SheetFault", "read_file", "read_lines", "template", "to_mend"]
