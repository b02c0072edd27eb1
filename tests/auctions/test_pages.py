"""The pages of curation and registration: who may open them, that they work without script, that rubbish is refused."""

import re

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from pavilion.accounts import service as accounts
from pavilion.accounts.rules import Role
from pavilion.accounts.sign_in import COOKIE
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.auctions.reserves import reserve_of
from pavilion.auctions.rules import SECOND_PERSON_ABOVE
from pavilion.auctions.terms import terms
from pavilion.main import build_web, sessions_of
from pavilion.settings import Settings
from pavilion.webkit.static import frontend
from tests import make
from tests.auctions import world
from tests.make import NOON

KNOWN = {"acknowledged": "description_missing"}
UNKNOWN = "01KJ8Q3V5W9X7Y2Z4A6B8C0D1E"
ORIGIN = {"sec-fetch-site": "same-origin"}


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    """A running house over a clean database."""
    from pavilion.kernel.db import create_engine

    engine = create_engine(sqlite_database_url)
    settings = Settings(environment="test", data_dir=tmp_path, data_key="22" * 32)
    app = build_web(settings, engine, lambda: NOON, None)
    yield House(app, sessions_of(settings, engine))
    await engine.dispose()


class House:
    def __init__(self, app, sessions):
        self.app, self.sessions = app, sessions

    async def browser(self, email=None, lang="en"):
        cookies = {"lang": lang}
        if email is not None:
            async with self.sessions.begin() as session:
                token = await accounts.sign_in(session, email=email, password=make.PASSWORD, browser="t", now=NOON)
            cookies[COOKIE] = token
        transport = ASGITransport(self.app)
        return AsyncClient(transport=transport, base_url="http://pavilion.test", cookies=cookies, headers=ORIGIN)

    async def first(self, wanted):
        async with self.sessions() as session:
            return await session.scalar(wanted)


async def drafted(house, count=4):
    found = await world.build(house.sessions, count)
    return found, await world.draft(house.sessions, found)


STAFF_PAGES = ["/staff/sales", "/staff/sales/{sale}", "/staff/sales/{sale}/settings", "/staff/sales/{sale}/lots/{lot}"]


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_every_page_of_curation_opens_in_both_languages(house, lang):
    _, sale = await drafted(house)
    lot = (await world.order(house.sessions, sale))[0]
    browser = await house.browser("noor@pavilion.example", lang)
    await reader_speaks(house, "noor@pavilion.example", lang)
    for path in STAFF_PAGES:
        answer = await browser.get(path.format(sale=sale, lot=lot))
        assert answer.status_code == 200, path
        assert "style=" not in answer.text and "<script>" not in answer.text
        if path.endswith(("/sales", "/settings")):
            form = answer.text
            for name, only in (("increments", "timed clerked tender"), ("window", "timed"), ("custodians", "tender"),
                               ("final_call", "clerked"), ("stagger_s", "timed clerked tender")):  # fmt: skip
                assert re.findall(r'data-only="([^"]+)"', form[: form.index(f'name="{name}"')])[-1] == only
    style = (frontend() / "static" / "css" / "builder.css").read_text()
    for shape in SaleType:
        assert f'[value="{shape}"]:checked) [data-only]:not([data-only~="{shape}"]' in style


async def test_the_picker_has_pages_and_keeps_its_question_after_an_addition(house):
    found = await world.build(house.sessions, 30)
    sale = await world.draft(house.sessions, found, 2)
    browser = await house.browser("noor@pavilion.example")
    address = f"/staff/sales/{sale}"
    first = (await browser.get(address, params={"q": "PV", "least": "1"})).text
    assert "1–24 of 28" in first and "at=24" in first
    second = (await browser.get(address, params={"q": "PV", "least": "1", "at": "24"})).text
    assert "25–28 of 28" in second
    added = await browser.post(
        f"{address}/stones", data={"stone": found.stones[2], "q": "PV", "least": "1.000", "at": "24"}
    )
    assert (added.status_code, added.headers["location"]) == (303, f"{address}?q=PV&least=1.000&at=24")
    beyond = (await browser.get(address, params={"q": "\x00PV", "at": "9999"})).text
    assert "25–27 of 27" in beyond


async def test_the_board_warns_once_the_numbers_do_not_follow_the_order(house):
    _, sale = await drafted(house)
    browser = await house.browser("noor@pavilion.example")
    lots = await world.order(house.sessions, sale)
    assert re.search(r"data-out-of-order[^>]* hidden", (await browser.get(f"/staff/sales/{sale}")).text)
    await browser.post(f"/staff/sales/{sale}/moves", data={"lot": lots[0], "to": "3"})
    moved = (await browser.get(f"/staff/sales/{sale}")).text
    assert "data-out-of-order>" in moved and "lots moved: 1" in moved


async def test_a_changed_draft_offers_to_propose_again_and_the_old_proposal_says_why_it_lapsed(house):
    _, sale = await drafted(house)
    browser = await house.browser("noor@pavilion.example")
    lots = await world.order(house.sessions, sale)
    await browser.post(f"/staff/sales/{sale}/publication")
    assert f'action="/staff/sales/{sale}/publication"' not in (await browser.get(f"/staff/sales/{sale}")).text
    await browser.post(f"/staff/sales/{sale}/moves", data={"lot": lots[0], "to": "3"})
    assert f'action="/staff/sales/{sale}/publication"' in (await browser.get(f"/staff/sales/{sale}")).text
    assert "Lapsed, the draft has changed" in (await browser.get("/staff/proposals")).text


async def test_a_curator_takes_the_own_proposal_back_on_the_page(house):
    _, sale = await drafted(house)
    browser = await house.browser("noor@pavilion.example")
    await browser.post(f"/staff/sales/{sale}/publication")
    take_back = re.search(r'action="(/staff/proposals/\w+/decline)"', (await browser.get("/staff/proposals")).text)
    assert (await browser.post(take_back[1])).status_code == 303
    assert "Taken back" in (await browser.get("/staff/proposals")).text


async def reader_speaks(house, email, lang):
    from pavilion.accounts.models import Person

    async with house.sessions.begin() as session:
        person = await session.scalar(select(Person).where(Person.email == email))
        person.lang = lang


async def test_curation_is_for_curators(house):
    _, sale = await drafted(house)
    await world.buyer(house.sessions)
    visitor, buyer = await house.browser(), await house.browser("wen1@lumen.example")
    registrar = await house.browser("rita@pavilion.example")
    for path in STAFF_PAGES[:3]:
        address = path.format(sale=sale)
        assert (await visitor.get(address)).status_code == 303
        assert (await buyer.get(address)).status_code == 403
        assert (await registrar.get(address)).status_code == 403
    acts = ("moves", "stones", "numbers", "removals", "undo", "publication", "unpublication", "deletion", "changes")
    for act in acts:
        lots = {"lot": UNKNOWN, "stone": UNKNOWN, "command": "1"}
        assert (await visitor.post(f"/staff/sales/{sale}/{act}", data=lots)).status_code == 401, act
        assert (await buyer.post(f"/staff/sales/{sale}/{act}", data=lots)).status_code == 403, act
    assert (await visitor.get("/staff/registrations")).status_code == 303
    assert (await (await house.browser("noor@pavilion.example")).get("/staff/registrations")).status_code == 403


async def test_a_sale_is_built_and_published_without_script(house):
    await world.build(house.sessions, 3)
    curator, lead = await house.browser("noor@pavilion.example"), await house.browser("oskar@pavilion.example")
    opened = await curator.get("/staff/sales")
    form = filled(opened.text, "/staff/sales") | {
        "title_en": "Spectral V", "title_zh": "光谱五", "text_en": "Text.", "text_zh": "文字。",
        "opens_at": "2026-03-02T14:00:00", "first_close_at": "2026-03-02T16:00:00", "premium": "500000 26\n* 20.5",
    }  # fmt: skip
    made = await curator.post("/staff/sales", data=form)
    assert made.status_code == 303
    board = made.headers["location"]
    assert (await curator.post("/staff/sales", data=form)).headers["location"] == board, "sent twice it is one sale"
    stones = re.findall(r'name="stone" value="([0-9A-Z]{26})"', (await curator.get(board)).text)
    assert len(stones) == 3
    assert (await curator.post(f"{board}/stones", data={"stone": stones})).status_code == 303
    lots = re.findall(r'name="lot" value="([0-9A-Z]{26})"', (await curator.get(board)).text)
    bulk = {"lot": lots, "act": "estimate", "first": "5,000", "second": "7,000"}
    preview = await curator.post(f"{board}/preview", data=bulk)
    assert preview.status_code == 200 and "3 of 3" in preview.text
    bulk["version"] = re.findall(r'name="version" value="([0-9A-Z]{26}:\d+)"', preview.text)
    assert (await curator.post(f"{board}/changes", data=bulk)).status_code == 303
    opening = {"lot": lots, "act": "opening", "first": "80", "second": ""}
    seen = (await curator.get(board)).text
    opening["version"] = re.findall(r'name="version" value="([0-9A-Z]{26}:\d+)"', seen)
    assert (await curator.post(f"{board}/changes", data=opening)).status_code == 303
    assert (await curator.post(f"{board}/moves", data={"step": f"{lots[2]}:first"})).status_code == 303
    assert (await curator.post(f"{board}/numbers", data={"start": "11", "step": "1"})).status_code == 303
    assert "Ready 3 of 3" in (await curator.get(board)).text
    assert (await curator.post(f"{board}/publication", data=KNOWN)).headers["location"] == "/staff/proposals"
    listed = (await lead.get("/staff/proposals")).text
    assert "Publish the sale Spectral V with 3 lots" in listed
    approval = re.search(r'action="(/staff/proposals/[0-9A-Z]{26}/approval)"', listed)[1]
    assert (await lead.post(approval)).status_code == 303
    sale = await house.first(select(Sale))
    assert sale.state == "published" and sale.rules["premium"]["bands"] == [[50_000_000, 2600], [None, 2050]]
    first = await house.first(select(Lot).order_by(Lot.number))
    assert (first.public_id, first.number, first.opening_minor, first.low_minor) == (lots[2], 11, 400_000, 500_000)
    assert (await curator.get(board)).status_code == 200
    assert "Spectral V" in (await (await house.browser()).get("/sales")).text
    making, public = (await curator.get("/staff/sales")).text.split('id="sales-public"')
    assert "Sales that are being built stand here" in making and "Spectral V" in public and "sales-ended" not in public


def filled(text, action):
    """The fields of the form with this address as a browser would send them untouched."""
    body = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', text, re.S)[1]
    inputs = [one for one in re.findall(r"<input[^>]*>", body) if 'type="radio"' not in one or " checked" in one]
    found = dict(re.findall(r'name="(\w+)"[^>]*value="([^"]*)"', "".join(inputs)))
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', body, re.S):
        chosen = re.search(r'<option(?: value="([^"]*)")? selected>([^<]*)', options)
        found[name] = (chosen[1] or chosen[2]) if chosen else re.search(r'<option value="([^"]*)"', options)[1]
    for name, held in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>(.*?)</textarea>', body, re.S):
        found[name] = held
    return found


async def test_a_draft_that_is_not_ready_says_why_and_cannot_be_proposed(house):
    _, sale = await drafted(house)
    curator = await house.browser("noor@pavilion.example")
    lot = (await world.order(house.sessions, sale))[0]
    form = filled((await curator.get(f"/staff/sales/{sale}/lots/{lot}")).text, f"/staff/sales/{sale}/lots/{lot}")
    answer = await curator.post(f"/staff/sales/{sale}/lots/{lot}", data=form | {"title_zh": ""})
    assert answer.status_code == 303
    board = (await curator.get(f"/staff/sales/{sale}")).text
    assert "Ready 3 of 4" in board and "Title missing: Chinese" in board
    refused = await curator.post(f"/staff/sales/{sale}/publication")
    assert refused.status_code == 409 and "Something still bars publication" in refused.text


async def test_a_lot_changed_meanwhile_shows_both_values_and_writes_nothing(house):
    _, sale = await drafted(house)
    curator = await house.browser("noor@pavilion.example")
    lot = (await world.order(house.sessions, sale))[0]
    address = f"/staff/sales/{sale}/lots/{lot}"
    form = filled((await curator.get(address)).text, address)
    assert (await curator.post(address, data=form | {"low": "5,500"})).status_code == 303
    stale = await curator.post(address, data=form | {"low": "6,000"})
    assert stale.status_code == 409 and "5,500" in stale.text and "6,000" in stale.text
    assert (await house.first(select(Lot).where(Lot.public_id == lot))).low_minor == 550_000


async def test_settings_changed_meanwhile_are_shown_and_not_overwritten(house):
    _, sale = await drafted(house)
    curator = await house.browser("noor@pavilion.example")
    address = f"/staff/sales/{sale}/settings"
    form = filled((await curator.get(address)).text, address)
    assert (await curator.post(address, data=form | {"title_en": "Spectral VI"})).status_code == 303
    stale = await curator.post(address, data=form | {"title_en": "Spectral VII"})
    assert stale.status_code == 409 and "Spectral VI<" in stale.text and "Spectral VII" in stale.text
    assert (await house.first(select(Sale))).title_en == "Spectral VI"


async def test_a_curator_without_the_right_neither_sees_nor_sets_a_reserve(house):
    _, sale = await drafted(house)
    lot = (await world.order(house.sessions, sale))[0]
    curator, keeper = await house.browser("noor@pavilion.example"), await house.browser("kees@pavilion.example")
    address = f"/staff/sales/{sale}/lots/{lot}"
    form = filled((await keeper.get(address)).text, address)
    assert (await keeper.post(address, data=form | {"reserve": "4,500"})).status_code == 303
    for path in (address, f"/staff/sales/{sale}"):
        assert "4,500" not in (await curator.get(path)).text
    form = filled((await curator.get(address)).text, address)
    assert "reserve" not in form
    assert (await curator.post(address, data=form | {"reserve": "1"})).status_code == 403
    row = await house.first(select(Lot).where(Lot.public_id == lot))
    async with house.sessions() as session:
        assert reserve_of(session, row) == 450_000
    assert "4,500" in (await keeper.get(address)).text


RUBBISH = [
    ("sorting", {}), ("sorting", {"by": "price"}), ("sorting", {"by": "weight", "lot": "x"}), ("sending", {}),
    ("sending", {"lot": UNKNOWN, "send": "up"}), ("sending", {"lot": UNKNOWN, "send": "heading", "heading": "9"}),
    ("headings", {}), ("headings", {"name_en": "x", "name_zh": ""}), ("headings/removals", {"heading": "x"}),
    ("headings", {"heading": "9" * 16, "name_en": "x", "name_zh": "x"}), ("words", {"words": "tag"}),
    ("words", {"lot": UNKNOWN, "words": "tag", "tag": "x"}), ("words/preview", {"lot": UNKNOWN, "words": "x"}),
    ("moves", {"to": "x"}), ("moves", {"lot": "x", "to": "1"}), ("moves", {"step": f"{UNKNOWN}:up"}),
    ("moves", {"step": "up"}), ("moves", {"lot": UNKNOWN, "to": "1"}), ("moves", {}), ("stones", {}),
    ("stones", {"stone": UNKNOWN}), ("stones", {"stone": "'; drop"}), ("numbers", {"start": "-1"}),
    ("numbers", {"start": "9" * 30}), ("removals", {"lot": UNKNOWN}), ("undo", {"command": "99"}),
    ("undo", {"command": "x"}), ("preview", {"act": "x"}), ("preview", {"act": "estimate", "lot": UNKNOWN}),
    ("preview", {"act": "opening", "lot": UNKNOWN, "first": "many"}), ("changes", {"act": "estimate"}),
    ("settings", {"title_en": ""}), ("settings", {"title_en": "x", "zone": "Nowhere/Land"}),
    ("settings", {"title_en": "x", "opens_at": "yesterday", "premium": "1 2 3"}), ("lots/x", {"version": "1"}),
    (f"lots/{UNKNOWN}", {"version": "1"}), ("publication", {"acknowledged": "x" * 50}), ("nothing", {}),
    ("settings", {"title_en": "x\x00y"}), ("lots/LOT", {"version": "1", "low": "-5"}),
    ("lots/LOT", {"version": "1", "title_en": "\x00"}), ("lots/LOT", {}), ("unpublication", {"reason": "x"}),
]  # fmt: skip


async def test_rubbish_is_answered_with_a_sentence_and_changes_nothing(house):
    _, sale = await drafted(house, 1)
    (lot,) = await world.order(house.sessions, sale)
    curator = await house.browser("noor@pavilion.example")
    before = (await curator.get(f"/staff/sales/{sale}/lots/{lot}")).text
    for act, data in RUBBISH:
        answer = await curator.post(f"/staff/sales/{sale}/{act.replace('LOT', lot)}", data=data)
        assert 400 <= answer.status_code < 500 and "<h1" in answer.text, (act, data)
        assert (await curator.get(f"/staff/sales/{UNKNOWN}/{act}")).status_code in (404, 405), act
    assert (await curator.get(f"/staff/sales/{sale}/lots/{lot}")).text == before


async def test_a_script_gets_the_new_order(house):
    _, sale = await drafted(house)
    curator = await house.browser("noor@pavilion.example")
    order = await world.order(house.sessions, sale)
    headers = {"accept": "application/json"}
    moved = await curator.post(f"/staff/sales/{sale}/moves", data={"lot": order[3], "to": "2"}, headers=headers)
    assert moved.json() == {"order": [order[0], order[3], order[1], order[2]], "headings": {}}


async def test_undo_on_the_board_takes_the_last_command_back(house):
    _, sale = await drafted(house)
    curator = await house.browser("noor@pavilion.example")
    before = await world.order(house.sessions, sale)
    await curator.post(f"/staff/sales/{sale}/removals", data={"lot": before[:2]})
    board = (await curator.get(f"/staff/sales/{sale}")).text
    command = re.search(r'name="command" value="(\d+)"', board)[1]
    assert (await curator.post(f"/staff/sales/{sale}/undo", data={"command": command})).status_code == 303
    assert await world.order(house.sessions, sale) == before


async def test_a_company_registers_and_gets_its_paddle(house):
    found = await world.build(house.sessions, 2)
    sale = await world.published(house.sessions, found)
    await world.buyer(house.sessions)
    buyer, registrar = await house.browser("wen1@lumen.example"), await house.browser("rita@pavilion.example")
    address = f"/sales/{sale}/registration"
    asked = (await buyer.get(address)).text
    assert "We accept the terms of sale" in asked
    assert "Read the terms of sale" in asked and terms().en[0] in asked and terms().sha256 in asked
    said = {"destination": "HK", "limit": "50,000", "note": "We bought in May.", "terms": terms().sha256}
    assert (await buyer.post(address, data=said | {"terms": ""})).status_code == 422
    assert (await buyer.post(address, data=said | {"limit": "lots"})).status_code == 422
    assert (await buyer.post(address, data=said | {"destination": ""})).status_code == 422
    assert (await buyer.post(address, data=said)).status_code == 303
    row = await house.first(select(Registration))
    queue = f"/staff/registrations/{row.public_id}"
    shown = (await registrar.get("/staff/registrations")).text
    assert "Lumen Trading 1" in shown and "We bought in May." in shown
    assert "none recorded" in shown and "no invoice paid yet" in shown and "lots may" in shown, "what is weighed"
    assert (await registrar.post(f"{queue}/question", data={"reason": ""})).status_code == 422
    assert (await registrar.post(f"{queue}/question", data={"reason": "Your bank?"})).status_code == 303
    assert "Your bank?" in (await buyer.get(address)).text
    assert (await registrar.post(f"{queue}/approval", data={"limit": "x"})).status_code == 422
    assert (await registrar.post(f"{queue}/approval", data={"limit": "50,000"})).status_code == 303
    row = await house.first(select(Registration))
    assert row.state == "approved" and row.limit_minor == 5_000_000
    assert row.paddle_text in (await buyer.get(address)).text
    assert row.paddle_text in (await buyer.get("/sales")).text
    assert (await registrar.post(f"{queue}/approval", data={"limit": "50,000"})).status_code == 409
    assert (await registrar.post(f"{queue}/suspension", data={"note": "Late payment"})).status_code == 422
    said = {"why": "payment", "note": "Late payment of May"}
    assert (await registrar.post(f"{queue}/suspension", data=said)).status_code == 303
    heard = (await buyer.get(address)).text
    assert "Late payment" not in heard and "A payment is not settled yet." in heard, "in general words"
    assert "Late payment of May" in (await registrar.get("/staff/registrations?state=suspended")).text
    assert (await registrar.post(f"{queue}/resumption")).status_code == 303
    assert (await registrar.post(f"{queue}/nonsense")).status_code == 404
    assert (await registrar.post(f"/staff/registrations/{UNKNOWN}/decline", data={"why": "other"})).status_code == 404


async def test_a_limit_above_a_million_goes_to_a_lead(house):
    found = await world.build(house.sessions, 2)
    sale = await world.published(house.sessions, found)
    row = await world.applied(house.sessions, sale, await world.buyer(house.sessions))
    registrar, lead = await house.browser("rita@pavilion.example"), await house.browser("oskar@pavilion.example")
    answer = await registrar.post(f"/staff/registrations/{row}/approval", data={"limit": "1,000,000.01"})
    assert answer.headers["location"] == "/staff/proposals"
    assert (await house.first(select(Registration))).state == "applied"
    listed = (await lead.get("/staff/proposals")).text
    approval = re.search(r'action="(/staff/proposals/[0-9A-Z]{26}/approval)"', listed)[1]
    assert "Lumen Trading 1" in listed and (await lead.post(approval)).status_code == 303
    approved = await house.first(select(Registration))
    assert (approved.state, approved.limit_minor) == ("approved", 100_000_001)
    assert SECOND_PERSON_ABOVE == 100_000_000


async def test_registration_is_for_buyers_of_a_published_sale(house):
    found, sale = await drafted(house)
    await world.buyer(house.sessions)
    buyer, visitor = await house.browser("wen1@lumen.example"), await house.browser()
    assert (await buyer.get(f"/sales/{sale}/registration")).status_code == 404  # a draft is nobody's business
    assert (await visitor.get(f"/sales/{sale}/registration")).status_code == 303
    await world.decide(house.sessions, await world.proposed(house.sessions, found, sale), found.lead)
    assert (await buyer.get(f"/sales/{sale}/registration")).status_code == 200
    curator = await house.browser("noor@pavilion.example")
    assert (await curator.get(f"/sales/{sale}/registration")).status_code == 403


async def test_the_list_of_sales_is_open_to_all_and_shows_no_draft(house):
    await drafted(house)
    answer = await (await house.browser()).get("/sales")
    assert answer.status_code == 200 and "Spectral" not in answer.text
    assert "No sale is running now." in answer.text


async def test_staff_roles_are_as_the_house_gave_them():
    from pavilion.accounts.rules import RIGHTS, Permission

    assert Permission.REGISTRATION_DECIDE not in RIGHTS[Role.CURATOR]
    assert Permission.LOT_CURATE not in RIGHTS[Role.REGISTRAR]
