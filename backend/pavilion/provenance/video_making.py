"""Films on order: asked for by a person, made one at a time in a process of its own, so that bidding goes on beside."""

import asyncio
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events, jobs
from pavilion.kernel.db import Sessions
from pavilion.kernel.errors import Refusal
from pavilion.kernel.jobs import Job, State
from pavilion.provenance import passport_sources, video
from pavilion.provenance.issuing import CONTENT_CHANGED
from pavilion.provenance.video_models import Film, FilmFile

JOB = "film"
ORDERED = "passport:film_ordered"
PATIENCE_S = 180

Render = Callable[[Mapping[str, Any]], Awaitable[tuple[dict[str, bytes], dict[str, Any]]]]


class NoPassport(Refusal):
    """A film tells what a passport tells; without one there is nothing to tell."""

    status, code = 409, "no_passport"


async def order(session: AsyncSession, stone: str, house: str, *, by: str | None, now: datetime) -> str:
    """The film of what is known of the stone now will be made, unless it exists; its name. `house` is the address that
    its code leads to."""
    found = await passport_sources.read(session, [stone])
    if not found or found[0].known is None or found[0].content is None or found[0].last_n == 0:
        raise NoPassport(stone=stone)
    content, steps = found[0].content, [step.body for step in found[0].known.steps]
    said = video.parameters(stone, content, f"{house}/id/stone/{stone}", steps)
    name = video.parameters_sha256(said)
    if await session.get(Film, name) is None:
        await jobs.enqueue(session, JOB, name, {"stone": stone, "parameters": said}, due_at=now)
        events.record(session, ORDERED, stone, by=by, at=now, film=name)
    return name


async def again(session: AsyncSession, stone: str, *, by: str | None, now: datetime) -> None:
    """A stone that had a film gets one of what is said of it now; who never asked for one gets none."""
    last = await session.scalar(select(Film).where(Film.stone == stone).order_by(Film.made_at.desc()).limit(1))
    if last is not None:
        house, _, _ = str(last.parameters["proof"]["address"]).partition("/id/stone/")
        await order(session, stone, house, by=by, now=now)


async def is_coming(session: AsyncSession, stone: str) -> bool:
    """Whether a film of this stone is ordered and not made."""
    waiting = select(Job.payload).where(Job.kind == JOB, Job.state.in_((State.DUE, State.RUNNING)))
    return any(payload["stone"] == stone for payload in await session.scalars(waiting))


async def file(session: AsyncSession, name: str, file: str) -> FilmFile | None:
    return await session.get(FilmFile, (name, file))


async def tick(sessions: Sessions, now: datetime, render: Render | None = None) -> int:
    """One film is made, if one was ordered."""
    job = await jobs.taken(sessions, now, kinds=[JOB])
    if job is None:
        return 0
    try:
        files, facts = await (render or rendered)(job.payload["parameters"])
    except (RuntimeError, OSError, TimeoutError) as fault:
        async with sessions.begin() as session:
            await jobs.failed(session, job.id, f"{type(fault).__name__}: {fault}", now)
        return 1
    async with sessions.begin() as session:
        await _keep(session, job.key, job.payload, files, facts, now)
        await jobs.done(session, job.id)
    return 1


async def rendered(said: Mapping[str, Any]) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of the film, and its frames' count and hash. A cancelled wait ends the process too."""
    with tempfile.TemporaryDirectory(prefix="film") as folder:
        place = Path(folder)
        (place / "parameters.json").write_bytes(video.parameters_bytes(said))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pavilion.provenance.video_process", folder),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"SVT_LOG": "1"},
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                _, told = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise RuntimeError(told.decode(errors="replace")[-500:])
        facts = json.loads((place / "facts.json").read_bytes())
        return {name: (place / name).read_bytes() for name in facts.pop("names")}, facts


async def _keep(
    session: AsyncSession,
    name: str,
    payload: Mapping[str, Any],
    files: Mapping[str, bytes],
    facts: Mapping[str, Any],
    now: datetime,
) -> None:
    if await session.get(Film, name) is not None:
        return
    stone = payload["stone"]
    session.add(Film(parameters_sha256=name, stone=stone, parameters=payload["parameters"], made_at=now, **facts))
    await session.flush()
    for file, content in files.items():
        digest = hashlib.sha256(content).hexdigest()
        session.add(FilmFile(parameters_sha256=name, name=file, sha256=digest, content=content))
    events.record(session, CONTENT_CHANGED, stone, by=None, at=now, film=name)
    await session.flush()
