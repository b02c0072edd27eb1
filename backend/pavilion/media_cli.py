"""The command `pavilion media import`. It imports what it needs only when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from pavilion.exits import FALSE, stop

media_app = typer.Typer(no_args_is_help=True, help="Pictures of stones: import.")


@media_app.callback()
def media() -> None:
    """Pictures of stones."""


@media_app.command("import")
def media_import(
    path: Path,
    url: Annotated[str, typer.Option(help="The house to which the files are sent.")],
    key: Annotated[str, typer.Option(envvar="PAVILION_KEY", help="Of the company there, for stock:write.")],
) -> None:
    """Send the folder, archive or file PATH to the house at URL; begun again, it goes on where it was cut."""
    import asyncio
    import zipfile

    from pavilion import media_sending
    from pavilion.partner import Away, Refused

    if not path.exists():
        raise stop(f"{path}: no such file or folder")
    try:
        done = asyncio.run(media_sending.send(url, key, path, lambda line: typer.echo(line, err=True)))
    except (Refused, Away, OSError, ValueError, zipfile.BadZipFile) as fault:
        raise stop(f"{url}: {fault}", FALSE) from None
    typer.echo(f"{done.sent} sent, {done.known} had arrived")
