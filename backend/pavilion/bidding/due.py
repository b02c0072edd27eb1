"""What time and the other domains bring to a sale without an act: its opening, the ends of its lots, lost verdicts,
interruptions given back."""

from collections.abc import Callable

from pavilion.bidding import clerking, closing, grouping, tendering
from pavilion.bidding.book import FINAL, VERIFIED_AGAIN, LotBook
from pavilion.bidding.deciding import Facts, LotFacts
from pavilion.bidding.folding import Book, Draft
from pavilion.bidding.texts import text_of

NEAR = 300 * 1_000_000  # lots that end so soon are paused when the clock cannot be trusted
HOLD_MOST = 15 * 60 * 1_000_000  # a held result decides itself after this
VERDICT_LOST = "verdict_lost"  # reason of a lot whose stone is no longer verified


def open_due(draft: Draft) -> None:
    """The sale and its listed lots are open once the hour has come."""
    if draft.state == "published" and draft.now >= draft.rules.opens_at:
        draft.write("sale.opened", {})
    if draft.state != "open":
        return
    if draft.rules.clerked is not None:
        return  # the clerk opens each lot
    for lot in draft.all_lots():
        if lot.state == "listed":
            draft.write("lot.opened", {"end": text_of(lot.end)}, draft.lot(lot.lot))


def close_due(draft: Draft, drained: Callable[[int], bool]) -> None:
    """Every lot whose end has come and whose bids have all been counted has its result; the sale ends with the last."""
    for name in [lot.lot for lot in draft.all_lots()]:
        seen = draft.look(name)
        if seen.state == "closing" and draft.rules.tender is None and draft.now >= (seen.closing_at or 0) + HOLD_MOST:
            clerking.decided(draft, seen)
        if seen.state != "open" or draft.now < seen.end or draft.state == "paused":
            continue
        if draft.now < seen.end + draft.rules.edge_delay and not drained(seen.end):
            continue
        slow = next((lot for lot in grouping.together(draft, seen, "open") if lot.slow and not lot.slowed), None)
        if slow is not None:
            later = closing.after_slow(slow.rules.soft_close, slow.clock()).end
            if later > seen.end:
                grouping.extended(draft, slow, later, "slow", grouping.ENGINE)
                grouping.level(draft)
                if later > draft.now:
                    continue
        draft.write("lot.closing", {"end": text_of(draft.look(seen.lot).end)}, draft.lot(seen.lot))
        if not seen.rules.hold_results and draft.rules.tender is None:
            clerking.decided(draft, draft.look(seen.lot))
    tendering.close_round(draft)
    if draft.state == "open" and all(lot.state in FINAL for lot in draft.all_lots()):
        draft.write("sale.closed", {})


def lost_verdicts(draft: Draft, facts: Facts) -> None:
    """A lot whose stone is no longer verified takes no further bid, and the room is told why; and is told when nothing
    but a person keeps it still any more."""
    for lot in draft.all_lots():
        known = facts.lots.get(lot.lot)
        if known is None:
            continue
        if known.verified:
            if lot.state == "paused" and lot.pause_reason == VERDICT_LOST and not lot.told_again:
                _notice(draft, lot, VERIFIED_AGAIN)
            continue
        if lot.state == "listed":
            _told(draft, lot, known)
            draft.write("lot.withdrawn", {"reason": VERDICT_LOST, "by": grouping.ENGINE}, draft.lot(lot.lot))
        elif lot.state == "open":
            draft.write("lot.paused", {"reason": VERDICT_LOST, "by": grouping.ENGINE}, draft.lot(lot.lot))
            _told(draft, lot, known)


def _told(draft: Draft, lot: LotBook, known: LotFacts) -> None:
    if all(known.notice):
        _notice(draft, lot, known.notice)


def _notice(draft: Draft, lot: LotBook, text: tuple[str, str]) -> None:
    data = {"text_en": text[0], "text_zh": text[1], "passport": None, "by": grouping.ENGINE}
    draft.write("lot.notice", data, draft.lot(lot.lot))


def after_outage(draft: Draft, since: int) -> None:
    """Open lots get back what they lost while no engine ran."""
    outage = draft.rules.outage
    if draft.state != "open" or closing.judge_outage(outage, since, draft.now) is not None:
        return
    if any(closing.after_outage(outage, lot.clock(), since, draft.now) != lot.clock() for lot in draft.all_lots()):
        given_back(draft, since, "outage")


def given_back(draft: Draft, since: int, kind: str) -> None:
    """The interruption stands in the sale's book, and every lot it touched ends later."""
    now, outage = draft.now, draft.rules.outage
    draft.write("incident", {"kind": kind, "from": text_of(since), "to": text_of(now)})
    for lot in draft.all_lots():
        later = closing.after_outage(outage, lot.clock(), since, now)
        if later != lot.clock():
            grouping.extended(draft, lot, later.end, "outage", grouping.ENGINE)
    grouping.level(draft)


def clock_moved(draft: Draft, near: int) -> None:
    """The clock jumped: lots that end within `near` wait until staff resume them."""
    for lot in draft.all_lots():
        if lot.state == "open" and draft.now < lot.end <= draft.now + near:
            draft.write("lot.paused", {"reason": "clock", "by": grouping.ENGINE}, draft.lot(lot.lot))


def next_due(book: Book) -> int | None:
    """When time alone will bring the next event, as far as is known now."""
    if book.state == "published":
        return book.rules.opens_at
    if book.state != "open":
        return None
    if book.rules.clerked is None and any(lot.state == "listed" for lot in book.lots.values()):
        return book.at  # one that is offered again opens with the next batch
    ends = [lot.end for lot in book.lots.values() if lot.state == "open" and lot.end != closing.NEVER]
    undecided = [] if book.rules.tender else [lot for lot in book.lots.values() if lot.state == "closing"]
    confirmed = [lot.confirm_by for lot in book.lots.values() if lot.confirm_by is not None]
    held = [(lot.closing_at or 0) + HOLD_MOST for lot in undecided]
    return min([*ends, *held, *confirmed], default=None)
