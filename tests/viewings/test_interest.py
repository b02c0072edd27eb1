"""Interest in lots: curators see it whole, sellers of three companies or more, and bidders never and nowhere."""

import re
from pathlib import Path

import pytest
from sqlalchemy import select, update

from pavilion import viewings
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Role
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import SaleState
from pavilion.viewings import interest
from pavilion.viewings.interest import Interest, OfLot, for_seller
from pavilion.viewings.models import WaitEntry
from pavilion.viewings.states import AppointmentState
from pavilion.webkit.static import frontend
from tests import make
from tests.make import HOUR, NOON
from tests.viewings.desk_house import DAY, opened, shown


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    async with opened(sqlite_database_url, tmp_path) as one:
        yield one


def lot(*companies, minutes=10, coming=()):
    interest = Interest()
    for company in companies:
        interest.count("viewings", company)
        interest.count("minutes", company, minutes)
    for company in coming:
        interest.count("coming", company)
    return OfLot(Lot(consignor_company_id=9), interest)


def test_a_seller_reads_no_figure_of_fewer_than_three_companies_nor_reckons_one():
    told = for_seller(None, [lot(1, 2, 3), lot(1, 2), lot(4)])
    assert len(told.lots) == 1 and told.rest["viewings"] == 3 and told.rest["minutes"] == 30
    assert for_seller(None, [lot(1, 2, 3), lot(1, 2), lot(1)]).rest is None
    assert for_seller(None, [lot(1, 2, 3), lot(1)]).rest is None
    assert for_seller(None, []).lots == []
    own = for_seller(None, [lot(1, 2, 9), lot(2, 9)])  # it knows its own visits, and could take them away
    assert own.lots == [] and own.rest is None


def test_three_companies_of_several_figures_are_not_three_of_one():
    one = lot(1, coming=(2, 3))
    assert for_seller(None, [one]).lots == []
    ((_, cells),) = for_seller(None, [lot(1, 2, 3, coming=(4,))]).lots
    assert cells == {"viewings": 3, "minutes": 30, "coming": None, "waiting": None}
    both = for_seller(None, [lot(1, 2, 3, coming=(4,)), lot(1, coming=(5, 6))])
    assert both.rest == {"viewings": None, "minutes": None, "coming": 3, "waiting": None}


async def test_curators_read_figures_sellers_what_is_of_three_and_bidders_nothing(house):
    async with house.sessions.begin() as session:
        buyers = []
        for n in range(3):
            company = await make.company(session, f"Buyer {n}")
            buyers.append(await make.person(session, f"buyer{n}@x.example", firm=company))
        for n, person in enumerate(buyers):
            row = await shown(session, person, NOON - (n + 1) * DAY, house.stones[0], state=AppointmentState.DONE)
            row.checked_in_at, row.finished_at = row.starts_at, row.starts_at + HOUR
        session.add(WaitEntry(
            public_id="01WAIT00000000000000000000", company_id=buyers[0].company_id, desk_id="ant-d3",
            starts_at=NOON + DAY, ends_at=NOON + DAY + HOUR, party=1, wish={"stones": house.stones[:2]},
            created_at=NOON, request_key="w",
        ))  # fmt: skip
    noor = await house.browser("noor@pavilion.example")
    async with noor:
        page = await noor.get("/staff/viewings/interest", params={"sale": house.sale})
        assert page.status_code == 200 and ">180<" in page.text, page.text
        assert (await noor.get("/staff/viewings/interest", params={"sale": "01NOBODY"})).status_code == 404
    for email in ("wen@lumen.example", "buyer0@x.example", "vic@pavilion.example"):
        async with await house.browser(email) as reader:
            assert (await reader.get("/staff/viewings/interest", params={"sale": house.sale})).status_code == 403
            assert (await reader.get("/stock/interest")).status_code == 403
    async with house.sessions.begin() as session:
        await session.execute(update(Sale).values(state=SaleState.CLOSED, rules_hash="0" * 64, rules={}))
        firm = await session.get_one(Company, await session.scalar(select(Lot.consignor_company_id).limit(1)))
        await make.person(session, "kagiso@karowe.example", (Role.SUPPLIER,), firm)
    async with await house.browser("kagiso@karowe.example") as seller:
        own = (await seller.get("/stock/interest")).text
        assert ">180<" in own and "fewer than three companies" in own, own


def test_no_page_or_api_of_a_bidder_can_reach_it():
    """Only its own two pages ask for it, and the board of a sale with its suggested order, to which `main.py` hands the
    counts; no page but theirs shows its words."""
    package = Path(viewings.__file__).parents[1]
    asks = re.compile(r"viewings\.interest\b|from pavilion\.viewings import [^\n]*\binterest\b|^    interest,$", re.M)
    found = {p.name for p in package.rglob("*.py") if asks.search(p.read_text())}
    assert found == {"interest_routes.py", "main.py"}
    takes = re.compile(r"info.get\(\"figures\"\)")
    assert {p.name for p in package.rglob("*.py") if takes.search(p.read_text())} == {"board.py", "ordering_facts.py"}
    for path in (frontend() / "templates").rglob("*.html"):
        if not path.name.startswith("interest"):
            assert ".interest." not in path.read_text(), path
    assert interest.LEAST_COMPANIES == 3
