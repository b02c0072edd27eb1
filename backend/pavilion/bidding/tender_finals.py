"""Between the two rounds of a tender: who is invited, what the first round held, and what stands when the final one is
opened (bidding spec 6.7).

Until the award the first totals are read by the engine alone: they lie sealed in its store, and of the event that opens
a lot again only the end is told. Whoever is invited learns that, and the own floor; nobody learns how many are."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from pavilion.bidding import tender
from pavilion.bidding.tender_book import First, Guest, HeldRow, OpenedLine, SealedLine
from pavilion.bidding.texts import text_of

if TYPE_CHECKING:
    from pavilion.bidding.book import LotBook, Stored
    from pavilion.bidding.folding import Draft
    from pavilion.bidding.vault import SaleVault

HOUR = 3_600_000_000
HELD_BYTES = 1536  # sixteen shares and a bid; of one length, so that it tells nothing


# -- the end of the first round ---------------------------------------------------------------------------------------


def hold(draft: "Draft", lines: Sequence[OpenedLine], invited: Mapping[str, Sequence[tender.Live]]) -> None:
    """What was opened is kept for the engine alone; the bids that are invited are marked."""
    chosen = {one.seq for guests in invited.values() for one in guests}
    draft.firsts = {line.n: First(line, line.n in chosen) for line in lines}
    draft.kept.held += [
        HeldRow(n, one.invited, draft.vault.seal_held(_plain(one.line), n)) for n, one in draft.firsts.items()
    ]


def reopen(
    draft: "Draft",
    lots: Sequence["LotBook"],
    ranking: tender.Ranking,
    invited: Collection[str],
    opened_at: int,
) -> None:
    """Lots with a second round are open again, all to one end; lots that nobody can win have their result. Any other
    lot waits for the award, which walks all lots at once for the sake of buying limits."""
    rules = draft.rules.tender
    assert rules is not None and rules.best_and_final is not None
    end = text_of(opened_at + rules.best_and_final.hours * HOUR)
    for lot in lots:
        came = len(ranking[lot.lot])
        if lot.lot in invited:
            draft.write("lot.opened", {"end": end}, draft.lot(lot.lot))
        elif came < max(1, rules.min_bidders):
            draft.write("lot.passed", {"reason": "too_few_bidders" if came else "no_bids"}, draft.lot(lot.lot))


def guests_of(draft: "Draft", lot: "LotBook") -> dict[str, Guest]:
    """Who may seal in the final round of this lot, by alias."""
    return {
        line.bidder: Guest(lot.best[line.bidder][1], first.line.total)
        for line, first in _firsts(draft)
        if first.invited and line.lot == lot.lot and first.line.total is not None
    }


# -- the opening of the final round -----------------------------------------------------------------------------------


def invited(draft: "Draft") -> dict[str, list[tender.Live]]:
    """Of each lot with a second round the bids that stand unless a final one replaces them, by paddle."""
    found: dict[str, list[tender.Live]] = {}
    for line, first in _firsts(draft):
        if first.invited and first.line.total is not None:
            found.setdefault(line.lot, []).append(_live(draft, line, first.line.total))
    return found


def first_ranks(draft: "Draft") -> dict[str, tuple[tender.Live, ...]]:
    """Of each lot the rank of the first round."""
    rules = draft.rules.tender
    assert rules is not None
    valid = [
        (line.lot, _live(draft, line, first.line.total))
        for line, first in _firsts(draft)
        if first.line.total is not None
    ]
    return tender.ranked(tender.standing(valid, rules.replace))


def release(draft: "Draft") -> None:
    """What the first round held goes into the record with this batch."""
    draft.kept.opened += [first.line for first in draft.firsts.values()]


# -- as it is stored --------------------------------------------------------------------------------------------------


def read_held(stored: "Stored", vault: "SaleVault") -> dict[int, First]:
    return {
        row.n: First(OpenedLine(row.n, *json.loads(vault.open_held(row.sealed, row.n))), row.invited)
        for row in stored.held
    }


def _plain(line: OpenedLine) -> bytes:
    plain = json.dumps(line[1:]).encode().ljust(HELD_BYTES)
    assert len(plain) == HELD_BYTES, "a bid with more shares than there are custodians"
    return plain


def _firsts(draft: "Draft") -> list[tuple[SealedLine, First]]:
    """What the first round held, each beside its envelope, in the order of the book."""
    return [
        (line, draft.firsts[line.n]) for line in (*draft.book.sealed, *draft.kept.envelopes) if line.n in draft.firsts
    ]


def _live(draft: "Draft", line: SealedLine, total: int) -> tender.Live:
    return tender.Live(str(draft.look(line.lot).paddles[line.bidder]), total, line.n)
