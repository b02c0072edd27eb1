"""Bundles as the house hands them out, and the page and program by which anyone checks them."""

import html
import json
import re
from contextlib import asynccontextmanager

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import func, select

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.kernel.db import create_engine
from pavilion.kernel.events import Event
from pavilion.provenance import (
    bundle,
    bundling,
    countersigning,
    disclosure,
    hosted,
    issuing,
    log,
    log_queries,
    passport_queries,
    service,
    standing,
    verifying,
)
from pavilion.provenance.issuing import Issuer
from pavilion.provenance.passport_facts import PROCESSES
from pavilion.settings import Settings
from tests import make
from tests.make import NOON, PASSWORD
from tests.provenance import stones

HOME = "http://pavilion.test"
CATO = "cato@pavilion.example"
KEYS = {"passport_key": "11" * 32, "log_key": "22" * 32, "secret_key": "33" * 32}


@pytest.fixture
async def house(database_url, tmp_path):
    engine = create_engine(database_url)
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path, **KEYS)
    app = main.build_house(settings, engine, lambda: NOON)
    async with app.state.sessions.begin() as session:
        await make.person(session, CATO, [Role.COMPLIANCE])
    yield app
    await engine.dispose()


@pytest.fixture
async def issued(house, tmp_path):
    """A stone whose passport was issued a moment ago."""
    registry = stones.registry(tmp_path / "registry", (1, stones.chain(1)))
    claim = stones.claim(1)
    sessions, signer = house.state.sessions, house.state.log_signer
    async with sessions.begin() as session:
        (verdict,) = await service.confirm(session, claims=[claim], registry=registry, now=NOON, log=signer)
    assert verdict.verdict == "verified", verdict
    issuer = Issuer.of(house.state.settings)
    while await issuing.tick(sessions, issuer, NOON):
        pass
    return claim.stone


@pytest.fixture
async def stone(house, issued):
    """The same, under a checkpoint of the log."""
    async with house.state.sessions.begin() as session:
        await log.sign(session, house.state.log_signer, NOON)
    return issued


@asynccontextmanager
async def reader(house, email=None):
    transport = ASGITransport(house)
    async with AsyncClient(transport=transport, base_url=HOME, headers={"origin": HOME}) as browser:
        if email:
            assert (await browser.post("/sign-in", data={"email": email, "password": PASSWORD})).status_code == 303
        yield browser


def states(report):
    return {line.name: line.state for line in report.lines}


async def test_the_bundle_everyone_gets_verifies_alone_and_hides_what_is_not_for_everyone(house, stone):
    async with reader(house) as browser:
        answer = await browser.get(f"/passports/{stone}/bundle")
        again = await browser.get(f"/passports/{stone}/1/bundle")
    assert answer.status_code == 200 and answer.content == again.content
    assert answer.headers["content-disposition"] == f'attachment; filename="{stone}-1.zip"'
    report = verifying.verify(answer.content, offline=True, now=NOON)
    assert report.exit == 0, str(report)
    assert states(report)["VERDICT"] == "skip" and states(report)["TABLES"] == "ok"
    members = bundle.read(answer.content).members
    assert not any(name.startswith("inputs/") for name in members)
    text = b"".join(members.values())
    assert b'"kp":{' not in text and b'"sow":' not in text and b'"invoice":' not in text
    salts = [proof.count(b"\nextra ") for name, proof in members.items() if name.endswith(".tlog-proof")]
    assert 0 < sum(salts) < len(salts)


async def test_a_verdict_that_tells_more_than_the_passport_stays_out_of_the_open_bundle(house, stone, monkeypatch):
    monkeypatch.setattr(disclosure, "NOT_PUBLIC", frozenset({"ID-05"}))  # this stone's one finding
    async with reader(house) as browser:
        data = (await browser.get(f"/passports/{stone}/bundle")).content
    members = bundle.read(data).members
    assert "verdict.json" not in members and b"\nextra " not in members.get("proofs/verdict.tlog-proof", b"")
    report = verifying.verify(data, offline=True, now=NOON)
    assert (report.exit, states(report)["VERDICT"]) == (0, "skip"), str(report)
    async with house.state.sessions() as session:
        assert not await bundling.may_leave(session, await passport_queries.latest(session, stone))


async def test_the_full_bundle_is_for_holders_and_compliance_and_gives_the_verdict_again(house, stone):
    address = f"/passports/{stone}/bundle?view=full"
    async with reader(house) as browser:
        assert (await browser.get(address, headers={"accept": "application/json"})).status_code == 401
    async with reader(house, CATO) as browser:
        answer = await browser.get(address)
    report = verifying.verify(answer.content, offline=True, now=NOON)
    assert (report.exit, states(report)["VERDICT"]) == (0, "ok"), str(report)
    assert answer.headers["cache-control"] == "private, no-store"


async def test_a_program_gets_the_report_and_a_changed_byte_is_named(house, stone):
    async with reader(house) as browser:
        data = (await browser.get(f"/passports/{stone}/bundle")).content
        good = await browser.post("/verify", content=data, headers={"content-type": "application/zip"})
        at = data.index(b'"grade":"') + 9
        bad = await browser.post("/verify", content=data[:at] + b"A" + data[at + 1 :])
        rubbish = await browser.post("/verify", content=b"hello", headers={"accept": "application/json"})
    assert good.json()["exit"] == 0 and good.json()["verdict"].startswith("VALID, grade B")
    assert good.headers["cache-control"] == "no-store"
    assert bad.json()["verdict"].startswith("NOT VALID: ")
    assert (rubbish.status_code, rubbish.json()["code"]) == (422, "not_verifiable")
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME) as program:  # no browser, no origin
        assert (await program.post("/verify", content=data)).json()["exit"] == 0


async def test_without_scripts_the_form_answers_with_the_page_in_both_languages(house, stone):
    async with reader(house) as browser:
        data = (await browser.get(f"/passports/{stone}/bundle")).content
        files = {"file": ("p.zip", data, "application/zip")}
        english = await browser.post("/verify", files=files)
        chinese = await browser.post("/verify", files=files, headers={"accept-language": "zh"})
        empty = await browser.post("/verify", files={"file": ("", b"", "application/zip")})
        rubbish = await browser.post("/verify", files={"file": ("x", b"hello", "text/plain")})
    assert "VALID, grade B" in english.text and "All checks" not in english.text
    assert english.text.count('class="verify-line is-ok"') >= 12 and 'class="verify-line is-skip"' in english.text
    assert "所核验的各项均成立" in chinese.text
    told = re.findall(r"<br>(.*?)</span></li>", chinese.text)
    assert told and all(re.search(r"[\u4e00-\u9fff]", line) for line in told), told
    assert empty.status_code == rubbish.status_code == 422 and "not a passport" in rubbish.text


async def test_a_passport_alone_is_judged_with_what_the_house_says_of_it_or_not_at_all(house, stone):
    did = house.state.settings.house_did
    async with reader(house) as browser:
        bare = [(await browser.get(f"/passports/{stone}/1?as={form}")).content for form in ("json", "jwt", "pdf")]
        good = [(await browser.post("/verify", content=data)).json() for data in bare]
        files = {"file": ("p.json", bare[0], "application/json")}
        page = await browser.post("/verify", files=files, headers={"accept-language": "zh"})
        async with house.state.sessions.begin() as session:
            await standing.suspend(session, did, [stone], NOON)
        bad = [(await browser.post("/verify", content=data)).json()["verdict"] for data in bare]
        refused = await browser.post("/verify", files=files, headers={"accept-language": "zh"})
    assert [one["exit"] for one in good] == [0, 0, 0] and all(
        "witnesses not asked" not in one["verdict"] for one in good
    )
    assert "有效：B 级" in page.text and "取自本行自己的记录" in page.text and "VALID," not in page.text
    assert bad == ["NOT VALID: STATUS"] * 3
    assert "无效：STATUS（未撤销、未中止）" in refused.text.replace(" (", "（").replace(")", "）")
    assert "verify-verdict is-outbid" in refused.text


async def test_a_passport_the_log_does_not_have_yet_is_not_called_true(house, issued):
    async with reader(house) as browser:
        bare = (await browser.get(f"/passports/{issued}/1?as=json")).content
        report = (await browser.post("/verify", content=bare)).json()
        page = await browser.post("/verify", files={"file": ("p.json", bare, "application/json")})
    assert (report["exit"], report["verdict"]) == (2, "NOT DECIDED: STATUS")
    assert "verify-verdict is-quiet" in page.text and "verify-verdict is-leading" not in page.text


async def test_nothing_is_stored_too_much_is_refused_and_nobody_asks_without_end(house, stone):
    async with house.state.sessions() as session:
        before = await session.scalar(select(func.count(Event.id)))
    async with reader(house) as browser:
        large = await browser.post("/verify", content=b"x" * (8 * 1024 * 1024 + 1))
        codes = [(await browser.post("/verify", content=b"x")).status_code for _ in range(31)]
    assert large.status_code == 413 and codes[0] == 422 and codes[-1] == 429
    async with house.state.sessions() as session:
        assert await session.scalar(select(func.count(Event.id))) == before


async def test_the_bundle_of_a_revoked_passport_says_so(house, stone):
    did = house.state.settings.house_did
    async with house.state.sessions.begin() as session:
        await standing.revoke(session, did, stone=stone, reason="Test", by="x" * 26, now=NOON)
    async with reader(house) as browser:
        data = (await browser.get(f"/passports/{stone}/bundle")).content
        page = await browser.get("/verify")
    report = verifying.verify(data, offline=True, now=NOON)
    assert report.verdict == "NOT VALID: STATUS" and "it was revoked" in str(report)
    assert json.loads(html.unescape(re.search(r'data-did="([^"]*)"', page.text)[1]))["id"] == did


async def test_a_name_beside_ours_is_checked_with_the_key_of_its_own_did(house, stone):
    settings, sessions = house.state.settings, house.state.sessions
    seed = bytes.fromhex(settings.passport_key.get_secret_value())
    async with sessions.begin() as session:
        firm = await make.company(session)
        company_id = firm.id
        passport = await passport_queries.latest(session, stone)
        key = await hosted.of_company(session, company_id, did=settings.house_did, seed=seed, now=NOON)
        words = countersigning.Words("Lumen of Antwerp", {"en": "Chosen for you."})
        facts = {"company_id": company_id, "base": HOME, "by": "x" * 26, "now": NOON}
        await countersigning.countersign(session, passport=passport, words=words, logo=None, key=key, **facts)
    async with reader(house) as browser:
        data = (await browser.get(f"/passports/{stone}/1/bundle")).content
    report = verifying.verify(data, offline=True, now=NOON)
    assert (report.exit, states(report)["COUNTERSIGN"]) == (0, "ok"), str(report)
    assert "presented by Lumen of Antwerp" in str(report) and "over this version" in str(report)
    members = dict(bundle.read(data).members)
    (name,) = [name for name in members if name.startswith("countersignatures/")]
    members[name] = members[name].replace(b"Antwerp", b"Antwerq")
    changed = verifying.verify(bundle.written(members), offline=True, now=NOON)
    assert states(changed)["COUNTERSIGN"] == "FAIL"


async def test_there_is_no_bundle_before_the_log_has_the_passport(house, issued):
    async with reader(house) as browser:
        answer = await browser.get(f"/passports/{issued}/bundle", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (409, "passport_not_logged_yet")


async def test_what_is_no_stone_has_no_bundle(house):
    async with reader(house) as browser:
        for address in (
            "/passports/nothing/bundle",
            f"/passports/{'0' * 26}/bundle",
            f"/passports/{'0' * 26}/7/bundle",
        ):
            assert (await browser.get(address)).status_code == 404


async def test_in_the_words_of_epcis_everyone_is_told_what_the_passport_tells(house, stone):
    kinds = [event["t"] for event in stones.chain(1)]
    async with house.state.sessions() as session:
        places = await log_queries.indices(session, "event", [f"{stone}/{seq}" for seq in range(len(kinds))])
    query = {"MATCH_anyEPC": f"{HOME}/id/stone/{stone}", "perPage": 100}
    async with reader(house) as browser:
        answer = await browser.get("/epcis/events", params=query)
        asked = [f"/epcis/events/{kind}-{places[f'{stone}/{seq}']}" for seq, kind in enumerate(kinds)]
        alone = [(await browser.get(address)).status_code for address in asked]
    listed = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    assert len(listed) == alone.count(200) == sum(kind in PROCESSES for kind in kinds) < len(kinds)
    assert '"kp"' not in answer.text and '"invoice"' not in answer.text and "bizTransactionList" in answer.text
