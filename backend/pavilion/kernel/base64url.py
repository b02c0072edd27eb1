"""Bytes as text in addresses, tokens and keys: base64url without padding (RFC 7515), each in one spelling. Pure."""

import base64
import binascii


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Inverse of `base64url`; any second spelling of the same bytes is a ValueError."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64url") from None
    if base64url(data) != text:
        raise ValueError("not base64url")
    return data
