"""The ledger's and the consignors' pages: who sees what, and what a form answers."""

import re
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from pavilion import main
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Role
from pavilion.kernel.db import create_engine
from pavilion.settings import Settings, with_secrets
from pavilion.settlement import payouts, statement_paper
from pavilion.settlement.models import Invoice
from pavilion.settlement.note_models import Paper
from tests import make
from tests.make import PASSWORD
from tests.settlement.test_sellers import LATER, SALE, House

HOME = "http://pavilion.test"


class Pages(House):
    """The same house with its web, at a time that can be moved."""

    def __init__(self, app):
        super().__init__(app.state.sessions)
        self.app, self.now = app, LATER

    @asynccontextmanager
    async def browser(self, email, lang="en"):
        headers = {"origin": HOME}
        async with AsyncClient(transport=ASGITransport(self.app), base_url=HOME, headers=headers) as one:
            if email:
                await one.post("/sign-in", data={"email": email, "password": PASSWORD})
                await one.post("/language", data={"to": lang, "back": "/"})
            yield one

    async def people(self):
        async with self.sessions.begin() as session:
            seller, buyer = await session.get_one(Company, self.seller), await session.get_one(Company, self.buyer)
            self.company = seller.public_id
            await make.person(session, "sam@scheldt.example", (Role.SUPPLIER,), seller)
            await make.person(session, "wen@lumen.example", (Role.BUYER,), buyer)
            await make.person(session, "tomas@pavilion.example", (Role.CASHIER,))
            await make.person(session, "lena@pavilion.example", (Role.LEAD,))
            await make.person(session, "noor@pavilion.example", (Role.CURATOR,))


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    engine = create_engine(sqlite_database_url)
    held = {}
    settings = with_secrets(Settings(environment="test", public_url=HOME, data_dir=tmp_path))
    app = main.build_house(settings, engine, lambda: held["house"].now)
    held["house"] = house = Pages(app)
    await house.open()
    await house.people()
    yield house
    await engine.dispose()


async def test_from_a_paid_lot_to_a_paid_consignor_by_its_pages(house):
    invoice = await house.sell(1_000_000, 200_000)
    await house.pay(invoice)
    async with house.browser("tomas@pavilion.example") as tomas, house.browser("sam@scheldt.example") as sam:
        desk = await tomas.get("/staff/cashier/sellers")
        assert "Scheldt Rough" in desk.text and "Issue the statement" in desk.text
        fields = {"company": house.company, "sale": SALE, "after": "0"}
        issued = await tomas.post("/staff/cashier/sellers/statements", data=fields)
        again = await tomas.post("/staff/cashier/sellers/statements", data=fields)
        assert issued.headers["location"] == again.headers["location"] == "/desk/statements/SST-ANT-2026-000001"
        for lang, word in (("en", "Statement of proceeds"), ("zh", "货款结算单")):
            async with house.browser("sam@scheldt.example", lang) as reader:
                told = await reader.get("/desk/statements/SST-ANT-2026-000001")
                assert word in told.text and "Lumen" not in told.text and "INV-" not in told.text
                assert (await reader.get("/desk/statements")).status_code == 200
        assert await statement_paper.set_papers(house.sessions, LATER, house.app.state.pages.tongues) == 1
        paper = await sam.get("/desk/statements/SST-ANT-2026-000001.pdf?lang=zh")
        assert paper.content[:5] == b"%PDF-"
        async with house.sessions() as session:
            kept = (await session.scalars(select(Paper).where(Paper.kind == "statement", Paper.lang == "zh"))).one()
            assert kept.pdf == paper.content
        refused = await tomas.post("/staff/cashier/sellers/payouts", data={"statement": "SST-ANT-2026-000001"})
        assert (refused.status_code, "48 hours" in refused.text) == (409, True)
        wrong = {"holder": "Scheldt", "number": "BE00", "bic": "X", "currency": "USD"}
        named = await sam.post("/desk/statements/accounts", data=wrong | {"number": "?"})
        assert (named.status_code, named.text.count('aria-invalid="true"')) == (422, 2)
        right = wrong | {"number": "BE68 5390 0754 7034", "bic": "GEBABEBB"}
        assert (await sam.post("/desk/statements/accounts", data=right)).status_code == 303
        async with house.sessions() as session:
            account = (await session.scalars(select(payouts.SellerAccount))).one().public_id
        act = f"/desk/statements/accounts/{account}/confirmation"
        assert (await sam.post(act, data={"password": "wrong"})).status_code == 403
        assert (await sam.post(act, data={"password": PASSWORD})).status_code == 303
    house.now += timedelta(hours=48)
    async with house.browser("tomas@pavilion.example") as tomas:
        proposed = await tomas.post("/staff/cashier/sellers/payouts", data={"statement": "SST-ANT-2026-000001"})
        assert proposed.headers["location"] == "/staff/cashier/sellers?done=proposed"
    async with house.browser("lena@pavilion.example") as lena:
        waiting = (await lena.get("/staff/proposals")).text
        assert "to Scheldt, account ending 7034" in waiting and "USD 10,548.00" in waiting
        proposal = re.search(r'action="(/staff/proposals/\w+/approval)"', waiting)[1]
        assert (await lena.post(proposal)).status_code == 303
    async with house.browser("tomas@pavilion.example") as tomas:
        transfer = (await tomas.get("/staff/cashier/sellers")).text
        assert "BE68539007547034" in transfer
        act = re.search(r'action="(\S+/transfer)"', transfer)[1]
        assert (await tomas.post(act, data={"bank_reference": "B-77"})).status_code == 303
        sheet = (await tomas.get("/staff/cashier/sellers.csv")).text
        assert ",paid,B-77" in sheet
    assert await house.balance(f"liability:seller:{house.seller}") == 0


async def test_each_reader_sees_its_own_and_nothing_else(house):
    await house.pay(await house.sell(1_000_000))
    row = await house.state()
    async with house.browser("wen@lumen.example") as wen:
        assert (await wen.get(f"/desk/statements/{row.number}")).status_code == 404
        assert (await wen.get(f"/desk/statements/{row.number}.pdf")).status_code == 404
        assert (await wen.get("/staff/cashier/sellers")).status_code == 403
        assert (await wen.get("/staff/ledger/accounts/income:premium")).status_code == 403
        own = (await wen.get("/desk/account")).text
        assert "What you owe" in own and "INV-ANT-2026-000001" in own and "Proceeds" not in own
        assert re.search(r"<small>\s*wire, \S", own) is not None
        sheet = (await wen.get("/desk/account.csv?from=2026-01-01&to=2026-12-31")).text
        assert sheet.count("INV-ANT-2026-000001") == 2
    async with house.browser("sam@scheldt.example") as sam:
        own = (await sam.get("/desk/account?from=2026-01-01&to=2026-12-31")).text
        assert "Proceeds of your stones" in own and "SST-ANT-2026-000001" in own
        assert "INV-" not in own and "Lumen" not in own
        assert "Sold and paid" in own and "Lot 1" in own and "Owed to you" in own
        desk = (await sam.get("/desk")).text
        assert "/desk/statements" in desk and "/desk/account" in desk
        assert "When you win a lot" not in desk and "The sales you register for" not in desk
        assert "INV-" not in (await sam.get("/desk/account.csv?from=2026-01-01&to=2026-12-31")).text
    async with house.browser("noor@pavilion.example") as noor:
        assert (await noor.get("/staff/cashier/sellers")).status_code == 403
        assert (await noor.get("/desk/account")).status_code == 403
    async with house.browser(None) as nobody:
        assert (await nobody.get("/desk/statements")).status_code in (303, 401)


async def test_the_ledgers_pages_and_files_say_the_same(house):
    await house.pay(await house.sell(1_000_000))
    await house.state()
    async with house.sessions() as session:
        number = (await session.scalars(select(Invoice.number))).one()
    async with house.browser("tomas@pavilion.example") as tomas:
        found = (await tomas.get(f"/staff/ledger?ref={number}")).text
        assert "income:premium" in found and "asset:bank:ANT" not in re.split("<h2>Journal", found)[1]
        span = "from=2026-01-01&to=2026-12-31"
        account = await tomas.get(f"/staff/ledger/accounts/asset:buyer:{house.buyer}?{span}")
        assert account.text.count(number) >= 2 and "Lumen Trading" in account.text
        for path, kind in (
            (f"accounts/asset:buyer:{house.buyer}.csv?{span}", "text/csv"), ("journal.csv", "text/csv"),
            ("general-journal.csv", "text/csv"), ("journal.ledger", "text/plain"),
        ):  # fmt: skip
            told = await tomas.get(f"/staff/ledger/{path}")
            assert (told.status_code, told.headers["content-type"].split(";")[0]) == (200, kind)
        for path, status in (
            ("accounts/asset:buyer:999", 404), ("accounts/asset:bank:ANT?currency=EUR", 404),
            ("accounts/ASSET", 404), ("accounts/income:premium?from=2026-02-30", 422),
            ("accounts/income:premium?from=2026-03-02&to=2026-03-01", 422), ("journal.csv?to=9999-12-31", 422),
            ("accounts/income:premium?to=0001-01-01", 422), ("?ref=%00", 422),
            ("general-journal.csv?from=0001-01-01", 422),
        ):  # fmt: skip
            told = await tomas.get(f"/staff/ledger/{path}".replace("/?", "?"))
            assert told.status_code == status, path


RUBBISH = [
    ("statements", {"company": "x", "sale": SALE, "after": "0"}, 422),
    ("statements", {"company": "C" * 26, "sale": SALE, "after": "0"}, 404),
    ("statements", {"company": "C" * 26, "sale": SALE, "after": "-1"}, 422),
    ("payouts", {"statement": "SST-ANT-2026-999999"}, 404),
    ("payouts", {"statement": "1; drop"}, 422),
    (f"payouts/{'P' * 26}/transfer", {"bank_reference": "B"}, 404),
    (f"payouts/{'P' * 26}/transfer", {"bank_reference": "\x00"}, 422),
    (f"payouts/{'P' * 26}/return", {"reason": "no"}, 422),
    (f"payouts/{'P' * 26}/return", {"reason": "gone", "more": "x"}, 422),
]


async def test_rubbish_is_refused_with_a_code(house):
    async with house.browser("tomas@pavilion.example") as tomas:
        for path, fields, status in RUBBISH:
            assert (await tomas.post(f"/staff/cashier/sellers/{path}", data=fields)).status_code == status, path
