"""Several registrations approved at once: looked at first, each with its own refusal."""

import re

from sqlalchemy import func, select

from pavilion.accounts.models import Proposal
from pavilion.auctions.models import Registration
from tests.auctions import world
from tests.auctions.test_pages import house as running  # noqa: F401


async def test_what_was_looked_at_is_approved_and_what_changed_meanwhile_is_not(running):  # noqa: F811
    found = await world.build(running.sessions, 1)
    sale = await world.published(running.sessions, found)
    buyers = [await world.buyer(running.sessions, number) for number in range(4)]
    for buyer, limit in zip(buyers, [5_000_000, 6_000_000, None, 100_000_001], strict=True):
        await world.applied(running.sessions, sale, buyer, asked_minor=limit)
    registrar = await running.browser("rita@pavilion.example")
    picks = re.findall(r'name="pick" value="([^"]+)"', (await registrar.get("/staff/registrations")).text)
    address = "/staff/registrations/approvals"
    shown = (await registrar.post(address, data={"pick": picks})).text
    assert (
        "Approve these 3" in shown and "A lead has to approve it first." in shown and "It asked for no limit" in shown
    )
    states = select(func.count()).select_from(Registration).where(Registration.state == "approved")
    assert await running.first(states) == 0 and await running.first(select(func.count()).select_from(Proposal)) == 1
    sure = re.findall(r'name="pick" value="([^"]+)"', shown)
    assert len(sure) == 3
    await world.applied(running.sessions, sale, buyers[1], asked_minor=9_000_000)
    done = (await registrar.post(address, data={"pick": sure, "sure": "true"})).text
    assert "2 of 3 went through" in done and await running.first(states) == 1
    assert (await registrar.post(address, data={"pick": sure, "sure": "true"})).status_code == 200
    assert await running.first(states) == 1, "said twice, done once"
    assert await running.first(select(Registration.limit_minor).where(Registration.state == "approved")) == 5_000_000
    assert (
        await (await running.browser("noor@pavilion.example")).post(address, data={"pick": sure})
    ).status_code == 403
    assert (await registrar.post(address, data={"pick": ["x"]})).status_code == 422
