"""The archive of results: what it keeps of a closed sale, and what it answers to whom."""

import csv
import io
from datetime import timedelta
from pathlib import Path
from runpy import run_path

import pytest
from httpx2 import ASGITransport, AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from pavilion import main
from pavilion.auctions import curation, deposits
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.reoffering import AlreadyReoffered, reoffer, unsold_of
from pavilion.auctions.version_models import LotNotice, LotNoticeGiven, kept_estimate
from pavilion.bidding.acts import StaffAct
from pavilion.insight import archiving, result_charts, result_rules
from pavilion.insight.results import Money, Point
from pavilion.insight.results_models import ResultLot
from pavilion.kernel.errors import ActNotAllowed
from pavilion.kernel.ids import ulid
from pavilion.kernel.sheet import open_sheet
from pavilion.settings import Settings
from tests import make
from tests.auctions import world
from tests.auctions.world import FIRST_CLOSE
from tests.bidding.house import at_sale, house, registered
from tests.insight import archived
from tests.luck import Random
from tests.make import NOON, SECOND

HOME = "http://pavilion.test"
DAY = timedelta(days=1)
LATE = NOON + 3 * DAY


@pytest.fixture
def browser_on(sessions, tmp_path):
    def opened(now=LATE, lang="en"):
        app = main.build_house(
            Settings(environment="test", public_url=HOME, data_dir=tmp_path), sessions.kw["bind"], lambda: now
        )
        headers = {"origin": HOME, "accept-language": lang}
        return AsyncClient(transport=ASGITransport(app), base_url=HOME, headers=headers)

    return opened


async def closed(database_url, sessions, **changes):
    """A sale of three lots that has ended: one sold, one that stayed below its reserve, one withdrawn."""
    async with house(database_url, sessions, lots=3, **changes) as made:
        await made.bid(0, 450_000, 0)
        await made.bid(1, 800_000, 0)
        await made.bid(1, 410_000, 1)
        await made.rooms.command(_act(made, "withdraw", 2))
        made.clock.at = FIRST_CLOSE + 600 * SECOND
        await made.until(lambda: _is(made.sale_state(), "closed"), seconds=10)
    return made


def _act(made, act, lot):
    return StaffAct(made.sale, act, made.lots[lot], by=made.world.lead.public_id, reason="seller_request")


async def _is(found, wanted):
    return await found == wanted


async def signed_in(client, email):
    answer = await client.post("/sign-in", data={"email": email, "password": make.PASSWORD})
    assert answer.status_code == 303


async def test_a_closed_sale_stands_in_the_archive_once(database_url, sessions):
    made = await closed(database_url, sessions, reserve=475_000)
    assert await archiving.tick(sessions, LATE) == 1
    assert await archiving.tick(sessions, LATE) == 0
    async with sessions() as session:
        rows = {row.lot: row for row in await session.scalars(select(ResultLot))}
    sold, passed, gone = (rows[lot] for lot in made.lots)
    assert (sold.state, passed.state, gone.state) == ("sold", "passed", "withdrawn")
    assert sold.hammer == 475_000, "one step above the second"
    assert (sold.premium, sold.bids, sold.bidders) == (118_750, 2, 2)
    assert (sold.against, sold.against_bp) == ("below", -2083)
    assert (sold.shape, sold.color, sold.clarity, sold.lab, sold.tone) == ("round", "G", "VS1", "GIA", "G-H")
    assert (sold.weight_mct, sold.per_carat) == (1011, 469_832)
    assert (passed.hammer, passed.premium, passed.bids) == (0, 0, 1)
    assert passed.bids_told_at - passed.ended_at == timedelta(days=5)


async def test_no_estimate_on_request_is_told_by_deposit_or_archive_and_a_corrected_one_is(
    database_url, sessions, browser_on
):
    made = await world.build(sessions, 3)
    sale = await world.draft(sessions, made)
    untold, lower, plain = await world.order(sessions, sale)
    async with sessions.begin() as session:
        await session.execute(update(Lot).where(Lot.public_id == untold).values(on_request=True))
    await world.decide(sessions, await world.proposed(sessions, made, sale), made.lead)
    async with sessions.begin() as session:
        words = {"reason": "The market", "text_en": "Lower.", "text_zh": "下调。", "by": "01LEAD", "at": NOON}
        words |= {"old": kept_estimate(500_000, 700_000), "new": kept_estimate(450_000, 600_000)}
        notice = LotNotice(public_id=ulid(NOON), sale=sale, lot=lower, field="estimate", **words)
        session.add(notice)
        await session.flush()
        session.add(LotNoticeGiven(notice_id=notice.id, seq=None, at=NOON))
    async with sessions() as session:
        row = (await session.scalars(select(Sale).where(Sale.public_id == sale))).one()
        counted = await deposits.low_estimates(session, row, [untold, lower, plain])
        assert counted == {untold: 400_000, lower: 450_000, plain: 500_000}, "the opening; the notice; as published"
        assert {one.lot: one.low_minor for one in await deposits.offered(session, row)} == counted
    people = [await registered(sessions, made, sale, number) for number in (1, 2)]
    async with at_sale(database_url, sessions, made, sale, people) as held:
        for bidder in (0, 1):
            for lot in (0, 1):
                assert (await held.bid(bidder, 450_000 + 100_000 * bidder, lot)).result == "accepted"
        held.clock.at = FIRST_CLOSE + 600 * SECOND
        await held.until(lambda: _is(held.sale_state(), "closed"), seconds=10)
    assert await archiving.tick(sessions, LATE) == 1
    async with browser_on() as visitor:
        items = {one["lot"]: one for one in (await visitor.get("/api/v1/results")).json()["items"]}
        assert [items[untold][name] for name in ("estimate", "against")] == [None, None] and items[untold]["hammer"]
        assert [items[lot]["estimate"]["low_minor"] for lot in (lower, plain)] == [450_000, 500_000]
        assert items[lower]["against"]["where"] == "within", "against the estimate that held"
        rows = csv.DictReader(io.StringIO((await visitor.get("/results.csv")).text[1:]))
        assert {row["lot_id"]: row["estimate_low"] for row in rows} == {untold: "", lower: "4500.00", plain: "5000.00"}
        assert "on request" in (await visitor.get("/results")).text
    await archived_with_the_old_figure_is_mended(sessions, lower)


async def archived_with_the_old_figure_is_mended(sessions, lot):
    """What a house archived before notices were read there, its migration tells anew; the guard of the table stays."""
    mend = run_path(str(Path(__file__).parents[2] / "alembic" / "versions" / "0025_reasons.py"))["corrected"]
    found = select(ResultLot.low, ResultLot.high, ResultLot.against, ResultLot.against_bp, ResultLot.step)
    found = found.where(ResultLot.lot == lot)
    old = {"low": 500_000, "high": 700_000, "against": "below", "against_bp": -1, "step": 4}
    wrong = update(ResultLot).where(ResultLot.lot == lot).values(**old)
    async with sessions.begin() as session:
        held = (await session.execute(found)).one()
        if session.get_bind().dialect.name == "postgresql":
            await session.execute(text("alter table result_lots disable trigger result_lots_no_update"))
            await session.execute(wrong)
            await session.execute(text("alter table result_lots enable trigger result_lots_no_update"))
        else:
            guard = text("select sql from sqlite_master where name = 'result_lots_no_update'")
            kept = await session.scalar(guard)
            await session.execute(text("drop trigger result_lots_no_update"))
            await session.execute(wrong)
            await session.execute(text(kept))
    async with sessions.begin() as session:
        connection = await session.connection()
        for _ in range(2):
            await connection.run_sync(mend)
        assert (await session.execute(found)).one() == held
    with pytest.raises(Exception, match=r"(?i)append|never|change"):
        async with sessions.begin() as session:
            await session.execute(wrong)


async def test_the_archive_never_changes(database_url, sessions):
    await closed(database_url, sessions)
    await archiving.tick(sessions, LATE)
    with pytest.raises(Exception, match=r"(?i)append|never|change"):
        async with sessions.begin() as session:
            await session.execute(text("update result_lots set hammer = hammer + 1 where state = 'sold'"))


async def test_nobody_outside_learns_what_was_bid_on_a_passed_lot_before_its_time(database_url, sessions, browser_on):
    made = await closed(database_url, sessions, reserve=475_000)
    await archiving.tick(sessions, LATE)
    asked = "/api/v1/results?state=passed"
    async with browser_on() as visitor, browser_on() as staff, browser_on(NOON + timedelta(days=9)) as later:
        (item,) = (await visitor.get(asked)).json()["items"]
        assert (item["bids"], item["bidders"], item["hammer"]) == (None, None, None)
        await signed_in(staff, "oskar@pavilion.example")
        assert (await staff.get(asked)).json()["items"][0]["bids"] == 1
        assert (await later.get(asked)).json()["items"][0]["bids"] == 1
        page = (await visitor.get("/results")).text
        assert f"/lots/{made.lots[0]}" in page and "4,750" in page and "5,937.50" in page
        for kind in ("csv", "xlsx"):
            assert (await visitor.get(f"/results.{kind}?state=passed")).status_code == 200
        row = next(csv.DictReader(io.StringIO((await visitor.get("/results.csv?state=passed")).text[1:])))
        assert (row["bids"], row["hammer"]) == ("", "")
        for company in ("Lumen", "wen1"):
            assert company not in page, "who bought is nobody's business"


async def test_a_lot_that_was_not_sold_is_offered_again_under_its_number_with_a_letter(
    database_url, sessions, browser_on
):
    made = await closed(database_url, sessions, reserve=475_000)
    await archiving.tick(sessions, LATE)
    async with sessions.begin() as session:
        draft = (await archived_draft(session, made)).public_id
    async with sessions.begin() as session:
        assert [one.lot.public_id for one in await unsold_of(session, made.sale)] == made.lots[1:]
        with pytest.raises(ActNotAllowed):
            await reoffer(session, lot=made.lots[0], into=draft, actor=made.world.curator, now=LATE)
    async with browser_on() as curator:
        await signed_in(curator, "noor@pavilion.example")
        board = (await curator.get(f"/staff/sales/{made.sale}")).text
        assert f"/staff/lots/{made.lots[1]}/reoffers" in board
        answer = await curator.post(f"/staff/lots/{made.lots[1]}/reoffers", data={"into": draft})
        assert answer.status_code == 303 and answer.headers["location"].startswith(f"/staff/sales/{draft}#")
        again = await curator.post(f"/staff/lots/{made.lots[1]}/reoffers", data={"into": draft})
        assert again.status_code == 409
    async with sessions() as session:
        new = await session.scalar(select(Lot).where(Lot.reoffer_of == made.lots[1]))
        assert new is not None
        assert (new.number_text, new.state, new.low_minor, new.reserve_sealed) == ("12A", "draft", 500_000, None)
    with pytest.raises(AlreadyReoffered):
        async with sessions.begin() as session:
            await reoffer(session, lot=made.lots[1], into=draft, actor=made.world.curator, now=LATE)


async def archived_draft(session, made):
    values = world.settings(
        title_en="Spectral V", opens_at=LATE + timedelta(days=1), first_close_at=LATE + timedelta(days=2)
    )
    return await curation.create_sale(session, values=values, actor=made.world.curator, now=LATE)


async def test_a_stone_tells_every_sale_it_stood_in_to_who_may_see_it(database_url, sessions, browser_on):
    made = await closed(database_url, sessions, reserve=475_000)
    await archiving.tick(sessions, LATE)
    async with browser_on() as visitor, browser_on(lang="zh") as staff:
        page = await visitor.get(f"/stones/{made.world.stones[1]}/history")
        assert page.status_code == 200 and "Passed" in page.text and f"/lots/{made.lots[1]}" in page.text
        await signed_in(staff, "oskar@pavilion.example")
        await staff.post("/language", data={"to": "zh", "back": "/"})
        assert "流拍" in (await staff.get(f"/stones/{made.world.stones[1]}/history")).text
        stone = (await visitor.get(f"/stones/{made.world.stones[1]}")).text
        assert f'/stones/{made.world.stones[1]}/history"' in stone and "1 appearance" in stone
        assert (await visitor.get("/stones/01ARZ3NDEKTSV4RRFFQ69G5FAV/history")).status_code == 404
        assert (await visitor.get("/stones/nothing/history")).status_code == 404


async def test_a_buyer_reads_at_the_desk_what_was_won_and_lost_and_what_it_costs(database_url, sessions, browser_on):
    async with house(database_url, sessions, lots=2) as made:
        await made.bid(0, 450_000, 0)
        await made.bid(1, 800_000, 0)
        await made.bid(1, 410_000, 1)
        made.clock.at = FIRST_CLOSE + 600 * SECOND
        await made.until(lambda: _is(made.sale_state(), "closed"), seconds=10)
        async with browser_on() as winner, browser_on() as loser:
            for browser, number in ((winner, 2), (loser, 1)):
                browser._transport.app.state.rooms = made.rooms
                await signed_in(browser, f"wen{number}@lumen.example")
            won, lost = (await winner.get("/desk/bids")).text, (await loser.get("/desk/bids")).text
    assert "Hammer total, USD" in won and "8,750" in won, "4,750 and 4,000"
    assert "0 sold to others" in won and "1 sold to others" in lost and "Hammer total" not in lost


async def kept(sessions, sales=3, lots=60):
    luck = Random(5)
    made = [archived.closed_sale(n) for n in range(sales)]
    rows = [archived.result(sale, place, luck) for sale in made for place in range(1, lots + 1)]
    async with sessions.begin() as session:
        await archived.keep(session, made, rows)
    return made, rows


async def walked(browser, address):
    """All items of a question, page by page."""
    found, cursor = [], ""
    while True:
        answer = await browser.get(address + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        cursor = answer.json()["cursor"]
        if not cursor:
            return found


async def test_every_order_pages_through_all_lots_once(sessions, browser_on):
    _, rows = await kept(sessions)
    keys = {"ended": "ended_at", "hammer": "hammer", "ppc": "per_carat", "ct": "weight_mct", "against": "against_bp"}
    by_lot = {row["lot"]: row for row in rows}
    async with browser_on() as browser:
        for sort, column in keys.items():
            for way in ("%2B", "-"):
                items = await walked(browser, f"/api/v1/results?limit=50&sort={sort}{way}")
                values = [by_lot[item["lot"]][column] for item in items]
                assert len({item["lot"] for item in items}) == len(rows)
                assert values == sorted(values, reverse=way == "-")


async def test_filters_and_sums_agree_with_the_rows(sessions, browser_on):
    made, rows = await kept(sessions)
    asked = {
        "": lambda row: True,
        "&state=sold&shape=oval": lambda row: row["state"] == "sold" and row["shape"] == "oval",
        "&color=pink": lambda row: row["fancy_color"] == "pink",
        "&color=D&color=E&clarity=VS1": lambda row: row["color"] in ("D", "E") and row["clarity"] == "VS1",
        "&ct_from=1&ct_to=2.5": lambda row: 1000 <= row["weight_mct"] <= 2500,
        "&price_from=15%2C000": lambda row: row["hammer"] >= 1_500_000,
        f"&sale={made[1].public_id}&lab=GIA": lambda row: row["sale"] == made[1].public_id and row["lab"] == "GIA",
    }
    async with browser_on() as browser:
        for address, fits in asked.items():
            wanted = [row for row in rows if fits(row)]
            answer = (await browser.get(f"/api/v1/results?limit=1{address}")).json()
            (total,) = answer["totals"]
            assert total["sold"] + total["passed"] + total["withdrawn"] == len(wanted), address
            assert total["hammer_minor"] == sum(row["hammer"] for row in wanted)
            assert total["premium_minor"] == sum(row["premium"] for row in wanted)
            assert len(await walked(browser, f"/api/v1/results?limit=50{address}")) == len(wanted)


async def test_files_hold_every_lot_and_nothing_that_runs(sessions, browser_on, tmp_path):
    from openpyxl import load_workbook

    luck = Random(3)
    sale = archived.closed_sale(0, title_en="=1+1", title_zh="冬")
    rows = [archived.result(sale, place, luck, title_en="=HYPERLINK(A1)") for place in range(1, 1203)]
    async with sessions.begin() as session:
        await archived.keep(session, [sale], rows)
    async with browser_on() as browser:
        book = tmp_path / "results.xlsx"
        book.write_bytes((await browser.get("/results.xlsx")).content)
        told = list(csv.reader(io.StringIO((await browser.get("/results.csv")).text[1:])))
        assert "attachment" in (await browser.get("/results.csv")).headers["content-disposition"]
    assert len(told) == len(rows) + 1 and told[1][1] == "'=1+1" and told[1][5] == "'=HYPERLINK(A1)"
    cells = list(load_workbook(book, read_only=True).active.iter_rows(values_only=True))
    assert list(cells[0]) == told[0] and len(cells) == len(told)
    sold = next(row for row in cells[1:] if row[cells[0].index("state")] == "sold")
    assert len(told[0]) == len(set(told[0])) == len(told[1])
    assert isinstance(sold[cells[0].index("hammer")], int | float), "a number is a number"
    own = list(open_sheet(book).rows())
    assert len(own) == len(rows), "the house's own reader reads it too"


WRONG = (
    *("ct_from=heavy", "ct_to=-1", "price_from=1.234567", "from=2026-02-30", "sort=rank", "state=lost", "limit=0"),
    *("limit=9999", "cur=XXX", "cursor=abc", "shape=%00", "colour=D", "sale=1", f"lab={'x' * 500}", "color=D,%F0"),
    *("ct_to=1.00&ct_from=5.00", "price_to=1&price_from=2", "to=2026-01-01&from=2026-01-02"),
)


async def test_what_cannot_be_read_is_named_to_people_and_refused_to_programs(sessions, browser_on):
    await kept(sessions, sales=1, lots=3)
    async with browser_on() as browser:
        for wrong in WRONG:
            page = await browser.get(f"/results?{wrong}")
            assert page.status_code == 200 and 'role="alert"' in page.text, wrong
            name = wrong.partition("=")[0]
            assert (f'id="r-{name}-hint"' in page.text) == (
                name in ("ct_from", "ct_to", "price_from", "price_to", "from", "to")
            ), wrong
            answer = await browser.get(f"/api/v1/results?{wrong}")
            assert (answer.status_code, answer.json()["code"]) == (422, "bad_input"), wrong
            if not wrong.startswith("cursor"):
                assert (await browser.get(f"/results.csv?{wrong}")).status_code == 422, wrong


async def test_an_empty_archive_and_an_empty_answer_say_so_in_both_languages(sessions, browser_on):
    async with browser_on() as english, browser_on(lang="zh") as chinese:
        assert "When a sale has closed its results stand here." in (await english.get("/results")).text
        await kept(sessions, sales=1, lots=40)
        assert "No lot matches all of this." in (await english.get("/results?ct_from=900")).text
        page = (await chinese.get("/results")).text
        assert "按件成交率" in page and "冬季 0" in page and "mark-" in page
        assert page.count("<svg viewBox") >= 2


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.integers(0, 10**12))
def test_the_estimate_has_two_ends_that_belong_to_it(hammer, low, width):
    found = result_rules.against(hammer, low, low + width)
    assert (found.where == "within") == (low <= hammer <= low + width)
    assert found.bp >= -10_000 and 0 <= found.step < result_rules.STEPS
    edges = [None, *result_rules.EDGES, None]
    least, upto = edges[found.step], edges[found.step + 1]
    assert (least is None or least <= found.bp) and (upto is None or found.bp < upto)


@given(
    st.lists(
        st.builds(Point, st.integers(1, 10**6), st.integers(1, 10**12), st.sampled_from(result_rules.TONES)),
        max_size=60,
    )
)
def test_every_mark_stands_inside_its_chart(points):
    drawn = result_charts.prices(points)
    assert (drawn is None) == (len(points) < result_charts.LEAST_OF_LINE)
    if drawn is not None:
        assert sum(tone.n for tone in drawn.tones) == len(points) == sum(cell.n for cell in drawn.cells.values())
        for tick in drawn.across:
            assert result_charts.LEFT <= tick.at <= result_charts.LEFT + result_charts.WIDE
        for tick in drawn.down:
            assert result_charts.TOP <= tick.at <= result_charts.TOP + result_charts.HIGH


def test_shares_of_nothing_are_not_told():
    nothing = Money("USD", 0, 0, 0, 0, 3, 0, 0, 0, 0, {}, [0] * result_rules.STEPS)
    assert (nothing.by_lot_bp, nothing.by_value_bp) == (None, None)
    assert all(bar.height == 0 for bar in result_charts.distribution(nothing))
