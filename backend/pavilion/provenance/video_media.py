"""What a passport says of the film of its stone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.provenance import passport, video
from pavilion.provenance.passport_facts import Known
from pavilion.provenance.video_models import Film, FilmFile


async def with_films(session: AsyncSession, known: Mapping[str, Known]) -> dict[str, Known]:
    """The same, each with its film where there is one that tells exactly this; a film of former facts is left out."""
    rows = await session.execute(
        select(Film, FilmFile.sha256)
        .join(FilmFile, FilmFile.parameters_sha256 == Film.parameters_sha256)
        .where(Film.stone.in_(known), FilmFile.name == "film.mp4")
        .order_by(Film.made_at)
    )
    found = dict(known)
    for film, digest in rows:
        of_stone = known[film.stone]
        if _tells(film, of_stone):
            found[film.stone] = replace(of_stone, media=[_medium(film, digest)])
    return found


def _tells(film: Film, known: Known) -> bool:
    address = film.parameters["proof"]["address"]
    said = video.parameters(film.stone, passport.content_of(known), address, [step.body for step in known.steps])
    return video.parameters_sha256(said) == film.parameters_sha256


def _medium(film: Film, digest: str) -> dict[str, Any]:
    return {
        "kind": "video-story",
        "lang": sorted(video.LANGUAGES),
        "digest": f"sha256:{digest}",
        "parameters": f"sha256:{film.parameters_sha256}",
    }
