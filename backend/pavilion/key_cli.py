"""The commands `pavilion passport-key ...`: which keys sign passports, and a new one in the place of the last."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from pavilion.exits import FALSE, stop

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from pavilion.settings import Settings

key_app = typer.Typer(no_args_is_help=True, help="The house's keys for passports.")
Folder = Annotated[Path | None, typer.Option("--data", help="The house's folder, if not the one of the settings.")]
_Found = TypeVar("_Found")


@key_app.command("list")
def listed(data: Folder = None) -> None:
    """Every key that ever signed passports, with the time it is good for."""
    from pavilion.provenance import passport_keys

    async def lines(session: "AsyncSession") -> list[str]:
        return [
            "  ".join(
                [
                    key.kid,
                    key.public,
                    f"from {key.valid_from:%Y-%m-%d}",
                    f"to {key.valid_to:%Y-%m-%d}" if key.valid_to is not None else "in use",
                    *([f"revoked {key.revoked_at:%Y-%m-%d}"] if key.revoked_at is not None else []),
                ]
            )
            for key in await passport_keys.all_keys(session)
        ]

    for line in _within(_settings(data), lines):
        typer.echo(line)


@key_app.command("rotate")
def rotate(data: Folder = None) -> None:
    """A new key signs from now on; the one before it stays good for another 30 days."""
    from pavilion.kernel.clock import utc_now
    from pavilion.provenance import passport_hands, passport_keys
    from pavilion.settings import given, renewed, with_secrets

    said = _settings(data)
    settings = said if given(said, "passport_key") or said.passport_signer else renewed(said, "passport_key")
    hand = passport_hands.of(with_secrets(settings))
    assert hand is not None  # with_secrets leaves no house without a key

    async def adopted(session: "AsyncSession") -> str | None:
        return await passport_keys.adopt(session, hand, utc_now())

    try:
        kid = _within(settings, adopted)
    except passport_hands.HandFailed as fault:
        raise stop(str(fault.facts["why"]), FALSE) from None
    if kid is None:
        raise stop("the settings name a key that signs already: give a new one first, then rotate", FALSE)
    typer.echo(f"{kid} signs from now on; the key before it stays good for {passport_keys.OVERLAP.days} days")
    typer.echo("restart web and worker within them: until then they sign with the key before")


def _settings(data: Path | None) -> "Settings":
    from pavilion.settings import Settings

    settings = Settings() if data is None else Settings(data_dir=data, database_url="")
    if not settings.database_url and not (settings.data_dir / "pavilion.db").is_file():
        raise stop(f"{settings.data_dir}: no house stands here")
    return settings


def _within(settings: "Settings", act: "Callable[[AsyncSession], Awaitable[_Found]]") -> _Found:
    """What the act answers, in one transaction."""
    import asyncio  # here: whoever only verifies loads nothing that opens sockets

    from pavilion.kernel import db

    async def run() -> _Found:
        engine = db.create_engine(settings.database)
        try:
            async with db.sessions_of(engine).begin() as session:
                return await act(session)
        finally:
            await engine.dispose()

    return asyncio.run(run())
