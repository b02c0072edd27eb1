"""Bitstring Status Lists: which passports were revoked or are suspended, as lists anyone may keep a copy of. Pure."""

import gzip
import secrets
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pavilion.kernel.base64url import base64url, from_base64url
from pavilion.provenance import contexts
from pavilion.provenance.proofs import BadCredential

LENGTH = 131_072  # entries of a list: enough that an index tells nothing of its stone
TTL_MS = 300_000
VALID_FOR = timedelta(hours=24)
FULL = LENGTH * 3 // 4  # beyond this a free index is long to find, and a new pair of lists begins
REVOCATION, SUSPENSION = "revocation", "suspension"


def encode(marked: Iterable[int], length: int = LENGTH) -> str:
    """The list with these bits set: packed, the first bit leftmost, in the one spelling of its bytes."""
    bits = bytearray((length + 7) // 8)
    for index in marked:
        if not 0 <= index < length:
            raise ValueError("an index outside the list")
        bits[index >> 3] |= 0x80 >> (index & 7)
    return f"u{base64url(gzip.compress(bytes(bits), 9, mtime=0))}"


def decode(encoded: str) -> bytes:
    """The bits; BadCredential for what is no list, or one too short or too long to be one."""
    try:
        packed = from_base64url(encoded[1:]) if encoded.startswith("u") else b""
        unpacker = zlib.decompressobj(wbits=31)
        bits = unpacker.decompress(packed, 16 * LENGTH)
    except (ValueError, zlib.error):
        raise BadCredential("STATUS", "not a packed list") from None
    if not unpacker.eof or unpacker.unused_data or len(bits) * 8 < LENGTH:
        raise BadCredential("STATUS", "a list of another length")
    return bits


def is_set(bits: bytes, index: int) -> bool:
    if not 0 <= index < len(bits) * 8:
        raise BadCredential("STATUS", "an index outside the list")
    return bool(bits[index >> 3] & (0x80 >> (index & 7)))


def purpose_of(number: int) -> str:
    """Lists come in pairs: odd numbers revoke, the next one suspends."""
    return REVOCATION if number % 2 else SUSPENSION


def list_document(base: str, did: str, number: int, encoded: str, now: datetime) -> dict[str, Any]:
    """The list as a credential, without its proof. It says until when a copy may be relied on."""
    url = f"{base}/status/{number}"
    return {
        "@context": [contexts.W3C],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": did,
        "validFrom": _second(now),
        "validUntil": _second(now + VALID_FOR),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose_of(number),
            "encodedList": encoded,
            "ttl": TTL_MS,
        },
    }


def marked_in(list_credential: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether the entry's bit is set; BadCredential unless the list is the one the entry names, for its purpose."""
    subject = list_credential.get("credentialSubject")
    if not isinstance(subject, Mapping) or subject.get("type") != "BitstringStatusList":
        raise BadCredential("STATUS", "no status list")
    if list_credential.get("id") != entry.get("statusListCredential"):
        raise BadCredential("STATUS", "another list")
    if subject.get("statusPurpose") != entry.get("statusPurpose"):
        raise BadCredential("STATUS", "a list for another purpose")
    encoded, index = subject.get("encodedList"), entry.get("statusListIndex")
    if not isinstance(encoded, str) or not isinstance(index, str) or not index.isascii() or not index.isdigit():
        raise BadCredential("STATUS", "no list or no index")
    return is_set(decode(encoded), int(index[:12]))


def free_index(taken: Collection[int], draw: Callable[[int], int] = secrets.randbelow) -> int:
    """An index drawn at random among the free ones."""
    while (index := draw(LENGTH)) in taken:
        pass
    return index


def _second(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
