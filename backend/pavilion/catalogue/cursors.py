"""Opaque, signed marks of a place in a list: nobody can make one, and one fits only the question it was made for."""

import hashlib
import hmac
import json

from pavilion.catalogue.searching import After
from pavilion.kernel.base64url import base64url, from_base64url

_MAC = 16  # bytes


def sealed(after: After, question: str, as_of: int, secret: bytes) -> str:
    body = json.dumps([after.key, after.id, as_of, _print(question), after.shown], separators=(",", ":")).encode()
    return base64url(_mac(body, secret) + body)


def opened(cursor: str, question: str, secret: bytes) -> After | None:
    """The place, or None for a cursor that is not ours or belongs to another question."""
    try:
        raw = from_base64url(cursor)
    except ValueError:
        return None
    mac, body = raw[:_MAC], raw[_MAC:]
    if not hmac.compare_digest(mac, _mac(body, secret)):
        return None
    key, inner_id, _as_of, fingerprint, *shown = json.loads(body)
    return After(key, inner_id, *shown) if fingerprint == _print(question) else None


def _mac(body: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, b"pavilion stones cursor\0" + body, "sha256")[:_MAC]


def _print(question: str) -> str:
    return hashlib.sha256(question.encode()).hexdigest()[:16]
