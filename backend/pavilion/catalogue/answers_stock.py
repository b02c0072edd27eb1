"""What programs are told of a stock file."""

from typing import Annotated, Any

from pydantic import Field

from pavilion.catalogue.upload_models import FileState, Mode, Outcome
from pavilion.webkit.answers import Absent, Instant, Sha256, Told, Ulid, leaves_out

Count = Annotated[int, Field(ge=0, description="Rows.", examples=[0])]
Header = Annotated[str, Field(examples=["Weight"])]


class FileTaken(Told):
    """Follow it at /stock-files/{id}."""

    id: Ulid


class FileIssueTold(Told):
    """Something about the whole file."""

    code: Annotated[str, Field(examples=["ambiguous_header"])]
    severity: Annotated[str, Field(examples=["error"])]
    facts: Annotated[dict[str, Any], Field(examples=[{"header": "Size"}])]
    message_en: Annotated[str, Field(examples=["The header Size can mean two things."])]
    message_zh: Annotated[str, Field(examples=["表头“Size”有两种含义。"])]


class FileTold(Told):
    """How far an import is, and what came of its rows."""

    id: Ulid
    sha256: Sha256
    filename: Annotated[str, Field(examples=["stock.csv"])]
    mode: Mode
    dry_run: bool
    state: FileState
    header_map: Annotated[dict[str, str], Field(examples=[{"Weight": "weight"}])]
    unknown_headers: list[Header]
    received: Count
    accepted: Count
    accepted_with_warnings: Count
    accepted_changed: Count
    pending_lab: Count
    pending_origin: Count
    review: Count
    rejected: Count
    unchanged: Count
    duplicates: Count
    withdrawn_by_replace: Annotated[int, Field(ge=0, description="Stones.", examples=[0])]
    progress: Annotated[int, Field(ge=0, le=100, description="Percent of its rows.", examples=[100])]
    queue_place: Annotated[
        int | None, Field(description="How many files come before it, while it waits.", examples=[1])
    ]
    started_at: Instant | None
    finished_at: Instant | None
    file_issues: list[FileIssueTold]


class IssueTold(Told):
    """What is wrong with a cell, or what was made of it."""

    column: Annotated[str | None, Field(examples=["clarity"])]
    header: Annotated[str | None, Field(examples=["Clarity"])]
    raw: Annotated[str | None, Field(description="As it stood there.", examples=["VS-1?"])]
    code: Annotated[str, Field(examples=["unknown_value"])]
    severity: Annotated[str, Field(examples=["error"])]
    message_en: Annotated[str, Field(examples=["This clarity is not known."])]
    message_zh: Annotated[str, Field(examples=["无法识别该净度。"])]
    normalised: Annotated[Any, Field(description="What was stored instead.", examples=["VS1"])]
    suggestions: Annotated[list[str], Field(examples=[["VS1"]])]
    rule: Annotated[str | None, Field(description="Of origin.", examples=["GR-01"])]


class FindingTold(Told):
    code: Annotated[str, Field(examples=["GR-01"])]
    severity: Annotated[str, Field(examples=["error"])]
    params: Annotated[dict[str, Any], Field(examples=[{}])]


class RowOriginTold(Told):
    row: Annotated[int, Field(ge=1, examples=[2])]
    stone_id: Ulid
    verdict: Annotated[str | None, Field(examples=["verified"])]
    grade: Annotated[str | None, Field(examples=["A"])]
    findings: list[FindingTold]
    verdict_id: Sha256 | None
    next_try: Annotated[Instant | None, Field(description="When silent registries are asked again.")]


class RowTold(Told):
    """One row of the file. `first_row` is there for a double, `origin` for a row that became a stone."""

    model_config = leaves_out("first_row", "origin")

    row: Annotated[int, Field(ge=1, description="In the file; the header is 1.", examples=[2])]
    stock_no: Annotated[str, Field(examples=["A-101"])]
    outcome: Outcome
    issues: list[IssueTold]
    first_row: Annotated[int | Absent, Field(description="The row that it repeats.", examples=[2])] = None
    origin: RowOriginTold | Absent = None


class RowsTold(Told):
    """Rows in the order of the file."""

    rows: list[RowTold]
    next_cursor: Annotated[int | None, Field(description="`cursor` of the next page: a row's number.", examples=[101])]
