"""Proofs that something was logged, as a text that needs nobody's server (C2SP tlog-proof). Pure."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pavilion.kernel.signing import MAX_NOTE, BadNote, parse_checkpoint, parse_note, unbase64

HEADER = "c2sp.org/tlog-proof@v1"
MOST_HASHES = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


class BadProof(ValueError):
    """Not a tlog-proof."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """`checkpoint` is the signed note with its cosignatures; `extra` is not vouched for by anyone."""

    index: int
    hashes: Sequence[bytes]
    checkpoint: str
    extra: bytes | None = None


def format_tlog_proof(proof: TlogProof) -> str:
    extra = [] if proof.extra is None else [f"extra {base64.b64encode(proof.extra).decode()}"]
    hashes = [base64.b64encode(part).decode() for part in proof.hashes]
    return "\n".join([HEADER, *extra, f"index {proof.index}", *hashes, "", proof.checkpoint])


def parse_tlog_proof(text: str) -> TlogProof:
    """Inverse of `format_tlog_proof`; BadProof for anything else. The checkpoint in it is a note over a checkpoint."""
    if len(text) > MAX_NOTE:
        raise BadProof("too long")
    head, separator, note = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines.pop(0) != HEADER:
        raise BadProof("not a tlog-proof")
    try:
        extra = unbase64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else None
        index = _INDEX.fullmatch(lines.pop(0)) if lines else None
        hashes = [unbase64(line) for line in lines]
        _read(note)
    except BadNote as fault:
        raise BadProof(f"not a tlog-proof: {fault}") from None
    if index is None or len(hashes) > MOST_HASHES or any(len(part) != 32 for part in hashes):
        raise BadProof("not a tlog-proof")
    return TlogProof(int(index[1]), hashes, note, extra)


@lru_cache(maxsize=64)
def _read(note: str) -> None:
    """BadNote unless the text is a note over a checkpoint. Many proofs lead to the same one."""
    parse_checkpoint(parse_note(note).text)
