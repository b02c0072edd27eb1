"""How a forfeited deposit is shared. Pure, in whole minor units."""

from collections.abc import Sequence

from pavilion.kernel.money import half_up


def split(held: int, total: int, forfeit_bp: int) -> tuple[int, int]:
    """(what is kept, what is left): never more than is held, nor than the terms' part of the invoice's total."""
    kept = min(held, half_up(total * forfeit_bp, 10_000))
    return kept, held - kept


def share_out(forfeited: int, seller_bp: int, hammers: Sequence[tuple[int | None, int]]) -> dict[int, int]:
    """The sellers' part, rounded once, by consignor in proportion to the hammers of the lots: the shares add up to it
    exactly. A lot of nobody is the house's own: its share stays with the house, and so does the whole of it where
    nothing has a hammer."""
    part, whole = half_up(forfeited * seller_bp, 10_000), sum(hammer for _, hammer in hammers)
    found: dict[int, int] = {}
    reached = given = 0
    for consignor, hammer in hammers:
        reached += hammer
        upto = half_up(part * reached, whole) if whole else 0
        if consignor is not None and upto > given:
            found[consignor] = found.get(consignor, 0) + upto - given
        given = upto
    return found
