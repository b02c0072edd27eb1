"""A witness of logs (C2SP tlog-witness): it cosigns a checkpoint only if that continues what it cosigned before.

A small process of its own, without a database: one file holds the last checkpoint of each log it watches.
"""

import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from pavilion.kernel.clock import EPOCH, Clock
from pavilion.kernel.cosigning import cosign
from pavilion.kernel.files import replace_text
from pavilion.kernel.merkle import EMPTY_ROOT, verify_consistency
from pavilion.kernel.signing import (
    COSIGNER,
    BadNote,
    Checkpoint,
    SigningKey,
    VerifierKey,
    parse_checkpoint,
    parse_note,
    unbase64,
    verify_note,
)

MOST_BODY = 65_536
MOST_PROOF = 63
PLAIN, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")
_SEED = re.compile(r"[0-9a-f]{64}\n?")


class BadKey(ValueError):
    """The key file cannot be used; the text says why."""


class BadState(ValueError):
    """The file of what was cosigned cannot be used; a witness that forgot must not sign."""


class Answer(NamedTuple):
    status: int
    body: str = ""
    content_type: str = PLAIN


class Held(NamedTuple):
    """The last checkpoint of a log: its size, its root, and the note with this witness's line."""

    size: int
    root: bytes
    note: str


NOTHING = Held(0, EMPTY_ROOT, "")


class Witness:
    """Each answer is made without a pause, so no other request comes between the look at the last size and the file
    that holds the new one."""

    def __init__(self, key: SigningKey, logs: Iterable[VerifierKey], state: Path, clock: Clock) -> None:
        assert key.verifier.kind == COSIGNER
        self.key = key
        self._logs: dict[str, list[VerifierKey]] = {}
        for log in logs:
            self._logs.setdefault(log.name, []).append(log)
        self._state, self._clock = state, clock
        self._held = _read_state(state)

    def add_checkpoint(self, body: bytes) -> Answer:
        """The answer to `POST /add-checkpoint`: 200 with our line, and then the checkpoint is kept; else why not."""
        try:
            old, proof, text, note = _read_request(body)
        except ValueError as fault:
            return Answer(400, f"{fault}\n")
        origin = text.partition("\n")[0]
        if (keys := self._logs.get(origin)) is None:
            return Answer(404, "unknown log\n")
        try:
            verify_note(note, keys)
        except BadNote as fault:
            return Answer(403, f"{fault}\n")
        try:
            seen = parse_checkpoint(text)
        except BadNote as fault:
            return Answer(400, f"{fault}\n")
        if old > seen.size:
            return Answer(400, "the old size is larger than the new one\n")
        held = self._held.get(origin, NOTHING)
        if old != held.size:
            return Answer(409, f"{held.size}\n", SIZE)
        if not _continues(held, seen, proof):
            return Answer(422, "this does not continue what was cosigned before\n")
        line = cosign(text, self.key, _seconds(self._clock())) + "\n"
        own_part = f"{text}\n" + "".join(
            f"{part}\n" for part in note[len(text) + 1 :].splitlines() if _by_one_of(part, keys)
        )
        self._keep(origin, Held(seen.size, seen.root, own_part + line))
        return Answer(200, line)

    def view(self, path: str) -> Answer:
        """The answer to a GET: `/` tells the key, `/HASH/checkpoint` the last checkpoint cosigned of the log whose
        origin has this SHA-256."""
        if path == "/":
            return Answer(200, f"{self.key.verifier}\n")
        for origin, held in self._held.items():
            if path == view_path(origin):
                return Answer(200, held.note)
        return Answer(404, "nothing here\n")

    def _keep(self, origin: str, held: Held) -> None:
        after = {**self._held, origin: held}
        _write_state(self._state, after)
        self._held = after


def view_path(origin: str) -> str:
    return f"/{sha256(origin.encode()).hexdigest()}/checkpoint"


def new_key(path: Path, name: str) -> SigningKey:
    """The key in this file, made if there is none; readable by its owner alone."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_key(path, name)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(handle)
    return read_key(path, name)


def read_key(path: Path, name: str) -> SigningKey:
    text = path.read_text("utf-8", "replace")
    if _SEED.fullmatch(text) is None:
        raise BadKey(f"{path}: a key file holds 64 hex digits")
    try:
        return SigningKey(name, bytes.fromhex(text), COSIGNER)
    except ValueError as fault:
        raise BadKey(str(fault)) from None


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """This process is the only one that cosigns from this file."""
    with state.with_name(f"{state.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadState(f"{state}: another witness runs on this file") from None
        yield


def _read_request(body: bytes) -> tuple[int, list[bytes], str, str]:
    """The old size, the proof, the text of the checkpoint and its whole note."""
    if len(body) > MOST_BODY:
        raise ValueError("too long")
    head, separator, note = body.decode("utf-8").partition("\n\n")
    first, *lines = head.split("\n")
    old = _OLD.fullmatch(first)
    if not separator or old is None or len(lines) > MOST_PROOF:
        raise ValueError("not a request to add a checkpoint")
    proof = [unbase64(line) for line in lines]
    if any(len(part) != 32 for part in proof):
        raise ValueError("not a proof")
    return int(old[1]), proof, parse_note(note).text, note


def _continues(held: Held, seen: Checkpoint, proof: list[bytes]) -> bool:
    if seen.size == 0 or seen.size == held.size:
        return not proof and seen.root == (EMPTY_ROOT if seen.size == 0 else held.root)
    if held.size == 0:
        return not proof
    return verify_consistency(held.size, seen.size, held.root, seen.root, proof)


def _by_one_of(line: str, keys: Iterable[VerifierKey]) -> bool:
    return any(line.startswith(f"— {key.name} ") for key in keys)


def _seconds(at: datetime) -> int:
    return int((at - EPOCH).total_seconds())


def _read_state(path: Path) -> dict[str, Held]:
    if not path.exists():
        return {}
    try:
        rows = json.loads(path.read_text("utf-8"))
        held = {origin: Held(row["size"], bytes.fromhex(row["root"]), row["note"]) for origin, row in rows.items()}
        if not all(type(one.size) is int and one.size >= 0 and len(one.root) == 32 for one in held.values()):
            raise ValueError("sizes and roots")
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise BadState(f"{path}: not what a witness wrote ({fault})") from None
    return held


def _write_state(path: Path, held: dict[str, Held]) -> None:
    rows = {origin: {"size": one.size, "root": one.root.hex(), "note": one.note} for origin, one in held.items()}
    replace_text(path, json.dumps(rows, indent=1, ensure_ascii=False))
