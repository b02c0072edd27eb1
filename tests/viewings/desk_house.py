"""A house with three stones in the lots of a draft, two of them in Antwerp, where Vic works; Wen has an appointment."""

from contextlib import asynccontextmanager
from datetime import timedelta

from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import update

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Person
from pavilion.accounts.rules import Role
from pavilion.accounts.sign_in import COOKIE
from pavilion.kernel.db import create_engine
from pavilion.main import build_web, sessions_of
from pavilion.settings import Settings
from pavilion.viewings.stone_models import Stay
from tests import make
from tests.auctions import world
from tests.make import NOON
from tests.viewings import booked

DAY = timedelta(days=1)
HOME = "http://pavilion.test"
STONE = "01STONE0000000000000000000"


async def at_home(session, stone=STONE, office="ant", **changes):
    await booked.exist(session, stone)
    stay = Stay(stone=stone, office_id=office, pack_min=30, unpack_min=60, by="house", at=NOON, **changes)
    session.add(stay)
    await session.flush()
    return stay


async def shown(session, person, start, *stones, **changes):
    row = await booked.appointment(session, person, office="ant", start=start, pad_before=0, pad_after=15, **changes)
    await booked.lines(session, row, stones or (STONE,))
    return row


class House:
    def __init__(self, app, sessions, stones, sale):
        self.app, self.sessions, self.stones, self.sale = app, sessions, stones, sale

    async def browser(self, email, lang="en"):
        async with self.sessions.begin() as session:
            await session.execute(update(Person).where(Person.email == email).values(lang=lang))
            token = await accounts.sign_in(session, email=email, password=make.PASSWORD, browser="t", now=NOON)
        return AsyncClient(
            transport=ASGITransport(self.app), base_url=HOME, cookies={"lang": lang, COOKIE: token},
            headers={"sec-fetch-site": "same-origin"},
        )  # fmt: skip


@asynccontextmanager
async def opened(url, folder):
    engine = create_engine(url)
    settings = Settings(environment="test", data_dir=folder, data_key="22" * 32)
    app, sessions = build_web(settings, engine, lambda: NOON, None), sessions_of(settings, engine)
    made = await world.build(sessions, 3)
    sale = await world.draft(sessions, made)
    async with sessions.begin() as session:
        vic = await make.person(session, "vic@pavilion.example", (Role.VIEWINGS,))
        await make.person(session, "xia@pavilion.example", (Role.VIEWINGS,))
        await booked.office(session, "ant", staff=[vic])
        await booked.office(session, "hkg")
        person = await make.person(session, firm=await make.company(session))
        for stone in made.stones[:2]:
            await at_home(session, stone)
        await shown(session, person, NOON + 3 * DAY, made.stones[0])
    yield House(app, sessions, made.stones, sale)
    await engine.dispose()
