"""What outcomes do by themselves: files are read, and what chains tell of a reporter is held against its reports."""

import hashlib
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from anyio import from_thread, to_thread
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import jobs
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Cursor, cursor_of, record
from pavilion.kernel.ids import ulid
from pavilion.kernel.sheet import SheetFault
from pavilion.provenance import outcome_cases, outcome_chains, outcome_service
from pavilion.provenance.models import VerdictRecord
from pavilion.provenance.outcome_files import Reading, read_file
from pavilion.provenance.outcome_models import (
    FileState,
    OutcomeContent,
    OutcomeFault,
    OutcomeFile,
    PartyName,
    SupplyContract,
)

JOB = "outcomes:file"
FOLLOWER = "provenance:chain parties"
AT_ONCE = 100  # chains read in one transaction, and no bid waits long for it


async def receive(
    session: AsyncSession, *, contract: SupplyContract, content: bytes, filename: str, by: str | None, now: datetime
) -> tuple[OutcomeFile, bool]:
    """The file waits to be read; true when the same bytes were sent before, which are the same file."""
    sha256 = hashlib.sha256(content).hexdigest()
    same = select(OutcomeFile).where(OutcomeFile.contract_id == contract.id, OutcomeFile.sha256 == sha256)
    if (before := await session.scalar(same)) is not None:
        return before, True
    file = OutcomeFile(
        public_id=ulid(now),
        contract_id=contract.id,
        filename=filename[:200] or "report",
        sha256=sha256,
        state=FileState.QUEUED,
        bytes=len(content),
        rows_read=0,
        rows_wrong=0,
        fault_facts={},
        by=by,
        at=now,
    )
    session.add(file)
    await session.flush()
    session.add(OutcomeContent(file_id=file.id, content=content))
    await jobs.enqueue(session, JOB, file.public_id, {"file": file.public_id}, due_at=now)
    record(session, "outcome:file", file.public_id, by=by, at=now, sha256=sha256)
    return file, False


async def read_files(sessions: Sessions, house: str, now: datetime) -> int:
    """One waiting file is read to its end; 1 when there was one."""
    job = await jobs.taken(sessions, now, kinds=[JOB])
    if job is None:
        return 0
    try:
        await run_file(sessions, house, job.payload["file"], now)
    except Exception as fault:
        async with sessions.begin() as session:
            await jobs.failed(session, job.id, f"{type(fault).__name__}: {fault}", now)
        raise
    async with sessions.begin() as session:
        await jobs.done(session, job.id)
    return 1


async def run_file(sessions: Sessions, house: str, public_id: str, now: datetime) -> None:
    """The report of the file stands, or all its faults are told and nothing of it was taken."""
    async with sessions() as session:
        file = await session.scalar(select(OutcomeFile).where(OutcomeFile.public_id == public_id))
        if file is None or file.ended:
            return
        content = await session.scalar(select(OutcomeContent.content).where(OutcomeContent.file_id == file.id))
    file_id = file.id

    async def progress(rows: int) -> None:
        async with sessions.begin() as session:
            await _set(session, file_id, state=FileState.RUNNING, rows_read=rows)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        await to_thread.run_sync(path.write_bytes, content or b"")
        await progress(0)
        try:
            reading = await to_thread.run_sync(read_file, path, lambda rows: from_thread.run(progress, rows))
        except SheetFault as fault:
            async with sessions.begin() as session:
                facts = {"fault": f"sheet_{fault.code}", "fault_facts": fault.facts}
                await _set(session, file_id, state=FileState.STOPPED, ended_at=now, **facts)
            return
    async with sessions.begin() as session:
        await _end(session, file, reading, house, now)


async def follow_chains(sessions: Sessions, now: datetime) -> int:
    """Every chain judged since is known by its parties, and the reports of those who sold rough are looked at again;
    answers how many chains there were."""
    async with reading(sessions) as session:
        read = await session.scalar(select(Cursor.last_id).where(Cursor.follower == FOLLOWER)) or 0
        if await session.scalar(select(VerdictRecord.id).where(VerdictRecord.id > read).limit(1)) is None:
            return 0
    async with sessions.begin() as session:
        cursor = await cursor_of(session, FOLLOWER)
        fresh = select(VerdictRecord.id, VerdictRecord.stone).where(VerdictRecord.id > cursor.last_id)
        rows = (await session.execute(fresh.order_by(VerdictRecord.id).limit(AT_ONCE))).all()
        if not rows:
            return 0
        parties = await outcome_chains.know(session, sorted({row.stone for row in rows}))
        for contract in await _contracts_of(session, sorted(parties)):
            await outcome_cases.look_again(session, contract, now)
        cursor.last_id = rows[-1].id
        return len(rows)


async def _contracts_of(session: AsyncSession, parties: Sequence[str]) -> Sequence[SupplyContract]:
    companies = select(PartyName.company_id).where(PartyName.party.in_(parties))
    wanted = select(SupplyContract).where(SupplyContract.buyer_company_id.in_(companies))
    return (await session.scalars(wanted.order_by(SupplyContract.id))).all()


async def _end(session: AsyncSession, file: OutcomeFile, reading: Reading, house: str, now: datetime) -> None:
    if reading.wrong:
        rows = [
            {"file_id": file.id, "place": place, **fault._asdict()} for place, fault in enumerate(reading.faults, 1)
        ]
        await session.execute(insert(OutcomeFault), rows)
        facts: dict[str, Any] = {"state": FileState.FAULTY, "rows_wrong": reading.wrong}
    else:
        contract = await session.get_one(SupplyContract, file.contract_id)
        said = reading.said()
        await outcome_service.report(
            session, contract=contract, said=said, house=house, by=file.by, now=now, file_id=file.id
        )
        facts = {"state": FileState.DONE}
    await _set(session, file.id, rows_read=reading.rows, ended_at=now, **facts)


async def _set(session: AsyncSession, file_id: int, **values: Any) -> None:
    await session.execute(update(OutcomeFile).where(OutcomeFile.id == file_id).values(**values))
