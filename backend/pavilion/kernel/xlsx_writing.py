"""A workbook of one sheet, written as it is read: typed cells, text that no program takes for a formula.

Text goes into the file as text (`inlineStr`), so nothing in it is ever run; it gets the same apostrophe as in CSV all
the same, because people save the one as the other.
"""

import io
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pavilion.kernel.sheet import harmless

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

Cell = str | int | datetime | tuple[int, int] | None  # a tuple is a decimal: units and places
_PIECE = 1 << 16
_BAD = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BEGAN = (1980, 1, 1, 0, 0, 0)  # no clock is read: the same rows are the same bytes
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PARTS = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'spreadsheetml.styles+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'spreadsheetml.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/_rels/workbook.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{_REL}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_REL}/styles" Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy-mm-dd hh:mm:ss"/>'
        '</numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/>'
        '<name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill>'
        '<patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/>'
        '<diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
        '</cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
        "</styleSheet>"
    ),
}


class _Pieces(io.RawIOBase):
    """What the archive writes, to be taken away in pieces; nothing is ever written back."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer") -> int:
        piece = bytes(data)
        self._held += piece
        return len(piece)

    def taken(self) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        return held


async def write_xlsx(name: str, header: Sequence[str], rows: AsyncIterator[Sequence[Cell]]) -> AsyncIterator[bytes]:
    """The file in pieces; no more than some rows are held at a time."""
    out = _Pieces()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for part, body in {**_PARTS, "xl/workbook.xml": _workbook(name)}.items():
            with archive.open(ZipInfo(part, _BEGAN), "w") as file:
                file.write((_XML + body).encode())
        sheet = ZipInfo("xl/worksheets/sheet1.xml", _BEGAN)
        sheet.compress_type = ZIP_DEFLATED
        with archive.open(sheet, "w", force_zip64=True) as file:
            file.write((_XML + f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">').encode())
            file.write(b'<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>')
            file.write(b"</sheetView></sheetViews><sheetData>")
            file.write(_row(1, header, style=2))
            held, number = [], 1
            async for row in rows:
                number += 1
                held.append(_row(number, row))
                if len(held) >= 200:
                    file.write(b"".join(held))
                    held.clear()
                    if piece := out.taken():
                        yield piece
            file.write(b"".join(held) + b"</sheetData></worksheet>")
    yield out.taken()


def _workbook(name: str) -> str:
    sheet = f'<sheet name="{escape(name[:31])}" sheetId="1" r:id="rId1"/>'
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>{sheet}</sheets></workbook>'


def _row(number: int, cells: Iterable[Cell], style: int = 0) -> bytes:
    return f'<row r="{number}">{"".join(_cells(number, cells, style))}</row>'.encode()


def _cells(number: int, cells: Iterable[Cell], style: int) -> Iterator[str]:
    for place, cell in enumerate(cells):
        at = f'r="{_column(place)}{number}"'
        match cell:
            case None | "":
                continue
            case str():
                text = escape(_BAD.sub("", harmless(cell)))
                yield f'<c {at} s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
            case datetime():
                yield f'<c {at} s="1"><v>{_serial(cell)}</v></c>'
            case tuple():
                yield f"<c {at}><v>{_decimal(*cell)}</v></c>"
            case _:
                yield f"<c {at}><v>{cell}</v></c>"


def _column(place: int) -> str:
    return chr(65 + place) if place < 26 else chr(64 + place // 26) + chr(65 + place % 26)


def _decimal(units: int, places: int) -> str:
    whole, part = divmod(abs(units), 10**places)
    return f"{'-' if units < 0 else ''}{whole}" + (f".{part:0{places}d}" if places else "")


def _serial(at: datetime) -> str:
    """Days since the last of 1899, as workbooks count, to the second."""
    since = at - datetime(1899, 12, 30, tzinfo=at.tzinfo)
    return f"{since.days}.{since.seconds * 10**10 // 86_400:010d}"
