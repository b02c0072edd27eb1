"""The lines that a tender's record adds at its end: weights, envelopes, and after each envelope its shares. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pavilion.kernel.canon import canonical, read_json


@dataclass(frozen=True, slots=True)
class WeightLine:
    """What turned the entries of a lot into totals: milli-carat, and the benchmark per carat if there was one."""

    lot: str
    mct: int
    benchmark: int | None


@dataclass(frozen=True, slots=True)
class EnvelopeLine:
    lot: str
    bidder: str
    envelope: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ShareLine:
    """A share of the envelope before it."""

    lot: str
    bidder: str
    x: int
    share: str


TenderLine = WeightLine | EnvelopeLine | ShareLine


class Weight(Protocol):
    @property
    def lot(self) -> str: ...
    @property
    def mct(self) -> int: ...
    @property
    def benchmark_ppc(self) -> int | None: ...


def record_tail(
    weights: Iterable[Weight], opened: Iterable[tuple[str, str, str, str]], hidden: Collection[str] = ()
) -> Iterator[bytes]:
    """The lines of a tender. `opened`: lot, bidder, envelope text, shares as JSON, in the order of the book."""
    for one in weights:
        if one.lot not in hidden:
            yield _line({"kind": "weight", "lot": one.lot, "mct": one.mct, "benchmark": one.benchmark_ppc})
    for lot, bidder, envelope, shares in opened:
        if lot in hidden:
            continue
        yield _line({"kind": "envelope", "lot": lot, "bidder": bidder, "envelope": read_json(envelope.encode())})
        told: Mapping[str, str] = read_json(shares.encode())
        for x in sorted(map(int, told)):
            yield _line({"kind": "share", "lot": lot, "bidder": bidder, "x": x, "share": told[str(x)]})


def _line(doc: Mapping[str, Any]) -> bytes:
    return canonical(dict(doc)) + b"\n"
