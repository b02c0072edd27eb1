"""The command `pavilion verify`: needs no house, no database, no settings and, with --offline, no network."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pavilion.exits import UNDECIDED, stop

if TYPE_CHECKING:
    from pavilion.provenance.verifying_forms import Anchors, Evidence
    from pavilion.provenance.verifying_report import Report

MOST_PINNED = 8


def verify(
    file: Annotated[str, typer.Argument(help="A file, or the address of a passport or bundle.")],
    policy: Annotated[
        list[Path] | None,
        typer.Option(help="What to believe: a log policy, a verifier key or a did.json. May be given several times."),
    ] = None,
    entry: Annotated[
        Path | None, typer.Option(help="What goes with a bare tlog-proof: the log entry, or the passport.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody.")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Check a passport in any form, its bundle, a proof of the log or a bid's receipt: one line per check."""
    from pavilion.provenance.verifying_forms import Unreadable, anchors_of, evidence_of

    try:
        anchors = anchors_of({path.name: _read(path) for path in (policy or [])[:MOST_PINNED]})
        data = _wanted(file, offline)
        evidence = evidence_of(data, _entry(file, entry))
        report = _report(evidence, anchors, offline)
    except Unreadable as fault:
        raise stop(f"{file}: {fault}") from None
    typer.echo(json.dumps(report.document(), ensure_ascii=False) if as_json else str(report))
    raise typer.Exit(report.exit)


def _report(evidence: "Evidence", anchors: "Anchors", offline: bool) -> "Report":
    from pavilion.kernel.clock import utc_now
    from pavilion.provenance import verifying

    if evidence.receipt is not None:
        from pavilion.bidding import receipt_checking

        keys = [log.key for log in anchors.policy.logs] if anchors.policy is not None else []
        return receipt_checking.check(evidence.receipt, keys)
    return verifying.examine(evidence, anchors, now=utc_now(), resolver=None if offline else _asking, offline=offline)


def _wanted(file: str, offline: bool) -> bytes:
    if not file.startswith(("http://", "https://")):
        return _read(Path(file))
    if offline:
        raise stop("an address cannot be asked with --offline")
    if (found := _asking(file)) is None:
        raise stop(f"{file}: nobody answers with it; https only, and no private addresses but this machine", UNDECIDED)
    return found


def _asking(url: str) -> bytes | None:
    from pavilion.provenance.verifying_calls import fetched

    return fetched(url)


def _entry(file: str, named: Path | None) -> bytes | None:
    """The entry named, or the one that lies beside the proof as bundles have it."""
    if named is not None:
        return _read(named)
    beside = Path(file).with_suffix(".entry")
    return _read(beside) if file.endswith(".tlog-proof") and beside.is_file() else None


def _read(path: Path) -> bytes:
    from pavilion.provenance.verifying_forms import MOST_BYTES

    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            raise stop(f"{path}: not a file of at most 64 MiB")
        return path.read_bytes()
    except OSError as fault:
        raise stop(f"{path}: {fault.strerror}") from None
