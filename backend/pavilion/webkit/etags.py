"""Answers that a program need not be sent twice: each bears the hash of its own bytes."""

import hashlib
import json
from typing import Any

from fastapi import Request, Response


def tagged(request: Request, document: Any) -> Response:
    """The document; 304 and no body for whoever names the tag of what it still is."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "private, no-cache", "vary": "Authorization, Cookie"}
    if _names(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _names(said: str, tag: str) -> bool:
    """A weak tag of ours counts: what is compared is whether the bytes are the same."""
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in said[:4000].split(","))
