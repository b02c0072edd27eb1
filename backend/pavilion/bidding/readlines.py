"""The lines of a record, each read once where memory allows: the verifier goes over them several times. Pure."""

from collections.abc import Callable, Iterator
from itertools import islice

from pavilion.bidding.reading import BadLine, Line, read_line

MOST_KEPT = 500_000  # lines: a sale of a quarter of a million events, in about a gigabyte; what follows is read anew


class ReadLines:
    """`raw` gives the record from its beginning, each line with its newline, as often as it is asked."""

    def __init__(self, raw: Callable[[], Iterator[bytes]], most: int = MOST_KEPT) -> None:
        self.raw, self.most = raw, most
        self._kept: list[Line | BadLine] = []
        self._rest = raw()

    def all(self) -> Iterator[tuple[int, Line | BadLine]]:
        """Every line by its number from 1: read, or what keeps it from being read."""
        number = 0
        while number < len(self._kept) or self._keep():
            yield number + 1, self._kept[number]
            number += 1
        if number >= self.most:
            for at, raw in enumerate(islice(self.raw(), number, None), start=number + 1):
                yield at, _read(raw)

    def good(self, until: int | None = None) -> Iterator[tuple[int, Line]]:
        """The lines that can be read, up to this one."""
        for number, line in self.all():
            if until is not None and number > until:
                return
            if not isinstance(line, BadLine):
                yield number, line

    def _keep(self) -> bool:
        if len(self._kept) >= self.most or (raw := next(self._rest, None)) is None:
            return False
        self._kept.append(_read(raw))
        return True


def _read(raw: bytes) -> Line | BadLine:
    try:
        return read_line(raw)
    except BadLine as bad:
        return bad
