"""The journal: balanced postings, each made once, none ever changed (settlement spec 5)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.settlement.models import Entry, Posting


class Move(NamedTuple):
    """Debit above zero, credit below, in minor units."""

    account: str
    amount_minor: int


class Unbalanced(Exception):
    """A bug of ours, never of the reader: nothing is posted."""


async def post(
    session: AsyncSession, *, key: str, moves: Sequence[Move], currency: str, ref: str, at: datetime, by: str | None
) -> bool:
    """True when the act was posted now, False when it already stood there under this key."""
    moves = [move for move in moves if move.amount_minor != 0]
    if sum(move.amount_minor for move in moves) != 0:
        raise Unbalanced(f"{key}: {moves}")
    if not moves:
        return False
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = build(Posting).values(key=key, at=at, by=by).on_conflict_do_nothing(index_elements=["key"])
    txn_id = await session.scalar(row.returning(Posting.id))
    if txn_id is None:
        return False
    session.add_all(
        Entry(txn_id=txn_id, account=move.account, currency=currency, amount_minor=move.amount_minor, ref=ref, at=at)
        for move in moves
    )
    await session.flush()
    return True


async def balance(session: AsyncSession, account: str, currency: str) -> int:
    """Σ of the account's entries: positive is owed to the house or held by it."""
    wanted = select(func.coalesce(func.sum(Entry.amount_minor), 0))
    found = await session.scalar(wanted.where(Entry.account == account, Entry.currency == currency))
    return int(found or 0)


async def balances(session: AsyncSession) -> list[tuple[str, str, int]]:
    """(account, currency, balance) of every account that moved."""
    total = func.sum(Entry.amount_minor)
    rows = await session.execute(
        select(Entry.account, Entry.currency, total).group_by(Entry.account, Entry.currency).order_by(Entry.account)
    )
    return [(account, currency, int(amount)) for account, currency, amount in rows]


def sums(balances: Sequence[tuple[str, str, int]]) -> list[tuple[str, int, int]]:
    """(currency, Σ of debit balances, Σ of credit balances): equal, or something is wrong."""
    found: dict[str, list[int]] = {}
    for _, currency, amount in balances:
        both = found.setdefault(currency, [0, 0])
        both[amount < 0] += abs(amount)
    return [(currency, debit, credit) for currency, (debit, credit) in sorted(found.items())]


async def proves(session: AsyncSession) -> bool:
    """Whether every posting balances in every currency, counted anew from the entries."""
    sums: dict[tuple[int, str], int] = defaultdict(int)
    for txn, currency, amount in await session.execute(select(Entry.txn_id, Entry.currency, Entry.amount_minor)):
        sums[txn, currency] += amount
    return not any(sums.values())
