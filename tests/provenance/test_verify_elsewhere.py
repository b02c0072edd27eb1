"""A passport of another house at the page of this one: by what its reader hands in, or by what that house says at its
own address where the operator lets it be asked; never by what came along with it."""

import html
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from pavilion import main
from pavilion.kernel.db import create_engine
from pavilion.kernel.signing import SigningKey
from pavilion.provenance import proofs
from pavilion.settings import Settings
from tests.provenance import sealed
from tests.provenance.sealed import Sealed
from tests.provenance.test_verify_page import HOME, KEYS, reader

ZIP = "application/zip"


@pytest.fixture
async def house_of(database_url, tmp_path):
    """This house, at the other's noon."""
    apps, engine = [], create_engine(database_url)

    def built(**changes):
        settings = Settings(**{"environment": "test", "public_url": HOME, "data_dir": tmp_path} | KEYS | changes)
        apps.append(main.build_house(settings, engine, lambda: sealed.NOW))
        return apps[-1]

    yield built
    for app in apps:
        if getattr(app.state, "did_resolver", None) is not None:
            await app.state.did_resolver.outbound.close()
    await engine.dispose()


@contextmanager
def other_house(monkeypatch, *, silent=()):
    """Another house on this machine; `asked` tells what was asked of it."""
    asked, served = [], {}

    class Served(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = served.get(self.path)
            self.send_response(404 if body is None or self.path in silent else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Served) as server:
        host = f"127.0.0.1:{server.server_port}"
        name = f"did:web:{host.replace(':', '%3A')}"
        signer = proofs.Signer(f"{name}#passport-2026", sealed.SIGNER.seed)
        log = SigningKey(f"{host}/origin", sealed.sha256(b"log").digest())
        for what, value in {"HOST": host, "BASE": f"http://{host}", "DID": name, "SIGNER": signer}.items():
            monkeypatch.setattr(sealed, what, value)
        made = Sealed(signer=signer, log=log)
        packed = made.packed(dids={"other": sealed.did_document(signer)})
        served |= {
            "/.well-known/did.json": sealed.did_document(signer),
            "/log/policy": sealed.policy(log=log).encode(),
            f"/passports/{sealed.STONE}/3/bundle": packed,
        }
        Thread(target=server.serve_forever, daemon=True).start()
        yield made, packed, asked
        server.shutdown()


async def report_of(app, data, pins=(), kind=ZIP):
    files = [("file", ("p", data, kind)), *(("pins", (f"pin-{n}", pin, "text/plain")) for n, pin in enumerate(pins))]
    async with reader(app) as browser:
        answer = await browser.post("/verify", files=files, headers={"accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_without_its_keys_nothing_is_decided_and_the_page_says_what_to_hand_in(house_of):
    report = await report_of(house_of(), Sealed().packed())
    assert (report["exit"], report["verdict"]) == (2, "NOT DECIDED: PROOF-DI")
    keys = next(line["fact"] for line in report["lines"] if line["check"] == "KEYS")
    assert "https://house.example/.well-known/did.json" in keys and "https://house.example/log/policy" in keys


async def test_with_what_its_reader_hands_in_it_is_valid_and_a_changed_one_false(house_of):
    app, data = house_of(), Sealed().packed()
    pins = (sealed.policy().encode(), sealed.did_document())
    assert (await report_of(app, data, pins))["verdict"] == "VALID, grade A, as of 2026-04-01, witnesses 2 of 3"
    assert (await report_of(app, data, pins[:1]))["exit"] == 0  # the log vouches for the passport's key
    assert (await report_of(app, data, pins[1:]))["verdict"] == "NOT DECIDED: CHECKPOINT"
    forged = Sealed(signer=sealed.STRANGER).packed()
    assert (await report_of(app, forged, pins))["verdict"] == "NOT VALID: PROOF-DI"
    strange = (sealed.policy(log=SigningKey("house.example/origin", bytes(32))).encode(), sealed.did_document())
    assert (await report_of(app, data, strange))["verdict"] == "NOT VALID: CHECKPOINT"


async def test_a_pin_never_replaces_the_keys_of_this_house(house_of, monkeypatch):
    """A stranger's passport under this house's own name is not helped by a stranger's keys."""
    app = house_of()
    own = app.state.settings.house_did
    signer = proofs.Signer(f"{own}#passport-2026", bytes(32))
    monkeypatch.setattr(sealed, "DID", own)
    data = Sealed(signer=signer).packed(dids={"own": sealed.did_document(signer)})
    report = await report_of(app, data, (sealed.policy().encode(), sealed.did_document(signer)))
    assert report["exit"] == 2


async def test_a_house_that_the_operator_lets_be_asked_is_asked_for_keys_policy_and_bundle(house_of, monkeypatch):
    app = house_of()
    with other_house(monkeypatch) as (made, packed, asked):
        whole = await report_of(app, packed)
        alone = await report_of(app, made.parts.passport, kind="application/json")
        token = await report_of(app, made.parts.jwt, kind="text/plain")
    assert [one["verdict"] for one in (whole, alone, token)] == [
        "VALID, grade A, as of 2026-04-01, witnesses 2 of 3"
    ] * 3
    assert "at its own address today" in whole["lines"][0]["fact"]
    assert asked.count("/.well-known/did.json") == 1 and asked.count("/log/policy") == 3


async def test_a_house_that_does_not_answer_leaves_the_answer_open(house_of, monkeypatch):
    with other_house(monkeypatch, silent=("/log/policy",)) as (_, packed, _asked):
        assert (await report_of(house_of(), packed))["verdict"] == "NOT DECIDED: CHECKPOINT"
    with other_house(monkeypatch, silent=("/.well-known/did.json",)) as (_, packed, _asked):
        assert (await report_of(house_of(), packed))["verdict"] == "NOT DECIDED: PROOF-DI"


async def test_no_host_is_asked_that_the_operator_did_not_name(house_of, monkeypatch):
    keys = dict.fromkeys(("data_key", "sale_key"), "44" * 32)
    app = house_of(environment="production", **keys)
    with other_house(monkeypatch) as (_, packed, asked):
        report = await report_of(app, packed)
    assert (report["verdict"], asked) == ("NOT DECIDED: PROOF-DI", [])


@pytest.mark.parametrize("pin", [b"no policy", b'{"id":1}', b"\xff"])
async def test_what_is_neither_policy_nor_did_document_is_named(house_of, pin):
    files = [("file", ("p", Sealed().packed(), ZIP)), ("pins", ("mine.txt", pin, "text/plain"))]
    async with reader(house_of()) as browser:
        answer = await browser.post("/verify", files=files)
    assert answer.status_code == 422 and "mine.txt" in html.unescape(answer.text)
