"""An amendment in a record: it holds for lots without a live bid, by two persons' word, and moves only what it may."""

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from pavilion.bidding import amending
from pavilion.bidding.claims import Lot, must
from pavilion.bidding.reading import Event
from pavilion.bidding.rules import RuleSet

if TYPE_CHECKING:
    from pavilion.bidding.replaying import Replay

RULE = "amendment"
RUNNING = frozenset({"listed", "open", "paused"})
FINAL = frozenset({"sold", "passed", "withdrawn"})


def amended(replay: "Replay", line: Event) -> None:
    """These lots go by the new rules from here on; an end that moves with them is told by the lot's next event."""
    data = line.data
    must(replay.state in ("published", "open", "paused"), "state", "amended while the sale does not run")
    two_agreed(line)
    named = dict.fromkeys(data["lots"])
    must(len(named) == len(data["lots"]) > 0, RULE, "names no lot, or one of them twice")
    new = replay.documents.get(data["to"])
    must(new is not None, "rules", f"the rule set {data['to']} is not in the record")
    assert new is not None
    lots = [_lot(replay, line, name) for name in named]
    old = replay.documents.get(data["from"])
    must(old is not None, "rules", f"the rule set {data['from']} is not in the record")
    assert old is not None
    every = all(name in named for name, lot in replay.lots.items() if lot.state not in FINAL)
    must(amending.judge(old, new, every_lot=every) is None, RULE, "changes what an amendment may not change")
    _later(replay, line, named)
    for lot in lots:
        if lot is not None:
            _move(replay, line, lot, new)


def _later(replay: "Replay", line: Event, named: Collection[str]) -> None:
    """Lots that are listed from here on run by it if no lot without a live bid was left out."""
    free = (name not in named and lot.state in RUNNING and not lot.live for name, lot in replay.lots.items())
    later: bool | None = line.data.get("later")
    if later is not None:
        fits = not any(free) if later else replay.hidden > 0 or any(free)
        must(fits, RULE, "says of later lots what does not follow from the lots it names")
    replay.ruled = replay.ruled.amended(line.n, line.data["to"], named, later)


def _lot(replay: "Replay", line: Event, name: str) -> Lot | None:
    """The lot as it stands, or None where the record does not show it yet."""
    lot = replay.lots.get(name)
    must(lot is not None or replay.hidden > 0, RULE, f"lot {name} was never listed")
    if lot is None:
        return None
    must(lot.state in RUNNING, RULE, f"lot {name} is not running")
    must(not lot.live, RULE, f"lot {name} has a live bid")
    must(lot.rules_hash == line.data["from"], RULE, f"lot {name} has other rules than those amended")
    must(lot.state != "open" or line.at < lot.clock.end, "late", f"lot {name} is at its end")
    return lot


def _move(replay: "Replay", line: Event, lot: Lot, new: RuleSet) -> None:
    known = (lot.rules, new, lot.place, replay.published_lots, lot.clock)
    must(amending.judge_clock(*known) is None, RULE, "brings an end forward, or past the hard end")
    after = amending.clock_after(*known)
    lot.owed = after.end if after.end != lot.clock.end else None
    lot.clock = replace(lot.clock, hard_end=after.hard_end)
    lot.rules, lot.rules_hash = new, line.data["to"]


def two_agreed(line: Event, none_for: str | None = None) -> None:
    """Two different members of staff agreed."""
    ok = line.data.get("ok", [])
    if not ok and none_for is not None and line.data.get("reason") == none_for:
        return
    must(len(ok) == 2 and ok[0] != ok[1], "approval", "two different persons must agree")
