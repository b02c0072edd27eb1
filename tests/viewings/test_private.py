"""People without a company, visitors' own links, passes and declarations, and notes that nobody else reads."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from pavilion.accounts.models import Company, PersonRole
from pavilion.kernel.events import Event
from pavilion.viewings.desk_models import ViewingNote
from pavilion.viewings.models import Appointment, AppointmentVisitor
from pavilion.viewings.place_models import Regime
from pavilion.viewings.private_models import PrivateViewer
from tests.make import PASSWORD
from tests.viewings.buyers import DAY, HOUR, ILSE, NOW, OPENS, VIC, WEN, browser, key_in, slot, wish
from tests.viewings.test_pages import VISITOR, booked

pytestmark = pytest.mark.asyncio(loop_scope="module")
ADA = "ada@nowhere.example"
ASKING = {"name": "Ada Lovell", "email": ADA, "country": "GB", "words": "A pink stone", "password": PASSWORD}
STAFF = "/staff/viewings/private-viewers"


async def one(app, kind, *where):
    async with app.state.sessions() as session:
        return await session.scalar(select(kind).where(*where))


async def test_who_asks_to_come_books_once_the_office_has_said_yes(house):
    async with browser(house) as nobody, browser(house, VIC) as vic:
        wrong = await nobody.post("/viewings/apply", data=ASKING | {"password": "short", "office": "hkg"})
        assert wrong.status_code == 422 and "A pink stone" in wrong.text and "short" not in wrong.text
        assert (await nobody.post("/viewings/apply", data=ASKING | {"office": "xxx"})).status_code == 422
        asked = await nobody.post("/viewings/apply", data=ASKING | {"office": "hkg"})
        assert asked.status_code == 303
        told = (await nobody.get(asked.headers["location"])).text
        assert "The office answers" in told and "bidding opens" not in told
        again = await nobody.post("/viewings/apply", data=ASKING | {"office": "hkg"})
        assert again.status_code == 422, "an address that is known asks no second time"
        async with browser(house, ADA) as ada:
            refused = await ada.post("/viewings/holds", data=wish(house))
            assert refused.status_code == 409 and "approv" in refused.text.lower()
            page = await vic.get(STAFF)
            assert "Ada Lovell" in page.text and "A pink stone" in page.text
            asked = await one(house, PrivateViewer)
            for _ in range(2):
                assert (await vic.post(f"{STAFF}/{asked.public_id}/approval")).status_code == 303
            assert (await ada.post("/viewings/holds", data=wish(house, key="a" * 9))).status_code == 303
            assert (await ada.get(STAFF)).status_code == 403
    assert (await one(house, Company, Company.name == "Ada Lovell")).state == "approved"
    async with house.state.sessions() as session:
        roles = await session.scalars(select(PersonRole.role).where(PersonRole.role.in_(["buyer", "company_admin"])))
        assert list(roles) == ["buyer", "buyer"], "of the two firms: a private viewer neither bids nor admits others"


async def test_who_is_invited_sets_a_password_and_books(house):
    async with browser(house, VIC) as vic, browser(house) as nobody:
        assert (
            await vic.post(STAFF, data={"key": "i" * 9, "name": "Ada", "email": ADA, "office": "ant"})
        ).status_code == 404
        made = await vic.post(STAFF, data={"key": "i" * 9, "name": "Ada", "email": ADA, "office": "hkg"})
        first = re.search(r'href="http://pavilion.test(/viewings/invitation/[^"]+)"', made.text)[1]
        made = await vic.post(STAFF, data={"key": "j" * 9, "name": "Ada Lovell", "email": ADA, "office": "hkg"})
        link = re.search(r'href="http://pavilion.test(/viewings/invitation/[^"]+)"', made.text)[1]
        assert (await nobody.get(first)).status_code == 404, "a new invitation voids the old one"
        assert ADA in (await nobody.get(link)).text
        form = {"name": "Ada Lovell", "country": "GB", "password": PASSWORD}
        assert (await nobody.post(link, data=form | {"password": "x"})).status_code == 422
        assert (await nobody.post(link, data=form)).status_code == 303
        assert (await nobody.post(link, data=form)).status_code == 409
        async with browser(house, ADA) as ada:
            assert (await ada.post("/viewings/holds", data=wish(house))).status_code == 303
    assert link.rsplit("/", 1)[1] not in str(vars(await one(house, PrivateViewer))), "only its hash is kept"


async def test_an_invitation_that_lay_too_long_opens_nothing(house):
    async with browser(house, VIC) as vic, browser(house) as nobody:
        made = await vic.post(STAFF, data={"key": "i" * 9, "name": "Ada", "email": ADA, "office": "hkg"})
        link = re.search(r'href="http://pavilion.test(/viewings/invitation/[^"]+)"', made.text)[1]
        house.state.hands.now = NOW + timedelta(days=14)
        assert (await nobody.get(link)).status_code == 409


async def test_a_shared_link_opens_the_own_visit_and_nothing_else(house):
    async with browser(house, WEN) as client, browser(house) as nobody:
        at = await booked(client, house, **VISITOR)
        row, visitor = await one(house, Appointment), await one(house, AppointmentVisitor)
        lena = re.search(r"/links/(\w{26})", (await client.get(at)).text)[1]
        made = await client.post(f"{at}/links/{lena}")
        link = re.search(r'href="http://pavilion.test(/viewings/link/[^"]+)"', made.text)[1]
        page = await nobody.get(link)
        assert page.status_code == 200 and "Ring twice." in page.text and "Lena Maes" in page.text
        for secret in (row.number, row.public_id, "Lumen", "Lot", *house.state.stones, "GIA", "Desk 1"):
            assert secret not in page.text
        assert page.headers["referrer-policy"] == "no-referrer"
        passed = await nobody.post(f"{link}/pass")
        assert passed.status_code == 303 and passed.headers["location"].startswith("/viewings/pass/")
        again = await client.post(f"{at}/links/{lena}")
        assert (await nobody.get(link)).status_code == 404, "a new link voids the old one"
        assert again.status_code == 200 and (await nobody.get("/viewings/link/x")).status_code == 404
        kept = await one(house, AppointmentVisitor)
        assert kept.link_sha256 and kept.link_sha256 != visitor.link_sha256
    async with house.state.sessions() as session:
        told = str([event.facts for event in await session.scalars(select(Event))])
    assert "Lena" not in told and "1980" not in told, "no name of a visitor stands in an event"


async def test_a_declaration_is_signed_within_a_day_of_the_start(house):
    async with house.state.sessions.begin() as session:
        session.add(Regime(office_id="hkg", starts_at=NOW, ends_at=NOW + 30 * DAY, declaration=True, at=NOW))
    async with browser(house, WEN) as client:
        at = await booked(client, house)
        early = await client.post(f"{at}/declaration", data={"key": "d" * 9})
        assert early.status_code == 409 and "It can be signed from" in early.text
        house.state.hands.now = OPENS - 20 * HOUR
        await client.post("/sign-in", data={"email": WEN, "password": PASSWORD})
        for _ in range(2):
            assert (await client.post(f"{at}/declaration", data={"key": "e" * 9})).status_code == 303
    row = await one(house, Appointment)
    assert row.declaration_at == OPENS - 20 * HOUR


async def test_a_note_is_read_by_its_company_and_nobody_else(house):
    async with browser(house, WEN) as client, browser(house, ILSE) as other:
        at = await booked(client, house)
        stone = house.state.stones[0]
        key = key_in((await client.get(at)).text)
        for _ in range(2):
            said = await client.post(f"{at}/notes", data={"key": key, "stone": stone, "words": "a nick at the girdle"})
            assert said.status_code == 303
        kept = {"key": key, "stone": stone, "words": "and a feather"}  # the page that was kept open, sent once more
        assert (await client.post(f"{at}/notes", data=kept)).status_code == 303
        page = (await client.get(at)).text
        assert (page.count("a nick at the girdle"), page.count("and a feather")) == (1, 1)
        empty = await client.post(f"{at}/notes", data={"key": "f" * 9, "stone": stone, "words": " "})
        assert empty.status_code == 422
        foreign = {"key": "f" * 9, "stone": house.state.stones[2], "words": "not of this viewing"}
        assert (await client.post(f"{at}/notes", data=foreign)).status_code == 404
        theirs = await booked(other, house, slot=slot(start=OPENS + HOUR))
        assert "a nick" not in (await other.get(theirs)).text
        note = await one(house, ViewingNote, ViewingNote.words.startswith("a nick"))
        assert (await other.post(f"{theirs}/notes/{note.public_id}/erasure")).status_code == 404
        assert (await client.post(f"{at}/notes/{note.public_id}/erasure")).status_code == 303
        assert "a nick" not in (await client.get(at)).text
    assert (await one(house, ViewingNote, ViewingNote.id == note.id)).words == ""


async def test_an_erased_visitor_opens_nothing(house):
    from pavilion.viewings.models import Visitor

    async with browser(house, WEN) as client, browser(house) as nobody:
        at = await booked(client, house, **VISITOR)
        lena = re.search(r"/links/(\w{26})", (await client.get(at)).text)[1]
        link = re.search(r"/viewings/link/[\w-]+", (await client.post(f"{at}/links/{lena}")).text)[0]
        async with house.state.sessions.begin() as session:
            await session.execute(update(Visitor).values(name="", born=None, erased_at=NOW))
        assert (await nobody.get(link)).status_code == 404
        assert "erased" in (await client.get(at)).text
    async with house.state.sessions() as session:
        assert await session.scalar(select(func.count(Visitor.id))) == 1
