"""What every test leaves behind in the ledger: postings that sum to zero, and running balances that are true."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import event, make_url

from pavilion.settlement.models import Entry
from pavilion.settlement.postings import GUARDED

touched = False  # whether this process wrote an entry since the present test began

ODD = (
    "select 'posting ' || txn_id, currency, sum(amount_minor) from journal group by 1, 2 having sum(amount_minor) <> 0"
)
_KEPT = " or ".join(f"account like '{start}%'" for start in GUARDED)
DRIFTED = f"""
select account, currency, sum(amount_minor) from (
  select account, currency, amount_minor from journal where {_KEPT}
  union all select account, currency, -amount_minor from guarded_balances
) as both_sides group by account, currency having sum(amount_minor) <> 0
"""


@event.listens_for(Entry, "after_insert")
def _touch(*_: Any) -> None:
    global touched
    touched = True


def prove_file(path: Path) -> None:
    """The embedded database of a test, read beside whoever may still hold it."""
    if not path.exists():
        return
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        known = database.execute("select 1 from sqlite_master where name = 'guarded_balances'").fetchone()
        if known is None or database.execute("select 1 from journal limit 1").fetchone() is None:
            return
        _judge([*database.execute(ODD), *database.execute(DRIFTED)])


async def prove(url: str) -> None:
    """The database of a test on the server."""
    parsed = make_url(url)
    connection = await asyncpg.connect(
        host=parsed.host or parsed.query.get("host"),
        port=parsed.port,
        user=parsed.username,
        password=parsed.password,
        database=parsed.database,
    )
    try:
        _judge([tuple(row) for query in (ODD, DRIFTED) for row in await connection.fetch(query)])
    finally:
        await connection.close()


def _judge(found: Sequence[tuple[Any, ...]]) -> None:
    assert not found, f"the test left books that are not right: {found}"
