"""Reserves: sealed wherever they are stored, bound to their lot, open only in the memory of who may know them."""

from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import Text, cast, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Command, Lot
from pavilion.kernel.db import Sessions, one_at_a_time, seal_of
from pavilion.kernel.errors import BadInput
from pavilion.kernel.money import MAX_AMOUNT
from pavilion.kernel.seals import AmountSeal

SAID, KEPT = "reserve_minor", "reserve_sealed"  # as a person says it, as it is stored
AT_ONCE = 200


class OtherKey(Exception):
    """The reserves of this database are sealed under another key."""


def reserve_of(session: AsyncSession, lot: Lot) -> int | None:
    """The lot's reserve in the clear: for the checks, the engine, and people with the right."""
    assert lot.reserve_in_clear is None, "the first start of this version seals what stands in clear"
    return opened(session, lot.public_id, lot.reserve_sealed)


def opened(session: AsyncSession, lot: str, sealed: str | None) -> int | None:
    return None if sealed is None else _seal(session).open(bytes.fromhex(sealed), place_of(lot))


def stored(session: AsyncSession, lot: Lot, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as columns: a reserve among them is sealed, and one that says what stands stays as it is."""
    columns = {name: value for name, value in values.items() if name != SAID}
    if SAID in values:
        amount: int | None = values[SAID]
        if amount is not None and not 0 < amount <= MAX_AMOUNT:
            raise BadInput(fields={"reserve": "amount_invalid"})
        same = amount == opened(session, lot.public_id, lot.reserve_sealed)
        columns[KEPT] = lot.reserve_sealed if same else sealed(_seal(session), lot.public_id, amount)
    return columns


def same(session: AsyncSession, lot: str, one: str | None, other: str | None) -> bool:
    """Whether two sealed reserves of this lot are one amount; each sealing looks different."""
    return one == other or (
        one is not None and other is not None and opened(session, lot, one) == opened(session, lot, other)
    )


def sealed(seal: AmountSeal, lot: str, amount: int | None) -> str | None:
    return None if amount is None else seal.close(amount, place_of(lot)).hex()


def place_of(lot: str) -> str:
    return f"reserve|{lot}"


def _seal(session: AsyncSession) -> AmountSeal:
    seal = seal_of(session)
    assert seal is not None, "a house without its data key has no reserves"
    return seal


# --- The first start after reserves stood in clear -----------------------------------------------------------------


async def seal_all(sessions: Sessions) -> int:
    """No lot and no command of curation holds a reserve in clear from here on; answers how many rows did. Cut short,
    it goes on where it stopped: a row is in clear or sealed, never both or neither. OtherKey when the house's key does
    not open what is sealed already; then nothing was changed."""
    done = 0
    for step in (_seal_lots, _seal_commands):
        while count := await step(sessions):
            done += count
    return done


async def _seal_lots(sessions: Sessions) -> int:
    async with sessions.begin() as session:
        await _alone(session)
        wanted = select(Lot.id, Lot.public_id, Lot.reserve_in_clear).where(Lot.reserve_in_clear.is_not(None))
        rows = (await session.execute(wanted.order_by(Lot.id).limit(AT_ONCE))).all()
        for id, lot, amount in rows:
            values = {"reserve_in_clear": None, "reserve_sealed": sealed(_seal(session), lot, amount)}
            await session.execute(update(Lot).where(Lot.id == id).values(values))
        return len(rows)


async def _seal_commands(sessions: Sessions) -> int:
    async with sessions.begin() as session:
        await _alone(session)
        wanted = select(Command).where(cast(Command.changes, Text).contains(f'"{SAID}":', autoescape=True))
        rows = (await session.scalars(wanted.order_by(Command.id).limit(AT_ONCE))).all()
        for command in rows:
            command.changes = [_sealed_change(_seal(session), change) for change in command.changes]
        return len(rows)


async def _alone(session: AsyncSession) -> None:
    """One process seals at a time, and only under the key that opens what is sealed."""
    await one_at_a_time(session, "reserves are sealed")
    known = select(Lot.public_id, Lot.reserve_sealed).where(Lot.reserve_sealed.is_not(None)).limit(1)
    for lot, kept in (await session.execute(known)).all():
        try:
            opened(session, lot, kept)
        except InvalidTag as fault:
            raise OtherKey from fault


def _sealed_change(seal: AmountSeal, change: Mapping[str, Any]) -> dict[str, Any]:
    sides = {side: change[side] for side in ("before", "after")}
    for side, facts in sides.items():
        if facts is not None and SAID in facts:
            rest = {name: value for name, value in facts.items() if name != SAID}
            sides[side] = rest | {KEPT: sealed(seal, change["lot"], facts[SAID])}
    return {**change, **sides}
