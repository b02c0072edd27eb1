"""The catalogue in a browser: what each reader sees, and that nobody sees what is not confirmed."""

import hashlib
import html
import re
from contextlib import asynccontextmanager

import pytest
from httpx2 import ASGITransport, AsyncClient

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.catalogue import lying, service
from pavilion.catalogue.models import CommitmentKind
from pavilion.kernel.db import create_engine
from pavilion.provenance.models import StoneVerdict, VerdictRecord
from pavilion.settings import Settings
from tests import make
from tests.catalogue import stones
from tests.make import NOON, PASSWORD

HOME = "http://pavilion.test"
ADDRESSES = "/stones/{0}", "/stones/{0}/plan.svg", "/api/v1/stones/{0}"


@asynccontextmanager
async def alive(_app):
    yield


@pytest.fixture
async def house(database_url, tmp_path):
    engine = create_engine(database_url)
    app = main.build_web(Settings(environment="test", public_url=HOME, data_dir=tmp_path), engine, lambda: NOON, alive)
    yield app
    if hasattr(app.state, "stone_index"):
        await app.state.stone_index.close()
    await engine.dispose()


@pytest.fixture
async def stock(house):
    """Twelve stones of one supplier; the origin of the third and the fifth is not confirmed."""
    async with house.state.sessions.begin() as session:
        firm = await make.company(session, name="Supplier BV", country="BE")
        rows = [stones.row(n, weight_mct=1000 + n, price_per_carat_minor=500_000 + n) for n in range(1, 13)]
        rows[4]["producer"] = "Hidden Producer"
        stored = await stones.listed(session, rows, firm.id, but=frozenset({2, 4}))
        await make.person(session, "sara@supplier.example", (Role.SUPPLIER,), firm)
        other = await make.company(session)
        await make.person(session, "wen@lumen.example", (Role.BUYER,), other)
        await make.person(session, "vera@lumen.example", (Role.VIEWER,), other)
        await make.person(session, "otto@lumen.example", (Role.SUPPLIER,), other)
        await make.person(session, "noor@pavilion.example", (Role.CURATOR,))
    return stored


@asynccontextmanager
async def browsing(house, email=None):
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME, headers={"origin": HOME}) as browser:
        if email:
            assert (await browser.post("/sign-in", data={"email": email, "password": PASSWORD})).status_code == 303
        yield browser


OUTSIDERS = [None, "wen@lumen.example", "vera@lumen.example", "otto@lumen.example"]


@pytest.mark.parametrize("email", OUTSIDERS)
async def test_no_way_leads_an_outsider_to_a_stone_that_is_not_confirmed(house, stock, email):
    hidden = {stock[2].public_id, stock[4].public_id}
    await warm(house)
    async with browsing(house, email) as browser:
        for address in ADDRESSES:
            for stone in hidden:
                assert (await browser.get(address.format(stone))).status_code == 404, address
        page = (await browser.get("/stones")).text
        table = (await browser.get("/stones?view=table")).text
        compared = (await browser.get(f"/stones/compare?ids={','.join(stone.public_id for stone in stock[:6])}")).text
        asked = (await browser.get("/api/v1/stones")).json()
        by_number = (await browser.get("/api/v1/stones?q=PV-000003")).json()
        by_producer = (await browser.get("/api/v1/stones?producer=Hidden Producer")).json()
        paged = await every_page(browser)
    assert asked["total"] == 10 and by_number["total"] == by_producer["total"] == 0
    assert "Hidden Producer" not in asked["facets"]["producer"]
    assert sum(asked["histograms"]["ct"]["counts"]) == 10
    assert paged == {stone.public_id for stone in stock} - hidden
    for stone in hidden:
        assert all(f"/stones/{stone}" not in text for text in (page, table, compared))
        assert compared.count('scope="col"') == 5  # four stones and the corner


@pytest.mark.parametrize("warmed", [False, True])
async def test_a_stone_is_found_by_its_laboratory_and_number(house, stock, warmed):
    if warmed:
        await warm(house)
    async with browsing(house) as browser:
        for asked in ("GIA 2000000007", "gia 2000000007", "GIA-2000000007", "GIA 2000 000 007", "2000000007"):
            found = (await browser.get("/api/v1/stones", params={"q": asked})).json()
            assert [item["id"] for item in found["items"]] == [stock[6].public_id], asked
        for asked in ("IGI 2000000007", "GIA 2000000003", "EGL USA 2000000007"):
            assert (await browser.get("/api/v1/stones", params={"q": asked})).json()["total"] == 0, asked


async def warm(house):
    from pavilion.catalogue.keeping import index_of

    await index_of(house).build()


async def every_page(browser):
    seen, cursor = [], ""
    while cursor is not None:
        answer = (await browser.get(f"/api/v1/stones?limit=3&cursor={cursor}")).json()
        seen += [item["id"] for item in answer["items"]]
        cursor = answer["cursor"]
    assert len(seen) == len(set(seen))
    return set(seen)


async def test_unknown_unverified_and_misspelt_ids_answer_alike(house, stock):
    """But for the address itself, which the page carries so that a change of language comes back to it."""
    plain = set()
    async with browsing(house) as browser:
        for stone in (stock[2].public_id, "0" * 26, "x", "a" * 99):
            answer = await browser.get(f"/stones/{stone}")
            assert answer.status_code == 404
            plain.add(re.sub(r"01[0-9A-HJKMNP-TV-Z]{24}", "", answer.text.replace(f"/stones/{stone}", "")))
    assert len(plain) == 1


async def test_staff_and_its_supplier_see_an_unconfirmed_stone_marked(house, stock):
    for email in ("noor@pavilion.example", "sara@supplier.example"):
        async with browsing(house, email) as browser:
            answer = await browser.get(f"/stones/{stock[2].public_id}")
        assert answer.status_code == 200
        assert "The origin of this stone is not confirmed." in answer.text


async def test_an_exposure_that_ends_closes_the_page_at_once(house, stock):
    async with browsing(house) as browser:
        assert (await browser.get(f"/stones/{stock[0].public_id}")).status_code == 200
        async with house.state.sessions.begin() as session:
            await stones.revoke(session, stock[0].public_id)
        assert (await browser.get(f"/stones/{stock[0].public_id}")).status_code == 404
        assert stock[0].public_id not in (await browser.get("/stones")).text


async def test_a_withdrawn_stone_is_gone_for_buyers(house, stock):
    async with house.state.sessions.begin() as session:
        numbers = [stock[0].stock_no.lower()]
        gone = await service.withdraw_stones(session, supplier_company_id=1, stock_nos=numbers, by=None, now=NOON)
    assert gone == [stock[0].public_id]
    async with browsing(house, "wen@lumen.example") as browser:
        assert (await browser.get(f"/stones/{stock[0].public_id}")).status_code == 404


@pytest.mark.parametrize("email", [None, "vera@lumen.example", "otto@lumen.example"])
async def test_prices_stand_nowhere_for_those_who_may_not_see_them(house, stock, email):
    async with browsing(house, email) as browser:
        pages = [
            (await browser.get(address)).text
            for address in (
                "/stones",
                "/stones?view=table",
                f"/stones/{stock[0].public_id}",
                f"/stones/compare?ids={stock[0].public_id}",
            )
        ]
        data = (await browser.get("/api/v1/stones")).json()
        refused = await browser.get("/api/v1/stones?ppc_from=5000")
        sorted_by = await browser.get("/stones?sort=ppc")
        by_position = await browser.get("/api/v1/stones?sort=position")
    assert all("5,000" not in page and "5,005" not in page and 'name="ppc_from"' not in page for page in pages)
    assert "price" not in data["items"][0] and "ppc" not in data["histograms"]
    assert refused.status_code == 422 and refused.json()["facts"]["fields"] == {"ppc": "search_price_hidden"}
    assert by_position.json()["facts"]["fields"] == {"sort": "search_price_hidden"}
    assert all('value="ct"' in page and 'value="position"' not in page for page in pages[:2])
    assert sorted_by.status_code == 200 and "Prices are shown to approved buyers" in sorted_by.text


async def test_a_buyer_sees_prices_and_no_supplier(house, stock):
    async with browsing(house, "wen@lumen.example") as browser:
        page = (await browser.get(f"/stones/{stock[0].public_id}")).text
        found = (await browser.get("/api/v1/stones?ppc_from=5000.05&sort=ppc")).json()
        stood = (await browser.get("/api/v1/stones?sort=position")).json()
        chips = (await browser.get("/stones?ct_from=1&ct_to=2&total_to=90000&since_from=2026-03-01")).text
        open_ended = (await browser.get("/stones?ct_from=1.005&sort=position")).text
    assert "5,000.01" in page and "Supplier BV" not in page
    assert [item["id"] for item in stood["items"]] == [one.public_id for n, one in enumerate(stock) if n not in (2, 4)]
    for words in ("Weight 1–2 ct", "Total price up to USD 90,000", "Listed since 1 March 2026"):
        assert f"</span>{words} <span" in chips
    assert "</span>Weight from 1.005 ct <span" in open_ended and 'value="position" selected' in open_ended
    assert [item["price"]["per_carat"]["amount_minor"] for item in found["items"]] == list(range(500_006, 500_013))


async def judged(house, stone, findings=()):
    """The standing verdict of a stone has its document."""
    document = '{"stone":"' + stone.public_id + '","v":1,"verdict":"verified"}'
    sha256 = hashlib.sha256(document.encode()).hexdigest()
    async with house.state.sessions.begin() as session:
        row = await session.get(StoneVerdict, stone.public_id)
        row.verdict_sha256, row.findings = sha256, list(findings)
        kept = {"verdict": row.verdict, "grade": row.grade, "document": document, "sha256": sha256, "at": NOON}
        session.add(VerdictRecord(stone=stone.public_id, **kept))
    return document, sha256


async def test_who_brought_a_stone_is_asked_by_the_house_and_a_cutter_is_named_who_agreed(house, stock):
    async with house.state.sessions.begin() as session:
        rows = [stones.row(n, weight_mct=1000 + n, cutter_name=f"Cutter {n}", cutter_named=n == 1) for n in (1, 2)]
        await service.store_stones(session, rows, supplier_company_id=1, now=NOON)
    await warm(house)
    async with browsing(house, "wen@lumen.example") as browser:
        facets = (await browser.get("/api/v1/stones")).json()["facets"]
        assert facets["cutter"] == {"Cutter 1": 1} and "supplier" not in facets
        refused = await browser.get("/api/v1/stones?supplier=01KJQ6PSG0HV0AR049QXJ3GC01")
        assert refused.status_code == 422 and "search_field_unknown" in refused.text
        assert "Supplier BV" not in (await browser.get("/stones")).text
    async with browsing(house, "noor@pavilion.example") as browser:
        (supplier,) = (await browser.get("/api/v1/stones")).json()["facets"]["supplier"]
        page = await browser.get(f"/stones?supplier={supplier}&since_from=2020-01-01")
    assert page.status_code == 200 and "Supplier BV" in page.text and "10 stones" in page.text


@pytest.mark.parametrize("tab", ["white", "fancy", "coloured"])
async def test_each_tab_asks_what_its_trade_asks(house, stock, tab):
    async with house.state.sessions.begin() as session:
        rows = [
            stones.row(1, fancy_color="pink", color=None, gem_hue="red", shade="brown"),
            stones.row(2, species="corundum", color=None, gem_hue="red", shade="brown"),
            stones.row(4, gem_hue="red", shade="brown", weight_mct=1004),
        ]
        await service.store_stones(session, rows, supplier_company_id=1, now=NOON)
    async with browsing(house) as browser:
        page = (await browser.get(f"/stones?tab={tab}")).text
    fields = {name for name in ("color", "hue", "gemhue", "shade") if f'name="{name}" value' in page}
    assert fields == {"white": {"color", "shade"}, "fancy": {"hue", "shade"}, "coloured": {"gemhue"}}[tab]


async def test_the_verdict_document_is_given_as_it_is_kept(house, stock):
    document, sha256 = await judged(house, stock[0])
    async with browsing(house) as browser:
        page = (await browser.get(f"/stones/{stock[0].public_id}")).text
        answer = await browser.get(f"/stones/{stock[0].public_id}/verdict.json")
    assert f'href="/stones/{stock[0].public_id}/verdict.json"' in page and sha256 in page
    assert answer.content == document.encode() and "attachment" in answer.headers["content-disposition"]


@pytest.mark.parametrize("email", OUTSIDERS)
async def test_the_verdict_document_of_a_stone_that_is_not_confirmed_is_refused(house, stock, email):
    await judged(house, stock[0])
    async with house.state.sessions.begin() as session:
        await stones.revoke(session, stock[0].public_id)
    async with browsing(house, email) as browser:
        for stone in (stock[0].public_id, stock[2].public_id, "0" * 26, "x"):
            assert (await browser.get(f"/stones/{stone}/verdict.json")).status_code == 404


async def test_a_verdict_document_that_names_a_party_is_for_those_who_see_origins(house, stock):
    named = {"code": "WA-02", "severity": "hold", "link": None, "params": {"seller": "did:web:miner", "assessed": ""}}
    document, _ = await judged(house, stock[0], [named])
    async with browsing(house, "wen@lumen.example") as browser:
        assert (await browser.get(f"/stones/{stock[0].public_id}/verdict.json")).status_code == 404
        assert "verdict.json" not in (await browser.get(f"/stones/{stock[0].public_id}")).text
    async with browsing(house, "noor@pavilion.example") as browser:
        assert (await browser.get(f"/stones/{stock[0].public_id}/verdict.json")).text == document


async def test_a_question_is_led_to_its_one_address(house, stock):
    async with browsing(house) as browser:
        answer = await browser.get("/stones?clarity=VS2&q=&clarity=VS1&sort=ct-&ct_from=&ct_to=5.0")
    assert (answer.status_code, answer.headers["location"]) == (303, "/stones?clarity=VS1,VS2&ct_to=5")


async def test_a_swap_gets_the_results_alone_and_their_address(house, stock):
    async with browsing(house) as browser:
        answer = await browser.get("/stones?clarity=VS2&q=&ct_to=5.0", headers={"HX-Request": "true"})
    assert answer.headers["hx-push-url"] == "/stones?clarity=VS2&ct_to=5"
    assert "<html" not in answer.text and 'id="results"' in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "colour=D",
        "shape=blob",
        "ct_from=abc",
        "cursor=rubbish",
        "q=%00",
        "limit=x",
        "sort=%F0%9F%92%8E",
        "a" * 3000 + "=1",
    ],
)
async def test_rubbish_in_an_address_is_left_out_with_a_sentence(house, stock, query):
    async with browsing(house) as browser:
        page = await browser.get(f"/stones?{query}")
        data = await browser.get(f"/api/v1/stones?{query}")
    assert page.status_code == 200 and 'role="alert"' in page.text and "10 stones" in page.text
    assert data.status_code == 422 and data.json()["code"] == "bad_input"


async def test_an_empty_catalogue_and_an_empty_answer_say_so(house):
    async with browsing(house) as browser:
        assert "Stones stand here once their origin is confirmed." in (await browser.get("/stones")).text
        assert "No stone matches all of this." in (await browser.get("/stones?shape=heart")).text


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_every_page_speaks_both_languages(house, stock, lang):
    words = {
        "en": ("stones of confirmed origin", "From the mine to this page", "Weight from 1 ct", "Depth up to 62.5 %"),
        "zh": ("颗来源已确认的", "从矿山到本页", "重量 1\u00a0克拉起", "深度不超过 62.5%"),
    }[lang]
    async with browsing(house) as browser:
        browser.cookies.set("lang", lang)
        found = (await browser.get("/stones?ct_from=1&depth_to=62.5")).text
        assert all(f"</span>{chip} <span" in found for chip in words[2:]) and words[0] in found
        wrong = (await browser.get("/stones?ct_from=abc")).text
        assert {"en": "“Weight, from” is not a number", "zh": "“重量，下限”不是"}[lang] in wrong
        assert words[1] in (await browser.get(f"/stones/{stock[0].public_id}")).text
        compared = await browser.get(f"/stones/compare?ids={stock[0].public_id},{stock[1].public_id}")
    assert compared.status_code == 200


async def test_a_stone_in_a_sale_leads_to_its_lot(house, stock):
    lot = "01KJQ6PSG0HV0AR049QXJ3GC99"
    facts = {"number": "21", "sale": lot, "title_en": "Spectral", "title_zh": "光谱"}
    async with house.state.sessions.begin() as session:
        await service.commit_stone(
            session, stone=stock[0].public_id, kind=CommitmentKind.IN_SALE, ref=lot, facts=facts, by=None, now=NOON
        )
    async with browsing(house) as browser:
        page = (await browser.get(f"/stones/{stock[0].public_id}")).text
        found = (await browser.get("/api/v1/stones?state=in_sale")).json()
        cards, table = (await browser.get("/stones")).text, (await browser.get("/stones?view=table")).text
    assert f'href="/lots/{lot}"' in page and "Go to lot 21" in page
    assert "Lot 21, Spectral" in cards and "Lot 21, Spectral" in table
    assert found["total"] == 1


async def test_what_was_asked_for_a_sold_stone_stands_nowhere(house, stock):
    stone = stock[0].public_id
    async with house.state.sessions.begin() as session:
        kind = CommitmentKind.SOLD
        await service.commit_stone(session, stone=stone, kind=kind, ref=stone, facts={}, by=None, now=NOON)
    async with browsing(house, "wen@lumen.example") as browser:
        for address in ("/stones", "/stones?view=table", f"/stones/{stone}", f"/stones/compare?ids={stone}"):
            page = (await browser.get(address)).text
            assert "5,000.01" not in page, address
        one = (await browser.get(f"/api/v1/stones/{stone}")).json()
        found = (await browser.get("/api/v1/stones")).json()["items"]
        changed = [line["stone"] for line in (await browser.get("/api/v1/changes?limit=250")).json()["items"]]
        for told in (one, *(by[stone] for by in ({it["id"]: it for it in items} for items in (found, changed)))):
            assert set(told["price"].values()) == {None}
        assert all(it["price"]["total"] for it in found + changed if it["id"] != stone)
        assert "Sold" in (await browser.get("/stones?view=table")).text
        assert "Asking price" in (await browser.get(f"/stones/{stock[1].public_id}")).text


async def test_stones_are_asked_for_by_the_office_in_which_they_lie_on_a_day(house, stock):
    async with house.state.sessions.begin() as session:
        await lying.call(session, {"ant": ("Antwerp", "安特卫普"), "hkg": ("Hong Kong", "香港")})
        places = {stock[0].public_id: lying.Lies("ant", "ant:-20789 hkg:20792-")}
        await lying.lie(session, places | {stock[1].public_id: lying.Lies("ant", "ant:-")}, now=NOON)
    then = "office=hkg&officeday_from=2026-12-05&officeday_to=2026-12-05"
    async with browsing(house) as browser:
        page = (await browser.get(f"/stones?{then}")).text
        chinese = (await browser.get(f"/stones?{then}", headers={"accept-language": "zh-CN"})).text
        found = (await browser.get(f"/api/v1/stones?{then}")).json()
        now = (await browser.get("/api/v1/stones?office=hkg")).json()
        wrong = await browser.get("/api/v1/stones?officeday_from=tomorrow")
    assert [one["id"] for one in found["items"]] == [stock[0].public_id] and now["total"] == 0
    assert found["facets"]["office"] == {"ant": 1, "hkg": 1}
    assert "In the office on 5 December 2026" in page and 'name="officeday_from" value="2026-12-05"' in page
    assert "2026年12月5日在办事处" in chinese and wrong.status_code == 422


async def test_a_page_says_which_of_how_many_stones_it_shows(house, stock):
    async with house.state.sessions.begin() as session:
        firm = await make.company(session, name="Second BV", country="BE")
        await stones.listed(session, [stones.row(n) for n in range(101, 161)], firm.id)
    async with browsing(house) as browser:
        page = (await browser.get("/stones")).text
        further = html.unescape(re.findall(r'href="([^"]+)" rel="next"', page)[0])
        assert "1 to 50 of 70" in page and "51 to 70 of 70" in (await browser.get(further)).text


async def test_stones_side_by_side_are_told_apart_by_their_stock_numbers(house, stock):
    async with browsing(house) as browser:
        page = (await browser.get(f"/stones/compare?ids={stock[0].public_id},{stock[1].public_id}")).text
    assert "Stone PV-000001" in page and "Stone PV-000002" in page


async def test_further_stones_are_set_beside_by_their_numbers_and_what_finds_no_place_is_said(house, stock):
    async with browsing(house) as browser:
        one = await browser.get(f"/stones/compare?ids={stock[0].public_id}&numbers=pv-000002+NONE-1")
        assert "Stone PV-000001" in one.text and "Stone PV-000002" in one.text
        assert "has this number: NONE-1" in one.text and 'name="numbers"' in one.text, "there is room for more"
        seven = ",".join(stone.public_id for n, stone in enumerate(stock) if n not in (2, 4))[: 27 * 7]
        full = (await browser.get(f"/stones/compare?ids={seven}")).text
        assert "not among them: 1" in full and 'name="numbers"' not in full


async def test_what_is_equal_in_all_stones_is_folded_and_the_best_is_marked_where_there_is_one(house, stock):
    async with house.state.sessions.begin() as session:
        told = ({"milky": "none", "shade": "brown"}, {"milky": "light", "shade": "none"})
        rows = [stones.row(n, weight_mct=1000 + n, **facts) for n, facts in enumerate(told, 1)]
        await service.store_stones(session, rows, supplier_company_id=1, now=NOON)
    async with browsing(house) as browser:
        page = (await browser.get(f"/stones/compare?ids={stock[0].public_id},{stock[1].public_id}")).text
    table, _, folded = page.partition("</table>")
    lines = {name: re.search(rf"<tr><th scope=.row.>{name}</th>(.*?)</tr>", table) for name in ("Milky", "Shade")}
    assert [lines[name][1].count("best") for name in lines] == [1, 0]
    assert "Polish</th>" not in table and "<dt>Polish</dt><dd>Excellent</dd>" in folded


def test_the_ruler_of_an_excellent_cut_begins_at_it():
    from pavilion.catalogue.models import Stone
    from pavilion.catalogue.rulers import rulers_of

    ruler = rulers_of(Stone(weight_mct=1000, cut="excellent"))["cut"]
    assert ruler is not None and (ruler.ticks[0].code, ruler.ticks[0].here) == ("excellent", True)
    ideal = rulers_of(Stone(weight_mct=1000, cut="ideal"))["cut"]
    assert ideal is not None and ideal.ticks[0].code == "ideal"


async def test_plans_are_drawn_for_names_that_mean_something_and_no_others(house):
    async with browsing(house) as browser:
        good = await browser.get("/stones/plans/round-100-57-white1.svg")
        bad = [
            await browser.get(f"/stones/plans/{name}.svg")
            for name in ("round-101-57-white1", "blob-100-57-white1", "x")
        ]
        view = await browser.get("/stones/plans/round-100-57-white1.svg?view=inside")
    assert good.headers["content-type"] == "image/svg+xml" and good.text.startswith("<svg")
    assert "immutable" in good.headers["cache-control"]
    assert {answer.status_code for answer in [*bad, view]} == {404}
