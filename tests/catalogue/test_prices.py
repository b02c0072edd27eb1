"""Price lists of an operator, and where a stone's price stands among like stones: exact, and nobody is given away."""

import csv
import io
from contextlib import asynccontextmanager
from datetime import date
from fractions import Fraction

import pytest
from httpx2 import ASGITransport, AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.catalogue import benchmark_sheets, benchmarks, position, service, sheets
from pavilion.catalogue.benchmark_models import BenchmarkEnd, BenchmarkList, BenchmarkRow
from pavilion.catalogue.benchmark_sheets import ListRead, Row
from pavilion.catalogue.models import CommitmentKind, Stone
from pavilion.kernel.errors import BadInput, NotAllowed
from pavilion.kernel.sheet import SheetFault
from pavilion.kernel.xlsx_writing import write_xlsx
from pavilion.settings import Settings
from tests import make
from tests.catalogue import stones
from tests.make import NOON, PASSWORD

HOME = "http://pavilion.test"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # where both databases do the same
ABOUT = benchmarks.Named("Owner BV", "Own list", date(2026, 3, 1), "USD")
HEAD = "Shape,From,To,Color,Clarity,Price\r\n"
GOOD = HEAD + "Round,1.00,1.49,G,VS2,6 500.00\r\n圆形,1.50,1.99,G,VS2,8000\r\nPear,0.30,0.39,O-P,I1,450\r\n"


@asynccontextmanager
async def alive(_app):
    yield


@pytest.fixture
async def house(sessions, tmp_path):
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path)
    return main.build_web(settings, sessions.kw["bind"], lambda: NOON, alive)


@asynccontextmanager
async def browsing(house, email=None, lang="en"):
    headers = {"origin": HOME, "accept-language": lang}
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME, headers=headers) as browser:
        if email:
            assert (await browser.post("/sign-in", data={"email": email, "password": PASSWORD})).status_code == 303
        yield browser


def read(tmp_path, text, currency="USD"):
    path = tmp_path / "list.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return benchmark_sheets.read_file(path, currency)


def test_a_list_is_read_in_the_words_of_the_trade(tmp_path):
    found = read(tmp_path, GOOD)
    assert found.rows == [
        Row("round", "G", "VS2", 1000, 1490, 650_000),
        Row("round", "G", "VS2", 1500, 1990, 800_000),
        Row("pear", "O-P", "I1", 300, 390, 45_000),
    ]
    assert (found.faults, found.unread) == ([], ())
    assert benchmark_sheets.read_document(found.document) == ListRead(found.rows, ())


@pytest.mark.parametrize(
    ("line", "column", "code"),
    [
        ("Blob,1.00,1.49,G,VS2,6500", "shape", "benchmark_shape"),
        ("Round,1.001,1.49,G,VS2,6500", "from", "benchmark_weight"),
        ("Round,0,1.49,G,VS2,6500", "from", "benchmark_weight"),
        ("Round,1.50,1.49,G,VS2,6500", "to", "benchmark_band"),
        ("Round,1.00,1.49,Fancy Pink,VS2,6500", "color", "benchmark_color"),
        ("Round,1.00,1.49,G,VS9,6500", "clarity", "benchmark_clarity"),
        ("Round,1.00,1.49,G,none,6500", "clarity", "benchmark_clarity"),
        ("Round,1.00,1.49,G,VS2,0", "price", "benchmark_price"),
        ("Round,1.00,1.49,G,VS2,-5", "price", "benchmark_price"),
        ("Round,1.00,1.49,G,VS2,€6500", "price", "benchmark_price"),
        ("Round,1.00,1.49,G,VS2,6500.005", "price", "benchmark_price"),
        ("Round,1.00,1.49,G,VS2,=1+1", "price", "benchmark_formula"),
        ("Round,1.40,1.60,G,VS2,6500", "from", "benchmark_twice"),
    ],
)
def test_each_fault_is_named_by_its_row_column_and_code(tmp_path, line, column, code):
    found = read(tmp_path, HEAD + "Round,1.00,1.49,G,VS2,6500\r\n" + line + "\r\n")
    assert (3, column, code) in [(one.number, one.column, one.code) for one in found.faults]


def test_a_file_without_the_columns_or_with_one_twice_is_no_list(tmp_path):
    for text, code in (
        ("Shape,From,To,Color,Price\r\n", "benchmark_columns_missing"),
        ("Shape,Shape,From,To,Color,Clarity,Price\r\n", "benchmark_column_twice"),
        (b"\x00\x01\x02\x03", "not_a_table"),
    ):
        with pytest.raises(SheetFault) as refused:
            read(tmp_path, text)
        assert refused.value.code == code


@pytest.mark.parametrize("document", ["", "x", "eJwDAAAAAAE=", "AAAA"])
def test_a_document_that_no_preview_handed_out_is_refused(document):
    with pytest.raises(BadInput):
        benchmark_sheets.read_document(document)


@pytest.mark.parametrize(
    "row",
    [
        ("blob", "G", "VS2", 1000, 1490, 1), ("round", "G", "VS2", 1490, 1000, 1), ("round", "G", "VS2", 1001, 1490, 1),
        ("round", "G", "VS2", 1000, 1490, 0), ("round", "G", "VS2", 1000, 1490, True),
        ("round", "G", "VS2", 1000, 1490, 1.5), ("round", "G", "VS2", 1000, 1490),
    ],
)  # fmt: skip
def test_a_document_that_was_tampered_with_is_refused(row):
    with pytest.raises(BadInput):
        benchmark_sheets.read_document(ListRead([row], ()).document)


async def keeper(session):
    return await make.actor(session, "adam@pavilion.example", (Role.ADMIN,))


def listed_of(*rows):
    return ListRead([Row(*row) for row in rows], ())


async def test_the_same_list_is_taken_in_once_and_never_changes(sessions):
    async with sessions.begin() as session:
        adam = await keeper(session)
        noor = await make.actor(session)
        said = listed_of(("round", "G", "VS2", 1000, 1490, 650_000))
        first = await benchmarks.take_in(session, about=ABOUT, read=said, actor=adam, now=NOON)
        again = await benchmarks.take_in(session, about=ABOUT, read=said, actor=adam, now=NOON)
        assert first.id == again.id
        with pytest.raises(benchmarks.OtherList):
            other = listed_of(("round", "G", "VS2", 1000, 1490, 650_001))
            await benchmarks.take_in(session, about=ABOUT, read=other, actor=adam, now=NOON)
        with pytest.raises(NotAllowed):
            await benchmarks.take_in(session, about=ABOUT._replace(name="Mine"), read=said, actor=noor, now=NOON)
    for change in (
        update(BenchmarkRow).values(ppc_minor=1),
        delete(BenchmarkRow),
        update(BenchmarkList).values(rows=9),
    ):
        with pytest.raises(DBAPIError, match="append only"):
            async with sessions.begin() as session:
                await session.execute(change)


@ON_SQLITE
async def test_each_list_speaks_for_itself_and_only_its_latest_day_counts(sessions):
    async with sessions.begin() as session:
        adam, firm = await keeper(session), await make.company(session)
        rows = [
            stones.row(1, weight_mct=1495, price_per_carat_minor=600_000),
            stones.row(2, weight_mct=1500),
            stones.row(3, weight_mct=1200, currency="HKD"),
            stones.row(4, weight_mct=1200, treatment="laser_drilled"),
            stones.row(5, weight_mct=1200, price_per_carat_minor=None),
        ]
        stored = await stones.listed(session, rows, firm.id)

        async def taken(name, day, ppc, upto=1490, currency="USD"):
            about = benchmarks.Named("Owner BV", name, day, currency)
            said = listed_of(("round", "G", "VS2", 1000, upto, ppc))
            return await benchmarks.take_in(session, about=about, read=said, actor=adam, now=NOON)

        async def beside(place):
            stone = await session.get_one(Stone, stored[place].id)
            return [(one.name, one.day.day, one.pct) for one in await benchmarks.beside(session, stone)]

        await taken("Old", date(2026, 2, 1), 500_000)
        await taken("Own", date(2026, 2, 1), 700_000)
        last = await taken("Own", date(2026, 2, 8), 800_000)
        assert await beside(0) == [("Old", 1, 2000), ("Own", 8, -2500)], "1.495 ct is 1.49 ct on its report"
        assert await beside(1) == [], "outside every band"
        assert await beside(2) == await beside(3) == []
        assert await beside(4) == [("Old", 1, None), ("Own", 8, None)]
        assert await benchmarks.covered(session, listed_of(("round", "G", "VS2", 1000, 1490, 1)), "USD") == 3
        narrow = await taken("Own", date(2026, 2, 9), 900_000, upto=1100)
        assert await beside(0) == [("Old", 1, 2000)], "what the latest does not say, no older one says for it"
        await benchmarks.end(session, public_id=narrow.public_id, actor=adam, now=NOON)
        await benchmarks.end(session, public_id=narrow.public_id, actor=adam, now=NOON)
        assert await beside(0) == [("Old", 1, 2000), ("Own", 8, -2500)]
        await benchmarks.end(session, public_id=last.public_id, actor=adam, now=NOON)
        assert await session.scalar(select(func.count()).select_from(BenchmarkEnd)) == 2


async def test_stones_stand_against_the_one_list_that_their_reader_chose(house, sessions):
    async with sessions.begin() as session:
        adam, firm = await keeper(session), await make.company(session)
        await make.person(session, "wen@lumen.example", (Role.BUYER,), firm)
        await make.person(session, "vera@lumen.example", (Role.VIEWER,), firm)
        rows = [stones.row(n, price_per_carat_minor=600_000, color=color) for n, color in enumerate("GGF", 1)]
        one, sold, _ = await stones.listed(session, rows, (await make.company(session, name="Supplier")).id)
        gone = {"stone": sold.public_id, "ref": sold.public_id, "kind": CommitmentKind.SOLD, "facts": {}}
        await service.commit_stone(session, **gone, by=None, now=NOON)
        kept = []
        for name, ppc in (("Old list", 500_000), ("Own list", 800_000)):
            about = benchmarks.Named("Owner BV", name, date(2026, 2, 1), "USD")
            said = listed_of(("round", "G", "VS2", 1000, 1490, ppc))
            kept.append(await benchmarks.take_in(session, about=about, read=said, actor=adam, now=NOON))
    pages = (
        "/stones",
        "/stones?view=list",
        "/stones?view=table",
        f"/stones/compare?ids={one.public_id},{sold.public_id}",
    )
    async with browsing(house, "wen@lumen.example") as wen, browsing(house, "vera@lumen.example") as vera:
        for page in pages:
            text = (await wen.get(page)).text
            assert "Own list" in text and "Old list" in text and "−25" not in text and "+20" not in text, page
        assert "benchmark_pct" not in (await wen.get("/stones.csv")).text
        choice = {"price_list": kept[1].public_id, "back": "/stones?view=table"}
        for reader in (wen, vera):
            assert (await reader.post("/stones/price-list", data=choice)).headers["location"] == choice["back"]
        for page in pages:
            text = (await wen.get(page)).text
            assert text.count("−25\xa0%") == 1 and "+20" not in text and "1 February 2026" in text, page
            assert "Own list" not in (await vera.get(page)).text and "−25" not in (await vera.get(page)).text, page
        found = {
            row["stone"]: row
            for row in csv.DictReader(io.StringIO((await wen.get("/stones.csv")).content.decode("utf-8-sig")))
        }
        told = [found[one.public_id][name] for name in sheets.AGAINST]
        assert told == ["Owner BV", "Own list", "2026-02-01", "8000.00", "-25.00"]
        assert found[sold.public_id]["benchmark_pct"] == "" and "benchmark" not in (await vera.get("/stones.csv")).text
        part = {"headers": {"hx-request": "true"}, "params": {"ppc": "10000"}}
        tried = (await wen.get(f"/stones/{one.public_id}/position", **part)).text
        assert "+20\xa0%" in tried and "+25\xa0% at the price that is tried" in tried, "the lists follow the price"
        await wen.post("/stones/price-list", data={"price_list": "none"})
        assert "−25" not in (await wen.get("/stones")).text
    async with sessions.begin() as session:
        await benchmarks.end(session, public_id=kept[0].public_id, actor=adam, now=NOON)
    async with browsing(house, "wen@lumen.example") as again:
        assert (await again.get("/stones")).text.count("Against Own list, 1 February 2026") == 1, "there is no other"


@ON_SQLITE
async def test_a_list_is_looked_at_taken_in_and_ended_on_its_page(house, sessions):
    async with sessions.begin() as session:
        await make.person(session, "adam@pavilion.example", (Role.ADMIN,))
        await make.person(session, "noor@pavilion.example", (Role.CURATOR,))
        firm = await make.company(session)
        await make.person(session, "wen@lumen.example", (Role.BUYER,), firm)
        [stone] = await stones.listed(session, [stones.row(1, price_per_carat_minor=585_000)], firm.id)
    here = "/staff/settings/benchmarks"
    said = {"owner": "Owner BV", "name": "Own list", "day": "2026-03-01", "currency": "USD"}

    def handed(text, name="list.csv"):
        return {"file": (name, io.BytesIO(text if isinstance(text, bytes) else text.encode()))}

    async with browsing(house, "adam@pavilion.example") as adam:
        bad = await adam.post(here, data=said, files=handed(GOOD + "Round,1,1,G,VS2,x\r\n"))
        assert bad.status_code == 200 and "benchmark_" not in bad.text and "No price per carat" in bad.text
        assert "Take this list in" not in bad.text
        for changed, words in (({"day": "2026-03-03"}, "not later than today"), ({"name": "x"}, "Three to eighty")):
            wrong = await adam.post(here, data=said | changed, files=handed(GOOD))
            assert wrong.status_code == 422 and words in wrong.text
        body = b"".join([piece async for piece in write_xlsx("L", HEAD.strip().split(","), sheet())])
        seen = await adam.post(here, data=said, files=handed(body, "list.xlsx"))
        assert "Take this list in" in seen.text and "listed stones they cover: 1" in seen.text
        document = seen.text.split('name="document" value="')[1].split('"')[0]
        done = await adam.post(f"{here}/imports", data=said | {"document": document})
        assert done.status_code == 303
        address = done.headers["location"].split("?")[0]
        again = await adam.post(f"{here}/imports", data=said | {"document": document})
        assert again.headers["location"] == done.headers["location"]
        other = await adam.post(here, data=said, files=handed(GOOD))
        assert other.status_code == 409 and "says something else" in other.text
        async with browsing(house, "wen@lumen.example") as wen:
            page = (await wen.get(f"/stones/{stone.public_id}")).text
            assert "−10" in page and "Own list, Owner BV, 1 March 2026" in page
            assert (await wen.get(here)).status_code == 403
        async with browsing(house) as visitor:
            page = (await visitor.get(f"/stones/{stone.public_id}")).text
            assert "Own list" not in page and "Among like stones" not in page
            assert (await visitor.get(here)).status_code == 303, "to the sign-in"
        async with browsing(house, "noor@pavilion.example", "zh") as noor:
            assert "Own list" in (await noor.get(here)).text
            assert (await noor.post(f"{address}/end")).status_code == 403
        assert (await adam.post(f"{address}/end")).status_code == 303
        assert "Ended" in (await adam.get(address)).text
        assert (await adam.get(f"{here}/01KJQ6PSG0HV0AR049QXJ3GC01")).status_code == 404


async def sheet():
    yield ["Round", (100, 2), (149, 2), "G", "VS2", 6500]


# -- Position


@given(st.lists(st.integers(1, 40), max_size=30), st.integers(1, 45))
def test_a_position_is_what_counting_says(prices, ppc):
    found = position.position(sorted(prices), ppc)
    if not prices:
        assert found is None
        return
    everyone = sorted([*prices, ppc])
    assert found.rank == everyone.index(ppc) + 1
    assert (found.cheaper, found.equal, found.dearer) == (
        sum(p < ppc for p in prices), sum(p == ppc for p in prices), sum(p > ppc for p in prices),
    )  # fmt: skip
    best = sorted(prices)[:10]

    def half(top, bottom):
        return int(Fraction(top, bottom) + Fraction(1, 2))

    assert found.average == half(sum(prices), len(prices)) and found.best == min(prices)
    assert (found.best_mean, found.best_of) == (half(sum(best), len(best)), len(best))
    assert found.share_bp == half(found.dearer * 10_000, len(prices))


def test_the_size_bands_begin_where_the_spec_says():
    for mct, band in (
        (179, (0, 180)),
        (180, (180, 230)),
        (999, (900, 1000)),
        (1000, (1000, 1500)),
        (10_000, (10_000, None)),
    ):
        assert position.band_of(mct) == band


LIKE = [
    ({}, True), ({"weight_mct": 1499}, True), ({"weight_mct": 1500}, False), ({"cut": "ideal"}, True),
    ({"cut": "very_good"}, False), ({"cut": None}, False), ({"fluor_intensity": "faint"}, True),
    ({"fluor_intensity": "medium"}, False), ({"fluor_intensity": None}, False), ({"color": "F"}, False),
    ({"clarity": "VS1"}, False), ({"shape": "oval"}, False), ({"currency": "HKD"}, False),
    ({"species": "corundum"}, False), ({"price_per_carat_minor": None}, False),
]  # fmt: skip


async def test_like_stones_are_those_of_the_same_kind_band_and_groups(sessions):
    async with sessions.begin() as session:
        firm = await make.company(session)
        lena = await make.actor(session)
        rows = [stones.row(99, price_per_carat_minor=1)]
        rows += [
            stones.row(n, **({"price_per_carat_minor": 1000 + n} | changes)) for n, (changes, _) in enumerate(LIKE, 1)
        ]
        hidden = len(rows)
        stored = await stones.listed(
            session, [*rows, stones.row(50, price_per_carat_minor=7)], firm.id, but=frozenset({hidden})
        )
        stone = await session.get_one(Stone, stored[0].id)
        found = await position.others(session, lena, stone)
    assert list(found.prices) == [1000 + n for n, (_, like) in enumerate(LIKE, 1) if like]


@ON_SQLITE
async def test_a_supplier_learns_of_others_only_where_they_are_three(house, sessions):
    async with sessions.begin() as session:
        own = await make.company(session, name="Own Stones")
        await make.person(session, "sam@own.example", (Role.SUPPLIER,), own)
        await make.person(session, "wen@lumen.example", (Role.BUYER,), await make.company(session, name="Lumen"))
        mine = await stones.listed(
            session, [stones.row(n, price_per_carat_minor=600_000 + n * 100) for n in (1, 2)], own.id
        )
        for n in (1, 2):
            other = await make.company(session, name=f"Rival {n}")
            [foreign] = await stones.listed(session, [stones.row(10 + n, price_per_carat_minor=510_000 + n)], other.id)
    here = f"/stones/{mine[0].public_id}/position"
    api = f"/api/v1{here}"
    async with browsing(house, "sam@own.example") as sam, browsing(house, "wen@lumen.example") as wen:
        told = (await sam.get(api)).json()
        assert (told["others"], told["withheld"], told["asked"]["rank"]) == (1, True, 1)
        page = (await sam.get(here)).text
        assert "5,100" not in page and "Only your own stones are counted" in page
        full = (await wen.get(api)).json()
        assert (full["others"], full["withheld"], full["asked"]["rank"], full["asked"]["of"]) == (3, False, 3, 4)
        assert (await sam.get(f"/stones/{foreign.public_id}/position")).status_code == 404, "not his, not his price"
        async with sessions.begin() as session:
            third = await make.company(session, name="Rival 3")
            await stones.listed(session, [stones.row(20, price_per_carat_minor=700_000)], third.id)
        told = (await sam.get(f"{api}?per_carat_minor=510001")).json()
        assert (told["others"], told["withheld"], told["asked"]["rank"]) == (4, False, 3)
        assert (told["tried"]["rank"], told["tried"]["equal"], told["tried"]["total"]["amount_minor"]) == (
            1,
            1,
            520_201,
        )
        page = (await sam.get(here, params={"ppc": "5,100.01"})).text
        assert "Rival" not in page and "strip-tick" not in page.split('<ul class="chart-key">')[0] and "1 of 5" in page
        part = await sam.get(here, params={"ppc": "1"}, headers={"hx-request": "true"})
        assert "<html" not in part.text and "Tried" in part.text
        for wrong in ("x", "-1", "0", "1e9", "9" * 30):
            assert (await sam.get(here, params={"ppc": wrong})).status_code == 422
        async with browsing(house) as visitor:
            assert (await visitor.get(here)).status_code == 404
            assert (await visitor.get(api)).status_code == 404
    async with sessions() as session:
        kept = await session.scalar(select(Stone.price_per_carat_minor).where(Stone.id == mine[0].id))
    assert kept == 600_100, "trying saves nothing"
