"""The public record of a closed sale, line by line. Pure: the rows come from the book, hidden lots as bare hashes."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from pavilion.kernel.canon import canonical, read_json
from pavilion.kernel.instants import from_stamp, micros

DAY = 86_400_000_000


class EventRow(Protocol):
    @property
    def n(self) -> int: ...
    @property
    def lot(self) -> str | None: ...
    @property
    def type(self) -> str: ...
    @property
    def hash(self) -> str: ...
    @property
    def body(self) -> str: ...


class RootRow(Protocol):
    @property
    def size(self) -> int: ...
    @property
    def text(self) -> str: ...


def record_lines(
    sale: str,
    rules: Mapping[str, Any],
    keys: Sequence[str],
    events: Iterable[EventRow],
    checkpoints: Iterable[RootRow],
    bids: Iterable[tuple[int, int, str, str]],
    reserves: Iterable[tuple[str, int, str]],
    hidden: Collection[str] = (),
    tender: Iterable[bytes] = (),
    others: Iterable[Mapping[str, Any]] = (),
) -> Iterator[bytes]:
    """Header, the other rule sets that the events name, each batch with its checkpoint, then the openings: bids
    (n, amount, nonce, key) and reserves (lot, reserve, nonce). `hidden` names the lots of
    which nothing is shown yet."""
    yield _line(
        {"kind": "header", "v": 1, "sale": sale, "rules": rules, "keys": list(keys), "openings": rules["openings"]}
    )
    for other in others:
        yield _line({"kind": "rules", "rules": other})
    roots = iter(checkpoints)
    root = next(roots, None)
    unseen: set[int] = set()
    for event in events:
        if event.lot is not None and event.lot in hidden:
            unseen.add(event.n)
            yield _line({"kind": "leaf", "n": event.n, "hash": event.hash})
        else:
            yield b'{"event":' + event.body.encode() + b',"kind":"event"}\n'
        while root is not None and root.size == event.n + 1:
            yield _line({"kind": "checkpoint", "text": root.text})
            root = next(roots, None)
    for n, amount, nonce, key in sorted(bids):
        if n not in unseen:
            yield _line({"kind": "opening", "n": n, "amount": amount, "nonce": nonce, "key": key})
    for lot, reserve, nonce in sorted(reserves):
        if lot not in hidden:
            yield _line({"kind": "opening", "lot": lot, "reserve": reserve, "nonce": nonce})
    yield from tender


def hidden_lots(
    events: Iterable[EventRow],
    rules: Mapping[str, Any],
    opened: Collection[int],
    now: int,
    offered_again: Collection[str] = (),
) -> set[str]:
    """The passed lots of which nothing is shown at `now` (microseconds), since they may still be sold by hand: for so
    many days as the rules say, and for as long as their bids are not opened. `opened` holds the n of opened bids."""
    wait = rules["passed_offer_days"] * DAY
    passed: dict[str, bool] = {}  # lot -> whether its days are over
    unopened: set[str] = set()
    for event in events:
        if event.lot is None:
            continue
        if event.type in ("bid.accepted", "bid.refused") and event.n not in opened:
            unopened.add(event.lot)
        elif event.type == "lot.passed":
            over = micros(from_stamp(read_json(event.body)["at"])) + wait <= now
            passed[event.lot] = over or event.lot in offered_again
    return {lot for lot, over in passed.items() if not over or lot in unopened}


def _line(doc: Mapping[str, Any]) -> bytes:
    return canonical(dict(doc)) + b"\n"
