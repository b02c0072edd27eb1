"""Page views of lots: counted by batches, nobody kept, nothing lost but what a kill took."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from pavilion.auctions import viewed
from pavilion.auctions.view_models import LotViews
from pavilion.auctions.viewed import EVERY, Views
from tests.make import NOON

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
PERSON = {"user-agent": CHROME}
A, B = "A" * 26, "B" * 26


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"user-agent": "curl/8.5"},
        {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"user-agent": CHROME.replace("Chrome", "HeadlessChrome")},
        PERSON | {"sec-purpose": "prefetch;prerender"},
        PERSON | {"purpose": "prefetch"},
    ],
)
def test_robots_and_pages_fetched_ahead_are_no_views(headers):
    assert not viewed.is_person(headers) and viewed.is_person(PERSON)


async def test_views_of_two_processes_add_up_by_lot_and_day(sessions):
    one, other = Views(), Views()
    for _ in range(3):
        one.saw(A, PERSON, staff=False, now=NOON)
    one.saw(A, PERSON, staff=True, now=NOON)
    one.saw(B, PERSON, staff=False, now=NOON + timedelta(days=1))
    other.saw(A, PERSON, staff=False, now=NOON)
    assert [await one.tick(sessions, NOON), await other.tick(sessions, NOON)] == [4, 1]
    one.saw(A, PERSON, staff=False, now=NOON)
    assert await one.tick(sessions, NOON + EVERY / 2) == 0, "a batch takes its time"
    assert await one.tick(sessions, NOON + EVERY) == 1
    assert await one.tick(sessions, NOON + 2 * EVERY) == 0, "nothing to write, no transaction"
    async with sessions() as session:
        rows = [(row.lot, row.day, row.n) for row in await session.scalars(select(LotViews).order_by(LotViews.lot))]
        assert await viewed.of_lots(session, [A, B, "C" * 26]) == {A: 5, B: 1}
    assert rows == [(A, "2026-03-02", 5), (B, "2026-03-03", 1)], "and nothing else is kept"


async def test_what_a_failing_store_refused_is_written_with_the_next(sqlite_sessions):
    views = Views()
    views.saw(A, PERSON, staff=False, now=NOON)

    class Away:
        def begin(self):
            raise OperationalError("insert", {}, Exception("away"))

    with pytest.raises(OperationalError):
        await views.tick(Away(), NOON)
    views.saw(A, PERSON, staff=False, now=NOON)
    assert await views.tick(sqlite_sessions, NOON + EVERY) == 2
