"""The pages of deposits and of a sale's terms: who may see and change them, and what comes back of rubbish."""

import re

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from pavilion.accounts import service as accounts
from pavilion.accounts.rules import Role
from pavilion.accounts.sign_in import COOKIE
from pavilion.auctions.models import Lot, Registration
from pavilion.auctions.terms import terms
from pavilion.auctions.terms_models import SaleTermsRow
from pavilion.kernel.db import create_engine
from pavilion.kernel.ids import ulid
from pavilion.main import build_web, sessions_of
from pavilion.settings import Settings
from pavilion.settlement import deposit_days, deposits, terms_form
from pavilion.settlement.deposit_models import Deposit
from pavilion.settlement.intent_models import PaymentIntent
from pavilion.settlement.terms import Terms
from tests import make
from tests.auctions import world
from tests.make import NOON
from tests.settlement.test_deposits import card

ORIGIN = {"sec-fetch-site": "same-origin"}


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    engine = create_engine(sqlite_database_url)
    app = build_web(Settings(environment="test", data_dir=tmp_path, data_key="22" * 32), engine, lambda: NOON, None)
    yield app, sessions_of(app.state.settings, engine)
    await engine.dispose()


async def browser(house, email):
    app, sessions = house
    async with sessions.begin() as session:
        token = await accounts.sign_in(session, email=email, password=make.PASSWORD, browser="t", now=NOON)
    return AsyncClient(
        transport=ASGITransport(app), base_url="http://pavilion.test", cookies={COOKIE: token},
        headers=ORIGIN,
    )  # fmt: skip


def typed(**changes):
    return terms_form.texts(Terms(), "USD") | {"version": "0"} | changes


async def test_a_deposit_from_the_terms_to_the_limit(house):
    """A lead sets the terms, a company marks lots and is approved, pays, and reads of it; nobody else does."""
    sessions = house[1]
    made = await world.build(sessions, 2)
    sale = await world.published(sessions, made)
    await world.buyer(sessions)
    await world.buyer(sessions, 2)
    async with sessions.begin() as session:
        await make.actor(session, "tomas@pavilion.example", (Role.CASHIER,))
        lots = sorted(await session.scalars(select(Lot.public_id)))
    address, registering = f"/staff/sales/{sale}/settlement", f"/sales/{sale}/registration"

    async with await browser(house, "noor@pavilion.example") as curator:
        assert "only a lead changes its terms" in (await curator.get(address)).text
        assert (await curator.post(address, data=typed())).status_code == 403
    async with await browser(house, "oskar@pavilion.example") as lead:
        said = typed(deposit_rate_bp="10", deposit_min_minor="500", deposit_max_minor="400", due_days="x")
        refused = await lead.post(address, data=said | {"reminders": "-1, soon"})
        assert refused.status_code == 422 and refused.text.count('aria-invalid="true"') == 2
        assert 'value="soon' not in refused.text and "-1, soon" in refused.text  # what was typed is still there
        assert (await lead.post(address, data=typed(deposit_max_minor="1", deposit_by_hold="yes"))).status_code == 422
        assert (await lead.post(address, data=typed() | {"premium": "0"})).status_code == 422
        good = typed(deposit_rate_bp="10 %", deposit_min_minor="500", commission="50000 10\n* 8")
        assert (await lead.post(address, data=good)).status_code == 303
        assert (await lead.post(address, data=good)).status_code == 409  # typed over what a colleague had read
        page = (await lead.get(address)).text
        assert "Oskar" in page and "<b>10\u00a0%</b>" in page and 'name="version" value="1"' in page
    async with sessions() as session:
        kept = (await session.scalars(select(SaleTermsRow))).one().facts
    bands = [[5_000_000, 1_000], [None, 800]]
    assert kept == {"deposit_rate_bp": 1_000, "deposit_min_minor": 50_000, "commission": bands}

    async with await browser(house, "wen1@lumen.example") as wen, await browser(house, "wen2@lumen.example") as other:
        assert len(re.findall('name="lots"', (await wen.get(registering)).text)) == 2
        form = {"destination": "HK", "terms": terms().sha256}
        assert (await wen.post(registering, data=form | {"lots": ["nothing"]})).status_code == 422
        assert (await wen.post(registering, data=form | {"lots": lots})).status_code == 303
        assert "1,000.00" in (await wen.get(registering)).text  # 10 % of twice 5,000.00
        async with sessions() as session:
            name = await session.scalar(select(Registration.public_id))
        async with await browser(house, "rita@pavilion.example") as registrar:
            queue = (await registrar.get("/staff/registrations")).text
            assert "Deposit to be asked" in queue
            answer = await registrar.post(f"/staff/registrations/{name}/approval", data={"limit": ""})
            assert (answer.status_code, answer.headers["location"]) == (303, "/staff/registrations")
        await deposit_days.ask_all(sessions, NOON)
        assert "Your paddle has no limit until the deposit is held" in (await wen.get(registering)).text
        page = (await wen.get("/desk/deposits")).text
        assert "To be paid" in page and "DEMOBEBB" in page and "10,000" in page
        assert (await wen.get(registering)).text.count("a payment page is open") == 0
        for state, told, staff in (
            ("waiting", "a payment page is open", "Nothing has been confirmed"),
            ("failed", "not accepted", "pays anew"), ("expired", "page ended", "opens a new one"),
            ("unknown", "do not pay a second time", "No answer for a day"),
        ):  # fmt: skip
            async with sessions.begin() as session:
                row = await session.scalar(select(Deposit))
                session.add(PaymentIntent(
                    public_id=ulid(NOON), kind="deposit", key=f"{row.public_id}:{state}", ref=row.public_id,
                    company_id=row.company_id, entity=row.entity, currency=row.currency, amount_minor=100_000, facts={},
                    state=state, made_at=NOON, next_at=NOON,
                ))  # fmt: skip
            for address in (registering, "/desk/deposits"):
                assert told in (await wen.get(address)).text
            async with await browser(house, "rita@pavilion.example") as registrar:
                assert staff in (await registrar.get(f"/staff/sales/{sale}/deposits")).text
                assert (await registrar.get("/staff/registrations?state=approved")).status_code == 200
        async with sessions.begin() as session:
            row = await session.scalar(select(Deposit))
            await deposits.receive(session, row, card(row.company_id, 100_000), by=None, now=NOON)
        assert "Held by us" in (await wen.get("/desk/deposits")).text
        raising = f"/desk/deposits/{row.public_id}/raise"
        refused = await wen.post(raising, data={"limit": "10,000"})
        assert refused.status_code == 422 and "nothing more is asked" in refused.text
        assert (await wen.post(raising, data={"limit": "soon", "lots": "x"})).status_code == 422
        assert (await other.post(raising, data={"limit": "12000"})).status_code == 404
        assert (await wen.post(raising, data={"limit": "12,000"})).status_code == 303
        page = (await wen.get("/desk/deposits")).text
        assert "200.00" in page and "12,000" in page and "Your limit in this sale is" in page
        assert row.public_id not in (await other.get("/desk/deposits")).text
        assert (await other.get(f"/staff/sales/{sale}/deposits")).status_code == 403

    asking = f"/staff/deposits/{row.public_id}/raise"
    async with await browser(house, "rita@pavilion.example") as registrar:
        assert "Ask for more" in (await registrar.get(f"/staff/sales/{sale}/deposits")).text
        assert (await registrar.post(asking, data={"limit": ""})).status_code == 422
        assert (await registrar.post(asking, data={"limit": "11000"})).status_code == 303
    async with await browser(house, "tomas@pavilion.example") as cashier:
        assert (await cashier.post(asking, data={"limit": "12000"})).status_code == 403
        page = (await cashier.get(f"/staff/sales/{sale}/deposits")).text
        assert "Lumen Trading 1" in page and "Held by us" in page
        sheet = (await cashier.get(f"/staff/sales/{sale}/deposits.csv")).text.splitlines()
        assert sheet[1].endswith(",Lumen Trading 1,held,USD,1100.00,1000.00,0.00,0.00,0.00,1000.00")
        assert (await cashier.get("/staff/sales/nothing/deposits")).status_code == 404
    async with await browser(house, "noor@pavilion.example") as curator:
        assert (await curator.get(f"/staff/sales/{sale}/deposits")).status_code == 403


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("due_days", "-1", "term_out_of_range"), ("due_days", "61", "term_out_of_range"),
        ("due_days", "３", "term_out_of_range"), ("deposit_factor", "11", "term_out_of_range"),
        ("forfeit_bp", "100.01", "term_rate_invalid"), ("forfeit_bp", "1.234", "term_rate_invalid"),
        ("refund_alone_minor", "1e9", "amount_invalid"), ("refund_alone_minor", "9" * 16, "amount_invalid"),
        ("card_ceiling_minor", "NaN", "amount_invalid"), ("deposit_max_minor", "0", "amount_invalid"),
        ("deposit_max_minor", "4999.99", "term_below_least"), ("reminders", "1 2 3 4 5 6 7 8 9", "term_days_unread"),
        ("auto_charge", "perhaps", "bad_input"), ("commission", "100 5\n100 4\n* 3", "table_unread"),
        ("commission", "", "table_unread"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_term_is_said_at_its_field(name, text, fault):
    assert terms_form.read(terms_form.texts(Terms(), "USD") | {name: text}, Terms(), "USD")[1] == {name: fault}


@pytest.mark.parametrize("currency", ["JPY", "USD", "KWD"])
def test_terms_survive_being_typed_again(currency):
    own = Terms.of(
        currency, {"commission": [[100_000, 1_050], [None, 0]], "reminders": [-2, 0, 3], "deposit_max_minor": 7_000_007}
    )
    found, faults = terms_form.read(terms_form.texts(own, currency), Terms.usual(currency), currency)
    assert (Terms.of(currency, found), faults) == (own, {})
