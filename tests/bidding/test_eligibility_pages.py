"""What a buyer and the staff see of the law and of a lost verdict: on the lot, at the desk, to programs, in both
languages."""

import asyncio
import json
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from pavilion.accounts.rules import RIGHTS, VISITOR, Role
from pavilion.auctions import deposits
from pavilion.auctions.models import Lot, LotStone, Registration, Sale
from pavilion.auctions.queries import HOUSE, withheld
from pavilion.bidding.models import BookEvent, BookLot
from pavilion.bidding.rule_words import RULES
from pavilion.bidding.still import WITHDRAWN_REPORT
from pavilion.catalogue.models import Stone
from pavilion.kernel.events import record
from pavilion.provenance.law import NOT_PUBLIC
from pavilion.provenance.models import StoneVerdict
from pavilion.provenance.rules import CODES
from pavilion.webkit.i18n import load
from pavilion.webkit.static import frontend
from tests import make
from tests.bidding.visited import fields, visiting
from tests.cast import WEN
from tests.catalogue import stones as listing
from tests.make import NOON


@pytest.fixture
async def visit(sqlite_database_url, tmp_path):
    async with visiting(tmp_path) as one:
        yield one


async def delivered_to(visit, destination):
    """Every paddle of the sale has its stones delivered there."""
    async with visit.app.state.sessions.begin() as session:
        await session.execute(update(Registration).values(destination=destination))
        record(session, "registration:changed", "all", by=None, at=NOON)
    await written(visit, lambda writer: {one.destination for one in writer.facts.bidders.values()} == {destination})


async def written(visit, fact):
    """The sale's writer once it knows this: whichever holds the lease by then, for a starved machine may lose one."""
    engine = visit.app.state.rooms.engine
    async with asyncio.timeout(60):
        while (writer := engine.writers.get(visit.sale.sale)) is None or not fact(writer):
            await engine.sweep()
    await engine.sweep()  # after the one under way, which may have decided and not yet written
    return engine.writers[visit.sale.sale]


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", ("Not for delivery to United States", "SN-02 US-RU-DIRECT", "CBP CSMS")),
     ("zh", ("不得交付至美国", "规则 SN-02 US-RU-DIRECT", "CBP CSMS"))],
)  # fmt: skip
async def test_a_buyer_reads_before_bidding_why_it_cannot(visit, lang, words):
    async with visit.reader(WEN, lang) as wen:
        await wen.post("/language", data={"to": lang})
        page = await wen.get(f"/lots/{visit.sale.lots[0]}")
        said = fields(page)
        assert words[0] not in page.text
        await delivered_to(visit, "US")
        page = await wen.get(f"/lots/{visit.sale.lots[0]}")
        assert [word for word in words if word not in page.text] == [] and 'data-bid="next"' not in page.text
        answer = await wen.post(f"/lots/{visit.sale.lots[0]}/bids", data=said, follow_redirects=True)
        assert [word for word in words if word not in answer.text] == []


async def test_a_program_is_told_rule_and_source_with_the_code(visit):
    async with visit.reader(WEN) as wen:
        said = fields(await wen.get(f"/lots/{visit.sale.lots[0]}"))
        await delivered_to(visit, "US")
        body = {"max": 100_000_000, "currency": said["currency"], "rules": said["rules"]}
        headers = {"idempotency-key": "ab" * 16}
        answer = await wen.post(f"/api/v1/lots/{visit.sale.lots[0]}/bids", json=body, headers=headers)
        document = answer.json()
    assert (answer.status_code, document["code"]) == (403, "not_eligible")
    assert document["facts"]["rule"] == "SN-02 US-RU-DIRECT" and "CSMS" in document["facts"]["source"]


async def test_after_a_lost_verdict_lot_room_and_desk_say_so(visit):
    sessions, lot = visit.app.state.sessions, visit.sale.lots[0]
    async with visit.reader(WEN) as wen:
        said = fields(await wen.get(f"/lots/{lot}"))
        assert (await wen.post(f"/lots/{lot}/bids", data=said)).status_code == 303
        async with sessions.begin() as session:
            held = select(Stone.public_id).join(LotStone, LotStone.stone_id == Stone.id)
            held = held.join(Lot, Lot.id == LotStone.lot_id).where(Lot.public_id == lot)
            await listing.revoke(session, (await session.scalars(held)).one())
        told = None
        while told is None:
            await visit.app.state.rooms.engine.sweep()
            async with sessions() as session:
                told = await session.scalar(select(BookEvent.lot).where(BookEvent.type == "lot.notice"))
        for address in (f"/lots/{told}", f"/sales/{visit.sale.sale}/room?lot={told}"):
            assert "has been withdrawn; it is being checked again" in (await wen.get(address)).text
        assert "it is being checked again" in (await wen.get("/desk/bids")).text


WHY = [
    {"code": "GR-01", "severity": "block", "link": None, "params": {"lab": "GIA", "reason": "withdrawn"}},
    {"code": "RG-02", "severity": "block", "link": None, "params": {"registry": "laboratory", "fields": "withdrawn"}},
]


async def held_stone(session, lot):
    held = select(Stone).join(LotStone, LotStone.stone_id == Stone.id).join(Lot, Lot.id == LotStone.lot_id)
    return (await session.scalars(held.where(Lot.public_id == lot))).one()


async def paused_for_a_withdrawn_report(visit, lot):
    """The laboratory took the report back: the stone left the catalogue and the engine paused the lot."""
    async with visit.app.state.sessions.begin() as session:
        stone = await held_stone(session, lot)
        name, report_no = stone.public_id, stone.report_no
        await listing.revoke(session, name)
        await session.execute(update(StoneVerdict).where(StoneVerdict.stone == name).values(findings=WHY))
    await written(visit, lambda writer: writer.book.lots[lot].state == "paused")
    await stored(visit, lot, ("paused", "open"))
    return name, report_no


async def stored(visit, lot, states):
    """What pages read says so too, of the lot in its book and of its sale: it is written a moment later."""
    wanted = select(BookLot.state, Sale.state).join(Sale, Sale.public_id == BookLot.sale).where(BookLot.lot == lot)
    async with asyncio.timeout(60):
        while True:
            async with visit.app.state.sessions() as session:
                if tuple((await session.execute(wanted)).one()) == states:
                    return
            await visit.app.state.rooms.engine.sweep()


@pytest.mark.parametrize(
    ("lang", "checked", "why", "since", "again"),
    [("en", "The origin of this stone is being checked again.", "The laboratory withdrew its report", "Since ",
      "The stone is verified again; the auctioneer resumes the lot soon."),
     ("zh", "本裸石的来源正在重新核查。", "实验室已撤回其报告", "起</p>",
      "裸石已重新通过核验，拍卖师即将恢复本拍品。")],
)  # fmt: skip
async def test_a_paused_lot_says_why_it_stands_still_and_names_its_stone_to_the_house_alone(
    visit,
    lang,
    checked,
    why,
    since,
    again,
):
    lot = visit.sale.lots[0]
    async with visit.reader(WEN, lang) as wen:
        said = fields(await wen.get(f"/lots/{lot}"))
        assert (await wen.post(f"/lots/{lot}/bids", data=said)).status_code == 303
    stone, report_no = await paused_for_a_withdrawn_report(visit, lot)
    async with visit.app.state.sessions() as session:
        row = (await session.scalars(select(Lot).where(Lot.public_id == lot))).one()
        sale = (await session.scalars(select(Sale).where(Sale.public_id == visit.sale.sale))).one()
        owner = replace(VISITOR, company_id=row.consignor_company_id, permissions=RIGHTS[Role.SUPPLIER])
        kept = [await withheld(session, [lot], reader) for reader in (VISITOR, HOUSE, owner)]
        assert kept == [{lot}, set(), set()], "the house and the owner are told what it is"
        assert lot not in [one.lot for one in await deposits.offered(session, sale)], "nobody marks it at registration"
    title = row.title_zh if lang == "zh" else row.title_en
    async with visit.reader("oskar@pavilion.example", lang) as staff:
        await staff.post("/language", data={"to": lang})
        page = (await staff.get(f"/lots/{lot}")).text
        assert title in page and report_no in page and 'data-still="checked"' in page
    async with visit.reader(WEN, lang) as wen:
        await wen.post("/language", data={"to": lang})
        own = (await wen.get(f"/lots/{lot}")).text
        assert f"/sales/{visit.sale.sale}/receipts/" in own and f'class="lot-no">{row.number_text}<' in own
        told = (await wen.get(f"/api/v1/lots/{lot}")).json()
        assert (told["title"], told["withheld"], told["state"], told["stones"]) == (None, True, "paused", [])
        for address in (f"/lots/{lot}", f"/sales/{visit.sale.sale}/room?lot={lot}"):
            page = (await wen.get(address)).text
            assert [
                word for word in (checked, why, since, row.number_text, 'data-still="checked"') if word not in page
            ] == []
            assert report_no not in page and f">{title}<" not in page, "what is not verified is not shown"
            assert f'href="/stones/{stone}' not in page, "the stone's page is closed: nothing leads there"
            assert 'data-bid="' not in page and "data-ladder" not in page and "RG-02" not in page.split("data-book")[0]
        assert "0 stones" not in (await wen.get(f"/sales/{visit.sale.sale}")).text
        assert (await wen.get(f"/stones/{stone}")).status_code == 404
        async with visit.app.state.sessions.begin() as session:
            await session.execute(
                update(StoneVerdict)
                .where(StoneVerdict.stone == stone)
                .values(verdict="verified", grade="B", findings=[])
            )
        page = (await wen.get(f"/lots/{lot}")).text
        assert again in page and checked not in page


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_the_notice_in_the_book_says_in_words_why(visit, lang):
    lot = visit.sale.lots[0]
    await paused_for_a_withdrawn_report(visit, lot)
    async with visit.app.state.sessions() as session:
        told = select(BookEvent.body).where(BookEvent.type == "lot.notice", BookEvent.lot == lot)
        said = json.loads((await session.scalars(told)).one())["data"][f"text_{lang}"]
    assert {"en": "The laboratory withdrew its report (GR-01).", "zh": "实验室已撤回其报告（GR-01）。"}[lang] in said
    assert "RG-02" not in said, "the same thing is told once"


@pytest.mark.parametrize(
    ("lang", "waits", "ready"),
    [("en", "Lots that stand still", "Its stone is verified again: waits to be resumed."),
     ("zh", "暂停中的拍品", "裸石已重新通过核验：等待恢复。")],
)  # fmt: skip
async def test_the_auctioneer_reads_which_lots_wait_to_be_resumed(visit, lang, waits, ready):
    lot = visit.sale.lots[0]
    async with visit.app.state.sessions.begin() as session:
        await make.actor(session, "anna@pavilion.example", (Role.AUCTIONEER,))
    async with visit.reader("anna@pavilion.example", lang) as anna:
        await anna.post("/language", data={"to": lang})
        assert waits not in (await anna.get("/staff")).text
        stone, _ = await paused_for_a_withdrawn_report(visit, lot)
        page = (await anna.get("/staff")).text
        assert waits in page and f'href="/lots/{lot}"' in page and ready not in page
        async with visit.app.state.sessions.begin() as session:
            await session.execute(
                update(StoneVerdict)
                .where(StoneVerdict.stone == stone)
                .values(verdict="verified", grade="B", findings=[])
            )
        assert ready in (await anna.get("/staff")).text


@pytest.mark.parametrize(
    ("lang", "may", "not_"),
    [("en", "May be delivered to", "Not to United States"), ("zh", "今日可交付至", "不得交付至美国")],
)
async def test_the_lot_says_where_its_stone_may_be_delivered(visit, lang, may, not_):
    lot = visit.sale.lots[0]
    async with visit.app.state.sessions() as session:
        stone = (await held_stone(session, lot)).public_id
    async with visit.reader(WEN, lang) as wen:
        await wen.post("/language", data={"to": lang})
        for address in (f"/lots/{lot}", f"/sales/{visit.sale.sale}/room?lot={lot}"):
            page = (await wen.get(address)).text
            assert may in page and f'href="/stones/{stone}/eligibility?dest=' in page
        await delivered_to(visit, "US")
        page = (await wen.get(f"/lots/{lot}")).text
        assert not_ in page and may not in page
        assert f'action="/stones/{stone}/eligibility"' in (await wen.get(f"/stones/{stone}")).text


async def test_only_who_runs_lots_resumes_and_only_what_is_verified(visit):
    sessions, lot = visit.app.state.sessions, visit.sale.lots[0]
    async with sessions.begin() as session:
        await make.actor(session, "anna@pavilion.example", (Role.AUCTIONEER,))
        held = select(Stone.public_id).join(LotStone, LotStone.stone_id == Stone.id)
        held = held.join(Lot, Lot.id == LotStone.lot_id).where(Lot.public_id == lot)
        await listing.revoke(session, (await session.scalars(held)).one())
    await written(visit, lambda writer: writer.book.lots[lot].state == "paused")
    async with visit.reader(WEN) as wen:
        assert (await wen.post(f"/lots/{lot}/acts", data={"act": "resume"})).status_code == 403
    async with visit.reader("anna@pavilion.example") as anna:
        assert "Resume the lot" in (await anna.get(f"/lots/{lot}")).text
        assert (await anna.post(f"/lots/{lot}/acts", data={"act": "resume"})).status_code == 409
        assert (await anna.post(f"/lots/{lot}/acts", data={"act": "withdraw"})).status_code == 303
    await written(visit, lambda writer: writer.book.lots[lot].state == "withdrawn")


def test_the_book_and_the_pages_say_the_same_of_every_public_rule():
    tongues = load(frontend() / "locales")
    assert set(RULES) == {*CODES, WITHDRAWN_REPORT} - NOT_PUBLIC
    for code, said in RULES.items():
        assert said == (tongues["en"].say(code), tongues["zh"].say(code))
