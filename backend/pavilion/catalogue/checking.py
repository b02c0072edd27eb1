"""A stock file from its header to the end of the duplicates, row by row: nothing is stored here."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pavilion.catalogue.cells import Context
from pavilion.catalogue.headers import ERROR_COLUMN, candidates, read_headers
from pavilion.catalogue.nomenclature import clean, column_name, nomenclature
from pavilion.catalogue.rowrules import Issue, RowReader, Values
from pavilion.kernel.sheet import LIMITS, Limits, Row, Sheet, SheetFault, bare, open_sheet

Profile = Literal["none", "rapnet", "idex"]
PROFILES: tuple[str, ...] = get_args(Profile)

ACCEPTED = "accepted"
WITH_WARNINGS = "accepted_with_warnings"
REJECTED = "rejected"
DUPLICATE = "duplicate_in_file"


@dataclass(frozen=True, slots=True)
class FileIssue:
    """What stops a whole file, or must be confirmed for it."""

    code: str
    facts: Mapping[str, Any]


class Stopped(Exception):
    """The file applies nothing; every reason is named. Of a header that was read in part both parts are told, so that
    the sender can say which of his columns is the one that is missing."""

    def __init__(
        self, issues: list[FileIssue], header_map: Mapping[str, str] | None = None, unknown: Sequence[str] = ()
    ) -> None:
        super().__init__(", ".join(issue.code for issue in issues))
        self.issues, self.header_map, self.unknown_headers = issues, dict(header_map or {}), list(unknown)


@dataclass(frozen=True, slots=True)
class CheckedRow:
    row: int
    stock_no: str  # as the sender wrote it
    outcome: str
    issues: list[Issue]
    values: Values
    cells: list[str]
    first_row: int | None = None


class StockSheet:
    """A file whose header is understood."""

    def __init__(self, sheet: Sheet, fields: list[str | None], context: Context) -> None:
        self.sheet, self.fields, self.context = sheet, fields, context
        self.header_map = {name: field for name, field in zip(sheet.header, fields, strict=True) if field}
        self.unknown_headers = [
            name
            for name, field in zip(sheet.header, fields, strict=True)
            if field is None and name.strip() and name != ERROR_COLUMN
        ]
        self.count = 0
        self.stock_keys: frozenset[str] = frozenset()  # every stone the file names, without case

    def survey(self) -> int:
        """Reads the file once through: the number of its rows, and the fault that hides at its end."""
        place = self.fields.index("stock_no")
        keys: set[str] = set()
        self.count = 0
        for _, cells in self._rows():
            self.count += 1
            if place < len(cells):
                keys.add(clean(cells[place]).casefold())
        self.stock_keys = frozenset(keys)
        return self.count

    def checked(self, known: Mapping[str, Values] | None = None) -> Iterator[CheckedRow]:
        """Every row with its outcome up to the duplicates; the first of two equal stones is kept.

        With `known` stones (by stock number without case) the rows change these and no others.
        """
        reader = RowReader(self.fields, self.context)
        place = self.fields.index("stock_no")
        by_stock: dict[str, int] = {}
        by_report: dict[tuple[str, str], int] = {}
        for number, cells in self._rows():
            written = cells[place] if place < len(cells) else ""
            base = None if known is None else known.get(clean(written).casefold(), {})
            row = reader.read(cells, base)
            values = row.values
            if base == {} and "stock_no" not in row.dropped:
                row.issues.clear()  # what else it lacks is beside the point
                row.add("stock_no", "unknown_value")
            partner = values.get("pair_stock_no")
            if partner is not None and "pair_stock_no" in self.fields and partner.casefold() not in self.stock_keys:
                row.add("pair_stock_no", "pair_partner_missing")
            if row.rejected:
                yield CheckedRow(number, written, REJECTED, row.ordered, values, cells)
                continue
            stock, report = values["stock_no"].casefold(), (values["lab"], values["report_no"])
            first = by_stock.get(stock) or by_report.get(report)
            if first is not None:
                row.add("stock_no" if stock in by_stock else "report_no", DUPLICATE, row=first)
                yield CheckedRow(number, written, DUPLICATE, row.ordered, values, cells, first)
                continue
            by_stock[stock] = by_report[report] = number
            yield CheckedRow(number, written, WITH_WARNINGS if row.issues else ACCEPTED, row.ordered, values, cells)

    def _rows(self) -> Iterator[Row]:
        """What the sender wrote: the apostrophes that our own fix file put before a cell are gone again."""
        if ERROR_COLUMN not in self.sheet.header:
            yield from self.sheet.rows()
            return
        for number, cells in self.sheet.rows():
            yield number, [bare(cell) for cell in cells]


def open_stock(
    path: Path,
    *,
    profile: str = "none",
    mappings: Mapping[str, Any] | None = None,
    partial: bool = False,
    limits: Limits = LIMITS,
) -> StockSheet:
    """The file with its header understood; raises Stopped with everything that speaks against the whole file.

    A `partial` file changes known stones: it needs no column but the stock number.
    """
    try:
        sheet = open_sheet(path, limits)
        context = Context(profile=profile, decimal=sheet.decimal, mappings=mappings or {})
        fields, faults = read_headers(sheet.header, context)
        found = StockSheet(sheet, fields, context)
        if issues := _header_issues(sheet, fields, faults, partial):
            asked = {sheet.header[place] for place, _ in faults}
            unknown = [name for name in found.unknown_headers if name not in asked]
            raise Stopped(issues, found.header_map, unknown if found.header_map else ())
        found.survey()
    except SheetFault as fault:
        raise Stopped([FileIssue(fault.code, fault.facts)]) from None
    return found


def _header_issues(
    sheet: Sheet, fields: list[str | None], faults: list[tuple[int, str]], partial: bool
) -> list[FileIssue]:
    if not any(fields) and not faults:
        return [FileIssue("no_header", {})]
    issues: list[FileIssue] = []
    asked: set[str] = set()
    for place, code in faults:
        name = sheet.header[place]
        if code == "ambiguous_header":
            asked.update(candidates(name))
            issues.append(FileIssue(code, {"header": name, "candidates": list(candidates(name))}))
        else:
            both = [other for other, field in zip(sheet.header, fields, strict=True) if field == fields[place]]
            issues.append(FileIssue(code, {"headers": both}))
    missing = [
        name
        for name, spec in nomenclature().columns.items()
        if spec.required and name not in fields and name not in asked and (name == "stock_no" or not partial)
    ]
    return issues + [FileIssue("header_missing", {"field": name}) for name in missing]


def line_of(row: CheckedRow) -> str:
    """The row as `pavilion stock check` prints it."""
    document: dict[str, Any] = {
        "row": row.row,
        "stock_no": row.stock_no,
        "outcome": row.outcome,
        "issues": sorted(issue.triple for issue in row.issues),
    }
    if row.first_row is not None:
        document["first_row"] = row.first_row
    if row.outcome in (ACCEPTED, WITH_WARNINGS):
        document["values"] = dict(sorted(row.values.items()))
    return json.dumps(document, ensure_ascii=False)


def sentence(issue: FileIssue, lang: str) -> str:
    """What stopped the file, in the reader's language."""
    return f"{issue.code}: {fill(issue.code, issue.facts, lang)}"


def fill(code: str, facts: Mapping[str, Any], lang: str) -> str:
    """The sentence of a code with its facts; a fact it does not have is left blank."""
    known = nomenclature().issue_codes.get(code)
    if known is None:
        return code
    comma = "、" if lang == "zh" else ", "
    said = {
        name: comma.join(_named(name, one, lang) for one in (fact if isinstance(fact, list | tuple) else [fact]))
        for name, fact in facts.items()
    }
    return (known.zh if lang == "zh" else known.en).format_map(_Blank(said))


def _named(name: str, fact: object, lang: str) -> str:
    """A column is called by its name."""
    return column_name(str(fact), lang) if name in ("field", "column", "candidates") else str(fact)


class _Blank(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "…"
