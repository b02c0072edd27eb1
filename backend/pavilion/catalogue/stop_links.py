"""The link in a mail that ends the mails of one kept search: whoever holds the mail may use it, and nobody else."""

import hashlib
import hmac
from base64 import urlsafe_b64encode


def token(secret: bytes, search: str) -> str:
    mac = hmac.new(secret, f"pavilion/searches/v1\n{search}".encode(), hashlib.sha256).digest()[:18]
    return f"{search}.{urlsafe_b64encode(mac).decode()}"


def opened(secret: bytes, said: str) -> str | None:
    """The search (public id) that this token ends; None for any other text."""
    search = said[:200].partition(".")[0]
    return search if hmac.compare_digest(token(secret, search).encode(), said[:200].encode()) else None
