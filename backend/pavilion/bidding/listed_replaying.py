"""A lot that is listed, in a record: in its turn, by the rules that are due to it, and with the end that follows."""

from typing import TYPE_CHECKING

from pavilion.bidding import closing
from pavilion.bidding.claims import Lot, must
from pavilion.bidding.reading import Event
from pavilion.bidding.rules import RuleSet, Standing

if TYPE_CHECKING:
    from pavilion.bidding.replaying import Replay

RUNNING = frozenset({"listed", "open", "paused"})


def listed(replay: "Replay", line: Event) -> None:
    """The lot stands in the replay."""
    assert line.lot is not None
    data, known = line.data, replay.lots.get(line.lot)
    fits = _offered_again(replay, line) or replay.state == "published"
    must(fits, "state", "listed while the sale is not published")
    seq, prev = (known.seq, known.hash) if known else (0, replay.published)
    must(line.seq == seq + 1, "seq", f"{line.seq} after {seq} in the lot's book")
    must(line.prev == prev, "prev", "does not follow from the publication or the lot's book")
    later = line.at > known.at if known else line.at >= replay.at
    must(line.t == line.at and later, "time", "does not come after the event before it")
    rules, rules_hash = _rules(replay, line)
    place = replay.listing.setdefault(line.lot, len(replay.listing))
    end = closing.NEVER if data["end"] is None else data["end"]
    must(end == _planned(replay, rules, line, place), "end", "is not the end by the rule set")
    lot = Lot(
        number=data["number"],
        currency=data["currency"],
        opening=data["opening"],
        clock=closing.Clock(end, closing.hard_end_of(rules.soft_close, end)),
        reserve_commit=data["reserve_commit"],
        hash=line.hash,
        seq=line.seq,
        at=line.at,
        stands=Standing(None, None, data["opening"], None if data["reserve_commit"] is None else False),
        rules=rules,
        rules_hash=rules_hash,
        place=place,
    )
    lot.least = lot.opening
    must(lot.currency == rules.currency, "currency", "is not that of the rule set")
    replay.lots[line.lot] = lot


def _offered_again(replay: "Replay", line: Event) -> bool:
    """Whether the listing brings back a lot that ended without a buyer while the sale goes on."""
    if "reoffer_of" not in line.data:
        return False
    old = replay.lots.get(line.data["reoffer_of"])
    unsold = replay.hidden > 0 or (old is not None and old.state in ("passed", "withdrawn"))
    must(unsold, "state", "offers again what did not end without a buyer")
    must(not replay.tender.closed, "state", "offered again after the closing of the tender")
    return line.lot not in replay.lots and replay.state in ("open", "paused")


def _rules(replay: "Replay", line: Event) -> tuple[RuleSet, str]:
    """Those of the sale, unless an amendment holds for this lot too; then the listing names them."""
    assert line.lot is not None
    again_of = line.data.get("reoffer_of")
    due = replay.ruled.due(again_of)
    must(line.data.get("rules", replay.rules_hash) == due, "rules", "is not listed by the rules that were due")
    replay.ruled = replay.ruled.listed(line.lot, again_of)
    return replay.documents.get(due, replay.rules), due


def _planned(replay: "Replay", rules: RuleSet, line: Event, place: int) -> int | None:
    """The end of the lot that is listed, by its rule set; None where it could not run."""
    if rules.clerked:
        return closing.NEVER
    soft, stagger = rules.soft_close, rules.stagger
    end = stagger.planned(place, replay.published_lots, soft.scope)
    if replay.state == "published":
        return end if place < replay.published_lots else closing.late(soft, end)
    running = [lot.clock.end for lot in replay.lots.values() if lot.state in RUNNING]
    if replay.hidden:  # a lot that is not shown yet may have run for longer
        told: int = line.data["end"]
        running.append(told - (0 if soft.scope == "group" else stagger.interval))
    return closing.again(soft, end, running, line.at, stagger.interval)
