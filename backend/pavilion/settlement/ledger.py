"""The journal: balanced postings, each made once, none ever changed (settlement spec 5)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import inserting
from pavilion.kernel.errors import Refusal
from pavilion.settlement.models import Entry, Guarded, Posting
from pavilion.settlement.postings import BUYERS, GUARDED, opposite
from pavilion.settlement.postings import Move as Move


class Overdrawn(Refusal):
    """More would leave the account than lies on it: nothing of the act is done."""

    status, code = 409, "account_overdrawn"


class Unbalanced(Exception):
    """A bug of ours, never of the reader: nothing is posted."""


async def post(
    session: AsyncSession,
    *,
    key: str,
    moves: Sequence[Move],
    currency: str,
    ref: str,
    at: datetime,
    by: str | None,
    reverses: int | None = None,
) -> bool:
    """True when the act was posted now, False when it already stood there under this key."""
    moves = [move for move in moves if move.amount_minor != 0]
    if sum(move.amount_minor for move in moves) != 0:
        raise Unbalanced(f"{key}: {moves}")
    if not moves:
        return False
    row = (
        inserting(session, Posting)
        .values(key=key, at=at, by=by, reverses=reverses)
        .on_conflict_do_nothing(index_elements=["key"])
    )
    txn_id = await session.scalar(row.returning(Posting.id))
    if txn_id is None:
        return False
    session.add_all(
        Entry(
            txn_id=txn_id,
            account=move.account,
            currency=currency,
            amount_minor=move.amount_minor,
            ref=move.ref or ref,
            at=at,
        )
        for move in moves
    )
    await session.flush()
    await _guard(session, moves, currency)
    return True


async def reverse(session: AsyncSession, key: str, *, by: str | None, at: datetime, ref: str | None = None) -> bool:
    """The posting with this key is taken back by one that names it; True when that was done now, False when it had been
    done before or nothing was posted. `ref` stands on the new entries, but never on what a buyer owes: that keeps the
    number of its invoice."""
    posting = await session.scalar(select(Posting).where(Posting.key == key))
    if posting is None:
        return False
    entries = (await session.scalars(select(Entry).where(Entry.txn_id == posting.id).order_by(Entry.id))).all()
    moves = [Move(one.account, one.amount_minor, _ref_of(one, ref)) for one in entries]
    (currency,) = {one.currency for one in entries}
    return await post(
        session,
        key=f"reversal:{key}",
        moves=opposite(moves),
        currency=currency,
        ref=ref or entries[0].ref,
        at=at,
        by=by,
        reverses=posting.id,
    )


def _ref_of(entry: Entry, ref: str | None) -> str:
    return entry.ref if ref is None or entry.account.startswith(BUYERS) else ref


async def _guard(session: AsyncSession, moves: Sequence[Move], currency: str) -> None:
    """The running balances of the accounts that may not fall below zero; in one order, so that two postings never wait
    for each other."""
    sums: dict[str, int] = defaultdict(int)
    for move in moves:
        if move.account.startswith(GUARDED):
            sums[move.account] += move.amount_minor
    for account, amount in sorted(sums.items()):
        if amount > 0 and -await balance(session, account, currency) < 0:
            raise Overdrawn(account=account)
        row = inserting(session, Guarded).values(account=account, currency=currency, amount_minor=min(amount, 0))
        later = row.on_conflict_do_update(
            index_elements=["account", "currency"], set_={"amount_minor": Guarded.amount_minor + amount}
        )
        try:
            async with session.begin_nested():
                await session.execute(later)
        except IntegrityError as fault:
            raise Overdrawn(account=account) from fault


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
    odd = select(Entry.txn_id).group_by(Entry.txn_id, Entry.currency).having(func.sum(Entry.amount_minor) != 0)
    return await session.scalar(odd.limit(1)) is None
