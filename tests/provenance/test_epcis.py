"""Events as EPCIS 2.0: what is read, what is refused with a pointer to the fault, and what comes back."""

import copy
import json
from datetime import timedelta
from pathlib import Path

import pytest
from httpx2 import ASGITransport, AsyncClient

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.kernel.canon import read_json
from pavilion.kernel.db import create_engine
from pavilion.provenance import epcis, log_queries, trust_table
from pavilion.provenance.epcis import FORMS, Ids
from pavilion.provenance.epcis_reading import BadEpcis, read_document
from pavilion.provenance.facts import KINDS
from pavilion.provenance.issuers import SimulatedIssuers
from pavilion.provenance.registries.port import plain_bytes
from pavilion.settings import Settings
from tests import make
from tests.make import NOON
from tests.provenance import stones
from tests.provenance.visiting import HOME, signed_in

PUBLIC = Path(__file__).parents[1] / "data" / "conformance" / "openepcis" / "JSON" / "Capture"
DOCUMENTS = sorted(PUBLIC.glob("*/*.json"))
# Its fifth event is an association that names a parent and nothing associated with it; we refuse it.
WITHOUT_CHILDREN = "Combination_of_different_event.json"
IDS = Ids(HOME)
ISSUERS = SimulatedIssuers(b"a seed for tests")


def test_the_public_documents_are_all_here():
    assert len(DOCUMENTS) == 43


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_public_document_is_read_but_the_one_that_does_not_fit_the_schema(path):
    if path.name == WITHOUT_CHILDREN:
        with pytest.raises(BadEpcis, match="/epcisBody/eventList/4"):
            read_document(path.read_bytes())
    else:
        assert read_document(path.read_bytes())


def test_every_kind_of_event_has_its_form_in_the_standard():
    assert FORMS.keys() == KINDS


def signed_chain(number=1):
    return [ISSUERS.sign(event) for event in stones.chain(number)]


@pytest.mark.parametrize("event", signed_chain(), ids=lambda event: event["t"])
def test_an_event_told_in_epcis_comes_back_as_it_was_signed(event):
    text = json.dumps(epcis.document([epcis.told(event, IDS)], IDS, NOON)).encode()
    assert [back for _, back in epcis.captured(read_json(text), IDS)] == [event]


def a_document(*events):
    return json.loads(json.dumps(epcis.document([epcis.told(event, IDS) for event in events], IDS, NOON)))


def changed(path, value):
    document = a_document(signed_chain()[0])
    inner, *outer = path[::-1]
    place = document
    for step in outer[::-1]:
        place = place[step]
    if value is None:
        del place[inner]
    else:
        place[inner] = value
    return document


FIRST = ("epcisBody", "eventList", 0)
TWISTED = [
    (("type",), "EPCISMasterDataDocument", "/type"),
    (("schemaVersion",), "1.2", "/schemaVersion"),
    (("creationDate",), "yesterday", "/creationDate"),
    (("more",), 1, "/more"),
    (("epcisBody", "eventList"), [], "/epcisBody/eventList"),
    ((*FIRST, "type"), "PlainEvent", "/epcisBody/eventList/0/type"),
    ((*FIRST, "eventTime"), None, "/epcisBody/eventList/0/eventTime"),
    ((*FIRST, "eventTime"), "2026-02-30T00:00:00Z", "/epcisBody/eventList/0/eventTime"),
    ((*FIRST, "eventTime"), "2026-01-13T00:00:00Z", "/epcisBody/eventList/0/eventTime"),
    ((*FIRST, "eventTimeZoneOffset"), "01:00", "/epcisBody/eventList/0/eventTimeZoneOffset"),
    ((*FIRST, "action"), "CHANGE", "/epcisBody/eventList/0/action"),
    ((*FIRST, "bizStep"), "digging", "/epcisBody/eventList/0/bizStep"),
    ((*FIRST, "bizStep"), "receiving", "/epcisBody/eventList/0/bizStep"),
    ((*FIRST, "epcList"), None, "/epcisBody/eventList/0"),
    ((*FIRST, "epcList"), [f"{HOME}/id/stone/another"], "/epcisBody/eventList/0/epcList"),
    ((*FIRST, "epcList"), ["not an address"], "/epcisBody/eventList/0/epcList/0"),
    ((*FIRST, "colour"), "G", "/epcisBody/eventList/0/colour"),
    ((*FIRST, "stone:colour"), "G", "/epcisBody/eventList/0/stone:colour"),
    ((*FIRST, "stone:event"), None, "/epcisBody/eventList/0/stone:event"),
    ((*FIRST, "stone:event"), {"t": "EATEN", "at": "2026-01-01"}, "/epcisBody/eventList/0/stone:event"),
    ((*FIRST, "stone:event"), {"t": "MINED"}, "/epcisBody/eventList/0/stone:event"),
    ((*FIRST, "stone:event", "out"), {"R": -1}, "/epcisBody/eventList/0/stone:event"),
    ((*FIRST, "stone:event", "cc"), "ZA", "/epcisBody/eventList/0/readPoint"),
    ((*FIRST, "disposition"), None, "/epcisBody/eventList/0/disposition"),
]


@pytest.mark.parametrize(("path", "value", "pointer"), TWISTED)
def test_whatever_does_not_fit_is_refused_with_a_pointer_to_it(path, value, pointer):
    with pytest.raises(BadEpcis) as fault:
        epcis.captured(changed(path, value), IDS)
    assert fault.value.pointer.startswith(pointer)


# -- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def house(database_url, tmp_path):
    engine = create_engine(database_url)
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path)
    app = main.build_house(settings, engine, lambda: NOON)
    async with app.state.sessions.begin() as session:
        await make.person(session, "pia@kgale.example", [Role.PRODUCER])
        await make.person(session, "audra@pavilion.example", [Role.AUDITOR])
        parties = {event["by"] for event in stones.chain(1)} - {"consignor"}
        rows = [{"issuer": one, "types": ["*"], "from": "2020-01-01", "to": None} for one in sorted(parties)]
        keys = [ISSUERS.row(one) for one in sorted(parties)]
        two = {"proposed_by": "cato", "approved_by": "imre", "reason": "for tests"}
        await trust_table.adopt(session, trust=rows, keys=keys, now=NOON - timedelta(days=1), **two)
    yield app
    await engine.dispose()


async def test_what_a_producer_reports_is_kept_once_logged_and_found_again(house):
    mined, sorted_ = signed_chain()[:2]
    async with signed_in(house, "pia@kgale.example") as pia:
        answers = [await pia.post("/epcis/capture", json=a_document(mined, sorted_)) for _ in range(2)]
        assert [(one.status_code, one.json()["new"]) for one in answers] == [(201, 2), (200, 0)]
        listed = (await pia.get("/epcis/events", params={"perPage": 1})).json()
        (found,) = listed["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        assert found["stone:event"] == mined and listed["type"] == "EPCISQueryDocument"
        one = await pia.get(answers[0].json()["events"][1])
        assert one.json()["stone:event"] == sorted_
        piece = next(iter(mined["out"]))
        query = {"MATCH_anyEPC": IDS.piece(piece), "perPage": 1}
        first = await pia.get("/epcis/events", params=query)
        following = await pia.get(first.links["next"]["url"])
        assert len(following.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]) == 1
        assert "next" not in following.links
    async with house.state.sessions() as session:
        entry, salt = await log_queries.entry(session, 0)
        assert json.loads(entry)["issuer"] == f"did:web:pavilion.localhost:did:{mined['by']}" and len(salt) == 16


async def test_one_bad_event_and_nothing_of_the_document_is_kept(house):
    chain = signed_chain()
    unsigned, foreign = copy.deepcopy(chain[1]), ISSUERS.sign({**chain[0], "by": "stranger"})
    unsigned["sig"]["value"] = chain[0]["sig"]["value"]
    tomorrow = ISSUERS.sign({**chain[0], "at": (NOON + timedelta(days=1)).isoformat()})
    async with signed_in(house, "pia@kgale.example") as pia:
        for bad, code in (
            (unsigned, "event_not_signed"),
            (foreign, "event_not_signed"),
            (tomorrow, "epcis_unreadable"),
        ):
            answer = await pia.post("/epcis/capture", json=a_document(chain[0], bad))
            assert (answer.status_code, answer.json()["code"]) == (422, code)
            assert answer.json()["facts"]["pointer"].startswith("/epcisBody/eventList/1")
        assert (await pia.get("/epcis/events")).json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"] == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"type":1,"type":2}', b'{"a":' * 200, b"\xff", json.dumps({"type": "x" * 10}).encode()]
)
async def test_rubbish_is_refused_with_its_reason(house, body):
    async with signed_in(house, "pia@kgale.example") as pia:
        answer = await pia.post("/epcis/capture", content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (422, "epcis_unreadable")


async def test_who_may_not_report_cannot_and_others_see_nothing_of_it(house):
    async with signed_in(house, "pia@kgale.example") as pia:
        event = (await pia.post("/epcis/capture", json=a_document(signed_chain()[0]))).json()["events"][0]
    async with signed_in(house, "audra@pavilion.example") as audra:
        assert (await audra.get(event)).status_code == 200
        assert (await audra.post("/epcis/capture", json=a_document(signed_chain()[0]))).status_code == 403
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME) as stranger:
        assert (await stranger.get(event)).status_code == 404
        listed = (await stranger.get("/epcis/events")).json()
        assert listed["epcisBody"]["queryResults"]["resultsBody"]["eventList"] == []


def test_who_is_not_let_in_is_told_no_party_no_paper_and_no_other_piece():
    for event in signed_chain():
        part = plain_bytes(epcis.told_in_part(event, IDS, "STONE")).decode()
        hidden = {event["by"], str(event.get("to")), str(event.get("kp", {}).get("no")), *event.get("out", {})}
        assert not [word for word in hidden - {"None"} if f'"{word}"' in part or f"/{word}" in part], part
