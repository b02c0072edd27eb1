"""Passports and what belongs to them, as browsers and programs meet them."""

import hashlib
import json
import re
from datetime import timedelta

import pytest
from httpx2 import ASGITransport, AsyncClient

from pavilion.accounts.rules import Role
from pavilion.kernel.canon import canonical
from pavilion.provenance import did, issuing, passport_queries, proofs, references, sdjwt, status
from pavilion.provenance.passport_showing import Portrait
from pavilion.provenance.proofs import Signer
from pavilion.provenance.rules import RULESET
from pavilion.provenance.tables import shipped
from tests import make
from tests.make import NOON
from tests.provenance import issued
from tests.provenance.visiting import HOME, a_house, held, newcomer, ticked

WHY = "Issued on a report that was withdrawn."


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    async with a_house(sqlite_database_url, tmp_path) as made:
        yield made


@pytest.fixture
async def browser(house):
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME, headers={"origin": HOME}) as client:
        yield client


async def with_passport(house, events=None):
    async with house.state.sessions.begin() as session:
        claim = await issued.keep(session, issued.claim(), events)
    await ticked(house)
    return claim


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("application/vc", "application/vc"),
        ("application/json", "application/vc"),
        ("application/vc+jwt", "application/vc+jwt"),
        ("application/vc+jwt;q=0.5, application/vc", "application/vc"),
        ("application/vc;q=0, application/vc+jwt;q=0.1", "application/vc+jwt"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("", "text/html; charset=utf-8"),
        ("q=x;;;,,", "text/html; charset=utf-8"),
        ("application/pdf", "application/pdf"),
    ],
)
async def test_one_address_answers_in_the_form_that_is_asked_for(house, browser, accept, media):
    claim = await with_passport(house)
    answer = await browser.get(f"/passports/{claim.stone}", headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, media)
    assert "Accept" in answer.headers["vary"]


async def test_the_signed_forms_are_the_bytes_that_were_signed_and_have_strong_tags(house, browser):
    claim = await with_passport(house)
    address = f"/passports/{claim.stone}/1"
    document = await browser.get(f"{address}?as=json")
    jwt = await browser.get(f"{address}?as=jwt")
    public = house.state.issuer.signer.public
    assert proofs.verify_di(document.json(), public).document == proofs.verify_jwt(jwt.text, public).document
    assert document.headers["etag"] == f'"{hashlib.sha256(document.content).hexdigest()}"'
    assert document.headers["etag"] != jwt.headers["etag"]
    again = await browser.get(f"{address}?as=json", headers={"if-none-match": document.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "immutable" in document.headers["cache-control"]


async def test_the_status_the_keys_and_the_proof_fit_the_passport(house, browser):
    claim = await with_passport(house)
    passport = (await browser.get(f"/passports/{claim.stone}?as=json")).json()
    keys = did.keys_in((await browser.get("/.well-known/did.json")).content, "did:web:pavilion.test")
    kid = passport["proof"]["verificationMethod"]
    proofs.verify_di(passport, keys[kid].public)
    assert did.is_good(keys[kid], passport["proof"]["created"])
    for entry in passport["credentialStatus"]:
        path = entry["statusListCredential"].removeprefix(HOME)
        listed = (await browser.get(path, headers={"accept": "application/vc"})).json()
        proofs.verify_di(listed, keys[kid].public)
        assert not status.marked_in(listed, entry)
        jwt = await browser.get(f"{path}?as=jwt")
        assert proofs.verify_jwt(jwt.text, keys[kid].public).document == proofs.unproved(listed)
    text = (await browser.get(f"/passports/{claim.stone}/proof")).text
    assert text.startswith("c2sp.org/tlog-proof@v1")
    assert (await browser.get("/status/9")).status_code == 404
    assert (await browser.get("/status/0")).status_code == 404


async def test_a_proof_is_given_only_once_the_log_covers_the_passport(house, browser):
    async with house.state.sessions.begin() as session:
        claim = await issued.keep(session, issued.claim())
    await issuing.tick(house.state.sessions, house.state.issuer, NOON)
    answer = await browser.get(f"/passports/{claim.stone}/proof", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (404, "proof_not_yet")


async def test_contexts_rules_and_tables_are_fetched_by_name_and_hash(browser):
    context = await browser.get("/contexts/stone/v1")
    assert "@vocab" not in context.json()["@context"] and "immutable" in context.headers["cache-control"]
    rules = (await browser.get(f"/rules/{RULESET}")).json()
    assert "ID-01" in rules["codes"] and (await browser.get("/rules/none")).status_code == 404
    for name, sha256 in shipped().sha256.items():
        found = await browser.get(f"/tables/{name}/{sha256}")
        assert hashlib.sha256(found.content).hexdigest() == sha256
    for path in (f"/tables/law/{'0' * 64}", "/tables/law/x", "/tables/../etc/passwd", f"/tables/none/{'0' * 64}"):
        assert (await browser.get(path)).status_code == 404


def _body(page):
    return re.search(r"<article class=\"passport\">.*</main>", page.text, re.DOTALL)[0]


async def test_everything_about_a_stone_is_found_from_its_own_address(house, browser):
    claim = await with_passport(house)
    people = await browser.get(f"/id/stone/{claim.stone}")
    same = await browser.get(f"/passports/{claim.stone}")
    assert people.status_code == 200 and "Accept" in people.headers["vary"]
    assert _body(people) == _body(same), "the same page, but for its own address"
    signed = await browser.get(f"/id/stone/{claim.stone}", headers={"accept": "application/vc"})
    assert signed.json() == (await browser.get(f"/passports/{claim.stone}?as=json")).json()
    for links in (
        await browser.get(f"/id/stone/{claim.stone}?linkType=linkset"),
        await browser.get(f"/id/stone/{claim.stone}", headers={"accept": "application/linkset+json"}),
    ):
        (linkset,) = links.json()["linkset"]
        assert linkset["anchor"] == f"{HOME}/id/stone/{claim.stone}"
        assert sorted(name.rpartition("/")[2] for name in linkset if name != "anchor") == ["dcc", "dpp", "dte"]
    gs1 = await browser.get(f"/01/09520123456788/21/{claim.stone}")
    assert gs1.headers["location"] == f"/id/stone/{claim.stone}"
    api = (await browser.get(f"/api/v1/stones/{claim.stone}/passport")).json()
    assert (api["n"], api["state"], [one["n"] for one in api["versions"]]) == (1, "current", [1])


async def test_stones_without_a_passport_and_hidden_ones_are_nothing_to_strangers(house, browser):
    async with house.state.sessions.begin() as session:
        claim = await issued.keep(session, issued.claim(), verdict="pending")
    await ticked(house)
    for path in ("", "/1", "/proof", "/share", "/countersignatures", f"/logos/{'0' * 64}"):
        answer = await browser.get(f"/passports/{claim.stone}{path}", headers={"accept": "application/json"})
        assert answer.status_code in (401, 404), path
    for stone in ("x", "0" * 26):
        assert (await browser.get(f"/passports/{stone}")).status_code == 404


async def test_a_passport_once_public_stays_readable_and_says_how_it_stands(house, browser):
    claim = await with_passport(house)
    async with house.state.sessions.begin() as session:
        await issued.judge(session, claim, verdict="rejected")
    await ticked(house)
    assert (await browser.get(f"/passports/{claim.stone}")).status_code == 200
    assert (await browser.get(f"/api/v1/stones/{claim.stone}/passport")).json()["state"] == "suspended"
    passport = (await browser.get(f"/passports/{claim.stone}?as=json")).json()
    revoked, suspended = passport["credentialStatus"]
    assert status.marked_in((await browser.get("/status/2?as=json")).json(), suspended)
    assert not status.marked_in((await browser.get("/status/1?as=json")).json(), revoked)


async def test_a_person_of_compliance_revokes_with_a_reason_and_nobody_else_can(house, browser):
    claim = await with_passport(house)
    revocation = f"/staff/passports/{claim.stone}/revocation"
    assert (await browser.post(revocation, data={"reason": WHY})).status_code == 401
    async with newcomer(house, Role.CURATOR, email="noor@pavilion.example") as curator:
        assert (await curator.post(revocation, data={"reason": WHY})).status_code == 403
    async with newcomer(house, Role.COMPLIANCE, email="sana@pavilion.example") as sana:
        assert (await sana.post(revocation, data={"reason": "short"})).status_code == 422
        assert "Revoke the passport" in (await sana.get(f"/staff/exceptions/{claim.stone}")).text
        assert (await sana.post(revocation, data={"reason": WHY})).status_code == 303
        assert WHY in (await sana.get(f"/staff/exceptions/{claim.stone}")).text
        assert (await sana.post(revocation, data={"reason": WHY})).status_code == 409
    assert (await browser.get(f"/api/v1/stones/{claim.stone}/passport")).json()["state"] == "revoked"


def private_chain():
    events = issued.chain()
    issued.event_of(events, "MINED")["geo"] = {"lat": "-21.3", "lon": "25.4"}
    made = issued.event_of(events, "POLISHED")
    made["cutter"], made["plant"] = {"name": "A. Peeters", "years": 27}, "Scheldt Diamond Works, Antwerp"
    return events


async def test_a_holder_shows_what_it_chooses_and_sees_who_looked(house, browser):
    claim = await with_passport(house, private_chain())
    firm = await held(house, claim.stone)
    share = f"/passports/{claim.stone}/share"
    assert (await browser.get(share)).status_code == 303  # to the sign-in page
    async with newcomer(house, Role.SUPPLIER, email="wen@lumen.example", firm=firm) as wen:
        page = (await wen.get(share)).text
        assert "A. Peeters" in page and "-21.3" in page
        said = {"claims": ["cutter_name", "cutter_years"], "days": "7", "uses": "2", "note": "for the bank"}
        made = await wen.post(share, data=said)
        (link,) = re.findall(rf"{HOME}(/shared/[\w-]+)", made.text)
        assert link not in (await wen.get(share)).text  # told once
        looked = (await browser.get(link)).text
        assert "Peeters" not in looked
        opened = await browser.post(link)
        assert "A. Peeters" in opened.text and "-21.3" not in opened.text and "27 years" in opened.text
        text = re.search(r"<textarea[^>]*>([^<]+)</textarea>", opened.text)[1]
        shown = sdjwt.verify(text.strip(), house.state.issuer.signer.public, now=NOON, audience=f"{HOME}/shared")
        assert shown.disclosed == {"cutter_name", "cutter_years"} and shown.claims["verdict"] == "VERIFIED"
        assert "not signed in" in (await wen.get(share)).text
        assert (await wen.post(link)).status_code == 200
        assert "Wen, Lumen Trading" in (await wen.get(share)).text
        assert (await browser.post(link)).status_code == 410 and (await browser.get(link)).status_code == 410
        private = await wen.get(f"/passports/{claim.stone}", headers={"accept": "application/dc+sd-jwt"})
        assert "mine_coordinates" in sdjwt.names_in(private.text)
        for wrong in ({"claims": ["price"]}, {"days": "0"}, {"uses": "1000"}, {"note": "x" * 200}):
            assert (await wen.post(share, data={**said, **wrong})).status_code == 422
        again = await wen.post(share, data=said)
        (link,) = re.findall(rf"{HOME}(/shared/[\w-]+)", again.text)
        (ending,) = re.findall(rf'action="({share}/\w+/end)"', again.text)
        assert (await wen.post(ending)).status_code == 303
        assert (await browser.get(link)).status_code == 410
    stranger = await browser.get(f"/passports/{claim.stone}", headers={"accept": "application/dc+sd-jwt"})
    assert stranger.status_code == 404
    assert (await browser.get("/shared/none")).status_code == 404


async def test_a_holder_presents_a_stone_under_its_name_and_may_withdraw_it(house, browser):
    claim = await with_passport(house)
    firm = await held(house, claim.stone)
    address = f"/passports/{claim.stone}/countersignatures"
    async with newcomer(house, Role.SUPPLIER, email="wen@lumen.example", firm=firm) as wen:
        assert "Name shown" in (await wen.get(address)).text
        said = {"display_name": "Lumen Jewels", "message_en": "For Mei.", "message_zh": "送给梅", "jewel_kind": "ring"}
        svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z" fill="#141414"/></svg>'
        assert (await wen.post(address, data=said, files={"logo": ("l.svg", svg, "image/svg+xml")})).status_code == 303
        await ticked(house)
        second = (await browser.get(f"/passports/{claim.stone}?as=json")).json()
        assert second["id"].endswith("/2")
        (presented,) = second["credentialSubject"]["stone:presented"]
        assert (presented["displayName"], presented["version"]) == ("Lumen Jewels", 1)
        page = (await browser.get(f"/passports/{claim.stone}")).text
        assert "Lumen Jewels" in page and "For Mei." in page
        (mark,) = re.findall(r'src="(/passports/\w+/logos/\w+)"', page)
        logo = await browser.get(mark)
        assert logo.headers["content-type"] == "image/svg+xml" and "sandbox" in logo.headers["content-security-policy"]
        async with house.state.sessions() as session:
            (row,) = await passport_queries.countersignatures(session, claim.stone)
            first = await passport_queries.version(session, claim.stone, 1)
        credential = (await browser.get(f"{address}/{row.public_id}")).json()
        assert presented["digest"] == f"sha256:{hashlib.sha256(canonical(credential)).hexdigest()}"
        assert credential["credentialSubject"]["over"] == first.sha256
        slug = credential["issuer"].rpartition(":")[2]
        keys = did.keys_in((await browser.get(f"/did/{slug}/did.json")).content, credential["issuer"])
        proofs.verify_di(credential, keys[proofs.method_of(credential)].public)
        assert (await wen.post(f"{address}/{row.public_id}/withdrawal")).status_code == 303
        assert (await browser.get(f"{address}/{row.public_id}")).status_code == 404
        await ticked(house)
        third = (await browser.get(f"/passports/{claim.stone}?as=json")).json()
        assert third["id"].endswith("/3") and "stone:presented" not in third["credentialSubject"]


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"display_name": ""}, "display_name"),
        ({"display_name": "x" * 81}, "display_name"),
        ({"message_en": "x" * 281}, "message_en"),
        ({"message_en": "Better than any lab grown diamond"}, "message_en"),
        ({"message_zh": "远胜人造钻石"}, "message_zh"),
        ({"message_en": "A true VVS1, D colour"}, "message_en"),
        ({"message_zh": "3克拉美钻"}, "message_zh"),
        ({"jewel_kind": "tiara of lies"}, "jewel_kind"),
    ],
)
async def test_a_presenter_states_no_facts_and_keeps_to_the_words_of_the_house(house, said, fault):
    claim = await with_passport(house)
    firm = await held(house, claim.stone)
    async with newcomer(house, Role.SUPPLIER, email="wen@lumen.example", firm=firm) as wen:
        answer = await wen.post(f"/passports/{claim.stone}/countersignatures", data={"display_name": "Lumen", **said})
        assert answer.status_code == 422
        assert re.search(rf'name="{fault}"[^>]*aria-invalid="true"', answer.text)


async def test_only_the_holder_presents_and_only_what_stands(house, browser):
    claim = await with_passport(house)
    address, said = f"/passports/{claim.stone}/countersignatures", {"display_name": "Lumen Jewels"}
    firm = await held(house, claim.stone)
    async with house.state.sessions.begin() as session:
        other = await make.company(session, "Vandael")
    async with newcomer(house, Role.BUYER, email="ilse@vandael.example", firm=other) as ilse:
        assert (await ilse.post(address, data=said)).status_code == 404
        assert (await ilse.get(f"/passports/{claim.stone}/share")).status_code == 404
    async with house.state.sessions.begin() as session:
        await issued.judge(session, claim, verdict="review")
    await ticked(house)
    async with newcomer(house, Role.SUPPLIER, email="wen@lumen.example", firm=firm) as wen:
        assert (await wen.post(address, data=said)).status_code == 409


async def test_a_credential_signed_elsewhere_stands_if_its_key_and_its_stone_are_right(house):
    from tests.provenance.test_did import Host

    claim = await with_passport(house)
    firm = await held(house, claim.stone)
    async with house.state.sessions() as session:
        passport = await passport_queries.latest(session, claim.stone)
    async with Host() as host:
        issuer = f"did:web:127.0.0.1%3A{host.port}"
        signer = Signer(f"{issuer}#1", b"\7" * 32)
        host.body = did.served([did.Key(signer.kid, signer.public)], issuer)
        credential = {
            "@context": ["https://www.w3.org/ns/credentials/v2", f"{HOME}/contexts/stone/v1"],
            "id": "urn:uuid:0f6f4c5e-8d62-4ad5-a18c-4b5f0f1b0a11",
            "type": ["VerifiableCredential", "StoneCountersignature"],
            "issuer": issuer,
            "validFrom": "2026-03-02T12:00:00Z",
            "credentialSubject": {
                "id": f"{HOME}/id/stone/{claim.stone}", "over": passport.sha256, "displayName": "Maison",
                "message": {"en": "Set in Paris."}, "date": "2026-03-02",
            },
        }  # fmt: skip
        address = f"/passports/{claim.stone}/countersignatures"
        good = proofs.sign_di(credential, signer, "2026-03-02T12:00:00Z")
        subject, at = credential["credentialSubject"], "2026-03-02T12:00:00Z"
        dearer, other = {**subject, "price": 1}, {**subject, "over": "0" * 64}
        beyond = [*credential["@context"], "https://x.example/"]
        wrong = [
            proofs.sign_di(credential, Signer(signer.kid, b"\6" * 32), "2026-03-02T12:00:00Z"),
            proofs.sign_di(credential, signer, "2027-03-02T12:00:00Z"),
            proofs.sign_di({**credential, "credentialSubject": other}, signer, at),
            proofs.sign_di({**credential, "credentialSubject": dearer}, signer, at),
            proofs.sign_di({**credential, "@context": beyond}, signer, at),
            {**good, "issuer": "did:web:elsewhere.example"},
            {**good, "issuer": "did:key:z6Mk"},
            {},
        ]  # fmt: skip
        async with newcomer(house, Role.SUPPLIER, email="wen@lumen.example", firm=firm) as wen:
            headers = {"content-type": "application/vc", "accept": "application/json"}
            for one in wrong:
                answer = await wen.post(address, content=json.dumps(one), headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (422, "bad_countersignature")
            made = await wen.post(address, content=json.dumps(good), headers=headers)
            assert made.status_code == 201
            kept = await wen.get(made.headers["location"])
            assert kept.json() == good
        await house.state.did_resolver.outbound.close()


async def test_conformance_suites_issue_and_verify_in_the_test_profile_only(house, browser):
    await with_passport(house)
    credential = {"@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiableCredential"], "id": "urn:x"}
    made = (await browser.post("/credentials/issue", json={"credential": credential})).json()
    answer = await browser.post("/credentials/verify", json=made)
    assert answer.json()["verified"] is True
    made["verifiableCredential"]["id"] = "urn:y"
    assert (await browser.post("/credentials/verify", json=made)).json()["checks"] == ["PROOF-DI"]
    assert (await browser.post("/credentials/issue", content=b'{"credential":{},"credential":{}}')).status_code == 422
    house.state.settings = house.state.settings.model_copy(update={"environment": "demo"})
    assert (await browser.post("/credentials/issue", json={"credential": credential})).status_code == 404


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_the_holders_pages_stand_in_both_languages(house, lang):
    claim = await with_passport(house, private_chain())
    firm = await held(house, claim.stone)
    async with newcomer(house, Role.SUPPLIER, email="wen@lumen.example", firm=firm) as wen:
        await wen.post("/language", data={"to": lang, "back": "/"})
        share = (await wen.get(f"/passports/{claim.stone}/share")).text
        name = (await wen.get(f"/passports/{claim.stone}/countersignatures")).text
        assert ("原石重量" in share and "显示名称" in name) is (lang == "zh")
        assert "<script" not in share.partition("<main")[2] and "style=" not in share + name


@pytest.mark.parametrize(("lang", "title"), [("en", "A round of Botswana"), ("zh", "博茨瓦纳圆钻")])
async def test_the_holders_pages_call_the_stone_as_its_passport_does(house, browser, lang, title):
    async def portrait(_session, _stone, asked):
        return Portrait({"en": "A round of Botswana", "zh": "博茨瓦纳圆钻"}[asked], None, "round", (), False, None)

    house.state.portraits = portrait
    claim = await with_passport(house, private_chain())
    firm = await held(house, claim.stone)
    async with newcomer(house, Role.SUPPLIER, email="wen@lumen.example", firm=firm) as wen:
        await wen.post("/language", data={"to": lang, "back": "/"})
        said = {"claims": ["cutter_years"], "days": "7", "uses": "2", "note": ""}
        made = await wen.post(f"/passports/{claim.stone}/share", data=said)
        (link,) = re.findall(rf"{HOME}(/shared/[\w-]+)", made.text)
        share, names = f"/passports/{claim.stone}/share", f"/passports/{claim.stone}/countersignatures"
        pages = [(await wen.get(address)).text for address in (share, names, link)]
        pages.append((await wen.post(link)).text)
    assert all(title in one and "Natural diamond," not in one for one in pages)


REPORT = {"kind": "diamond-origin-report", "issuer": "GIA", "number": "6123456789", "day": "2026-02-20"}
CERTIFICATE = {
    "kind": "sustainability-certificate", "issuer": "Example Scheme", "number": "SD-000123", "valid_to": "2027-03-31",
}  # fmt: skip


async def test_papers_of_others_stand_in_the_passport_as_their_issuers_word(house, browser):
    claim = await with_passport(house)
    firm = await held(house, claim.stone)
    address = f"/passports/{claim.stone}/references"
    async with newcomer(house, Role.SUPPLIER, email="wen@lumen.example", firm=firm) as wen:
        for said in ({**REPORT, "stated_country": "BW"}, CERTIFICATE):
            assert (await wen.post(address, data=said)).status_code == 303
        page = (await wen.get(address)).text
        assert "Example Scheme" in page and "Botswana" in page
        for wrong in (
            {**REPORT, "stated_country": ""},
            {**REPORT, "stated_country": "BW", "day": "2026-02-30"},
            {**CERTIFICATE, "valid_to": ""},
            {**CERTIFICATE, "issuer": ""},
            {**CERTIFICATE, "number": "<b>"},
            {**CERTIFICATE, "kind": "else"},
        ):
            assert (await wen.post(address, data=wrong)).status_code == 422
        await ticked(house)
        second = (await browser.get(f"/passports/{claim.stone}?as=json")).json()
        grading, report, certificate = second["credentialSubject"]["stone:reports"]
        assert (grading["kind"], report["statedCountry"], report["kind"]) == ("grading", "BW", "diamond-origin-report")
        assert (certificate["issuer"], certificate["validTo"]) == ("Example Scheme", "2027-03-31")
        assert report["digest"].startswith("sha256:") and "scheme" not in certificate
        (first, _) = re.findall(rf'action="({address}/\w+/withdrawal)"', (await wen.get(address)).text)
        assert (await wen.post(first)).status_code == 303
        await ticked(house)
        third = (await browser.get(f"/passports/{claim.stone}?as=json")).json()
        assert [one["kind"] for one in third["credentialSubject"]["stone:reports"]] == [
            "grading",
            "sustainability-certificate",
        ]
        note = "Certificate SD-000123 ended on 31 March 2027"
        assert note not in (await wen.get(f"/passports/{claim.stone}")).text
        await references.end_due(house.state.sessions, NOON + timedelta(days=400))
        assert note in (await wen.get(f"/passports/{claim.stone}")).text
        assert "ended 31 March 2027" in (await wen.get(address)).text
        assert note not in (await browser.get(f"/passports/{claim.stone}")).text, "its holder's affair"
    async with newcomer(house, Role.BUYER, email="ilse@vandael.example") as ilse:
        assert (await ilse.get(address)).status_code == 404
