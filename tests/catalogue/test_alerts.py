"""Kept searches: what they find is what a person would find who asked again after every change, once each."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select

from pavilion.accounts.rules import Role
from pavilion.catalogue import alerting, forms, history, saving, searching, service
from pavilion.catalogue.models import CommitmentKind, Stone
from pavilion.catalogue.saved_models import AlertKind, Cadence, SavedSearch, SearchAlert
from pavilion.catalogue.saving import Wishes
from pavilion.catalogue.wanted import Wanted
from pavilion.kernel.errors import NotFound
from pavilion.kernel.events import Cursor, Event
from tests import make
from tests.catalogue import acts, stones
from tests.luck import Random
from tests.make import HOUR, NOON

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # where both databases do the same
ALL = Wishes("Any", Cadence.AT_ONCE, tuple(AlertKind), 5)
N, P, B, S, V = AlertKind


async def reader(session, role=Role.BUYER, email="wen@lumen.example", company=None):
    return await make.actor(session, email, (role,), company or await make.company(session, name=email))


async def alerts(session):
    rows = (await session.scalars(select(SearchAlert))).all()
    return {(row.search_id, row.stone_id, row.kind) for row in rows}


async def matching(session, wanted):
    return set((await searching.ask(session, wanted, size=250, facets=(), bars=())).ids)


async def test_searches_find_what_asking_again_after_every_look_would_find(sessions):
    luck, expected, kept, fallen = Random(3), set(), [], {}
    async with sessions.begin() as session:
        firm = (await make.company(session, name="Supplier BV")).id
        await acts.stocked(session, firm, luck)
        people = [await reader(session), await reader(session, Role.VIEWER, "vera@lumen.example")]
    for turn in range(18):
        async with sessions.begin() as session:
            if turn < 6:
                actor = people[turn % 2]
                wanted = replace(stones.random_wanted(luck), text="", sort="ct")
                wanted = replace(wanted, chosen={k: v for k, v in wanted.chosen.items() if k != "supplier"})
                if turn < 2:
                    wanted = replace(wanted, chosen={}, ranges={})
                address = forms.address(wanted, prices=actor is people[0])
                if saving.question(address, prices=actor is people[0], staff=False) is not None:
                    search = await saving.keep(session, actor, address, ALL, now=NOON)
                    if search.id not in {one[0] for one in kept}:
                        rows = (await session.scalars(select(Stone))).all()
                        prices = {row.id: (row.price_total_minor, row.currency) for row in rows}
                        kept.append(
                            (
                                search.id,
                                search.from_seq,
                                wanted,
                                actor is people[0],
                                await matching(session, wanted),
                                prices,
                            )
                        )
            seen = await saving.place(session) or 0
            for _ in range(luck.randrange(2, 9)):
                await acts.act(session, firm, luck)
                head = await history.head(session)
                for id_, currency in await session.execute(select(Stone.id, Stone.currency)):
                    fallen.setdefault(id_, []).append((head, currency))
            lines = await history.changes(session, seen, 1000)
            for search, begun, wanted, prices, first, known in kept:
                found = await matching(session, wanted)
                stated = [replace(wanted, chosen={**wanted.chosen, "state": {state}}) for state in ("free", "in_sale")]
                sold = await matching(session, Wanted(chosen={"state": frozenset({"sold"})}))
                free, in_sale = [found & await matching(session, one) for one in stated]
                for line in lines:
                    if line.seq <= begun or line.stone_id not in found:
                        continue
                    if line.kind in ("listed", "changed", "priced") and line.stone_id not in first:
                        expected.add((search, line.stone_id, N))
                    if line.kind == "released" and line.stone_id in free:
                        expected.add((search, line.stone_id, B))
                    if line.kind == "committed" and line.stone_id in in_sale:
                        expected.add((search, line.stone_id, S))
                    if "viewing" in line.after and line.stone_id not in sold:
                        expected.add((search, line.stone_id, V))
                    now = (await session.get(Stone, line.stone_id)).price_total_minor
                    was, money = known[line.stone_id]
                    same = {c for at, c in fallen[line.stone_id] if at > begun} <= {money}
                    if prices and "price_total_minor" in line.after and same and was and now and now * 100 <= was * 95:
                        expected.add((search, line.stone_id, P))
        await alerting.follow(sessions, NOON)
        async with sessions.begin() as session:
            assert await alerts(session) == expected, f"after turn {turn}"
    assert {kind for _, _, kind in expected} == set(AlertKind) and len(kept) > 3


@pytest.fixture
async def world(sessions):
    async with sessions.begin() as session:
        firm = (await make.company(session, name="Supplier BV")).id
        stock = await stones.listed(session, [stones.row(n) for n in range(3)], firm)
        actor = await reader(session)
        search = await saving.keep(session, actor, "/stones?shape=round&ct_from=1", ALL, now=NOON)
    await alerting.tick(sessions, NOON)
    return sessions, firm, stock, actor, search


async def more(sessions, firm, numbers, **facts):
    async with sessions.begin() as session:
        return await stones.listed(session, [stones.row(n, **facts) for n in numbers], firm)


async def test_whoever_dies_before_the_end_has_found_nothing_and_looks_again(world, monkeypatch):
    sessions, firm, _, _, _ = world
    await more(sessions, firm, [7, 8])
    kept = alerting.put

    async def dying(session, model, rows, more):
        await kept(session, model, rows[:1], more)
        monkeypatch.setattr(alerting, "MOST_WRITTEN", 1)  # the next time one row is written before the place is
        raise RuntimeError("power cut")

    monkeypatch.setattr(alerting, "put", dying)
    with pytest.raises(RuntimeError):
        await alerting.tick(sessions, NOON)
    monkeypatch.setattr(alerting, "put", kept)
    assert [await alerting.follow(sessions, NOON) for _ in range(3)] == [2, 0, 0]
    async with sessions.begin() as session:  # a follower that forgot its place tells nobody twice
        (await session.get(Cursor, saving.FOLLOWER)).last_id = 0
        assert len(await alerts(session)) == 2
    await alerting.follow(sessions, NOON)
    async with sessions() as session:
        assert len(await alerts(session)) == 2


@ON_SQLITE
async def test_each_stone_is_news_once_of_a_kind_and_new_until_somebody_looks(world):
    sessions, _, stock, actor, search = world
    for _ in range(2):
        for kind, ref in ((CommitmentKind.HELD, "A" * 26), (CommitmentKind.IN_SALE, "B" * 26)):
            said = {"stone": stock[0].public_id, "ref": ref, "by": None, "now": NOON}
            async with sessions.begin() as session:
                await service.commit_stone(session, kind=kind, facts={"sale": stones.SALES[0]}, **said)
            await alerting.tick(sessions, NOON)
            async with sessions.begin() as session:
                await service.release_stone(session, **said)
            await alerting.tick(sessions, NOON)
    async with sessions.begin() as session:
        assert {kind for _, _, kind in await alerts(session)} == {B, S}
        (kept,) = await saving.kept_by(session, actor)
        assert kept.fresh == 1, "one stone, however much is said of it"
        mine = await saving.search_of(session, actor, search.public_id)
        (found,) = await saving.found_by(session, actor, mine)
        assert found.stone.public_id == stock[0].public_id and set(found.kinds) == {B, S} and found.fresh
        before = await saving.look(session, mine)
        assert [one.fresh for one in await saving.found_by(session, actor, mine, after=before)] == [True]
        assert (await saving.kept_by(session, actor))[0].fresh == 0


@ON_SQLITE
async def test_a_price_is_news_when_it_fell_by_as_much_as_was_wished_in_however_many_steps(world):
    sessions, firm, _, _, _ = world
    for price, found in ((640_000, 0), (617_600, 0), (617_500, 1), (100_000, 1)):
        row = stones.row(0, price_per_carat_minor=price, price_total_minor=price * 1020 // 1000)
        async with sessions.begin() as session:
            await service.store_stones(session, [row], supplier_company_id=firm, now=NOON)
        await alerting.tick(sessions, NOON)
        async with sessions() as session:
            assert len(await alerts(session)) == found, price


@ON_SQLITE
async def test_a_stone_that_is_shown_no_more_is_in_no_list_and_no_mail(world):
    sessions, firm, _, actor, search = world
    gone, stays = await more(sessions, firm, [7, 8])
    await alerting.tick(sessions, NOON)
    async with sessions.begin() as session:
        await stones.revoke(session, gone.public_id)
        mine = await saving.search_of(session, actor, search.public_id)
        for found in (
            await saving.found_by(session, actor, mine),
            await saving.found_by(session, actor, mine, told_at=NOON),
        ):
            assert [one.stone.public_id for one in found] == [stays.public_id]
        assert (await saving.kept_by(session, actor))[0].fresh == 1


@ON_SQLITE
async def test_who_no_longer_sees_prices_hears_nothing_of_a_search_by_price(sessions):
    async with sessions.begin() as session:
        firm = (await make.company(session, name="Supplier BV")).id
        company = await make.company(session, name="Lumen")
        actor = await reader(session, company=company)
        for address in ("/stones?ppc_from=1", "/stones?shape=round"):
            await saving.keep(session, actor, address, ALL, now=NOON)
        company.state = "suspended"
    await more(sessions, firm, [1])
    await alerting.tick(sessions, NOON)
    async with sessions() as session:
        named = select(SavedSearch.address).join(SearchAlert, SearchAlert.search_id == SavedSearch.id)
        assert list(await session.scalars(named)) == ["/stones?shape=round"]


@ON_SQLITE
async def test_mail_is_due_at_once_or_when_the_hour_or_the_day_is_over_and_each_find_is_in_one(world):
    sessions, firm, _, actor, search = world
    async with sessions.begin() as session:
        daily = await saving.keep(session, actor, "/stones?shape=round", ALL._replace(cadence=Cadence.DAILY), now=NOON)
        never = await saving.keep(session, actor, "/stones", ALL._replace(cadence=Cadence.NEVER), now=NOON)

    async def mailed():
        async with sessions() as session:
            rows = (await session.scalars(select(Event).where(Event.name == "search:matched"))).all()
            return sorted(row.subject for row in rows)

    await more(sessions, firm, [7])
    await alerting.tick(sessions, NOON + HOUR)
    assert await mailed() == [search.public_id]
    await more(sessions, firm, [8])
    for _ in range(2):
        await alerting.tick(sessions, NOON + timedelta(days=1))
    assert await mailed() == sorted([search.public_id] * 2 + [daily.public_id])
    async with sessions.begin() as session:
        mine = await saving.search_of(session, actor, daily.public_id)
        assert len(await saving.found_by(session, actor, mine, told_at=NOON + timedelta(days=1))) == 2
        found = await saving.search_of(session, actor, never.public_id)
        await saving.change(session, found, ALL, now=NOON)
        await saving.stop(session, search.public_id, now=NOON)
    await alerting.tick(sessions, NOON + timedelta(days=2))
    assert len(await mailed()) == 3, "what was found while no mail was wanted is not mailed later"
    await more(sessions, firm, [9])
    await alerting.tick(sessions, NOON + timedelta(days=2))
    assert await mailed() == sorted([search.public_id] * 2 + [daily.public_id] * 2 + [never.public_id])


async def test_the_same_question_is_kept_once_and_nobody_keeps_more_than_the_limit(sessions, monkeypatch):
    monkeypatch.setattr(saving, "MOST", 2)
    async with sessions.begin() as session:
        actor, other = await reader(session), await reader(session, email="ilse@vandael.example")
        first = await saving.keep(session, actor, "/stones?color=D..F", ALL, now=NOON)
        again = await saving.keep(session, actor, "/stones?color=F,E,D&view=table", ALL, now=NOON)
        assert (again.id, again.address) == (first.id, "/stones?color=D..F")
        second = await saving.keep(session, actor, "/stones", ALL, now=NOON)
        with pytest.raises(saving.TooManySearches):
            await saving.keep(session, actor, "/stones?lab=GIA", ALL, now=NOON)
        for wrong in ("/stones?color=XX", "/stones?nothing=1", "/stones?supplier=" + "A" * 26, "/stones?q=%00"):
            with pytest.raises(saving.SearchNotKept):
                await saving.keep(session, other, wrong, ALL, now=NOON)
        with pytest.raises(NotFound):
            await saving.search_of(session, other, first.public_id)
        await saving.end(session, second, now=NOON)
        third = await saving.keep(session, actor, "/stones?lab=GIA", ALL, now=NOON)
        with pytest.raises(saving.TooManySearches):
            await saving.restore(session, second, now=NOON)
        await saving.end(session, third, now=NOON)
        assert (await saving.restore(session, second, now=NOON)).ended_at is None
        assert [one.search.id for one in await saving.kept_by(session, actor)] == [second.id, first.id]
        await session.execute(delete(SavedSearch).where(SavedSearch.id == third.id))
        assert await session.scalar(select(func.count()).select_from(SavedSearch)) == 2
