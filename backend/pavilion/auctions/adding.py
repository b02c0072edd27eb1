"""A lot that comes after publication (bidding spec 2): added, edited and made ready as a draft, then listed by one
person, up to an hour before the sale opens; one that is offered again also while the sale runs. It stands in the sale
once the sale's book says so."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import again, noticing, publishing, queries
from pavilion.auctions.changes import being_listed, stand_again, takes_again, takes_lots
from pavilion.auctions.interests import refuse_interested
from pavilion.auctions.kept_words import NOT_TAKEN
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.auctions.rules import Level, LotState, SaleState
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.models import CommitmentKind
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, NotFound
from pavilion.kernel.events import Event

LISTED = "sale:lot_listed"


async def list_lot(
    session: AsyncSession, *, sale: str, lot: str, actor: Actor, now: datetime, ends: again.Ends = again.UNKNOWN
) -> None:
    """The stones are promised to the lot, and the sale's book lists it next. Said twice, nothing more happens. `ends`:
    of the sale's lots, as its book has them."""
    row = await session.scalar(select(Sale).where(Sale.public_id == sale).with_for_update())
    if row is None:
        raise NotFound()
    found = await session.scalar(select(Lot).where(Lot.public_id == lot, Lot.sale_id == row.id).with_for_update())
    if found is None:
        raise NotFound()
    old = await _again_of(session, found)
    takes = takes_lots(row, now) or old is not None
    if row.state == SaleState.DRAFT or found.state != LotState.DRAFT or not takes:
        raise ActNotAllowed(state=row.state)
    if old is not None and (bar := await again.bar_of(session, row, now, ends, old.public_id)) is not None:
        raise again.NotTakenAgain(bar)
    await refuse_interested(session, [{"lot": lot, "before": {}, "after": {}}], actor)
    findings = (await publishing.readiness_of(session, row, now)).of(lot)
    if bars := list(dict.fromkeys(one.code.value for one in findings if one.level is Level.BLOCK)):
        raise publishing.NotReady(codes=bars, ready=0, lots=1)
    stones = (await queries.stones_by_lot(session, [found.id]))[found.id]
    facts = {"number": found.number_text, "sale": sale, "title_en": row.title_en, "title_zh": row.title_zh}
    promises = [catalogue.Promise(stone.public_id, lot, facts) for stone in stones]
    await catalogue.commit_stones(session, promises, kind=CommitmentKind.IN_SALE, by=actor.public_id, now=now)
    if (await being_listed(session, row)).count(lot) == 0:
        raise ActNotAllowed(state=found.state)
    if old is not None:
        await noticing.announce_again(session, sale=sale, old=old, new=found, actor=actor, now=now)
    events.record(session, LISTED, sale, by=actor.public_id, at=now, lot=lot)


async def _again_of(session: AsyncSession, lot: Lot) -> Lot | None:
    """The lot of the same sale that this one offers again."""
    wanted = select(Lot).where(Lot.public_id == lot.reoffer_of, Lot.sale_id == lot.sale_id)
    return await session.scalar(wanted) if lot.reoffer_of is not None else None


async def let_go(session: AsyncSession, sale: Sale, listed: Sequence[str], now: datetime) -> None:
    """The sale has opened or ended: what its book never listed and can list no more is no part of it, and the stones
    are free."""
    rows = await session.scalars(select(Lot).where(Lot.sale_id == sale.id, Lot.state == LotState.DRAFT))
    asked = await being_listed(session, sale)
    for lot in [one for one in rows if one.public_id not in listed]:
        old = await _again_of(session, lot)
        if old is not None and takes_again(sale, now):
            continue
        if old is not None and lot.public_id in asked:
            await _tell(session, sale, lot, old, "again_over", now)
        await _taken_out(session, sale, lot, now)


async def not_taken(session: AsyncSession, *, sale: str, lot: str, why: str, now: datetime) -> None:
    """The book refused the lot that was offered again, by the code `why`: it is no part of the sale, its stones are
    free, and the lot that it offered again says why, to be offered again elsewhere. Said twice, it is done once."""
    row = (await session.scalars(select(Sale).where(Sale.public_id == sale).with_for_update())).one()
    wanted = select(Lot).where(Lot.public_id == lot, Lot.sale_id == row.id, Lot.state == LotState.DRAFT)
    found = await session.scalar(wanted.with_for_update())
    if found is None or (old := await _again_of(session, found)) is None:
        return
    await _tell(session, row, found, old, why, now)
    await _taken_out(session, row, found, now)


async def _tell(session: AsyncSession, sale: Sale, lot: Lot, old: Lot, why: str, now: datetime) -> None:
    """The lot that was to come back says why the new one could not; who listed that one hears of it."""
    listed = select(Event).where(Event.subject == sale.public_id, Event.name == LISTED).order_by(Event.id.desc())
    asked = next((event.by for event in await session.scalars(listed) if event.facts["lot"] == lot.public_id), None)
    facts = {"sale": sale.public_id, "number": lot.number_text, "why": why, "asked": asked}
    events.record(session, NOT_TAKEN, old.public_id, by="engine", at=now, **facts)


async def _taken_out(session: AsyncSession, sale: Sale, lot: Lot, now: datetime) -> None:
    stones = (await queries.stones_by_lot(session, [lot.id]))[lot.id]
    refs = {stone.public_id: lot.public_id for stone in stones}
    await catalogue.release_stones(session, refs, by="engine", now=now)
    await session.execute(delete(LotStone).where(LotStone.lot_id == lot.id))
    await stand_again(session, [lot])
    await session.execute(delete(Lot).where(Lot.id == lot.id))
    events.record(session, "lot:not_listed", lot.public_id, by="engine", at=now, sale=sale.public_id)
