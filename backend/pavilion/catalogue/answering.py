"""What a row of a stock file is answered: its outcome, and what is wrong with it."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import laboratory
from pavilion.catalogue.checking import ACCEPTED, WITH_WARNINGS, CheckedRow, StockSheet
from pavilion.catalogue.models import Stone
from pavilion.catalogue.rowrules import Issue, Values
from pavilion.catalogue.upload_models import Outcome, StockFile
from pavilion.provenance.claims import Verdict
from pavilion.provenance.findings import Finding, Severity
from pavilion.provenance.registries.port import LABORATORY

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
WAIT = (Outcome.PENDING_LAB, Outcome.PENDING_ORIGIN)
POLICY = "origin_policy_refused"


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
        "graded": None,
    }


def issue_of(sheet: StockSheet, row: CheckedRow, issue: Issue, values: Values | None = None) -> dict[str, Any]:
    """`values` are those that are used, where they are not the row's own."""
    used = row.values if values is None else values
    document = {"column": issue.column, "code": str(issue.code), "severity": issue.severity, "facts": dict(issue.facts)}
    if issue.column in sheet.fields:
        place = sheet.fields.index(issue.column)
        document |= {
            "header": sheet.sheet.header[place],
            "raw": raw_of(sheet, row, issue.column),
        }
        if issue.severity == "warning" and (value := used.get(issue.column)) is not None:
            document["normalised"] = value
    return document


def raw_of(sheet: StockSheet, row: CheckedRow, column: str) -> str:
    """The cell as the sender wrote it; the file has this column."""
    place = sheet.fields.index(column)
    return row.cells[place][:RAW_CHARS] if place < len(row.cells) else ""


def heard(answer: dict[str, Any], issues: Sequence[dict[str, Any]]) -> None:
    """The laboratory's word is a part of the row's answer."""
    answer["issues"].extend(issues)
    if any(issue["severity"] == "error" for issue in issues):
        answer["outcome"] = Outcome.REJECTED
    elif any(issue["code"] == laboratory.MISMATCH for issue in issues):
        answer["outcome"] = Outcome.CHANGED


def judged(answer: dict[str, Any], verdict: Verdict, exposed: bool, silent: Collection[str]) -> None:
    """The verdict on the stone's origin is the row's answer too. `silent`: the registries that it needs and that have
    not answered."""
    answer |= {"verdict": verdict.verdict, "grade": verdict.grade, "verdict_sha256": verdict.verdict_sha256}
    if verdict.verdict == "verified":
        if not exposed:
            answer["outcome"] = Outcome.REVIEW
            answer["issues"].append(_policy(verdict.grade))
        return
    answer["outcome"] = _OUTCOMES[verdict.verdict]
    if answer["outcome"] == Outcome.PENDING_ORIGIN and set(silent) == {LABORATORY}:
        answer["outcome"] = Outcome.PENDING_LAB
    told = {issue["code"] for issue in answer["issues"]}
    for finding in verdict.findings:
        severity = _SEVERITIES.get(finding.severity)
        if severity is not None and (issue := _for_supplier(finding, severity))["code"] not in told:
            answer["issues"].append(issue)


def _for_supplier(finding: Finding, severity: str) -> dict[str, Any]:
    """A name that is only like one on a list is for compliance to look at; the supplier is told that somebody looks."""
    if finding.code == "SN-04" and finding.severity is Severity.HOLD:
        code, rule, facts = IN_REVIEW, IN_REVIEW, dict[str, Any]()
    else:
        code, rule, facts = TRADE_CODES.get(finding.code, finding.code), finding.code, dict(finding.params)
        if finding.code == "RG-03" and finding.params.get("registry") == LABORATORY:
            code = laboratory.NOT_FOUND
    return {"column": "origin_id", "code": code, "severity": severity, "rule": rule, "facts": facts}


def _policy(grade: str) -> dict[str, Any]:
    return {"column": "origin_id", "code": POLICY, "severity": "warning", "facts": {"grade": grade}}


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
