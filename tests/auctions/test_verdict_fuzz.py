"""No page of a published sale shows what is not verified, whatever verdicts do; the full count: `make faults`."""

from tests.auctions import verdict_fuzz
from tests.auctions.test_pages import house as running  # noqa: F401


async def test_pages_of_published_sales_show_nothing_unverified_while_verdicts_turn_at_random(running):  # noqa: F811
    fuzz = await verdict_fuzz.staged(running.app, running.sessions)
    await verdict_fuzz.run(fuzz, 150, seed=3)
    assert fuzz.changes >= 150 and fuzz.pages >= 6 and fuzz.hidden > 10 and fuzz.shown > 10
