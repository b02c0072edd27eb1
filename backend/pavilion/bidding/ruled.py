"""By which rule set a lot is listed that comes after the publication of its sale. Pure: the engine and the verifier go
by it.

An amendment says as `later` whether lots that are listed from then on run by it: they do if it names every lot that
runs without a live bid. A lot that brings another one back runs as that one would, so the last amendment that named
it, or that holds for later lots, decides. One without the member is older than this rule and holds for the lots that
it names and no others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

Given = tuple[int, str]  # in which event of the sale's log, and the hash


@dataclass(frozen=True, slots=True)
class Ruled:
    """Since the last publication. A lot that is not in `of` is due what holds for later ones."""

    later: Given = (-1, "")
    of: Mapping[str, Given] = field(default_factory=dict)

    def due(self, again_of: str | None = None) -> str:
        """The hash of the rules of a lot that is listed now; `again_of`: the lot whose stones it brings back."""
        return self._given(again_of)[1]

    def amended(self, n: int, to: str, lots: Iterable[str], later: bool | None) -> "Ruled":
        """`later`: as the amendment says, None of one that does not."""
        if later is None:
            return self
        given = (n, to)
        return replace(self, later=given if later else self.later, of={**self.of, **dict.fromkeys(lots, given)})

    def listed(self, lot: str, again_of: str | None, rules: str | None = None) -> "Ruled":
        """A lot that comes back again after this one runs as this one does: by `rules` where they are told."""
        if again_of is None:
            return self
        given = self._given(again_of) if rules is None else max(one for one in self._open() if one[1] == rules)
        return replace(self, of={**self.of, lot: given})

    def open(self) -> frozenset[str]:
        """What may be due to a lot that brings back one of which nothing is known."""
        return frozenset(rules for _, rules in self._open())

    def _open(self) -> set[Given]:
        return {self.later} | {given for given in self.of.values() if given > self.later}

    def _given(self, again_of: str | None) -> Given:
        return max(self.later, self.of.get(again_of or "", self.later))
