"""A parcel from the buyer's word to the buyer's hands through the pages, and who may open which of them."""

import io
import re
import zipfile
from hashlib import sha256

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import delete, func, select

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import Role
from pavilion.accounts.sign_in import COOKIE
from pavilion.kernel.db import create_engine
from pavilion.kernel.events import Event
from pavilion.main import build_web, sessions_of
from pavilion.settings import Settings
from pavilion.settlement import owning, papers
from pavilion.settlement.models import BilledLot, Invoice
from pavilion.settlement.release_models import Ownership, Release
from tests import make
from tests.make import HOUR, NOON
from tests.provenance import issued
from tests.settlement import releases

NOW = NOON + 2 * HOUR
PNG = b"\x89PNG\r\n\x1a\n signed"
PDF = b"%PDF-1.7 left the country"


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    engine = create_engine(sqlite_database_url)
    settings = Settings(
        environment="test", data_dir=tmp_path, data_key="22" * 32, passport_key=issued.SEED.hex(),
        public_url="https://pavilion.example", host_name="pavilion.example",
    )  # fmt: skip
    app = build_web(settings, engine, lambda: NOW, None)
    yield House(app, sessions_of(settings, engine), settings)
    await engine.dispose()


class House:
    def __init__(self, app, sessions, settings):
        self.app, self.sessions, self.settings = app, sessions, settings

    async def browser(self, email):
        async with self.sessions.begin() as session:
            token = await accounts.sign_in(session, email=email, password=make.PASSWORD, browser="t", now=NOW)
        cookies, headers = {COOKIE: token}, {"sec-fetch-site": "same-origin"}
        transport = ASGITransport(self.app)
        return AsyncClient(transport=transport, base_url="https://pavilion.example", cookies=cookies, headers=headers)


async def people(house, case):
    """The buyer's person, somebody of another company, and the cashier."""
    async with house.sessions.begin() as session:
        invoice = await releases.loaded(session, case)
        firm = await session.get_one(Company, invoice.company_id)
        await make.person(session, "wen@lumen.example", (Role.BUYER,), firm)
        other = await make.company(session, "Vandael", "BE")
        await make.person(session, "ilse@vandael.example", (Role.BUYER,), other)
        await make.person(session, "tomas@pavilion.example", (Role.CASHIER,))
        await make.person(session, "vic@pavilion.example", (Role.VIEWINGS,))
        return invoice.number


async def sold_to_wen(house):
    case = await releases.paid_sale(house.sessions)
    return case, await people(house, case)


async def released(house, wen, tomas, case, number):
    """By the pages, up to the release."""
    asked = {"mode": "collection", "destination": "HK", "collector": "Mei Lin"}
    answer = await wen.post(f"/desk/invoices/{number}/release", data=asked)
    assert answer.headers["location"].endswith("?done=asked")
    async with house.sessions() as session:
        name = await session.scalar(select(Release.public_id))
    at = f"/staff/releases/{name}"
    assert (await tomas.post(f"{at}/picks", data={"stone": case.stone})).status_code == 303
    wrong = await tomas.post(f"{at}/weights", data={"stone": case.stone, "weight": "1.013"})
    assert wrong.status_code == 409 and "1.013" in wrong.text
    assert (await tomas.post(f"{at}/weights", data={"stone": case.stone, "weight": "heavy"})).status_code == 422
    assert (await tomas.post(f"{at}/weights", data={"stone": case.stone, "weight": "1,010"})).status_code == 303
    assert (await tomas.post(f"{at}/packing", data={})).status_code == 303
    assert "The papers are being set" in (await tomas.get(at)).text
    refused = await tomas.post(f"{at}/state", data={"act": "release"})
    assert refused.status_code == 409 and "Documents are missing." in refused.text
    await releases.papers_there(house.sessions)
    assert (await tomas.post(f"{at}/state", data={"act": "release"})).status_code == 303
    return name


async def test_a_parcel_goes_from_the_buyers_word_to_the_buyers_hands(house):
    case, number = await sold_to_wen(house)
    wen, tomas = await house.browser("wen@lumen.example"), await house.browser("tomas@pavilion.example")
    assert number in (await tomas.get("/staff/releases")).text
    address = "/account/company", {"street": "8 Queen's Road", "city": "Central"}
    assert "12 Hollywood Road" in (await wen.get(address[0])).text
    assert (await wen.post(address[0], data={})).status_code == 422
    assert (await wen.post(address[0], data=address[1])).status_code == 403  # its administrator changes it
    name = await released(house, wen, tomas, case, number)
    way = await wen.get(f"/desk/invoices/{number}/release")
    assert "Ready to be collected" in way.text and "Make the collection pass" in way.text
    shown = await wen.post(f"/desk/releases/{name}/pass")
    token = re.search(r'pass-token mono">([^<]+)<', shown.text)[1]
    assert "<svg" in shown.text and "no-store" in shown.headers["cache-control"]
    found = await tomas.post("/staff/releases/passes", data={"token": token.lower()})
    assert "Mei Lin" in found.text and f'value="{token.lower()}"' in found.text
    assert (await tomas.post("/staff/releases/passes", data={"token": "no such pass"})).status_code == 409
    at, said = f"/staff/releases/{name}/hand-over", {"token": token, "document": "passport"}
    for wrong, file, status in (
        ({"token": "x"}, PNG, 409), ({"document": "a letter"}, PNG, 422), ({}, b"GIF89a", 415),
    ):  # fmt: skip
        answer = await tomas.post(at, data=said | wrong, files={"file": ("s", file)})
        assert answer.status_code == status
    assert (await tomas.post(at, data=said, files={"file": ("s.png", PNG)})).status_code == 303
    page = (await tomas.get(f"/staff/releases/{name}")).text
    assert "Passport" in page and "The buyer has it" in page
    assert (await wen.post(f"/desk/releases/{name}/received")).status_code == 303
    assert "Received" in (await wen.get("/desk/stones")).text
    assert "they have left our safe" in (await wen.get(f"/desk/invoices/{number}/release")).text
    async with house.sessions() as session:
        acts = await session.scalars(select(Event.name).where(Event.name.startswith("release:")).order_by(Event.id))
        told = ["asked", "weight_differs", "packed", "leaving_shown", "released"]
        told += ["pass_issued", "handed_over", "received"]
        assert [act.removeprefix("release:") for act in acts] == told


async def test_the_buyer_has_all_papers_in_one_file_and_nobody_else_has_them(house):
    case, number = await sold_to_wen(house)
    wen, ilse = await house.browser("wen@lumen.example"), await house.browser("ilse@vandael.example")
    tomas, vic = await house.browser("tomas@pavilion.example"), await house.browser("vic@pavilion.example")
    name = await released(house, wen, tomas, case, number)
    packed = await wen.get(f"/desk/stones/{case.stone}/bundle.zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as pack:
        names = set(pack.namelist())
        sums = dict(line.split("  ")[::-1] for line in pack.read("SHA256SUMS").decode().splitlines())
        assert {sha256(pack.read(one)).hexdigest() for one in names - {"SHA256SUMS"}} == set(sums.values())
    assert {"passport/passport.json", "papers/packing_list-en.pdf", "papers/warranty-zh.pdf"} <= names
    assert (await wen.get(f"/desk/stones/{case.stone}/bundle.zip")).content == packed.content
    async with house.sessions() as session:
        file = await session.scalar(select(func.min(papers.ReleaseFile.id)).where(papers.ReleaseFile.lang != ""))
    assert (await wen.get(f"/desk/releases/{name}/files/{file}")).content.startswith(b"%PDF")
    foreign = f"/desk/stones/{case.stone}/bundle.zip", f"/desk/releases/{name}/files/{file}"
    for path in (*foreign, f"/desk/invoices/{number}/release"):
        assert (await ilse.get(path)).status_code == 404
    assert case.stone not in (await ilse.get("/desk/stones")).text
    for path in ("pass", "received"):
        assert (await ilse.post(f"/desk/releases/{name}/{path}")).status_code == 404
        assert (await tomas.post(f"/desk/releases/{name}/{path}")).status_code == 404
    for path in ("/staff/releases", f"/staff/releases/{name}"):
        assert (await wen.get(path)).status_code == 403
        assert (await vic.get(path)).status_code == 403
    choice = {"mode": "carrier", "destination": "HK", "address": "x"}
    assert (await vic.post(f"/desk/invoices/{number}/release", data=choice)).status_code == 404


async def test_who_sold_a_stone_keeps_nothing_of_its_new_owner(house):
    case, _ = await sold_to_wen(house)
    async with house.sessions.begin() as session:
        invoice = await releases.loaded(session, case)
        ilse = await session.scalar(select(Person.company_id).where(Person.email == "ilse@vandael.example"))
        row = Ownership(stone=case.stone, company_id=ilse, from_company_id=invoice.company_id, lot="M" * 26)
        again = Invoice(public_id="X" * 26, sale="T" * 26, company_id=ilse, currency="USD", entity="ANT")
        again.destination, again.facts, again.created_at = "BE", {}, NOW
        session.add(again)
        await session.flush()
        row.invoice_id, row.at = again.id, NOW
        session.add(row)
    wen = await house.browser("wen@lumen.example")
    assert case.stone not in (await wen.get("/desk/stones")).text
    assert (await wen.get(f"/desk/stones/{case.stone}/bundle.zip")).status_code == 404


async def test_whose_stone_came_back_learns_nothing_of_who_had_bought_it(house):
    case, number = await sold_to_wen(house)
    async with house.sessions.begin() as session:
        seller = await session.get_one(Company, case.consignor)
        await make.person(session, "sam@scheldt.example", (Role.BUYER,), seller)
        await session.execute(delete(BilledLot))
        await owning.put_right(session, case.invoice, releases.HAND, NOW)
    sam = await house.browser("sam@scheldt.example")
    shown = await sam.get("/desk/stones")
    assert shown.status_code == 200 and number not in shown.text and case.stone not in shown.text
    assert (await sam.get(f"/desk/stones/{case.stone}/bundle.zip")).status_code == 404


async def test_what_the_buyer_leaves_out_is_asked_for_and_rubbish_is_refused(house):
    case, number = await sold_to_wen(house)
    wen, tomas = await house.browser("wen@lumen.example"), await house.browser("tomas@pavilion.example")
    at = f"/desk/invoices/{number}/release"
    for said, words in (
        ({"mode": "collection", "destination": "HK"}, "Say who collects it."),
        ({"mode": "carrier", "destination": "HK"}, "Say where the carrier brings it."),
        ({"mode": "collection", "destination": "BE", "collector": "Mei Lin"}, "correct the invoice with tax first"),
        ({"mode": "carrier", "destination": "XX", "address": "a"}, 'aria-invalid="true"'),
    ):
        answer = await wen.post(at, data=said)
        assert answer.status_code == 422 and words in answer.text
    for said in ({"mode": "by hand", "destination": "HK"}, {"mode": "carrier", "destination": "hk"}, {}):
        assert (await wen.post(at, data=said)).status_code == 422
    assert (await tomas.get("/staff/releases/NONE")).status_code == 404
    assert (await tomas.post("/staff/releases/NONE/picks", data={"stone": case.stone})).status_code == 404
    assert (await wen.get("/desk/invoices/INV-ANT-2026-999999/release")).status_code == 404


async def test_a_parcel_by_carrier_needs_its_bill_and_an_export_its_proof(house):
    case, number = await sold_to_wen(house)
    tomas = await house.browser("tomas@pavilion.example")
    choice = {"mode": "carrier", "destination": "HK", "address": "12 Hollywood Road\nHong Kong"}
    answer = await tomas.post(f"/desk/invoices/{number}/release", data=choice)
    at = answer.headers["location"]
    await tomas.post(f"{at}/picks", data={"stone": case.stone})
    await tomas.post(f"{at}/weights", data={"stone": case.stone, "weight": "1.010 ct"})
    low = await tomas.post(f"{at}/packing", data={"carrier": "Malca-Amit", "insured": "12,749.99"})
    assert low.status_code == 422 and "at least what the goods cost" in low.text
    assert 'value="Malca-Amit"' in low.text and 'value="12,749.99"' in low.text
    assert (
        await tomas.post(f"{at}/packing", data={"carrier": "Malca-Amit", "insured": "12,750.00"})
    ).status_code == 303
    await releases.papers_there(house.sessions)
    await tomas.post(f"{at}/state", data={"act": "release"})
    assert (await tomas.post(f"{at}/dispatch", data={})).status_code == 422
    assert (await tomas.post(f"{at}/dispatch", data={"airway_bill": "176-1234 5675"})).status_code == 303
    page = (await tomas.get(at)).text
    assert "176-1234 5675" in page and "Proof of export" in page
    assert (await tomas.post(f"{at}/export-proof", files={"file": ("p.pdf", b"<html>")})).status_code == 415
    assert (await tomas.post(f"{at}/export-proof", files={"file": ("p.pdf", PDF)})).status_code == 303
    async with house.sessions() as session:
        assert (await session.scalar(select(Release.export_proof_at))) == NOW
    assert owning.hand_of(house.settings) is not None
