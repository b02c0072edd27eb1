"""The pages of sales and lots as HTML alone: what they show to whom, and what they answer to rubbish."""

import re

import pytest

from pavilion.bidding import receipt_checking
from pavilion.kernel.signing import parse_vkey
from tests.bidding.visited import Visit, fields, visiting
from tests.cast import ILSE, NOOR, WEN


@pytest.fixture
async def visit(sqlite_database_url, tmp_path):
    async with visiting(tmp_path) as one:
        yield one


async def test_a_form_bid_comes_back_by_redirect_with_its_answer(visit: Visit):
    lot = visit.sale.lots[0]
    async with visit.reader(WEN) as wen:
        said = fields(await wen.get(f"/lots/{lot}"))
        assert said["max"] == "12000"
        answer = await wen.post(f"/lots/{lot}/bids", data=said)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/lots/{lot}?answer={said['key']}")
        page = await wen.get(answer.headers["location"])
        assert "Your bid stands." in page.text and "You lead" in page.text
        assert "No longer possible for your bids here" in page.text, "the lot ends within twelve hours"
        assert "/retractions" not in page.text
        number = re.search(r'data-bidder="A"><td>(\d+)<', page.text)
        receipt = re.search(r"/sales/\w+/receipts/\d+", page.text)
        assert number and receipt and f">Bid {number[1]}, receipt<" in page.text
        assert f"<h1>Bid {number[1]}, receipt</h1>" in (await wen.get(receipt[0])).text, "one number everywhere"
        assert page.text.index('id="book-head"') < page.text.index('id="retract-head"'), "what is rare stands low"
        again = await wen.post(f"/lots/{lot}/bids", data=said)
        assert again.headers["location"] == answer.headers["location"], "the same key is the same bid"
        assert len(re.findall(r'data-bidder="', (await wen.get(f"/lots/{lot}")).text)) == 1


async def test_a_bid_refused_by_the_engine_is_told_with_its_receipt(visit: Visit):
    lot = visit.sale.lots[0]
    async with visit.reader(WEN) as wen, visit.reader(ILSE, "zh") as ilse:
        said = fields(await wen.get(f"/lots/{lot}"))
        await wen.post(f"/lots/{lot}/bids", data=said | {"max": "20,000"})
        late = said | {"key": "a" * 32, "max": "12,000"}
        answer = await ilse.post(f"/lots/{lot}/bids", data=late)
        assert answer.status_code == 303
        page = await ilse.get(answer.headers["location"])
        assert "The bid is below the next bid." in page.text or "出价低于下一口价。" in page.text
        receipt = re.search(r"/sales/\w+/receipts/\d+", page.text)
        assert receipt is not None
        own = await ilse.get(receipt[0])
        key = re.search(r"echo &#39;(\S+)&#39; &gt; house.key\s+pavilion verify --offline --policy house.key", own.text)
        assert own.status_code == 200 and key is not None and 'href="/verify"' in own.text
        document = (await ilse.get(f"{receipt[0]}.json")).json()
        assert receipt_checking.check(document, [parse_vkey(key[1])]).exit == 0
        assert (await wen.get(receipt[0])).status_code == 404, "another company's receipt does not exist"
        bare = await wen.post(f"/lots/{lot}/retractions", data={"n": "1", "ground": "slip"})
        assert bare.status_code == 422 and "What you meant, for a slip: Please enter a valid amount." in bare.text
        wish = await wen.post(f"{receipt[0].partition('/receipts')[0]}/wishes", data={"lots": "3, 9999"})
        assert wish.status_code == 422 and "9999" in wish.text
        for kind in ("json", "tlog-proof"):
            assert (await ilse.get(f"{receipt[0]}.{kind}")).status_code == 200


async def test_a_large_jump_needs_the_amount_again_under_the_same_key(visit: Visit):
    lot = visit.sale.lots[0]
    async with visit.reader(WEN) as wen:
        said = fields(await wen.get(f"/lots/{lot}"), "max") | {"max": "90,000"}
        asked = await wen.post(f"/lots/{lot}/bids", data=said)
        assert asked.status_code == 422 and said["key"] in asked.text and "112,500" in asked.text
        wrong = await wen.post(f"/lots/{lot}/bids", data=said | {"confirm": "9,000"})
        assert wrong.status_code == 422 and "The two amounts are not the same." in wrong.text
        meant = await wen.post(f"/lots/{lot}/bids", data=said | {"confirm": "90000"})
        assert meant.status_code == 303


RUBBISH = [
    ({"max": ""}, 422),
    ({"max": "ten"}, 422),
    ({"max": "-5"}, 422),
    ({"max": "0"}, 422),
    ({"max": "1" * 15 + "0"}, 422),
    ({"max": "9" * 41}, 422),
    ({"key": "short"}, 422),
    ({"key": "Z" * 32}, 422),
    ({"key": "a" * 65}, 422),
    ({"rules": "x" * 65}, 422),
    ({"currency": "DOLLAR"}, 422),
    ({"currency": "\x00"}, 422),
    ({"rules": "ab" * 32}, 303),
    ({"currency": "EUR"}, 303),
]


async def test_rubbish_in_the_form_has_an_answer(visit: Visit):
    lot = visit.sale.lots[0]
    async with visit.reader(WEN) as wen:
        good = fields(await wen.get(f"/lots/{lot}"))
        for place, (changes, status) in enumerate(RUBBISH):
            said = good | {"key": f"{place:032x}"} | changes
            assert (await wen.post(f"/lots/{lot}/bids", data=said)).status_code == status, changes
        assert (await wen.post(f"/lots/{lot}/bids", data={})).status_code == 422


async def test_unknown_things_and_strange_addresses_are_not_found(visit: Visit):
    sale = visit.sale.sale
    unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    async with visit.reader(WEN) as wen:
        for path in (
            f"/lots/{unknown}", f"/sales/{unknown}", f"/sales/{unknown}/room", f"/sales/{sale}/room?lot={unknown}",
            f"/sales/{sale}/receipts/0", f"/sales/{sale}/receipts/99999", "/lots/..%2f", "/lots/%00",
            f"/sales/{sale}/receipts/{10**30}",
        ):  # fmt: skip
            assert (await wen.get(path)).status_code in (307, 404, 422), path
        assert (await wen.post(f"/lots/{unknown}/bids", data={"key": "c" * 32, "max": "1"})).status_code == 404
        assert (await wen.get(f"/sales/{sale}?show=nonsense")).status_code == 200
        assert (await wen.get(f"/lots/{visit.sale.lots[0]}?max=junk&answer=nonsense")).status_code == 200


async def test_a_stranger_sees_the_lot_and_is_asked_to_sign_in(visit: Visit):
    lot = visit.sale.lots[0]
    async with visit.reader() as stranger:
        page = await stranger.get(f"/lots/{lot}")
        assert page.status_code == 200 and "Sign in to bid" in page.text and "data-bid=" not in page.text
        assert (await stranger.post(f"/lots/{lot}/bids", data={"key": "d" * 32, "max": "1"})).status_code == 401
        assert (await stranger.get("/desk/bids")).status_code == 303
        assert (await stranger.get("/results")).status_code == 200


async def test_the_sum_above_the_bid_button_is_named_for_what_is_in_it(visit: Visit):
    lot = visit.sale.lots[0]
    async with visit.reader(WEN) as wen:
        page = (await wen.get(f"/lots/{lot}")).text
        line = re.search(r'<p class="all-in-line">.*?</p>', page, re.S)
        assert line is not None and ">All in<" in line[0] and "USD 15,000" in line[0]


async def test_who_may_not_bid_is_told_that_they_watch(visit: Visit):
    async with visit.reader("noor@pavilion.example") as noor:
        page = (await noor.get(f"/lots/{visit.sale.lots[0]}")).text
        assert "You are watching" in page and "Bids are placed by buyers who hold a paddle." in page
        assert "You have not bid" not in page and "You do not have the right" not in page


async def test_nobody_reads_the_maximum_of_another(visit: Visit):
    lot = visit.sale.lots[0]
    async with visit.reader(WEN) as wen, visit.reader(ILSE) as ilse, visit.reader() as stranger:
        said = fields(await wen.get(f"/lots/{lot}"))
        await wen.post(f"/lots/{lot}/bids", data=said | {"max": "23,456"})
        for path in (f"/lots/{lot}", f"/sales/{visit.sale.sale}/room", f"/sales/{visit.sale.sale}", "/desk/bids"):
            assert "2345600" in (page := (await wen.get(path)).text) or "23,456" in page, path
            for other in (ilse, stranger):
                text = (await other.get(path)).text
                assert "23,456" not in text and "2345600" not in text, path


async def test_every_page_speaks_chinese(visit: Visit):
    lot, sale = visit.sale.lots[0], visit.sale.sale
    async with visit.reader(lang="zh-CN") as reader:
        for path, words in (
            (f"/lots/{lot}", "登录后出价"), (f"/sales/{sale}/room", "出价簿"), (f"/sales/{sale}", "进入拍卖厅"),
            (f"/sales/{sale}", '<li class="lot-heading"><p>白钻及近白</p></li>'),
            ("/results", "拍卖结束后"),
        ):  # fmt: skip
            assert words in (await reader.get(path)).text, path


async def test_a_curator_reads_how_often_a_lot_was_looked_at_by_people_outside_the_house(visit: Visit):
    lot, other = visit.sale.lots[:2]
    person = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"}
    board = f"/staff/sales/{visit.sale.sale}"
    async with visit.reader() as visitor, visit.reader(NOOR) as curator:
        looks = [(visitor, lot, person), (visitor, lot, person), (visitor, lot, {"user-agent": "Mozilla/5.0 bot"})]
        looks += [(curator, lot, person), (visitor, "Z" * 26, person), (visitor, f"{lot}?fault=below_ask", person)]
        for reader, page, headers in looks:
            await reader.get(f"/lots/{page}", headers=headers)
        assert (await curator.get(f"{board}/preview/lots/{other}", headers=person)).status_code == 200
        await visit.app.state.views.write(visit.app.state.sessions)
        shown = (await curator.get(board)).text
        assert 'data-label="Page views">2<' in shown and shown.count('data-label="Page views">0<') == 2
