"""Whether a webhook is the provider's: its signature over the raw body, its age, its mode (settlement spec 6.5)."""

import hmac
import json
from datetime import datetime
from hashlib import sha256
from typing import Any

from pavilion.kernel.instants import micros
from pavilion.settlement.payments import shapes
from pavilion.settlement.payments.port import ForgedWebhook, Told

TOLERANCE_S = 300
LARGEST = 512 * 1024  # bytes of one call
FIELD = 80  # what we keep of an id or a type


def signature(body: bytes, secret: str, seconds: int) -> str:
    """The header that goes with this body."""
    digest = hmac.new(secret.encode(), b"%d." % seconds + body, sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def verified(body: bytes, header: str, secret: str, now: datetime, *, live: bool) -> Told:
    """What was told, or ForgedWebhook. Nothing of the body is read before the signature fits."""
    seconds, signatures = _parts(header)
    digest = hmac.new(secret.encode(), b"%d." % seconds + body, sha256).hexdigest()
    if not secret or not any(hmac.compare_digest(digest, one) for one in signatures):
        raise ForgedWebhook("signature")
    if abs(micros(now) - seconds * 1_000_000) > TOLERANCE_S * 1_000_000:
        raise ForgedWebhook("stale")
    return _read(body, live=live)


def _parts(header: str) -> tuple[int, list[str]]:
    pairs = [part.strip().partition("=") for part in header[:2000].split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1" and value.isascii()]
    if not signatures or not times or not (times[0].isascii() and times[0].isdigit()) or len(times[0]) > 12:
        raise ForgedWebhook("signature")
    return int(times[0]), signatures


def _read(body: bytes, *, live: bool) -> Told:
    try:
        event: Any = json.loads(body)
        shape = event["data"]["object"]
        kind, created = str(event["type"]), shapes.at(int(event["created"]))
        names = str(event["id"]), kind, str(shape.get("id") or "")
        if event["object"] != "event" or not names[0] or any(len(name) > FIELD for name in names):
            raise ForgedWebhook("unreadable")
        mode = event["livemode"]
        said = shapes.said_of(kind, shape)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, OSError) as fault:
        raise ForgedWebhook("unreadable") from fault
    if mode is not live:
        raise ForgedWebhook("mode")
    owner = str(shapes.id_of(shape.get("customer")) or "")
    return Told(event=names[0], type=kind, object=names[2], created=created, body=shape, said=said, owner=owner)
