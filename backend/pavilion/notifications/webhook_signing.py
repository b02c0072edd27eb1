"""How a call is signed, and how whoever is called makes sure that it is ours. Pure; `now` is an argument."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

TIMESTAMP, SIGNATURE, EVENT = "pavilion-timestamp", "pavilion-signature", "pavilion-event"
TOLERANCE = timedelta(minutes=5)
VERSION = "v1="


class BadSignature(ValueError):
    """The call is not the house's, was altered on its way, or is sent again by somebody who kept it."""


def signed(secrets: Sequence[str], body: bytes, now: datetime) -> dict[str, str]:
    """The headers of a call. Two secrets while one takes over from the other: either proves it."""
    stamp = str(int(now.timestamp()))
    marks = ", ".join(VERSION + _mark(secret, stamp, body) for secret in secrets)
    return {TIMESTAMP: stamp, SIGNATURE: marks}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """BadSignature unless this body was signed with this secret within five minutes of `now`. Take the body as the
    bytes that came, before anything reads them as JSON."""
    told = {name.lower(): value for name, value in headers.items()}
    stamp, said = told.get(TIMESTAMP, ""), told.get(SIGNATURE, "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 13):
        raise BadSignature("no time is named")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        raise BadSignature("more than five minutes from now")
    good = _mark(secret, stamp, body)
    marks = [mark.strip().removeprefix(VERSION) for mark in said.split(",") if mark.strip().startswith(VERSION)]
    if not any(hmac.compare_digest(good.encode(), mark.encode()) for mark in marks):
        raise BadSignature("signed otherwise")


def _mark(secret: str, stamp: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hex()
