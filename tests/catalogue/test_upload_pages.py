"""Stock files over HTTP: the supplier's pages and the interface for programs."""

import gzip
from contextlib import asynccontextmanager
from functools import partial

import pytest
from httpx2 import ASGITransport, AsyncClient

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.catalogue import importing
from pavilion.catalogue.nomenclature import header_key
from pavilion.kernel.db import create_engine
from pavilion.kernel.sheet import LIMITS, Limits
from pavilion.settings import Settings
from tests import make
from tests.catalogue import upload_world as world

HOME = "http://pavilion.test"
PUT = "/api/v1/stock-files"


@asynccontextmanager
async def idle(app):
    yield


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    engine = create_engine(sqlite_database_url)
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path)
    yield main.build_web(settings, engine, lambda: make.NOON, idle)
    await engine.dispose()


@pytest.fixture(scope="session")
def thirty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("thirty")
    (folder / "diamonds.csv").write_bytes(gzip.decompress(world.TABLE.read_bytes()))
    return world.made(folder / "diamonds.csv", folder, rows=30, seed=11, broken_bp=4000)


@asynccontextmanager
async def supplier(house, email="anouk@meridian.example", firm="Meridian Diamonds", roles=(Role.SUPPLIER,)):
    async with house.state.sessions.begin() as session:
        await make.person(session, email, roles, await make.company(session, firm, "BE") if firm else None)
    transport = ASGITransport(house)
    async with AsyncClient(transport=transport, base_url=HOME, headers={"origin": HOME}) as browser:
        answer = await browser.post("/sign-in", data={"email": email, "password": make.PASSWORD})
        assert answer.status_code == 303
        yield browser


async def work(house, folder):
    ports = world.Ports(world.registry_of(folder))
    while await importing.tick(house.state.sessions, ports, make.NOON):
        pass


async def test_a_supplier_without_files_is_told_what_will_stand_here(house):
    async with supplier(house) as browser:
        page = await browser.get("/stock")
        await browser.post("/language", data={"to": "zh", "back": "/stock"})
        zh = await browser.get("/stock")
    assert page.status_code == 200 and "The files you send stand here" in page.text
    assert "您发送的文件会列于此处" in zh.text


async def test_a_file_is_sent_followed_and_mended_without_script(house, thirty):
    content = (thirty / "stock.csv").read_bytes()
    async with supplier(house) as browser:
        sent = await browser.post("/stock/imports", data={"mode": "add"}, files={"file": ("stock.csv", content)})
        assert sent.status_code == 303
        address = sent.headers["location"]
        waiting = await browser.get(address)
        assert '<meta http-equiv="refresh"' in waiting.text and "Waiting its turn" in waiting.text
        await work(house, thirty)
        done = await browser.get(address)
        assert "30" in done.text and "of 30 rows answered" in done.text and "refresh" not in done.text
        rejected = await browser.get(address, params={"outcome": "rejected"})
        assert rejected.text.count("<tr>") < done.text.count("<tr>")
        fix = await browser.get(f"{address}/fix.csv")
        assert fix.status_code == 200 and "attachment" in fix.headers["content-disposition"]
        lines = fix.content.decode("utf-8-sig").splitlines()
        assert lines[0].endswith(",_error") and len(lines) == 1 + bad(thirty)
        again = await browser.post("/stock/imports", data={"mode": "add"}, files={"file": ("fix.csv", fix.content)})
        await work(house, thirty)
        assert "_error" not in (await browser.get(again.headers["location"])).text
        assert "stock.csv" in (await browser.get("/stock")).text


def bad(folder):
    return sum(answer["outcome"] in ("rejected", "duplicate_in_file") for answer in world.answers_of(folder))


async def test_the_interface_takes_the_same_file(house, thirty):
    content = (thirty / "stock.csv").read_bytes()
    async with supplier(house) as client:
        first = await client.put(PUT, params={"mode": "add"}, content=content)
        again = await client.put(PUT, params={"mode": "add"}, content=content)
        assert (first.status_code, again.status_code, first.json()) == (202, 200, again.json())
        address = f"{PUT}/{first.json()['id']}"
        await work(house, thirty)
        told = (await client.get(address)).json()
        assert (told["state"], told["received"], told["progress"], told["file_issues"]) == ("done", 30, 100, [])
        rows, cursor = [], 0
        while cursor is not None:
            page = (await client.get(f"{address}/rows", params={"cursor": cursor, "limit": 7})).json()
            rows, cursor = rows + page["rows"], page["next_cursor"]
        assert [row["row"] for row in rows] == list(range(2, 32))
        issues = [issue for row in rows for issue in row["issues"]]
        assert issues and all(issue["message_en"] and issue["message_zh"] for issue in issues)
        assert all("{" not in issue["message_en"] + issue["message_zh"] for issue in issues)
        refused = (await client.get(f"{address}/rows", params={"outcome": "rejected"})).json()["rows"]
        assert {row["outcome"] for row in refused} == {"rejected"}


async def test_a_hundred_megabytes_are_refused_before_they_are_read(house):
    async with supplier(house) as client:
        sent = 0

        async def endless():
            nonlocal sent
            for _ in range(100):
                sent += 1_000_000
                yield b"x" * 1_000_000

        streamed = await client.put(PUT, content=endless())
        assert (streamed.status_code, streamed.json()["code"]) == (413, "too_large")
        assert streamed.headers["content-type"] == "application/problem+json"
        declared = await client.put(PUT, content=b"x", headers={"content-length": str(100_000_000)})
        assert declared.status_code == 413
        form = await client.post("/stock/imports", files={"file": ("a.csv", b"x" * (LIMITS.file_bytes + 100_000))})
        assert form.status_code == 413 and "larger" in form.text


async def test_a_file_just_within_the_limit_is_taken(house):
    async with supplier(house) as client:
        answer = await client.put(PUT, content=b"x" * (LIMITS.file_bytes - 1000))
        assert answer.status_code == 202


@pytest.mark.parametrize(
    ("params", "content", "status"),
    [
        ({}, b"", 422),
        ({"mode": "burn"}, b"a", 422),
        ({"profile": "zebra"}, b"a", 422),
        ({"supplier": "Somebody else"}, b"a", 403),
    ],
)
async def test_nonsense_is_answered_with_a_code(house, params, content, status):
    async with supplier(house) as client:
        answer = await client.put(PUT, params=params, content=content)
    assert answer.status_code == status and answer.json()["code"]


async def test_a_form_without_a_file_comes_back(house):
    async with supplier(house) as browser:
        answer = await browser.post("/stock/imports", data={"mode": "add"})
        assert answer.status_code in (413, 422)
        named = await browser.post("/stock/imports", data={"mode": "add"}, files={"file": ("", b"")})
        assert named.status_code == 422 and "<form" in named.text


async def test_an_empty_file_is_said_to_be_empty(house):
    async with supplier(house) as browser:
        empty = await browser.post("/stock/imports", files={"file": ("stock.csv", b"")})
        assert empty.status_code == 422 and empty.text.count("The file is empty.") == 2  # above, and at the field
        none = await browser.post("/stock/imports", data={"mode": "add"}, files={"other": ("a", b"a")})
        assert none.status_code == 422 and "Please choose the file to send." in none.text


async def test_a_file_sent_again_says_that_nothing_was_done(house):
    async with supplier(house) as browser:
        first = await browser.post("/stock/imports", files={"file": ("a.csv", b"a,b\n1,2\n")})
        again = await browser.post("/stock/imports", files={"file": ("a.csv", b"a,b\n1,2\n")})
        assert again.headers["location"] == first.headers["location"] + "?again=yes"
        words = "You sent this file before, on "
        assert words in (await browser.get(again.headers["location"])).text
        assert words not in (await browser.get(first.headers["location"])).text


async def test_what_our_own_fix_file_puts_before_a_cell_is_gone_when_it_comes_back(house, thirty):
    head, *rows = (thirty / "stock.csv").read_text("utf-8").splitlines()
    place = next(n for n, name in enumerate(head.split(",")) if header_key(name) in ("carat", "carats", "weight", "ct"))
    cells = rows[0].split(",")
    cells[place] = "-1"
    content = "\n".join([head, ",".join(cells)]).encode()
    async with supplier(house) as browser:
        sent = await browser.post("/stock/imports", files={"file": ("one.csv", content)})
        await work(house, thirty)
        fix = await browser.get(sent.headers["location"] + "/fix.csv")
        assert "'-1" in fix.text
        again = await browser.post("/stock/imports", files={"file": ("fix.csv", fix.content)})
        await work(house, thirty)
        number = again.headers["location"].rpartition("/")[2]
        told = (await browser.get(f"{PUT}/{number}/rows")).json()["rows"][0]
    raw = [issue["raw"] for issue in told["issues"]]
    assert "-1" in raw and "'-1" not in raw


async def test_an_unreadable_file_is_answered_on_its_page(house, thirty):
    async with supplier(house) as browser:
        sent = await browser.post("/stock/imports", files={"file": ("photo.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF")})
        await work(house, thirty)
        page = await browser.get(sent.headers["location"])
        assert "The file is not a CSV or XLSX table, or" in page.text and 'href="/stock">Send a file<' in page.text
        assert (await browser.get(sent.headers["location"] + "/fix.csv")).status_code == 404


async def test_too_many_cells_are_answered_on_the_page_and_by_the_interface(house, thirty, monkeypatch):
    monkeypatch.setattr(importing, "open_stock", partial(importing.open_stock, limits=Limits(cells=500)))
    async with supplier(house) as browser:
        sent = await browser.put(PUT, params={"mode": "replace"}, content=(thirty / "stock.csv").read_bytes())
        await work(house, thirty)
        told = (await browser.get(f"{PUT}/{sent.json()['id']}")).json()
        (issue,) = told["file_issues"]
        assert (told["state"], told["received"], issue["code"]) == ("stopped", 0, "too_many_cells")
        page = await browser.get(f"/stock/imports/{sent.json()['id']}")
        assert issue["message_en"] in page.text and issue["message_en"].startswith("More than 500 cells")
        await browser.post("/language", data={"to": "zh"})
        assert issue["message_zh"] in (await browser.get(f"/stock/imports/{sent.json()['id']}")).text


async def test_a_meaning_is_chosen_on_the_page(house, thirty):
    head, *rows = (thirty / "stock.csv").read_text("utf-8").splitlines()
    good = next(a["row"] for a in world.answers_of(thirty) if a["outcome"] == "accepted")
    cells = rows[good - 2].split(",")
    cells[2] = "R"
    async with supplier(house) as browser:
        content = "\n".join([head, ",".join(cells)]).encode()
        sent = await browser.post("/stock/imports", files={"file": ("one.csv", content)})
        await work(house, thirty)
        page = await browser.get(sent.headers["location"])
        assert "Choose once what these mean" in page.text and ">Round<" in page.text
        await browser.post("/language", data={"to": "zh", "back": "/"})
        assert "“R”可能表示圆形、雷迪恩形" in (await browser.get(sent.headers["location"])).text
        await browser.post("/language", data={"to": "en", "back": "/"})
        said = {"column": "shape", "word": "R", "meaning": "round"}
        again = await browser.post(sent.headers["location"] + "/mappings", data=said)
        assert again.status_code == 303 and again.headers["location"] != sent.headers["location"]
        await work(house, thirty)
        assert "Accepted" in (await browser.get(again.headers["location"])).text
        wrong = await browser.post(sent.headers["location"] + "/mappings", data={**said, "meaning": "zebra"})
        assert wrong.status_code == 422


async def test_a_header_with_two_readings_is_asked_about(house, thirty):
    text = (thirty / "stock.csv").read_text("utf-8").replace("$/ct", "Price", 1)
    async with supplier(house) as browser:
        sent = await browser.post("/stock/imports", files={"file": ("price.csv", text.encode())})
        await work(house, thirty)
        page = await browser.get(sent.headers["location"])
        assert "The column “Price” is" in page.text and "Not applied" in page.text
        said = {"column": "@headers", "word": "Price", "meaning": "price_per_carat"}
        again = await browser.post(sent.headers["location"] + "/mappings", data=said)
        await work(house, thirty)
        assert "of 30 rows answered" in (await browser.get(again.headers["location"])).text


async def test_a_needed_column_under_a_name_that_nobody_knows_is_asked_about(house, thirty):
    text = (thirty / "stock.csv").read_text("utf-8").replace("Stock #", "Our own ref", 1).replace("$/ct", "Price", 1)
    async with supplier(house) as browser:
        sent = await browser.post("/stock/imports", files={"file": ("ref.csv", text.encode())})
        await work(house, thirty)
        page = (await browser.get(sent.headers["location"])).text
        assert "A required column is missing: Stock number." in page and "Not applied" in page
        assert "The column “Our own ref” is" in page and page.count("The column “Price” is") == 1
        for word, meaning in (("Our own ref", "stock_no"), ("Price", "price_per_carat")):
            said = {"column": "@headers", "word": word, "meaning": meaning}
            again = await browser.post(sent.headers["location"] + "/mappings", data=said)
        await work(house, thirty)
        assert "of 30 rows answered" in (await browser.get(again.headers["location"])).text


async def test_a_large_replacement_waits_for_the_number_on_the_page(house, thirty):
    head, *rows = (thirty / "stock.csv").read_text("utf-8").splitlines()
    async with supplier(house) as browser:
        await browser.post("/stock/imports", files={"file": ("all.csv", (thirty / "stock.csv").read_bytes())})
        await work(house, thirty)
        few = "\n".join([head, *rows[:5]]).encode()
        sent = await browser.post("/stock/imports", data={"mode": "replace"}, files={"file": ("few.csv", few)})
        await work(house, thirty)
        page = await browser.get(sent.headers["location"])
        assert "Type the number of stones" in page.text
        address = sent.headers["location"]
        told = (await browser.get(f"{PUT}/{address.rpartition('/')[2]}")).json()
        number = told["file_issues"][0]["facts"]["n"]
        assert (await browser.post(f"{address}/confirmation", data={"number": number + 1})).status_code == 422
        assert (await browser.post(f"{address}/confirmation", data={"number": "x"})).status_code == 422
        assert (await browser.post(f"{address}/confirmation", data={"number": number})).status_code == 303
        await work(house, thirty)
        assert f"{number} stones withdrawn" in (await browser.get(address)).text


async def test_another_suppliers_file_does_not_exist(house, thirty):
    async with supplier(house) as browser:
        address = (await browser.post("/stock/imports", files={"file": ("a.csv", b"a,b\n1,2\n")})).headers["location"]
    async with supplier(house, "eve@other.example", "Other Diamonds") as stranger:
        for path in (address, f"{address}/fix.csv", f"{PUT}/{address.rpartition('/')[2]}", f"{PUT}/nonsense"):
            assert (await stranger.get(path)).status_code == 404
        assert "a.csv" not in (await stranger.get("/stock")).text


async def test_stock_is_for_suppliers(house):
    async with supplier(house, roles=(Role.BUYER,)) as buyer:
        assert (await buyer.get("/stock")).status_code == 403
        assert (await buyer.put(PUT, content=b"a")).json()["code"] == "not_allowed"
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME, headers={"origin": HOME}) as stranger:
        assert (await stranger.get("/stock")).status_code == 303
        assert (await stranger.put(PUT, content=b"a")).status_code == 401


async def test_a_changed_row_tells_both_values_and_columns_by_their_names(house, thirty):
    head, *rows = (thirty / "stock.csv").read_text("utf-8").splitlines()
    places = {name: place for place, name in enumerate(head.split(","))}
    good = next(a["row"] for a in world.answers_of(thirty) if a["outcome"] == "accepted")
    cells = rows[good - 2].split(",")
    was, cells[places["Color"]] = cells[places["Color"]], "D" if cells[places["Color"]] != "D" else "E"
    cells[places["Total Price"]], said = "7.5", cells[places["Color"]]
    async with supplier(house) as browser:
        lone = "\n".join([head, ",".join(cells)]).encode()
        refused = await browser.post("/stock/imports", files={"file": ("lone.csv", lone)})
        cells[places["Total Price"]] = ""
        content = "\n".join([head.replace("Color", "Col"), ",".join(cells)]).encode()
        sent = await browser.post("/stock/imports", files={"file": ("one.csv", content)})
        await work(house, thirty)
        address = sent.headers["location"]
        told = (await browser.get(f"{PUT}/{address.rpartition('/')[2]}")).json()
        (row,) = (await browser.get(f"{PUT}/{told['id']}/rows")).json()["rows"]
        assert (told["accepted_changed"], told["progress"], row["outcome"]) == (1, 100, "accepted_changed")
        (issue,) = row["issues"]
        assert (issue["header"], issue["raw"], issue["normalised"], issue["column"]) == ("Col", said, was, "color")
        assert issue["message_en"] == f"Colour: the report says {was}, the file {said}. The report’s value is used."
        assert len((await browser.get(f"{address}/fix.csv")).text.splitlines()) == 1, "no bad row"
        page, stone = await browser.get(address), await browser.get(f"/stones/{row['origin']['stone_id']}")
        assert f"<b>Colour</b> <i>Col</i> the report says {was}, the file {said}." in page.text
        assert f"the supplier’s file says {said}" in stone.text
        assert "<b>Total price</b>" in (await browser.get(refused.headers["location"])).text
        await browser.post("/language", data={"to": "zh", "back": "/"})
        zh = await browser.get(address)
        assert f"<b>颜色</b> <i>Col</i> 证书为{was}，文件为{said}，以证书为准。" in zh.text
        assert "<b>总价</b> <i>Total Price</i>" in (await browser.get(refused.headers["location"])).text
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME) as stranger:
        seen = await stranger.get(f"/stones/{row['origin']['stone_id']}")
        assert seen.status_code == 200 and "the supplier’s file says" not in seen.text
