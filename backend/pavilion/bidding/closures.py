"""Where the lots of a sale may not be supplied, and why a lot whose stone lost its verdict stands still: asked of
provenance, for the engine and for the pages."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Lot, LotStone
from pavilion.bidding.deciding import Closures, Rule
from pavilion.bidding.rule_words import in_words
from pavilion.bidding.still import said_codes, unverified
from pavilion.catalogue.models import Stone
from pavilion.provenance import eligibility


async def stones_of(session: AsyncSession, sale_id: int, lot: str | None = None) -> dict[str, list[str]]:
    """The stones of each lot of the sale."""
    wanted = select(Lot.public_id, Stone.public_id).join(LotStone, LotStone.lot_id == Lot.id)
    wanted = wanted.join(Stone, Stone.id == LotStone.stone_id).where(Lot.sale_id == sale_id)
    if lot is not None:
        wanted = wanted.where(Lot.public_id == lot)
    found: dict[str, list[str]] = {}
    for name, stone in await session.execute(wanted.order_by(Lot.public_id, LotStone.place)):
        found.setdefault(name, []).append(stone)
    return found


async def closures(
    session: AsyncSession, lots: Mapping[str, Sequence[str]], destinations: Collection[str], day: date
) -> dict[str, Closures]:
    """Of each lot the destinations to which some stone of it may not be supplied that day."""
    if not lots or not destinations:
        return {}
    answers = await eligibility.closed(session, {s for held in lots.values() for s in held}, day, destinations)
    return {lot: _first(answers[stone] for stone in held) for lot, held in lots.items()}


async def closed_to(session: AsyncSession, lot: str, stones: Sequence[str], cc: str, day: date) -> Rule | None:
    """The rule that closes one lot to one destination that day."""
    return (await closures(session, {lot: stones}, [cc], day)).get(lot, {}).get(cc)


async def notices(session: AsyncSession, stones: Iterable[str]) -> tuple[str, str]:
    """What the room is told of a lot whose stones lost their verdict: in words why, with the codes that everybody may
    know."""
    lost = await unverified(session, list(stones))
    told = sorted({code for findings in lost.values() for code in said_codes(findings)})
    said = [in_words(code) for code in told]
    lead_en = "The confirmation of this stone\u2019s origin has been withdrawn; it is being checked again."
    return " ".join([lead_en, *(one.en for one in said)]), "".join(
        ["本裸石的来源确认已撤销，正在重新核查。", *(one.zh for one in said)]
    )


def _first(answers: Iterable[Mapping[str, eligibility.Closed]]) -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    for answer in answers:
        for cc, why in answer.items():
            found.setdefault(cc, Rule(" ".join(filter(None, (why.code, why.entry))), why.source))
    return found
