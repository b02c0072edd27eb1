"""Reading stock files: the list, one file's answer, its rows with sentences, and the file to mend and send again."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor
from pavilion.catalogue import uploads
from pavilion.catalogue.answering import WAIT
from pavilion.catalogue.checking import fill
from pavilion.catalogue.headers import ERROR_COLUMN
from pavilion.catalogue.issue_words import Say, message, suggested
from pavilion.catalogue.nomenclature import column_name, nomenclature
from pavilion.catalogue.upload_models import FileState, Outcome, StockContent, StockFile, StockRow
from pavilion.kernel.instants import stamp
from pavilion.kernel.sheet import open_sheet
from pavilion.provenance import queries as provenance

PAGE = 100
FILES = 50
DOUBTS = 40  # words and headers that are asked about at once
FEW = 8  # meanings beyond which it is no doubt between readings, but a word nobody knows
WORD = 200  # characters
DOUBTFUL = (Outcome.REJECTED, Outcome.WITH_WARNINGS, Outcome.CHANGED)
BAD = (Outcome.REJECTED, Outcome.DUPLICATE, Outcome.DUPLICATE_OF_OTHER)


class Doubt(NamedTuple):
    """A word, or a header, whose meaning the sender may choose once."""

    column: str
    word: str
    meanings: tuple[str, ...]
    header: str = ""  # of the column, as the sender wrote it


async def files_of(session: AsyncSession, company_id: int) -> Sequence[StockFile]:
    """The supplier's uploads, the latest first."""
    wanted = select(StockFile).where(StockFile.supplier_company_id == company_id)
    return (await session.scalars(wanted.order_by(StockFile.id.desc()).limit(FILES))).all()


async def file_of(session: AsyncSession, actor: Actor, public_id: str) -> StockFile | None:
    """The own company's upload, or for staff anybody's; None alike for unknown and foreign."""
    wanted = select(StockFile).where(StockFile.public_id == public_id)
    if not actor.is_staff:
        wanted = wanted.where(StockFile.supplier_company_id == actor.company_id)
    return await session.scalar(wanted)


async def file_by_id(session: AsyncSession, public_id: str) -> StockFile | None:
    return await session.scalar(select(StockFile).where(StockFile.public_id == public_id))


async def company_of(session: AsyncSession, name: str) -> Company | None:
    """A company by its public id or its exact name."""
    wanted = select(Company).where((Company.public_id == name) | (Company.name == name))
    return await session.scalar(wanted.order_by(Company.id).limit(1))


async def rows_of(
    session: AsyncSession, file: StockFile, *, after: int = 0, outcome: str | None = None, limit: int = PAGE
) -> tuple[Sequence[StockRow], int | None]:
    """Rows in the file's order after one of them, and where the next page begins."""
    wanted = select(StockRow).where(StockRow.file_id == file.id, StockRow.row > after)
    if outcome is not None:
        wanted = wanted.where(StockRow.outcome == outcome)
    rows = (await session.scalars(wanted.order_by(StockRow.row).limit(limit + 1))).all()
    return rows[:limit], rows[limit - 1].row if len(rows) > limit else None


async def answer_of(session: AsyncSession, file: StockFile) -> dict[str, Any]:
    """The upload as the interface tells it."""
    counts = file.counts
    duplicates = counts.get(Outcome.DUPLICATE, 0) + counts.get(Outcome.DUPLICATE_OF_OTHER, 0)
    plain = [outcome for outcome in Outcome if outcome not in (Outcome.DUPLICATE, Outcome.DUPLICATE_OF_OTHER)]
    return {
        "id": file.public_id,
        "sha256": file.sha256,
        "filename": file.filename,
        "mode": file.mode,
        "dry_run": file.dry_run,
        "state": file.state,
        "header_map": file.header_map,
        "unknown_headers": file.unknown_headers,
        "received": file.received,
        **{outcome.value: counts.get(outcome, 0) for outcome in plain},
        "duplicates": duplicates,
        "withdrawn_by_replace": file.withdrawn_by_replace,
        "progress": progress(file),
        "queue_place": await uploads.queue_place(session, file),
        "started_at": stamp(file.started_at) if file.started_at else None,
        "finished_at": stamp(file.finished_at) if file.finished_at else None,
        "file_issues": [file_issue(issue) for issue in file.file_issues],
    }


def progress(file: StockFile) -> int:
    """Whole percent of the rows that are answered."""
    if file.state == FileState.DONE:
        return 100
    return file.done * 100 // file.received if file.received else 0


def file_issue(issue: Mapping[str, Any]) -> dict[str, Any]:
    code, facts = issue["code"], issue["facts"]
    known = nomenclature().issue_codes.get(code)
    return {
        "code": code,
        "severity": known.severity if known else "error",
        "facts": facts,
        **{f"message_{lang}": fill(code, facts, lang) for lang in ("en", "zh")},
    }


def row_answer(row: StockRow, say: Say, waits: Mapping[str, datetime]) -> dict[str, Any]:
    """The row as the interface tells it; `waits`: when the registries of a stone are asked again."""
    answer: dict[str, Any] = {"row": row.row, "stock_no": row.stock_no, "outcome": row.outcome}
    answer["issues"] = [issue_answer(issue, say) for issue in row.issues]
    if row.first_row is not None:
        answer["first_row"] = row.first_row
    if row.stone is not None:
        findings = [
            {"code": issue["rule"], "severity": issue["severity"], "params": issue["facts"]}
            for issue in row.issues
            if "rule" in issue
        ]
        answer["origin"] = {
            "row": row.row,
            "stone_id": row.stone,
            "verdict": row.verdict,
            "grade": row.grade,
            "findings": findings,
            "verdict_id": row.verdict_sha256,
            "next_try": stamp(waits[row.stone]) if row.stone in waits else None,
        }
    return answer


def issue_answer(issue: Mapping[str, Any], say: Say) -> dict[str, Any]:
    return {
        "column": issue["column"],
        "header": issue.get("header"),
        "raw": issue.get("raw"),
        "code": issue["code"],
        "severity": issue["severity"],
        **{f"message_{lang}": message(issue, lang, say) for lang in ("en", "zh")},
        "normalised": issue.get("normalised"),
        "suggestions": list(suggested(issue)),
        "rule": issue.get("rule"),
    }


async def next_tries(session: AsyncSession, rows: Sequence[StockRow]) -> dict[str, datetime]:
    """When the registries are asked again about the stones of those rows that wait."""
    stones = [row.stone for row in rows if row.stone is not None and row.outcome in WAIT]
    verdicts = await provenance.verdicts_of(session, stones) if stones else {}
    return {stone: verdict.next_try for stone, verdict in verdicts.items() if verdict.next_try is not None}


async def doubts(session: AsyncSession, file: StockFile) -> list[Doubt]:
    """The headers and words of the file that are ambiguous or unknown, each once; those with few readings first."""
    found = {
        Doubt("@headers", issue["facts"]["header"], tuple(issue["facts"]["candidates"]))
        for issue in file.file_issues
        if issue["code"] == "ambiguous_header"
    }
    free = tuple(name for name in nomenclature().columns if name not in file.header_map.values())
    found |= {Doubt("@headers", header, free) for header in file.unknown_headers if 0 < len(header) <= WORD}
    wanted = select(StockRow.issues).where(StockRow.file_id == file.id, StockRow.outcome.in_(DOUBTFUL))
    for issues in await session.scalars(wanted.order_by(StockRow.row).limit(2000)):
        found |= {doubt for issue in issues if (doubt := _doubt(issue)) is not None}
    return sorted(found, key=lambda doubt: (len(doubt.meanings) > FEW, doubt))[:DOUBTS]


def _doubt(issue: Mapping[str, Any]) -> Doubt | None:
    """What the sender could say once of the word that was not understood; nothing where no choice would help."""
    column = nomenclature().columns.get(issue["column"])
    word = issue.get("raw") or ""
    if column is None or not word or len(word) > WORD:
        return None
    if issue["code"] == "ambiguous_value" and (meanings := suggested(issue)):
        setting = {"list_pct": "list_pct_sign", "date": "date_order"}.get(column.type)
        if setting:
            return Doubt(setting, "", meanings)
        known = tuple(m for m in meanings if m in nomenclature().aliases[column.name].values())
        return Doubt(column.name, word, known, issue["header"]) if known else None
    if issue["code"] == "unknown_value" and column.enumeration:
        codes = set(nomenclature().aliases.get(column.name, {}).values())
        known = tuple(code for code in nomenclature().codes.get(column.enumeration, ()) if code in codes)
        return Doubt(column.name, word, known, issue.get("header") or "") if known else None
    return None


async def content_of(session: AsyncSession, file: StockFile) -> bytes:
    found = await session.scalar(select(StockContent.content).where(StockContent.sha256 == file.sha256))
    return found or b""


async def faults_of(session: AsyncSession, file: StockFile, lang: str, say: Say) -> dict[int, str]:
    """What is wrong with each bad row, by its number."""
    wanted = select(StockRow.row, StockRow.issues).where(StockRow.file_id == file.id, StockRow.outcome.in_(BAD))
    return {
        number: "; ".join(_worded(issue, lang, say) for issue in issues if issue["severity"] == "error")
        for number, issues in await session.execute(wanted.order_by(StockRow.row))
    }


def fix_rows(path: Path, faults: Mapping[int, str]) -> Iterator[list[str]]:
    """The sender's own columns and order, the bad rows only, and what is wrong with each."""
    sheet = open_sheet(path)
    kept = [place for place, name in enumerate(sheet.header) if name != ERROR_COLUMN]
    yield [*(sheet.header[place] for place in kept), ERROR_COLUMN]
    for number, cells in sheet.rows():
        if number in faults:
            yield [*(cells[place] if place < len(cells) else "" for place in kept), faults[number]]


def delimiter_of(path: Path) -> str:
    return open_sheet(path).delimiter


def _worded(issue: Mapping[str, Any], lang: str, say: Say) -> str:
    header = issue.get("header") or column_name(issue["column"], lang)
    text = message(issue, lang, say)
    return f"{header}: {text} ({issue['code']})" if header else f"{text} ({issue['code']})"
