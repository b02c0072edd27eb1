"""A supplier's own stones in every state, words given a meaning once and forgotten, files stored after a check."""

import re

from sqlalchemy import select

from pavilion.catalogue import own_stock, service
from pavilion.catalogue.models import CommitmentKind
from pavilion.catalogue.own_stock import Standing
from pavilion.catalogue.upload_models import StockFile, StockMapping
from tests import make
from tests.catalogue import stones
from tests.catalogue import upload_world as world
from tests.catalogue.test_upload_pages import house, supplier, thirty, work  # noqa: F401
from tests.make import NOON


async def file_of(house, address):  # noqa: F811
    async with house.state.sessions() as session:
        return await session.scalar(select(StockFile).where(StockFile.public_id == address.rpartition("/")[2]))


async def test_every_own_stone_is_told_with_what_stands_in_its_way(sessions):
    async with sessions.begin() as session:
        firm, other = await make.company(session, name="Firm"), await make.company(session, name="Other")
        rows = [stones.row(stock_no=f"a-{n}", report_no=f"10000000{n}") for n in range(5)]
        kept = await stones.listed(session, rows, firm.id, but=frozenset({4}))
        await stones.listed(session, [stones.row(stock_no="b-1", report_no="200000001")], other.id)
        for place, kind in ((1, CommitmentKind.ON_MEMO), (2, CommitmentKind.SOLD)):
            stone = kept[place].public_id
            await service.commit_stone(session, stone=stone, kind=kind, ref=stone, facts={}, by=None, now=NOON)
        gone = await service.withdraw_stones(session, supplier_company_id=firm.id, stock_nos=["A-3"], by=None, now=NOON)
        assert len(gone) == 1
    wanted = [Standing.LISTED, Standing.PROMISED, Standing.SOLD, Standing.WITHDRAWN, Standing.HIDDEN]
    async with sessions() as session:
        found, further = await own_stock.stones_of(session, firm.id)
        assert [(own.stone.stock_no, own.standing) for own in found] == [(f"a-{n}", s) for n, s in enumerate(wanted)]
        assert further is None and found[1].promised.kind == CommitmentKind.ON_MEMO
        assert await own_stock.counts_of(session, firm.id) == dict.fromkeys(Standing, 1)
        for place, standing in enumerate(wanted):
            (one,), _ = await own_stock.stones_of(session, firm.id, standing=standing)
            assert one.stone.stock_no == f"a-{place}"
        assert [len((await own_stock.stones_of(session, firm.id, words=q))[0]) for q in ("A-", "1000", "b", "_")] == [
            5,
            5,
            0,
            0,
        ]
        assert [own.stone.stock_no for own in (await own_stock.stones_of(session, firm.id, after="A-2"))[0]] == [
            "a-3",
            "a-4",
        ]


async def test_doubts_and_unknown_words_are_chosen_on_one_page_and_read_once(house, thirty):  # noqa: F811
    head, *rows = (thirty / "stock.csv").read_text("utf-8").splitlines()
    good = [a["row"] for a in world.answers_of(thirty) if a["outcome"] == "accepted"][:2]
    cells = [rows[row - 2].split(",") for row in good]
    cells[0][2], cells[1][2] = "R", "wheel"
    content = "\n".join([f"{head},Tone of it", *(",".join([*line, "x"]) for line in cells)]).encode()
    async with supplier(house) as browser:
        sent = await browser.post("/stock/imports", data={"dry_run": "yes"}, files={"file": ("two.csv", content)})
        address = sent.headers["location"]
        await work(house, thirty)
        page = (await browser.get(address)).text
        asked = re.findall(r'name="column" value="([^"]*)"><input type="hidden" name="word" value="([^"]*)"', page)
        assert asked == [("shape", "R"), ("@headers", "Tone of it"), ("shape", "wheel")]
        said = {"column": [c for c, _ in asked], "word": [w for _, w in asked], "meaning": ["round", "", "round"]}
        again = await browser.post(f"{address}/meanings", data=said)
        assert again.status_code == 303 and again.headers["location"] != address
        await work(house, thirty)
        read = await file_of(house, again.headers["location"])
        assert (read.counts, read.dry_run, read.mapping_version) == ({"accepted": 2}, True, 1)
        for broken in (
            {**said, "meaning": ["", "", ""]},
            {**said, "word": ["R"]},
            {**said, "meaning": ["zebra", "", ""]},
        ):
            assert (await browser.post(f"{address}/meanings", data=broken)).status_code == 422

        assert "PV" not in (await browser.get("/stock/stones")).text.split("<main")[1].split("<tbody>")[-1]
        stored = await browser.post(f"{again.headers['location']}/storing")
        await work(house, thirty)
        kept = await file_of(house, stored.headers["location"])
        assert (kept.dry_run, kept.counts) == (False, {"accepted": 2})
        twice = await browser.post(f"{again.headers['location']}/storing")
        assert twice.headers["location"] == stored.headers["location"]
        assert (await browser.post(f"{stored.headers['location']}/storing")).status_code == 409
        mine = (await browser.get("/stock/stones")).text
        assert cells[0][0] in mine and cells[1][0] in mine

        meant = (await browser.get("/stock/meanings")).text
        assert meant.count('action="/stock/meanings/removals"') == 2 and "“wheel” in Shape" in meant
        for _ in range(2):
            gone = await browser.post("/stock/meanings/removals", data={"column": "shape", "word": "wheel"})
            assert gone.status_code == 303
        assert "wheel" not in (await browser.get("/stock/meanings")).text
    async with house.state.sessions() as session:
        versions = (await session.scalars(select(StockMapping).order_by(StockMapping.version))).all()
    assert [row.choices for row in versions] == [{"shape": {"R": "round", "wheel": "round"}}, {"shape": {"R": "round"}}]
