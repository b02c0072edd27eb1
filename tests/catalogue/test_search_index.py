"""The column index and SQL give the same answer to every question, also while stones come, change and go."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import case, func, literal, select, update

from pavilion.accounts.models import Company
from pavilion.catalogue import keeping, lying, position, searching, service
from pavilion.catalogue.jobs import follow_verdicts
from pavilion.catalogue.models import CommitmentKind, Stone
from pavilion.catalogue.queries import LISTED, commitments_of
from pavilion.catalogue.wanted import BINS, PRICED_SORTS, Wanted, edges
from pavilion.kernel import db
from tests import make
from tests.catalogue import stones
from tests.luck import Random
from tests.make import NOON

QUESTIONS = {"sqlite": 800, "postgresql": 200}  # a thousand together; statements cost PostgreSQL more to prepare


async def a_stock(sessions, luck, count=240, start=0):
    async with sessions.begin() as session:
        firm = await make.company(session, name=f"Firm {start}")
        rows = [stones.random_row(number, luck) for number in range(start, start + count)]
        stored = await stones.listed(session, rows, firm.id, but=frozenset(range(0, count, 11)))
        earlier = (NOON - timedelta(days=2 - place, microseconds=place) for place in range(3))
        days = case({n: literal(at, Stone.listed_at.type) for n, at in enumerate(earlier)}, value=Stone.id % 5)
        await session.execute(update(Stone).values(media=Stone.id % 16, listed_at=func.coalesce(days, Stone.listed_at)))
        lie = {one.public_id: stones.LYING[place % 5] for place, one in enumerate(stored)}
        await lying.lie(session, lie, now=NOON)
        for place, kind in ((1, CommitmentKind.IN_SALE), (2, CommitmentKind.HELD)):
            await promise(session, stored[place].public_id, kind)
        for place in range(3, count, 13):
            if place % 11:
                await promise(session, stored[place].public_id, CommitmentKind.SOLD)
    return stored


async def promise(session, stone, kind=CommitmentKind.IN_SALE):
    facts = {"sale": stones.SALES[0]}
    await service.commit_stone(session, stone=stone, kind=kind, ref=stone, facts=facts, by=None, now=NOON)


def same(a, b):
    return all(getattr(a, name) == getattr(b, name) for name in ("total", "facets", "histograms", "ids", "after"))


async def agree(kept, sessions, luck, questions, frames=range(18)):
    async with db.reading(sessions) as session:
        firms = list(await session.scalars(select(Company.public_id)))
        for _ in range(questions):
            wanted = stones.random_wanted(luck, frames, firms)
            after, size, facets = None, luck.choice([1, 7, 50]), stones.random_facets(luck)
            quick = await kept.ask(session, wanted, size=size, facets=facets)
            slow = await searching.ask(session, wanted, size=size, facets=facets)
            assert quick.source == "index" and same(quick, slow), wanted
            if (after := quick.after) is not None:
                further = await kept.ask(session, wanted, size=size, after=after)
                ids, last = await searching.further(session, wanted, size=size, after=after)
                assert (further.ids, further.after) == (ids, last), wanted


async def test_index_and_sql_agree_on_a_thousand_random_questions(sessions, database_url):
    kind = "sqlite" if database_url.startswith("sqlite") else "postgresql"
    frames = range(18) if kind == "sqlite" else range(18, 30)
    luck = Random(frames.start)
    await a_stock(sessions, luck)
    kept = keeping.Index(sessions)
    await kept.build()
    await agree(kept, sessions, luck, QUESTIONS[kind], frames)


async def test_they_agree_after_changes_without_a_rebuild(sessions):
    luck = Random(7)
    first = await a_stock(sessions, luck)
    kept = keeping.Index(sessions)
    await kept.build()
    await a_stock(sessions, luck, count=60, start=300)
    async with sessions.begin() as session:
        await service.release_stone(session, stone=first[1].public_id, ref=first[1].public_id, by=None, now=NOON)
        for place in (20, 21, 24):
            await stones.revoke(session, first[place].public_id)
    kept.forget_look()
    await agree(kept, sessions, luck, 40)


async def test_a_stone_whose_exposure_ends_is_counted_no_more(sessions):
    stored = await a_stock(sessions, Random(1), count=12)
    kept = keeping.Index(sessions)
    await kept.build()
    async with db.reading(sessions) as session:
        before = await kept.ask(session, Wanted())
    async with sessions.begin() as session:
        await stones.revoke(session, stored[5].public_id)
    kept.forget_look()
    async with db.reading(sessions) as session:
        after = await kept.ask(session, Wanted())
    assert (before.total, after.total) == (10, 9)
    assert stored[5].id not in after.ids


async def test_a_stone_that_is_verified_later_is_listed_by_the_follower(sessions):
    async with sessions.begin() as session:
        firm = await make.company(session)
        (stored,) = await stones.listed(session, [stones.row()], firm.id, but=frozenset({0}))
    kept = keeping.Index(sessions)
    await kept.build()
    async with sessions.begin() as session:
        await stones.expose(session, [stored.public_id])
        stones.record(session, "stone:verdict_changed", stored.public_id, by=None, at=NOON)
    assert await follow_verdicts(sessions, NOON) == 1
    assert await follow_verdicts(sessions, NOON) == 0
    kept.forget_look()
    async with db.reading(sessions) as session:
        assert (await kept.ask(session, Wanted())).total == 1


async def test_the_price_of_a_sold_stone_follows_from_no_question(sessions):
    """Asked for less and less of a span, the price of a stone comes out; of a sold one nothing does."""
    async with sessions.begin() as session:
        firm = await make.company(session)
        rows = [stones.row(n, price_per_carat_minor=600_000 + n, list_pct=-n) for n in (1, 2, 3)]
        stored = await stones.listed(session, rows, firm.id)
    cheap, sold, dear = stored
    kept = keeping.Index(sessions)
    await kept.build()
    spans = {"ppc": (600_002, 600_002), "total": (612_002, 612_002), "list": (-2, -2)}

    async def found(sort="ct-", **ranges):
        kept.forget_look()
        async with db.reading(sessions) as session:
            wanted = Wanted(ranges=ranges, sort=sort)
            quick, slow = await kept.ask(session, wanted, size=9), await searching.ask(session, wanted, size=9)
        assert same(quick, slow)
        return quick

    for name, span in spans.items():
        assert (await found(**{name: span})).ids == [sold.id], name
    async with sessions.begin() as session:
        await promise(session, sold.public_id, CommitmentKind.SOLD)
    for name, span in spans.items():
        assert (await found(**{name: span})).total == 0, name
        assert (await found(**{name: (None, 10**9)})).ids == [cheap.id, dear.id], name
    assert sum((await found()).histograms["ppc"].counts) == 2 and (await found()).total == 3
    for sort in PRICED_SORTS:
        assert (await found(sort)).ids[-1] == sold.id, sort


async def test_sql_answers_while_the_index_is_cold(sqlite_sessions):
    await a_stock(sqlite_sessions, Random(3), count=12)
    kept = keeping.Index(sqlite_sessions, patience_s=0)
    async with db.reading(sqlite_sessions) as session:
        cold = await kept.ask(session, Wanted())
        await kept.build()
        warm = await kept.ask(session, Wanted())
    await kept.close()
    assert (cold.source, warm.source) == ("sql", "index")
    assert same(cold, warm)


async def test_much_that_changes_at_once_is_read_in_the_background(sqlite_sessions, monkeypatch):
    monkeypatch.setattr(keeping, "AT_ONCE", 5)
    luck = Random(9)
    await a_stock(sqlite_sessions, luck, count=30)
    kept = keeping.Index(sqlite_sessions)
    await kept.build()
    await a_stock(sqlite_sessions, luck, count=40, start=300)
    async with db.reading(sqlite_sessions) as session:
        behind = await kept.ask(session, Wanted())
        async with asyncio.timeout(10):
            while (caught_up := await kept.ask(session, Wanted())).source == "sql":  # noqa: ASYNC110 - the index rings no bell
                await asyncio.sleep(0.01)
    await kept.close()
    assert (behind.source, behind.total) == ("sql", caught_up.total)


async def test_an_index_that_nobody_asks_keeps_in_step(sqlite_sessions, monkeypatch):
    monkeypatch.setattr(keeping, "LAG_S", 0.01)
    await a_stock(sqlite_sessions, Random(4), count=12)
    kept = keeping.Index(sqlite_sessions)
    kept.start()
    async with asyncio.timeout(10):
        while kept.stones != 10:  # noqa: ASYNC110 - the index rings no bell
            await asyncio.sleep(0.01)
        await a_stock(sqlite_sessions, Random(6), count=12, start=300)
        while kept.stones != 20:  # noqa: ASYNC110 - the index rings no bell
            await asyncio.sleep(0.01)
    await kept.close()


async def test_the_first_question_waits_a_little_for_the_index(sqlite_sessions):
    await a_stock(sqlite_sessions, Random(3), count=12)
    kept = keeping.Index(sqlite_sessions)
    async with db.reading(sqlite_sessions) as session:
        assert (await kept.ask(session, Wanted())).source == "index"


async def test_every_page_of_every_order_shows_each_stone_once(sqlite_sessions):
    await a_stock(sqlite_sessions, Random(5), count=60)
    kept = keeping.Index(sqlite_sessions)
    await kept.build()
    async with db.reading(sqlite_sessions) as session:
        for sort in stones.SORTS:
            seen, after = [], None
            while True:
                answer = await kept.ask(session, Wanted(sort=sort), size=7, after=after)
                seen += answer.ids
                if (after := answer.after) is None:
                    break
            assert len(seen) == len(set(seen)) == answer.total, sort


async def test_the_order_of_positions_is_what_the_pages_of_stones_say(sqlite_sessions):
    await a_stock(sqlite_sessions, Random(8), count=120)
    kept = keeping.Index(sqlite_sessions)
    await kept.build()
    async with db.reading(sqlite_sessions) as session:
        reader, told = await make.actor(session), []
        for stone in await session.scalars(select(Stone).where(LISTED)):
            promised = (await commitments_of(session, [stone.id])).get(stone.id)
            stood = await position.stood_at(session, reader, stone, promised)
            told.append((stood.stands.rank if stood and stood.stands else searching.LAST, stone.id))
        answer = await kept.ask(session, Wanted(sort="position"), size=250)
        newest = await kept.ask(session, Wanted(sort="new"), size=250)
        days = dict((await session.execute(select(Stone.id, Stone.listed_at).where(LISTED))).all())
    assert answer.ids == [id for _, id in sorted(told)] and max(rank for rank, _ in told if rank < 99) > 4
    assert newest.ids == sorted(days, key=lambda id: (-days[id].timestamp(), id)) and len(set(days.values())) == 4


@pytest.mark.parametrize(("least", "most"), [(1, 1), (0, 5), (180, 5010), (32_600, 1_000_000_000_000)])
def test_bars_cover_everything_and_rise(least, most):
    bounds = edges(least, most)
    assert len(bounds) == BINS + 1
    assert bounds == sorted(set(bounds))
    assert bounds[0] <= max(1, least) and most < bounds[-1]
