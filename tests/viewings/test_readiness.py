"""Before a sale is published its curator reads which of its stones nobody will see, and is not held up by it."""

from datetime import timedelta

from sqlalchemy import select

from pavilion.auctions import publishing
from pavilion.auctions.models import Sale
from pavilion.auctions.rules import Code, Level
from pavilion.kernel.db import sessions_of
from pavilion.provenance.custody_models import CustodyEntry
from pavilion.viewings import readiness
from pavilion.viewings.place_models import SaleViewing, Window
from pavilion.viewings.stone_models import Stay
from tests.auctions import world
from tests.make import HOUR, NOON
from tests.viewings import booked


async def findings(sessions, sale):
    with_checks = sessions_of(sessions.kw["bind"], sessions.kw["info"]["seal"], checks=readiness.CHECKS)
    async with with_checks() as session:
        row = await session.scalar(select(Sale).where(Sale.public_id == sale))
        found = (await publishing.readiness_of(session, row, NOON)).findings
        assert {one.level for one in found} <= {Level.WARN}
        return [(one.lot, one.code, one.fact) for one in found]


async def add(sessions, *rows):
    async with sessions.begin() as session:
        session.add_all(rows)


def stay(stone, arrive=None, depart=None):
    return Stay(stone=stone, office_id="ant", arrive=arrive, depart=depart, at=NOON)


def window(opens, closes):
    day = {"day": opens.date(), "opens": "09:00", "closes": "18:00", "tz_version": "2026a"}
    return Window(office_id="ant", opens_at=opens, closes_at=closes, **day)


async def test_a_stone_at_no_office_and_one_whose_office_is_shut_are_named(sessions):
    made = await world.build(sessions, 4)
    sale = await world.draft(sessions, made)
    assert await findings(sessions, sale) == [], "a house without offices shows nothing"
    async with sessions.begin() as session:
        await booked.office(session, "ant")
    first, second, third, fourth = await world.order(sessions, sale)
    here, gone, late, away = made.stones
    await add(
        sessions,
        stay(here),
        stay(gone, depart=NOON + HOUR / 2),
        stay(late, arrive=NOON + HOUR),
        stay(away, arrive=world.FIRST_CLOSE),
    )
    shut, nowhere = Code.NO_VIEWING_WINDOW, Code.NOT_AT_VIEWING_OFFICE
    assert await findings(sessions, sale) == [
        (first, shut, here), (second, shut, gone), (third, shut, late), (fourth, nowhere, away),
    ]  # fmt: skip
    await add(sessions, window(NOON + HOUR, NOON + 5 * HOUR))
    assert await findings(sessions, sale) == [(second, shut, gone), (fourth, nowhere, away)]


async def test_the_viewing_of_a_sale_may_end_before_its_first_close(sessions):
    made = await world.build(sessions, 1)
    sale = await world.draft(sessions, made)
    async with sessions.begin() as session:
        await booked.office(session, "ant")
    await add(sessions, stay(made.stones[0]), window(NOON + HOUR, NOON + 2 * HOUR))
    assert await findings(sessions, sale) == []
    await add(sessions, SaleViewing(sale=sale, ends_at=NOON + timedelta(minutes=30)))
    assert [code for _, code, _ in await findings(sessions, sale)] == [Code.NO_VIEWING_WINDOW]


async def test_a_stone_that_the_house_never_weighed_is_named_once_it_has_a_desk_that_weighs(sessions):
    made = await world.build(sessions, 2)
    sale = await world.draft(sessions, made)
    assert await findings(sessions, sale) == [], "nothing was ever weighed here"
    _, second = await world.order(sessions, sale)
    entry = {"holder": "vault", "place": "ant", "ref": "intake", "out_by": "mia", "out_to": "leo", "opened_at": NOON}
    weighed = entry | {"in_mct": 1011, "in_by": "leo", "in_to": "mia", "closed_at": NOON}
    await add(sessions, CustodyEntry(public_id="1" * 26, stone=made.stones[0], out_mct=1011, **weighed))
    assert await findings(sessions, sale) == [(second, Code.WEIGH_IN_MISSING, made.stones[1])]
    await add(sessions, CustodyEntry(public_id="2" * 26, stone=made.stones[1], out_mct=1012, **entry))
    assert await findings(sessions, sale) == [(second, Code.WEIGH_IN_MISSING, made.stones[1])], "out is not weighed in"
