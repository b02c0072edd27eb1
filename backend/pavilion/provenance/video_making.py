"""Films on order: asked for by a person, made one at a time in a process of its own, so that bidding goes on beside."""

import asyncio
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events, jobs
from pavilion.kernel.db import Sessions
from pavilion.provenance import passport_queries, video
from pavilion.provenance.models import ChainEvent
from pavilion.provenance.video_models import Film, FilmFile

JOB = "film"
MADE = "passport:film_made"
PATIENCE_S = 180


async def order(session: AsyncSession, stone: str, now: datetime) -> str | None:
    """The film of the passport that stands will be made, unless it exists; its name, or None without a passport."""
    said = await parameters_of(session, stone)
    if said is None:
        return None
    name = video.parameters_sha256(said)
    if await session.get(Film, name) is None:
        await jobs.enqueue(session, JOB, name, {"stone": stone, "parameters": said}, due_at=now)
    return name


async def parameters_of(session: AsyncSession, stone: str) -> dict[str, Any] | None:
    passport = await passport_queries.latest(session, stone)
    if passport is None:
        return None
    bodies = await session.scalars(select(ChainEvent.body).where(ChainEvent.stone == stone).order_by(ChainEvent.seq))
    return video.parameters(json.loads(passport.document), [json.loads(body) for body in bodies])


async def latest(session: AsyncSession, stone: str) -> Film | None:
    wanted = select(Film).where(Film.stone == stone).order_by(Film.made_at.desc(), Film.parameters_sha256).limit(1)
    return await session.scalar(wanted)


async def media_of(session: AsyncSession, stones: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """What passports say of their films: digest of the file that is shown, digest of what it was drawn from."""
    rows = await session.execute(
        select(Film.stone, FilmFile.sha256, Film.parameters_sha256)
        .join(FilmFile, FilmFile.parameters_sha256 == Film.parameters_sha256)
        .where(Film.stone.in_(stones), FilmFile.name == "film.mp4")
        .order_by(Film.made_at)
    )
    return {
        stone: [
            {"kind": "video-story", "lang": sorted(video.LANGUAGES), "digest": f"sha256:{digest}",
             "parameters": f"sha256:{parameters}"}
        ]
        for stone, digest, parameters in rows
    }  # fmt: skip


async def tick(sessions: Sessions, now: datetime) -> int:
    """One film is made, if one was ordered."""
    async with sessions.begin() as session:
        job = await jobs.claim(session, now, kinds=[JOB])
    if job is None:
        return 0
    try:
        files, facts = await rendered(job.payload["parameters"])
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
    events.record(session, MADE, stone, by=None, at=now, film=name)
    await session.flush()
