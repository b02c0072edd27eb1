"""The command `pavilion`. Each command imports its domain only when it runs.

Exit codes of all: 0 done or true, 1 refused or false, 2 could not be decided, 3 input or usage not readable.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pavilion import log_cli
from pavilion.conformance_cli import conformance
from pavilion.exits import DONE, FALSE, UNDECIDED
from pavilion.exits import stop as _stop
from pavilion.key_cli import key_app
from pavilion.loading import loading
from pavilion.media_cli import media_app
from pavilion.stock_cli import stock_app
from pavilion.tender_cli import custodian_app, seal
from pavilion.verify_cli import verify

if TYPE_CHECKING:
    from pavilion.settings import Settings
    from pavilion.settlement.payments.double.serving import Double

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(stock_app, name="stock")
app.add_typer(media_app, name="media")
app.add_typer(custodian_app, name="custodian")
app.command("seal")(seal)
app.command("witness")(log_cli.witness)
app.command("monitor")(log_cli.monitor)
app.command("audit")(log_cli.audit)
app.add_typer(key_app, name="passport-key")
app.command("conformance")(conformance)

# A command line that cannot be read is 3 here; 2 means "could not be decided".
typer.BadParameter.__mro__[1].exit_code = 3  # type: ignore[attr-defined]


@app.callback()
def pavilion() -> None:
    """Auction and trading house for origin-verified diamonds and coloured stones."""


# -- what anyone can check ---------------------------------------------------------------------------------------------

app.command("verify")(verify)


# -- a yearly report of warranties ------------------------------------------------------------------------------------


@app.command("verify-warranties")
def verify_warranties(
    file: Path,
    key: Annotated[list[str], typer.Option(help="Verifier key of the house's log, as printed on its page /log.")],
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Check a yearly report of warranties: signed by the house, no byte changed, its lines add up to its sums."""
    from pavilion.kernel.canon import MAX_BYTES
    from pavilion.kernel.signing import BadNote, parse_vkey
    from pavilion.provenance.warranty_issuing import NotAReport, check

    try:
        if not file.is_file() or file.stat().st_size > MAX_BYTES:
            raise _stop(f"{file}: not a file that can be read here")
        found = check(file.read_bytes(), [parse_vkey(one) for one in key])
    except BadNote as fault:
        raise _stop(f"--key: {fault}") from None
    except (OSError, NotAReport) as fault:
        typer.echo(json.dumps({"ok": False, "fact": str(fault)}) if as_json else f"refused: {fault}")
        raise typer.Exit(FALSE) from None
    if as_json:
        typer.echo(json.dumps({"ok": True} | found._asdict()))
        return
    typer.echo(f"signed: {found.company}, {found.year}, until {found.until}, sha256 {found.sha256}")
    typer.echo(f"balance: {'holds' if found.holds else 'does not hold'}; to be looked at: {found.findings}")


# -- the record of a sale ---------------------------------------------------------------------------------------------

LONGEST_RECORD = 8 * 1024**3


@app.command("verify-sale")
def verify_sale(file: Path, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Replay the record of a finished sale: `ok`, or the first line that was altered or breaks a rule."""
    from pavilion.bidding.opened import Failed
    from pavilion.bidding.replaying import Undecided
    from pavilion.bidding.verifying import NotARecord, verify

    try:
        if not file.is_file() or file.stat().st_size > LONGEST_RECORD:
            raise _stop(f"{file}: not a file that can be read here")
        verdict = verify(lambda: _raw_lines(file))
    except (OSError, NotARecord) as fault:
        raise _stop(f"{file}: not a record: {fault}") from None
    except Undecided as fault:
        raise _stop(f"undecided: {fault}", UNDECIDED) from None
    except Failed as fault:
        facts = {"ok": False, "line": fault.line, "n": fault.n, "rule": fault.rule, "fact": fault.fact}
        typer.echo(json.dumps(facts) if as_json else str(fault))
        raise typer.Exit(FALSE) from None
    if as_json:
        typer.echo(json.dumps({"ok": True} | asdict(verdict)))
        return
    typer.echo(f"signed by: {' '.join(verdict.keys)}")
    typer.echo(f"replayed: {verdict.lots} of {verdict.lots + len(verdict.hidden_lots)} lots")
    if verdict.hidden:  # lots that came after the publication are named nowhere
        why = "passed and may still be sold by hand, or of a stone whose origin is not confirmed"
        names = " ".join(verdict.hidden_lots) or "none that was published"
        typer.echo(f"hidden: {verdict.hidden} events of lots not shown now ({why}): {names}")
    typer.echo("not in a record: bids never delivered, identities, limits, viewings, eligibility, edge stamps")
    typer.echo(f"ok: {verdict.events} events, root {verdict.root}")


def _raw_lines(file: Path) -> Iterator[bytes]:
    """Each line with its newline; a line too long to be one comes in pieces."""
    with file.open("rb") as open_file:
        while line := open_file.readline(1024 * 1024 + 2):
            yield line


@app.command("export-sale")
def export_sale(
    sale: Annotated[str, typer.Argument(help="The id of the sale: the last part of its address /sales/ID.")],
    out: Annotated[Path, typer.Option(help="The file that is written.")],
    data: Annotated[Path | None, typer.Option(help="The folder of the house; without it, its settings.")] = None,
) -> None:
    """Write the public record of a closed sale."""
    import asyncio

    from sqlalchemy.exc import SQLAlchemyError

    from pavilion.bidding.exporting import record_of
    from pavilion.kernel import db
    from pavilion.kernel.clock import utc_now
    from pavilion.kernel.signing import SigningKey
    from pavilion.settings import Settings, with_secrets

    settings = Settings() if data is None else Settings(data_dir=data, database_url="")
    if not settings.database_url and not (settings.data_dir / "pavilion.db").is_file():
        raise _stop(f"{settings.data_dir}: no house stands here")
    if not settings.sale_key.get_secret_value() and not (settings.data_dir / "keys.json").is_file():
        raise _stop("the key that signed the sale is not here: set PAVILION_SALE_KEY")
    seed = bytes.fromhex(with_secrets(settings).sale_key.get_secret_value())
    verifier = str(SigningKey(settings.host_name, seed).verifier)

    async def lines() -> list[bytes] | None:
        engine = db.create_engine(settings.database)
        try:
            async with db.reading(db.sessions_of(engine)) as session:
                found = await record_of(session, sale, verifier, utc_now())
                return None if found is None else list(found)
        finally:
            await engine.dispose()

    try:
        record = asyncio.run(lines())
        if record is None:
            raise _stop(f"{sale}: no closed sale has this id", FALSE)
        out.write_bytes(b"".join(record))
    except (OSError, SQLAlchemyError) as fault:
        raise _stop(f"{type(fault).__name__}: {fault}") from None
    typer.echo(f"{len(record)} lines in {out}")


# -- processes --------------------------------------------------------------------------------------------------------


@app.command()
def demo(
    port: int = 8080,
    data: Path = Path(".data/demo"),
    reset: Annotated[bool, typer.Option("--reset", help="Start afresh.")] = False,
    rivals: Annotated[bool, typer.Option("--rivals/--no-rivals", help="Simulated rival bidders.")] = True,
) -> None:
    """The demonstration house, everything in one process on one port."""
    with loading():
        from pavilion import serving
    from pavilion.settings import Environment
    from pavilion.webkit import log

    settings = serving.settings_for(port, data, Environment.DEMO)
    log.set_up("demo", "WARNING")
    _starting(lambda: serving.demo(settings, reset=reset, rivals=rivals, told=_say))


@app.command()
def serve(port: int = 8080, data: Path = Path(".data/house")) -> None:
    """Everything in one process, without demonstration data."""
    with loading():
        from pavilion import serving
    from pavilion.settings import Environment
    from pavilion.webkit import log

    settings = serving.settings_for(port, data, Environment.PRODUCTION)
    log.set_up("serve", settings.log_level)
    _starting(lambda: serving.serve(settings))


@app.command()
def web(listen: str | None = None) -> None:
    """Pages, API and sockets of a house in several processes."""
    with loading():
        from pavilion import serving

    _process("web", serving.web, listen)


@app.command()
def edge(listen: str | None = None) -> None:
    """Sockets of the rooms and what programs ask in their place, beside web processes of the same house."""
    with loading():
        from pavilion import serving

    _process("edge", serving.edge, listen)


@app.command()
def engine() -> None:
    """The bid writer of a house in several processes; a second one stands by."""
    with loading():
        from pavilion import serving

    _process("engine", serving.engine)


@app.command()
def worker() -> None:
    """The worker alone: stock files, verdicts, bills and papers."""
    with loading():
        from pavilion import serving

    _process("worker", serving.work)


@app.command()
def simulators(
    port: Annotated[int, typer.Option(help="Of loopback; 0 takes any free one.")] = 8090,
    data: Annotated[Path, typer.Option(help="The folder of signed files they speak for.")] = Path(".data/registry"),
) -> None:
    """All registries of an invented world on one port, labelled as simulated; they go wrong on order."""
    import asyncio

    from pavilion.provenance.registries.simulators import serve as answer

    try:
        asyncio.run(answer(data, port, lambda address: _say(f"ready: {address}")))
    except OSError as fault:
        raise _stop(f"port {port}: {fault.strerror or fault}", FALSE) from None
    except KeyboardInterrupt:
        raise typer.Exit(DONE) from None


@app.command("stripe-double")
def stripe_double(
    port: Annotated[int, typer.Option(help="Of loopback; 0 takes any free one.")] = 8092,
    data: Annotated[Path, typer.Option(help="The folder in which it remembers.")] = Path(".data/stripe-double"),
    webhook: Annotated[str, typer.Option(help="The house's address for its calls, on this machine.")] = "",
) -> None:
    """A payment provider of an invented world, labelled as simulated; it goes wrong on order."""
    import asyncio

    from pavilion.settlement.payments.double.serving import serve as answer

    def told(double: "Double") -> None:
        _say(f"key: {double.key}\nsecret: {double.secret}\nready: {double.url}")

    try:
        asyncio.run(answer(data, port, told, webhook))
    except OSError as fault:
        raise _stop(f"port {port}: {fault.strerror or fault}", FALSE) from None


@app.command()
def migrate() -> None:
    """Bring the database's schema to this version's."""
    with loading():
        from pavilion import serving
    from pavilion.settings import Settings

    before, after = serving.migrate(Settings())
    typer.echo(f"schema: {before or 'none'} -> {after}")


@app.command()
def offices(
    file: Annotated[Path, typer.Argument(help="A list of offices as JSON; docs/viewings.md says what it holds.")],
    data: Annotated[Path | None, typer.Option(help="The folder of the house; without it, its settings.")] = None,
) -> None:
    """Lay out the offices where stones are shown: rooms, desks, first hours and staff. Said again, they are changed."""
    with loading():
        from pavilion import serving
    from pavilion.settings import Settings

    settings = Settings() if data is None else Settings(data_dir=data)
    try:
        content = file.read_bytes()
    except OSError as fault:
        raise _stop(f"{file}: {fault.strerror}") from None
    _starting(lambda: _say("\n".join(serving.lay_out_offices(settings, content))))


admin_app = typer.Typer(no_args_is_help=True, help="Who runs the house.")
app.add_typer(admin_app, name="admin")


@admin_app.command("create")
def admin_create(email: str, data: Path | None = None) -> None:
    """The first administrator, with a password that is shown once."""
    with loading():
        from pavilion import serving
    from pavilion.settings import Settings

    settings = Settings() if data is None else Settings(data_dir=data)
    _starting(lambda: _say(f"password: {serving.first_admin(settings, email)}"))


@admin_app.callback()
def admin() -> None:
    """Who runs the house."""


def _process(name: str, run: "Callable[[Settings], None]", listen: str | None = None) -> None:
    from pavilion.settings import Settings
    from pavilion.webkit import log

    settings = Settings() if listen is None else Settings(listen=listen)
    log.set_up(name, settings.log_level)
    _starting(lambda: run(settings))


def _say(line: str) -> None:
    typer.echo(line)
    sys.stdout.flush()


def _starting(run: Callable[[], None]) -> None:
    from pavilion.serving import CannotStart

    try:
        run()
    except CannotStart as reason:
        raise _stop(str(reason), FALSE) from None
    except KeyboardInterrupt:
        raise typer.Exit(DONE) from None
