"""What became of stones on a company's shortlists reaches its people, all of them and nobody else, once."""

from sqlalchemy import select

from pavilion.accounts.models import Person
from pavilion.accounts.rules import Role
from pavilion.catalogue import service, shortlists
from pavilion.catalogue.models import CommitmentKind
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import shortlist_notices
from pavilion.notifications.models import NoticeWishes
from pavilion.notifications.rules import Channel, Kind
from pavilion.notifications.wording import Author
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from tests import make
from tests.catalogue import stones
from tests.make import NOON

AUTHOR = Author(pages_of(static.frontend()), "https://pavilion.example", b"secret")


async def test_each_of_a_company_hears_once_of_what_became_of_its_stones_and_nobody_else(sessions):
    async def mails():
        async with sessions() as session:
            rows = (await session.scalars(select(Outbox).where(Outbox.kind == Channel.MAIL).order_by(Outbox.id))).all()
            people = dict((await session.execute(select(Person.id, Person.email))).all())
            worded = [await AUTHOR.worded(session, row.payload, Channel.MAIL) for row in rows]
        return {
            people[row.payload["person"]].split("@")[0]: said and AUTHOR.plain(said)
            for row, said in zip(rows, worded, strict=True)
        }

    async with sessions.begin() as session:
        firm, other = await make.company(session, name="Supplier BV"), await make.company(session, name="Other")
        lumen = await make.company(session, name="Lumen")
        stock = await stones.listed(session, [stones.row(n, price_total_minor=600_000) for n in range(1, 7)], firm.id)
        wen = await make.actor(session, "wen@lumen.example", (Role.BUYER,), lumen)
        await make.person(session, "vera@lumen.example", (Role.VIEWER,), lumen)
        mute = await make.person(session, "mute@lumen.example", (Role.BUYER,), lumen)
        session.add(NoticeWishes(person_id=mute.id, mail_off=[Kind.SHORTLIST], push_off=[], changed_at=NOON))
        await make.person(session, "otto@other.example", (Role.BUYER,), other)
        member = shortlists.member_of(wen)
        chosen = [one.public_id for one in stock[:5]]
        await shortlists.add(session, wen, chosen, to=None, otherwise="Spring", now=NOON)
        await shortlists.take_off(session, member, [stock[4].public_id], NOON)
    assert await shortlist_notices.follow(sessions, NOON) == 0, "a house that begins to tell begins with what is new"

    async with sessions.begin() as session:
        cheaper = [stones.row(n, price_total_minor=500_000) for n in (1, 5, 6)]
        await service.store_stones(session, cheaper, supplier_company_id=firm.id, now=NOON)
        for one, kind in ((stock[1], CommitmentKind.IN_SALE), (stock[2], CommitmentKind.SOLD)):
            said = {"stone": one.public_id, "kind": kind, "ref": one.public_id, "facts": {}}
            await service.commit_stone(session, **said, by=None, now=NOON)
        gone = {"supplier_company_id": firm.id, "stock_nos": [stock[3].stock_no], "by": None}
        await service.withdraw_stones(session, **gone, now=NOON)
    assert await shortlist_notices.Following(sessions).tick(NOON) > 0
    assert await shortlist_notices.follow(sessions, NOON) == 0
    told = await mails()
    assert set(told) == {"wen", "vera"}
    for name, count, price in (("wen", 4, True), ("vera", 3, False)):
        text = told[name]
        assert ("another price" in text, "USD 5,000.00" in text) == (price, price)
        assert text.count("GIA 2") == count - 1 and "2000000004" not in text and "Shown no more: 1" in text
        assert "2000000002: put into a sale" in text
        assert "2000000003: sold\n" in text, "what a sold one asked is told to nobody"
