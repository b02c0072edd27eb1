"""Trees that can only grow (RFC 6962): a root fixes every leaf and their order. Pure."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class CompactTree:
    """Only what appending and the root need: one hash per full subtree, at most 64."""

    __slots__ = ("frontier", "size")

    def __init__(self, size: int = 0, frontier: Sequence[bytes] = ()) -> None:
        if size < 0 or len(frontier) != size.bit_count() or any(len(part) != 32 for part in frontier):
            raise ValueError("the frontier does not fit the size")
        self.size = size
        self.frontier = list(frontier)  # largest subtree first

    def append(self, leaf: bytes) -> None:
        """The tree has one more leaf, given by its hash."""
        size, frontier = self.size, self.frontier
        while size & 1:
            leaf = sha256(b"\x01" + frontier.pop() + leaf).digest()
            size >>= 1
        frontier.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        if not self.frontier:
            return EMPTY_ROOT
        root = self.frontier[-1]
        for left in reversed(self.frontier[:-1]):
            root = node_hash(left, root)
        return root

    def copy(self) -> "CompactTree":
        return CompactTree(self.size, self.frontier)


class Tree:
    """All full subtrees, so that every proof for every earlier size costs O(log n)."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: bytes) -> None:
        level = 0
        self._levels[0].append(leaf)
        while len(self._levels[level]) % 2 == 0:
            right = self._levels[level][-1]
            left = self._levels[level][-2]
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(node_hash(left, right))

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` leaves."""
        size = self.size if size is None else size
        self._within(0 <= size <= self.size)
        return self._span(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """What leaf `index` needs to reach the root of the first `size` leaves, from the leaf upwards."""
        size = self.size if size is None else size
        self._within(0 <= index < size <= self.size)
        path: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._span(middle, end))
                end = middle
            else:
                path.append(self._span(start, middle))
                start = middle
        return path[::-1]

    def consistency_proof(self, size1: int, size2: int | None = None) -> list[bytes]:
        """What shows that the first `size1` leaves begin the first `size2`."""
        size2 = self.size if size2 is None else size2
        self._within(1 <= size1 <= size2 <= self.size)
        path: list[bytes] = []
        start, end, whole = 0, size2, True
        while size1 != end:
            middle = start + _split(end - start)
            if size1 <= middle:
                path.append(self._span(middle, end))
                end = middle
            else:
                path.append(self._span(start, middle))
                start, whole = middle, False
        if not whole:
            path.append(self._span(start, end))
        return path[::-1]

    def _span(self, start: int, end: int) -> bytes:
        """The root of the leaves from `start` to before `end`; `start` is aligned as RFC 6962 splits."""
        parts: list[bytes] = []
        while start < end:
            level = (end - start).bit_length() - 1
            parts.append(self._levels[level][start >> level])
            start += 1 << level
        root = parts.pop()
        while parts:
            root = node_hash(parts.pop(), root)
        return root

    @staticmethod
    def _within(fits: bool) -> None:
        if not fits:
            raise ValueError("outside the tree")


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the leaf stands at `index` in the tree of this size and root. Any bad size is simply false."""
    if not (_wholes(index, size) and 0 <= index < size and _hashes(leaf, root, *proof)):
        return False
    inner = (index ^ (size - 1)).bit_length()
    if len(proof) != inner + (index >> inner).bit_count():
        return False
    for level, part in enumerate(proof):
        left = level >= inner or (index >> level) & 1
        leaf = node_hash(part, leaf) if left else node_hash(leaf, part)
    return leaf == root


def verify_consistency(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the second tree only added leaves to the first. Any bad size is simply false."""
    if not (_wholes(size1, size2) and 1 <= size1 <= size2):
        return False
    return verify_subtree_consistency(0, size1, size2, root1, root2, proof)


def verify_subtree_inclusion(
    leaf: bytes, index: int, start: int, end: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether the leaf stands at `index` of the whole tree, within the subtree [start, end) of this root."""
    if not (_wholes(index, start, end) and _is_subtree(start, end)):
        return False
    return verify_inclusion(leaf, index - start, end - start, proof, root)


def verify_subtree_consistency(
    start: int, end: int, size: int, subroot: bytes, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the subtree [start, end) of this root is part of the tree of this size and root."""
    if not (_wholes(start, end, size) and _is_subtree(start, end) and end <= size and _hashes(subroot, root, *proof)):
        return False
    if start == end:
        return not proof and subroot == EMPTY_ROOT
    parts = list(proof)
    fn, sn, tn = start, end - 1, size - 1
    if sn == tn:
        while fn != sn:
            fn, sn, tn = fn >> 1, sn >> 1, tn >> 1
    else:
        while fn != sn and sn & 1:
            fn, sn, tn = fn >> 1, sn >> 1, tn >> 1
    if fn == sn:
        first = second = subroot
    elif parts:
        first = second = parts.pop(0)
    else:
        return False
    for part in parts:
        if tn == 0:
            return False
        if sn & 1 or sn == tn:
            if fn < sn:
                first = node_hash(part, first)
            second = node_hash(part, second)
            while not sn & 1:
                fn, sn, tn = fn >> 1, sn >> 1, tn >> 1
        else:
            second = node_hash(second, part)
        fn, sn, tn = fn >> 1, sn >> 1, tn >> 1
    return tn == 0 and first == subroot and second == root


def _is_subtree(start: int, end: int) -> bool:
    """The span is a node of the tree, or one that its end cuts short."""
    return 0 <= start <= end and (start == end or start % (1 << (end - start - 1).bit_length()) == 0)


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _wholes(*values: object) -> bool:
    return all(type(value) is int for value in values)


def _hashes(*values: object) -> bool:
    return all(isinstance(value, bytes) and len(value) == 32 for value in values)
