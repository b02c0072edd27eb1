"""What changed is taken back exactly: every earlier state of the catalogue can be read again."""

from sqlalchemy import select

from pavilion.catalogue import history, past, searching
from pavilion.catalogue.keeping import Index
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import LISTED
from pavilion.catalogue.wanted import Wanted
from tests import make
from tests.catalogue import acts
from tests.catalogue.stones import random_wanted
from tests.luck import Random

WALK, STEPS = 90, 14


def without_seq(rows):
    return sorted((row[0], *row[2:]) for row in map(tuple, rows))


async def test_every_stone_is_read_as_it_was_at_every_change(sessions):
    luck, seen = Random(11), {}
    async with sessions.begin() as session:
        firm = (await make.company(session, name="Supplier BV")).id
        await acts.stocked(session, firm, luck)
        for _ in range(WALK):
            rows = (await session.execute(searching.facts().where(LISTED))).all()
            seen[await history.head(session)] = without_seq(rows)
            await acts.act(session, firm, luck)
        ids = list(await session.scalars(select(Stone.id)))
        assert len(seen) > WALK // 3
        for seq, rows in seen.items():
            assert without_seq(await past.rows_at(session, ids, seq)) == rows, f"at change {seq}"
            changed = await past.changed_since(session, seq, 1000)
            now = without_seq((await session.execute(searching.facts().where(LISTED))).all())
            assert {row for row in now if row[0] not in changed} <= set(rows), "who did not change is as it was"
        assert await past.changed_since(session, 0, 3) is None


async def test_a_search_of_an_earlier_change_is_answered_as_it_was_then(sessions):
    luck, told = Random(3), []
    async with sessions.begin() as session:
        firm = (await make.company(session, name="Supplier BV")).id
        await acts.stocked(session, firm, luck)
    index = Index(sessions)
    for _ in range(STEPS):
        async with sessions.begin() as session:
            seq = await history.head(session)
            for wanted in (Wanted(), random_wanted(luck)):
                answer = await searching.ask(session, wanted, size=4, facets=(), bars=())
                told.append((seq, wanted, answer.total, answer.ids, answer.after))
            for _ in range(3):
                await acts.act(session, firm, luck)
    async with sessions() as session:
        for seq, wanted, *rest in told:
            snapshot = await index.at(session, seq)
            answer = snapshot.ask(wanted, size=4, facets=(), bars=())
            assert [answer.total, answer.ids, answer.after] == rest, (seq, wanted)
    await index.close()
