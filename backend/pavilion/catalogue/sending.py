"""A stock file handed in by an operator at the house itself: imported at once, answered to a file or the terminal."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from anyio import to_thread
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.rules import CompanyState
from pavilion.catalogue import importing, uploads
from pavilion.catalogue import upload_queries as queries
from pavilion.catalogue.checking import fill
from pavilion.catalogue.issue_words import Say
from pavilion.catalogue.upload_models import FileState, Mode, StockFile
from pavilion.kernel.clock import Clock
from pavilion.kernel.db import Sessions
from pavilion.kernel.sheet import LIMITS, MEGABYTE, write_csv
from pavilion.provenance.log import LogSigner
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.port import Registry

MODES = tuple(mode.value for mode in Mode)
NOWHERE = "ZZ"  # the country of a company admitted by its name alone

Told = Callable[[str], None]


class Order(NamedTuple):
    file: Path
    supplier: str
    mode: str
    profile: str
    dry_run: bool
    confirm: int | None
    json: str  # a file, "-" for standard output, or nowhere
    fix: Path | None


class House(NamedTuple):
    """Where the file goes: the house's database, whom it asks about origins, and who signs its log."""

    sessions: Sessions
    registry: Registry | Registries
    log: LogSigner | None
    clock: Clock


async def carry_out(house: House, order: Order, say: Say, told: Told) -> bool:
    """The file is imported and answered; false when a file-level code stopped it."""
    sessions, clock = house.sessions, house.clock
    size = order.file.stat().st_size
    if size > LIMITS.file_bytes:
        facts = {"limit": f"{LIMITS.file_bytes // MEGABYTE} MB"}
        issue = {"code": "too_large", "facts": facts}
        told(f"too_large: {fill('too_large', facts, 'en')}")
        await _write_answer(order, {"state": FileState.STOPPED.value, "file_issues": [queries.file_issue(issue)]}, [])
        return False
    public_id = await _received(sessions, order, clock)
    await _run(house, order, public_id, told)
    async with sessions() as session:
        file = await queries.file_by_id(session, public_id)
        assert file is not None
        for told_of in file.file_issues:
            told(f"{told_of['code']}: {fill(told_of['code'], told_of['facts'], 'en')}")
        answer = await queries.answer_of(session, file)
        told(
            ", ".join(f"{count} {outcome}" for outcome, count in sorted(file.counts.items())) or f"state: {file.state}"
        )
        with _opened(order) as out:
            if out is not None:
                await _answer_with_rows(session, file, answer, say, out)
        if order.fix is not None and file.state != FileState.STOPPED:
            faults = await queries.faults_of(session, file, "en", say)
            await to_thread.run_sync(_write_fix, order.fix, await queries.content_of(session, file), faults)
    return file.state == FileState.DONE


async def _received(sessions: Sessions, order: Order, clock: Clock) -> str:
    content = await to_thread.run_sync(order.file.read_bytes)
    async with sessions.begin() as session:
        now = clock()
        company = await queries.company_of(session, order.supplier)
        if company is None:
            company = await accounts.open_company(session, name=order.supplier[:160], country=NOWHERE, now=now)
            await accounts.set_company_state(
                session,
                company=company,
                state=CompanyState.APPROVED,
                by=None,
                reason="admitted with its stock",
                now=now,
            )
        received = await uploads.receive(
            session,
            supplier_company_id=company.id,
            content=content,
            filename=order.file.name,
            mode=Mode(order.mode),
            profile=order.profile,
            dry_run=order.dry_run,
            by=None,
            now=now,
        )
        return received.file.public_id


async def _run(house: House, order: Order, public_id: str, told: Told) -> None:
    sessions, clock = house.sessions, house.clock

    def progress(file: StockFile) -> None:
        if not file.ended:
            told(f"{file.done:,} of {file.received:,} rows")

    await importing.run_file(sessions, house.registry, public_id, clock, log=house.log, told=progress)
    if order.confirm is None:
        return
    async with sessions.begin() as session:
        file = await queries.file_by_id(session, public_id)
        if file is None or file.state != FileState.WAITING:
            return
        await uploads.confirm(session, file=file, number=order.confirm, by=None, now=clock())
    await importing.run_file(sessions, house.registry, public_id, clock, log=house.log, told=progress)


async def _answer_with_rows(
    session: AsyncSession, file: StockFile, answer: dict[str, Any], say: Say, out: TextIO
) -> None:
    """The job's answer and its rows as one document, written page by page."""
    out.write(json.dumps(answer, ensure_ascii=False)[:-1] + ', "rows": [')
    after: int | None = 0
    first = True
    while after is not None:
        rows, after = await queries.rows_of(session, file, after=after, limit=1000)
        waits = await queries.next_tries(session, rows)
        for row in rows:
            out.write(("\n" if first else ",\n") + json.dumps(queries.row_answer(row, say, waits), ensure_ascii=False))
            first = False
        session.expunge_all()
    out.write("\n]}\n")


async def _write_answer(order: Order, answer: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    with _opened(order) as out:
        if out is not None:
            out.write(json.dumps({**answer, "rows": rows}, ensure_ascii=False) + "\n")


@contextmanager
def _opened(order: Order) -> Iterator[TextIO | None]:
    if not order.json:
        yield None
    elif order.json == "-":
        yield sys.stdout
    else:
        with Path(order.json).open("w", encoding="utf-8") as out:
            yield out


def _write_fix(fix: Path, content: bytes, faults: dict[int, str]) -> None:
    with tempfile.TemporaryDirectory() as folder, fix.open("wb") as out:
        path = Path(folder) / "stock"
        path.write_bytes(content)
        for piece in write_csv(queries.fix_rows(path, faults), queries.delimiter_of(path)):
            out.write(piece)
