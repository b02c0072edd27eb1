"""Which line of a batch was altered, when its signed root does not come out. Pure.

The chains help: every event names the hash of the one before it in its book, so an altered event leaves a name that
nothing bears. Each guess is tried against the signed root, and only a guess that brings it out is certain.
"""

from collections.abc import Callable, Iterable, Sequence

from pavilion.bidding.reading import Event, Leaf, Line
from pavilion.kernel.tlog import CompactTree

MOST_TRIED = 600  # events of a batch: the engine's largest batch is smaller
MOST_NAMES = 8

Batch = Sequence[tuple[int, Event | Leaf]]
Named = tuple[int, str, str]  # line, rule, fact


def name_line(
    lines: Iterable[tuple[int, Line]],
    tree: CompactTree,
    batch: Batch,
    checkpoint: int,
    size: int,
    root: bytes,
    replay_fault: Callable[[int], int | None],
) -> Named:
    """The first line that is not what was signed; `checkpoint` is the line of the signed root."""
    leaves = [one.hash for _, one in batch]
    due = size - tree.size
    gap = next((at for place, (at, one) in enumerate(batch, start=tree.size) if one.n != place), None)
    if len(batch) > due and 0 < len(batch) <= MOST_TRIED:
        extra = len(batch) - due
        for k in range(len(batch) - extra, -1, -1):
            if _comes_out(tree, leaves[:k] + leaves[k + extra :], root):
                return batch[k][0], "tree", "was not among the events that were signed"
    if len(batch) < due:
        return gap or checkpoint, "order", "an event is missing before this line"
    if len(batch) == due and due <= MOST_TRIED:
        ranked = [one.hash for _, one in sorted(batch, key=lambda place: place[1].n)]
        if gap is not None and _comes_out(tree, ranked, root):
            return gap, "order", "stands in another place than was signed"
        names, borne = _names(lines)
        for name in [name for name in names if name not in borne][:MOST_NAMES]:
            for k in range(len(batch)):
                if _comes_out(tree, [*leaves[:k], name, *leaves[k + 1 :]], root):
                    return batch[k][0], "hash", "is not the event that was signed"
        return _likeliest(batch, names, gap, checkpoint, replay_fault)
    return gap or (batch[0][0] if batch else checkpoint), "tree", "the signed root does not come out"


def _likeliest(
    batch: Batch,
    names: dict[bytes, None],
    gap: int | None,
    checkpoint: int,
    replay_fault: Callable[[int], int | None],
) -> Named:
    """No guess is certain: an event whose hash a later one names is good, so it is one of the others."""
    left = [at for at, one in batch if one.hash not in names]
    if len(left) == 1:
        return left[0], "hash", "is not the event that was signed"
    fault = replay_fault(checkpoint)
    if fault is not None and fault in left:
        return fault, "hash", "is not the event that was signed"
    if gap is not None or not left:
        return gap or checkpoint, "tree", "the signed root does not come out"
    return left[0], "tree", f"not all of the lines {', '.join(map(str, left[:20]))} are what was signed"


def _comes_out(tree: CompactTree, leaves: Sequence[bytes], root: bytes) -> bool:
    trial = tree.copy()
    for leaf in leaves:
        trial.append(leaf)
    return trial.root() == root


def _names(lines: Iterable[tuple[int, Line]]) -> tuple[dict[bytes, None], set[bytes]]:
    """All hashes that events name as the one before them, in order; and all that events and leaves bear."""
    names: dict[bytes, None] = {}
    borne = {bytes(32)}
    for _, line in lines:
        if isinstance(line, Event):
            names[line.prev] = None
        if isinstance(line, Event | Leaf):
            borne.add(line.hash)
    return names, borne
