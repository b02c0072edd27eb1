"""The commands `pavilion stock`: check, import, generate. Each imports its domain only when it runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pavilion.exits import DONE, FALSE, stop

if TYPE_CHECKING:
    from pavilion.catalogue.sending import Order

stock_app = typer.Typer(no_args_is_help=True, help="Stock files: check, import, generate.")


@stock_app.command("check")
def stock_check(file: Path, profile: str = "none") -> None:
    """Read FILE row by row up to the duplicates and print one JSON line per row; nothing is stored."""
    from pavilion.catalogue import checking

    _known_profile(profile)
    if not file.is_file():
        raise stop(f"{file}: no such file")
    try:
        for row in checking.open_stock(file, profile=profile).checked():
            typer.echo(checking.line_of(row))
    except checking.Stopped as stopped:
        raise stop("\n".join(checking.sentence(issue, "en") for issue in stopped.issues), FALSE) from None


@stock_app.command("import")
def stock_import(
    file: Path,
    supplier: Annotated[str, typer.Option(help="Public id or name of the company; an unknown name is admitted.")],
    profile: str = "none",
    mode: str = "add",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Answer every row, store nothing.")] = False,
    registry: Annotated[Path | None, typer.Option(help="Signed event files of the registry simulator.")] = None,
    as_json: Annotated[str, typer.Option("--json", help="Where the answer goes; - is standard output.")] = "",
    fix: Annotated[Path | None, typer.Option(help="The refused rows, to mend and send again.")] = None,
    confirm: Annotated[int | None, typer.Option(help="How many stones a replacing file may withdraw.")] = None,
    data: Annotated[Path | None, typer.Option(help="The folder of the house; without it, its settings.")] = None,
    url: Annotated[str, typer.Option(help="A house elsewhere, to which the file is sent over its interface.")] = "",
    key: Annotated[str, typer.Option(envvar="PAVILION_KEY", help="Of the company there, for stock:write.")] = "",
) -> None:
    """Import FILE with origin check into the house in DATA or at URL, and tell what became of every row."""
    import asyncio
    import gc

    from sqlalchemy.exc import SQLAlchemyError

    from pavilion import serving
    from pavilion.catalogue.sending import MODES, House, Order, carry_out
    from pavilion.provenance import log_wiring
    from pavilion.provenance.registries.connecting import connect
    from pavilion.provenance.registries.file import RegistryUnreadable
    from pavilion.settings import Settings, with_secrets

    _known_profile(profile)
    if mode not in MODES:
        raise stop(f"unknown mode {mode!r}; known: {' '.join(MODES)}")
    if not file.is_file():
        raise stop(f"{file}: no such file")
    order = Order(file, supplier, mode, profile, dry_run, confirm, as_json, fix)
    if url:
        _sent_over(url, key, order)
    settings = Settings() if data is None else Settings(data_dir=data, database_url="")
    if registry is not None:
        settings = settings.model_copy(update={"registries": registry})
    gc.set_threshold(100_000, 20, 100)  # this process makes millions of small values and hardly a ring of them

    async def run() -> bool:
        from pavilion.kernel import db
        from pavilion.kernel.clock import utc_now
        from pavilion.webkit.html import Pages
        from pavilion.webkit.static import frontend

        engine = await serving.ready(settings)
        tongues = Pages(frontend()).tongues

        def say(lang: str, code: str, facts: Mapping[str, Any]) -> str:
            return tongues["zh" if lang == "zh" else "en"].say(code, **facts)

        try:
            signer = log_wiring.signer_of(with_secrets(settings))
            house = House(db.sessions_of(engine), connect(settings), signer, utc_now)
            return await carry_out(house, order, say, lambda line: typer.echo(line, err=True))
        finally:
            await engine.dispose()

    try:
        if settings.database_url:
            done = asyncio.run(run())
        else:
            with serving.held(settings):
                done = asyncio.run(run())
    except serving.CannotStart as reason:
        raise stop(str(reason), FALSE) from None
    except RegistryUnreadable as fault:
        raise stop(f"{registry}: not a registry ({fault.facts})") from None
    except (OSError, SQLAlchemyError) as fault:
        raise stop(f"{type(fault).__name__}: {fault}") from None
    raise typer.Exit(DONE if done else FALSE)


@stock_app.command("generate")
def stock_generate(
    diamonds: Path,
    out: Annotated[Path, typer.Option(help="Folder that is written.")],
    rows: int | None = None,
    seed: int = 1,
    broken_bp: int = 500,
) -> None:
    """Make a stock file, its signed registry and the answers to expect from a table of real stones."""
    from pavilion.catalogue.generating import generate

    if not 0 <= broken_bp <= 10_000 or (rows is not None and rows < 1):
        raise stop("--broken-bp is 0 to 10000, --rows at least 1")
    try:
        made = generate(diamonds, out, rows=rows, seed=seed, broken_bp=broken_bp)
    except (OSError, UnicodeError, ValueError) as fault:
        raise stop(f"{diamonds}: {fault}") from None
    typer.echo(f"{made.rows} rows, {made.broken} broken on purpose, {made.registered} chains in {out}")


def _sent_over(url: str, key: str, order: "Order") -> NoReturn:
    """The file goes to a house elsewhere; ends the command as an import at home does."""
    import asyncio

    from pavilion import stock_sending
    from pavilion.partner import Away, Refused

    if not key:
        raise stop("--key or PAVILION_KEY is needed with --url")
    try:
        done = asyncio.run(stock_sending.send(url, key, order, lambda line: typer.echo(line, err=True)))
    except (Refused, Away, OSError, ValueError) as fault:
        raise stop(f"{url}: {fault}", FALSE) from None
    raise typer.Exit(DONE if done else FALSE)


def _known_profile(profile: str) -> None:
    from pavilion.catalogue.checking import PROFILES

    if profile not in PROFILES:
        raise stop(f"unknown profile {profile!r}; known: {' '.join(PROFILES)}")
