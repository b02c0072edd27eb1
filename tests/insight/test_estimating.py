"""An estimate rests on five or more results of like stones, is told with them, and is taken over as one command."""

from datetime import timedelta
from fractions import Fraction
from itertools import count

import pytest
from sqlalchemy import insert, select, update

from pavilion.auctions import changes, publishing
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.auctions.rules import Code
from pavilion.catalogue.models import Stone
from pavilion.insight import estimate_rules as rules
from pavilion.insight import estimating
from pavilion.insight.price_index import Step
from pavilion.insight.quarters import Quarter, quarter_of
from pavilion.insight.results_models import ResultLot
from pavilion.kernel.db import sessions_of
from pavilion.kernel.ids import ulid
from tests.auctions import world
from tests.auctions.test_pages import house, reader_speaks  # noqa: F401  # the fixture of a running house
from tests.insight.archived import closed_sale, result
from tests.luck import Random
from tests.make import NOON

PLACE = count(1)
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # where both databases do the same
PRICES = [500_000, 510_000, 530_000, 560_000, 600_000]  # per carat, minor units


async def sold(sessions, stone, per_carat, days=40, **changes_):
    """The stone stood alone in a closed sale and was sold so many days ago."""
    async with sessions.begin() as session:
        held = await session.scalar(select(Stone).where(Stone.public_id == stone))
        sale = closed_sale(next(PLACE), state="draft", rules=None, rules_hash=None)
        session.add(sale)
        await session.flush()
        lot = Lot(public_id=ulid(NOON), sale_id=sale.id, rank="V", title_en="x", title_zh="x", suffix="")
        session.add(lot)
        await session.flush()
        session.add(LotStone(lot_id=lot.id, place=0, sale_id=sale.id, stone_id=held.id, exposed_id=held.exposed_id))
        facts = {
            "shape": held.shape, "color": held.color or "", "fancy_color": held.fancy_color or "",
            "clarity": held.clarity or "", "weight_mct": 1000, "hammer": per_carat, "state": "sold",
            "lot": lot.public_id, "ended_at": NOON - timedelta(days=days),
        }  # fmt: skip
        row = result(sale, 1, Random(1), **(facts | changes_))
        await session.execute(insert(ResultLot), [row])


async def told(sessions, stone, currency="USD"):
    async with sessions() as session:
        held = await session.scalar(select(Stone).where(Stone.public_id == stone))
        return (await estimating.of_stones(session, [held], currency, NOON))[stone]


async def archive(sessions, prices=PRICES, **kw):
    """A draft of one lot, and results of stones like its own."""
    made = await world.build(sessions, len(prices) + 1)
    wanted, *others = made.stones
    for stone, price in zip(others, prices, strict=True):
        await sold(sessions, stone, price, **kw)
    return made, wanted, others


def test_percentiles_lie_between_two_results_in_proportion():
    order = [Fraction(n) for n in (10, 20, 40, 80)]
    assert [rules.percentile(order, percent) for percent in (0, 25, 50, 75, 100)] == [
        Fraction(10), Fraction(35, 2), Fraction(30), Fraction(50), Fraction(80),
    ]  # fmt: skip
    assert rules.span(order, 1500) is None, "four are too few"
    five = rules.span([*order, Fraction(81)], 1501)
    assert five.per_carat == (20, 40, 80) and five.spread_bp == 15_000
    assert (five.low, five.high) == (30, 121), "20 x 1.501 down, 80 x 1.501 up"


def test_a_price_is_brought_to_today_by_the_index_and_never_by_a_quarter_that_was_not_told():
    first, second, third = Quarter(2025, 1), Quarter(2025, 2), Quarter(2025, 3)
    steps = [Step(first, 1000, 5, 0, 1), Step(second, None, 0, 0, 0), Step(third, 1100, 5, 5, 1)]
    at = {quarter: quarter.end - timedelta(days=1) for quarter in (first, second, third)}
    assert [rules.factor(steps, at[quarter]) for quarter in at] == [Fraction(11, 10), Fraction(11, 10), Fraction(1)]
    assert rules.factor(steps, at[first] - timedelta(days=200)) == Fraction(11, 10)
    assert rules.factor(steps, at[third] + timedelta(days=200)) == Fraction(1)
    assert rules.factor([], NOON) == Fraction(1)
    assert rules.since(NOON.replace(year=2028, month=2, day=29)) == NOON.replace(year=2026, month=2, day=28)


async def test_five_like_results_give_a_span_and_four_only_their_list(sessions):
    _, wanted, others = await archive(sessions)
    evidence = await told(sessions, wanted)
    assert evidence.n == 5 and [one.per_carat for one in evidence.comparables] == PRICES[::-1]
    assert evidence.span.per_carat == (510_000, 530_000, 560_000)
    weight = 1011
    assert (evidence.span.low, evidence.span.high) == (510 * weight, 560 * weight)
    assert not evidence.indexed, "an index of one quarter stands nowhere yet"
    async with sessions.begin() as session:
        await session.execute(update(Stone).where(Stone.public_id == others[0]).values(cut="good"))
    few = await told(sessions, wanted)
    assert (few.n, few.span, len(few.comparables)) == (4, None, 4)
    assert (await told(sessions, wanted, "EUR")).n == 0


@ON_SQLITE
async def test_what_is_not_alike_not_sold_or_too_long_ago_is_no_evidence(sessions):
    made, wanted, _ = await archive(sessions)
    async with sessions.begin() as session:
        strange = await world.stones(session, made.supplier, 7, first=100)
        await world.expose(session, strange)
        values = ({"clarity": "VS2"}, {"fluor_intensity": "strong"}, {"fancy_intensity": "vivid"}, {})
        for stone, value in zip(strange, values, strict=False):
            if value:
                await session.execute(update(Stone).where(Stone.public_id == stone).values(**value))
    for stone in strange[:3]:
        await sold(sessions, stone, 900_000)
    await sold(sessions, strange[3], 900_000, days=800)
    await sold(sessions, strange[4], 900_000, state="passed")
    await sold(sessions, strange[5], 900_000, weight_mct=1500)
    await sold(sessions, strange[6], 900_000, stones=2)
    assert (await told(sessions, wanted)).n == 5


@ON_SQLITE
async def test_white_prices_are_brought_to_the_last_quarter_that_the_index_tells(sessions):
    made, wanted, _ = await archive(sessions, days=200)
    async with sessions.begin() as session:
        later = await world.stones(session, made.supplier, 5, first=50)
        await world.expose(session, later)
    for stone, price in zip(later, PRICES, strict=True):
        await sold(sessions, stone, price * 2, days=100)
    assert quarter_of(NOON - timedelta(days=200)) != quarter_of(NOON - timedelta(days=100)) != quarter_of(NOON)
    evidence = await told(sessions, wanted)
    assert evidence.indexed and evidence.n == 10
    assert sorted(one.adjusted for one in evidence.comparables) == sorted([price * 2 for price in PRICES] * 2)


@ON_SQLITE
async def test_an_estimate_that_does_not_meet_the_span_is_warned_of(sessions):
    made, wanted, _ = await archive(sessions)
    sale = await world.draft(sessions, made, 2)  # 5,000 to 7,000: meets 5,100 to 5,700
    lots = await world.order(sessions, sale)

    async def warned():
        with_checks = sessions_of(sessions.kw["bind"], sessions.kw["info"]["seal"], checks=(estimating.outside_band,))
        async with with_checks() as session:
            row = await session.scalar(select(Sale).where(Sale.public_id == sale))
            found = (await publishing.readiness_of(session, row, NOON)).findings
            return [(one.lot, one.fact) for one in found if one.code is Code.ESTIMATE_OUTSIDE_BAND]

    assert await warned() == []
    async with sessions.begin() as session:
        far = {"low_minor": 700_000, "high_minor": 900_000}
        await session.execute(update(Lot).where(Lot.public_id == lots[0]).values(**far))
    assert await warned() == [(lots[0], wanted)]


async def test_suggested_estimates_are_looked_at_and_taken_over_as_one_command(house):  # noqa: F811
    made, _, _ = await archive(house.sessions)
    sale = await world.draft(house.sessions, made, 1)
    (lot,) = await world.order(house.sessions, sale)
    browser = await house.browser("noor@pavilion.example")
    at = f"/staff/sales/{sale}"
    for lang in ("en", "zh"):
        speaks = await house.browser("noor@pavilion.example", lang)
        await reader_speaks(house, "noor@pavilion.example", lang)
        for path in ("", "/estimates", f"/lots/{lot}"):
            answer = await speaks.get(f"{at}{path}")
            assert answer.status_code == 200 and "style=" not in answer.text, path
            if path:
                assert ("5 like stones sold" in answer.text) == (lang == "en")
                assert "5,600" in answer.text and ("Winter" if lang == "en" else "冬季") in answer.text
    await reader_speaks(house, "noor@pavilion.example", "en")
    page = await browser.post(f"{at}/estimates", data={"lot": [lot], "opening_part": "60", "reserve_part": ""})
    version = (await house.first(select(Lot).where(Lot.public_id == lot))).version
    seen = f"{lot}:{version}:500000:600000"
    assert seen in page.text, "5,156.10 and 5,661.60 outwards to the steps"
    assert (await browser.post(f"{at}/estimates", data={"opening_part": "0"})).status_code == 422
    assert (await browser.post(f"{at}/estimates", data={"reserve_part": "90"})).status_code == 403
    taken = {"lot": [lot], "seen": [seen], "opening_shown": "60", "why": "by results"}
    wrong = {**taken, "seen": [f"{lot}:{version}:510000:600000"]}
    assert (await browser.post(f"{at}/estimates/changes", data=wrong)).status_code == 409
    assert (await browser.post(f"{at}/estimates/changes", data={**taken, "seen": []})).status_code == 409
    assert (await browser.post(f"{at}/estimates/changes", data=taken)).status_code == 303
    row = await house.first(select(Lot).where(Lot.public_id == lot))
    assert (row.low_minor, row.high_minor, row.opening_minor) == (500_000, 600_000, 300_000)
    async with house.sessions.begin() as session:
        done = await session.scalar(select(changes.Command).order_by(changes.Command.id.desc()))
        assert (done.kind, done.reason, len(done.changes)) == ("estimates", "by results", 1)
        await changes.undo(session, sale=sale, command=done.id, actor=made.curator, now=NOON)
    row = await house.first(select(Lot).where(Lot.public_id == lot))
    assert (row.low_minor, row.high_minor, row.opening_minor) == (500_000, 700_000, 400_000)
