"""A memo at the desk of the house: handed out and taken back over the scale, bought, billed (settlement spec 11.5)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.entities import entities
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed, NotFound, Refusal
from pavilion.provenance import custody_keeping
from pavilion.provenance.custody_keeping import HEAVIEST_MCT, Load, Weighed
from pavilion.trading import memoing, placing
from pavilion.trading.memo_models import Memo, MemoStone
from pavilion.trading.memo_rules import AWAY, MemoState, StoneState, memo_may, state_at, stone_may, weights_differ
from pavilion.trading.models import Order
from pavilion.trading.placing import REASON_LEAST, REASON_MOST, Line
from pavilion.trading.rules import OrderSource

HOLDER = "buyer"
BILL = "memo.bill"
MOST_NAME = 120


class SecondLook(Refusal):
    """Whoever weighed it does not accept it."""

    status, code = 403, "second_look_needed"


def refuse_desk(actor: Actor) -> None:
    """Stones go over the scale of those who run viewings or prepare releases."""
    if not (actor.may(Permission.VIEWING_RUN) or actor.may(Permission.RELEASE_PREPARE)):
        raise NotAllowed(right=Permission.VIEWING_RUN.value)


async def hand_out(
    session: AsyncSession, *, memo: str, weights: Mapping[str, int], to: str, actor: Actor, now: datetime
) -> Memo:
    """The buyer's person has all its stones, each weighed as it goes; the days run to the day agreed."""
    refuse_desk(actor)
    row = await memoing.locked(session, memo)
    if row.state == MemoState.OUT:
        return row
    if not memo_may(row.state, MemoState.OUT) or row.due_at is None or now >= row.due_at:
        raise ActNotAllowed(state=row.state)
    taker, lines = " ".join(to.split()), await memoing.lines_of(session, row)
    if not 0 < len(taker) <= MOST_NAME:
        raise BadInput(fields={"to": "bad_input"})
    faults = {line.stone: "bad_input" for line in lines if not 0 < weights.get(line.stone, 0) <= HEAVIEST_MCT}
    if faults or len(weights) != len(lines):
        raise BadInput(fields={f"weight-{stone}": code for stone, code in faults.items()} or {"weights": "bad_input"})
    for line in sorted(lines, key=lambda one: one.stone):
        await custody_keeping.hand_out(
            session, Load((line.stone,)), Weighed(weights[line.stone]), holder=HOLDER, place=row.entity.lower(),
            ref=row.public_id, by=actor.public_id or "", to=taker, now=now,
        )  # fmt: skip
        line.out_mct, line.state = weights[line.stone], StoneState.OUT
    row.out_at, row.out_to = now, taker
    await memoing.move(session, row, MemoState.OUT, actor.public_id, now)
    return row


async def weigh_in(
    session: AsyncSession, *, memo: str, stone: str, mct: int, giver: str, actor: Actor, now: datetime
) -> MemoStone:
    """The stone is on the house's scale again. Of the same weight it is returned and free; with another it lies there,
    is not accepted as returned, and the event opens an incident."""
    refuse_desk(actor)
    row, line = await _line(session, memo, stone)
    if line.state in (StoneState.RETURNED, StoneState.INCIDENT) and line.in_mct == mct:
        return line
    if row.state not in AWAY or line.state != StoneState.OUT:
        raise ActNotAllowed(state=line.state)
    by, named = actor.public_id or "", " ".join(giver.split())
    faults = {} if 0 < mct <= HEAVIEST_MCT else {"weight": "bad_input"}
    if faults or not 0 < len(named) <= MOST_NAME:
        raise BadInput(fields=faults or {"giver": "bad_input"})
    entry = await custody_keeping.open_entry(session, stone=stone)
    assert entry is not None and entry.ref == row.public_id and line.out_mct is not None
    await custody_keeping.hand_in(session, entry, Weighed(mct), by=named, to=by, now=now)
    line.in_mct, line.in_at, line.in_by = mct, now, by
    if weights_differ(line.out_mct, mct):
        line.state = StoneState.INCIDENT
        await session.flush()
        facts = {"stone": stone, "out_mct": line.out_mct, "in_mct": mct, "office": row.entity.lower()}
        memoing.told(session, row, "weight_differs", by, now, **facts)
        return line
    await _returned(session, row, line, by, now)
    return line


async def take_back(
    session: AsyncSession, *, memo: str, weights: Mapping[str, int], giver: str, actor: Actor, now: datetime
) -> list[MemoStone]:
    """These stones of it are on the scale again, each with its weight (0: none that could be read); the others stay
    out. Nothing is written down unless all of it can be read."""
    refuse_desk(actor)
    row = await memoing.locked(session, memo)
    ours = {line.stone for line in await memoing.lines_of(session, row)}
    if not weights.keys() <= ours:
        raise NotFound()
    faults = {f"weight-{stone}": "bad_input" for stone, mct in weights.items() if not 0 < mct <= HEAVIEST_MCT}
    if not weights:
        faults["weights"] = "memo_nothing_weighed"
    if faults:
        raise BadInput(fields=faults)
    return [
        await weigh_in(session, memo=memo, stone=stone, mct=weights[stone], giver=giver, actor=actor, now=now)
        for stone in sorted(weights)
    ]


async def accept(
    session: AsyncSession, *, memo: str, stone: str, reason: str, actor: Actor, now: datetime
) -> MemoStone:
    """A second person has looked and takes it as it is."""
    refuse_desk(actor)
    row, line = await _line(session, memo, stone)
    if line.state == StoneState.RETURNED:
        return line
    if line.state != StoneState.INCIDENT:
        raise ActNotAllowed(state=line.state)
    if line.in_by == actor.public_id:
        raise SecondLook()
    line.accepted = _reason(reason)
    await _returned(session, row, line, actor.public_id, now)
    return line


async def buy(
    session: AsyncSession, *, memo: str, stones: Sequence[str], company_id: int, actor: Actor, now: datetime
) -> Order:
    """The buyer keeps these stones, at exactly the price of the memo: an order as any other, confirmed at once."""
    row = await memoing.of_buyer(session, memo, company_id)
    return await _sold(session, row, stones, actor, now)


async def propose_bill(session: AsyncSession, *, memo: str, reason: str, actor: Actor, now: datetime) -> Proposal:
    """What is still out is billed at its memo prices once a second person agrees; not before so many business days
    after it was due as the house has agreed to."""
    row = await memoing.locked(session, memo)
    open_ = await _billable(session, row, now)
    facts: dict[str, Any] = {"memo": row.public_id, "number": row.number, "currency": row.currency}
    facts |= {"amount_minor": sum(line.price_minor for line in open_), "title_en": row.number, "title_zh": row.number}
    return await accounts.propose(
        session, kind=BILL, subject=row.public_id, facts=facts, actor=actor, reason=_reason(reason), now=now
    )


async def bill(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Two persons have billed what is out; an invoice follows as for every order."""
    row = await memoing.locked(session, proposal.facts["memo"])
    await _sold(session, row, [line.stone for line in await _billable(session, row, now)], actor, now)


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {BILL: bill}


async def _billable(session: AsyncSession, row: Memo, now: datetime) -> list[MemoStone]:
    today = now.astimezone(ZoneInfo(entities()[row.entity].zone)).date()
    late = state_at(row.state, row.due_at, now) == MemoState.OVERDUE and row.billable is not None
    open_ = [line for line in await memoing.lines_of(session, row) if line.state == StoneState.OUT]
    if not late or not open_ or row.billable is None or today < row.billable:
        raise ActNotAllowed(state=state_at(row.state, row.due_at, now))
    return open_


async def _sold(session: AsyncSession, row: Memo, stones: Sequence[str], actor: Actor, now: datetime) -> Order:
    """One path with every other order: the promise passes from the memo to it, and settlement bills it."""
    lines = {line.stone: line for line in await memoing.lines_of(session, row)}
    if not stones or len(set(stones)) != len(stones) or not lines.keys() >= set(stones):
        raise BadInput(fields={"stones": "bad_input"} if stones else {"stones": "memo_nothing_chosen"})
    wanted = [lines[stone] for stone in sorted(stones)]
    bought = {line.order for line in wanted}
    if None not in bought and len(bought) == 1:  # said twice
        return (await session.scalars(select(Order).where(Order.public_id.in_(bought)))).one()
    gone = [line.stone for line in wanted if not stone_may(line.state, StoneState.INVOICED)]
    if row.state not in AWAY or gone:
        raise ActNotAllowed(state=state_at(row.state, row.due_at, now), stones=gone)
    seqs = {stone.public_id: stone.seq for stone in await memoing.stones_of(session, row)}
    order = await placing.place_order(  # under a key that no buyer can have used: theirs hold no stroke
        session, company_id=row.company_id, destination=row.destination,
        lines=[Line(one.stone, seqs[one.stone], one.price_minor, row.public_id) for one in wanted],
        source=OrderSource.MEMO, source_ref=row.public_id, key=f"memo/{row.public_id}/{wanted[0].place}",
        actor=actor, now=now,
    )  # fmt: skip
    for line in wanted:
        line.state, line.order = StoneState.INVOICED, order.public_id
        await session.flush()
    memoing.told(session, row, "stones_bought", actor.public_id, now, order=order.public_id)
    await memoing.finish(session, row, actor.public_id, now)
    return order


async def _returned(session: AsyncSession, row: Memo, line: MemoStone, by: str | None, now: datetime) -> None:
    await memoing.let_go(session, row, line, StoneState.RETURNED, by, now)
    memoing.told(session, row, "stone_returned", by, now, stone=line.stone)
    await memoing.finish(session, row, by, now)


async def _line(session: AsyncSession, memo: str, stone: str) -> tuple[Memo, MemoStone]:
    row = await memoing.locked(session, memo)
    line = await session.get(MemoStone, (row.id, stone))
    if line is None:
        raise NotFound()
    await session.refresh(line)
    return row, line


def _reason(said: str) -> str:
    reason = " ".join(said.split())
    if not REASON_LEAST <= len(reason) <= REASON_MOST:
        raise BadInput(fields={"reason": "reason_needed"})
    return reason
