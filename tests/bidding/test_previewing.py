"""Preview as buyer: the buyer's own page before anybody else sees it, in both languages, at any instant, untraced."""

import re
from dataclasses import replace

from sqlalchemy import func, select

from pavilion.accounts.models import Company
from pavilion.auctions import curation
from pavilion.auctions.formats import USUAL_TENDER
from pavilion.auctions.models import Sale
from pavilion.kernel.events import Event
from tests.auctions import world
from tests.auctions.test_pages import house as house
from tests.make import NOON

SEEN = "Preview, seen by nobody else."


async def opened(house, sale, path="", who="noor@pavilion.example", **said):
    async with await house.browser(who) as browser:
        return await browser.get(f"/staff/sales/{sale}/preview{path}", params=said)


async def test_a_draft_is_seen_as_a_visitor_and_as_a_buyer_would_see_it_in_both_languages(house):
    found = await world.build(house.sessions, 3)
    wen = await world.buyer(house.sessions)
    sale = await world.draft(house.sessions, found)
    before = await house.first(select(func.count()).where(Event.subject == sale))
    answer = await opened(house, sale)
    assert answer.status_code == 200 and SEEN in answer.text and "Spectral IV" in answer.text
    assert "visitor who is not signed in" in answer.text and "Sign in to bid" in answer.text
    assert answer.text.count("data-card=") == 3 and "5,000–7,000" in answer.text
    company = await house.first(select(Company.public_id).where(Company.id == wen.company_id))
    buyers = await opened(house, sale, company=company, lang="zh")
    assert "光谱四" in buyers.text and "Lumen Trading 1" in buyers.text and 'lang="zh-Hans"' in buyers.text
    (lot, *_) = await world.order(house.sessions, sale)
    assert f'/preview/lots/{lot}?company={company}&amp;lang=zh&amp;at="' in buyers.text
    page = await opened(house, sale, f"/lots/{lot}", company=company)
    assert page.status_code == 200 and SEEN in page.text and "Register for this sale" in page.text
    assert await house.first(select(func.count()).where(Event.subject == sale)) == before
    assert (await opened(house, sale, "/choice", company=company)).text.count("selected") >= 2


async def test_nothing_acts_from_a_preview_and_no_link_leads_to_a_page_that_is_not_there(house):
    found = await world.build(house.sessions, 2)
    sale = await world.draft(house.sessions, found)
    (lot, *_) = await world.order(house.sessions, sale)
    for path in ("", f"/lots/{lot}"):
        answer = await opened(house, sale, path)
        policy = answer.headers["content-security-policy"]
        assert all(f"{what} 'none'" in policy for what in ("script-src", "connect-src", "form-action"))
        assert policy.count("script-src") == 1 and answer.headers["cache-control"] == "no-store"
        assert not re.search(rf'href="/(sales|lots)/({sale}|{lot})', answer.text)
    async with await house.browser("noor@pavilion.example") as browser:
        links = re.findall(r'href="(/staff/[^"]*|\?[^"]*)"', (await opened(house, sale)).text)
        for link in {one.replace("&amp;", "&") for one in links}:
            to = link if link.startswith("/") else f"/staff/sales/{sale}/preview{link}"
            assert (await browser.get(to)).status_code == 200, link


async def test_the_instant_is_chosen_by_the_clock_of_the_sale(house):
    found = await world.build(house.sessions, 2)
    sale = await world.draft(house.sessions, found)
    for at, word in (("2020-01-01T10:00:00", "Not open yet"), ("2030-01-20T10:00:00", "Counting last bids")):
        assert word in (await opened(house, sale, at=at)).text
    assert (await opened(house, sale, at="yesterday")).status_code == 422


async def test_a_published_sale_is_previewed_too_and_each_format_has_its_pages(house):
    found = await world.build(house.sessions, 2)
    sale = await world.published(house.sessions, found)
    answer = await opened(house, sale)
    assert answer.status_code == 200 and SEEN in answer.text
    wen = await world.buyer(house.sessions)
    company = await house.first(select(Company.public_id).where(Company.id == wen.company_id))
    assert (await opened(house, sale, company=company)).status_code == 403  # its limit is for those who decide it
    async with house.sessions.begin() as session:
        more = await world.stones(session, found.supplier, 2, first=50)
        await world.expose(session, more)
    for kind in ("clerked", "tender", "collection"):
        options = {"options": {"tender": USUAL_TENDER | {"sealed": False}}} if kind == "tender" else {}
        said = await world.draft(house.sessions, replace(found, stones=more), type=kind, **options)
        answer = await opened(house, said)
        assert answer.status_code == 200 and SEEN in answer.text, kind
        (lot, *_) = await world.order(house.sessions, said)
        assert (await opened(house, said, f"/lots/{lot}")).status_code == (404 if kind == "collection" else 200)


async def test_who_builds_no_sales_has_no_preview_and_a_sale_without_instants_has_no_page(house):
    found = await world.build(house.sessions, 2)
    wen = await world.buyer(house.sessions)
    assert wen.company_id is not None
    sale = await world.draft(house.sessions, found)
    assert (await opened(house, sale, who="wen1@lumen.example")).status_code == 403
    assert (await opened(house, "01KJ8Q3V5W9X7Y2Z4A6B8C0D1E")).status_code == 404
    async with house.sessions.begin() as session:
        row = await session.scalar(select(Sale).where(Sale.public_id == sale))
        values = {"opens_at": None, "first_close_at": None}
        await curation.change_sale(
            session, sale=sale, version=row.version, values=values, actor=found.curator, now=NOON
        )
    answer = await opened(house, sale)
    assert answer.status_code == 409 and "Set them in the settings" in answer.text
