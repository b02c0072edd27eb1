"""A company says where it sits; papers name it, those of before stay, and none of the customs is set without it."""

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from pavilion.accounts import addressing
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Role
from pavilion.kernel.errors import NotAllowed
from pavilion.settlement import document, papers, release_queries, releasing
from tests import make
from tests.make import NOON
from tests.settlement import releases


async def test_the_administrator_moves_the_company_and_every_address_is_kept(sessions):
    async with sessions.begin() as session:
        firm = await make.company(session)
        chief = await make.actor(session, "wen@lumen.example", (Role.BUYER, Role.COMPANY_ADMIN), firm)
        buyer = await make.actor(session, "mei@lumen.example", (Role.BUYER,), firm)
    said = {"street": "8 Queen's Road", "postcode": "", "city": "Central"}
    for actor in (chief, chief):  # said twice
        async with sessions.begin() as session:
            await addressing.change(session, **said, actor=actor, now=NOON)
    async with sessions.begin() as session:
        with pytest.raises(NotAllowed):
            await addressing.change(session, **said, actor=buyer, now=NOON)
        lines = await addressing.history(session, firm.id)
        assert [(one.address.street, one.by) for one in lines] == [("8 Queen's Road", "Wen"), ("12 Hollywood Road", "")]
    with pytest.raises(DBAPIError):
        async with sessions.begin() as session:
            await session.execute(text("update company_addresses set street = ''"))


async def test_goods_cross_no_border_without_a_street_and_papers_of_before_keep_what_they_say(sqlite_sessions):
    sessions = sqlite_sessions
    case = await releases.issued_sale(sessions)
    async with sessions.begin() as session:  # an invoice of before the house asked for a street
        invoice = await releases.loaded(session, case)
        kept = {name: invoice.facts["buyer"][name] for name in ("name", "city", "country", "tax_no")}
        assert invoice.facts["buyer"]["street"] == "12 Hollywood Road"
        await session.execute(update(Company).values(street=""))
    async with sessions.begin() as session:
        invoice = await releases.loaded(session, case)
        invoice.facts = {**invoice.facts, "buyer": kept}
    await releases.paid(sessions, case)
    with pytest.raises(releasing.StreetMissing):
        await releases.packed(sessions, case, releases.SENT)
    async with sessions.begin() as session:
        assert not await release_queries.street_missing(session, await releases.loaded(session, case), "BE")
        await session.execute(update(Company).values(street="8 Queen's Road", city="Central"))
    await releases.act(sessions, case, releasing.pack, carrier="Malca-Amit", insured_minor=2_000_000)
    async with sessions() as session:
        (release,) = await session.scalars(select(papers.Release))
        parcel = await papers.parcel_of(session, release, releases.BASE, NOON)
        for tongue in releases.TONGUES.values():
            told = str(papers.data_of("commercial_invoice", parcel, tongue)["parties"][1])
            assert "8 Queen's Road" in told
            assert "Queen" not in str(document.data_of(await release_queries.invoice_of(session, release), tongue))
