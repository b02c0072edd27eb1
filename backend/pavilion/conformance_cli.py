"""`pavilion conformance KIND FILE`: the public vectors, run against the rules that the house itself uses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from pavilion.exits import DONE, FALSE
from pavilion.exits import stop as _stop

Check = Callable[[str, dict[str, Any], dict[str, Any]], str | None]  # raw line, line, header


def _bidding() -> Check:
    from pavilion.bidding import vectors

    return lambda raw, line, header: vectors.check(line, header)


def _soft_close() -> Check:
    from pavilion.bidding import vectors

    return lambda raw, line, header: vectors.check_soft_close(line, header)


def _tender() -> Check:
    from pavilion.bidding import vectors

    return lambda raw, line, header: vectors.check_tender(line, header)


def _premium() -> Check:
    from pavilion.settlement import vectors

    return lambda raw, line, header: vectors.check(line, header)


def _default() -> Check:
    from pavilion.settlement import vectors

    return lambda raw, line, header: vectors.check_default(line, header)


def _origin() -> Check:
    from pavilion.provenance import vectors

    return lambda raw, line, header: vectors.check(line, header)


def _outcomes() -> Check:
    from pavilion.provenance import outcome_vectors

    return lambda raw, line, header: outcome_vectors.check(line)


def _upload_values() -> Check:
    from pavilion.catalogue import vectors

    return lambda raw, line, header: vectors.check(raw)


def _slots() -> Check:
    from pavilion.viewings import slot_vectors

    return lambda raw, line, header: slot_vectors.check(line)


def _claims() -> Check:
    from pavilion.viewings import vectors

    return lambda raw, line, header: vectors.check(line)


KINDS: dict[str, Callable[[], Check]] = {
    "bidding": _bidding,
    "soft-close": _soft_close,
    "tender": _tender,
    "premium": _premium,
    "default": _default,
    "origin": _origin,
    "outcomes": _outcomes,
    "upload-values": _upload_values,
    "slots": _slots,
    "claims": _claims,
}
DECIMALS = frozenset({"origin"})  # these vectors hold decimal numbers, which must not become binary floats


def conformance(kind: str, file: Path) -> None:
    """Run the public vectors of FILE.

    KIND: bidding, soft-close, tender, premium, default, origin, outcomes, upload-values, slots, claims.
    """
    if kind not in KINDS:
        raise _stop(f"unknown kind {kind!r}; known: {' '.join(KINDS)}")
    check = KINDS[kind]()
    header: dict[str, Any] = {}
    passed = failed = 0
    for number, (raw, line) in enumerate(_json_lines(file, kind in DECIMALS), start=1):
        if number == 1 and "id" not in line:
            header = line
            continue
        try:
            said = check(raw, line, header)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, AssertionError) as fault:
            raise _stop(f"line {number} is no {kind} vector: {type(fault).__name__} {fault}") from None
        if said is None:
            passed += 1
        else:
            failed += 1
            typer.echo(f"{line['id']}: {said}")
    typer.echo(f"{passed} passed, {failed} failed")
    raise typer.Exit(FALSE if failed else DONE)


def _json_lines(file: Path, decimals: bool) -> list[tuple[str, dict[str, Any]]]:
    from decimal import Decimal

    from pavilion.kernel.canon import read_json

    try:
        lines = file.read_text("utf-8").split("\n")
    except (OSError, UnicodeError) as fault:
        raise _stop(f"{file}: {fault}") from None
    found: list[tuple[str, dict[str, Any]]] = []
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        try:
            line = read_json(raw, fraction=Decimal if decimals else None)
        except ValueError as fault:
            raise _stop(f"line {number}: {fault}") from None
        if not isinstance(line, dict) or ("id" not in line and found):
            raise _stop(f"line {number}: an object with an id is needed")
        found.append((raw, line))
    return found
