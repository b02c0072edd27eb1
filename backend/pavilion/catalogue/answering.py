"""What a row of a stock file is answered: its outcome, and what is wrong with it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue.checking import ACCEPTED, WITH_WARNINGS, CheckedRow, StockSheet
from pavilion.catalogue.models import Stone
from pavilion.catalogue.rowrules import Issue
from pavilion.catalogue.upload_models import Outcome, StockFile
from pavilion.provenance.claims import Verdict
from pavilion.provenance.findings import Finding, Severity

RAW_CHARS = 200
FIT = (ACCEPTED, WITH_WARNINGS)

Answer = dict[str, Any]  # a row of `stock_rows` on its way

# The trade's name of an origin rule (catalogue spec 4).
TRADE_CODES = {"RG-03": "origin_unknown", "MB-03": "origin_weight_exceeds_rough", "ID-02": "origin_already_used"}
IN_REVIEW = "origin_in_review"
_SEVERITIES = {"block": "error", "pending": "warning", "hold": "warning"}
_OUTCOMES = {
    "rejected": Outcome.REJECTED,
    "review": Outcome.REVIEW,
    "pending": Outcome.PENDING_ORIGIN,
}


def answer_of(file: StockFile, sheet: StockSheet, row: CheckedRow) -> dict[str, Any]:
    return {
        "file_id": file.id,
        "row": row.row,
        "stock_no": row.stock_no.replace("\0", "")[:80],  # a text that no database would take
        "outcome": Outcome(row.outcome),
        "issues": [issue_of(sheet, row, issue) for issue in row.issues],
        "first_row": row.first_row,
        "stone": None,
        "verdict": None,
        "grade": None,
        "verdict_sha256": None,
    }


def issue_of(sheet: StockSheet, row: CheckedRow, issue: Issue) -> dict[str, Any]:
    document = {"column": issue.column, "code": str(issue.code), "severity": issue.severity, "facts": dict(issue.facts)}
    if issue.column in sheet.fields:
        place = sheet.fields.index(issue.column)
        document |= {
            "header": sheet.sheet.header[place],
            "raw": row.cells[place][:RAW_CHARS] if place < len(row.cells) else "",
        }
        if issue.severity == "warning" and (value := row.values.get(issue.column)) is not None:
            document["normalised"] = value
    return document


def judged(answer: dict[str, Any], verdict: Verdict, exposed: bool) -> None:
    """The verdict on the stone's origin is the row's answer too."""
    answer |= {"verdict": verdict.verdict, "grade": verdict.grade, "verdict_sha256": verdict.verdict_sha256}
    if verdict.verdict == "verified":
        if not exposed:
            answer["outcome"] = Outcome.REVIEW
            answer["issues"].append(_policy(verdict.grade))
        return
    answer["outcome"] = _OUTCOMES[verdict.verdict]
    for finding in verdict.findings:
        severity = _SEVERITIES.get(finding.severity)
        if severity is not None:
            answer["issues"].append(_for_supplier(finding, severity))


def _for_supplier(finding: Finding, severity: str) -> dict[str, Any]:
    """A name that is only like one on a list is for compliance to look at; the supplier is told that somebody looks."""
    if finding.code == "SN-04" and finding.severity is Severity.HOLD:
        code, rule, facts = IN_REVIEW, IN_REVIEW, dict[str, Any]()
    else:
        code, rule, facts = TRADE_CODES.get(finding.code, finding.code), finding.code, dict(finding.params)
    return {"column": "origin_id", "code": code, "severity": severity, "rule": rule, "facts": facts}


def _policy(grade: str) -> dict[str, Any]:
    return {"column": "origin_id", "code": "origin_policy_refused", "severity": "warning", "facts": {"grade": grade}}


async def listed_elsewhere(
    session: AsyncSession, supplier_company_id: int, batch: Sequence[CheckedRow]
) -> set[tuple[str, str]]:
    """Reports of this batch under which another member lists a stone already."""
    reports = [(row.values["lab"], row.values["report_no"]) for row in batch if row.outcome in FIT]
    if not reports:
        return set()
    found = await session.execute(
        select(Stone.lab, Stone.report_no).where(
            Stone.report_no.in_([number for _, number in reports]),
            Stone.supplier_company_id != supplier_company_id,
            Stone.exposed_id.is_not(None),
            Stone.withdrawn_at.is_(None),
        )
    )
    return {(lab, number) for lab, number in found}


async def shown_stones(session: AsyncSession, stones: Sequence[str]) -> set[str]:
    if not stones:
        return set()
    found = select(Stone.public_id).where(Stone.public_id.in_(stones), Stone.exposed_id.is_not(None))
    return set(await session.scalars(found))
