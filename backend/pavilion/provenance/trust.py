"""Who may sign what: the rows of the trust table, found by issuer; pure."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from pavilion.provenance.registries.port import plain_bytes
from pavilion.provenance.tables import Span


class TrustRow(NamedTuple):
    types: frozenset[str]
    cc: str | None
    lab: str | None
    span: Span


class Trust:
    """`sha256` names this state of the table; it stands in every verdict."""

    def __init__(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        """ValueError for rows that say who without saying what."""
        self._by_issuer: dict[str, list[TrustRow]] = defaultdict(list)
        kept = []
        for row in rows:
            if not isinstance(row.get("issuer"), str) or not isinstance(row.get("types"), list):
                raise ValueError("a row of the trust table names an issuer and what it may sign")
            span = Span(_day(row.get("from")), _day(row.get("to")))
            found = TrustRow(frozenset(row["types"]), row.get("cc"), row.get("lab"), span)
            self._by_issuer[row["issuer"]].append(found)
            kept.append(dict(row))
        self.document = plain_bytes(kept)
        self.sha256 = hashlib.sha256(self.document).hexdigest()
        self._kept = kept

    def with_(self, other: "Trust") -> "Trust":
        """The rows of both tables; what stands in both stands once."""
        if other is self or not other._kept:
            return self
        return _both(self, other) if self._kept else other

    def without(self, taken: Callable[[Mapping[str, Any]], bool]) -> "Trust":
        """The rows of which this is not true."""
        kept = [row for row in self._kept if not taken(row)]
        return self if len(kept) == len(self._kept) else Trust(kept)

    def rows(self, issuer: str | None, kind: str, day: date) -> Iterable[TrustRow]:
        """The rows that let this issuer sign such an event on this day."""
        for row in self._by_issuer.get(issuer or "", ()):
            if (kind in row.types or "*" in row.types) and row.span.holds(day):
                yield row


NOBODY = Trust()


@lru_cache(maxsize=8)
def _both(ours: Trust, others: Trust) -> Trust:
    return Trust([*ours._kept, *(row for row in others._kept if row not in ours._kept)])


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text[:10])
