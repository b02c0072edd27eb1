"""`make faults`: the kills, in full count: every way of money at every step, on both databases; bids under load."""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests import need
from tests.faults import killing_money
from tests.faults.killing import check, furnish, killed_under_load, settle_doubts
from tests.faults.killing_money import Embedded, Server, Store
from tests.faults.sale_flows import FLOWS

KILLS = 60


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
            same = done.kills - len(done.wrong)
            sys.stdout.write(f"{name}, {flow.name}: {done.steps} steps, {done.kills} kills, {same} to the same end\n")
            sys.stdout.writelines(f"    {line}\n" for line in done.wrong)
            sys.stdout.flush()
            wrong += len(done.wrong)
    return wrong


def main(kills: int) -> int:
    wrong = money(Embedded, "SQLite")
    server = need.postgres()
    wrong += money(lambda _: Server(server), "PostgreSQL")
    asyncio.run(bids(kills))
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else KILLS))
