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
    place = replay.listing[line.lot] = _place(replay, rules, line)
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
    """Those of the sale, unless an amendment holds for this lot too; then the listing names them. Where the lot that
    comes back is one of which the record shows nothing, what it ran by is taken as told, if it may have."""
    assert line.lot is not None
    again_of, ruled = line.data.get("reoffer_of"), replay.ruled
    told: str = line.data.get("rules", replay.rules_hash)
    unseen = replay.hidden > 0 and again_of is not None and again_of not in {**replay.listing, **ruled.of}
    fits = told in ruled.open() if unseen else told == ruled.due(again_of)
    must(fits, "rules", "is not listed by the rules that were due")
    replay.ruled = ruled.listed(line.lot, again_of, told if unseen else None)
    return replay.documents.get(told, replay.rules), told


def _place(replay: "Replay", rules: RuleSet, line: Event) -> int:
    """In the plan of ends, behind all that were listed before; of lots that the record does not show the end tells how
    many these were."""
    assert line.lot is not None
    if line.lot in replay.listing:
        return replay.listing[line.lot]
    place = max(replay.listing.values(), default=-1) + 1
    if replay.state == "published" and not rules.clerked:
        last, end = place + replay.hidden, line.data["end"]
        while place < last and _late(replay, rules, place) < end:
            place += 1
    return place


def _late(replay: "Replay", rules: RuleSet, place: int) -> int:
    """The end of a lot that is added at this place before the opening."""
    soft = rules.soft_close
    return closing.late(soft, rules.stagger.planned(place, replay.published_lots, soft.scope))


def _planned(replay: "Replay", rules: RuleSet, line: Event, place: int) -> int | None:
    """The end of the lot that is listed, by its rule set; None where it could not run."""
    if rules.clerked:
        return closing.NEVER
    soft, stagger = rules.soft_close, rules.stagger
    end = stagger.planned(place, replay.published_lots, soft.scope)
    if replay.state == "published":
        return end if place < replay.published_lots else _late(replay, rules, place)
    running = [lot.clock.end for lot in replay.lots.values() if lot.state in RUNNING]
    if replay.hidden:  # a lot that is not shown yet may have run for longer
        told: int = line.data["end"]
        running.append(told - (0 if soft.scope == "group" else stagger.interval))
    return closing.again(soft, end, running, line.at, stagger.interval)
