"""The passport as people meet it: its page in both languages, its paper, the map of its way, and what is kept back."""

import hashlib
import io
import json
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from html import unescape

import pypdf
import pytest
import segno
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select, update

from pavilion import main
from pavilion.accounts.rules import Role
from pavilion.kernel.db import create_engine
from pavilion.kernel.ids import ulid
from pavilion.kernel.jobs import Job
from pavilion.provenance import issuing, journey, log, mapmaking, passport_queries, service, video_making, worldmap
from pavilion.provenance.issuing import Issuer
from pavilion.provenance.journey import Sees
from pavilion.provenance.passport_models import Countersignature, StatusEntry
from pavilion.provenance.passport_showing import code_of
from pavilion.provenance.queries import ChainStep
from pavilion.settings import Settings
from tests import make
from tests.make import NOON, PASSWORD
from tests.provenance import stones

HOME = "http://pavilion.test"
KEYS = {"passport_key": "11" * 32, "log_key": "22" * 32, "secret_key": "33" * 32}


def chain(number: int = 1, **cutter) -> list[dict]:
    """A stone of Botswana, cut in Antwerp by somebody with a name."""
    events = stones.chain(number)
    stones.event(events, "MINED").update(region="Central District", mine="Khwebe Ridge", producer="Kgale Diamonds")
    stones.event(events, "POLISHED").update(
        plant="Scheldt Works, Antwerp", cutter={"name": "Anna Peeters", "years": 27, **cutter}
    )
    return events


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    engine = create_engine(sqlite_database_url)
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path, **KEYS)
    yield main.build_house(settings, engine, lambda: NOON)
    await engine.dispose()


async def issued(house, folder, events, number: int = 1) -> str:
    """A stone with this chain and a passport that a checkpoint covers."""
    registry, claim = stones.registry(folder / f"registry-{number}", (number, events)), stones.claim(number)
    sessions, signer = house.state.sessions, house.state.log_signer
    async with sessions.begin() as session:
        (verdict,) = await service.confirm(session, claims=[claim], registry=registry, now=NOON, log=signer)
    assert verdict.verdict == "verified", verdict
    while await issuing.tick(sessions, Issuer.of(house.state.settings), NOON):
        pass
    async with sessions.begin() as session:
        await log.sign(session, signer, NOON)
    return claim.stone


@asynccontextmanager
async def reader(house, *roles):
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME, headers={"origin": HOME}) as browser:
        if roles:
            async with house.state.sessions.begin() as session:
                await make.person(session, "cato@pavilion.example", roles)
            said = {"email": "cato@pavilion.example", "password": PASSWORD}
            assert (await browser.post("/sign-in", data=said)).status_code == 303
        yield browser


def words(answer) -> str:
    body = re.sub(r"<(style|script).*?</\1>", " ", answer.text, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


async def test_the_page_tells_stone_verdict_way_and_proof_without_any_script(house, tmp_path):
    stone = await issued(house, tmp_path, chain(consent="name"))
    async with reader(house) as browser:
        answer = await browser.get(f"/passports/{stone}", headers={"accept": "text/html"})
    said = words(answer)
    assert answer.status_code == 200 and "Valid Version 1, the newest" in said
    for part in (
        "Origin confirmed", "1.012 ct", "VS1", "Central District, Botswana", "Kgale Diamonds",
        "Cut by Anna Peeters", "27 years at the wheel", "Scheldt Works, Antwerp", "attested", "Kimberley authority",
        "2.650 ct rough", "The stone is 38.1 % of its rough.", "Weakest link:", "Grading report GIA 6100000001",
        "Passport by", "log entry", "its number is not public",
    ):  # fmt: skip
        assert part in said, part
    assert said.index("Origin confirmed") < said.index("From the mine to this page") < said.index("Downloads")
    assert '<svg viewBox="0 0 440 300" role="img"' in answer.text and answer.text.count('class="route"') == 1
    assert "style=" not in answer.text


async def test_the_page_speaks_chinese(house, tmp_path):
    stone = await issued(house, tmp_path, chain(consent="name"))
    async with reader(house) as browser:
        said = words(await browser.get(f"/passports/{stone}", headers={"accept": "text/html", "cookie": "lang=zh"}))
    for part in ("有效", "来源已确认", "博茨瓦纳中部区", "从业 27 年", "最弱环节", "从原石到裸石", "版本"):
        assert part in said, part
    assert not re.search(r"\b(?:rough|Valid|Downloads|Proof)\b", said)


async def test_nobody_outside_learns_papers_parties_or_a_name_that_was_not_given_free(house, tmp_path):
    stone = await issued(house, tmp_path, chain())
    async with reader(house) as browser:
        page = await browser.get(f"/passports/{stone}", headers={"accept": "text/html"})
        paper = await browser.get(f"/passports/{stone}/1?as=pdf&lang=en")
    text = page.text + "".join(one.extract_text() for one in pypdf.PdfReader(io.BytesIO(paper.content)).pages)
    assert "A. P." in text
    for secret in ("Peeters", "Scheldt", "Khwebe", "BW000001", "C-77", "manu", "SOLD_ROUGH", "Sold as rough"):
        assert secret not in text, secret


async def test_compliance_reads_the_whole_way_on_the_page_and_hands_on_no_more_than_anyone_on_paper(house, tmp_path):
    stone = await issued(house, tmp_path, chain())
    async with reader(house, Role.COMPLIANCE) as browser:
        said = words(await browser.get(f"/passports/{stone}", headers={"accept": "text/html"}))
        paper = await browser.get(f"/passports/{stone}?as=pdf&lang=en")
    assert "Certificate BW000001" in said and "Anna Peeters" in said and "Sold as rough" in said
    text = "".join(one.extract_text() for one in pypdf.PdfReader(io.BytesIO(paper.content)).pages)
    assert "BW000001" not in text and "Peeters" not in text


@pytest.mark.parametrize(
    ("changed", "told"), [({"suspended_at": NOON}, "Suspended Since"), ({"revoked_at": NOON}, "Revoked The house")]
)
async def test_a_passport_that_does_not_stand_says_so_before_anything_else(house, tmp_path, changed, told):
    stone = await issued(house, tmp_path, chain())
    async with house.state.sessions.begin() as session:
        await session.execute(update(StatusEntry).where(StatusEntry.stone == stone).values(changed))
    async with reader(house) as browser:
        said = words(await browser.get(f"/passports/{stone}", headers={"accept": "text/html"}))
        papers = [await browser.get(f"/passports/{stone}/1?as=pdf&lang={lang}") for lang in ("en", "zh")]
    assert told in said and said.index(told) < said.index("1.012 ct") and "Valid Version" not in said
    assert "Origin confirmed" not in said and said.count("Its origin was confirmed on") == 2
    word = "SUSPENDED" if "suspended_at" in changed else "REVOKED"
    for paper, mark in zip(papers, (word, {"SUSPENDED": "已中止", "REVOKED": "已撤销"}[word]), strict=True):
        pages = [one.extract_text() for one in pypdf.PdfReader(io.BytesIO(paper.content)).pages]
        assert len(pages) == 2 and all(mark in one for one in pages)
        assert "Origin confirmed" not in pages[0] and "来源已确认" not in pages[0]


async def test_the_page_names_the_bundle_first_and_says_what_the_grades_mean(house, tmp_path):
    stone = await issued(house, tmp_path, chain())
    async with reader(house) as browser:
        page = await browser.get(f"/passports/{stone}", headers={"accept": "text/html"})
        paper = await browser.get(f"/passports/{stone}/1?as=pdf&lang=en")
    said = words(page)
    assert f"pavilion verify {stone}-1.zip --offline" in said and "verify passport.json" not in said
    assert page.text.index(f"{stone}/1/bundle") < page.text.index(f'{stone}/1?as=json" download')
    assert "A: measured at each cut, or matched by scan. B: attested by all who signed." in said
    assert "1.01 ct (1.012 ct on the scale)" in said
    text = " ".join(pypdf.PdfReader(io.BytesIO(paper.content)).pages[0].extract_text().split())
    assert "--offline" in text and "only the house can answer" in text and "B: attested by all" in text


async def test_a_version_that_was_ever_issued_is_known_by_its_code(house, tmp_path):
    stone = await issued(house, tmp_path, chain())
    async with house.state.sessions.begin() as session:
        first = await passport_queries.latest(session, stone)
        facts = {column.name: getattr(first, column.name) for column in type(first).__table__.columns}
        session.add(type(first)(**facts | {"n": 2, "sha256": "ab" * 32}))
    async with reader(house) as browser:
        newest = await browser.get(f"/passports/{stone}", headers={"accept": "text/html"})
        old = await browser.get(f"/passports/{stone}/1", headers={"accept": "text/html"})
    assert f'data-scanned-version="{first.sha256[:16]}"' in newest.text
    assert re.search(r"You scanned version 1 of .*?; version 2 is the newest\.", words(newest))
    assert "You scanned version 2" in words(old) and "fits no version of this passport" in words(old)


@pytest.mark.parametrize("consent", ["name", "initials"])
async def test_the_film_tells_nothing_that_the_open_page_does_not_tell(house, tmp_path, consent):
    events = chain(consent=consent)
    stones.event(events, "PLANNED")["plan"] = [1020, 402]
    stone = await issued(house, tmp_path, events)
    async with house.state.sessions.begin() as session:
        await video_making.order(session, stone, HOME, by=None, now=NOON)
    async with house.state.sessions() as session:
        said = (await session.scalars(select(Job.payload).where(Job.kind == video_making.JOB))).one()["parameters"]
    async with reader(house) as browser:
        page = words(await browser.get(f"/passports/{stone}", headers={"accept": "text/html"}))
        document = (await browser.get(f"/passports/{stone}/1?as=json")).text
    assert "plan" not in said and "seed" in said["rough"]
    masses = [said["rough"]["mass_mct"], said["finished"]["mass_mct"], *said["cut"]["masses_mct"]]
    for mct in masses:
        assert f"{mct // 1000}.{mct % 1000:03d}" in page, mct
    assert sum(said["cut"]["masses_mct"]) + said["cut"]["loss_mct"] == said["rough"]["mass_mct"]
    for scene in ("where", "hands", "graded"):
        for name, told in said[scene].items():
            assert name == "day" or str(told) in page + document, (scene, name)
    assert ("Peeters" in str(said)) is (consent == "name")


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_the_paper_has_two_pages_and_carries_the_signed_document_and_its_proof(house, tmp_path, lang):
    stone = await issued(house, tmp_path, chain(consent="name"))
    async with reader(house) as browser:
        first, again = [await browser.get(f"/passports/{stone}/1?as=pdf&lang={lang}") for _ in range(2)]
        document = await browser.get(f"/passports/{stone}/1?as=json")
    assert first.headers["content-type"] == "application/pdf" and first.content == again.content
    paper = pypdf.PdfReader(io.BytesIO(first.content))
    assert len(paper.pages) == 2
    assert paper.attachments["passport.json"] == [document.content]
    assert paper.attachments["passport.tlog-proof"][0].startswith(b"c2sp.org/tlog-proof@v1\n")
    text = "".join(page.extract_text() for page in paper.pages)
    assert ("Origin confirmed" if lang == "en" else "来源已确认") in text and "GIA 6100000001" in text


async def test_the_code_leads_to_the_stone_and_names_the_document(house, tmp_path):
    stone = await issued(house, tmp_path, chain())
    async with reader(house) as browser:
        page = (await browser.get(f"/passports/{stone}", headers={"accept": "text/html"})).text
        led = await browser.get(f"/id/stone/{stone}")
    async with house.state.sessions() as session:
        passport = await passport_queries.latest(session, stone)
    assert passport is not None and led.status_code == 200
    url = f"{HOME}/id/stone/{stone}#{passport.sha256[:16]}"
    assert code_of(url).path in page and code_of(url).path in led.text
    assert f'data-scanned="{passport.sha256[:16]}"' in page


async def test_the_stones_page_tells_the_same_way_and_leads_to_the_passport(house, tmp_path):
    stone = await issued(house, tmp_path, chain())
    async with house.state.sessions() as session:
        way = journey.told(await _chain(session, stone), Sees.PUBLIC)
    assert [line.kind for line in way.lines] == [
        "MINED", "KP_EXPORT", "KP_IMPORT", "CUT", "POLISHED", "TESTED_NATURAL", "GRADED",
    ]  # fmt: skip
    assert [(stop.cc, stop.region, stop.town) for stop in way.stops] == [
        ("BW", "Central District", None), ("BE", None, None),
    ]  # fmt: skip


async def test_the_desk_shows_the_full_way_both_grades_each_answer_and_every_document(house, tmp_path):
    stone = await issued(house, tmp_path, chain())
    async with reader(house, Role.COMPLIANCE) as browser:
        page = await browser.get(f"/staff/exceptions/{stone}")
        found = re.findall(rf'"(/staff/exceptions/{stone}/documents/([0-9a-f]{{64}}))"', page.text)
        documents = [(sha256, (await browser.get(address)).content) for address, sha256 in found]
        foreign = await browser.get(f"/staff/exceptions/{stone}/documents/{'0' * 64}")
    said = words(page)
    assert "Certificate BW000001" in said and "Sold as rough" in said and "What the registries said" in said
    assert len(documents) >= 2 and all(hashlib.sha256(body).hexdigest() == sha256 for sha256, body in documents)
    assert foreign.status_code == 404


def test_the_code_is_the_one_a_reader_scans():
    code = code_of("https://pavilion.example/id/stone/01KJ8Q3V5W9X7Y2Z4A6B8C0D1E#0123456789abcdef")
    rows = [bytes(row) for row in segno.make_qr(code.url, error="q", boost_error=False).matrix]
    drawn = {
        (int(y) - 2, int(x) - 2 + step)
        for x, y, wide in re.findall(r"M(\d+) (\d+)h(\d+)v1", code.path)
        for step in range(int(wide))
    }
    assert drawn == {(y, x) for y, row in enumerate(rows) for x, dark in enumerate(row) if dark}
    assert code.size == len(rows) + 4


WAYS = [
    (worldmap.centre("BW", "Central District"), worldmap.town("BE", "Antwerp"), worldmap.centre("HK")),
    (worldmap.centre("CA"), worldmap.centre("CN"), worldmap.centre("HK")),
    (worldmap.centre("ZA"),),
    (worldmap.centre("RU", "Sakha"), worldmap.centre("US"), worldmap.centre("AU"), worldmap.centre("IN")),
]


@pytest.mark.parametrize("places", WAYS, ids=len)
def test_every_stop_and_its_name_stand_inside_the_map(places):
    drawing = worldmap.drawn(places)
    assert sorted(number for mark in drawing.marks for number in mark.numbers) == list(range(1, len(places) + 1))
    for mark in drawing.marks:
        assert 8 < mark.x < worldmap.WIDTH - 8 and 8 < mark.y < worldmap.HEIGHT - 8
        assert 0 < mark.label_x < worldmap.WIDTH and 0 < mark.label_y < worldmap.HEIGHT
    assert len(drawing.legs) == len(places) - 1 and drawing.land.startswith("M")
    assert len(drawing.land) + len(drawing.net) < 40_000, "a page carries its map"
    corners = [corner for path in (drawing.land, drawing.net, *drawing.legs) for corner in _corners(path)]
    assert all(-8 < x < worldmap.WIDTH + 8 and -8 < y < worldmap.HEIGHT + 8 for x, y in corners), (
        "no wider than its frame"
    )


def _corners(path: str):
    for part in path.split("M")[1:]:
        begin, _, steps = part.rstrip("z").partition("l")
        x, y = map(float, begin.split())
        yield x, y
        figures = [float(figure) for figure in re.findall(r"-?\d*\.?\d+", steps)]
        for dx, dy in zip(figures[::2], figures[1::2], strict=True):
            x, y = x + dx, y + dy
            yield x, y


def test_a_place_is_never_told_finer_than_a_degree():
    table = json.loads((mapmaking.MADE.parent / "places.json").read_text())
    found = [
        *table["countries"].values(),
        *(p for kind in ("regions", "towns") for t in table[kind].values() for p in t.values()),
    ]
    assert found and all(type(degree) is int for place in found for degree in place)


def test_the_outlines_are_made_from_a_topology_and_leave_out_the_south_pole():
    ring = {"type": "Polygon", "arcs": [[0]]}
    ice = {"type": "Polygon", "arcs": [[1]], "id": "010"}
    topology = {
        "transform": {"scale": [0.01, 0.01], "translate": [-180, -90]},
        "arcs": [[[0, 0], [100, 0], [0, 100], [-100, -100]], [[500, 0], [1, 0], [0, 1], [-1, -1]]],
        "objects": {"countries": {"geometries": [{**ring, "id": "072"}, ice]}, "land": {"geometries": [ring, ice]}},
    }
    made = json.loads(mapmaking.made(topology))
    assert made["countries"] == {"BW": [[0]]} and made["land"] == [[0]]
    assert made["arcs"] == [[-18000, -9000, 100, 0, 0, 100, -100, -100]]


def step(seq: int, kind: str, cc: str | None, **facts) -> ChainStep:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=seq)
    return ChainStep(seq, kind, at, "somebody", cc, facts, "0" * 64)


def test_the_weights_follow_the_pieces_the_stone_came_from():
    steps = [
        step(0, "MINED", "BW", out={"R": 5000}),
        step(1, "CUT", "BE", **{"in": "R", "out": {"B": 1000, "A": 3500}, "loss": 500}),
        step(2, "CUT", "BE", **{"in": "B", "out": {"B1": 900}, "loss": 100}),
        step(3, "POLISHED", "BE", **{"in": ["A"], "out": {"P": 1500}, "loss": 2000}),
    ]
    found = journey.balance(steps)
    assert found is not None and (found.rough_mct, found.polished_mct, found.yield_bp) == (5000, 1500, 3000)
    assert [[(piece.mct, piece.ours) for piece in stage.pieces] for stage in found.stages] == [
        [(3500, True), (1000, False)],
        [(1500, True)],
    ], "another piece's cut is not this stone's"
    assert found.stages[0].segments(5000) == [(0, 700, "ours"), (700, 200, "other"), (900, 100, "loss")]
    assert journey.balance(steps[1:]) is None and journey.balance(steps[:1]) is None


def test_stops_follow_the_stone_and_return_to_a_country_is_a_stop_of_its_own():
    steps = [
        step(0, "MINED", "BW", region="Central District", out={"R": 1}),
        step(1, "KP_EXPORT", "BW", to_cc="BE"),
        step(2, "KP_IMPORT", "BE"),
        step(3, "CUT", "BE"),
        step(4, "POLISHED", "IN", plant="Tapi, Surat", cutter={"name": "R. M.", "consent": "name"}),
        step(5, "GRADED", "BE"),
    ]
    way = journey.told(steps, Sees.PUBLIC, here=("BE", "Antwerp"))
    assert [(stop.cc, stop.town, stop.roles) for stop in way.stops] == [
        ("BW", None, ("mined", "left")),
        ("BE", None, ("arrived", "cut")),
        ("IN", "Surat", ("cut",)),
        ("BE", "Antwerp", ("graded", "here")),
    ]
    assert [line.stop for line in way.lines] == [1, 1, 2, 2, 3, 4]


def test_a_stone_cut_in_the_country_of_its_mine_has_two_stops():
    steps = [
        step(0, "MINED", "BW", region="Ngamiland", out={"R": 1}),
        step(1, "POLISHED", "BW", plant="Notwane, Gaborone", cutter={"name": "T. M.", "consent": "name"}),
    ]
    way = journey.told(steps, Sees.PUBLIC)
    assert [(stop.region, stop.town) for stop in way.stops] == [("Ngamiland", None), (None, "Gaborone")]


def test_a_place_nobody_knows_leaves_the_map_out_and_the_lines_stand():
    way = journey.told([step(0, "MINED", "XZ", out={"R": 1}), step(1, "CUT", "BE")], Sees.PUBLIC)
    assert way.drawing is None and len(way.lines) == 2


async def _chain(session, stone):
    from pavilion.provenance import queries

    return await queries.chain_of(session, stone)


async def test_who_presents_a_stone_stands_beside_the_house_and_changes_no_fact(house, tmp_path):
    stone = await issued(house, tmp_path, chain())
    async with reader(house) as browser:
        plain = words(await browser.get(f"/passports/{stone}/1", headers={"accept": "text/html"}))
    async with house.state.sessions.begin() as session:
        passport = await passport_queries.latest(session, stone)
        firm = await make.company(session, "Maison Delorme")
        over, older = passport.sha256, "0" * 64
        for place, (name, sha256) in enumerate((("Maison Delorme", over), ("Old Owner", older))):
            subject = {
                "message": {"en": f"Set by {name}.", "zh": f"{name} 镶嵌。"},
                "jewel": {"kind": "ring", "id": "R-7"},
            }
            session.add(
                Countersignature(
                    public_id=ulid(NOON + timedelta(seconds=place)), stone=stone, n=1, over=sha256, company_id=firm.id,
                    issuer="did:web:delorme.example", display_name=name, sha256=sha256, logo_sha256=None,
                    document=json.dumps({"credentialSubject": subject}), by="x", at=NOON, withdrawn_at=None,
                )
            )  # fmt: skip
    async with reader(house) as browser:
        page = await browser.get(f"/passports/{stone}/1", headers={"accept": "text/html"})
        paper = await browser.get(f"/passports/{stone}/1?as=pdf&lang=zh")
    said = words(page)
    assert "Presented by Maison Delorme" in said and "Set by Maison Delorme." in said and "Passport by" in said
    assert "for version 1" in said, "what was signed over other bytes says for which version"
    assert "Set in a jewel: ring, R-7" in said or "Set in a jewel: Ring, R-7" in said
    facts = plain[plain.index("Carat weight") : plain.index("Check it without us")]
    assert facts in said
    assert "Maison Delorme 镶嵌。" in pypdf.PdfReader(io.BytesIO(paper.content)).pages[0].extract_text()
