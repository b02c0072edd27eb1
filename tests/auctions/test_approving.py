"""Several registrations approved at once: looked at first, each with its own refusal."""

import re

from sqlalchemy import func, select

from pavilion.accounts import checks
from pavilion.accounts.check_models import CompanyScreening, Screened
from pavilion.accounts.models import Company, Proposal
from pavilion.auctions.models import Registration
from tests.auctions import world
from tests.auctions.test_pages import house as running  # noqa: F401
from tests.make import HOUR, NOON

DAY = 24 * HOUR


async def test_what_was_looked_at_is_approved_and_what_changed_meanwhile_is_not(running):  # noqa: F811
    found = await world.build(running.sessions, 1)
    sale = await world.published(running.sessions, found)
    buyers = [await world.buyer(running.sessions, number) for number in range(4)]
    for buyer, limit in zip(buyers, [5_000_000, 6_000_000, None, 100_000_001], strict=True):
        await world.applied(running.sessions, sale, buyer, asked_minor=limit)
    registrar = await running.browser("rita@pavilion.example")
    picks = re.findall(r'name="pick" value="([^"]+)"', (await registrar.get("/staff/registrations")).text)
    address = "/staff/registrations/approvals"
    late = await registrar.post(address, data={"pick": picks, "until": "2026-03-02T13:00"})  # Brussels: it is noon UTC
    assert "over at once" in late.text and "Approve these" not in late.text
    shown = (await registrar.post(address, data={"pick": picks, "until": "2026-03-02T15:30"})).text
    assert shown.count("15:30") == 3 + 1 and 'name="until" value="2026-03-02T15:30"' in shown
    assert (
        "Approve these 3" in shown and "A lead has to approve it first." in shown and "It asked for no limit" in shown
    )
    states = select(func.count()).select_from(Registration).where(Registration.state == "approved")
    assert await running.first(states) == 0 and await running.first(select(func.count()).select_from(Proposal)) == 1
    sure = re.findall(r'name="pick" value="([^"]+)"', shown)
    assert len(sure) == 3
    await world.applied(running.sessions, sale, buyers[1], asked_minor=9_000_000)
    ends = {"pick": sure, "sure": "true", "until": "2026-03-02T15:30"}
    done = (await registrar.post(address, data=ends)).text
    assert await running.first(select(Registration.approved_until)) == NOON + 2.5 * HOUR
    assert "2 of 3 went through" in done and await running.first(states) == 1
    assert (await registrar.post(address, data={"pick": sure, "sure": "true"})).status_code == 200
    assert await running.first(states) == 1, "said twice, done once"
    assert await running.first(select(Registration.limit_minor).where(Registration.state == "approved")) == 5_000_000
    assert (
        await (await running.browser("noor@pavilion.example")).post(address, data={"pick": sure})
    ).status_code == 403
    assert (await registrar.post(address, data={"pick": ["x"]})).status_code == 422


async def test_an_approval_has_an_end_that_both_sides_read_and_the_company_asks_to_bid_on(running):  # noqa: F811
    found = await world.build(running.sessions, 1)
    sale = await world.published(running.sessions, found)
    wen = await world.buyer(running.sessions)
    row = await world.applied(running.sessions, sale, wen)
    registrar, bidder = await running.browser("rita@pavilion.example"), await running.browser("wen1@lumen.example")
    queue, own = "/staff/registrations", f"/sales/{sale}/registration"
    approval, extension = f"{queue}/{row}/approval", f"{own}/extension"
    for typed, said in (("2026-03-02T13:00", "over at once"), ("2026-03-02", "over at once"), ("soon", "no time of")):
        refused = await registrar.post(approval, data={"limit": "50,000", "until": typed})
        assert refused.status_code == 422 and said in refused.text and f'value="{typed}"' in refused.text
    ended = "You asked on", "Your approval ended on"
    assert (await bidder.post(extension)).status_code == 409, "nothing has ended"
    done = await registrar.post(approval, data={"limit": "50,000", "until": "2026-03-02T15:30"})  # Brussels, UTC+1
    assert done.status_code == 303
    assert await running.first(select(Registration.approved_until)) == NOON + 2.5 * HOUR
    told = (await bidder.get(own)).text
    assert "Approved until" in told and "15:30" in told and not any(words in told for words in ended)
    running.app.state.clock = lambda: NOON + 2.5 * HOUR
    assert "Your approval ended on" in (await bidder.get(own)).text
    assert "Ask to bid on" in (await bidder.get("/desk")).text
    assert "asks to bid on" not in (await registrar.get(queue)).text, "an end alone is no work for the registrar"
    for _ in range(2):
        assert (await bidder.post(extension, data={"note": "Two lots more."})).status_code == 303
    assert "You asked on" in (await bidder.get(own)).text
    asks = (await registrar.get(queue)).text
    assert "asks to bid on" in asks and "Two lots more." in asks and asks.count("data-row") == 1
    assert (await registrar.post(f"{queue}/{row}/end", data={"until": "2026-03-02T15:30"})).status_code == 422
    assert (await registrar.post(f"{queue}/{row}/end", data={"until": "2026-03-02T18:00"})).status_code == 303
    assert "asks to bid on" not in (await registrar.get(queue)).text
    assert "You may bid in this sale" in (await bidder.get(own)).text
    assert (await registrar.post(f"{queue}/{row}/end", data={"until": ""})).status_code == 303
    assert await running.first(select(Registration.approved_until)) is None
    stranger = await world.buyer(running.sessions, 2)
    assert stranger.company_id != wen.company_id
    assert (await (await running.browser("wen2@lumen.example")).post(extension)).status_code == 404


async def test_the_checks_of_a_company_stand_in_the_queue_and_warn_who_would_approve_it(running):  # noqa: F811
    found = await world.build(running.sessions, 1)
    sale = await world.published(running.sessions, found)
    await world.applied(running.sessions, sale, await world.buyer(running.sessions))
    queue = "/staff/registrations"
    registrar = await running.browser("rita@pavilion.example")
    shown = (await registrar.get(queue)).text
    assert "never screened" in shown and "was never held against the sanctions list" in shown
    async with running.sessions() as session:
        firm = await session.scalar(select(Company).where(Company.name == "Lumen Trading 1"))
    at = f"/staff/companies/{firm.public_id}"
    assert f'href="{at}/checks"' in shown and "none entered" in shown

    async def screened(day, outcome=Screened.CLEAR, version="L-7"):
        async with running.sessions.begin() as session:
            hit = [] if outcome == Screened.CLEAR else [{"name": "Lumen Trading 1", "entry": "S-1"}]
            return await checks.screened(
                session, company=firm, found=hit, outcome=outcome, names=["Lumen Trading 1"], version=version,
                issued="2026-02-01", sha256="0" * 64, simulated=True, now=day,
            )  # fmt: skip

    await screened(NOON - 8 * DAY)
    old = (await registrar.get(queue)).text
    assert "not listed" in old and "list L-7" in old and "more than 7 days ago" in old
    await screened(NOON - DAY)
    fresh = (await registrar.get(queue)).text
    assert "days ago" not in fresh and "1 March 2026" in fresh and "warns-" not in fresh
    assert await running.first(select(func.count(CompanyScreening.id))) == 1, "the same word moves its day"
    await screened(NOON, Screened.RESEMBLES, "L-8")
    assert "very like one on the sanctions list" in (await registrar.get(queue)).text

    said = {
        "referee": "Van Dael & Zonen",
        "confirmed_by": "Mia Van Dael",
        "confirmed_on": "2026-02-20",
        "words": "Fair",
    }
    for wrong in ({"referee": ""}, {"confirmed_on": "2026-03-03"}, {"confirmed_on": "2026-02-30"}):
        assert (await registrar.post(f"{at}/references", data=said | wrong)).status_code == 422
    assert (await registrar.post(f"{at}/references", data=said)).status_code == 303
    assert "Van Dael &amp; Zonen, 20 February 2026" in (await registrar.get(queue)).text
    page = (await registrar.get(f"{at}/checks")).text
    assert "Mia Van Dael" in page and "L-8" in page and "S-1" in page and "Rita" in page
    withdrawal = re.search(r"references/\w+/withdrawal", page)[0]
    for _ in range(2):
        assert (await registrar.post(f"{at.rsplit('/', 1)[0]}/{firm.public_id}/{withdrawal}")).status_code == 303
    assert "none entered" in (await registrar.get(queue)).text
    for nobody in ("noor@pavilion.example", "wen1@lumen.example"):
        other = await running.browser(nobody)
        assert (await other.get(f"{at}/checks")).status_code == 403
        assert (await other.post(f"{at}/references", data=said)).status_code == 403
    await screened(NOON + HOUR, Screened.LISTED, "L-9")
    picks = re.findall(r'name="pick" value="([^"]+)"', (await registrar.get(queue)).text)
    preview = (await registrar.post(f"{queue}/approvals", data={"pick": picks})).text
    assert "stands on the sanctions list. Compliance has to look" in preview and "Approve these" not in preview
    one = await registrar.post(f"{queue}/{picks[0].split('~')[0]}/approval", data={"limit": "50,000"})
    assert one.status_code == 409 and await running.first(select(Registration.state)) == "applied"
