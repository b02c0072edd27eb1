"""The trust table as compliance staff meet it: two persons change it, one alone can stop a row for a day."""

import re

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.auctions.reached import lots_with
from pavilion.kernel.db import create_engine
from pavilion.kernel.events import Event
from pavilion.provenance import log_queries, service, trust_table
from pavilion.provenance.outcome_models import PartyName
from pavilion.provenance.trust_reach import reach
from pavilion.settings import Settings
from tests import make
from tests.make import NOON
from tests.provenance import stones
from tests.provenance.visiting import HOME, signed_in

CATO, IMRE = "cato@pavilion.example", "imre@pavilion.example"
ROW = {"issuer": "kgale", "types": ["MINED", "SORTED"], "start": "2020-01-01", "reason": "Licence seen on paper."}
KEY = {"issuer": "kgale", "number": "1", "public": "AB" * 32, "start": "2020-01-01", "reason": "Read out by telephone."}


@pytest.fixture
async def house(database_url, tmp_path):
    engine = create_engine(database_url)
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path)
    app = main.build_house(settings, engine, lambda: NOON)
    async with app.state.sessions.begin() as session:
        for email in (CATO, IMRE):
            await make.person(session, email, [Role.COMPLIANCE])
        await make.person(session, "audra@pavilion.example", [Role.AUDITOR])
    yield app
    await engine.dispose()


async def in_force(house):
    async with house.state.sessions() as session:
        return await trust_table.in_force(session, NOON)


async def approve(house, email):
    async with signed_in(house, email) as browser:
        shown = (await browser.get("/staff/proposals")).text
        return await browser.post(re.findall(r'action="(/staff/proposals/[^"]+/approval)"', shown)[0])


async def trusted(house):
    async with signed_in(house, CATO) as browser:
        assert (await browser.post("/staff/trust/rows", data=ROW)).status_code == 303
        assert (await browser.post("/staff/trust/keys", data=KEY)).status_code == 303
    assert [(await approve(house, IMRE)).status_code for _ in range(2)] == [303, 303]


async def test_a_row_and_a_key_count_once_a_second_person_has_agreed_and_stand_in_the_log(house):
    async with signed_in(house, CATO) as browser:
        assert (await browser.post("/staff/trust/rows", data=ROW)).status_code == 303
        own = (await browser.get("/staff/proposals")).text
    assert "Trust kgale: Mined, Sorted" in own and "/approval" not in own
    assert not list((await in_force(house)).trust.rows("kgale", "MINED", NOON.date()))
    assert (await approve(house, IMRE)).status_code == 303
    async with signed_in(house, CATO) as browser:
        await browser.post("/staff/trust/keys", data=KEY)
    await approve(house, IMRE)
    trust, keys = await in_force(house)
    assert list(trust.rows("kgale", "MINED", NOON.date())) and not list(trust.rows("kgale", "CUT", NOON.date()))
    assert keys.find("kgale#1").public == bytes.fromhex("ab" * 32)
    async with house.state.sessions() as session:
        assert (await log_queries.entry(session, 0))[0].startswith(b'{"commit":')
        assert await log_queries.indices(session, "trust", ["kgale#1"]) == {"kgale#1": 1}
        changes = (await session.scalars(select(Event).where(Event.name == "trust:changed").order_by(Event.id))).all()
        assert [event.facts["act"] for event in changes] == ["add", "add"]


async def test_one_person_stops_a_row_for_a_day_and_two_remove_it(house):
    await trusted(house)
    async with signed_in(house, CATO) as browser:
        page = (await browser.get("/staff/trust")).text
        row = re.search(r'/staff/trust/rows/[^/"]+', page)[0]
        removal = f"{row}/removal"
        before = (await browser.get(row)).text
        assert "Stones in the catalogue: 0. Lots published or running: 0." in before and removal in before
        why = {"reason": "Its licence was taken away."}
        stopped = await browser.post(removal.replace("removal", "stop"), data=why)
        assert stopped.headers["location"] == f"{row}?done=stopped"
        assert "Lots published or running: 0." in (await browser.get(f"{row}?done=stopped")).text
        assert "until" in (await browser.get("/staff/trust")).text
        assert not list((await in_force(house)).trust.rows("kgale", "MINED", NOON.date()))
        await browser.post(removal, data=why)
    await approve(house, IMRE)
    async with signed_in(house, CATO) as browser:
        assert "removed" in (await browser.get("/staff/trust")).text
        assert (await browser.post(removal, data=why)).status_code == 409


async def test_a_key_is_revoked_from_a_day_on_and_never_twice(house):
    await trusted(house)
    for expected in (303, 409):
        async with signed_in(house, CATO) as browser:
            said = {"day": "2026-03-01", "reason": "The card with it was stolen."}
            assert (await browser.post("/staff/trust/keys/kgale/1/revocation", data=said)).status_code == 303
        assert (await approve(house, IMRE)).status_code == expected
    assert (await in_force(house)).keys.find("kgale#1").revoked.isoformat() == "2026-03-01"


@pytest.mark.parametrize(
    ("path", "said", "wrong"),
    [
        ("rows", {**ROW, "issuer": "Kgale Mining"}, "Use small letters"),
        ("rows", {**ROW, "types": []}, "Choose at least one kind"),
        ("rows", {**ROW, "types": ["EATEN"]}, "Choose at least one kind"),
        ("rows", {**ROW, "start": "yesterday"}, "Enter a day"),
        ("rows", {**ROW, "end": "2019-12-31"}, "cannot be before"),
        ("rows", {**ROW, "reason": "because"}, "Between 10"),
        ("keys", {**KEY, "public": "AB" * 31}, "64 hex digits"),
        ("keys", {**KEY, "number": "0"}, "A whole number"),
    ],
)
async def test_what_cannot_be_a_row_comes_back_with_its_sentence_and_with_what_was_typed(house, path, said, wrong):
    async with signed_in(house, CATO) as browser:
        answer = await browser.post(f"/staff/trust/{path}", data=said)
        assert answer.status_code == 422
        assert wrong in answer.text and said["reason"] in answer.text


async def test_the_page_speaks_chinese_too(house):
    await trusted(house)
    async with signed_in(house, CATO) as browser:
        await browser.post("/language", data={"to": "zh", "back": "/staff/trust"})
        page = (await browser.get("/staff/trust")).text
    assert "受信任方" in page and "变更" in page and "Who is trusted" not in page


async def test_an_auditor_looks_and_changes_nothing_and_a_stranger_sees_nothing(house):
    await trusted(house)
    async with signed_in(house, "audra@pavilion.example") as browser:
        page = await browser.get("/staff/trust")
        assert page.status_code == 200 and "kgale" in page.text and "Change" not in page.text
        assert (await browser.post("/staff/trust/rows", data=ROW)).status_code == 403
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME) as stranger:
        assert (await stranger.get("/staff/trust")).status_code in (303, 401)


async def test_the_law_page_says_each_code_in_words_and_labels_its_cells_for_a_phone(house):
    async with signed_in(house, CATO) as browser:
        page = (await browser.get("/staff/law")).text
    assert "SN-01: The origin is closed at this destination." in page
    assert "SN-03: A document that the destination asks for is missing." in page
    assert 'class="table is-stacked"' in page and 'data-label="Source"' in page


async def test_a_mistaken_stop_is_ended_by_two_persons_and_the_row_stands_where_it_stood(house):
    await trusted(house)
    before = (await in_force(house)).trust.sha256
    why = {"reason": "It was the other party of that name."}
    async with signed_in(house, CATO) as browser:
        row = re.search(r'/staff/trust/rows/[^/"]+', (await browser.get("/staff/trust")).text)[0]
        assert (await browser.post(f"{row}/resumption", data=why)).status_code == 409, "nothing is stopped"
        assert (await browser.post(f"{row}/stop", data=why)).status_code == 303
        assert "Propose to end the stop" in (await browser.get(row)).text
        assert (await browser.post(f"{row}/resumption", data=why)).status_code == 303
    assert (await in_force(house)).trust.sha256 != before, "one person alone does not end it"
    agreed = await approve(house, IMRE)
    assert agreed.headers["location"] == "/staff/proposals?done=approval"
    assert (await in_force(house)).trust.sha256 == before
    async with signed_in(house, IMRE) as browser:
        shown = (await browser.get("/staff/proposals?done=approval")).text
        assert "Approved. It has taken effect." in shown
        assert "Trust kgale: Mined, Sorted again, before its stop ends" in shown
        assert "stones in the catalogue: 0" in shown
        assert "resumed" in (await browser.get(row)).text
        await browser.post("/language", data={"to": "zh", "back": "/"})
        assert "已批准，现已生效。" in (await browser.get("/staff/proposals?done=approval")).text
        assert (await browser.post(f"{row}/stop", data=why)).status_code == 303, "it can be stopped anew"
    assert (await in_force(house)).trust.sha256 != before


async def test_a_row_says_how_many_stones_of_the_catalogue_have_events_signed_under_it(sessions, tmp_path):
    registry = stones.registry(tmp_path / "registry", (1, stones.chain(1)))
    async with sessions.begin() as session:
        await service.confirm(session, claims=[stones.claim(1)], registry=registry, now=NOON, log=stones.LOG)
    async with sessions() as session:
        asked = [("kp-bw", ["KP_EXPORT"]), ("kp-bw", ["MINED"]), ("prod", ["KP_EXPORT"]), ("prod", ["*"]), ("x", ["*"])]
        found = [(await reach(session, party, kinds, lots_with)).stones for party, kinds in asked]
    assert found == [1, 0, 0, 1, 0]


async def test_a_party_that_the_house_knows_is_called_by_its_name(house):
    async with house.state.sessions.begin() as session:
        firm = await make.company(session, "Kgale Rough", "BW")
        session.add(PartyName(party="kgale", company_id=firm.id, at=NOON))
    await trusted(house)
    async with signed_in(house, CATO) as browser:
        assert "Kgale Rough (kgale)" in (await browser.get("/staff/trust")).text
        assert "Trust Kgale Rough (kgale): Mined, Sorted" in (await browser.get("/staff/proposals")).text
