"""A marker in everything that is hidden, then every door that a stranger can open: the marker comes out of none.

And a tag in every name that somebody else may write: no page runs it.
"""

import io
import re
import zipfile
from contextlib import AsyncExitStack
from html.parser import HTMLParser

import pytest
from httpx2 import ASGITransport, AsyncClient
from pypdf import PdfReader
from sqlalchemy import func, select

from pavilion.accounts import queries as people
from pavilion.accounts.rules import Role
from pavilion.provenance import service
from pavilion.provenance.log_models import LogEntry
from pavilion.provenance.models import VerdictRecord
from tests import make
from tests.make import NOON, PASSWORD, SECOND
from tests.provenance import stones
from tests.provenance.test_break_rights import address, routes
from tests.provenance.visiting import HOME, a_house, held, ticked

HIDDEN = {
    "value of a certificate": "77001234",
    "exporter": "zq-exporter",
    "certificate": "BW770056",
    "contract": "ZQ-CONTRACT-1",
    "invoice": "ZQ-INVOICE-2",
    "buyer": "zq-buyer",
    "cutter": "Zqcutter Peeters",
    "plant": "Zqplant Works",
    "coordinates": "-21.7007",
    "why it was accepted": "Zqreason of the officer",
    "note of a link": "Zqnote for the bank",
}
FORMS = (
    "text/html",
    "application/vc",
    "application/vc+jwt",
    "application/dc+sd-jwt",
    "application/json",
    "application/pdf",
)


def marked_chain():
    events = stones.chain(1)
    mined, export = stones.event(events, "MINED"), stones.event(events, "KP_EXPORT")
    mined["geo"] = {"lat": HIDDEN["coordinates"], "lon": "25.4"}
    export["kp"] |= {"usd": int(HIDDEN["value of a certificate"]), "no": HIDDEN["certificate"]}
    stones.event(events, "KP_IMPORT")["kp_no"] = HIDDEN["certificate"]
    stones.event(events, "SOLD_ROUGH")["contract"] = HIDDEN["contract"]
    made, sold = stones.event(events, "POLISHED"), stones.event(events, "SOLD")
    made["cutter"], made["plant"] = {"name": HIDDEN["cutter"], "years": 27}, HIDDEN["plant"]
    sold |= {"invoice": HIDDEN["invoice"], "sow_self_assessed": "2024-09-01", "to": HIDDEN["buyer"]}
    return events


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    async with a_house(sqlite_database_url, tmp_path, data_key="22" * 32) as app:
        signer, claim = app.state.log_signer, stones.claim(1)
        registry = stones.registry(tmp_path / "registry", (1, marked_chain()))
        async with app.state.sessions.begin() as session:
            (told,) = await service.confirm(session, claims=[claim], registry=registry, now=NOON, log=signer)
            assert told.verdict == "review", told.codes
            officer = await make.person(session, "cato@pavilion.example", (Role.COMPLIANCE,))
            actor = people.as_actor(await people.person_with_rights(session, officer.id))
            await service.decide_review(
                session, stone=claim.stone, accept=True, codes=["WA-02"], reason=HIDDEN["why it was accepted"] * 3,
                actor=actor, now=NOON, log=signer,
            )  # fmt: skip
        await ticked(app, NOON + SECOND)
        await held(app, claim.stone)
        newest = select(VerdictRecord.sha256).order_by(VerdictRecord.id.desc()).limit(1)
        async with app.state.sessions() as session:
            app.state.verdict = await session.scalar(newest)
        app.state.stone = claim.stone
        yield app


async def signed_in(house, stack, role, firm):
    client = await stack.enter_async_context(
        AsyncClient(transport=ASGITransport(house), base_url=HOME, headers={"origin": HOME})
    )
    if role is not None:
        email = f"{role}@{firm.public_id.lower()}.example"
        async with house.state.sessions.begin() as session:
            await make.person(session, email, (role,), firm)
        assert (await client.post("/sign-in", data={"email": email, "password": PASSWORD})).status_code == 303
    return client


def spoken(body):
    """What a reader of this body can see: members of an archive, text and attachments of a paper."""
    yield body
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for name in archive.namelist():
                yield from spoken(archive.read(name))
    if body[:5] == b"%PDF-":
        paper = PdfReader(io.BytesIO(body))
        yield "".join(page.extract_text() for page in paper.pages).encode()
        for attached in paper.attachment_list:
            yield from spoken(attached.content)


def leaked(answer):
    heads = " ".join(answer.headers.values()).encode()
    return [
        name
        for name, marker in HIDDEN.items()
        if any(marker.encode() in part for part in (heads, *spoken(answer.content)))
    ]


async def test_what_is_hidden_comes_out_of_no_door_that_a_stranger_opens(house, caplog):
    """A visitor, a viewer, a buyer, a supplier and a producer of other firms; each door in each form."""
    async with house.state.sessions.begin() as session:
        stranger = await make.company(session, "Far Away Gems")
        size = await session.scalar(select(func.count()).select_from(LogEntry))
    async with AsyncExitStack() as stack:
        wen = await signed_in(house, stack, Role.SUPPLIER, house.state.firm)
        share = f"/passports/{house.state.stone}/share"
        said = {"claims": ["cutter_years"], "days": "7", "uses": "9", "note": HIDDEN["note of a link"]}
        made = await wen.post(share, data=said)
        assert HIDDEN["cutter"] in made.text and HIDDEN["coordinates"] in made.text, "its holder does see it"
        (link,) = re.findall(rf"{HOME}(/shared/[\w-]+)", made.text)
        crowd = [
            await signed_in(house, stack, role, stranger)
            for role in (None, Role.VIEWER, Role.BUYER, Role.SUPPLIER, Role.PRODUCER)
        ]
        doors = [address(house, route) for route in routes() if route.startswith("GET")]
        more = [f"/log/entries/{n}{tail}" for n in range(1, size) for tail in ("", "/proof")]
        more += [f"/log/tile/{tile}" for tile in (f"0/000.p/{size}", f"entries/000.p/{size}")]
        more += [link, f"/stones/{house.state.stone}", "/stones", f"/api/v1/stones/{house.state.stone}"]
        more += [f"/epcis/events?MATCH_anyEPC={HOME}/id/stone/{house.state.stone}&perPage=100"]
        for client in crowd:
            for door in (*doors, *(more if client in (crowd[0], crowd[-1]) else ())):
                answer = await client.get(door)
                assert leaked(answer) == [], (door, answer.status_code)
            assert leaked(await client.post(link)) == []
        for form in FORMS:
            answer = await crowd[0].get(f"/passports/{house.state.stone}", headers={"accept": form})
            assert leaked(answer) == [], form
    assert not [name for name, marker in HIDDEN.items() if marker in caplog.text], "nor does a log tell it"


TAG = "<img src=x onerror=alert(1)>"
NASTY = f"\"'></script>{TAG}"


class Elements(HTMLParser):
    """The elements of a page that can run something."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if any(name.startswith("on") for name, _ in attrs) or dict(attrs).get("src") == "x":
            self.found.append((tag, attrs))


def runs(text):
    page = Elements()
    page.feed(text)
    return page.found


def test_a_page_that_runs_a_name_is_seen():
    assert runs(f"<p>{TAG}</p>") and not runs("<p>&lt;img src=x onerror=alert(1)&gt;</p>")


async def test_a_tag_in_a_name_a_note_or_a_reason_is_text_on_every_page(house):
    stone = house.state.stone
    async with house.state.sessions.begin() as session:
        (await session.merge(house.state.firm)).name = f"Lumen {NASTY}"
    async with AsyncExitStack() as stack:
        wen = await signed_in(house, stack, Role.SUPPLIER, house.state.firm)
        cato = await signed_in(house, stack, Role.COMPLIANCE, house.state.firm)
        visitor = await signed_in(house, stack, None, None)
        told = []
        note = {"claims": ["cutter_years"], "days": "7", "uses": "9", "note": NASTY}
        made = await wen.post(f"/passports/{stone}/share", data=note)
        (link,) = re.findall(rf"{HOME}(/shared/[\w-]+)", made.text)
        signed = await wen.post(
            f"/passports/{stone}/countersignatures",
            data={"display_name": f"Lumen {TAG}"},
            files={"logo": ("", b"")},
        )
        told += [made, signed]
        row = {"issuer": "kgale", "types": ["MINED"], "start": "2020-01-01", "reason": f"Seen. {NASTY}"}
        told.append(await cato.post("/staff/trust/rows", data=row))
        for client in (wen, cato, visitor):
            for route in routes():
                if route.startswith("GET"):
                    told.append(await client.get(address(house, route)))
            told += [await client.get(link), await client.post(link), await client.get("/staff/proposals")]
    html = [one for one in told if one.headers.get("content-type", "").startswith("text/html")]
    assert len(html) > 30 and any("onerror" in one.text for one in html), "the names are shown somewhere"
    for one in html:
        assert runs(one.text) == [], one.url
    for one in told:
        if "json" in one.headers.get("content-type", ""):
            assert one.headers.get("x-content-type-options") == "nosniff", one.url
