"""kill -9 of the production command under load; `python -m tests.faults.run` does it many times over."""

from tests.faults.killing import check, furnish, killed_under_load, settle_doubts


async def test_every_acknowledged_bid_is_found_after_kill_minus_nine(tmp_path):
    load = await furnish(tmp_path)
    for _ in range(2):
        await killed_under_load(load, more=15)
    await settle_doubts(load)
    assert await check(load) >= 30
