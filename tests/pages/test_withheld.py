"""A lot with a stone that is not verified now: none of its words stands anywhere that an outsider reads.

A demonstration in which the words of every lot are marks. Each address of the house that begins outside the staff's
part is filled with what is withheld, and read by a visitor, a buyer and a key of that buyer's, with every kind of link
from there. The house, and the company whose stone it is, go on reading the words.
"""

import asyncio
import io
import json
import re
import shutil
import sqlite3
import zipfile
from contextlib import asynccontextmanager
from functools import partial
from itertools import product

import pytest
from fastapi.routing import iter_route_contexts
from httpx2 import ASGITransport, AsyncClient
from pypdf import PdfReader
from sqlalchemy import delete, select, update

from pavilion import doors, main
from pavilion.accounts import keys
from pavilion.accounts.scopes import Scope
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.auctions.queries import withheld
from pavilion.catalogue.models import Stone
from pavilion.demo import people
from pavilion.insight import archiving
from pavilion.kernel import events
from pavilion.kernel.clock import utc_now
from pavilion.kernel.db import create_engine
from pavilion.kernel.ids import ulid
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import watching
from pavilion.notifications.rules import Channel
from pavilion.notifications.wording import Author
from pavilion.provenance.models import ExposedStone, StoneVerdict
from pavilion.settings import Environment, Settings, with_secrets

ORIGIN = "http://127.0.0.1:8080"
BUYER, OWNER, AUCTIONEER = "wen@lumen.example", "sam@scheldt.example", "aron@pavilion.example"
READS = (Scope.STONES_READ, Scope.SALES_READ, Scope.BID_WRITE, Scope.TRADE_WRITE, Scope.VIEWINGS)
MARK = re.compile(r"(?:Title|Words|Told)-(\d{3})-Q|\b7,310,(\d{3})\b|\b7310(\d{3})00\b")  # or a high estimate
LINK = re.compile(r'(?:href|src)="(/[^"#]*)')
NAME = re.compile(r"(?<=/)(?:[0-9A-HJKMNP-TV-Z]{26}|[A-Z]{3}-[A-Z]{3}-\d{4}-\d+|[\d-]+)")
ELSEWHERE = (  # the house's own, or what knows stones and no lots
    *("/staff", "/static", "/log/", "/verify", "/tables", "/films/", "/did/", "/contexts", "/rules/", "/outcomes"),
    *(
        "/passports/",
        "/epcis",
        "/id/",
        "/01/",
        "/warranties",
        "/desk/warranties",
        "/glossary",
        "/insight",
        "/api/v1/openapi",
    ),
)


def marked(folder):
    """Every lot, and what was kept of it, is called by a mark; answers the marks by lot."""
    marks = {}
    with sqlite3.connect(folder / "pavilion.db") as house:
        guards = house.execute(
            "select name, sql from sqlite_master where type = 'trigger' and tbl_name in ('lots', 'catalogue_versions')"
        ).fetchall()
        for name, _ in guards:
            house.execute(f'drop trigger "{name}"')
        kept = dict(house.execute("select id, document from catalogue_versions").fetchall())
        lots = house.execute("select id, public_id, title_en, title_zh from lots order by id").fetchall()
        for number, (id_, lot, *titles) in enumerate(lots):
            title, words, high = f"Title-{number:03d}-Q", f"Words-{number:03d}-Q", 731_000_000 + number * 100
            said = "title_en = ?, title_zh = ?, text_en = ?, text_zh = ?, high_minor = ?"
            house.execute(f"update lots set {said} where id = ?", (title, title, words, words, high, id_))
            for n in [n for n, document in kept.items() if lot in document]:
                for old in titles:
                    kept[n] = kept[n].replace(json.dumps(old, ensure_ascii=False), json.dumps(title))
            marks[lot] = number
        for n, document in kept.items():
            house.execute("update catalogue_versions set document = ? where id = ?", (document, n))
        for _, sql in guards:
            house.execute(sql)
    return marks


@asynccontextmanager
async def rooms_of(settings, app):
    """Pages and the engine of bids, and nothing that would verify a stone again."""
    held = main.Keys.of(settings)
    said = {"data_key": held.data, "sale_key": held.sale, "host_name": settings.host_name}
    async with main.one_process(settings.database, app.state.sessions, utc_now, **said) as app.state.rooms:
        yield


class House:
    def __init__(self, app, marks):
        self.app, self.sessions, self.marks = app, app.state.sessions, marks
        self.lots, self.stones, self.sales = [], [], []  # what is withheld

    @asynccontextmanager
    async def reader(self, email=None, key=None):
        headers = {"origin": ORIGIN} | ({"authorization": f"Bearer {key}"} if key else {})
        async with AsyncClient(transport=ASGITransport(self.app), base_url=ORIGIN, headers=headers) as client:
            if email:
                said = {"email": email, "password": people.PASSWORD}
                assert (await client.post("/sign-in", data=said)).status_code == 303
            yield client

    async def key(self):
        async with self.sessions.begin() as session:
            actor, now = await people.actor(session, BUYER), utc_now()
            return (await keys.make(session, name="reads", scopes=READS, days=30, actor=actor, now=now))[1]

    async def choose(self):
        """A lot of each sale and state that was not sold."""
        async with self.sessions() as session:
            rows = (await session.execute(select(Lot, Sale).join(Sale, Sale.id == Lot.sale_id).order_by(Lot.id))).all()
            some = {}
            for lot, sale in rows:
                if lot.state not in ("sold", "draft"):
                    some.setdefault((sale.public_id, lot.state), []).append((lot, sale))
            found = [one for several in some.values() for one in several[1:2]]
            self.lots = [lot.public_id for lot, _ in found]
            self.sales = {lot.public_id: sale.public_id for lot, sale in found}
            self.stones = list(await session.scalars(stones_of(self.lots)))
            return found

    async def withhold(self):
        """As provenance does it: the exposure goes with the verdict."""
        async with self.sessions.begin() as session:
            await session.execute(delete(ExposedStone).where(ExposedStone.stone.in_(self.stones)))
            said = update(StoneVerdict).where(StoneVerdict.stone.in_(self.stones)).values(verdict="review", grade="-")
            await session.execute(said.execution_options(synchronize_session=False))
            for stone in self.stones:
                events.record(session, "stone:verdict_changed", stone, by=None, at=utc_now())
        async with self.sessions() as session:
            assert await withheld(session, self.lots) == {*self.lots}

    def told(self, text):
        """The withheld lots whose words stand in this text."""
        found = {int("".join(mark)) for mark in MARK.findall(text)}
        return {lot for lot in self.lots if self.marks[lot] in found}

    def addresses(self):
        routes = [route for router in doors.ROUTERS for route in iter_route_contexts(router.routes)]
        for path in sorted({route.path for route in routes if route.path and "GET" in (route.methods or ())}):
            names = re.findall(r"\{([^}]+)\}", path)
            for lot, n in product(self.lots, ("1", "2") if {"n", "n:int"} & {*names} else ("",)):
                filled = {"sale": self.sales[lot], "lot": lot, "stone": self.stones[0], "n": n, "n:int": n}
                if not path.startswith(ELSEWHERE) and filled.keys() >= set(names):
                    yield re.sub(r"\{([^}]+)\}", lambda found, filled=filled: filled[found[1]], path)


def stones_of(lots):
    held = select(Stone.public_id).join(LotStone, LotStone.stone_id == Stone.id).join(Lot, Lot.id == LotStone.lot_id)
    return held.where(Lot.public_id.in_(lots))


def text_of(answer):
    if answer.content.startswith(b"%PDF"):
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    if answer.content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as sheet:
            return "\n".join(sheet.read(name).decode("utf-8", "replace") for name in sheet.namelist())
    return answer.content.decode("utf-8", "replace")


def kind_of(path):
    return NAME.sub("*", path)


async def walk(house, client, under="/"):
    """Every address once, and of the links that stand there one of each kind: where words of a withheld lot stand."""
    waiting = [path for path in dict.fromkeys(house.addresses()) if path.startswith(under)]
    met, leaks, read = {*waiting}, {}, 0
    kinds = {kind_of(path) for path in waiting}
    while waiting:
        path = waiting.pop()
        answer = await client.get(path)
        if answer.status_code >= 300:
            continue
        read += 1
        text = text_of(answer)
        if found := house.told(text):
            leaks[path] = sorted(house.marks[lot] for lot in found)
        for link in LINK.findall(text) if "html" in answer.headers.get("content-type", "") else ():
            link = link.partition("?")[0]  # the same page, asked for something else
            if (
                link not in met
                and link.startswith(under)
                and not link.startswith(ELSEWHERE)
                and (kind := kind_of(link)) not in kinds
            ):
                met.add(link)
                kinds.add(kind)
                waiting.append(link)
    return leaks, read


@pytest.mark.timeout(600)
async def test_no_word_of_a_withheld_lot_stands_anywhere_for_an_outsider(furnished, tmp_path):
    folder = tmp_path / "house"
    shutil.copytree(furnished, folder)
    marks = marked(folder)
    settings = with_secrets(Settings(environment=Environment.TEST, data_dir=folder))
    engine = create_engine(settings.database)
    app = main.build_web(settings, engine, utc_now, partial(rooms_of, settings))
    asyncio.get_running_loop().set_debug(False)  # thousands of reads, each watched in the tests of its own page
    async with app.router.lifespan_context(app):
        house = House(app, marks)
        chosen = await house.choose()
        await said_of(house, chosen)
        async with house.reader() as visitor:
            before, _ = await walk(house, visitor, "/sales/")
        seen = {kind_of(path) for path in before}
        assert seen >= {"/sales/*", "/sales/*/room", "/sales/*/versions", "/sales/*/versions/*.json"}, before
        await house.withhold()
        for reader in (None, BUYER):
            async with house.reader(reader) as client:
                leaks, read = await walk(house, client)
                assert leaks == {}, reader
                assert read > 100, "the walk came far"
        async with house.reader(key=await house.key()) as program:
            leaks, read = await walk(house, program, "/api/")
            assert (leaks, read > 20) == ({}, True)
        await no_question_finds_out(house)
        await mails_say_nothing(house)
        await told_to_its_own(house)
    await engine.dispose()


async def said_of(house, chosen):
    """Notices of a title and of a fact, an offer for what passed, and the archive of what closed."""
    running = {sale.public_id for _, sale in chosen if sale.state in ("published", "open")}
    async with asyncio.timeout(60):
        while not house.app.state.rooms.engine.writers.keys() >= running:  # noqa: ASYNC110 - no bell rings for it
            await asyncio.sleep(0.05)
    async with house.reader(AUCTIONEER) as staff, house.reader(BUYER) as buyer:
        for lot, sale in chosen:
            n = house.marks[lot.public_id]
            told = {"reason": f"Told-{n:03d}-Q", "reason_zh": f"Told-{n:03d}-Q"}
            title = {"field": "title", "title_en": f"Title-{n:03d}-Q, round", "title_zh": f"Title-{n:03d}-Q，圆形"}
            words = {"text_en": f"Told-{n:03d}-Q.", "text_zh": f"Told-{n:03d}-Q。"}
            fact = {"field": "fact", "new": f"Told-{n:03d}-Q"} | words
            if sale.type == "timed" and sale.state in ("published", "open"):
                for said in (title, fact):
                    path = f"/staff/sales/{sale.public_id}/lots/{lot.public_id}/notices"
                    answer = await staff.post(path, data={"key": ulid(utc_now())} | told | said)
                    assert answer.status_code == 303, (lot.state, answer.text[:300])
            elif lot.state == "passed":
                answer = await buyer.post(f"/lots/{lot.public_id}/offer", data={"price": "9,000,000", "days": "3"})
                assert answer.status_code in (303, 409), "made now, or by the demonstration before"
    while await watching.follow(house.sessions, utc_now()) or await archiving.tick(house.sessions, utc_now()):
        pass


async def no_question_finds_out(house):
    """In the archive it is a number and a result, and nobody learns what it is by asking for it."""
    async with house.reader() as visitor, house.reader(AUCTIONEER) as staff:
        whole = (await visitor.get("/api/v1/results?limit=250")).json()["items"]
        (kept,) = (one for one in whole if one["lot"] in house.lots)
        assert kept["withheld"] and kept["state"] == "passed" and kept["number"]
        nothing = ("title", "stones", "shape", "weight_mct", "color", "clarity", "lab", "estimate")
        assert [kept[name] for name in nothing] == [None] * len(nothing)
        for asked in (
            "ct_from=0.01",
            "sort=ct-",
            "shape=round,pear,oval,emerald,cushion,radiant,princess,marquise,heart",
        ):
            found = [(await one.get(f"/api/v1/results?limit=250&{asked}")).json()["items"] for one in (visitor, staff)]
            assert [any(one["lot"] == kept["lot"] for one in items) for items in found] == [False, True], asked


async def mails_say_nothing(house):
    """What waits to be sent is worded when it is sent; the company whose stone it is reads its own."""
    author = Author(house.app.state.pages, "https://pavilion.example", b"secret")
    async with house.sessions() as session:
        rows = list(await session.scalars(select(Outbox).where(Outbox.kind == Channel.MAIL)))
        owner = (await people.actor(session, OWNER)).public_id
        told = [said for row in rows if (said := await author.worded(session, row.payload, Channel.MAIL)) is not None]
        assert {row.payload["notice"] for row in rows} >= {"lot_notice"} and told
        mine = {said.person == owner: author.plain(said) for said in told}
    assert [said.subject for said in told if said.person != owner and house.told(author.plain(said))] == [], mine


async def told_to_its_own(house):
    """Staff and the owner read every word, wherever it stands for them."""
    async with house.reader(OWNER) as owner, house.reader(AUCTIONEER) as staff:
        for lot in house.lots:
            for reader in (owner, staff):
                assert lot in house.told((await reader.get(f"/lots/{lot}")).text)
        for path in (f"/sales/{house.sales[house.lots[0]]}/versions/1.json", "/api/v1/results", "/results.csv"):
            assert house.told((await staff.get(path)).text), path
            assert house.told((await owner.get(path)).text), path
