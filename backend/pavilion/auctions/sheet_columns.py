"""The columns of a lot list as a file, and what each cell says; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pavilion.auctions.forms import optional_minor
from pavilion.kernel.errors import Refusal
from pavilion.kernel.sheet import MEGABYTE, Limits, bare

LIMITS = Limits(file_bytes=4 * MEGABYTE, rows=1_000, columns=60, unpacked_bytes=40 * MEGABYTE)
FORMULA = "="  # all that is kept of one
MOST_STONES = 40  # named in one new row


class Column(StrEnum):
    LOT = "lot_id"
    VERSION = "version"
    POSITION = "position"
    NUMBER = "number"
    STONES = "stones"
    REPORTS = "reports"
    STOCK = "stock_numbers"
    TITLE_EN = "title_en"
    TITLE_ZH = "title_zh"
    LOW = "estimate_low"
    HIGH = "estimate_high"
    OPENING = "opening"
    PRICE = "price"  # of a collection, in place of the three before
    RESERVE = "reserve"


NAMING = (Column.STONES, Column.REPORTS, Column.STOCK)  # of the stones of a new lot; the first that says one counts
BIDDING = (Column.LOW, Column.HIGH, Column.OPENING)
MONEY = frozenset((*BIDDING, Column.PRICE, Column.RESERVE))
STORED = {
    Column.TITLE_EN: ("title_en",),
    Column.TITLE_ZH: ("title_zh",),
    Column.LOW: ("low_minor",),
    Column.HIGH: ("high_minor",),
    Column.OPENING: ("opening_minor",),
    Column.PRICE: ("opening_minor", "low_minor", "high_minor"),
    Column.RESERVE: ("reserve_minor",),
}
_STOCK_HEADS = frozenset({"stock_no", "stock no", "stock no.", "stock number", "stock numbers", "stock_number"})
_HEAD = re.compile(r"([a-z_]+?)(?:[ _]*\(?([a-z]{3})\)?)?")
_NUMBER = re.compile(r"([1-9][0-9]{0,4})([A-Z]{0,2})")
_COUNT = re.compile(r"[1-9][0-9]{0,8}")
_COMMA = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]+)?")


class OtherCurrency(Refusal):
    """The head of a column of amounts names another currency than the sale's."""

    status, code = 422, "sheet_currency"


class ColumnTwice(Refusal):
    status, code = 422, "sheet_column_twice"


class NoLots(Refusal):
    """Neither a lot nor a stone is named by any column."""

    status, code = 422, "sheet_no_lots"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file: its number there and what its cells say, by column."""

    number: int
    cells: Mapping[Column, str]

    def says(self, column: Column) -> str:
        return self.cells.get(column, "")


def columns_of(priced: bool, reserve: bool) -> list[Column]:
    """The columns of a file of this kind of sale, in their order."""
    amounts = [Column.PRICE] if priced else list(BIDDING)
    shown = [column for column in Column if column not in MONEY] + amounts
    return shown + ([Column.RESERVE] if reserve and not priced else [])


def head_of(column: Column, currency: str) -> str:
    return f"{column} {currency}" if column in MONEY else column


def columns_read(header: Sequence[str], currency: str) -> tuple[dict[Column, int], list[str]]:
    """Where each column stands in this file, and the heads that say nothing to us."""
    found: dict[Column, int] = {}
    unread = []
    for place, text in enumerate(header):
        name = bare(text).strip().casefold()
        column, said = _meaning(name)
        if column is None:
            unread += [text.strip()[:60]] if name else []
            continue
        if said and said.upper() != currency:
            raise OtherCurrency(column=text.strip()[:60], currency=currency)
        if column in found:
            raise ColumnTwice(column=column.value)
        found[column] = place
    if not found.keys() & {Column.LOT, *NAMING}:
        raise NoLots()
    return found, unread


def _meaning(name: str) -> tuple[Column | None, str]:
    if name in set(Column):
        return Column(name), ""
    if name in _STOCK_HEADS:
        return Column.STOCK, ""
    match = _HEAD.fullmatch(name)
    if match is None or match[1] not in set(MONEY):
        return None, ""
    return Column(match[1]), match[2] or ""


def number_said(text: str) -> tuple[int | None, str]:
    """The label as number and suffix, nothing for an empty cell; a ValueError for what is no lot number."""
    if not text:
        return None, ""
    if (match := _NUMBER.fullmatch(text)) is None:
        raise ValueError("no lot number")
    return int(match[1]), match[2]


def count_said(text: str) -> int | None:
    if text and _COUNT.fullmatch(text) is None:
        raise ValueError("no count")
    return int(text) if text else None


def version_said(row: Row) -> int | None:
    """The version that the row speaks of; what is no count is its own fault."""
    try:
        return count_said(row.says(Column.VERSION))
    except ValueError:
        return None


def amount_said(text: str, currency: str, decimal: str) -> int | None:
    """A file whose decimals stand behind a comma may group by points, and by nothing else."""
    if decimal == "," and text:
        if _COMMA.fullmatch(text) is None:
            raise ValueError("no amount")
        text = text.replace(".", "").replace(",", ".")
    return optional_minor(text, currency)


def named(text: str) -> list[str]:
    """The names in one cell, each once."""
    return list(dict.fromkeys(word for word in re.split(r"[\s,;/|]+", text) if word))
