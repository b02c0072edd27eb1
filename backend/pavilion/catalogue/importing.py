"""Runs a stock file: its rows are stored and their origin confirmed batch by batch.

A batch is one transaction where the origin log asks no witness. Where it does, a first transaction stores the stones
and logs their chains, and a second judges them once the witnesses have seen the log, or soon enough without them;
meanwhile the next batch is read, asked about and logged. A process that dies leaves whole batches behind; the next run
reads the file again and goes on after the last that was answered.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from anyio import to_thread
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import listing, replacing, service, uploads
from pavilion.catalogue.answering import FIT, WAIT, Answer, judged
from pavilion.catalogue.checking import CheckedRow, StockSheet, Stopped, open_stock
from pavilion.catalogue.storing import Stored, store
from pavilion.catalogue.upload_models import FileState, Mode, StockContent, StockFile, StockRow
from pavilion.kernel import events, jobs
from pavilion.kernel.clock import monotonic_s
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.putting import put
from pavilion.kernel.tasks import cut
from pavilion.provenance import service as provenance
from pavilion.provenance.claims import Verdict
from pavilion.provenance.dossier import Dossier
from pavilion.provenance.log import LogSigner
from pavilion.provenance.opening import Opener
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.port import OWN_PRODUCTION, PRODUCERS, Registry

BATCH = 1000
GENTLE_BATCH = 50  # beside a running house: no bid waits long for the database or for the loop
LEASE = timedelta(minutes=1)  # renewed with every batch; so long a file rests when its process was killed

COVER_S = 4.0  # a batch waits so long for the log's witnesses before it is answered without them
GLANCE_S = 0.1  # between two looks at the log

Ready = tuple[list[CheckedRow], Mapping[int, Dossier]]
Told = Callable[[StockFile], None]


class Ports(Protocol):
    @property
    def registries(self) -> Registries: ...

    @property
    def log(self) -> LogSigner | None: ...


class Overtaken(Exception):
    """Another process runs this file; what we hold is worth nothing."""


async def tick(sessions: Sessions, ports: Ports, now: datetime) -> int:
    """One waiting file is imported to its end; 1 when there was one."""
    job = await jobs.taken(sessions, now, kinds=[uploads.JOB])
    if job is None:
        return 0
    started = monotonic_s()

    def clock() -> datetime:
        return now + timedelta(seconds=monotonic_s() - started)

    try:
        await run_file(sessions, ports.registries, job.payload["file"], clock, log=ports.log, batch=GENTLE_BATCH)
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
    registry: Registry | Registries,
    public_id: str,
    clock: Callable[[], datetime],
    *,
    log: LogSigner | None = None,
    batch: int = BATCH,
    told: Told | None = None,
) -> None:
    """The file is done, stopped, or waits for its sender; every batch before that is kept whole. `log` signs its
    checkpoint with each batch; without it, or with witnesses, stones may be answered as pending."""
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
        run = _Run(sessions, registry, log, file, clock, batch, told)
        try:
            sheet = await to_thread.run_sync(
                lambda: open_stock(path, profile=file.profile, mappings=mappings, partial=file.mode == Mode.UPDATE)
            )
        except Stopped as stopped:
            await run.stop(stopped)
            return
        try:
            await run.through(sheet)
        finally:
            await run.close()


class _Run:
    def __init__(
        self,
        sessions: Sessions,
        registry: Registry | Registries,
        log: LogSigner | None,
        file: StockFile,
        clock: Callable[[], datetime],
        batch: int,
        told: Told | None,
    ) -> None:
        self._sessions, self._registry, self._log, self._file = sessions, registry, log, file
        self._clock, self._batch, self._told = clock, batch, told
        self._patient = True  # until the log was waited for in vain
        self._opener = Opener(aside=batch >= BATCH)

    async def close(self) -> None:
        await self._opener.close()

    async def stop(self, stopped: Stopped) -> None:
        """A file-level code: nothing is applied, and the sender reads why."""
        issues = [{"code": issue.code, "facts": dict(issue.facts)} for issue in stopped.issues]
        heads = {"header_map": stopped.header_map, "unknown_headers": stopped.unknown_headers}
        await self._end(FileState.STOPPED, file_issues=issues, **heads)

    async def through(self, sheet: StockSheet) -> None:
        file = self._file
        if not await self._begin(sheet):
            return
        known = await replacing.named_stones(self._sessions, file, sheet) if file.mode == Mode.UPDATE else None
        rows = (row for row in sheet.checked(known) if row.row > file.row_reached)
        ahead = asyncio.create_task(self._read_and_ask(rows))
        logged: _Logged | None = None  # the batch before, whose chains wait for the log's witnesses
        try:
            while (ready := await ahead)[0]:
                ahead = asyncio.create_task(self._read_and_ask(rows))  # while the database is busy with this one
                now_logged = await self._apply(sheet, *ready, after=logged)
                if logged is not None:
                    await self._finish(sheet, logged)
                logged = now_logged
            if logged is not None:
                await self._finish(sheet, logged)
        finally:
            await cut(ahead)
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
                file.file_issues = await replacing.issues_before(session, file, sheet.stock_keys, self._clock())
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
        fit = [row for row in batch if row.outcome in FIT]
        claims = [listing.claim_of("", row.values, _producer(self._registry), self._file.sent_by) for row in fit]
        dossiers = await provenance.ask(claims, self._registry, self._clock(), self._opener)
        return batch, {row.row: dossier for row, dossier in zip(fit, dossiers, strict=True)}

    async def _apply(
        self,
        sheet: StockSheet,
        batch: Sequence[CheckedRow],
        dossiers: Mapping[int, Dossier],
        *,
        after: "_Logged | None",
    ) -> "_Logged | None":
        """The batch is answered and kept; or its stones and chains are, and it waits for the log's witnesses, or for
        the batch before it."""
        now, since = self._clock(), monotonic_s()
        async with self._sessions.begin() as session:
            await self._hold(session)
            if self._file.dry_run:
                nested = await session.begin_nested()
                stored = await store(session, self._file, sheet, batch, dossiers, now)
                recorded = await provenance.record(session, stored.dossiers, now, rehearsal=True)
                verdicts = await provenance.judge_recorded(session, recorded, now, rehearsal=True)
                await self._list(session, stored, verdicts, now)
                await nested.rollback()
                await self._keep(session, batch, stored.answers)
            else:
                stored = await store(session, self._file, sheet, batch, dossiers, now)
                recorded = await provenance.record(session, stored.dossiers, now, log=self._log)
                if after is not None or any(one.waits for one in recorded):
                    return _Logged(batch, dossiers, max((one.highest for one in recorded), default=0), since)
                verdicts = await provenance.judge_recorded(session, recorded, now, log=self._log)
                await self._list(session, stored, verdicts, now)
                await self._keep(session, batch, stored.answers)
        self._tell()
        return None

    async def _finish(self, sheet: StockSheet, logged: "_Logged") -> None:
        """The logged batch is answered: its stones are judged, or pending where the log's witnesses were too slow."""
        while self._patient and not await self._covers(logged.highest):
            if monotonic_s() - logged.since >= COVER_S:
                self._patient = False
            else:
                await asyncio.sleep(GLANCE_S)
        now = self._clock()
        async with self._sessions.begin() as session:
            await self._hold(session)
            stored = await store(session, self._file, sheet, logged.batch, logged.dossiers, now)
            verdicts = await provenance.settle(session, dossiers=stored.dossiers, now=now, log=self._log)
            await self._list(session, stored, verdicts, now)
            await self._keep(session, logged.batch, stored.answers)
        self._tell()

    async def _covers(self, highest: int) -> bool:
        async with reading(self._sessions) as session:
            covered = await provenance.covered(session) >= highest
        self._patient = self._patient or covered
        return covered

    async def _list(self, session: AsyncSession, stored: Stored, verdicts: Sequence[Verdict], now: datetime) -> None:
        """The verified stones are listed, and each row knows its verdict."""
        verified = [verdict.stone for verdict in verdicts if verdict.verdict == "verified"]
        exposed = await service.expose_stones(session, verified, now=now)
        for (stone_id, answer), dossier, verdict in zip(stored.asked, stored.dossiers, verdicts, strict=True):
            judged(answer, verdict, stone_id in exposed, dossier.silent)

    async def _keep(self, session: AsyncSession, batch: Sequence[CheckedRow], answers: Sequence[Answer]) -> None:
        file = self._file
        counts = dict(file.counts)
        for answer in answers:
            if answer["outcome"] not in WAIT:
                answer["graded"] = None
            counts[answer["outcome"]] = counts.get(answer["outcome"], 0) + 1
        await put(session, StockRow, answers)
        before, file.row_reached = file.row_reached, batch[-1].row
        file.counts, file.done = counts, file.done + len(batch)
        await self._save(session, reached=before)

    def _tell(self) -> None:
        if self._told is not None:
            self._told(self._file)

    async def _withdraw_missing(self, sheet: StockSheet) -> None:
        """All that the file no longer names goes at once, or nothing does."""
        file, now = self._file, self._clock()
        async with self._sessions.begin() as session:
            missing = await replacing.missing_stock_nos(session, file.supplier_company_id, sheet.stock_keys, now)
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


class _Logged(NamedTuple):
    """A batch whose chains stand in the log; `highest` leaves must be covered before it can be judged."""

    batch: Sequence[CheckedRow]
    dossiers: Mapping[int, Dossier]
    highest: int
    since: float


def _producer(registry: Registry | Registries) -> str:
    """The registry that rows mean when they name none."""
    names = registry.names if isinstance(registry, Registries) else (registry.name,)
    return next((name for name in names if name in PRODUCERS), OWN_PRODUCTION)


def _take(rows: Iterator[CheckedRow], most: int) -> list[CheckedRow]:
    return list(islice(rows, most))
