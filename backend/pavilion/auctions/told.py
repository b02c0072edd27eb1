"""Which words of a lot are told to whom: one rule for pages, files, answers and mail.

The house, and the company that owns its stones, read everything. Everybody else reads title and estimate as the last
notice has them; and of a lot with a stone that is not verified now, unless it was sold, its number and no word more.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import VISITOR, Actor, Permission
from pavilion.auctions import noticing
from pavilion.auctions.models import Lot
from pavilion.auctions.queries import WITHHELD, withheld


@dataclass(frozen=True, slots=True)
class LotTold:
    """A lot in the words that a reader may have. Minor units; None: on request, or withheld."""

    public_id: str
    number_text: str
    title_en: str
    title_zh: str
    low_minor: int | None
    high_minor: int | None
    withheld: bool = False

    def title(self, lang: str) -> str:
        return (self.title_zh if lang == "zh" else "") or self.title_en


def owner(company_id: int | None) -> Actor:
    """A reader outside the house whose company reads of its own stones whatever they are: who is written to."""
    return replace(VISITOR, company_id=company_id, permissions=VISITOR.permissions | {Permission.STOCK_WRITE})


async def told(session: AsyncSession, lots: Collection[Lot], actor: Actor) -> dict[str, LotTold]:
    """These lots, of whatever sales, by their ids."""
    ids = [lot.public_id for lot in lots]
    lost, notices = await withheld(session, ids, actor), await noticing.of_lots(session, ids)
    titles = noticing.titles(notices)
    return {
        lot.public_id: _bare(lot)
        if lot.public_id in lost
        else _whole(lot, titles.get(lot.public_id, (lot.title_en, lot.title_zh)), noticing.estimate_told(lot, notices))
        for lot in lots
    }


async def one_told(session: AsyncSession, lot: Lot, actor: Actor) -> LotTold:
    return (await told(session, [lot], actor))[lot.public_id]


def _bare(lot: Lot) -> LotTold:
    return LotTold(lot.public_id, lot.number_text, WITHHELD["en"], WITHHELD["zh"], None, None, withheld=True)


def _whole(lot: Lot, title: Sequence[str], estimate: tuple[int, int] | None) -> LotTold:
    low, high = estimate or (None, None)
    return LotTold(lot.public_id, lot.number_text, title[0], title[1], low, high)
