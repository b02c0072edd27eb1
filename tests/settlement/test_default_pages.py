"""The pages of what was not paid and of what is offered: who may open them, and that their forms do what they say."""

import re
import shutil
from dataclasses import replace

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import Role
from pavilion.accounts.sign_in import COOKIE
from pavilion.kernel.db import create_engine, sqlite_url
from pavilion.main import build_web, sessions_of
from pavilion.settings import Settings
from pavilion.settlement import defaulting, deposits, jobs
from pavilion.settlement.default_models import LotOffer
from pavilion.settlement.deposit_models import Deposit
from pavilion.settlement.models import Invoice
from tests import make
from tests.bidding import house
from tests.conftest import opened, run
from tests.settlement.test_defaulting import CLOSE, MAXIMA, at, closed, the_invoice
from tests.settlement.test_deposits import card

ORIGIN = {"sec-fetch-site": "same-origin"}


async def furnish(url, sessions):
    premium = {"bands": [[None, 2500]], "early_bands": [[None, 1000]], "early_before_hours": 1}
    async with house.house(url, sessions, lots=2, reserve={1: 500_000}, premium=premium) as room:
        for buyer in (2, 1, 0):
            await room.bid(buyer, MAXIMA[buyer])
        for buyer, most in ((1, 400_000), (0, 450_000)):
            assert (await room.bid(buyer, most, lot=1)).result == "accepted"
        await closed(room)
        for _ in range(2):
            await jobs.bill_sold_lots(sessions, CLOSE)
    await defaulting.late(sessions, at(10))
    async with sessions.begin() as session:
        for email, role in (("tomas@pavilion.example", Role.CASHIER), ("lena@pavilion.example", Role.LEAD)):
            await make.person(session, email, (role,))
        for person in await session.scalars(select(Person)):
            person.password_hash = make.HASH
    return room


@pytest.fixture(scope="module")
def furnished_once(sqlite_template, tmp_path_factory):
    """A house whose first lot was not paid, and whose second passed below its reserve; made once."""
    path = tmp_path_factory.mktemp("unpaid") / "pavilion.db"
    shutil.copy(sqlite_template, path)

    async def make_it():
        async with opened(sqlite_url(path)) as sessions:
            return await furnish(sqlite_url(path), sessions)

    return path, run(make_it())


@pytest.fixture
async def site(furnished_once, tmp_path):
    path, room = furnished_once
    shutil.copy(path, tmp_path / "pavilion.db")
    engine = create_engine(sqlite_url(tmp_path / "pavilion.db"))
    settings = Settings(environment="test", data_dir=tmp_path, data_key=house.DATA_KEY.hex())
    clock = [at(10)]
    app = build_web(settings, engine, lambda: clock[0], None)
    sessions = sessions_of(settings, engine)

    async def browser(email, lang="en"):
        cookies = {"lang": lang}
        async with sessions.begin() as session:
            person = await session.scalar(select(Person).where(Person.email == email))
            person.lang = lang
            token = await accounts.sign_in(session, email=email, password=make.PASSWORD, browser="t", now=clock[0])
        cookies[COOKIE] = token
        return AsyncClient(
            transport=ASGITransport(app), base_url="http://pavilion.test", cookies=cookies, headers=ORIGIN
        )  # fmt: skip

    yield replace(room, sessions=sessions), browser, clock
    await engine.dispose()


async def buyer_mail(room, number):
    async with room.sessions() as session:
        return await session.scalar(select(Person.email).where(Person.company_id == room.buyers[number].company_id))


async def test_staff_choose_for_the_unpaid_lot_and_the_underbidder_buys_it_on_the_own_page(site):
    room, browser, _ = site
    invoice = await the_invoice(room.sessions)
    page = f"/staff/defaults/{invoice.number}"
    async with (
        await browser("tomas@pavilion.example") as tomas,
        await browser(await buyer_mail(room, 1), "zh") as second,
    ):
        listed = await tomas.get("/staff/defaults")
        assert listed.status_code == 200 and invoice.number in listed.text
        shown = (await tomas.get(page)).text
        assert "6,500.00" in shown and "7,000.00" not in shown  # the price, never the maximum
        said = {"lot": room.lots[0], "choice": "offer"}
        assert (await tomas.post(f"{page}/remedies", data=said | {"choice": "burn"})).status_code == 422
        assert (await second.post(f"{page}/remedies", data=said)).status_code == 403
        assert (await second.get(page)).status_code == 403
        assert (await tomas.post(f"{page}/remedies", data=said)).status_code == 303
        assert (await tomas.post(f"{page}/remedies", data=said)).status_code == 409
        offer = await one_offer(room)
        mine = (await second.get("/desk/offers")).text
        assert "6,500.00" in mine and "购买</button>" in mine
        act = f"/desk/offers/{offer.public_id}/acceptance"
        for price in ("649999", "-1", "0", "1e9", str(2**53)):
            assert (await second.post(act, data={"price": price})).status_code == 422
        async with await browser(await buyer_mail(room, 2)) as third:
            assert (await third.post(act, data={"price": "650000"})).status_code == 404
            assert offer.public_id not in (await third.get("/desk/offers")).text
        bought = await second.post(act, data={"price": "650000"})
        assert bought.status_code == 303
        assert (await second.get(bought.headers["location"])).status_code == 200
        for lang_page in (page, "/staff/defaults"):
            assert (await tomas.get(lang_page)).status_code == 200


async def test_what_the_offer_shows_is_what_the_invoice_says_also_of_an_early_bid_and_a_number_of_no_form(site):
    room, browser, _ = site
    async with room.sessions.begin() as session:
        company = await session.get_one(Company, room.buyers[1].company_id)
        company.tax_no = "NOT A NUMBER"
    page = f"/staff/defaults/{(await the_invoice(room.sessions)).number}"
    async with await browser("tomas@pavilion.example") as tomas, await browser(await buyer_mail(room, 1)) as second:
        await tomas.post(f"{page}/remedies", data={"lot": room.lots[0], "choice": "offer"})
        shown = re.sub(r"<[^>]+>|\s+", " ", (await second.get("/desk/offers")).text)
        offer = await one_offer(room)
        await second.post(f"/desk/offers/{offer.public_id}/acceptance", data={"price": "650000"})
    async with room.sessions() as session:
        bought = (await session.scalars(select(Invoice).options(selectinload(Invoice.lines)))).all()[-1]
    owed = {line.kind: line.amount_minor for line in bought.lines}
    assert (owed["hammer"], owed["premium"]) == (650_000, 65_000)
    assert bought.regime is not None and bought.total_minor == sum(owed.values())
    assert "650.00" in shown and f"{bought.total_minor / 100:,.2f}" in shown


async def test_who_pays_after_all_reads_that_the_deposit_stays_kept(site):
    room, browser, _ = site
    async with room.sessions.begin() as session:
        invoice = (await session.scalars(select(Invoice).options(selectinload(Invoice.lines)))).one()
        row = Deposit(public_id="D" * 26, company_id=invoice.company_id, sale=room.sale, entity="ANT", currency="USD")
        row.registration, row.asked_minor, row.lots, row.factor = room.registrations[0], 200_000, [], 10
        row.state, row.asked_at = "asked", at(1)
        session.add(row)
        await session.flush()
        await deposits.receive(session, row, card(invoice.company_id, 200_000), by=None, now=at(1))
        await deposits.forfeit(session, invoice=invoice, forfeit_bp=10_000, seller_bp=0, now=at(10))
    first, tomas = await browser(await buyer_mail(room, 0)), await browser("tomas@pavilion.example", "zh")
    async with first, tomas:
        shown = re.sub(r"<[^>]+>", "", (await first.get(f"/desk/invoices/{invoice.number}")).text)
        assert "2,000.00 of the deposit were kept" in shown and "stay kept" in shown
        assert "日后补付发票" in (await tomas.get(f"/staff/defaults/{invoice.number}")).text


async def test_what_somebody_bought_after_the_sale_is_offered_to_nobody_else(site):
    room, browser, clock = site
    clock[0] = at(9)
    async with await browser("tomas@pavilion.example") as tomas, await browser(await buyer_mail(room, 0)) as first:
        assert (await offered(tomas, {"lot": room.lots[1]})).status_code == 303
        offer = await one_offer(room)
        act = f"/desk/offers/{offer.public_id}/acceptance"
        assert (await first.post(act, data={"price": str(offer.price_minor)})).status_code == 303
        assert (await tomas.post("/staff/offers", data={"lot": room.lots[1]})).status_code == 409
        assert (await one_offer(room)).id == offer.id


async def offered(tomas, said):
    """The page says to whom and for how much; what it said goes out."""
    asked = await tomas.post("/staff/offers", data=said)
    assert asked.status_code == 200 and "Nothing has been sent yet" in asked.text
    return await tomas.post(
        "/staff/offers", data=said | {"seen": re.search(r'name="seen" value="([^"]+)"', asked.text)[1]}
    )


async def one_offer(room):
    async with room.sessions() as session:
        return (await session.scalars(select(LotOffer).order_by(LotOffer.id.desc()))).first()


async def test_a_passed_lot_is_offered_by_rank_and_the_first_word_takes_it(site):
    room, browser, clock = site
    said, offers = {"lot": room.lots[1]}, "/staff/offers"
    async with await browser("tomas@pavilion.example") as tomas:
        assert (await tomas.post(offers, data=said)).status_code == 409  # its days are over
    clock[0] = at(9)
    async with await browser("tomas@pavilion.example") as tomas, await browser(await buyer_mail(room, 0)) as first:
        assert (await tomas.post(offers, data=said | {"price": "1e5"})).status_code == 422
        refused = await tomas.post(offers, data=said | {"price": "4,800"})
        assert refused.status_code == 422 and "seller has approved" in refused.text
        for price in ({}, {"price": "4,800.00", "approved": "yes"}):  # the reserve; a price that the seller approved
            assert (await offered(tomas, said | price)).status_code == 303
        wrong = said | {"seen": "1 1"}
        assert (await tomas.post(offers, data=wrong)).status_code == 409
        assert (await tomas.post(offers, data=said)).status_code == 409  # nobody is left
        assert "5,000.00" in (await first.get("/desk/offers")).text
        second = await one_offer(room)
        assert (second.company_id, second.price_minor) == (room.buyers[1].company_id, 480_000)
        async with await browser(await buyer_mail(room, 1), "zh") as other:
            bought = await other.post(f"/desk/offers/{second.public_id}/acceptance", data={"price": "480000"})
            assert bought.status_code == 303 and "/INV-" in bought.headers["location"]
        shown = (await first.get("/desk/offers")).text
        assert "Lapsed" in shown and "acceptance" not in shown
        assert "Accepted" in (await tomas.get(offers)).text
    assert await jobs.bill_sold_lots(room.sessions, at(9)) == 0


async def test_a_strike_is_waived_by_two_persons_with_a_reason(site):
    room, browser, _ = site
    page = f"/staff/defaults/{(await the_invoice(room.sessions)).number}"
    async with await browser("lena@pavilion.example", "zh") as lena:
        short = await lena.post(f"{page}/waiver", data={"reason": "no"})
        assert short.status_code == 422 and "aria-invalid" in short.text
        good = await lena.post(f"{page}/waiver", data={"reason": "The bank confirmed its own mistake."})
        assert good.status_code == 303
        proposals = (await lena.get("/staff/proposals")).text
        assert re.search(r"豁免", proposals)
        assert (await lena.post(f"{page}/remedies", data={"lot": room.lots[0], "choice": "relot"})).status_code == 403
