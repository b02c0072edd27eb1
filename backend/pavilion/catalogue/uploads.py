"""Verbs on stock files: receive one, choose a meaning, confirm what it would withdraw. Reading it is `importing`."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue.cells import suggestions
from pavilion.catalogue.headers import candidates
from pavilion.catalogue.nomenclature import key, nomenclature
from pavilion.catalogue.upload_models import FileState, Mode, StockContent, StockFile, StockMapping
from pavilion.kernel import events, jobs
from pavilion.kernel.db import inserting
from pavilion.kernel.errors import ActNotAllowed, BadInput
from pavilion.kernel.ids import ulid

JOB = "stock_import"
CHOICES_MOST = 2000
SETTINGS = ("list_pct_sign", "date_order")  # how a whole kind of column is read, whatever the word


class Chosen(NamedTuple):
    """What a word, or a header (`@headers`), means from now on; one of SETTINGS has no word."""

    column: str
    word: str
    meaning: str


class Received(NamedTuple):
    file: StockFile
    repeated: bool  # the same file was sent before: this is its answer


async def receive(
    session: AsyncSession,
    *,
    supplier_company_id: int,
    content: bytes,
    filename: str,
    mode: Mode,
    profile: str,
    dry_run: bool,
    by: str | None,
    now: datetime,
) -> Received:
    """The file is kept and its import queued; sent again with nothing chosen meanwhile, it is the same upload."""
    version, _ = await mapping_of(session, supplier_company_id)
    sha256 = hashlib.sha256(content).hexdigest()
    await session.execute(
        inserting(session, StockContent).values(sha256=sha256, content=content).on_conflict_do_nothing()
    )
    file = StockFile(
        supplier_company_id=supplier_company_id,
        sha256=sha256,
        filename=_plain_name(filename),
        mode=mode,
        profile=profile,
        dry_run=dry_run,
        sent_by=by,
    )
    return await _queued(session, file, version, now)


async def mapping_of(session: AsyncSession, supplier_company_id: int) -> tuple[int, dict[str, Any]]:
    """The supplier's choices in force and their version; 0 where nothing was ever chosen."""
    latest = select(StockMapping).where(StockMapping.supplier_company_id == supplier_company_id)
    row = await session.scalar(latest.order_by(StockMapping.version.desc()).limit(1))
    return (0, {}) if row is None else (row.version, row.choices)


async def mapping_at(session: AsyncSession, supplier_company_id: int, version: int) -> dict[str, Any]:
    wanted = select(StockMapping.choices).where(
        StockMapping.supplier_company_id == supplier_company_id, StockMapping.version == version
    )
    return await session.scalar(wanted) or {}


async def choose(
    session: AsyncSession, *, file: StockFile, column: str, word: str, meaning: str, by: str | None, now: datetime
) -> Received:
    """The meaning is kept for this supplier, and the stored file is read again with it.

    `column` is a field, or `@headers` for the meaning of a header, or `list_pct_sign` and `date_order` (no word).
    """
    return await choose_all(session, file=file, chosen=[Chosen(column, word, meaning)], by=by, now=now)


async def choose_all(
    session: AsyncSession, *, file: StockFile, chosen: Sequence[Chosen], by: str | None, now: datetime
) -> Received:
    """All these meanings are kept as one version of the supplier, and the stored file is read once more with them."""
    if not all(_possible(*one) for one in chosen):
        raise BadInput(fields={"meaning": "unknown_value"})
    version, known = await mapping_of(session, file.supplier_company_id)
    choices = _copied(known)
    for one in chosen:
        if one.column in SETTINGS:
            choices[one.column] = one.meaning
        else:
            choices.setdefault(one.column, {})[one.word] = one.meaning
    if sum(len(value) if isinstance(value, Mapping) else 1 for value in choices.values()) > CHOICES_MOST:
        raise BadInput(fields={"meaning": "too_long"})
    if choices != known:
        version = await _now_mean(session, file.supplier_company_id, version + 1, choices, by, now)
        columns = ", ".join(sorted({one.column for one in chosen}))
        events.record(session, "stock:meaning_chosen", file.public_id, by=by, at=now, column=columns, version=version)
    return await _queued(session, _again(file, dry_run=file.dry_run, by=by), version, now)


async def forget(
    session: AsyncSession, *, supplier_company_id: int, column: str, word: str, by: str | None, now: datetime
) -> None:
    """The meaning holds for no further file; what was read with it stays as it is. Forgotten twice, it is gone once."""
    version, known = await mapping_of(session, supplier_company_id)
    choices = _copied(known)
    if column in SETTINGS:
        choices.pop(column, None)
    elif column in choices:
        choices[column].pop(word, None)
    kept = {name: value for name, value in choices.items() if value}
    if kept != known:
        await _now_mean(session, supplier_company_id, version + 1, kept, by, now)


async def store(session: AsyncSession, *, file: StockFile, by: str | None, now: datetime) -> Received:
    """What was only checked is imported, with the meanings in force now, without being sent again."""
    if not file.dry_run or file.state != FileState.DONE:
        raise ActNotAllowed(state=file.state)
    version, _ = await mapping_of(session, file.supplier_company_id)
    return await _queued(session, _again(file, dry_run=False, by=by), version, now)


async def confirm(session: AsyncSession, *, file: StockFile, number: int, by: str | None, now: datetime) -> None:
    """The sender typed the number of stones that will go; the import runs on."""
    waiting = [issue for issue in file.file_issues if issue["code"] == "replace_would_withdraw_over_30_percent"]
    if file.state != FileState.WAITING or not waiting:
        raise ActNotAllowed(state=file.state)
    if number != waiting[0]["facts"]["n"]:
        raise BadInput(fields={"number": "bad_input"})
    file.state, file.confirmed = FileState.QUEUED, number
    events.record(session, "stock:replace_confirmed", file.public_id, by=by, at=now, number=number)
    await session.execute(
        update(jobs.Job)
        .where(jobs.Job.kind == JOB, jobs.Job.key == file.public_id)
        .values(state=jobs.State.DUE, due_at=now, run_until=None)
    )


async def queue_place(session: AsyncSession, file: StockFile) -> int:
    """How many uploads are ahead of this one."""
    if file.state != FileState.QUEUED:
        return 0
    ahead = select(func.count(StockFile.id)).where(
        StockFile.state.in_((FileState.QUEUED, FileState.RUNNING)), StockFile.id < file.id
    )
    return await session.scalar(ahead) or 0


async def _queued(session: AsyncSession, file: StockFile, version: int, now: datetime) -> Received:
    same = select(StockFile).where(
        StockFile.supplier_company_id == file.supplier_company_id,
        StockFile.sha256 == file.sha256,
        StockFile.mode == file.mode,
        StockFile.profile == file.profile,
        StockFile.mapping_version == version,
        StockFile.dry_run == file.dry_run,
    )
    if (earlier := await session.scalar(same)) is not None:
        return Received(earlier, True)
    file.public_id, file.mapping_version, file.state, file.queued_at = ulid(now), version, FileState.QUEUED, now
    session.add(file)
    await session.flush()
    await jobs.enqueue(session, JOB, file.public_id, {"file": file.public_id}, due_at=now)
    events.record(session, "stock:received", file.public_id, by=file.sent_by, at=now, mode=file.mode)
    return Received(file, False)


def _again(file: StockFile, *, dry_run: bool, by: str | None) -> StockFile:
    """The same file once more."""
    return StockFile(
        supplier_company_id=file.supplier_company_id,
        sha256=file.sha256,
        filename=file.filename,
        mode=file.mode,
        profile=file.profile,
        dry_run=dry_run,
        sent_by=by,
    )


def _copied(choices: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in choices.items()}


async def _now_mean(
    session: AsyncSession, company_id: int, version: int, choices: dict[str, Any], by: str | None, now: datetime
) -> int:
    mapping = StockMapping(supplier_company_id=company_id, version=version, choices=choices)
    mapping.by, mapping.at = by, now
    session.add(mapping)
    await session.flush()
    return version


def _plain_name(filename: str) -> str:
    """The last part of what the sender called the file, without anything a header or a page could trip over."""
    name = Path(filename.replace("\\", "/")).name
    return "".join(character for character in name if character.isprintable())[-200:] or "stock"


def _possible(column: str, word: str, meaning: str) -> bool:
    """Only a meaning that was offered, or a code the column knows, can be chosen."""
    table = nomenclature()
    if column == "list_pct_sign":
        return meaning in ("positive_is_discount", "positive_is_premium")
    if column == "date_order":
        return meaning in ("dmy", "mdy")
    if not word or len(word) > 200:
        return False
    if column == "@headers":
        return meaning in table.columns and (meaning in candidates(word) or not candidates(word))
    if column not in table.columns:
        return False
    return meaning in table.aliases.get(column, {}).values() or (
        meaning in suggestions(column, word) and bool(key(word))
    )
