"""Which rows have a text that begins so: sorted texts, pressed together leaf by leaf. Pure."""

import zlib
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEAF = 256  # texts


@dataclass(frozen=True, slots=True)
class Leaves:
    """`rows` in the order of their texts; `heads` the first text of each leaf. A question opens two leaves at most."""

    rows: NDArray[np.int32]
    heads: tuple[bytes, ...]
    pressed: tuple[bytes, ...]

    @classmethod
    def of(cls, texts: NDArray[np.bytes_], order: NDArray[np.int64]) -> "Leaves":
        """`texts` in UTF-8; row r has the text `texts[order[r]]`."""
        row_of = np.empty(len(order), np.int32)
        row_of[order] = np.arange(len(order), dtype=np.int32)
        sort = np.argsort(texts, kind="stable")  # unlike a list, sorted without keeping other threads waiting
        heads, pressed = [], []
        for start in range(0, len(sort), _LEAF):
            leaf = texts[sort[start : start + _LEAF]].tolist()
            heads.append(leaf[0])
            pressed.append(zlib.compress(b"\n".join(leaf)))
        return cls(row_of[sort], tuple(heads), tuple(pressed))

    @property
    def nbytes(self) -> int:
        return self.rows.nbytes + sum(map(len, self.heads)) + sum(map(len, self.pressed))

    def beginning(self, first: str) -> NDArray[np.int32]:
        """The rows whose text begins so."""
        least, beyond = first.encode(), first.encode() + b"\xff"
        return self.rows[self._place(least) : self._place(beyond)]

    def _place(self, text: bytes) -> int:
        """How many texts stand before this one."""
        leaf = bisect_left(self.heads, text) - 1
        if leaf < 0:
            return 0
        return leaf * _LEAF + bisect_left(zlib.decompress(self.pressed[leaf]).split(b"\n"), text)
