"""The journal as files: every entry as the house names it (api spec 5), as a general journal that accounting software
imports, and as plain-text double entry."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.money import decimal_text
from pavilion.settlement.accounts_of import kind_of
from pavilion.settlement.models import Entry, Posting

UTC = ZoneInfo("UTC")
JOURNAL = ("at", "txn", "entry", "account", "currency", "debit_minor", "credit_minor", "ref")
GENERAL = (
    *("date", "voucher", "line", "account", "account_name", "currency", "debit", "credit", "reference", "act"),
    "reverses",
)


class Row(NamedTuple):
    at: datetime
    txn: int
    entry: int
    key: str
    reverses: int | None
    account: str
    currency: str
    amount_minor: int
    ref: str


async def rows(session: AsyncSession, since: date | None = None, until: date | None = None) -> list[Row]:
    """Every entry of these days of UTC, both included, oldest first; of all days where none is said."""
    wanted = select(
        Entry.at, Posting.id, Entry.id, Posting.key, Posting.reverses,
        Entry.account, Entry.currency, Entry.amount_minor, Entry.ref,
    ).join(Posting, Posting.id == Entry.txn_id)  # fmt: skip
    if since is not None:
        wanted = wanted.where(Entry.at >= datetime.combine(since, time(), UTC))
    if until is not None:
        wanted = wanted.where(Entry.at < datetime.combine(until + timedelta(days=1), time(), UTC))
    return [Row(*row) for row in await session.execute(wanted.order_by(Posting.id, Entry.id))]


def journal(found: Iterable[Row]) -> Iterator[Sequence[str]]:
    """`journal.csv`: whole minor units; Σ debit = Σ credit per transaction and currency."""
    yield JOURNAL
    for row in found:
        debit, credit = max(row.amount_minor, 0), max(-row.amount_minor, 0)
        said = (row.at, row.txn, row.entry, row.account, row.currency, debit, credit, row.ref)
        yield [str(cell) for cell in said]


def general(found: Iterable[Row], names: dict[str, str]) -> Iterator[Sequence[str]]:
    """A general journal: one voucher a transaction, amounts in major units, one of debit and credit on each line."""
    yield GENERAL
    for txn, entries in groupby(found, key=lambda row: row.txn):
        for line, row in enumerate(entries, 1):
            size = decimal_text(abs(row.amount_minor), row.currency)
            yield (
                row.at.date().isoformat(),
                str(txn),
                str(line),
                row.account,
                names.get(row.account, ""),
                row.currency,
                size if row.amount_minor > 0 else "",
                size if row.amount_minor < 0 else "",
                row.ref,
                kind_of(row.key),
                "" if row.reverses is None else str(row.reverses),
            )


def plain_text(found: Iterable[Row]) -> str:
    """Plain-text double entry as hledger and ledger-cli read it: one transaction a paragraph, which sums to zero."""
    parts = []
    for txn, entries in groupby(found, key=lambda row: row.txn):
        lines = list(entries)
        head = lines[0]
        said = [f"{head.at.date().isoformat()} * ({txn}) {kind_of(head.key)}  ; {_plain(head.key)}"]
        said += [
            f"    {_plain(row.account)}  {row.currency} {decimal_text(row.amount_minor, row.currency)}"
            f"  ; ref: {_plain(row.ref)}"
            for row in lines
        ]
        parts.append("\n".join(said) + "\n")
    return "\n".join(parts)


def _plain(text: str) -> str:
    """On one line, and without what would begin a comment or end an account's name."""
    return " ".join(text.replace(";", ",").split())
