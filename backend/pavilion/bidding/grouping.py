"""Lots that end together: under scope `group` every lot of the sale shares one end (bidding spec 5.5)."""

from collections.abc import Sequence

from pavilion.bidding.book import LotBook
from pavilion.bidding.folding import Draft
from pavilion.bidding.texts import end_text

GROUP = "group"  # cause of an extension that came through another lot
ENGINE = "engine"


def together(draft: Draft, lot: LotBook, state: str) -> Sequence[LotBook]:
    """The lots in this state that an act on `lot` reaches: itself first, then the others of its group."""
    own = [lot] if lot.state == state else []
    if draft.rules.soft_close.scope != GROUP:
        return own
    return [*own, *(other for other in draft.all_lots() if other.lot != lot.lot and other.state == state)]


def level(draft: Draft) -> None:
    """Every open lot of a group ends with the latest of them."""
    if draft.rules.soft_close.scope != GROUP:
        return
    running = [lot for lot in draft.all_lots() if lot.state == "open"]
    last = max((lot.end for lot in running), default=0)
    for lot in running:
        if lot.end < last:
            extended(draft, lot, last, GROUP, ENGINE)


def extended(draft: Draft, lot: LotBook, to: int, cause: str, by: str) -> None:
    """This lot alone ends later."""
    data = {"from": end_text(lot.end), "to": end_text(to), "cause": cause, "by": by}
    draft.write("lot.extended", data, draft.lot(lot.lot))
