"""A sale that a clerk runs lot by lot (bidding spec 4.9): a lot opens without an end, a final call sets one, and an
accepted bid that moves price or leader takes the call back. Also the result, which every format shares."""

from pavilion.bidding import grouping, rules
from pavilion.bidding.book import LotBook
from pavilion.bidding.closing import NEVER
from pavilion.bidding.folding import Draft
from pavilion.bidding.texts import end_or_none, text_of


def open_lot(draft: Draft, lot: LotBook) -> str | None:
    """The lot takes bids until it is called, passed or withdrawn."""
    if draft.rules.clerked is None or draft.state != "open":
        return "act_not_allowed"
    draft.write("lot.opened", {"end": None}, draft.lot(lot.lot))
    return None


def final_call(draft: Draft, lot: LotBook, by: str) -> str | None:
    """The lot ends so many seconds from now, unless a bid moves it. A call that already runs is not renewed."""
    if draft.rules.clerked is None or draft.state != "open" or lot.end != NEVER:
        return "act_not_allowed"
    at = draft.next_at()
    to = text_of(at + (lot.rules.clerked or draft.rules.clerked).final_call)
    draft.write("lot.extended", {"from": None, "to": to, "cause": "staff", "by": by}, draft.lot(lot.lot), at=at)
    return None


def call_is_off(draft: Draft, lot: LotBook) -> None:
    """A bid moved price or leader: the lot has no end again."""
    if draft.rules.clerked is None or lot.end == NEVER:
        return
    data = {"from": end_or_none(lot.end), "to": None, "cause": "bid", "by": grouping.ENGINE}
    draft.write("lot.extended", data, draft.lot(lot.lot))


def pass_lot(draft: Draft, lot: LotBook) -> str | None:
    """The clerk gives the lot up; one that would be sold is sold by the call or withdrawn, never passed."""
    if draft.rules.clerked is None or draft.state != "open" or rules.sold(lot.stands):
        return "act_not_allowed"
    at = draft.next_at()
    draft.write("lot.closing", {"end": text_of(at)}, draft.lot(lot.lot), at=at)
    decided(draft, draft.look(lot.lot))
    return None


def decided(draft: Draft, lot: LotBook) -> None:
    """The lot has its result by what stands in its book."""
    own = draft.lot(lot.lot)
    if rules.sold(own.stands):
        draft.write("lot.sold", {"bidder": own.stands.leader, "price": own.stands.price}, own)
    else:
        draft.write("lot.passed", {"reason": "reserve_not_met" if own.best else "no_bids"}, own)
