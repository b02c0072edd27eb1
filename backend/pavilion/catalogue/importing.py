"""Runs a stock file: its rows are stored and their origin confirmed batch by batch, each in one transaction.

A process that dies leaves whole batches behind; the next run reads the file again and goes on after the last of them.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from anyio import to_thread
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import listing, replacing, service, uploads
from pavilion.catalogue.checking import ACCEPTED, WITH_WARNINGS, CheckedRow, StockSheet, Stopped, open_stock
from pavilion.catalogue.models import Stone
from pavilion.catalogue.rowrules import Issue
from pavilion.catalogue.upload_models import FileState, Mode, Outcome, StockContent, StockFile, StockRow
from pavilion.kernel import events, jobs
from pavilion.kernel.clock import monotonic_s
from pavilion.kernel.db import Sessions
from pavilion.provenance import service as provenance
from pavilion.provenance.claims import Verdict
from pavilion.provenance.dossier import Dossier
from pavilion.provenance.registries.port import Registry

BATCH = 1000
GENTLE_BATCH = 50  # beside a running house: no bid waits long for the database or for the loop
RAW_CHARS = 200
LEASE = timedelta(minutes=1)  # renewed with every batch; so long a file rests when its process was killed

# The trade's name of an origin rule (catalogue spec 4).
TRADE_CODES = {"RG-03": "origin_unknown", "MB-03": "origin_weight_exceeds_rough", "ID-02": "origin_already_used"}
_SEVERITIES = {"block": "error", "pending": "warning", "hold": "warning"}
_OUTCOMES = {
    "rejected": Outcome.REJECTED,
    "review": Outcome.REVIEW,
    "pending": Outcome.PENDING_ORIGIN,
}

_FIT = (ACCEPTED, WITH_WARNINGS)

Answer = dict[str, Any]  # a row of `stock_rows` on its way
Ready = tuple[list[CheckedRow], Mapping[int, Dossier]]
Told = Callable[[StockFile], None]


class Ports(Protocol):
    @property
    def registry(self) -> Registry: ...


class Overtaken(Exception):
    """Another process runs this file; what we hold is worth nothing."""


async def tick(sessions: Sessions, ports: Ports, now: datetime) -> int:
    """One waiting file is imported to its end; 1 when there was one."""
    async with sessions.begin() as session:
        job = await jobs.claim(session, now, kinds=[uploads.JOB])
    if job is None:
        return 0
    started = monotonic_s()

    def clock() -> datetime:
        return now + timedelta(seconds=monotonic_s() - started)

    try:
        await run_file(sessions, ports.registry, job.payload["file"], clock, batch=GENTLE_BATCH)
    except Overtaken:
        return 1
    except Exception as fault:
        async with sessions.begin() as session:
            await jobs.failed(session, job.id, f"{type(fault).__name__}: {fault}", clock())
        raise
    async with sessions.begin() as session:
        await jobs.done(session, job.id)
    return 1


async def run_file(
    sessions: Sessions,
    registry: Registry,
    public_id: str,
    clock: Callable[[], datetime],
    *,
    batch: int = BATCH,
    told: Told | None = None,
) -> None:
    """The file is done, stopped, or waits for its sender; every batch before that is kept whole."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stock"
        async with sessions() as session:
            file = await session.scalar(select(StockFile).where(StockFile.public_id == public_id))
            if file is None or file.ended:
                return
            content = await session.scalar(select(StockContent.content).where(StockContent.sha256 == file.sha256))
            mappings = await uploads.mapping_at(session, file.supplier_company_id, file.mapping_version)
        await to_thread.run_sync(path.write_bytes, content or b"")
        del content  # up to fifty megabytes
        run = _Run(sessions, registry, file, clock, batch, told)
        try:
            sheet = await to_thread.run_sync(
                lambda: open_stock(path, profile=file.profile, mappings=mappings, partial=file.mode == Mode.UPDATE)
            )
        except Stopped as stopped:
            await run.stop(stopped)
            return
        await run.through(sheet)


class _Run:
    def __init__(
        self,
        sessions: Sessions,
        registry: Registry,
        file: StockFile,
        clock: Callable[[], datetime],
        batch: int,
        told: Told | None,
    ) -> None:
        self._sessions, self._registry, self._file = sessions, registry, file
        self._clock, self._batch, self._told = clock, batch, told

    async def stop(self, stopped: Stopped) -> None:
        """A file-level code: nothing is applied, and the sender reads why."""
        issues = [{"code": issue.code, "facts": dict(issue.facts)} for issue in stopped.issues]
        await self._end(FileState.STOPPED, file_issues=issues)

    async def through(self, sheet: StockSheet) -> None:
        file = self._file
        if not await self._begin(sheet):
            return
        known = await replacing.named_stones(self._sessions, file, sheet) if file.mode == Mode.UPDATE else None
        rows = (row for row in sheet.checked(known) if row.row > file.row_reached)
        ahead = asyncio.create_task(self._read_and_ask(rows))
        try:
            while (ready := await ahead)[0]:
                ahead = asyncio.create_task(self._read_and_ask(rows))  # while the database is busy with this one
                await self._apply(sheet, *ready)
                if self._told is not None:
                    self._told(file)
        finally:
            ahead.cancel()
        if file.mode == Mode.REPLACE and not file.dry_run:
            await self._withdraw_missing(sheet)
        await self._end(FileState.DONE)

    async def _begin(self, sheet: StockSheet) -> bool:
        """The header is kept; false when the file must be confirmed first."""
        file, now = self._file, self._clock()
        file.header_map, file.unknown_headers, file.received = sheet.header_map, sheet.unknown_headers, sheet.count
        file.started_at = file.started_at or now
        if file.mode == Mode.REPLACE:
            async with self._sessions() as session:
                file.file_issues = await replacing.issues_before(session, file, sheet.stock_keys)
            over = [issue for issue in file.file_issues if issue["code"] == replacing.OVER_30_PERCENT]
            if over and file.confirmed != over[0]["facts"]["n"]:
                await self._end(FileState.WAITING, file_issues=file.file_issues)
                return False
        file.state = FileState.RUNNING
        async with self._sessions.begin() as session:
            await self._save(session, reached=file.row_reached)
        return True

    async def _read_and_ask(self, rows: Iterator[CheckedRow]) -> Ready:
        """The next rows, and what the registry says of the acceptable ones; our own name for a stone comes later."""
        batch = await to_thread.run_sync(_take, rows, self._batch)
        fit = [row for row in batch if row.outcome in _FIT]
        claims = [listing.claim_of("", row.values, self._registry.name, self._file.sent_by) for row in fit]
        dossiers = await provenance.ask(claims, self._registry, self._clock())
        return batch, {row.row: dossier for row, dossier in zip(fit, dossiers, strict=True)}

    async def _apply(self, sheet: StockSheet, batch: Sequence[CheckedRow], dossiers: Mapping[int, Dossier]) -> None:
        """The batch is answered and kept."""
        file, now = self._file, self._clock()
        async with self._sessions.begin() as session:
            await self._hold(session)
            if file.dry_run:
                nested = await session.begin_nested()
                answers = await self._answered(session, sheet, batch, dossiers, now)
                await nested.rollback()
            else:
                answers = await self._answered(session, sheet, batch, dossiers, now)
            await session.execute(insert(StockRow), answers)
            counts = dict(file.counts)
            for answer in answers:
                counts[answer["outcome"]] = counts.get(answer["outcome"], 0) + 1
            before, file.row_reached = file.row_reached, batch[-1].row
            file.counts, file.done = counts, file.done + len(batch)
            await self._save(session, reached=before)

    async def _answered(
        self,
        session: AsyncSession,
        sheet: StockSheet,
        batch: Sequence[CheckedRow],
        dossiers: Mapping[int, Dossier],
        now: datetime,
    ) -> list[dict[str, Any]]:
        """The rows as they are answered: the acceptable ones are stored, then their origin is judged."""
        elsewhere = await _listed_elsewhere(session, self._file.supplier_company_id, batch)
        answers, fit = [], []
        for row in batch:
            answer = _answer(self._file, sheet, row)
            if row.outcome in _FIT and (row.values["lab"], row.values["report_no"]) in elsewhere:
                answer["outcome"] = Outcome.DUPLICATE_OF_OTHER
                answer["issues"].append(_issue(sheet, row, Issue("report_no", Outcome.DUPLICATE_OF_OTHER, "error")))
            elif row.outcome in _FIT:
                fit.append((row, dossiers[row.row], answer))
            answers.append(answer)
        await self._store(session, sheet, fit, now)
        return answers

    async def _store(
        self, session: AsyncSession, sheet: StockSheet, fit: Sequence[tuple[CheckedRow, Dossier, Answer]], now: datetime
    ) -> None:
        fields = [field for field in sheet.fields if field is not None]
        stones = [
            listing.stone_columns(row.values, fields)
            | (listing.origin_columns(dossier.events) if dossier.keeps_chain else {})
            for row, dossier, _ in fit
        ]
        supplier = self._file.supplier_company_id
        stored = await service.store_stones(session, stones, supplier_company_id=supplier, now=now)
        shown = await _shown(session, [stone.public_id for stone in stored if stone.change == "unchanged"])
        asked: list[tuple[str, Answer]] = []
        to_judge = []
        for stone, (_, dossier, answer) in zip(stored, fit, strict=True):
            answer["stone"] = stone.public_id
            if stone.public_id in shown:
                answer |= {"outcome": Outcome.UNCHANGED, "verdict": "verified"}
                continue
            asked.append((stone.public_id, answer))
            to_judge.append(replace(dossier, claim=replace(dossier.claim, stone=stone.public_id)))
        verdicts = await provenance.settle(session, dossiers=to_judge, now=now)
        verified = [verdict.stone for verdict in verdicts if verdict.verdict == "verified"]
        exposed = await service.expose_stones(session, verified, now=now)
        for (stone_id, answer), verdict in zip(asked, verdicts, strict=True):
            _judged(answer, verdict, stone_id in exposed)

    async def _withdraw_missing(self, sheet: StockSheet) -> None:
        """All that the file no longer names goes at once, or nothing does."""
        file, now = self._file, self._clock()
        async with self._sessions.begin() as session:
            missing = await replacing.missing_stock_nos(session, file.supplier_company_id, sheet.stock_keys)
            gone = await service.withdraw_stones(
                session, supplier_company_id=file.supplier_company_id, stock_nos=missing, by=file.sent_by, now=now
            )
            file.withdrawn_by_replace += len(gone)
            await self._save(session, reached=file.row_reached)

    async def _end(self, state: FileState, **changes: Any) -> None:
        file, now = self._file, self._clock()
        for name, value in changes.items():
            setattr(file, name, value)
        file.state = state
        if file.ended:
            file.finished_at = now
        async with self._sessions.begin() as session:
            await self._save(session, reached=file.row_reached)
            if file.ended:
                events.record(
                    session, "upload:finished", file.public_id, by=file.sent_by, at=now, state=state, counts=file.counts
                )
        if self._told is not None:
            self._told(file)

    async def _hold(self, session: AsyncSession) -> None:
        """Until the transaction ends nobody else goes on with this file."""
        mine = update(StockFile).where(StockFile.id == self._file.id, StockFile.row_reached == self._file.row_reached)
        held = await session.execute(
            mine.where(StockFile.finished_at.is_(None))
            .values(row_reached=self._file.row_reached)
            .execution_options(synchronize_session=False)
        )
        if held.rowcount != 1:  # type: ignore[attr-defined]
            raise Overtaken(self._file.public_id)

    async def _save(self, session: AsyncSession, *, reached: int) -> None:
        """Our picture of the file is the database's, provided nobody else went on with it."""
        file = self._file
        columns = ("header_map", "unknown_headers", "file_issues", "counts", "received", "done", "row_reached", "state")
        times = ("withdrawn_by_replace", "started_at", "finished_at")
        values = {name: getattr(file, name) for name in (*columns, *times)}
        mine = update(StockFile).where(StockFile.id == file.id, StockFile.row_reached == reached)
        saved = await session.execute(
            mine.where(StockFile.finished_at.is_(None)).values(values).execution_options(synchronize_session=False)
        )
        if saved.rowcount != 1:  # type: ignore[attr-defined]
            raise Overtaken(file.public_id)
        lease = self._clock() + LEASE
        job = update(jobs.Job).where(jobs.Job.kind == uploads.JOB, jobs.Job.key == file.public_id)
        await session.execute(job.where(jobs.Job.state == jobs.State.RUNNING).values(run_until=lease))


def _take(rows: Iterator[CheckedRow], most: int) -> list[CheckedRow]:
    return list(islice(rows, most))


def _answer(file: StockFile, sheet: StockSheet, row: CheckedRow) -> dict[str, Any]:
    return {
        "file_id": file.id,
        "row": row.row,
        "stock_no": row.stock_no.replace("\0", "")[:80],  # a text that no database would take
        "outcome": Outcome(row.outcome),
        "issues": [_issue(sheet, row, issue) for issue in row.issues],
        "first_row": row.first_row,
        "stone": None,
        "verdict": None,
        "grade": None,
        "verdict_sha256": None,
    }


def _issue(sheet: StockSheet, row: CheckedRow, issue: Issue) -> dict[str, Any]:
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


def _judged(answer: dict[str, Any], verdict: Verdict, exposed: bool) -> None:
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
            answer["issues"].append(
                {
                    "column": "origin_id",
                    "code": TRADE_CODES.get(finding.code, finding.code),
                    "severity": severity,
                    "rule": finding.code,
                    "facts": dict(finding.params),
                }
            )


def _policy(grade: str) -> dict[str, Any]:
    return {"column": "origin_id", "code": "origin_policy_refused", "severity": "warning", "facts": {"grade": grade}}


async def _listed_elsewhere(
    session: AsyncSession, supplier_company_id: int, batch: Sequence[CheckedRow]
) -> set[tuple[str, str]]:
    """Reports of this batch under which another member lists a stone already."""
    reports = [(row.values["lab"], row.values["report_no"]) for row in batch if row.outcome in _FIT]
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


async def _shown(session: AsyncSession, stones: Sequence[str]) -> set[str]:
    if not stones:
        return set()
    found = select(Stone.public_id).where(Stone.public_id.in_(stones), Stone.exposed_id.is_not(None))
    return set(await session.scalars(found))
