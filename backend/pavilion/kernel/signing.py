"""Ed25519 signatures in the form of C2SP signed notes, and the checkpoints of a log. Pure: bytes in, bytes out."""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAX_NOTE = 1_000_000
MAX_SIGNATURES = 100
NOTE_SIGNER, COSIGNER = 1, 4  # what an Ed25519 key signs: whole notes, or checkpoints with the time they were seen
_NAME = re.compile(r"[^\s+]{1,255}")
_VKEY = re.compile(r"(?P<name>[^\s+]{1,255})\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]{44})")
_ODD = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class BadNote(ValueError):
    """Not a note, or not one that the given keys vouch for."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    name: str
    public: bytes
    kind: int = NOTE_SIGNER

    @property
    def id(self) -> bytes:
        return _key_id(self.name, self.kind, self.public)

    def __str__(self) -> str:
        """The text that is printed and handed out."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    def verifies(self, signature: bytes, data: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, data)
        except (InvalidSignature, ValueError):
            return False
        return True


class SigningKey:
    """A named private key. It never leaves the process that signs."""

    __slots__ = ("_private", "name", "verifier")

    def __init__(self, name: str, seed: bytes, kind: int = NOTE_SIGNER) -> None:
        if _NAME.fullmatch(name) is None or len(seed) != 32:
            raise ValueError("a key has a name without spaces or plus, and a seed of 32 bytes")
        self.name = name
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, self._private.public_key().public_bytes_raw(), kind)

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data)


class Signature(NamedTuple):
    name: str
    key_id: bytes
    signature: bytes


class Note(NamedTuple):
    text: str
    signatures: Sequence[Signature]


class Checkpoint(NamedTuple):
    origin: str
    size: int
    root: bytes


def parse_vkey(text: str, kind: int = NOTE_SIGNER) -> VerifierKey:
    """The key in its printed form; BadNote for any other kind of key."""
    match = _VKEY.fullmatch(text)
    if match is None:
        raise BadNote("not a verifier key")
    blob = unbase64(match["key"])
    if blob[0] != kind or len(blob) != 33:
        raise BadNote("not a verifier key of the kind asked for")
    key = VerifierKey(match["name"], blob[1:], kind)
    if key.id.hex() != match["id"]:
        raise BadNote("the key's id does not fit the key")
    return key


def vkey_encode(key: VerifierKey) -> str:
    return str(key)


vkey_parse = parse_vkey


def sign_note(text: str, key: SigningKey) -> str:
    """The note: the text, an empty line, one signature line."""
    if not _is_text(text):
        raise ValueError("the text of a note ends with a newline and holds no control characters")
    return f"{text}\n{signature_line(key.verifier, key.sign(text.encode()))}\n"


def signature_line(key: VerifierKey, signature: bytes) -> str:
    return f"— {key.name} {base64.b64encode(key.id + signature).decode()}"


def parse_note(note: str) -> Note:
    if len(note) > MAX_NOTE:
        raise BadNote("too long")
    head, separator, tail = note.rpartition("\n\n")
    text = head + "\n"
    if not separator or not _is_text(text) or not tail.endswith("\n"):
        raise BadNote("not a note")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise BadNote("too many signatures")
    return Note(text, [parse_signature(line) for line in lines])


def verify_note(note: str, keys: Iterable[VerifierKey]) -> str:
    """The text of the note, when at least one of the keys signed it and none of them is misused; else BadNote."""
    parsed = parse_note(note)
    known = {(key.name, key.id): key for key in keys}
    good = 0
    for name, key_id, signature in parsed.signatures:
        if (key := known.get((name, key_id))) is None:
            continue
        if not key.verifies(signature, parsed.text.encode()):
            raise BadNote("a signature is wrong")
        good += 1
    if not good:
        raise BadNote("no signature of a known key")
    return parsed.text


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """What the text of a checkpoint says; exactly three lines."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0] or _SIZE.fullmatch(lines[1]) is None:
        raise BadNote("not a checkpoint")
    root = unbase64(lines[2])
    if len(root) != 32:
        raise BadNote("not a checkpoint")
    return Checkpoint(lines[0], int(lines[1]), root)


def parse_signature(line: str) -> Signature:
    dash, space, rest = line.partition(" ")
    name, _, blob = rest.partition(" ")
    if dash != "—" or not space or _NAME.fullmatch(name) is None:
        raise BadNote("not a signature line")
    data = unbase64(blob)
    if len(data) < 5:
        raise BadNote("not a signature")
    return Signature(name, data[:4], data[4:])


def _is_text(text: str) -> bool:
    return text.endswith("\n") and _ODD.search(text) is None


def unbase64(text: str) -> bytes:
    """Only the one standard form: what differs in unused bits is another text and must not pass for the same."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("not base64") from None
    if base64.b64encode(data).decode() != text:
        raise BadNote("not base64")
    return data


@lru_cache(maxsize=256)
def _key_id(name: str, kind: int, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]
