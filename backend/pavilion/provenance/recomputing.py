"""A verdict given again from its inputs, its tables and its events: the same bytes, or another document. Pure."""

from collections.abc import Mapping


class NotRecomputable(ValueError):
    """Something that the verdict rests on is missing, or is not what its hash says."""


def recompute(
    verdict: bytes,
    inputs: Mapping[str, bytes],
    tables: Mapping[str, bytes],
    events: Mapping[str, bytes],
    trust: bytes,
) -> bytes:
    """The document that follows from all this by the rules as they are shipped."""
    raise NotRecomputable("not yet")
