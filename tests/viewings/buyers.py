"""Two offices with hours, three stones that are shown there, and buyers who come over HTTP."""

import re
import shutil
import sqlite3
from contextlib import asynccontextmanager, closing
from datetime import timedelta

from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.catalogue.models import Stone
from pavilion.kernel.db import create_engine, sessions_of, sqlite_url
from pavilion.settings import Settings
from pavilion.viewings.forms import SlotWish
from pavilion.viewings.place_models import Desk, Office, OfficeStaff, Room, Window
from pavilion.viewings.stone_models import Stay
from tests import make
from tests.catalogue import stones

HOME = "http://pavilion.test"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = make.NOON  # Monday, 12:00 UTC, 20:00 in Hong Kong
OPENS = NOW.replace(hour=2) + 3 * DAY  # Thursday, 10:00 in Hong Kong
KEY = "k" * 12
WEN, ILSE, VIC = "wen@lumen.example", "ilse@vandael.example", "vic@pavilion.example"
PLACES = (("hkg", "Hong Kong", "香港", "Asia/Hong_Kong", 2), ("ant", "Antwerp", "安特卫普", "Europe/Brussels", 9))


class Clock:
    """A house's clock that a test sets."""

    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


@asynccontextmanager
async def idle(app):
    yield


async def laid_out(url):
    """A database with two places, three stones (two in Hong Kong, one in Antwerp), who comes and who works there."""
    sessions = sessions_of(engine := create_engine(url))
    async with sessions.begin() as session:
        firm = await make.company(session, "Meridian Diamonds", "BE")
        kept = await stones.listed(session, [stones.row(n) for n in (1, 2, 3)], firm.id)
        await furnish(session, [one.public_id for one in kept])
        for email, name in ((WEN, "Lumen Trading"), (ILSE, "Van Dael")):
            await make.person(session, email, (Role.BUYER, Role.VIEWER), await make.company(session, name, "HK"))
        vic = await make.person(session, VIC, (Role.VIEWINGS,), None)
        session.add(OfficeStaff(office_id="hkg", person_id=vic.id))
    await engine.dispose()


@asynccontextmanager
async def opened(database, folder):
    """The house over a copy of the laid-out database."""
    shutil.copy(database, folder / "house.db")
    engine, clock = create_engine(sqlite_url(folder / "house.db")), Clock()
    app = main.build_web(Settings(environment="test", public_url=HOME, data_dir=folder), engine, clock, idle)
    app.state.hands = clock
    async with app.state.sessions() as session:
        app.state.stones = list(await session.scalars(select(Stone.public_id).order_by(Stone.id)))
    yield app
    await engine.dispose()


def as_laid_out(app, database):
    """The opened house as it was at first: its rows, its clock, and nobody has asked too often."""
    mine = app.state.settings.data_dir / "house.db"
    with closing(sqlite3.connect(database)) as was, closing(sqlite3.connect(mine)) as live:
        was.backup(live)
    app.state.hands.now, app.state.windows = NOW, None


async def furnish(session, kept):
    for office, en, zh, zone, opens in PLACES:
        session.add(
            Office(
                id=office, name_en=en, name_zh=zh, zone=zone, address_en=f"1 {en} Road", address_zh=f"{zh}路 1 号",
                directions_en="Ring twice.", directions_zh="请按铃两次。", country="BE", rules={"sitting": 60},
            )
        )  # fmt: skip
        await session.flush()
        session.add(Room(id=f"{office}-r", office_id=office, name_en="Room", name_zh="房间", cap=2))
        await session.flush()
        for n in (1, 2):
            session.add(
                Desk(
                    id=f"{office}-{n}",
                    office_id=office,
                    room_id=f"{office}-r",
                    name_en=f"Desk {n}",
                    name_zh=f"{n} 号台",
                )
            )
        for n in range(1, 12):
            at = (NOW + n * DAY).replace(hour=opens, minute=0)
            local = at + (8 * HOUR if office == "hkg" else HOUR)
            session.add(
                Window(
                    office_id=office, day=local.date(), opens=local.strftime("%H:%M"),
                    closes=(local + 4 * HOUR).strftime("%H:%M"), opens_at=at, closes_at=at + 4 * HOUR, tz_version="x",
                )
            )  # fmt: skip
    for n, stone in enumerate(kept):
        session.add(Stay(stone=stone, office_id="ant" if n == 2 else "hkg", arrive=None, depart=None, at=NOW))


@asynccontextmanager
async def browser(app, email=None, **headers):
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url=HOME, headers={"origin": HOME} | headers) as client:
        if email:
            answer = await client.post("/sign-in", data={"email": email, "password": make.PASSWORD})
            assert answer.status_code == 303
        yield client


def slot(desk="hkg-1", start=OPENS, hours=1):
    return SlotWish(desk, start, start + hours * HOUR).text


def wish(app, n=1, **changes):
    """What the form of the booking page sends."""
    return {"key": KEY, "slot": slot(), "stones": app.state.stones[:n], "party": "1", "mode": "in_person"} | changes


def key_in(text):
    return re.search(r'name="key" value="([^"]+)"', text)[1]
