"""`make faults`: the kills, in full count."""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.faults.killing import check, furnish, killed_under_load, settle_doubts

KILLS = 60


async def main(kills: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        load = await furnish(Path(folder))
        for number in range(1, kills + 1):
            await killed_under_load(load, more=10)
            sys.stdout.write(f"kill {number}: {len(load.acknowledged)} acknowledged, {len(load.in_doubt)} in doubt\n")
        await settle_doubts(load)
        sys.stdout.write(f"all {await check(load)} acknowledged bids are in the book\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else KILLS))
