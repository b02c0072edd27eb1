"""The archive as rows for machines: files to download, and the members of the API."""

from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Sequence
from typing import Any

from pavilion.insight.results import Line
from pavilion.kernel.instants import stamp
from pavilion.kernel.money import decimal_text, exponent
from pavilion.kernel.sheet import write_csv
from pavilion.kernel.xlsx_writing import Cell

AT_ONCE = 500
COLUMNS = (
    *("sale", "sale_title_en", "sale_title_zh", "lot", "lot_id", "title_en", "title_zh", "stones", "shape"),
    *("weight_ct", "color", "fancy_color", "clarity", "lab", "state", "ended_at", "currency", "estimate_low"),
    *("estimate_high", "hammer", "per_carat", "premium", "with_premium", "against", "percent_of_middle", "bids"),
    *("bidders", "reoffered_as"),
)


def cells(line: Line) -> list[Cell]:
    """One row of the workbook; an amount is a number in the currency's own places."""
    row, sold, places = line.row, line.row.state == "sold", exponent(line.row.currency)

    def money(minor: int) -> Cell:
        return (minor, places) if sold else None

    return [
        *(
            row.sale,
            line.sale.title_en,
            line.sale.title_zh,
            row.number,
            row.lot,
            row.title_en,
            row.title_zh,
            None if line.withheld else row.stones,
        ),
        *(
            row.shape,
            None if line.withheld else (row.weight_mct, 3),
            row.color,
            row.fancy_color,
            row.clarity,
            row.lab,
            row.state,
            row.ended_at,
        ),
        *(row.currency, (row.low, places) if row.high else None, (row.high, places) if row.high else None),
        *(money(row.hammer), money(row.per_carat), money(row.premium), money(line.total), row.against),
        (10_000 + row.against_bp, 2) if row.against else None,
        *((row.bids, row.bidders) if line.tells_bids else (None, None)),
        line.again.number if line.again else None,
    ]


async def typed_rows(lines: AsyncIterator[Line]) -> AsyncIterator[Sequence[Cell]]:
    async for line in lines:
        yield cells(line)


async def csv_pieces(lines: AsyncIterator[Line]) -> AsyncIterator[bytes]:
    """The whole file in pieces, with its mark once at the start."""
    held: list[Sequence[str]] = [COLUMNS]
    mark = b""
    async for line in lines:
        held.append(texts(line))
        if len(held) == AT_ONCE:
            yield b"".join(write_csv(iter(held))).removeprefix(mark)
            held, mark = [], BOM_UTF8
    yield b"".join(write_csv(iter(held))).removeprefix(mark)


def texts(line: Line) -> list[str]:
    """One row of the CSV file: figures without grouping, instants as RFC 3339."""
    row, sold = line.row, line.row.state == "sold"

    def money(minor: int) -> str:
        return decimal_text(minor, row.currency) if sold else ""

    return [
        *(row.sale, line.sale.title_en, line.sale.title_zh, row.number, row.lot, row.title_en, row.title_zh),
        *(("", "", "") if line.withheld else (str(row.stones), row.shape, _places(row.weight_mct, 3))),
        *(row.color, row.fancy_color, row.clarity),
        *(row.lab, row.state, stamp(row.ended_at), row.currency),
        *(decimal_text(minor, row.currency) if row.high else "" for minor in (row.low, row.high)),
        *(money(row.hammer), money(row.per_carat), money(row.premium), money(line.total), row.against),
        _places(10_000 + row.against_bp, 2) if row.against else "",
        *((str(row.bids), str(row.bidders)) if line.tells_bids else ("", "")),
        line.again.number if line.again else "",
    ]


def facts(line: Line) -> dict[str, Any]:
    """One member of `items` in the API."""
    row, sold = line.row, line.row.state == "sold"

    def money(minor: int) -> dict[str, Any] | None:
        return {"amount_minor": minor, "currency": row.currency} if sold else None

    return {
        "lot": row.lot,
        "sale": row.sale,
        "number": row.number,
        "title": None if line.withheld else {"en": row.title_en, "zh": row.title_zh},
        "withheld": line.withheld,
        "stones": None if line.withheld else row.stones,
        "shape": row.shape or None,
        "weight_mct": None if line.withheld else row.weight_mct,
        "color": row.color or None,
        "fancy_color": row.fancy_color or None,
        "clarity": row.clarity or None,
        "lab": row.lab or None,
        "state": row.state,
        "ended_at": stamp(row.ended_at),
        "estimate": {"low_minor": row.low, "high_minor": row.high, "currency": row.currency} if row.high else None,
        "hammer": money(row.hammer),
        "per_carat": money(row.per_carat),
        "premium": money(row.premium),
        "with_premium": money(line.total),
        "against": {"where": row.against, "of_middle_bp": 10_000 + row.against_bp} if row.against else None,
        "bids": row.bids if line.tells_bids else None,
        "bidders": row.bidders if line.tells_bids else None,
        "reoffered_as": line.again.lot if line.again else None,
    }


def _places(units: int, places: int) -> str:
    whole, part = divmod(abs(units), 10**places)
    return f"{'-' if units < 0 else ''}{whole}.{part:0{places}d}"
