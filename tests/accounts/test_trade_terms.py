"""A company's trade limit is raised by two persons and lowered by one; what its silence means is set by staff."""

from sqlalchemy import select

from pavilion.accounts import service as accounts
from pavilion.accounts import trade_terms
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Role
from pavilion.kernel.events import Event
from tests import make
from tests.make import NOON
from tests.trading.test_pages import Site, site  # noqa: F401 - a fixture


async def test_a_limit_goes_up_by_two_persons_and_down_by_one(site: Site):  # noqa: F811
    async with site.sessions.begin() as session:
        firm = await make.company(session, "Lumen", "HK")
        lena = await make.actor(session, "lena@pavilion.example", (Role.LEAD,))
        await make.actor(session, "rita@pavilion.example", (Role.REGISTRAR,))
        await make.actor(session, "wen@lumen.example", (Role.BUYER,), firm)
    at = f"/staff/companies/{firm.public_id}/trade"

    async def stands():
        async with site.sessions() as session:
            row = await session.get_one(Company, firm.id)
            return row.trade_limit_minor, row.trade_currency, row.silence_refuses

    async with await site.browser("rita@pavilion.example") as rita, await site.browser("wen@lumen.example") as wen:
        assert (await wen.get(at)).status_code == 403
        assert at in (await rita.get("/staff/companies")).text and "0.00" in (await rita.get(at)).text
        wrong = await rita.post(f"{at}/limit", data={"limit": "much", "currency": "EUR"})
        assert wrong.status_code == 422 and "autofocus" in wrong.text
        asked = await rita.post(f"{at}/limit", data={"limit": "50,000.00", "currency": "EUR"})
        assert asked.headers["location"] == f"{at}?done=proposed" and await stands() == (0, "USD", False)
        assert "Trade limit of Lumen: EUR 50,000.00" in (await rita.get("/staff/proposals")).text
        async with site.sessions.begin() as session:
            proposal = await session.get_one(accounts.Proposal, 1)
            await accounts.decide(
                session, proposal_id=proposal.public_id, approve=True, actor=lena, now=NOON,
                handlers=trade_terms.PROPOSAL_HANDLERS,
            )  # fmt: skip
        assert await stands() == (5_000_000, "EUR", False)
        await rita.post(f"{at}/limit", data={"limit": "1", "currency": "EUR"})
        await rita.post(f"{at}/silence", data={"silence": "refuses"})
        assert await stands() == (100, "EUR", True)
        assert (await rita.post(f"{at}/silence", data={"silence": "x"})).status_code == 422
    async with site.sessions() as session:
        said = [row for row in await session.scalars(select(Event)) if row.name.endswith("_set")]
    assert [(row.name, row.facts) for row in said] == [
        ("company:limit_set", {}), ("company:limit_set", {}), ("company:silence_set", {"refuses": True}),
    ]  # fmt: skip
