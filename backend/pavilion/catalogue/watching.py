"""A folder that the house watches: a stock file that is put there is taken in as if it had been sent.

Each company has `FOLDER/<its public id>/in`, made by who runs the house; a file straight in it adds, one in a folder
within it named `update` or `replace` does that, and `add-rapnet` is written for that list. A file is taken once it has
not grown for a while, and goes to `done` beside a receipt with the address of its answers, or to `refused` beside the
reason. The database is told first and the file moved after: a process that dies between takes the same upload again.
"""

import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from anyio import to_thread
from sqlalchemy import select

from pavilion.accounts.models import Company
from pavilion.accounts.rules import CompanyState
from pavilion.catalogue import uploads
from pavilion.catalogue.checking import PROFILES
from pavilion.catalogue.upload_models import Mode
from pavilion.kernel.db import Sessions
from pavilion.kernel.instants import stamp
from pavilion.kernel.sheet import LIMITS

RESTS = timedelta(seconds=5)  # a file that has not changed for so long is whole
AT_ONCE = 20  # files taken in one look
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload", "~")


Say = Callable[[str, str], str]  # language, code -> sentence


class Found(NamedTuple):
    path: Path
    company: str  # public id
    says: str  # the name of the folder within `in`, empty for none


async def tick(sessions: Sessions, folder: Path, public_url: str, say: Say, now: datetime) -> int:
    """How many files were taken in or refused. The folder need not be there yet."""
    found = (await to_thread.run_sync(waiting, folder, now))[:AT_ONCE]
    for one in found:
        told = await _taken(sessions, one, public_url.rstrip("/"), now)
        if isinstance(code := told.get("code"), str):
            told |= {f"message_{lang}": say(lang, code) for lang in ("en", "zh")}
        await to_thread.run_sync(_move, folder, one, told | {"at": stamp(now), "file": one.path.name})
    return len(found)


async def _taken(sessions: Sessions, found: Found, house: str, now: datetime) -> dict[str, object]:
    """What the receipt says: which upload the file is, or the code of why it is none."""
    mode, _, profile = (found.says or Mode.ADD.value).partition("-")
    if mode not in set(Mode) or (profile or "none") not in PROFILES:
        return {"code": "bad_folder"}
    content = await to_thread.run_sync(_read, found.path)
    if isinstance(content, str):
        return {"code": content}
    async with sessions.begin() as session:
        company = await session.scalar(select(Company).where(Company.public_id == found.company))
        if company is None or company.state != CompanyState.APPROVED:
            return {"code": "company_not_approved"}
        sent = await uploads.receive(
            session,
            supplier_company_id=company.id,
            content=content,
            filename=found.path.name,
            mode=Mode(mode),
            profile=profile or "none",
            dry_run=False,
            by=None,
            now=now,
        )
        name = sent.file.public_id
    return {"id": name, "again": sent.repeated, "answers": f"{house}/stock/imports/{name}"}


def waiting(folder: Path, now: datetime) -> list[Found]:
    """The files that are whole, the oldest first; links and what begins with a dot are let be."""
    found = []
    for company in _folders(folder):
        for place in (company / "in", *_folders(company / "in")):
            says = "" if place.name == "in" else place.name
            for entry in _entries(place):
                going = entry.name.startswith(".") or entry.name.endswith(UNFINISHED)
                if going or not entry.is_file(follow_symlinks=False):
                    continue
                changed = entry.stat(follow_symlinks=False).st_mtime
                if changed <= (now - RESTS).timestamp():
                    found.append((changed, Found(Path(entry.path), company.name, says)))
    return [one for _, one in sorted(found)]


def _folders(folder: Path) -> Iterator[Path]:
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield Path(entry.path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def _read(path: Path) -> bytes | str:
    """The file, or the code of why not; what became a link meanwhile is not followed."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return "file_unreadable"
    with os.fdopen(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return "file_unreadable"
        content = file.read(LIMITS.file_bytes + 1)
    if len(content) > LIMITS.file_bytes:
        return "too_large"
    return content or "file_empty"


def _move(folder: Path, found: Found, told: dict[str, object]) -> None:
    """The receipt first, whole or not at all; then the file, unless its sender took it back meanwhile."""
    target = folder / found.company / ("done" if "id" in told else "refused")
    target.mkdir(exist_ok=True)
    kept = target / f"{told.get('id') or str(told['at']).replace(':', '')}-{found.path.name}"
    draft = target / f".{kept.name}.part"
    draft.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    draft.replace(target / f"{kept.name}.json")
    with suppress(FileNotFoundError):
        found.path.replace(kept)
