"""A log's tree cut into tiles of 256 hashes (C2SP tlog-tiles): what is stored and served, and proofs made from it.
Pure: whoever has the tiles hands in a reader."""

import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from pavilion.kernel.merkle import EMPTY_ROOT, CompactTree, node_hash

WIDTH = 256
MAX_ENTRY = 65_535
_LEVELS = 8  # of the tree within one tile
_MAX_LEVEL = 63
_NUMBER = r"(?:x[0-9]{3}/){0,5}[0-9]{3}"
_PATH = re.compile(
    rf"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<number>{_NUMBER})(?:\.p/(?P<width>[1-9][0-9]{{0,2}}))?", re.ASCII
)

Reader = Callable[[int, int], Sequence[bytes]]  # level, tile: its hashes, as many as the tree has at least


class TilePath(NamedTuple):
    level: int  # -1 for a bundle of entries
    number: int
    width: int


class Node(NamedTuple):
    """The hash at `number` of tile level `level`: the root of 256 ** level leaves."""

    level: int
    number: int
    hash: bytes


ENTRIES = -1


def tile_path(level: int, n: int, width: int = WIDTH) -> str:
    """The path of a tile below the log's address; `ENTRIES` as level names a bundle of entries."""
    if not (ENTRIES <= level <= _MAX_LEVEL and 0 <= n < 1000**6 and 1 <= width <= WIDTH):
        raise ValueError("no such tile")
    parts = [f"{n % 1000:03d}"]
    while n := n // 1000:
        parts.insert(0, f"x{n % 1000:03d}")
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{'entries' if level == ENTRIES else level}/{'/'.join(parts)}{partial}"


def parse_tile_path(path: str) -> TilePath:
    """Inverse of `tile_path`; any other spelling is a ValueError."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise ValueError("not a tile's path")
    level = ENTRIES if match["level"] == "entries" else int(match["level"])
    number = int(match["number"].replace("x", "").replace("/", ""))
    width = WIDTH if match["width"] is None else int(match["width"])
    if level > _MAX_LEVEL or tile_path(level, number, width) != path:
        raise ValueError("not a tile's path")
    return TilePath(level, number, width)


def tile_width(level: int, n: int, size: int) -> int:
    """How many hashes that tile has in a tree of this size; 0 if it has none."""
    return max(0, min(WIDTH, (size >> (_LEVELS * max(level, 0))) - n * WIDTH))


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise ValueError("an entry is too long")
        parts += (len(entry).to_bytes(2), entry)
    return b"".join(parts)


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle; a ValueError if it does not end with one of them, or holds more than a tile."""
    entries: list[bytes] = []
    place = 0
    while place < len(data):
        end = place + 2 + int.from_bytes(data[place : place + 2])
        if place + 2 > len(data) or end > len(data) or len(entries) == WIDTH:
            raise ValueError("not a bundle of entries")
        entries.append(data[place + 2 : end])
        place = end
    return entries


def grow(tree: CompactTree, leaves: Iterable[bytes]) -> list[Node]:
    """The tree has these leaves more; the answer is every node above them that a tile holds and that is now full."""
    size, frontier, found = tree.size, tree.frontier, []
    for leaf in leaves:
        number, level = size, 0
        while number & 1:
            leaf = sha256(b"\x01" + frontier.pop() + leaf).digest()
            number >>= 1
            level += 1
            if level & 7 == 0:
                found.append(Node(level >> 3, number, leaf))
        frontier.append(leaf)
        size += 1
    tree.size = size
    return found


def tree_root(reader: Reader, size: int) -> bytes:
    """The root of the first `size` leaves."""
    return _span(reader, 0, size) if size else EMPTY_ROOT


def prove_inclusion(reader: Reader, index: int, size: int) -> list[bytes]:
    """What leaf `index` needs to reach the root of the first `size` leaves, from the leaf upwards."""
    return [_span(reader, start, end) for start, end in inclusion_spans(index, size)]


def prove_consistency(reader: Reader, size1: int, size2: int) -> list[bytes]:
    """What shows that the first `size1` leaves begin the first `size2`."""
    return [_span(reader, start, end) for start, end in consistency_spans(size1, size2)]


def inclusion_spans(index: int, size: int) -> list[tuple[int, int]]:
    """Which leaves each hash of the proof stands for."""
    if not 0 <= index < size:
        raise ValueError("outside the tree")
    spans: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(size1: int, size2: int) -> list[tuple[int, int]]:
    if not 1 <= size1 <= size2:
        raise ValueError("outside the tree")
    spans: list[tuple[int, int]] = []
    start, end, whole = 0, size2, True
    while size1 != end:
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if size1 <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start, whole = middle, False
    if not whole:
        spans.append((start, end))
    return spans[::-1]


def tiles_of(spans: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Level and number of every tile from which the roots of these spans are made."""
    return {
        (level // _LEVELS, (number << level % _LEVELS) // WIDTH)
        for start, end in spans
        for level, number in _subtrees(start, end)
    }


def _span(reader: Reader, start: int, end: int) -> bytes:
    """The root of the leaves from `start` to before `end`; `start` is aligned as RFC 6962 splits."""
    parts = [_subtree(reader, level, number) for level, number in _subtrees(start, end)]
    root = parts.pop()
    while parts:
        root = node_hash(parts.pop(), root)
    return root


def _subtrees(start: int, end: int) -> Iterable[tuple[int, int]]:
    """The full subtrees of the span, the largest first: level of the tree, and number at that level."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _subtree(reader: Reader, level: int, number: int) -> bytes:
    within = level % _LEVELS
    first = number << within
    hashes = reader(level // _LEVELS, first // WIDTH)[first % WIDTH : first % WIDTH + (1 << within)]
    if len(hashes) != 1 << within:
        raise ValueError("the tile is too short")
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]
