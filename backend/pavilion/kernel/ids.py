"""Public ids: ULIDs, 26 characters of Crockford's base 32, sortable by their time of making."""

import re
import secrets
from datetime import datetime

from pavilion.kernel.instants import micros

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def ulid(now: datetime) -> str:
    """48 bits of milliseconds, then 80 random bits."""
    value = (micros(now) // 1000 << 80) | secrets.randbits(80)
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -5, -5))


def minted_ms(public_id: str) -> int:
    """When it was made, in milliseconds."""
    value = 0
    for letter in public_id[:10]:
        value = value << 5 | _ALPHABET.index(letter)
    return value


def is_ulid(text: str) -> bool:
    return _ULID.fullmatch(text) is not None
