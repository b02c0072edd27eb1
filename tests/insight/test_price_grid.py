"""Told prices: exact, never of fewer than five, and nothing that is not told follows from what is."""

import html
import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from statistics import median as middle
from urllib.parse import parse_qsl

import pytest
from httpx2 import ASGITransport, AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.catalogue.models import Stone
from pavilion.insight import hue_map, price_batching, price_cells, price_grid, price_index, result_asking
from pavilion.insight.price_models import PriceBatch, PriceResult
from pavilion.insight.results_models import ResultLot
from pavilion.settings import Settings
from tests import make
from tests.catalogue import stones
from tests.insight import archived
from tests.luck import Random
from tests.make import NOON, PASSWORD

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # where both databases do the same
HOME = "http://pavilion.test"
ROUND = {"shape": "round", "weight_mct": 1200, "state": "sold", "fancy_color": ""}


async def keep(session, *kinds, place=0):
    """One closed sale with so many lots of each kind; `kinds` are (count, changes)."""
    sale, luck = archived.closed_sale(place), Random(place)
    facts = [changes for count, changes in kinds for _ in range(count)]
    rows = [archived.result(sale, n, luck, **ROUND | changes) for n, changes in enumerate(facts, 1)]
    await archived.keep(session, [sale], rows)
    await price_batching.batch(session, NOON)


def asked(grain="groups", size="1.00-1.99", **changes):
    return price_grid.Wanted("results", grain, "round", size, "all", "USD")._replace(**changes)


async def cells(session, wanted=None):
    grid = await price_grid.told(session, wanted or asked(), NOON)
    assert grid.n == sum(grid.row_n.values()) == sum(grid.col_n.values()) == sum(one.n for one in grid.cells.values())
    return {cell: one.n for cell, one in grid.cells.items()}


@given(st.lists(st.integers(1, 10**9), max_size=40))
def test_a_figure_is_what_counting_says_and_nothing_under_five(prices):
    found = price_cells.figure(prices)
    if len(prices) < 5:
        assert found is None
        return
    exact = int(Fraction(middle([Fraction(price) for price in prices])) + Fraction(1, 2))
    assert found[:4] == (len(prices), min(prices), exact, max(prices))


async def test_narrow_cells_are_told_first_and_what_is_left_in_the_coarse_one(sessions):
    async with sessions.begin() as session:
        await keep(
            session,
            (6, {"color": "D", "clarity": "VS1"}),
            (4, {"color": "E", "clarity": "VS1"}),
            (2, {"color": "F", "clarity": "VS2"}),
            (4, {"color": "G", "clarity": "VS1"}),
        )
        assert await cells(session) == {("D-F", "VS"): 12}
        assert await cells(session, asked("grades", "1.00-1.49")) == {("D", "VS1"): 6}
        assert await cells(session, asked("grades", "1.50-1.99")) == {}
        await keep(session, (1, {"color": "G", "clarity": "VS2"}), place=1)
        assert await cells(session) == {("D-F", "VS"): 12, ("G-H", "VS"): 5}
        await keep(session, (4, {"color": "D", "clarity": "VS1"}), place=2)
        assert await cells(session) == {("D-F", "VS"): 12, ("G-H", "VS"): 5}, "four more move no figure"


@ON_SQLITE
async def test_nothing_that_is_told_changes_with_what_is_not(sessions):
    """However the untold cells are filled, up to four each, the grid at both grains is the same to the last figure."""
    told = []
    luck = Random(7)
    for extra in ([], *([luck.randrange(5) for _ in range(4)] for _ in range(3))):
        async with sessions() as session:
            hidden = [("K", "SI1"), ("L", "SI2"), ("I", "IF"), ("J", "I1")]
            fixed = [{"color": "D", "clarity": "VS1", "hammer": 1_000_000 + 5000 * n} for n in range(7)]
            kinds = [(1, one) for one in fixed]
            kinds += [(n, {"color": c, "clarity": q}) for n, (c, q) in zip(extra, hidden, strict=False)]
            if sum(extra[:2]) >= 5:
                continue
            await keep(session, *kinds)
            told.append([await price_grid.told(session, one, NOON) for one in (asked(), asked("grades", "1.00-1.49"))])
            told[-1] = [(grid.cells, grid.row_n, grid.col_n, grid.n) for grid in told[-1]]
            await session.rollback()
    assert len(told) > 2 and all(one == told[0] for one in told), "no sum, middle or count holds an untold result"


@ON_SQLITE
async def test_no_difference_of_two_figures_is_fewer_than_five(sessions):
    """Random sales one after another: every count at every grain, before and after, differs by none or by five at
    least, and so does a coarse count from the narrow ones within it."""
    luck, before = Random(11), {}
    async with sessions.begin() as session:
        for place in range(8):
            kinds = [
                (1, {"color": luck.choice("DEFG"), "clarity": luck.choice(("VS1", "VS2", "SI1"))}) for _ in range(14)
            ]
            await keep(session, *kinds, place=place)
            coarse, fine = await cells(session), await cells(session, asked("grades", "1.00-1.49"))
            for found in (coarse, fine):
                for cell, n in found.items():
                    assert n >= 5 and (n == before.get(cell, 0) or n - before.get(cell, 0) >= 5)
            for (tone, group), n in coarse.items():
                within = [
                    count
                    for (color, clarity), count in fine.items()
                    if price_cells.place_of("round", 1200, color, "", clarity)[6:] == (tone, group)
                ]
                assert n == sum(within) or n - sum(within) >= 5
            before = coarse | fine
        assert len(before) > 4
        counted = await session.scalar(select(func.count()).select_from(PriceResult))
        assert counted == sum(await session.scalars(select(PriceBatch.n)))


async def test_a_batch_of_which_a_sale_did_not_come_about_is_taken_back_whole(sessions):
    async with sessions.begin() as session:
        await keep(session, (6, {"color": "D", "clarity": "VS1"}))
        lot = await session.scalar(select(func.min(ResultLot.id)))
        gone = {"state": "cancelled", "hammer": 0, "premium": 0, "per_carat": 0}
        await session.execute(update(ResultLot).where(ResultLot.id == lot).values(**gone))
        assert await price_batching.batch(session, NOON) == 2
        assert await cells(session) == {("D-F", "VS"): 5}
        lot = await session.scalar(select(func.max(ResultLot.id)))
        await session.execute(update(ResultLot).where(ResultLot.id == lot).values(**gone))
        await price_batching.batch(session, NOON)
        assert await cells(session) == {} and await session.scalar(select(func.count()).select_from(PriceResult)) == 0


@ON_SQLITE
async def test_pairs_other_currencies_and_stones_that_are_no_diamonds_move_no_figure(sessions):
    async with sessions.begin() as session:
        kind = {"color": "D", "clarity": "VS1"}
        await keep(session, (4, kind), (9, kind | {"stones": 2}), (9, kind | {"currency": "HKD"}),
                   (9, kind | {"state": "passed"}), (9, kind | {"color": "", "fancy_color": "pink"}))  # fmt: skip
        assert await cells(session) == {}
        assert await cells(session, asked(currency="HKD")) == {("D-F", "VS"): 9}
        [pink] = await price_grid.hues(session, "USD", "all", NOON)
        assert (pink.hue, pink.figure.n) == ("pink", 9)
        assert await price_grid.hues(session, "USD", "12", NOON + timedelta(days=400)) == []
    batching = price_batching.Batching(sessions)
    assert [await batching.tick(NOON), await batching.tick(NOON)] == [0, 0]


def test_what_a_cell_opens_can_be_asked_of_the_archive_for_every_cell_there_is():
    told = price_cells.figure([1] * 5, NOON, NOON)
    for grain in price_grid.GRAINS:
        for shape in price_grid.GROUPS:
            for size, _, _ in price_grid.sizes_of(grain):
                wanted = asked(grain, size)._replace(shape=shape)
                for row, col in ((wanted.rows[0], wanted.cols[0]), (wanted.rows[-1], wanted.cols[-1])):
                    address = price_grid.opened(wanted, row, col, told)
                    question = result_asking.asked(parse_qsl(address.partition("?")[2]), "USD")
                    assert (dict(question.faults), question.address()) == ({}, address)
                    assert all(question.chosen.values()) and question.days == (NOON.date(), None)
    assert price_cells.colors_of("N-Z")[-1] == "Y-Z" and price_cells.colors_of("D-F") == ("D", "E", "F")


def sold(quarter, *prices, stratum=("round",)):
    return [price_index.Sold(datetime(2025, quarter * 3 - 1, 1, tzinfo=UTC), stratum, price) for price in prices]


def test_the_index_holds_like_against_like():
    rows = sold(1, *[100] * 5) + sold(1, *[900] * 5, stratum=("oval",))
    rows += sold(2, *[110] * 5) + sold(2, *[9000] * 9, stratum=("pear",))
    rows += sold(3, *[500] * 4)
    rows += sold(4, *[121] * 3) + sold(4, *[121] * 3)
    found = price_index.steps(rows)
    assert [one.tenths for one in found] == [1000, 1100, None, 1210], "the quarter of too few is passed over"
    assert [(one.n, one.before_n) for one in found] == [(10, 0), (5, 5), (0, 0), (6, 5)]
    assert price_index.steps(sold(1, 1, 2, 3, 4)) == []


def test_a_hue_stands_at_its_degrees_and_what_has_none_in_the_strip():
    def degrees(**facts):
        return hue_map.degrees_of(Stone(**facts))

    assert degrees(fancy_color="yellow") == 106.67 and degrees(fancy_color="yellow", fancy_secondary="orange") == 80.0
    assert degrees(fancy_color="yellow", fancy_overtone="orangy") == 93.33
    assert degrees(fancy_color="pink", fancy_overtone="purplish") == 346.0 and degrees(fancy_color="brown") is None
    heavy, light = (Stone(fancy_color="red", fancy_intensity="fancy", weight_mct=mct) for mct in (4000, 1000))
    drawn = hue_map.drawn([light, heavy])
    assert [(dot.stone, dot.r) for dot in drawn.dots] == [(heavy, 18), (light, 9)], (
        "four times the weight, twice as wide"
    )
    assert (drawn.dots[0].x, drawn.dots[0].y) == (300, 300 - 260 * 5 // 8 - (260 * 5 % 8 > 4))


@ON_SQLITE
async def test_prices_are_shown_in_both_languages_and_what_is_asked_only_to_who_sees_it(sessions, tmp_path):
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path)
    app = main.build_house(settings, sessions.kw["bind"], lambda: NOON)
    async with sessions.begin() as session:
        await keep(session, (6, {"color": "D", "clarity": "VS1", "hammer": 1_200_000, "weight_mct": 1000}))
        firm = await make.company(session)
        await make.person(session, "wen@lumen.example", (Role.BUYER,), firm)
        rows = [stones.row(n, price_per_carat_minor=333_300) for n in range(1, 7)]
        fancy = {"color": None, "fancy_color": "pink", "fancy_intensity": "fancy_vivid"}
        await stones.listed(session, [*rows, stones.row(9, **fancy)], firm.id)
    async with AsyncClient(transport=ASGITransport(app), base_url=HOME, headers={"origin": HOME}) as browser:
        page = (await browser.get("/prices")).text
        assert "12,000" in page and "too few" in page and "3,333" not in page
        opened = html.unescape(re.search(r'<td class="is-1"><a href="([^"]+)" title="See these results">', page)[1])
        assert opened.startswith("/results?state=sold&shape=round&color=D&color=E&color=F&clarity=VS1&clarity=VS2&")
        question = result_asking.asked(parse_qsl(opened.partition("?")[2]), "USD")
        async with sessions() as session:
            rows = await session.scalars(select(ResultLot.color).where(*result_asking.conditions(question, ())))
            assert (question.faults, list(rows)) == ({}, ["D"] * 6)
        assert "样本不足" in (await browser.get("/prices", headers={"accept-language": "zh"})).text
        assert "3,333" not in (await browser.get("/prices?source=asking")).text
        told = (await browser.get("/api/v1/prices?shape=round&size=1.00-1.99")).json()
        [one] = told["cells"]
        assert (one["color"], one["n"], one["median_minor"], told["n"]) == ("D-F", 6, 1_200_000, 6)
        assert (await browser.get("/api/v1/prices?source=asking")).status_code == 403
        wrong = await browser.get("/api/v1/prices?size=9&period=1&cur=XXX")
        assert wrong.status_code == 422 and set(wrong.json()["facts"]["fields"]) == {"size", "period", "cur"}
        hues = (await browser.get("/prices/hues")).text
        assert "Fancy Vivid Pink" in hues and "6,500" not in hues
        assert (await browser.get("/prices?size=%00&cur=%F0%9F%92%8E&shape=x")).status_code == 200
        await browser.post("/sign-in", data={"email": "wen@lumen.example", "password": PASSWORD})
        page = (await browser.get("/prices?source=asking&grain=grades&size=1.00-1.49&shape=round")).text
        assert "3,333" in page and "n = 6" in page
        assert "6,500" in (await browser.get("/prices/hues")).text
