"""Commands of curation: what each changed, lot by lot, and how it is taken back."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import queries, reserves
from pavilion.auctions.formats import SaleType
from pavilion.auctions.interests import refuse_interested
from pavilion.auctions.models import Command, Lot, LotGroup, LotStone, Sale
from pavilion.auctions.rules import LotState, SaleState
from pavilion.auctions.writing import Change, rewrite, tell
from pavilion.catalogue.models import Stone, StoneCommitment
from pavilion.catalogue.queries import visible_to
from pavilion.kernel.errors import ActNotAllowed, NotAllowed, NotFound, Refusal

LATEST = timedelta(hours=1)  # before a published sale opens, lots can be added to it
UNDOABLE = 200  # commands of a sale, counted from the latest
FACTS = (
    "rank",
    "number",
    "suffix",
    "title_en",
    "title_zh",
    "low_minor",
    "high_minor",
    reserves.KEPT,
    "opening_minor",
    "consignor_company_id",
    "reoffer_of",
    "group_id",
    "tags",
    "pinned",
    "text_en",
    "text_zh",
    "on_request",
)


class LotsChanged(Refusal):
    """What the command left behind has been changed since; `lots` names where."""

    status, code = 409, "lots_changed"


async def draft(session: AsyncSession, sale: str) -> Sale:
    """The sale, ours alone until the transaction ends; only a draft can be curated."""
    await accounts.hold_proposals(session, subject=sale)
    row = await session.scalar(select(Sale).where(Sale.public_id == sale).with_for_update())
    if row is None:
        raise NotFound()
    if row.state != SaleState.DRAFT:
        raise ActNotAllowed(state=row.state)
    return row


def takes_lots(sale: Sale, now: datetime) -> bool:
    """Whether a lot can still be added: to a draft, and to a published sale that does not open too soon."""
    if sale.state == SaleState.DRAFT:
        return True
    late = sale.state == SaleState.PUBLISHED and sale.type != SaleType.COLLECTION
    return late and sale.opens_at is not None and now <= sale.opens_at - LATEST


def takes_again(sale: Sale, now: datetime) -> bool:
    """Whether a lot of this published sale that ended without a buyer can come back into it, if there is time: as long
    as lots are added, and while the sale runs (`again.bar_of` says what else stands against it)."""
    if sale.state not in (SaleState.OPEN, SaleState.PAUSED):
        return sale.state == SaleState.PUBLISHED and takes_lots(sale, now)
    return sale.type != SaleType.COLLECTION


async def being_listed(session: AsyncSession, sale: Sale) -> list[str]:
    """The drafts of a published sale that its book is to list: their stones are promised to them."""
    promised = select(StoneCommitment.stone_id).where(
        StoneCommitment.released_at.is_(None), StoneCommitment.ref == Lot.public_id
    )
    held = select(Lot.public_id).join(LotStone, LotStone.lot_id == Lot.id).distinct().order_by(Lot.public_id)
    held = held.where(Lot.sale_id == sale.id, Lot.state == LotState.DRAFT, LotStone.stone_id.in_(promised))
    return list(await session.scalars(held))


async def curated(session: AsyncSession, sale: str, now: datetime, lots: Collection[str] = ()) -> Sale:
    """The sale, ours alone until the transaction ends: a draft, or one published that still takes lots; or one that
    takes these again, if they are lots that are offered again."""
    await accounts.hold_proposals(session, subject=sale)
    row = await session.scalar(select(Sale).where(Sale.public_id == sale).with_for_update())
    if row is None:
        raise NotFound()
    if not takes_lots(row, now) and not (takes_again(row, now) and await _all_again(session, row, lots)):
        raise ActNotAllowed(state=row.state)
    return row


async def stand_again(session: AsyncSession, lots: Sequence[Lot]) -> None:
    """The stones of lots that are taken out are those of the earlier lots again, which they offered once more."""
    if olds := [lot.reoffer_of for lot in lots if lot.reoffer_of is not None]:
        ids = select(Lot.id).where(Lot.public_id.in_(olds))
        await session.execute(
            update(LotStone)
            .where(LotStone.lot_id.in_(ids), LotStone.relotted)
            .values(relotted=False)
            .execution_options(synchronize_session=False)
        )


async def _all_again(session: AsyncSession, sale: Sale, lots: Collection[str]) -> bool:
    again = select(Lot.public_id).where(Lot.sale_id == sale.id, Lot.public_id.in_(lots), Lot.reoffer_of.is_not(None))
    return bool(lots) and set(await session.scalars(again)) == set(lots)


async def lots_of(session: AsyncSession, sale: Sale, lots: Sequence[str]) -> list[Lot]:
    """The named lots in running order; one that is not of this sale is refused."""
    wanted = set(lots)
    rows = (
        await session.scalars(select(Lot).where(Lot.sale_id == sale.id, Lot.public_id.in_(wanted)).order_by(Lot.rank))
    ).all()
    if len(rows) != len(wanted):
        raise NotFound()
    if ended := [lot.public_id for lot in rows if lot.state != LotState.DRAFT]:
        raise ActNotAllowed(lots=ended)
    if sale.state != SaleState.DRAFT and (busy := wanted.intersection(await being_listed(session, sale))):
        raise ActNotAllowed(lots=sorted(busy))
    return list(rows)


def facts_of(lot: Lot) -> Change:
    return {name: getattr(lot, name) for name in FACTS}


def edited(lot: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    """Only what differs; the two sides name the same facts."""
    names = [name for name in FACTS if before[name] != after[name]]
    return {"lot": lot, "before": {n: before[n] for n in names}, "after": {n: after[n] for n in names}}


async def lapse_proposal(session: AsyncSession, sale: Sale, *, actor: Actor, now: datetime) -> None:
    """A draft that has changed is not what a lead was asked to publish."""
    await accounts.lapse(
        session, kind="sale.publish", subject=sale.public_id, actor=actor, reason="draft_changed", now=now
    )


async def remember(
    session: AsyncSession,
    sale: Sale,
    kind: str,
    changes: list[Change],
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> None:
    """The command stands in the history, each lot's change in the events; nothing changed is no command. A lot in
    which the person has an interest is changed by none."""
    changes = [change for change in changes if change["before"] != change["after"]]
    if not changes:
        return
    assert actor.person_id is not None
    await refuse_interested(session, changes, actor)
    session.add(Command(sale_id=sale.id, kind=kind, by=actor.person_id, at=now, changes=changes, reason=reason))
    await tell(session, sale, changes, actor.public_id, now, reason)
    await lapse_proposal(session, sale, actor=actor, now=now)


async def undo(session: AsyncSession, *, sale: str, command: int, actor: Actor, now: datetime) -> Command:
    """Every lot of the command is as it was before it, by a new command that does the inverse."""
    row = await draft(session, sale)
    done = await session.scalar(select(Command).where(Command.id == command, Command.sale_id == row.id))
    if done is None or done.undone_at is not None:
        raise NotFound()
    if done.by != actor.person_id and not actor.may(Permission.SALE_APPROVE):
        raise NotAllowed(right=Permission.SALE_APPROVE.value)
    since = await session.scalars(
        select(Command.id).where(Command.sale_id == row.id).order_by(Command.id.desc()).limit(UNDOABLE)
    )
    if done.id not in since.all():
        raise ActNotAllowed(reason="too_long_ago")
    if any(reserves.KEPT in (c["after"] or {}) and c["before"] is not None for c in done.changes) and not actor.may(
        Permission.RESERVE_SET
    ):
        raise NotAllowed(right=Permission.RESERVE_SET.value)
    inverse = [{"lot": c["lot"], "before": c["after"], "after": c["before"]} for c in done.changes]
    await refuse_interested(session, inverse, actor)
    await _apply(session, row, inverse)
    done.undone_at = now
    await tell(session, row, inverse, actor.public_id, now)
    await lapse_proposal(session, row, actor=actor, now=now)
    await session.flush()
    return done


async def _apply(session: AsyncSession, sale: Sale, changes: list[Change]) -> None:
    rows = await session.scalars(
        select(Lot).where(Lot.sale_id == sale.id, Lot.public_id.in_([c["lot"] for c in changes]))
    )
    lots = {lot.public_id: lot for lot in rows}
    if altered := [c["lot"] for c in changes if not _as_left(session, lots.get(c["lot"]), c["before"])]:
        raise LotsChanged(lots=altered)
    await _ranks_free(session, sale, changes)
    await _headings_stand(session, sale, changes)
    for change in changes:
        lot, after = lots.get(change["lot"]), change["after"]
        if after is None:
            assert lot is not None
            await session.execute(delete(LotStone).where(LotStone.lot_id == lot.id))
            await session.delete(lot)
    await session.flush()  # a lot that returns may need the place and the number of one that went
    for change in changes:
        if change["lot"] not in lots and change["after"] is not None:
            await _restore(session, sale, change["lot"], change["after"])
    moved = [(lots[c["lot"]], c["after"]) for c in changes if c["before"] is not None and c["after"] is not None]
    await rewrite(session, moved)


def _as_left(session: AsyncSession, lot: Lot | None, left: Mapping[str, Any] | None) -> bool:
    if lot is None or left is None:
        return lot is None and left is None
    if reserves.KEPT in left and not reserves.same(session, lot.public_id, lot.reserve_sealed, left[reserves.KEPT]):
        return False
    return all(getattr(lot, name) == left[name] for name in FACTS if name in left and name != reserves.KEPT)


async def _ranks_free(session: AsyncSession, sale: Sale, changes: list[Change]) -> None:
    """The places and numbers that the lots return to are not taken by others."""
    returning = {c["lot"] for c in changes}
    ranks = {c["after"]["rank"] for c in changes if c["after"] and "rank" in c["after"]}
    labels = {(c["after"]["number"], c["after"].get("suffix", "")) for c in changes if (c["after"] or {}).get("number")}
    others = await session.scalars(select(Lot).where(Lot.sale_id == sale.id, Lot.public_id.not_in(returning)))
    if taken := [lot.public_id for lot in others if lot.rank in ranks or (lot.number, lot.suffix) in labels]:
        raise LotsChanged(lots=taken)


async def _headings_stand(session: AsyncSession, sale: Sale, changes: list[Change]) -> None:
    """The headings that the lots return to have not been taken away."""
    under = {c["lot"]: c["after"]["group_id"] for c in changes if (c["after"] or {}).get("group_id")}
    if under:
        known = set(await session.scalars(select(LotGroup.id).where(LotGroup.sale_id == sale.id)))
        if lost := [lot for lot, group in under.items() if group not in known]:
            raise LotsChanged(lots=lost)


async def _restore(session: AsyncSession, sale: Sale, lot: str, facts: Mapping[str, Any]) -> None:
    row = Lot(public_id=lot, sale_id=sale.id, **{name: facts[name] for name in FACTS if name in facts})
    session.add(row)
    await session.flush()
    await place_stones(session, row, facts["stones"])


async def place_stones(session: AsyncSession, lot: Lot, stones: Sequence[str]) -> None:
    """These stones stand in the lot, in this order; each must be exposed now."""
    rows = await session.scalars(visible_to(queries.HOUSE).where(Stone.public_id.in_(stones)))
    found = {stone.public_id: stone for stone in rows}
    for place, public_id in enumerate(stones):
        stone = found.get(public_id)
        if stone is None or not stone.listed:
            raise NotVerified(stone=public_id)
        session.add(
            LotStone(lot_id=lot.id, place=place, sale_id=lot.sale_id, stone_id=stone.id, exposed_id=stone.exposed_id)
        )
    await session.flush()


class NotVerified(Refusal):
    """Only a stone whose origin stands verified can be put into a lot."""

    status, code = 409, "not_verified"
