"""One byte form for each document (RFC 8785), and the strict reading of JSON that others send. Pure."""

import hashlib
import json
import math
from collections.abc import Callable
from typing import Any

import rfc8785

MAX_DEPTH = 32
MAX_BYTES = 16 * 1024 * 1024
MAX_WHOLE = 2**53 - 1  # beyond this, readers of JSON disagree about the number
_PLAIN = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False
)


def canonical(doc: object) -> bytes:
    """The canonical bytes of a document; a ValueError for what has none (too deep, too long, not JSON)."""
    try:
        # Plain documents get the same bytes from the standard encoder four times sooner.
        plain = _is_plain(doc, MAX_DEPTH)
        data = _PLAIN.encode(doc).encode("utf-8") if plain else rfc8785.dumps(doc)  # type: ignore[arg-type]
    except (rfc8785.CanonicalizationError, UnicodeError, TypeError) as fault:
        raise ValueError(f"no canonical form: {fault}") from None
    if len(data) > MAX_BYTES:
        raise ValueError("no canonical form: longer than 16 MiB")
    return data


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def document_hash(doc: object) -> str:
    """The hash of a document: SHA-256 of its canonical bytes, in hex."""
    return sha256_hex(canonical(doc))


def read_json(data: bytes | str, most: int = MAX_BYTES, *, fraction: Callable[[str], Any] | None = None) -> Any:
    """The document in `data`; a ValueError for anything that two readers could take for two things. `fraction` reads
    numbers with a decimal mark where they must not become binary floats."""
    if len(data) > most:
        raise ValueError(f"longer than {most} bytes")
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        doc = json.loads(
            text,
            object_pairs_hook=_no_twins,
            parse_constant=_no_constant,
            parse_int=_whole,
            parse_float=fraction or _fraction,
        )
        text.encode("utf-8")
        if "\\u" in text:
            json.dumps(doc, ensure_ascii=False).encode("utf-8")  # half a character is no character
        _is_plain(doc, MAX_DEPTH)
    except UnicodeError:
        raise ValueError("not UTF-8") from None
    except RecursionError:
        raise ValueError("too deep") from None
    return doc


def read_plain(data: bytes) -> dict[str, Any] | None:
    """The object in `data`, when these are its canonical bytes and it is plain, which is found out soonest by writing
    it once more; else None, which says nothing: `read_json` and `canonical` tell what is wrong, or that nothing is."""
    try:
        text = data.decode("utf-8")
        doc = json.loads(text)
        same = isinstance(doc, dict) and _is_plain(doc, MAX_DEPTH) and _PLAIN.encode(doc) == text
    except (ValueError, RecursionError):
        return None
    return doc if same else None


def no_fraction(digits: str) -> Any:
    """For `fraction`: two readers could make two numbers of it, so what is signed has none."""
    raise ValueError("a number with a fraction")


def _is_plain(doc: object, depth: int) -> bool:
    """Whether the standard encoder writes the canonical form: ASCII names, no fractions. Too deep is a ValueError."""
    kind = type(doc)
    if kind is str or kind is bool or doc is None:
        return True
    if kind is int:
        return -MAX_WHOLE <= doc <= MAX_WHOLE  # type: ignore[operator]
    if depth == 0:
        raise ValueError("too deep")
    if kind is dict:
        plain = True
        for name, value in doc.items():  # type: ignore[attr-defined]
            if type(name) is not str or not name.isascii():
                plain = False
            if not _is_plain(value, depth - 1):
                plain = False
        return plain
    if kind is list or kind is tuple:
        plain = True
        for value in doc:  # type: ignore[attr-defined]
            if not _is_plain(value, depth - 1):
                plain = False
        return plain
    return False


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    doc = dict(pairs)
    if len(doc) != len(pairs):
        raise ValueError("a member stands twice")
    return doc


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _whole(digits: str) -> int:
    if len(digits) > 20:
        raise ValueError("a number too large to be exact")
    return int(digits)


def _fraction(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number too large to be exact")
    return value
