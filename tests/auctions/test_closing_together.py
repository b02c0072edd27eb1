"""A curator is warned of two lots that close at once and that the same companies have in view; never of whose."""

from sqlalchemy import select

from pavilion.accounts import queries
from pavilion.accounts.rules import Role
from pavilion.auctions.closing_together import closing_together
from pavilion.auctions.models import Sale
from pavilion.auctions.rules import Code, Finding
from pavilion.catalogue import shortlists
from tests import make
from tests.auctions import world
from tests.make import NOON


async def test_lots_that_three_companies_have_in_view_are_not_to_close_at_once(sqlite_sessions):
    made = await world.build(sqlite_sessions, 3)
    sale = await world.draft(sqlite_sessions, made, stagger_s=20)
    lots = dict(zip(await world.order(sqlite_sessions, sale), [[one] for one in made.stones], strict=True))
    _, second, third = lots

    async def found():
        async with sqlite_sessions() as session:
            row = await session.scalar(select(Sale).where(Sale.public_id == sale))
            return await closing_together(session, row, lots, NOON)

    for n in range(3):
        assert await found() == []
        async with sqlite_sessions.begin() as session:
            firm = await make.company(session, name=f"Firm {n}")
            person = await make.person(session, f"buyer@firm{n}.example", (Role.BUYER,), firm)
            actor = queries.as_actor(await queries.person_with_rights(session, person.id))
            await shortlists.add(session, actor, made.stones, to=None, otherwise="Shortlist", now=NOON)
    assert await found() == [
        Finding(Code.CLOSE_TOGETHER, second, "11 (3)"),
        Finding(Code.CLOSE_TOGETHER, third, "12 (3)"),  # forty seconds lie between the first and the third
    ]
