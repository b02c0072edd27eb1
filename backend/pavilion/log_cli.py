"""Commands for those who watch a log: a witness and a monitor, neither of which needs a house, its settings or a
database; and the house's own audit of its rows."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pavilion.exits import DONE, FALSE, UNDECIDED, stop

if TYPE_CHECKING:
    import httpx2

    from pavilion.provenance.monitoring import Alarm, Look

MOST_BYTES = 32 * 1024 * 1024
PATIENCE_S = 10.0


def witness(
    name: Annotated[str, typer.Option(help="The witness's name, as it stands in its key.")],
    key: Annotated[Path, typer.Option(help="File with the seed of its key: 64 hex digits.")],
    state: Annotated[Path | None, typer.Option(help="File in which the last checkpoint of each log is kept.")] = None,
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0 takes any free one.")] = "127.0.0.1:8081",
    origin: Annotated[list[str] | None, typer.Option(help="Verifier key of a log that is watched; repeatable.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Make the key if there is none, print it, and end.")] = False,
) -> None:
    """Cosign checkpoints of logs that continue what was cosigned before."""
    import asyncio
    from functools import partial

    from pavilion.kernel.clock import utc_now
    from pavilion.kernel.signing import BadNote, parse_vkey
    from pavilion.provenance import witness as witnesses
    from pavilion.provenance import witness_serving

    try:
        signer = witnesses.new_key(key, name) if new else witnesses.read_key(key, name)
        if new:
            typer.echo(str(signer.verifier))
            return
        if state is None or not origin:
            raise stop("a witness needs --state and at least one --origin")
        logs = [parse_vkey(text) for text in origin]
        host, _, port = listen.rpartition(":")
        if not port.isdigit() or not host:
            raise stop(f"{listen}: not HOST:PORT")
        with witnesses.alone(state):
            one = witnesses.Witness(signer, logs, state, utc_now)
            told = partial(_ready, str(signer.verifier))
            asyncio.run(witness_serving.serve(one, host, int(port), told))
    except BadNote as fault:
        raise stop(f"--origin: {fault}") from None
    except (witnesses.BadKey, witnesses.BadState, OSError) as fault:
        raise stop(str(fault), FALSE) from None
    except KeyboardInterrupt:
        raise typer.Exit(DONE) from None


def _ready(verifier: str, address: str) -> None:
    typer.echo(f"witness: {verifier}")
    typer.echo(f"ready: {address}")
    sys.stdout.flush()


def monitor(
    address: Annotated[str, typer.Argument(help="The log's address, such as https://HOST/log")],
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    state: Annotated[Path | None, typer.Option(help="File that remembers the last look.")] = None,
    issuer: Annotated[str, typer.Option(help="List the entries made in this DID's name.")] = "",
    policy: Annotated[Path | None, typer.Option(help="Whose keys count; without it, what the log says first.")] = None,
    every: Annotated[int, typer.Option(min=1, max=3600, help="Seconds between looks.")] = 30,
) -> None:
    """Follow a log: 0 all is well, 1 it contradicts itself or its witnesses, 2 nothing can be said, 3 usage."""
    import time

    import httpx2

    from pavilion.kernel.clock import utc_now
    from pavilion.provenance import monitoring
    from pavilion.provenance.monitoring import Alarm, Unknown

    if not address.startswith(("https://", "http://")):
        raise stop(f"{address}: not an address")
    try:
        memory = monitoring.Memory() if state is None else monitoring.read_memory(state)
        if policy is not None:
            memory = monitoring.pinned(memory, policy.read_text("utf-8"))
    except (OSError, ValueError) as fault:
        raise stop(str(fault)) from None
    with httpx2.Client(timeout=PATIENCE_S, follow_redirects=False) as client:
        fetch, begun = _fetching(client), utc_now()
        while True:
            now = utc_now()
            try:
                found = monitoring.look(address, memory, fetch, now)
                memory = found.memory
                if state is not None:
                    monitoring.write_memory(state, memory)
                _tell(found, issuer)
            except Alarm as alarm:
                _alarm(alarm)
            except (Unknown, OSError) as fault:
                if once:
                    raise stop(f"nothing can be said: {fault}", UNDECIDED) from None
                typer.echo(f"no answer: {fault}", err=True)
                try:
                    monitoring.check_alive(memory, begun, now)
                except Alarm as alarm:
                    _alarm(alarm)
            if once:
                return
            try:
                time.sleep(every)
            except KeyboardInterrupt:
                raise typer.Exit(DONE) from None


def audit(
    data: Annotated[Path | None, typer.Option(help="The folder of the house; without it, its settings.")] = None,
) -> None:
    """The nightly proofs at once: the whole log from its entries against all that was signed, and the ledger."""
    import asyncio

    from sqlalchemy.exc import SQLAlchemyError

    from pavilion.kernel import db
    from pavilion.provenance import log_audit
    from pavilion.settings import Settings
    from pavilion.settlement import proving

    settings = Settings() if data is None else Settings(data_dir=data, database_url="")
    if not settings.database_url and not (settings.data_dir / "pavilion.db").is_file():
        raise stop(f"{settings.data_dir}: no house stands here")

    async def proved() -> tuple[log_audit.Audit, list[proving.Fault]]:
        engine = db.create_engine(settings.database)
        try:
            async with db.reading(db.sessions_of(engine)) as session:
                return await log_audit.audit(session), await proving.faults(session)
        finally:
            await engine.dispose()

    try:
        found, books = asyncio.run(proved())
    except (SQLAlchemyError, OSError) as fault:
        raise stop(f"the database does not answer: {type(fault).__name__}", UNDECIDED) from None
    for wrong in found.faults:
        typer.echo(f"log: {wrong.code} at {wrong.place}")
    for odd in books:
        told = f"{odd.subject} {odd.currency}: {odd.said_minor}, not {odd.found_minor}"
        typer.echo(f"ledger: {odd.code} {told}")
    if found.faults or books:
        raise typer.Exit(FALSE)
    typer.echo(f"ok: log of {found.size} entries, {found.checkpoints} checkpoints, root {found.root}; ledger balances")


def _fetching(client: "httpx2.Client") -> Callable[[str], bytes | None]:
    import httpx2

    def fetch(url: str) -> bytes | None:
        try:
            with client.stream("GET", url) as answer:
                if answer.status_code == 404:
                    return None
                if answer.status_code != 200:
                    raise ConnectionError(f"{url}: {answer.status_code}")
                data = bytearray()
                for part in answer.iter_bytes():
                    data += part
                    if len(data) > MOST_BYTES:
                        raise ConnectionError(f"{url}: too long")
                return bytes(data)
        except (httpx2.HTTPError, httpx2.InvalidURL) as fault:
            raise ConnectionError(f"{url}: {fault}") from None

    return fetch


def _tell(found: "Look", issuer: str) -> None:
    from pavilion.provenance import monitoring

    for note in found.notes:
        typer.echo(f"note: {note}")
    if issuer:
        for entry in monitoring.of_issuer(found.new, issuer):
            typer.echo(str(entry))
    seen = f"{len(found.witnesses)} of {found.asked}" if found.asked else "none asked"
    root = found.memory.root.hex()
    typer.echo(f"ok: {found.memory.size} entries, {len(found.new)} new, witnesses {seen}, root {root}")


def _alarm(alarm: "Alarm") -> None:
    typer.echo(f"ALARM {alarm}")
    for note in alarm.evidence:
        typer.echo(f"---\n{note}", err=True)
    raise typer.Exit(FALSE)
