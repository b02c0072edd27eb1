"""`make faults`: the kills, in full count: every way of money at every step, on both databases; bids under load; and
ten thousand verdicts that turn under published sales."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests import need
from tests.auctions import verdict_fuzz
from tests.conftest import run_sql
from tests.faults import killing_money
from tests.faults.killing import check, furnish, killed_under_load, settle_doubts
from tests.faults.killing_money import Embedded, Server, Store
from tests.faults.sale_flows import FLOWS

KILLS = 60
VERDICTS, SEED = 10_000, 11
# A copy of a database for each kill: of a server that lives as long as this run nobody asks what a power cut leaves.
CHEAP = (
    *(f"alter system set {name} = off" for name in ("fsync", "full_page_writes", "autovacuum", "synchronous_commit")),
    "select pg_reload_conf()",
)


async def bids(kills: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        load = await furnish(Path(folder))
        for number in range(1, kills + 1):
            await killed_under_load(load, more=10)
            sys.stdout.write(f"kill {number}: {len(load.acknowledged)} acknowledged, {len(load.in_doubt)} in doubt\n")
        await settle_doubts(load)
        sys.stdout.write(f"all {await check(load)} acknowledged bids are in the book\n")


def money(store: Callable[[Path], Store], name: str) -> int:
    """How many kills did not come to the same end."""
    wrong = 0
    with killing_money.killer(store) as one:
        for flow in FLOWS:
            done = one.kills(flow, lambda steps: range(1, steps + 1))
            counted = f"{done.steps} steps, {done.kills} kills, {done.same} to the same end"
            sys.stdout.write(f"{name}, {flow.name}: {counted}\n")
            sys.stdout.writelines(f"    {line}\n" for line in done.wrong)
            sys.stdout.flush()
            wrong += len(done.wrong)
    return wrong


def main(kills: int) -> int:
    wrong = money(Embedded, "SQLite")
    server = need.postgres()
    if "TEST_DATABASE_URL" not in os.environ:
        asyncio.run(run_sql(server, *CHEAP))
    wrong += money(lambda _: Server(server), "PostgreSQL")
    asyncio.run(bids(kills))
    asyncio.run(verdict_fuzz.main(VERDICTS, SEED))
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else KILLS))
