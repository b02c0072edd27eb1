"""`pavilion verify`: whether what a passport, its bundle or a proof of the log says is true. Pure but for the resolver
it may be given; no database, no settings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

DONE, FALSE, UNDECIDED = 0, 1, 2
State = Literal["ok", "FAIL", "skip", "note"]
Resolver = Callable[[str], bytes | None]  # an address to what stands there; None when nobody answers


class Unreadable(ValueError):
    """Nothing that a verifier knows how to read, and why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One check: `skip` was not done and proves nothing, `note` is no check."""

    state: State
    name: str
    fact: str

    def __str__(self) -> str:
        return f"{self.state} {self.name}: {self.fact}"


@dataclass(frozen=True, slots=True)
class Report:
    lines: Sequence[Line]
    verdict: str  # the last line: `VALID, grade A, as of DAY, witnesses 2 of 3`, or `NOT VALID: CODE`
    exit: int

    def __str__(self) -> str:
        return "\n".join([*map(str, self.lines), self.verdict])

    def document(self) -> dict[str, Any]:
        lines = [{"state": line.state, "check": line.name, "fact": line.fact} for line in self.lines]
        return {"verdict": self.verdict, "exit": self.exit, "lines": lines}
