"""The pass of whoever fetches a parcel: a random token, of which only the hash is kept."""

import hashlib
import secrets

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: read aloud and typed without a mistake
LENGTH = 26  # of 128 bits
MEANT = str.maketrans("OILU", "011V")  # what a hand writes for what was printed


def made() -> str:
    value = secrets.randbits(128)
    return "".join(LETTERS[(value >> shift) & 31] for shift in range(125, -5, -5))


def grouped(token: str) -> str:
    """As it is printed under the code: `4Q7KX-...`."""
    return "-".join(token[at : at + 5] for at in range(0, len(token), 5))


def hash_of(typed: str) -> str:
    """Of what was scanned or typed, whatever its case, blanks and dashes."""
    letters = "".join(typed.split()).replace("-", "").upper().translate(MEANT)
    return hashlib.sha256(letters.encode("utf-8", "replace")).hexdigest()
