"""Signed lines in files that are searched in place and never read whole.

A shelf is an index, `NAME.txt`, over lines in files `PREFIX-000.jsonl`, `PREFIX-001.jsonl`, ...: one entry of 60
characters and a line feed per line, sorted: SHA-256 of the key (first 32 hex digits), file (4 digits), offset (12),
length (9), parted by blanks. Two indexes may lead to the same lines.
A line is `{"sig":BASE64,"signed":{...}}`. The signature is over exactly the bytes between `"signed":` and the last `}`;
being 88 characters it leaves them at a fixed place, so nobody has to spell the document again to check it.
"""

import base64
import binascii
import hashlib
import mmap
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FILE_BYTES = 32 * 1024 * 1024
MAX_RECORD = 1024 * 1024
HEAD, MIDDLE = b'{"sig":"', b'","signed":'
SIGNATURE_AT = len(HEAD)
SIGNED_AT = SIGNATURE_AT + 88 + len(MIDDLE)
KEY_DIGITS = 32
INDEX_LINE = KEY_DIGITS + 1 + 4 + 1 + 12 + 1 + 9 + 1


class Place(NamedTuple):
    file: int
    offset: int
    length: int


class ShelfMissing(OSError):
    """There is no such index."""


class Shelf:
    """Finds one line at a time; what it hands out is not yet believed."""

    def __init__(self, folder: Path, index: str, prefix: str) -> None:
        self._lines = str(folder / prefix)
        self._index = _mapped(folder / f"{index}.txt")

    def line(self, key: str) -> bytes | None:
        place = self._place(index_key(key).encode())
        return None if place is None else self._part(place)

    def lines(self) -> Iterator[bytes]:
        for start in range(0, len(self._index), INDEX_LINE):
            yield self._part(_entry(self._index[start : start + INDEX_LINE]))

    def close(self) -> None:
        if isinstance(self._index, mmap.mmap):
            self._index.close()

    def _place(self, wanted: bytes) -> Place | None:
        """Binary search among the index's entries of equal length."""
        low, high = 0, len(self._index) // INDEX_LINE
        while low < high:
            middle = (low + high) // 2
            line = self._index[middle * INDEX_LINE : (middle + 1) * INDEX_LINE]
            if line[:KEY_DIGITS] < wanted:
                low = middle + 1
            elif line[:KEY_DIGITS] > wanted:
                high = middle
            else:
                return _entry(line)
        return None

    def _part(self, place: Place) -> bytes:
        """A file read piece by piece: mapped, its pages would count as our memory long after they were looked at."""
        try:
            with open(f"{self._lines}-{place.file:03d}.jsonl", "rb", buffering=0) as file:
                file.seek(place.offset)
                return file.read(min(place.length, MAX_RECORD))
        except OSError:
            return b""  # no record, so no signature that holds


class ShelfWriter:
    """Writes lines, and after `close` their indexes."""

    def __init__(self, folder: Path, prefix: str, key: Ed25519PrivateKey) -> None:
        self._folder, self._prefix, self._key = folder, prefix, key
        self._file: BinaryIO | None = None
        self._number, self._offset = -1, 0

    def put(self, signed: bytes) -> Place:
        line = HEAD + base64.b64encode(self._key.sign(signed)) + MIDDLE + signed + b"}"
        if self._file is None or self._offset + len(line) + 1 > FILE_BYTES:
            self.close()
            self._number, self._offset = self._number + 1, 0
            self._file = (self._folder / f"{self._prefix}-{self._number:03d}.jsonl").open("wb")
        self._file.write(line + b"\n")
        place = Place(self._number, self._offset, len(line))
        self._offset += len(line) + 1
        return place

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def write_index(path: Path, places: dict[str, Place]) -> None:
    """`places` by `index_key`."""
    with path.open("wb") as index:
        for key, place in sorted(places.items()):
            index.write(b"%s %04d %012d %09d\n" % (key.encode(), *place))


def index_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:KEY_DIGITS]


def signature_in(line: bytes) -> str:
    return line[SIGNATURE_AT : SIGNATURE_AT + 88].decode("latin-1")


def signed_in(line: bytes, key: Ed25519PublicKey) -> bytes | None:
    """The signed bytes of a line, or None where the signature does not hold."""
    return line[SIGNED_AT:-1] if _holds(line, key.public_bytes_raw()) else None


@lru_cache(maxsize=256)
def _holds(line: bytes, key: bytes) -> bool:
    """A stone's line is read for its producer and right afterwards for its laboratory."""
    try:
        signature = base64.b64decode(line[SIGNATURE_AT : SIGNATURE_AT + 88], validate=True)
        _public(key).verify(signature, line[SIGNED_AT:-1])
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


@lru_cache(maxsize=16)
def _public(key: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(key)


def _entry(line: bytes) -> Place:
    return Place(*map(int, line[KEY_DIGITS:].split()))


def _mapped(path: Path) -> mmap.mmap | bytes:
    """The file's bytes without reading them; an empty file cannot be mapped."""
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        return b""
    except OSError:
        raise ShelfMissing(path.name) from None
