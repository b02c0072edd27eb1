"""What a verifier says: one line for each check, and the last line. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

DONE, FALSE, UNDECIDED = 0, 1, 2
CHECKS: Final = (
    *("KEYS", "SCHEMA", "CONTEXT", "PROOF-DI", "PROOF-JWT", "HOLDER", "KEY-PERIOD", "VALIDITY", "STATUS", "LEAF"),
    *("INCLUSION", "CHECKPOINT", "WITNESS", "MANIFEST", "TABLES", "VERDICT", "COUNTERSIGN", "OPENING"),
)
_PLACE: Final = {name: place for place, name in enumerate(CHECKS)}

State = Literal["ok", "FAIL", "skip", "note"]


@dataclass(frozen=True, slots=True)
class Line:
    """One check: `skip` was not done and proves nothing, `note` is no check. `fact` has places for `facts`, so that a
    page can say it in its reader's language."""

    state: State
    name: str
    fact: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def said(self) -> str:
        return self.fact % self.facts if self.facts else self.fact

    def __str__(self) -> str:
        return f"{self.state} {self.name}: {self.said}"


@dataclass(frozen=True, slots=True)
class Report:
    lines: Sequence[Line]
    verdict: str  # the last line: `VALID, grade A, as of DAY, witnesses 2 of 3`, `NOT VALID: CODE`, `NOT DECIDED: CODE`
    exit: int
    code: str | None = None

    def __str__(self) -> str:
        return "\n".join([*map(str, self.lines), self.verdict])

    def document(self) -> dict[str, Any]:
        lines = [{"state": line.state, "check": line.name, "fact": line.said} for line in self.lines]
        return {"verdict": self.verdict, "code": self.code, "exit": self.exit, "lines": lines}


class Examination:
    """Lines as they are found, in whatever order, and whether anything is false or open."""

    __slots__ = ("lines", "open_at")

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.open_at: list[str] = []

    def ok(self, name: str, fact: str, /, **facts: object) -> None:
        self.lines.append(Line("ok", name, fact, facts))

    def fail(self, name: str, fact: str, /, **facts: object) -> None:
        self.lines.append(Line("FAIL", name, fact, facts))

    def skip(self, name: str, fact: str, /, **facts: object) -> None:
        self.lines.append(Line("skip", name, fact, facts))

    def note(self, name: str, fact: str, /, **facts: object) -> None:
        self.lines.append(Line("note", name, fact, facts))

    def undecided(self, name: str, fact: str, /, **facts: object) -> None:
        """What could not be done although the answer hangs on it."""
        self.open_at.append(name)
        self.skip(name, fact, **facts)

    @property
    def sound(self) -> bool:
        """Nothing false or open so far."""
        return not self.open_at and all(line.state != "FAIL" for line in self.lines)

    def report(self, valid: str) -> Report:
        """The lines in their fixed order; `valid` is the last line if nothing speaks against it."""
        lines = sorted(self.lines, key=lambda line: _PLACE[line.name])
        failed = [line.name for line in lines if line.state == "FAIL"]
        if failed:
            return Report(lines, f"NOT VALID: {failed[0]}", FALSE, failed[0])
        if self.open_at:
            code = min(self.open_at, key=_PLACE.__getitem__)
            return Report(lines, f"NOT DECIDED: {code}", UNDECIDED, code)
        return Report(lines, valid, DONE)
