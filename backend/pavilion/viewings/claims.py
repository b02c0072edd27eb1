"""The claim table (viewings spec 3): who reads it, takes rows of it and gives them back.

The primary key of a row is the referee. SQLite has one writer, which reads before it inserts; on PostgreSQL the insert
of a racer waits for the one ahead and then fails, and its transaction goes back to its savepoint.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    any_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import UtcDateTime
from pavilion.viewings.models import Appointment, Claim
from pavilion.viewings.occupying import SPARE, STEP, Occupied, Picked, quantum
from pavilion.viewings.place_models import Quota
from pavilion.viewings.rows import Row, Taken
from pavilion.viewings.rules import Place
from pavilion.viewings.states import AppointmentState

TRIES = 5  # of an insert that met a racer
DEADLOCK = "40P01"

Values = tuple[str, int, int | None, int | None]  # resource, quantum, appointment, company


class Crossed(Exception):
    """Somebody took one of the rows between our look and our insert."""


class QuotaFull(Exception):
    def __init__(self, quota: str) -> None:
        super().__init__(quota)
        self.quota = quota


@dataclass(frozen=True, slots=True)
class Found:
    """`late`: appointments in the way whose time may be over, though nobody has told them yet."""

    rows: dict[Row, Taken] = field(default_factory=dict)
    late: frozenset[int] = frozenset()


async def read(session: AsyncSession, wanted: Occupied, now: datetime, *, own: int | None = None) -> Found:
    """The rows of others in the way of what is wanted, in its whole span."""
    span, resources = wanted.span, wanted.resources()
    postgres = session.get_bind().dialect.name == "postgresql"
    asked = {
        "resources": resources if postgres else json.dumps(resources), "first": span.start, "end": span.stop, "now": now
    }  # fmt: skip
    rows, owners = dict[Row, Taken](), dict[int, Taken]()
    late = set()
    for resource, at, appointment, company, sharers, owner, expires, is_late in await session.execute(
        _IN_THE_WAY_POSTGRES if postgres else _IN_THE_WAY_SQLITE, asked
    ):
        if appointment is None:
            assert company is not None
            rows[resource, at] = Taken(company, None, sharers)
        elif appointment != own:
            if appointment not in owners:
                owners[appointment] = Taken(owner, appointment, 1, expires)
                if is_late:
                    late.add(appointment)
            rows[resource, at] = owners[appointment]
    return Found(_places_on_hold(rows), frozenset(late))


def without(rows: dict[Row, Taken], appointments: frozenset[int]) -> dict[Row, Taken]:
    return {row: taken for row, taken in rows.items() if taken.appointment_id not in appointments}


def _places_on_hold(rows: dict[Row, Taken]) -> dict[Row, Taken]:
    """A company's place in a room is only on hold where every seat of it is."""
    seats: dict[tuple[str, int, int], list[Taken]] = defaultdict(list)
    for (resource, at), taken in rows.items():
        if resource.startswith("seat:"):
            seats[resource.split(":")[1], at, taken.company_id].append(taken)
    for (resource, at), taken in rows.items():
        if taken.appointment_id is None:
            held = [seat.held_until for seat in seats.get((resource.split(":")[1], at, taken.company_id), ())]
            until = [one for one in held if one is not None]
            if held and len(until) == len(held):
                rows[resource, at] = replace(taken, held_until=max(until))
    return rows


async def take(session: AsyncSession, appointment: Appointment, picked: Picked) -> None:
    """The rows belong to the appointment, or `Crossed`: then the caller goes back to its savepoint."""
    try:
        for resource, quanta in _by_resource(picked.shared).items():
            shared = await session.execute(
                update(Claim)
                .where(
                    Claim.resource == resource,
                    Claim.quantum.in_(quanta),
                    Claim.company_id == appointment.company_id,
                )
                .values(sharers=Claim.sharers + 1)
                .execution_options(synchronize_session=False)
            )
            if shared.rowcount != len(quanta):  # type: ignore[attr-defined]
                raise Crossed
        rows: list[Values] = [(*row, appointment.id, None) for row in picked.own]
        rows += [(*row, None, appointment.company_id) for row in picked.places]
        await _insert(session, sorted(rows, key=lambda row: row[:2]))
    except DBAPIError as error:
        if not is_crossed(error):
            raise
        raise Crossed from None


def is_crossed(error: DBAPIError) -> bool:
    """A racer was first, or two waited for one another and this one was chosen to give way."""
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) == DEADLOCK


async def release(
    session: AsyncSession, appointment: Appointment, place: Place, *, frm: datetime | None = None
) -> None:
    """The appointment claims nothing any more, or nothing from that instant on, pads included."""
    since = None if frm is None else quantum(frm)
    await _leave_room(session, appointment, place, since)
    gone = delete(Claim).where(Claim.appointment_id == appointment.id)
    if since is not None:
        gone = gone.where(Claim.quantum >= since)
    await session.execute(gone.execution_options(synchronize_session=False))


async def trim(session: AsyncSession, appointment: Appointment, place: Place, *, end: datetime) -> None:
    """It ends then; the pad behind it, as long as it was, follows the new end."""
    new = quantum(end)
    pad = timedelta(minutes=appointment.pad_after) // STEP
    await _leave_room(session, appointment, place, new)
    padded = or_(Claim.resource.like("%:t"), Claim.resource.like("%:s"))
    await session.execute(
        delete(Claim)
        .where(
            Claim.appointment_id == appointment.id,
            or_(and_(~padded, Claim.quantum >= new), and_(padded, Claim.quantum >= new + pad)),
        )
        .execution_options(synchronize_session=False)
    )


async def drop_stones(session: AsyncSession, appointment: Appointment, stones: Iterable[str], frm: datetime) -> None:
    names = [f"stone:{stone}:{key}" for stone in stones for key in "fts"]
    await session.execute(
        delete(Claim)
        .where(Claim.appointment_id == appointment.id, Claim.resource.in_(names), Claim.quantum >= quantum(frm))
        .execution_options(synchronize_session=False)
    )


async def _leave_room(session: AsyncSession, appointment: Appointment, place: Place, since: int | None) -> None:
    """One sharer less of the company's place; the last one takes it away. The rows are locked first: two who leave at
    once would else each see the other still there."""
    if place.room is None:
        return
    seats = select(Claim.quantum).distinct().where(
        Claim.appointment_id == appointment.id, Claim.resource.startswith("seat:")
    )  # fmt: skip
    quanta = (await session.scalars(seats if since is None else seats.where(Claim.quantum >= since))).all()
    if not quanta:
        return
    names = [f"roomco:{place.room}:{k}" for k in range(1, place.cap + SPARE + 1)]
    mine = and_(
        Claim.resource.in_(names), Claim.quantum.in_(quanta), Claim.company_id == appointment.company_id
    )  # fmt: skip
    if session.get_bind().dialect.name == "postgresql":
        locked = select(Claim.quantum).where(mine).order_by(Claim.resource, Claim.quantum)
        await session.execute(locked.with_for_update())
    quiet = {"synchronize_session": False}
    await session.execute(delete(Claim).where(mine, Claim.sharers == 1).execution_options(**quiet))
    fewer = update(Claim).where(mine, Claim.sharers > 1).values(sharers=Claim.sharers - 1)
    await session.execute(fewer.execution_options(**quiet))


# Quotas


async def take_quotas(session: AsyncSession, quotas: Sequence[str], places: int) -> None:
    """So many places of each are used, or `QuotaFull`: then the caller goes back to its savepoint."""
    for quota in sorted(quotas):
        try:
            used = await session.execute(
                update(Quota)
                .where(Quota.id == quota, Quota.used + places <= Quota.cap)
                .values(used=Quota.used + places)
                .execution_options(synchronize_session=False)
            )
        except DBAPIError as error:
            if not is_crossed(error):
                raise
            raise Crossed from None
        if used.rowcount != 1:  # type: ignore[attr-defined]
            raise QuotaFull(quota)


async def give_quotas_back(session: AsyncSession, quotas: Sequence[str], places: int) -> None:
    for quota in sorted(quotas):
        await session.execute(
            update(Quota)
            .where(Quota.id == quota)
            .values(used=Quota.used - places)
            .execution_options(synchronize_session=False)
        )


_POSTGRES = text(
    "insert into viewing_claims (resource, quantum, appointment_id, company_id, sharers) "
    "select r, q, a, c, 1 from unnest(:r, :q, :a, :c) as t(r, q, a, c) order by r, q"
).bindparams(
    bindparam("r", type_=ARRAY(String)), bindparam("q", type_=ARRAY(BigInteger)),
    bindparam("a", type_=ARRAY(BigInteger)), bindparam("c", type_=ARRAY(BigInteger)),
)  # fmt: skip
_SQLITE = text(
    "insert into viewing_claims (resource, quantum, appointment_id, company_id, sharers) "
    "select value ->> 0, value ->> 1, value ->> 2, value ->> 3, 1 from json_each(:rows)"
)


async def _insert(session: AsyncSession, rows: list[Values]) -> None:
    """All of them in one statement, in the order that everybody inserts in."""
    if not rows:
        return
    if session.get_bind().dialect.name == "postgresql":
        names = ("r", "q", "a", "c")
        await session.execute(_POSTGRES, {name: [row[n] for row in rows] for n, name in enumerate(names)})
    else:
        await session.execute(_SQLITE, {"rows": json.dumps(rows)})


def _by_resource(rows: Iterable[Row]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for resource, at in sorted(rows):
        found[resource].append(at)
    return found


def _in_the_way(*resources: ColumnElement[bool]) -> Select[Any]:
    claim, made = _CLAIM, Appointment.__table__.c
    now = bindparam("now", type_=UtcDateTime())
    begun = and_(made.state == AppointmentState.BOOKED.value, made.starts_at <= now)
    return (
        select(
            claim.resource, claim.quantum, claim.appointment_id, claim.company_id, claim.sharers,
            made.company_id, made.expires_at, case((or_(made.expires_at <= now, begun), 1), else_=0),
        )
        .select_from(Claim.__table__.outerjoin(Appointment.__table__, made.id == claim.appointment_id))
        .where(
            *resources,
            claim.quantum >= bindparam("first", type_=BigInteger()),
            claim.quantum < bindparam("end", type_=BigInteger()),
        )
    )  # fmt: skip


_CLAIM = Claim.__table__.c
# Names are asked for as one value: a statement of its own for each count of them would be put together at every try
_IN_THE_WAY_POSTGRES = _in_the_way(_CLAIM.resource == any_(bindparam("resources", type_=ARRAY(String))))
_NAMED = func.json_each(bindparam("resources", type_=String())).table_valued("value")
_IN_THE_WAY_SQLITE = _in_the_way(_CLAIM.resource.in_(select(_NAMED.c.value)))
