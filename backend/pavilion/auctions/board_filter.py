"""Which lots of a board fit what was asked; pure."""

from collections.abc import Sequence
from enum import StrEnum

from pavilion.auctions.board import BoardLot
from pavilion.auctions.board_forms import OnBoard
from pavilion.auctions.house_papers import CODE
from pavilion.auctions.rules import Level

NO_HEADING = "none"


class Show(StrEnum):
    READY = "ready"
    BARRED = "barred"
    WARNED = "warned"
    UNPRICED = "unpriced"
    PINNED = "pinned"


def fitting(lots: Sequence[BoardLot], asked: OnBoard) -> frozenset[str]:
    """Public ids of the lots that fit; whatever cannot be read filters nothing."""
    words = asked.find.casefold().split()[:6]
    return frozenset(
        line.lot.public_id
        for line in lots
        if _shown(line, asked.show) and _under(line, asked.under) and all(_says(line, word) for word in words)
    )


def _shown(line: BoardLot, show: str) -> bool:
    levels = {finding.level for finding in line.findings}
    match show:
        case Show.READY:
            return Level.BLOCK not in levels
        case Show.BARRED:
            return Level.BLOCK in levels
        case Show.WARNED:
            return Level.WARN in levels
        case Show.UNPRICED:
            return line.lot.low_minor is None or line.lot.opening_minor is None
        case Show.PINNED:
            return line.lot.pinned
        case _:
            return True


def _under(line: BoardLot, under: str) -> bool:
    return not under or under == str(line.lot.group_id or NO_HEADING)


def _says(line: BoardLot, word: str) -> bool:
    """A number from its beginning, a tag or the code of a label whole, other words wherever they stand."""
    lot = line.lot
    if len(word) == CODE and lot.public_id.casefold().endswith(word):
        return True
    if lot.number_text.casefold().startswith(word) or word in (tag.casefold() for tag in lot.tags):
        return True
    texts = [lot.title_en, lot.title_zh, line.owner or ""]
    texts += [text for stone in line.stones for text in (stone.report_no, stone.stock_no)]
    return (not word.isdecimal() and any(word in text.casefold() for text in texts)) or word in texts
