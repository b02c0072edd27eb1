"""Signatures checked in a process of its own: a long import has tens of thousands of them, and a second processor.

A thread would not do. The library lets go of the interpreter for each signature, and whoever lets go waits five
milliseconds until a busy neighbour gives it back.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from threading import Lock
from typing import IO, BinaryIO, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PUBLIC, SIGNATURE, LENGTH = 32, 64, 4
HOLDS, FAILS = b"\x01", b"\x00"


class Check(NamedTuple):
    public: bytes
    signature: bytes
    text: bytes


class CheckingProcess:
    """Answers from any thread, one at a time; it starts with the first question and ends with `close`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._lock = Lock()

    def holding(self, checks: Sequence[Check]) -> list[bool]:
        """Whether each signature holds. OSError where the process is gone: nothing is known then."""
        if not checks:
            return []
        asked = b"".join(_packed(check) for check in checks)
        with self._lock:
            source, sink = self._pipes()
            sink.write(len(asked).to_bytes(LENGTH, "big") + asked)
            sink.flush()
            told = source.read(len(checks))
        if len(told) != len(checks):
            raise OSError("the checking process is gone")
        return [told[place : place + 1] == HOLDS for place in range(len(told))]

    def close(self) -> None:
        with self._lock:
            process, self._process, self._closed = self._process, None, True
            if process is not None:
                with suppress(BrokenPipeError), process:  # its input ends, so it does
                    pass
                process.wait()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._closed:
            raise OSError("the checking process was closed")
        if self._process is None:
            command = [sys.executable, "-m", "pavilion.provenance.issuers_process"]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe)  # noqa: S603 - our own module
        assert self._process.stdin is not None and self._process.stdout is not None
        return self._process.stdout, self._process.stdin


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """One answer of a byte per signature for each question, until no more come."""
    while head := source.read(LENGTH):
        asked = source.read(int.from_bytes(head, "big"))
        sink.write(b"".join(HOLDS if _holds(check) else FAILS for check in _unpacked(asked)))
        sink.flush()


def _packed(check: Check) -> bytes:
    assert len(check.public) == PUBLIC and len(check.signature) == SIGNATURE
    return b"%s%s%s%s" % (check.public, check.signature, len(check.text).to_bytes(LENGTH, "big"), check.text)


def _unpacked(asked: bytes) -> Iterator[Check]:
    at = 0
    while at < len(asked):
        text_at = at + PUBLIC + SIGNATURE + LENGTH
        end = text_at + int.from_bytes(asked[text_at - LENGTH : text_at], "big")
        yield Check(asked[at : at + PUBLIC], asked[at + PUBLIC : at + PUBLIC + SIGNATURE], asked[text_at:end])
        at = end


@lru_cache(maxsize=512)
def _public(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


def _holds(check: Check) -> bool:
    try:
        _public(check.public).verify(check.signature, check.text)
    except (InvalidSignature, ValueError):
        return False
    return True


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
