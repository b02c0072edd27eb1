"""What was not sold, or not paid, is offered again: always as a new lot, for the old one never leaves its end (bidding
spec 2). In another sale while that is a draft; in the same one also after publication."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from pavilion.accounts import service as accounts
from pavilion.accounts.rules import Actor
from pavilion.auctions import again, curation, kept_words, queries
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.auctions.numbering import next_suffix
from pavilion.auctions.rules import LotState, SaleState
from pavilion.catalogue.models import StoneCommitment
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotFound, Refusal
from pavilion.kernel.events import Event

TOLD_FOR = timedelta(days=7)
UNSOLD = frozenset({LotState.PASSED, LotState.WITHDRAWN})
_STILL_SOLD = (
    select(StoneCommitment.id)
    .where(StoneCommitment.ref == Lot.public_id, StoneCommitment.released_at.is_(None))
    .correlate(Lot)
    .exists()
)


class AlreadyReoffered(Refusal):
    """The lot has been offered again; that lot is the one to offer once more, if it is not sold either."""

    status, code = 409, "already_reoffered"


class NotTaken(NamedTuple):
    """The number under which the book did not take it, the code that says why, and when."""

    number: str
    why: str
    at: datetime


class Unsold(NamedTuple):
    """A passed or withdrawn lot, and where it is offered again."""

    lot: Lot
    again: Lot | None
    again_in: Sale | None
    refused: NotTaken | None = None  # when it was last to come back into its own sale, while it is not offered again


async def unsold_of(session: AsyncSession, sale: str) -> list[Unsold]:
    """The lots of this published sale that ended without a buyer, or whose buyer never paid, by number."""
    rows = await session.scalars(
        select(Lot)
        .join(Sale, Sale.id == Lot.sale_id)
        .where(Sale.public_id == sale, Sale.state != SaleState.DRAFT)
        .where(Lot.state.in_(UNSOLD) | ((Lot.state == LotState.SOLD) & ~_STILL_SOLD))
        .order_by(Lot.number, Lot.suffix)
    )
    lots = rows.all()
    new = select(Lot, Sale).join(Sale, Sale.id == Lot.sale_id)
    again = await session.execute(new.where(Lot.reoffer_of.in_([lot.public_id for lot in lots])))
    found = {lot.reoffer_of: (lot, held) for lot, held in again}
    said = select(Event).where(Event.subject.in_([lot.public_id for lot in lots if lot.public_id not in found]))
    told = await session.scalars(said.where(Event.name == kept_words.NOT_TAKEN).order_by(Event.id))
    refused = {event.subject: NotTaken(event.facts["number"], event.facts["why"], event.at) for event in told}
    return [
        Unsold(lot, *found.get(lot.public_id, (None, None)))._replace(refused=refused.get(lot.public_id))
        for lot in lots
    ]


class GivenBack(NamedTuple):
    lot: Lot
    sale: Sale
    refused: NotTaken


async def given_back(session: AsyncSession, now: datetime) -> list[GivenBack]:
    """The lots that were to come back into their running sale of late and that its book did not take, while nobody has
    offered them again; the latest first."""
    again = aliased(Lot)
    rows = await session.execute(
        select(Event, Lot, Sale)
        .join(Lot, Lot.public_id == Event.subject)
        .join(Sale, Sale.id == Lot.sale_id)
        .where(Event.name == kept_words.NOT_TAKEN, Event.at > now - TOLD_FOR)
        .where(~select(again.id).where(again.reoffer_of == Lot.public_id).exists())
        .order_by(Event.id.desc())
    )
    found: dict[str, GivenBack] = {}
    for event, lot, sale in rows:
        said = NotTaken(event.facts["number"], event.facts["why"], event.at)
        found.setdefault(lot.public_id, GivenBack(lot, sale, said))
    return list(found.values())


async def history_of(session: AsyncSession, lot: Lot) -> list[tuple[Lot, Sale]]:
    """Every lot under which these stones were offered in turn, the first one first, this one among them; of one that
    was never offered again, nothing."""
    known = {lot.public_id}
    while True:
        linked = Lot.public_id.in_(known) | Lot.reoffer_of.in_(known)
        linked = linked | Lot.public_id.in_(select(Lot.reoffer_of).where(Lot.public_id.in_(known)))
        found = select(Lot, Sale).join(Sale, Sale.id == Lot.sale_id).where(linked).order_by(Lot.id)
        rows = [(one, sale) for one, sale in await session.execute(found)]
        if {one.public_id for one, _ in rows} <= known:
            return rows if len(rows) > 1 else []
        known |= {one.public_id for one, _ in rows}


async def drafts(session: AsyncSession) -> list[Sale]:
    """The sales that can still take a lot, the next to open first."""
    wanted = select(Sale).where(Sale.state == SaleState.DRAFT).order_by(Sale.opens_at, Sale.id)
    return list(await session.scalars(wanted))


async def reoffer(
    session: AsyncSession, *, lot: str, into: str, actor: Actor, now: datetime, ends: again.Ends = again.UNKNOWN
) -> Lot:
    """A new lot with the same stones, words and estimate stands at the end of the draft, under the old number with the
    next free suffix: or, if `into` is the sale in which it was not sold, as a draft in that sale, to be edited and then
    listed. What was typed when it could not come back before is in it. Its reserve is for the owner to say anew.
    `ends`: of the lots of `into`, as its book has them."""
    sale = await _receiving(session, into, lot)
    old = await session.scalar(select(Lot).where(Lot.public_id == lot).with_for_update())  # one at a time
    if old is None:
        raise NotFound()
    if old.state not in UNSOLD and (old.sale_id == sale.id or not await _given_back(session, old)):
        raise ActNotAllowed(state=old.state)
    if (new := await session.scalar(select(Lot).where(Lot.reoffer_of == lot))) is not None:
        raise AlreadyReoffered(lot=lot, again=new.public_id, number=new.number_text)
    if sale.state != SaleState.DRAFT and (bar := await again.bar_of(session, sale, now, ends, lot)) is not None:
        raise again.NotTakenAgain(bar)
    kept = await kept_words.of_attempt(session, old)
    new = await _new_lot(session, sale, old, actor, now)
    same_money = await session.scalar(select(Sale.currency).where(Sale.id == old.sale_id)) == sale.currency
    names = kept_words.WORDS + (kept_words.FIGURES if same_money else ())
    values: dict[str, Any] = {name: kept.get(name, getattr(old, name)) for name in names}
    if old.number is not None:
        values |= {"number": old.number, "suffix": await _suffix(session, sale, old)}
    edits = {new.public_id: (new.version, values)}
    await curation.edit_lots(session, sale=into, edits=edits, kind="reoffer", actor=actor, now=now)
    events.record(session, "lot:reoffered", lot, by=actor.public_id, at=now, into=into, new=new.public_id)
    return new


async def _receiving(session: AsyncSession, into: str, lot: str) -> Sale:
    """The sale that is to take the lot, ours alone until the transaction ends: a draft, or the lot's own."""
    await accounts.hold_proposals(session, subject=into)
    sale = await session.scalar(select(Sale).where(Sale.public_id == into).with_for_update())
    if sale is None:
        raise NotFound()
    own = select(Lot.id).where(Lot.public_id == lot, Lot.sale_id == sale.id)
    if sale.state != SaleState.DRAFT and await session.scalar(own) is None:
        raise ActNotAllowed(state=sale.state)
    return sale


async def _new_lot(session: AsyncSession, sale: Sale, old: Lot, actor: Actor, now: datetime) -> Lot:
    """Of the same stones, last in order. In their own sale they stand in the new lot from here on."""
    if old.sale_id == sale.id:
        moved = update(LotStone).where(LotStone.lot_id == old.id).values(relotted=True)
        await session.execute(moved.execution_options(synchronize_session=False))
    ids = [stone.public_id for stone in (await queries.stones_by_lot(session, [old.id]))[old.id]]
    return await curation.add_again(session, sale, ids, of=old.public_id, actor=actor, now=now)


async def _given_back(session: AsyncSession, lot: Lot) -> bool:
    """It was sold, and its stones are promised to it no more: the sale of it was cancelled."""
    gone = select(Lot.id).where(Lot.id == lot.id, Lot.state == LotState.SOLD, ~_STILL_SOLD)
    return await session.scalar(gone) is not None


async def _suffix(session: AsyncSession, sale: Sale, old: Lot) -> str:
    """The letter after the old lot's own that no lot of the draft has under this number."""
    free = next_suffix(await curation.labels_of(session, sale), old.number or 0, old.suffix)
    if free is None:
        raise BadInput(fields={"number": "number_taken"})
    return free
