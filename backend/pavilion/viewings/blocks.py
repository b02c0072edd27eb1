"""Stones that nobody, or one company alone, may see for a time."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.kernel.instants import stamp
from pavilion.viewings import facts, placing, sweeping
from pavilion.viewings.models import Appointment, Claim
from pavilion.viewings.occupying import ceil, floor, instant, quanta
from pavilion.viewings.states import TAKING, BlockKind
from pavilion.viewings.stone_models import StoneBlock
from pavilion.viewings.wishes import Answer, Code


async def memo_out(
    session: AsyncSession, stone: str, *, frm: datetime, to: datetime, company_id: int | None, by: str, now: datetime
) -> Answer:
    """From `frm` to `to` nobody sees the stone here. It cannot begin over a viewing; holds that ended are none."""
    await sweeping.due(session, now)
    refused = await _refused(session, stone, frm, to)
    if refused is not None:
        return refused
    taken = await _first_claim(session, stone, frm, to)
    if taken is not None:
        return Answer(Code.STONE_TAKEN, {"stone": stone, "clash_from": stamp(taken)})
    return await _block(session, stone, BlockKind.MEMO, company_id, frm, to, by=by, now=now)


async def memo_stands(
    session: AsyncSession, stone: str, *, company_id: int, to: datetime, by: str, now: datetime
) -> None:
    """Trading has promised the stone to a memo, which no viewing stood against: nobody sees it until then."""
    await _block(session, stone, BlockKind.MEMO, company_id, now, to, by=by, now=now)


async def memo_return(session: AsyncSession, stone: str, *, by: str, now: datetime) -> Answer:
    """The memo ends now; one that had not begun never was."""
    return await _end(session, stone, BlockKind.MEMO, None, by=by, now=now)


async def stone_hold(
    session: AsyncSession, stone: str, *, company_id: int, frm: datetime, to: datetime, by: str, now: datetime
) -> Answer:
    """From `frm` to `to` that company alone may book it. Viewings that stand stay."""
    refused = await _refused(session, stone, frm, to)
    if refused is not None:
        return refused
    for block in (await facts.stones(session, [stone]))[stone].blocks:
        foreign = block.kind is BlockKind.HOLD and block.company_id != company_id
        if foreign and block.start < to and frm < block.end:
            return Answer(Code.STONE_ON_HOLD, {"stone": stone, "until": stamp(block.end)})
    return await _block(session, stone, BlockKind.HOLD, company_id, frm, to, by=by, now=now)


async def stone_hold_end(session: AsyncSession, stone: str, *, company_id: int, by: str, now: datetime) -> Answer:
    """Others may book it again."""
    return await _end(session, stone, BlockKind.HOLD, company_id, by=by, now=now)


async def end_block(session: AsyncSession, block: StoneBlock, *, by: str, now: datetime) -> None:
    """It ends now; one that had not begun never was."""
    if block.starts_at < now:
        block.ends_at = now
    else:
        await session.delete(block)
    await session.flush()
    events.record(session, f"stone:{block.kind}_ended", block.stone, by=by, at=now, company_id=block.company_id)


async def _refused(session: AsyncSession, stone: str, frm: datetime, to: datetime) -> Answer | None:
    """What keeps the stone from any block. From here on no booking of it is written until this transaction ends."""
    if not frm < to:
        return Answer(Code.BAD_INPUT, {"fields": {"to": Code.BAD_INPUT.value}})
    await placing.alone(session)
    await placing.still(session, [stone], writing=True)
    known = (await facts.stones(session, [stone])).get(stone)
    if known is None:
        return Answer(Code.UNKNOWN_REFERENCE, {"field": "stone", "stone": stone})
    if known.fate is not None:
        return Answer(Code(f"stone_{known.fate}"), {"stone": stone})
    for block in known.blocks:
        if block.kind is BlockKind.MEMO and block.start < to and frm < block.end:
            return Answer(Code.ON_MEMO, {"stone": stone, "until": stamp(block.end)})
    return None


async def _first_claim(session: AsyncSession, stone: str, frm: datetime, to: datetime) -> datetime | None:
    span = quanta(floor(frm), ceil(to))
    first = (
        select(Claim.quantum)
        .join(Appointment, Appointment.id == Claim.appointment_id)
        .where(
            Claim.resource.in_([f"stone:{stone}:{key}" for key in "fts"]), Claim.quantum >= span.start,
            Claim.quantum < span.stop, Appointment.state.in_(TAKING),
        )
        .order_by(Claim.quantum)
        .limit(1)
    )  # fmt: skip
    found = await session.scalar(first)
    return None if found is None else instant(found)


async def _block(
    session: AsyncSession,
    stone: str,
    kind: BlockKind,
    company_id: int | None,
    frm: datetime,
    to: datetime,
    *,
    by: str,
    now: datetime,
) -> Answer:
    row = StoneBlock(stone=stone, kind=kind, company_id=company_id, starts_at=frm, ends_at=to, by=by[:40], at=now)
    session.add(row)
    await session.flush()
    events.record(
        session, f"stone:{kind}", stone, by=by, at=now, company_id=company_id, start=stamp(frm), end=stamp(to)
    )
    return Answer(facts={"stone": stone, "until": stamp(to)})


async def _end(
    session: AsyncSession, stone: str, kind: BlockKind, company_id: int | None, *, by: str, now: datetime
) -> Answer:
    standing = select(StoneBlock).where(StoneBlock.stone == stone, StoneBlock.kind == kind, StoneBlock.ends_at > now)
    if company_id is not None:
        standing = standing.where(StoneBlock.company_id == company_id)
    block = await session.scalar(standing.order_by(StoneBlock.starts_at).limit(1))
    if block is None:
        return Answer(Code.UNKNOWN_REFERENCE, {"field": "stone", "stone": stone})
    await end_block(session, block, by=by, now=now)
    return Answer(facts={"stone": stone})
