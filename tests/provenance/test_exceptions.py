"""The queue of stones in doubt, as staff meet it in a browser."""

import re
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from httpx2 import ASGITransport, AsyncClient

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.kernel.db import create_engine
from pavilion.provenance import external, queries, service
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.file import Fault
from pavilion.settings import Settings
from tests import make
from tests.make import NOON, PASSWORD
from tests.provenance import stones

HOME = "http://pavilion.test"
LONG = "?after=" + "9" * 5000
WHY = "Seen the assessment of 2024 and of 2026; the year between is missing."


@pytest.fixture
def registry(tmp_path):
    stale, good = stones.chain(1), stones.chain(2)
    stones.event(stale, "SOLD")["sow_self_assessed"] = "2024-09-01"
    heavy = stones.chain(3)
    stones.event(heavy, "POLISHED")["loss"] = 760
    return stones.registry(tmp_path / "registry", (1, stale), (2, good), (3, heavy))


@pytest.fixture
async def house(sqlite_database_url, tmp_path, registry):
    engine = create_engine(sqlite_database_url)
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path)
    app = main.build_house(settings, engine, lambda: NOON)
    app.state.registries, app.state.log_signer = Registries.of(registry), stones.LOG
    yield app
    await engine.dispose()


@asynccontextmanager
async def signed_in(house, *roles, email="sana@pavilion.example"):
    async with house.state.sessions.begin() as session:
        await make.person(session, email, roles)
    transport = ASGITransport(house)
    async with AsyncClient(transport=transport, base_url=HOME, headers={"origin": HOME}) as browser:
        assert (await browser.post("/sign-in", data={"email": email, "password": PASSWORD})).status_code == 303
        yield browser


async def listed(house, registry, *claims):
    async with house.state.sessions.begin() as session:
        return await service.confirm(session, claims=claims, registry=registry, now=NOON, log=stones.LOG)


async def verdict_of(house, claim):
    async with house.state.sessions() as session:
        return await queries.verdict_of(session, claim.stone), await queries.is_exposed(session, claim.stone)


async def test_an_empty_queue_says_what_would_stand_there(house):
    async with signed_in(house, Role.CURATOR) as browser:
        answer = await browser.get("/staff/exceptions")
    assert answer.status_code == 200
    assert "There are none now." in answer.text


async def test_each_stone_stands_with_its_reasons_in_both_languages(house, registry):
    claim, heavy, good = stones.claim(1), stones.claim(3), stones.claim(2)
    await listed(house, registry, claim, heavy, good)
    async with signed_in(house, Role.CURATOR) as browser:
        english = (await browser.get("/staff/exceptions")).text
        chinese = (await browser.get("/staff/exceptions", headers={"cookie": "lang=zh"})).text
        assert "self-assessment is missing or too old" in english and "More mass came out" in english
        assert stones.report_no(2) not in english, "a verified stone is no exception"
        await browser.post("/language", data={"to": "zh", "back": "/"})
        chinese = (await browser.get("/staff/exceptions")).text
        assert "卖方的自我评估缺失或已过期" in chinese and "来源存疑" in chinese
        page = (await browser.get(f"/staff/exceptions/{heavy.stone}")).text
        assert "切磨后的总重超过切磨前的重量" in page and "投入" in page


async def test_the_queue_is_narrowed_by_verdict_and_rule(house, registry):
    claim, heavy = stones.claim(1), stones.claim(3)
    await listed(house, registry, claim, heavy)
    async with signed_in(house, Role.COMPLIANCE) as browser:
        for address, there, gone in (
            ("?verdict=review", 1, 3),
            ("?verdict=rejected", 3, 1),
            ("?code=WA-02", 1, 3),
            ("?code=MB-01&verdict=rejected", 3, 1),
        ):
            text = (await browser.get(f"/staff/exceptions{address}")).text
            assert stones.report_no(there) in text and stones.report_no(gone) not in text
        nothing = (await browser.get("/staff/exceptions?code=KP-01")).text
        assert "No stone stands here" in nothing
        for rubbish in ("?verdict=x&code=y&after=z", "?after=2026-01-01T00:00:00.000000Z_'", "?code=%00", LONG):
            assert (await browser.get(f"/staff/exceptions{rubbish}")).status_code == 200


async def test_a_stone_is_found_by_any_name_that_others_have_for_it(house, registry):
    good, heavy = stones.claim(2), stones.claim(3)
    await listed(house, registry, good, heavy)
    async with signed_in(house, Role.CURATOR) as browser:
        number = stones.report_no(2)
        for name in (number, f"gia{number}", f" GIA  {number}", stones.origin_id(2).lower(), good.stone.lower()):
            page = (await browser.get("/staff/exceptions", params={"name": name})).text
            assert f"/staff/exceptions/{good.stone}" in page and heavy.stone not in page
        for name in (number[:-1], "' or 1=1", "\0", "9" * 5000):
            answer = await browser.get("/staff/exceptions", params={"name": name})
            assert answer.status_code == 200 and good.stone not in answer.text
        page = (await browser.get(f"/staff/exceptions/{good.stone}")).text
        assert "Id at its producer" in page and f"GIA {number}" in page


async def test_names_follow_the_claim(sessions, registry):
    claim = stones.claim(2)
    expected = {
        ("producer", stones.origin_id(2)),
        ("gia_report", stones.report_no(2)),
        ("inscription", f"GIA {stones.report_no(2)}"),
    }
    for said, inscription in ((claim, None), (replace(claim, inscription="FOR M"), "FOR M")):
        async with sessions.begin() as session:
            await service.confirm(session, claims=[said], registry=registry, now=NOON, log=stones.LOG)
        async with sessions() as session:
            found = {(one.scheme, one.value) for one in await external.of_stone(session, claim.stone)}
        kept = {one for one in expected if inscription is None or one[0] != "inscription"}
        assert found == kept | ({("inscription", inscription)} if inscription else set())


async def test_the_stones_page_tells_the_way_and_every_rule(house, registry):
    claim = stones.claim(2)
    await listed(house, registry, claim)
    async with signed_in(house, Role.COMPLIANCE) as browser:
        text = (await browser.get(f"/staff/exceptions/{claim.stone}")).text
    assert "Mined in Botswana" in text and "Graded by GIA" in text and "simulated for demonstration" in text
    assert "1.700\u00a0ct gave 1.012\u00a0ct (59.5\u00a0%)." in text
    assert "Rules kept: 48" in text and "The line leads back to one mine" in text
    assert "Buyers see this stone." in text


async def test_compliance_accepts_with_a_reason_and_the_stone_is_seen(house, registry):
    claim = stones.claim(1)
    await listed(house, registry, claim)
    said = {"word": "accept", "codes": ["WA-02"], "reason": WHY}
    async with signed_in(house, Role.COMPLIANCE) as browser:
        short = await browser.post(f"/staff/exceptions/{claim.stone}/decision", data={**said, "reason": "ok"})
        assert short.status_code == 422 and "10 to 2,000 characters" in short.text
        answer = await browser.post(f"/staff/exceptions/{claim.stone}/decision", data=said)
        assert answer.status_code == 303
        page = (await browser.get(answer.headers["location"])).text
        assert "Your decision stands" in page and WHY in page and "<br>Sana</p>" in page
        again = await browser.post(f"/staff/exceptions/{claim.stone}/decision", data=said)
        assert again.status_code == 409
    row, exposed = await verdict_of(house, claim)
    assert (row.verdict, row.grade, exposed) == ("verified", "B", True)
    async with house.state.sessions() as session:
        (decision,) = await queries.decisions_of(session, claim.stone)
        history = await queries.history_of(session, claim.stone)
    assert (decision.accepted, decision.codes, decision.reason) == (True, ["WA-02"], WHY)
    assert [one.verdict for one in history] == ["verified", "review"]


async def test_a_decision_holds_for_its_inputs_and_lapses_with_them(house, registry, tmp_path):
    claim = stones.claim(1)
    await listed(house, registry, claim)
    async with signed_in(house, Role.COMPLIANCE) as browser:
        data = {"word": "accept", "codes": ["WA-02"], "reason": WHY}
        assert (await browser.post(f"/staff/exceptions/{claim.stone}/decision", data=data)).status_code == 303
        assert (await browser.post(f"/staff/exceptions/{claim.stone}/confirmation")).status_code == 303
    assert (await verdict_of(house, claim))[0].verdict == "verified"
    changed = stones.registry(tmp_path / "changed", (1, [*_stale(), _viewed()]))
    await listed(house, changed, claim)
    row, exposed = await verdict_of(house, claim)
    assert (row.verdict, exposed) == ("review", False)


async def test_a_refused_stone_is_rejected(house, registry):
    claim = stones.claim(1)
    await listed(house, registry, claim)
    async with signed_in(house, Role.COMPLIANCE) as browser:
        data = {"word": "refuse", "codes": ["WA-02"], "reason": WHY}
        assert (await browser.post(f"/staff/exceptions/{claim.stone}/decision", data=data)).status_code == 303
    row, exposed = await verdict_of(house, claim)
    assert (row.verdict, exposed) == ("rejected", False)


@pytest.mark.parametrize("role", [Role.CURATOR, Role.LEAD, Role.ADMIN, Role.BUYER, Role.AUDITOR])
async def test_no_other_role_decides(house, registry, role):
    claim = stones.claim(1)
    await listed(house, registry, claim)
    async with signed_in(house, role) as browser:
        data = {"word": "accept", "codes": ["WA-02"], "reason": WHY}
        assert (await browser.post(f"/staff/exceptions/{claim.stone}/decision", data=data)).status_code == 403
        assert (await browser.post(f"/staff/exceptions/{claim.stone}/confirmation")).status_code == 403
        looks = (await browser.get(f"/staff/exceptions/{claim.stone}")).status_code
        assert looks == (200 if role in (Role.CURATOR, Role.AUDITOR) else 403)
    assert (await verdict_of(house, claim))[0].verdict == "review"


async def test_a_visitor_is_asked_to_sign_in(house):
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME, headers={"origin": HOME}) as browser:
        assert (await browser.get("/staff/exceptions")).status_code == 303
        assert (await browser.post("/staff/exceptions/X/decision", data={"word": "accept"})).status_code == 401


async def test_who_brought_the_stone_in_does_not_decide_on_it(sessions, registry):
    async with sessions.begin() as session:
        actor = await make.actor(session, roles=(Role.COMPLIANCE,))
        claim = stones.claim(1, uploader=actor.public_id)
        await service.confirm(session, claims=[claim], registry=registry, now=NOON, log=stones.LOG)
        with pytest.raises(service.OwnUpload):
            await service.decide_review(
                session, stone=claim.stone, accept=True, codes=["WA-02"], reason=WHY, actor=actor, now=NOON
            )


async def test_nobodys_word_stands_in_for_a_silent_registry(sessions, registry):
    registry.fault = Fault.DOWN
    claim = stones.claim(1)
    async with sessions.begin() as session:
        actor = await make.actor(session, roles=(Role.COMPLIANCE,))
        await service.confirm(session, claims=[claim], registry=registry, now=NOON, log=stones.LOG)
        await service.confirm(session, claims=[claim], registry=registry, now=NOON.replace(day=4), log=stones.LOG)
        with pytest.raises(service.CannotAccept):
            await service.decide_review(
                session, stone=claim.stone, accept=True, codes=["RG-01"], reason=WHY, actor=actor, now=NOON
            )


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"word": "maybe", "codes": ["WA-02"], "reason": WHY},
        {"word": "accept", "codes": ["x" * 900], "reason": WHY},
        {"word": "accept", "codes": ["WA-02"], "reason": "x" * 9000},
        {"word": "accept", "codes": ["WA-02"], "reason": WHY, "more": "1"},
        {"word": "accept", "codes": ["WA-02"], "reason": "\x00" * 20},
    ],
)
async def test_rubbish_is_refused_and_changes_nothing(house, registry, said):
    claim = stones.claim(1)
    await listed(house, registry, claim)
    async with signed_in(house, Role.COMPLIANCE) as browser:
        answer = await browser.post(f"/staff/exceptions/{claim.stone}/decision", data=said)
        assert answer.status_code == 422
        missing = await browser.post("/staff/exceptions/nothing/decision", data={"word": "accept", "reason": WHY})
        assert missing.status_code == 404
        other = await browser.post(
            f"/staff/exceptions/{claim.stone}/decision", data={"word": "accept", "codes": ["GR-01"], "reason": WHY}
        )
        assert other.status_code == 409
    assert (await verdict_of(house, claim))[0].verdict == "review"


async def test_asking_again_without_the_registry_says_so(house, registry):
    claim = stones.claim(1)
    await listed(house, registry, claim)
    house.state.registries = Registries.of()
    async with signed_in(house, Role.COMPLIANCE) as browser:
        answer = await browser.post(f"/staff/exceptions/{claim.stone}/confirmation")
        assert answer.status_code == 409 and "not connected" in answer.text
        assert (await browser.post("/staff/exceptions/nothing/confirmation")).status_code == 404
        assert (await browser.get("/staff/exceptions/nothing")).status_code == 404


async def test_asking_again_takes_the_registrys_answer(house, registry):
    claim = stones.claim(2)
    registry.fault = Fault.DOWN
    await listed(house, registry, claim)
    registry.fault = None
    async with signed_in(house, Role.COMPLIANCE) as browser:
        answer = await browser.post(f"/staff/exceptions/{claim.stone}/confirmation")
        text = (await browser.get(answer.headers["location"])).text
    assert "The registry was asked again" in text and "Origin confirmed" in text
    assert re.search(r"no answer.*?out of order", text, re.DOTALL)


def _stale():
    events = stones.chain(1)
    stones.event(events, "SOLD")["sow_self_assessed"] = "2024-09-01"
    return events


def _viewed():
    return {"t": "STOLEN", "at": "2026-02-26", "by": "seller", "cc": "BE", "obj": "R-9"}
