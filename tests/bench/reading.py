"""Fifty thousand rows of a stock file read and checked, as CSV and as a workbook; the same among as many cells as a
file may have; and ten million cells, which are refused: time and memory of a process of its own for each.

The rows are those of the measured stones of `upload`. A wide sheet has them and columns of numbers that nobody knows; a
sheet of ten million cells has as many of these as a stock file may have columns.
"""

import gzip
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pavilion.catalogue.checking import Stopped, open_stock
from pavilion.catalogue.generating import generate
from pavilion.kernel.sheet import LIMITS, open_sheet

ROWS = 50_000
FITTING, TOO_WIDE = (
    LIMITS.cells // (ROWS + 1),
    LIMITS.columns,
)  # columns of a sheet that is read, and of one not
REFUSED = "too_many_cells"
MOST_SECONDS, MOST_MEGABYTES = 60, 300
MOST_SECONDS_WIDE = 120  # five times the cells of those fifty thousand rows, each parsed twice
TABLE = Path(__file__).parents[1] / "data" / "diamonds.csv.gz"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
BOOK = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
    '<sheet name="Stock" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Target="worksheets/sheet1.xml" Type="{OFFICE}/worksheet"/></Relationships>',
}


def main() -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "diamonds.csv").write_bytes(gzip.decompress(TABLE.read_bytes()))
        generate(folder / "diamonds.csv", folder, seed=2026)
        stock = _first(folder / "stock.csv", folder / "fifty.csv")
        _workbook(folder / "fifty.xlsx", _widened(stock, 0))
        for name, columns in ("wide", FITTING), ("vast", TOO_WIDE):
            more = columns - len(open_sheet(stock).header)
            _workbook(folder / f"{name}.xlsx", _widened(stock, more))
            with (folder / f"{name}.csv").open("w", encoding="utf-8") as lines:
                lines.writelines(",".join(row) + "\r\n" for row in _widened(stock, more))
        return [
            _measured(f"{ROWS:,} rows read and checked, CSV", stock),
            _measured(f"{ROWS:,} rows read and checked, workbook", folder / "fifty.xlsx"),
            _measured("as many cells as a file may have, CSV", folder / "wide.csv"),
            _measured("as many cells as a file may have, workbook", folder / "wide.xlsx", seconds=MOST_SECONDS_WIDE),
            _measured("ten million cells refused, CSV", folder / "vast.csv", REFUSED),
            _measured("ten million cells refused, workbook", folder / "vast.xlsx", REFUSED),
        ]


def read(path: Path) -> str:
    """How many rows were answered, or the codes by which the file was refused."""
    try:
        return str(sum(1 for _ in open_stock(path).checked()))
    except Stopped as stopped:
        return " ".join(issue.code for issue in stopped.issues)


def _measured(name: str, path: Path, wanted: str = str(ROWS), seconds: int = MOST_SECONDS) -> dict[str, object]:
    begun = time.perf_counter()
    command = [sys.executable, "-m", "tests.bench.reading", str(path)]
    told = subprocess.run(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True, check=True).stdout
    taken = time.perf_counter() - begun
    answer, _, peak = told.strip().rpartition(" ")
    fact: dict[str, object] = {
        "name": name,
        "answer": answer,
        "file_megabytes": round(path.stat().st_size / 1e6, 1),
        "seconds": round(taken, 1),
        "megabytes": int(peak) // 1000,
        "needed": {"seconds": seconds, "megabytes": MOST_MEGABYTES},
        "ok": answer == wanted and taken <= seconds and int(peak) // 1000 <= MOST_MEGABYTES,
    }
    print(fact)
    return fact


def _first(path: Path, to: Path) -> Path:
    with path.open("rb") as lines, to.open("wb") as kept:
        for _, line in zip(range(ROWS + 1), lines, strict=False):
            kept.write(line)
    return to


def _widened(path: Path, more: int) -> Iterator[list[str]]:
    sheet = open_sheet(path)
    yield [*sheet.header, *(f"our {n}" for n in range(more))]
    for number, cells in sheet.rows():
        yield [*cells, *(str((number * 31 + n * 7) % 97) for n in range(more))]


def _workbook(path: Path, rows: Iterator[list[str]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in BOOK.items():
            book.writestr(name, f'<?xml version="1.0"?>{content}')
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f'<?xml version="1.0"?><worksheet xmlns="{MAIN}"><sheetData>'.encode())
            for row in rows:
                sheet.write(f"<row>{''.join(map(_cell, row))}</row>".encode())
            sheet.write(b"</sheetData></worksheet>")


def _cell(text: str) -> str:
    if text.isdecimal() and len(text) < 3:
        return f"<c><v>{text}</v></c>"
    return f'<c t="inlineStr"><is><t>{text.replace("&", "&amp;").replace("<", "&lt;")}</t></is></c>'


if __name__ == "__main__":
    if len(sys.argv) > 1:
        told = read(Path(sys.argv[1]))
        (peak,) = (line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
        print(told, peak)  # kilobytes, of this process alone
        raise SystemExit(0)
    raise SystemExit(0 if all(fact["ok"] for fact in main()) else 1)
