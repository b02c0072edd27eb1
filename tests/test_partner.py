"""The client of partners against a house: every answer is read into its model, and a bad line does nothing twice."""

import asyncio
import json
import shutil
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from httpx2 import ASGITransport, AsyncBaseTransport, ConnectError, ReadError, Response
from sqlalchemy import select

from pavilion import media_sending, partner, stock_sending
from pavilion.accounts import keys
from pavilion.accounts.rules import Role
from pavilion.accounts.scopes import Scope
from pavilion.catalogue import importing
from pavilion.catalogue.media_models import MediaPiece, MediaSending
from pavilion.catalogue.sending import Order as Sent
from pavilion.partner import Away, Partner, Refused
from pavilion.provenance.registries.asking import Registries
from pavilion.trading.models import Hold, Order
from tests import make
from tests.auctions import world
from tests.make import NOON
from tests.trading.market import Market
from tests.trading.test_pages import Site, site  # noqa: F401

HOUSE = "http://pavilion.test"


class BadLine(AsyncBaseTransport):
    """Breaks as told: `before` the house hears of it, `after` it did, or answers in its place."""

    def __init__(self, app, *faults):
        self.inner, self.faults = ASGITransport(app), list(faults)

    async def handle_async_request(self, request):
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "before":
            raise ConnectError("cut")
        answer = await self.inner.handle_async_request(request)
        if fault == "after":
            raise ReadError("cut")
        return Response(fault, headers={"retry-after": "0"}) if isinstance(fault, int) else answer


class Ports:
    registries, log = Registries.of(), None


async def key_of(site, email, *scopes, roles=(Role.BUYER,), company=None):  # noqa: F811
    async with site.sessions.begin() as session:
        firm = company or await make.company(session, email.split("@")[1], "HK")
        actor = await make.actor(session, email, (*roles, Role.COMPANY_ADMIN), firm)
        _, text = await keys.make(session, name="a program", scopes=list(scopes), days=90, actor=actor, now=NOON)
    return text


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(partner, "BACK_OFF_S", (0.0,) * 5)


@asynccontextmanager
async def line(site, key="", *faults):  # noqa: F811
    async with Partner(HOUSE, key=key, transport=BadLine(site.app, *faults)) as house:
        yield house


async def test_stones_are_found_read_followed_and_bought(site):  # noqa: F811
    market = await Market(site.sessions).open(3)
    key = await key_of(site, "ada@nine.example", Scope.STONES_READ, Scope.TRADE_WRITE)
    async with line(site, key) as house:
        page = await house.search({"shape": ["round"]}, limit=2)
        assert page.total == 3 and page.facets["shape"] == {"round": 3} and page.cursor
        house.search = partial(house.search, limit=1)  # every stone on a page of its own
        found = [stone async for stone in house.stones(shape="round")]
        assert sorted(stone.id for stone in found) == sorted(market.stones)
        stone = await house.stone(found[0].id)
        assert stone == found[0] and stone.price.total.currency == "USD"
        changes = await house.changes()
        assert {change.id for change in changes.items} == set(market.stones) and not changes.more
        assert (await house.changes(changes.next)).items == []
        held = await house.hold(stone)
        assert held.stone == stone.id and [one.id for one in await house.holds()] == [held.id]
        order = await house.order(await house.stone(stone.id), "HK", hold=held)
        assert [one.id for one in await house.orders()] == [order.id] and order.state == "placed"
        offer = await house.make_offer([found[1]], 600_000, "USD", "HK", days=3, terms="Five days")
        assert (await house.offer(offer.id)) == offer and (await house.offers()) == [offer]
        taken = await house.answer_offer(offer, "withdrawal")
        assert taken.state == "withdrawn" and await house.memos() == []
        with pytest.raises(Refused) as refused:
            await house.order(stone, "HK")
    assert (refused.value.status, refused.value.code) in {(409, "not_available"), (409, "price_changed")}
    assert refused.value.detail


async def test_an_act_on_a_broken_line_is_done_once(site):  # noqa: F811
    market = await Market(site.sessions).open(2)
    key = await key_of(site, "ada@nine.example", Scope.STONES_READ, Scope.TRADE_WRITE)
    async with line(site, key, "before", 503, "after") as house:
        stone = await house.stone(market.stones[0])
    async with line(site, key, "after", 502, "after", "before") as house:
        held = await house.hold(stone)
    async with line(site, key, "after", "after") as house:
        order = await house.order(await house.stone(stone.id), "HK", hold=held)
    assert [row.public_id for row in await market.all(Hold)] == [held.id]
    assert [row.public_id for row in await market.all(Order)] == [order.id]
    async with line(site, key, *["before"] * 6) as house:
        with pytest.raises(Away, match="ConnectError"):
            await house.holds()


async def test_refusals_say_their_code_and_what_they_are_about(site):  # noqa: F811
    key = await key_of(site, "ada@nine.example", Scope.STONES_READ)
    async with line(site, key) as house:
        with pytest.raises(Refused, match="404 not_found"):
            await house.stone("01KAR9T5M0Q8ZJ4W7X2C6V1B3N")
        with pytest.raises(Refused) as refused:
            await house.holds()
        assert refused.value.status == 403
        with pytest.raises(Refused) as bad:
            await house.search({"ct_from": "many"})
        assert bad.value.status == 422
    async with line(site, "pv_wrong") as house:
        with pytest.raises(Refused, match="401"):
            await house.stone("01KAR9T5M0Q8ZJ4W7X2C6V1B3N")


async def test_sales_and_lots_are_read_by_anybody(site):  # noqa: F811
    found = await world.build(site.sessions, 2)
    sale = await world.draft(site.sessions, found)
    await world.decide(site.sessions, await world.proposed(site.sessions, found, sale), found.lead)
    async with line(site) as house:
        assert [one.id async for one in house.sales()] == [sale]
        whole = await house.sale(sale)
        assert len(whole.lots) == 2 and (await house.lot(whole.lots[0].id)).id == whole.lots[0].id
        assert [one async for one in house.results()] == []


async def test_a_stock_file_is_sent_once_and_answered(site, tmp_path):  # noqa: F811
    key = await key_of(site, "sam@nine.example", Scope.STOCK_WRITE, roles=(Role.SUPPLIER,))
    (tmp_path / "stock.csv").write_text("Stock #,Weight\nA-1,1.01\n")
    async with line(site, key, "after", "before") as house:
        file = await house.send_stock(tmp_path / "stock.csv", dry_run=True)
        assert await house.send_stock(tmp_path / "stock.csv", dry_run=True) == file
        told = await house.stock_file(file)
        assert (told.state, told.dry_run, told.filename) == ("queued", True, "stock.csv")
        assert [row async for row in house.stock_rows(file)] == []
        with pytest.raises(Refused, match="409 act_not_allowed"):
            await house.confirm_stock(file, 3)
        again = await house.choose_meaning(file, "@headers", "Weight", "carat")
        assert again != file and (await house.stock_file(again)).state == "queued"


async def test_the_command_sends_a_file_elsewhere_and_writes_the_answer(site, tmp_path, monkeypatch):  # noqa: F811
    key = await key_of(site, "sam@nine.example", Scope.STOCK_WRITE, roles=(Role.SUPPLIER,))
    (tmp_path / "stock.csv").write_text("Stock #,Weight\nA-1,1.01\n")
    order = Sent(tmp_path / "stock.csv", "nine.example", "add", "none", True, None, str(tmp_path / "out.json"), None)
    said: list[str] = []

    rest = asyncio.sleep  # the database rests too, for no time at all

    async def read_meanwhile(seconds):
        await rest(0)
        if seconds:
            await importing.tick(site.sessions, Ports(), NOON)

    monkeypatch.setattr("pavilion.partner.asyncio.sleep", read_meanwhile)
    line = BadLine(site.app, "before")
    assert not await stock_sending.send(HOUSE, key, order, said.append, transport=line, every_s=1)
    told = json.loads((tmp_path / "out.json").read_text())
    assert (told["state"], told["rows"], told["dry_run"]) == ("stopped", [], True)
    assert said[-1] == f"stopped: {HOUSE}/stock/imports/{told['id']}" and "header_missing" in said[0]
    foreign = order._replace(supplier="Somebody else")
    with pytest.raises(Refused, match="403"):
        await stock_sending.send(HOUSE, key, foreign, said.append, transport=ASGITransport(site.app))


async def test_a_folder_of_pictures_that_was_cut_goes_on_where_it_was(site, tmp_path, monkeypatch):  # noqa: F811
    key = await key_of(site, "sam@nine.example", Scope.STOCK_WRITE, roles=(Role.SUPPLIER,))
    monkeypatch.setattr(media_sending, "PARCEL", 2_500)
    folder = tmp_path / "pictures"
    (folder / "turn").mkdir(parents=True)
    for n in range(6):
        (folder / f"PV-{'ABCDEF'[n]}.jpg").write_bytes(bytes([n]) * 1_000)
    for n in range(30):
        (folder / "turn" / f"PV-T_{n}.jpg").write_bytes(bytes([n]) * 200)
    said: list[str] = []
    cut = BadLine(site.app, "", "", "", "after", *["before"] * 40)  # the second parcel arrives, and nobody hears of it
    with pytest.raises(Away):
        await media_sending.send(HOUSE, key, folder, said.append, transport=cut)
    assert len(said) == 1
    done = await media_sending.send(HOUSE, key, folder, said.append, transport=ASGITransport(site.app))
    assert done == (2, 2) and said[-1].startswith("4/4 ") and said[-1].endswith(": 30, 6000 bytes")
    again = await media_sending.send(HOUSE, key, folder, said.append, transport=ASGITransport(site.app))
    assert again == (0, 4)
    packed = shutil.make_archive(str(tmp_path / "pictures"), "zip", tmp_path, "pictures")
    assert [len(one) for one in media_sending.parcels(media_sending.sources(Path(packed)))] == [2, 2, 2, 30]
    async with site.sessions.begin() as session:
        sent = (await session.scalars(select(MediaSending).order_by(MediaSending.id))).all()
        assert len(sent) == 4
        refused = MediaPiece(sending_id=sent[0].id, place=1, name="x", paths=[], state="refused")
        refused.code = "media_unmatched"
        session.add(refused)
    other = await key_of(site, "otto@other.example", Scope.STOCK_WRITE, roles=(Role.SUPPLIER,))
    digests = [one.files[0]["sha256"] for one in sent]
    async with line(site, key) as house, line(site, other) as stranger:
        assert await house.media_arrived(digests) == {*digests[1:]}, "what was refused is looked at anew"
        assert await stranger.media_arrived(digests) == set()
