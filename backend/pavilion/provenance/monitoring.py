"""Watching a log from outside: what it publishes is fetched, computed anew and held against everything seen before.

Needs neither database nor settings: an address, and a file that remembers the last look.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pavilion.kernel.canon import canonical, read_json
from pavilion.kernel.clock import EPOCH
from pavilion.kernel.cosigning import BadPolicy, Policy, parse_policy
from pavilion.kernel.files import replace_text
from pavilion.kernel.merkle import EMPTY_ROOT, CompactTree, leaf_hash, verify_consistency
from pavilion.kernel.signing import BadNote, Checkpoint, Note, VerifierKey, parse_checkpoint, parse_note
from pavilion.kernel.tiles import (
    ENTRIES,
    WIDTH,
    Reader,
    decode_bundle,
    grow,
    prove_consistency,
    tile_path,
    tile_width,
)
from pavilion.provenance.witness import view_path

STALL = timedelta(minutes=10)
KINDS = ("event", "verdict", "passport", "status", "table", "trust", "outcome", "decision")
MEMBERS = {"v", "kind", "commit", "issuer", "t"}
_COMMIT = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")

FORK, WENT_BACK, UNKNOWN_KEY = "FORK", "WENT-BACK", "UNKNOWN-KEY"
STALLED, UNKNOWN_KIND, BAD_ENTRY = "STALLED", "UNKNOWN-KIND", "BAD-ENTRY"
BAD_TILE, BELOW_QUORUM = "BAD-TILE", "BELOW-QUORUM"

Fetch = Callable[[str], bytes | None]  # by full address; None where nothing is; an OSError when nobody answers


class Alarm(Exception):
    """The log did what no honest log does. `evidence` are the notes that show it."""

    def __init__(self, code: str, fact: str, evidence: Sequence[str] = ()) -> None:
        super().__init__(f"{code}: {fact}")
        self.code, self.fact, self.evidence = code, fact, tuple(evidence)


class Unknown(Exception):
    """Nothing can be said: the log does not answer, or what it says of its keys cannot be read."""


class Logged(NamedTuple):
    place: int
    kind: str
    issuer: str
    t: str
    commit: str

    def __str__(self) -> str:
        return f"{self.place} {self.kind} {self.t} {self.issuer} {self.commit}"


@dataclass(frozen=True, slots=True)
class Memory:
    """What the last look left: the policy taken at first sight, and the tree up to the last checkpoint."""

    policy: str = ""
    size: int = 0
    frontier: tuple[str, ...] = ()
    note: str = ""
    alive: int = 0  # the last second at which the log is known to have lived

    @property
    def root(self) -> bytes:
        return self.tree().root() if self.size else EMPTY_ROOT

    def tree(self) -> CompactTree:
        return CompactTree(self.size, [bytes.fromhex(part) for part in self.frontier])


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found; nothing was wrong."""

    memory: Memory
    new: tuple[Logged, ...]
    witnesses: tuple[str, ...]  # whose lines the checkpoint carries
    asked: int
    notes: tuple[str, ...] = field(default=())


def look(address: str, memory: Memory, fetch: Fetch, now: datetime) -> Look:
    """The log at this address continues what is remembered, and says nothing else to its witnesses; or Alarm."""
    address = address.rstrip("/")
    policy = _policy(address, memory, fetch)
    memory = replace(memory, policy=policy.text)
    raw = fetch(f"{address}/checkpoint")
    if raw is None:
        if memory.size:
            raise Alarm(WENT_BACK, f"no checkpoint any more, after one of {memory.size} entries", [memory.note])
        return Look(memory, (), (), len(policy.witnesses), ("the log has no checkpoint yet",))
    note, seen = _checked(raw, policy)
    if seen.size < memory.size:
        raise Alarm(WENT_BACK, f"from {memory.size} entries to {seen.size}", [memory.note, _text(raw)])
    if seen.size == memory.size and seen.root != memory.root:
        raise Alarm(FORK, f"two roots for {seen.size} entries", [memory.note, _text(raw)])
    tree, new = _rebuilt(address, memory, seen, fetch, [memory.note, _text(raw)])
    cosigned = policy.cosigners(note)
    alive = _alive(policy, cosigned, now)
    notes = tuple(_views(address, policy, note, seen, fetch))
    after = Memory(policy.text, tree.size, tuple(part.hex() for part in tree.frontier), _text(raw), alive)
    return Look(after, new, tuple(cosigned), len(policy.witnesses), notes)


def check_alive(memory: Memory, begun: datetime, now: datetime) -> None:
    """Alarm when nothing has been heard of the log for too long, or ever since the watch began."""
    alive = memory.alive or _seconds(begun)
    if now - (EPOCH + timedelta(seconds=alive)) > STALL:
        raise Alarm(STALLED, f"no sign of life since {_stamp(alive)}")


def pinned(memory: Memory, policy: str) -> Memory:
    """This policy counts, whatever the log says of itself."""
    parse_policy(policy)
    return replace(memory, policy=policy)


def read_memory(path: Path) -> Memory:
    """What is remembered in this file; nothing if there is none. A ValueError if it is not ours."""
    if not path.exists():
        return Memory()
    facts = read_json(path.read_bytes(), 1_000_000)
    try:
        memory = Memory(**{**facts, "frontier": tuple(facts["frontier"])})
        memory.tree()
    except (TypeError, KeyError, AttributeError):
        raise ValueError(f"{path}: not what a monitor wrote") from None
    return memory


def write_memory(path: Path, memory: Memory) -> None:
    facts = {name: getattr(memory, name) for name in ("policy", "size", "frontier", "note", "alive")}
    replace_text(path, json.dumps(facts, indent=1, ensure_ascii=False))


# -- the checkpoint ---------------------------------------------------------------------------------------------------


def _policy(address: str, memory: Memory, fetch: Fetch) -> Policy:
    """The policy given or remembered; taken from the log itself only at first sight."""
    text = memory.policy
    if not text:
        raw = fetch(f"{address}/policy")
        if raw is None:
            raise Unknown("the log publishes no policy: name one")
        text = _text(raw)
    try:
        policy = parse_policy(text)
    except BadPolicy as fault:
        raise Unknown(f"the policy cannot be read: {fault}") from None
    if not policy.logs:
        raise Unknown("the policy names no log")
    return policy


def _checked(raw: bytes, policy: Policy) -> tuple[Note, Checkpoint]:
    """The checkpoint, signed by the log's key and by enough witnesses."""
    text = _text(raw)
    try:
        note = parse_note(text)
        seen = parse_checkpoint(note.text)
    except BadNote as fault:
        raise Alarm(UNKNOWN_KEY, f"the checkpoint is none: {fault}", [text]) from None
    if policy.signed_by(note) is None:
        raise Alarm(UNKNOWN_KEY, f"the checkpoint of {seen.origin} is not signed by a known key", [text])
    if not policy.enough(policy.cosigners(note)):
        raise Alarm(BELOW_QUORUM, "the checkpoint lacks witnesses", [text])
    return note, seen


def _alive(policy: Policy, cosigned: dict[str, int], now: datetime) -> int:
    """The last second somebody else vouches for; without witnesses, this one."""
    if not policy.witnesses:
        return _seconds(now)
    alive = max(cosigned.values(), default=0)
    if _seconds(now) - alive > STALL.total_seconds():
        raise Alarm(STALLED, f"the last cosignature is of {_stamp(alive)}")
    return alive


# -- the tree ---------------------------------------------------------------------------------------------------------


def _rebuilt(
    address: str, memory: Memory, seen: Checkpoint, fetch: Fetch, evidence: Sequence[str]
) -> tuple[CompactTree, tuple[Logged, ...]]:
    """The tree grown from the entries themselves up to the checkpoint, whose root it must have."""
    tree, new = memory.tree(), list[Logged]()
    first = memory.size // WIDTH
    for number in range(first, -(-seen.size // WIDTH)) if seen.size > memory.size else ():
        width = tile_width(0, number, seen.size)
        entries = _entries(address, number, width, fetch)
        leaves = [leaf_hash(entry) for entry in entries]
        if _tile(address, fetch, 0, number, width) != leaves:
            raise Alarm(BAD_TILE, f"{tile_path(0, number, width)} is not made of its entries", evidence)
        skip = max(0, memory.size - number * WIDTH)
        new += [_read_entry(number * WIDTH + k, entries[k]) for k in range(skip, width)]
        for level, place, value in grow(tree, leaves[skip:]):
            shown = _tile(address, fetch, level, place // WIDTH, tile_width(level, place // WIDTH, seen.size))
            if shown[place % WIDTH] != value:
                raise Alarm(BAD_TILE, f"{tile_path(level, place // WIDTH)} is not made of what is below", evidence)
    if tree.root() != seen.root:
        raise Alarm(FORK, f"the {seen.size} entries do not make the root that was signed", evidence)
    return tree, tuple(new)


def _entries(address: str, number: int, width: int, fetch: Fetch) -> list[bytes]:
    path = tile_path(ENTRIES, number, width)
    try:
        entries = decode_bundle(_got(address, path, number, ENTRIES, fetch))
    except ValueError:
        raise Alarm(BAD_TILE, f"{path} is no bundle of entries") from None
    if len(entries) < width:
        raise Alarm(BAD_TILE, f"{path} is too short")
    return entries[:width]


def _tile(address: str, fetch: Fetch, level: int, number: int, width: int) -> list[bytes]:
    path = tile_path(level, number, width)
    data = _got(address, path, number, level, fetch)
    if len(data) % 32 or len(data) < width * 32:
        raise Alarm(BAD_TILE, f"{path} has {len(data)} bytes")
    return [data[start : start + 32] for start in range(0, width * 32, 32)]


def _got(address: str, path: str, number: int, level: int, fetch: Fetch) -> bytes:
    """The partial tile, or the full one that has taken its place."""
    data = fetch(f"{address}/{path}")
    if data is None:
        data = fetch(f"{address}/{tile_path(level, number)}")
    if data is None:
        raise Alarm(WENT_BACK, f"{path} is not there, though a checkpoint covers it")
    return data


def _read_entry(place: int, entry: bytes) -> Logged:
    try:
        facts: Any = read_json(entry, 65_535)
        good = (
            isinstance(facts, dict)
            and set(facts) == MEMBERS
            and facts["v"] == 1
            and type(facts["v"]) is int
            and all(isinstance(facts[name], str) for name in MEMBERS - {"v"})
            and canonical(facts) == entry
            and _COMMIT.fullmatch(facts["commit"]) is not None
            and _TIME.fullmatch(facts["t"]) is not None
        )
    except ValueError:
        good = False
    if not good:
        raise Alarm(BAD_ENTRY, f"entry {place} has not the form of an entry")
    if facts["kind"] not in KINDS:
        raise Alarm(UNKNOWN_KIND, f"entry {place} is of kind {facts['kind'][:40]!r}")
    return Logged(place, facts["kind"], facts["issuer"], facts["t"], facts["commit"])


# -- what the witnesses were shown ------------------------------------------------------------------------------------


def _views(address: str, policy: Policy, note: Note, seen: Checkpoint, fetch: Fetch) -> Iterator[str]:
    """Each witness holds a checkpoint of the same tree; the words are about those of whom nothing can be said."""
    for witness in policy.witnesses:
        if not witness.url:
            continue
        try:
            raw = fetch(f"{witness.url.rstrip('/')}{view_path(seen.origin)}")
        except OSError:
            raw = None
        if raw is None:
            yield f"{witness.name} shows no view of the log"
            continue
        view = _view(raw, policy, witness.key)
        if view is None:
            yield f"{witness.name} shows something it did not sign"
        elif not _agree(address, view, seen, fetch):
            raise Alarm(FORK, f"{witness.name} was shown another tree of {view.size} entries", [note.text, _text(raw)])


def _view(raw: bytes, policy: Policy, key: VerifierKey) -> Checkpoint | None:
    try:
        note = parse_note(_text(raw))
        seen = parse_checkpoint(note.text)
    except BadNote:
        return None
    known = [witness.name for witness in policy.witnesses if witness.key == key]
    if policy.signed_by(note) is None or not set(known) <= set(policy.cosigners(note)):
        return None
    return seen


def _agree(address: str, one: Checkpoint, other: Checkpoint, fetch: Fetch) -> bool:
    """Whether the smaller tree begins the larger, shown by a proof made from the log's tiles."""
    small, large = sorted((one, other), key=lambda checkpoint: checkpoint.size)
    if small.size in (0, large.size):
        return small.root == (EMPTY_ROOT if small.size == 0 else large.root)
    try:
        proof = prove_consistency(_reader(address, large.size, fetch), small.size, large.size)
    except (Alarm, ValueError):
        return False
    return verify_consistency(small.size, large.size, small.root, large.root, proof)


def _reader(address: str, size: int, fetch: Fetch) -> Reader:
    found: dict[tuple[int, int], Sequence[bytes]] = {}

    def read(level: int, number: int) -> Sequence[bytes]:
        if (level, number) not in found:
            found[level, number] = _tile(address, fetch, level, number, tile_width(level, number, size))
        return found[level, number]

    return read


def of_issuer(entries: Iterable[Logged], issuer: str) -> list[Logged]:
    return [entry for entry in entries if entry.issuer == issuer]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _seconds(at: datetime) -> int:
    return int((at - EPOCH).total_seconds())


def _stamp(at_s: int) -> str:
    return (EPOCH + timedelta(seconds=at_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
