"""Claims written again where the pads or the gap mode of standing appointments changed (viewings spec 3)."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.errors import StaleVersion
from pavilion.viewings import claims
from pavilion.viewings.models import Appointment, Claim
from pavilion.viewings.occupying import Occupied, Picked
from pavilion.viewings.rows import Row
from pavilion.viewings.rules import MINUTE
from pavilion.viewings.standing import Sitting

PADDED = or_(*(Claim.resource.like(f"{thing}:%") for thing in ("desk", "stone", "operator")))


async def rewrite(session: AsyncSession, office: str, kept: Sequence[Sitting]) -> tuple[int, int]:
    """Each kept appointment claims its desk, stones and operator with the pads it has now, unless one that does not
    fit stands in the way: then it keeps the claims it has. Answers how many were written again, and how many not."""
    wanted = {one.id: one for one in kept}
    found = await session.scalars(select(Appointment).where(Appointment.id.in_(list(wanted))).order_by(Appointment.id))
    rows = {row.id: row for row in found if _differs(row, wanted[row.id])}
    if not rows:
        return 0, 0
    new = {number: _rows_of(wanted[number]) for number in rows}
    old, others = await _standing(session, rows, new)
    stay = _stay(new, old, others)
    move = [number for number in rows if number not in stay]
    await session.execute(
        delete(Claim).where(Claim.appointment_id.in_(move), PADDED).execution_options(synchronize_session=False)
    )
    try:
        for number in move:
            await claims.take(session, rows[number], Picked(own=tuple(sorted(new[number]))))
            its = wanted[number]
            rows[number].pad_before, rows[number].pad_after = its.pads.before // MINUTE, its.pads.after // MINUTE
            rows[number].gap_mode = its.gap_mode
    except claims.Crossed:  # somebody booked in the very moment: it is looked at again
        raise StaleVersion from None
    await session.flush()
    return len(move), len(stay)


def _differs(row: Appointment, one: Sitting) -> bool:
    pads = (one.pads.before // MINUTE, one.pads.after // MINUTE)
    return (row.pad_before, row.pad_after, row.gap_mode) != (*pads, one.gap_mode)


def _rows_of(one: Sitting) -> frozenset[Row]:
    its = Occupied(
        one.start, one.end, one.pads, one.gap_mode, one.desk, one.company_id, 0, 1, None, one.stones, one.operator
    )
    return frozenset(its.fixed())


async def _standing(
    session: AsyncSession, rows: dict[int, Appointment], new: dict[int, frozenset[Row]]
) -> tuple[dict[int, set[Row]], set[Row]]:
    """The padded claims that these have, and those of everybody else about the same time."""
    quanta = [quantum for wanted in new.values() for _, quantum in wanted]
    old: dict[int, set[Row]] = defaultdict(set)
    others: set[Row] = set()
    found = select(Claim.resource, Claim.quantum, Claim.appointment_id).where(
        PADDED, Claim.quantum >= min(quanta), Claim.quantum <= max(quanta)
    )
    for resource, quantum, number in await session.execute(found):
        (old[number] if number in rows else others).add((resource, quantum))
    return old, others


def _stay(new: dict[int, frozenset[Row]], old: dict[int, set[Row]], others: set[Row]) -> set[int]:
    """Who keeps the claims they have: those whose new ones are another's, and then those in whose way they stay."""
    stay: set[int] = set()
    taken = set(others)
    while True:
        hindered = [number for number, rows in new.items() if number not in stay and not rows.isdisjoint(taken)]
        if not hindered:
            return stay
        for number in hindered:
            stay.add(number)
            taken |= old[number]
