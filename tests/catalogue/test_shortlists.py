"""What a company keeps in view is its own: no other company, no supplier and no one of the house reads it."""

import asyncio
import csv
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from pavilion import main
from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import Role
from pavilion.catalogue import service
from pavilion.catalogue import shortlist_reading as reading
from pavilion.catalogue.models import Stone
from pavilion.catalogue.share_models import StoneShare
from pavilion.catalogue.shortlist_models import ShortlistLine
from pavilion.kernel.db import create_engine
from pavilion.kernel.ids import ulid
from pavilion.settings import Settings
from tests import make
from tests.catalogue import stones
from tests.catalogue.test_stone_pages import HOME, alive, browsing, stock, warm  # noqa: F401 - fixtures
from tests.make import NOON

WEN, VERA, SARA, NOOR, ILSE = (
    "wen@lumen.example",
    "vera@lumen.example",
    "sara@supplier.example",
    "noor@pavilion.example",
    "ilse@vandael.example",
)
SECRET = "we go up to this, tell nobody 不要外传"
HX = {"HX-Request": "true"}


@pytest.fixture
async def house(database_url, tmp_path):
    engine = create_engine(database_url)
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path, data_key="07" * 32)
    app = main.build_web(settings, engine, lambda: app.state.now, alive)
    app.state.now = NOON
    yield app
    if hasattr(app.state, "stone_index"):
        await app.state.stone_index.close()
    await engine.dispose()


@pytest.fixture
async def rival(house, stock):  # noqa: F811
    async with house.state.sessions.begin() as session:
        firm = await make.company(session, name="Van Dael NV", country="BE")
        await make.person(session, ILSE, (Role.BUYER,), firm)
    return firm


async def collected(browser, *stock):  # noqa: F811
    """The address of the list on which these stones stand now."""
    answer = await browser.post("/shortlists/lines", data={"stone": [stone.public_id for stone in stock]})
    assert answer.status_code == 303
    return answer.headers["location"]


def line_of(page, n=0):
    return re.findall(r'<li id="l-([0-9A-Z]{26})"', page)[n]


async def test_a_company_talks_over_its_stones_and_nobody_else_hears_it(house, stock, rival):  # noqa: F811
    await warm(house)
    async with browsing(house, WEN) as wen, browsing(house, VERA) as vera:
        shown = (await wen.get("/stones")).text
        assert shown.count("data-star") == 10 and 'aria-pressed="true"' not in shown
        back = {"stone": stock[0].public_id, "back": "/stones?shape=round"}
        pressed = await wen.post("/shortlists/lines", data=back)
        assert pressed.headers["location"] == f"/stones?shape=round#s-{stock[0].public_id}"
        for _ in range(2):  # said twice, done once
            assert (await wen.post("/shortlists/lines", data={"stone": stock[1].public_id}, headers=HX)).is_success
        shown = (await wen.get("/stones")).text
        assert shown.count('aria-pressed="true"') == 2
        where = await collected(wen, stock[0])
        page = (await wen.get(where)).text
        called = re.search(r"<h1[^>]*>([^<]+)", page)[1]
        alone = (await wen.get(f"/stones/{stock[0].public_id}")).text
        for seen, stone in ((shown, "G VS2 round, 1.01"), (alone, "")):
            assert f'aria-label="On the list {called}: {stone}' in seen, "what a press does, and to which stone"
        assert "2 March 2026, 13:00 in Antwerp" in page and "UTC" not in page
        line = line_of(page, 1)
        words = {"verdict": "A", "maximum": "12,500", "currency": "USD", "shared_note": SECRET, "own_note": "mine only"}
        said = await wen.post(f"{where}/lines/{line}/words", data=words)
        assert said.headers["location"] == f"{where}#l-{line}"
        assert (await wen.post(f"{where}/lines/{line}/words", data=words | {"maximum": "lots"})).status_code == 422
        mine, theirs = (await wen.get(where)).text, (await vera.get(where)).text
        assert "mine only" in mine and "at most <" in mine and SECRET in mine
        assert SECRET in theirs and "mine only" not in theirs and "at most" not in theirs and "12,500" not in theirs
        rows = list(csv.DictReader(io.StringIO((await wen.get(f"{where}/lines.csv")).content.decode("utf-8-sig"))))
        assert [row["own_maximum"] for row in rows] == ["", "12500.00"] and rows[1]["verdicts"].startswith("A ")
        assert (await wen.get(f"{where}/lines.xlsx")).content[:2] == b"PK"
        assert (await wen.get(f"{where}?verdict=B")).text.count('<li id="l-') == 0
    paths = (where, f"{where}/version", f"{where}/lines.csv", f"{where}/lines.xlsx")
    acts = (
        where,
        f"{where}/removal",
        f"{where}/return",
        f"{where}/lines/{line}/removal",
        f"{where}/lines/{line}/words",
    )
    for email, status in ((ILSE, 404), (SARA, 404), (NOOR, 403)):
        async with browsing(house, email) as other:
            for path in paths:
                assert (await other.get(path)).status_code == status, path
            for path in acts:
                sent = {"name": "x"} if path == where else {"verdict": "C"} if path.endswith("words") else {}
                assert (await other.post(path, data=sent)).status_code == status, path
            told = "".join([(await other.get(path)).text for path in ("/shortlists", "/stones", "/staff", "/desk")])
            assert where not in told and SECRET not in told
    async with house.state.sessions() as session:
        for table in ("shortlist_words", "events"):
            kept = str((await session.execute(text(f"select * from {table}"))).all())
            assert "tell nobody" not in kept and "12500" not in kept and "1250000" not in kept
        assert stock[0].public_id not in str(
            (await session.execute(text("select * from events where name like 'shortlist%'"))).all()
        )


async def test_what_is_taken_off_comes_back_as_it_was(house, stock, rival):  # noqa: F811
    async with browsing(house, WEN) as wen:
        where = await collected(wen, stock[0], stock[1])
        line = line_of((await wen.get(where)).text)
        await wen.post(f"{where}/lines/{line}/words", data={"verdict": "B"})
        gone = await wen.post(f"{where}/lines/{line}/removal")
        assert gone.headers["location"] == f"{where}?removed={line}"
        page = (await wen.get(gone.headers["location"])).text
        assert f"/lines/{line}/return" in page and page.count('<li id="l-') == 1
        assert (await wen.post(f"{where}/lines/{line}/return")).status_code == 303
        assert (await wen.get(f"{where}?verdict=B")).text.count('<li id="l-') == 1
        assert "with the 2 stones on it and with the verdicts" in (await wen.get(where)).text
        told = (await wen.get((await wen.post(f"{where}/removal")).headers["location"])).text
        assert "is removed, with 2 stones and what was said of them." in told and f'action="{where}/return"' in told
        assert (await wen.get(where)).status_code == 404
        assert (await wen.post(f"{where}/return")).headers["location"] == where
        assert (await wen.get(where)).status_code == 200
        assert (await wen.post("/shortlists", data={"name": "Hong Kong"})).status_code == 303
        other = await collected(wen, stock[3])
        assert other != where, "what is put by goes to the list made last"
        assert (await wen.post("/shortlists/lines", data={"stone": stock[2].public_id})).status_code == 404, (
            "unconfirmed"
        )


async def test_what_is_pressed_with_nothing_ticked_is_told_on_the_list(house, stock, rival):  # noqa: F811
    async with browsing(house, WEN) as wen:
        where = await collected(wen, stock[0], stock[1])
        for path, words in (
            ("/shares/new", "Tick the stones to share, then press"),
            ("/stones/compare", "Tick up to six stones, then press"),
            ("/desk/memos/new", "Tick the stones to ask for, then press"),
        ):
            answer = await wen.get(path, params={"back": f"{where}?removed={'0' * 26}&sort=price"})
            assert answer.status_code == 303 and answer.headers["location"].startswith(f"{where}?sort=price&none=")
            told = (await wen.get(answer.headers["location"])).text
            assert f"Nothing is ticked. {words}" in told and 'role="alert" tabindex="-1" autofocus>' in told
            assert (await wen.get(path, params={"back": "//elsewhere.example/shortlists"})).status_code == 200
            ticked = {"ids": stock[0].public_id, "back": where}
            assert (await wen.get(path, params=ticked)).status_code == 200


async def test_a_line_says_what_changed_and_tells_nothing_of_a_stone_no_longer_shown(house, stock, rival):  # noqa: F811
    async with browsing(house, WEN) as wen:
        where = await collected(wen, stock[0], stock[1])
        async with house.state.sessions.begin() as session:
            rows = [stones.row(1, weight_mct=1001, price_per_carat_minor=400_000, price_total_minor=400_400)]
            await service.store_stones(session, rows, supplier_company_id=1, now=NOON)
            await stones.revoke(session, stock[1].public_id)
        page = (await wen.get(where)).text
        assert "when added" in page and "No longer offered" in page
        assert f"/stones/{stock[1].public_id}" not in page and stock[1].public_id not in page
        assert (await wen.get(f"{where}?state=changed")).text.count('<li id="l-') == 1
        assert (await wen.get(f"{where}?state=gone")).text.count('<li id="l-') == 1
        assert stock[1].public_id not in (await wen.get(f"{where}/lines.csv")).text
    async with house.state.sessions() as session:
        live = await session.scalars(select(ShortlistLine.exposed_id).order_by(ShortlistLine.id))
        assert set(live) == {stock[0].public_id, None}


async def test_the_database_lets_no_unconfirmed_stone_onto_a_list(house, stock, rival):  # noqa: F811
    async with browsing(house, WEN) as wen:
        await collected(wen, stock[0])
    async with house.state.sessions() as session:
        hidden = await session.scalar(select(Stone.id).where(Stone.public_id == stock[2].public_id))
        known = await session.scalar(select(ShortlistLine))
        facts = {"list_id": known.list_id, "added_by": known.added_by, "added_at": NOON, "snapshot": {}}
        for exposed in (None, stock[0].public_id):
            session.add(ShortlistLine(public_id=ulid(NOON), stone_id=hidden, exposed_id=exposed, **facts))
            with pytest.raises(DBAPIError, match="only an exposed stone"):
                await session.flush()
            await session.rollback()


async def test_the_house_learns_a_count_of_three_companies_and_never_of_two(house, stock, rival):  # noqa: F811
    lots = {"first": [stock[0].public_id], "second": [stock[1].public_id, stock[3].public_id]}
    async with house.state.sessions.begin() as session:
        third = await make.company(session, name="Third")
        await make.person(session, "tia@third.example", (Role.BUYER,), third)
    for email, chosen in ((WEN, (0, 1)), (ILSE, (0, 3))):
        async with browsing(house, email) as buyer:
            await collected(buyer, *(stock[n] for n in chosen))
    async with house.state.sessions() as session:
        assert await reading.companies_by_lot(session, lots) == {}
    async with browsing(house, "tia@third.example") as tia:
        await collected(tia, stock[0])
        async with house.state.sessions() as session:
            assert await reading.companies_by_lot(session, lots) == {"first": 3}
            assert await reading.companies_by_pair(session, lots, [("first", "second")]) == {}
        await collected(tia, stock[1])
    async with house.state.sessions() as session:
        assert await reading.companies_by_pair(session, lots, [("first", "second")]) == {("first", "second"): 3}


def once_of(page):
    return {"once": re.search(r'name="once" value="([\w-]{43})"', page)[1]}


async def shared(browser, *chosen, **said):
    sent = {"stones": ",".join(stone.public_id for stone in chosen)} | said
    answer = await browser.post("/shares", data=sent)
    return re.search(r"/shared/([\w-]{43})", answer.text)[1]


async def test_a_link_shows_chosen_stones_with_a_markup_until_it_is_ended(house, stock, rival):  # noqa: F811
    async with browsing(house, WEN) as wen, browsing(house) as anybody:
        form = await wen.get(f"/shares/new?ids={stock[0].public_id}&ids={stock[1].public_id}")
        assert form.text.count("GIA 2") == 2
        token = await shared(wen, stock[0], stock[1], prices="yes", markup="10", supplier="yes", note="For Mei")
        page = await anybody.get(f"/shared/{token}")
        assert page.headers["x-robots-tag"] == "noindex, nofollow" and 'name="robots"' in page.text
        assert "5,505.51" in page.text and "Supplier BV" not in page.text and "For Mei" not in page.text
        assert "5,005" not in page.text and stock[0].stock_no not in page.text
        await wen.get(f"/shared/{token}")
        own = (await wen.get("/shares")).text
        assert "1 time<" in own and "not signed in" in own and token not in own
        async with house.state.sessions.begin() as session:
            await stones.revoke(session, stock[0].public_id)
        left = (await anybody.get(f"/shared/{token}")).text
        assert left.count('class="lot-card"') == 1 and "GIA 2000000002" in left
        bare = await shared(wen, stock[1])
        assert "Price" not in (await anybody.get(f"/shared/{bare}")).text
        (ended,) = re.findall(r"/shares/([0-9A-Z]{26})/end", own)
        async with browsing(house, ILSE) as ilse:
            assert (await ilse.post(f"/shares/{ended}/end")).status_code == 404
            assert ended not in (await ilse.get("/shares")).text
        assert (await wen.post(f"/shares/{ended}/end")).status_code == 303
        assert (await anybody.get(f"/shared/{token}")).status_code == 410
        assert (await anybody.get(f"/shared/{token[:-1]}")).status_code == 404
        house.state.now = NOON + timedelta(hours=48)
        assert (await anybody.get(f"/shared/{bare}")).status_code == 410
    async with house.state.sessions() as session:
        assert token not in str((await session.execute(text("select * from stone_shares"))).all())


async def test_a_form_sent_twice_makes_one_list_and_one_link(house, stock, rival):  # noqa: F811
    async with browsing(house, WEN) as wen, browsing(house, ILSE) as ilse:
        named = once_of((await wen.get("/shortlists")).text) | {"name": "For Mei"}
        both = await asyncio.gather(*(wen.post("/shortlists", data=named) for _ in range(2)))
        assert both[0].headers["location"] == both[1].headers["location"]
        other = await wen.post("/shortlists", data=named | {"name": "For Wen"})  # gone back to, and named otherwise
        theirs = await ilse.post("/shortlists", data=named)
        assert len({both[0].headers["location"], other.headers["location"], theirs.headers["location"]}) == 3
        said = once_of((await wen.get(f"/shares/new?ids={stock[0].public_id}")).text) | {"note": "x"}
        first = await shared(wen, stock[0], **said)
        assert first == await shared(wen, stock[0], **said)
        async with house.state.sessions() as session:
            assert len((await session.scalars(select(StoneShare))).all()) == 1
        others = {await shared(wen, stock[0], **said | {"note": "y"}), await shared(wen, stock[0], note="x")}
        assert len(others | {first}) == 3 and first not in (await wen.get("/shares")).text


async def test_a_link_dies_with_the_right_of_who_made_it_and_only_the_house_names_suppliers(house, stock, rival):  # noqa: F811
    await warm(house)
    async with browsing(house, WEN) as wen, browsing(house, NOOR) as noor, browsing(house) as anybody:
        chosen = (await noor.get("/shares/new", params={"search": "/stones?ct_from=1.010"})).text
        assert re.search(r'name="stones" value="([^"]*)"', chosen)[1].count(",") == 2
        theirs, ours = (
            await shared(wen, stock[0]),
            await shared(noor, stock[0], supplier="yes", prices="yes", markup="5"),
        )
        assert "Supplier BV" in (await anybody.get(f"/shared/{ours}")).text
        assert (await wen.post("/shares", data={"stones": stock[0].public_id, "markup": "101"})).status_code == 422
        unshown = await wen.post("/shares", data={"stones": stock[0].public_id, "markup": "8"})
        assert unshown.status_code == 422 and "choose Show prices" in unshown.text, "nothing typed is left out unsaid"
        assert (await wen.post("/shares", data={"stones": stock[2].public_id})).status_code == 422
        async with house.state.sessions.begin() as session:
            firm = select(Person.company_id).where(Person.email == WEN)
            await session.execute(update(Company).where(Company.id.in_(firm)).values(state="suspended"))
        assert (await anybody.get(f"/shared/{theirs}")).status_code == 410
        assert (await anybody.get(f"/shared/{ours}")).status_code == 200
        assert (await wen.post("/shares", data={"stones": stock[0].public_id})).status_code == 403


def test_a_note_opens_at_its_place_and_under_its_company_alone():
    from cryptography.exceptions import InvalidTag

    from pavilion.kernel.seals import AmountSeal

    house = AmountSeal(bytes(32))
    ours, theirs = house.of_company("a"), house.of_company("b")
    note = "字" * 2000
    sealed = ours.close(note, "here")
    assert ours.open(sealed, "here") == note and len(ours.close("", "x")) == len(ours.close("y" * 200, "x"))
    for seal, place in ((theirs, "here"), (ours, "there")):
        with pytest.raises(InvalidTag):
            seal.open(sealed, place)
