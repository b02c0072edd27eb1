"""Photographs, turns, videos and reports: what is sent finds its stone and is drawn again; nothing else comes in."""

import asyncio
import io
import os
import zipfile
from datetime import timedelta

import pytest
from PIL import Image
from sqlalchemy import select

from pavilion import main
from pavilion.catalogue import media_archive, media_running
from pavilion.catalogue.media_drawing import Refused
from pavilion.catalogue.media_matching import Sent, pieces_of
from pavilion.catalogue.media_models import MediaPiece, StoneMedia
from pavilion.catalogue.models import Stone
from pavilion.kernel.db import create_engine
from pavilion.settings import Settings
from tests import make
from tests.catalogue import media_world as world
from tests.catalogue.media_world import NOOR, OTTO, SAM, WEN, browsing, sent
from tests.catalogue.test_stone_pages import alive

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # where both databases do the same


@pytest.fixture
async def house(database_url, tmp_path):
    engine = create_engine(database_url)
    settings = Settings(environment="test", public_url=world.HOME, data_dir=tmp_path)
    yield main.build_web(settings, engine, lambda: make.NOON, alive)
    await engine.dispose()


@pytest.fixture
async def stock(house):
    return await world.stocked(house.state.sessions)


async def pieces(house):
    async with house.state.sessions() as session:
        rows = await session.execute(
            select(MediaPiece, Stone.stock_no).outerjoin(Stone, Stone.id == MediaPiece.stone_id).order_by(MediaPiece.id)
        )
        return {piece.name: (stock_no, piece.kind, piece.state, piece.code) for piece, stock_no in rows}


async def shown(house, stone):
    async with house.state.sessions() as session:
        return list(
            await session.scalars(
                select(StoneMedia)
                .join(Stone, Stone.id == StoneMedia.stone_id)
                .where(Stone.public_id == stone.public_id, StoneMedia.removed_at.is_(None))
                .order_by(StoneMedia.position)
            )
        )


@ON_SQLITE
async def test_everything_sent_together_finds_its_stone_and_is_told_of(house, stock):
    inside = [("PV-000005/front.png", world.picture(kind="PNG")), ("__MACOSX/._x", b"x"), ("notes.txt", b"hello")]
    turn = [(f"360/GIA-2000000001_{n:03}.jpg", world.picture(n * 9, (32, 32))) for n in range(1, 25)]
    async with browsing(house, SAM) as browser:
        told = await sent(
            house,
            browser,
            ("PV-000001_2.jpg", world.at_home()),
            ("2000000001.pdf", world.paper()),
            ("yellow one.jpg", world.picture(1)),
            ("r-1.webp", world.picture(2, kind="WEBP")),
            ("turning.mp4", world.film()),
            ("PV-000009.jpg", world.picture(3)),
            ("nobody.jpg", world.picture(4)),
            ("some.zip", world.archive(inside + [(name.replace("GIA-", ""), data) for name, data in turn])),
        )
        overview = (await browser.get("/stock/media")).text
        page = (await browser.get(f"/stones/{stock[0].public_id}")).text
        found = (await browser.get("/api/v1/stones", params={"media": "spin"})).json()
    assert await pieces(house) == {
        "PV-000001_2.jpg": ("PV-000001", "photo", "placed", None),
        "2000000001.pdf": ("PV-000001", "report", "placed", None),
        "yellow one.jpg": ("R-1", "photo", "placed", None),
        "r-1.webp": ("R-1", "photo", "placed", None),
        "turning.mp4": ("R", "video", "placed", None),
        "PV-000009.jpg": (None, "photo", "refused", "media_unmatched"),
        "nobody.jpg": (None, "photo", "refused", "media_unmatched"),
        "PV-000005/front.png": ("PV-000005", "photo", "placed", None),
        "notes.txt": (None, None, "refused", "media_wrong_kind"),
        "360/2000000001_001.jpg": ("PV-000001", "spin", "placed", None),
    }
    assert "No stone of yours is called so" in told and "24 frames" in told
    assert "and 7 more" in overview and "What is lacking" in overview
    assert 'data-frames="24"' in page and "report.pdf" in page and "data-zoom" in page
    assert found["total"] == 1 and found["facets"]["media"] == {"photo": 3, "spin": 1, "report": 1, "video": 1}
    assert not list(world.shelf_of(house).root.glob("sent/*")) and not list(world.shelf_of(house).root.glob("work/*"))


@ON_SQLITE
async def test_only_the_picture_comes_through(house, stock):
    secret, zipped = world.at_home(), world.archive([("x.html", b"<script>alert(1)</script>")])
    html = world.picture(kind="PNG") + b"<html><script>alert(2)</script></html>"
    async with browsing(house, SAM) as browser:
        address = f"/stones/{stock[0].public_id}/media"
        sending = ("a.jpg", secret), ("b.jpg", world.picture(9) + zipped), ("c.png", html), ("d.pdf", world.paper())
        await sent(house, browser, *sending, ("e.mp4", world.film()), to=address)
        media = (await browser.get(f"/api/v1{address}")).json()["items"]
    assert [one["kind"] for one in media] == ["photo", "photo", "photo", "video", "report"]
    async with browsing(house) as visitor:
        for one in media:
            for file in one["files"]:
                answer = await visitor.get(file)
                kind = {"webp": "image/webp", "jpg": "image/jpeg", "mp4": "video/mp4", "pdf": "application/pdf"}
                assert answer.status_code == 200 and answer.headers["content-type"] == kind[file.rpartition(".")[2]]
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
                assert b"Secret" not in answer.content and b"script" not in answer.content.lower()
                assert b"Exif" not in answer.content and b"JavaScript" not in answer.content
                assert not zipfile.is_zipfile(io.BytesIO(answer.content))
                if file.endswith(".pdf"):
                    assert answer.headers["content-disposition"].startswith('attachment; filename="report-GIA-')
        upright = Image.open(io.BytesIO((await visitor.get(media[0]["files"][0])).content))
        film = media[3]["files"][0]
        part = await visitor.get(film, headers={"range": "bytes=0-9"})
        again = await visitor.get(film, headers={"if-none-match": part.headers["etag"]})
    assert upright.size == (48, 64) and not upright.getexif()
    assert (part.status_code, len(part.content), again.status_code) == (206, 10, 304)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("flood.png", world.flood(), "media_too_large"),
        ("cut.jpg", world.picture(size=(640, 480))[:900], "media_unreadable"),
        ("gif.jpg", b"GIF89a" + b"\0" * 99 + world.archive([("x", b"y")]), "media_wrong_kind"),
        ("drawn.png", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "media_wrong_kind"),
        ("none.pdf", b"%PDF-1.7 nothing", "media_unreadable"),
        ("list.mp4", b"\0\0\0\x18ftypisom#EXTM3U\nhttp://127.0.0.1/x\n" * 9, "media_unreadable"),
        ("up.zip", world.archive([("a/../../x.jpg", b"x")]), "media_archive_paths"),
        ("root.zip", world.archive([("/etc/x.jpg", b"x")]), "media_archive_paths"),
        ("win.zip", world.archive([("C:\\x.jpg", b"x")]), "media_archive_paths"),
        ("bomb.zip", world.archive([("x.jpg", b"\0" * 9_000_000)], compression=zipfile.ZIP_DEFLATED),
         "media_archive_too_large"),
        ("many.zip", world.archive([(f"{n}.jpg", b"") for n in range(2001)]), "media_archive_too_many"),
        ("torn.zip", world.archive([("x.jpg", b"y" * 500)])[:-20], "media_archive_unreadable"),
        ("nest.zip", world.archive([("PV-000001.zip", world.archive([("x.jpg", b"y")]))]), "media_wrong_kind"),
    ],
)  # fmt: skip
async def test_what_harms_is_refused_by_code(tmp_path, name, content, code):
    room = world.Shelf(tmp_path).room()
    kept = tmp_path / name
    kept.write_bytes(content)
    sorted_out = pieces_of([Sent("0", name, "", len(content), content[:16])])[0]
    if name == "nest.zip":
        members = media_archive.unpacked(kept, _folder(room / "out"))
        inside = (room / "out" / "0").read_bytes()
        assert pieces_of([Sent("0/0", members[0]["name"], name, 1, inside[:16])])[0].kind is None
    elif content.startswith(b"PK"):
        with pytest.raises(Refused) as refused:
            media_archive.unpacked(kept, _folder(room / "out"))
        assert refused.value.code == code
        assert not (tmp_path / "x.jpg").exists() and not (tmp_path.parent / "x.jpg").exists()
    elif sorted_out.kind is None:
        assert code == "media_wrong_kind"
    else:
        answer = await media_running.made(room, sorted_out.kind, [kept], container="mp4")
        assert answer["code"] == code


async def test_a_process_that_takes_too_much_is_ended_and_only_its_file_refused(tmp_path):
    shelf, photo = world.Shelf(tmp_path), tmp_path / "x.png"
    photo.write_bytes(world.picture(size=(5000, 5000), kind="PNG", compress_level=1))
    os.environ["PAVILION_PLANTED_KEY"] = "secret"
    try:
        little = await media_running.made(shelf.room(), "photo", [photo], media_running.Limits(150 << 20, 30))
        short = await media_running.made(shelf.room(), "photo", [photo], media_running.Limits(2 << 30, 0))
        waiting = asyncio.create_task(media_running.made(shelf.room(), "photo", [photo]))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    finally:
        del os.environ["PAVILION_PLANTED_KEY"]
    assert (little["code"], short["code"]) == ("media_too_heavy", "media_too_heavy")
    assert "PAVILION_PLANTED_KEY" not in media_running.environment()


async def test_what_a_stone_shows_follows_its_gate(house, stock):
    hidden, listed = stock[3], stock[0]
    async with browsing(house, SAM) as browser:
        for stone in (hidden, listed):
            await sent(house, browser, ("x.jpg", world.picture()), to=f"/stones/{stone.public_id}/media")
        media = {stone: (await shown(house, stone))[0].public_id for stone in (hidden, listed)}
        own = await browser.get(f"/stones/{hidden.public_id}/media/{media[hidden]}/s.webp")
        assert own.status_code == 200 and own.headers["cache-control"] == "private, no-store"
        assert "x.jpg" in (await browser.get(f"/stones/{hidden.public_id}/media")).text
    crossed = f"/stones/{listed.public_id}/media/{media[hidden]}/s.webp"
    for email in (None, WEN, OTTO):
        async with browsing(house, email) as outsider:
            for address in (f"/stones/{hidden.public_id}/media/{media[hidden]}/s.webp", crossed):
                assert (await outsider.get(address)).status_code == 404, (email, address)
            open_ = await outsider.get(f"/stones/{listed.public_id}/media/{media[listed]}/s.webp")
            assert open_.status_code == 200 and open_.headers["cache-control"] == "public, max-age=3600"
            assert (await outsider.get(f"/api/v1/stones/{hidden.public_id}/media")).status_code == 404
            for act in ("removal", "place"):
                body = {"to": "first"}
                answer = await outsider.post(f"/stones/{listed.public_id}/media/{media[listed]}/{act}", data=body)
                assert answer.status_code in (401, 403, 404), (email, act)
    async with browsing(house, NOOR) as curator:
        assert (await curator.get(f"/stones/{hidden.public_id}/media")).status_code == 200
        cards = (await curator.get("/stones")).text
    assert f"/media/{media[listed]}/s.webp" in cards and media[hidden] not in cards


async def test_photographs_are_ordered_removed_and_said_once(house, stock):
    stone, address = stock[0], f"/stones/{stock[0].public_id}/media"
    async with browsing(house, SAM) as browser:
        await sent(house, browser, *((f"{n}.jpg", world.picture(n)) for n in (10, 20, 30)), to=address)
        first, second, third = await shown(house, stone)
        again = await sent(house, browser, ("anew.jpg", world.picture(20)), to=address)
        assert "Was there already" in again and len(await shown(house, stone)) == 3
        await browser.post(f"{address}/{third.public_id}/place", data={"to": "first"})
        assert [one.name for one in await shown(house, stone)] == ["30.jpg", "10.jpg", "20.jpg"]
        before = await read_stone(house, stone)
        for _ in range(2):
            gone = await browser.post(f"{address}/{third.public_id}/removal")
            assert gone.status_code == 303
        after = await read_stone(house, stone)
        assert (before.photo, after.photo, after.media) == (third.public_id, first.public_id, 1)
        assert after.seq > before.seq
        assert (await browser.get(f"{address}/{third.public_id}/s.webp")).status_code == 404
        for one in (first, second):
            await browser.post(f"{address}/{one.public_id}/removal")
    last = await read_stone(house, stone)
    assert (last.photo, last.media) == (None, 0)


@ON_SQLITE
async def test_what_nobody_names_is_swept_and_nothing_else(house, stock):
    stone, address = stock[0], f"/stones/{stock[0].public_id}/media"
    async with browsing(house, SAM) as browser:
        await sent(house, browser, ("a.jpg", world.picture(10)), ("b.jpg", world.picture(90)), to=address)
        kept, gone = await shown(house, stone)
        await browser.post(f"{address}/{gone.public_id}/removal")
    shelf = world.shelf_of(house)
    crashed, unread = shelf.room(), shelf.sent("0" * 26)
    unread.mkdir(parents=True)
    work = await world.read(house)
    assert await work.sweep(house.state.sessions, make.NOON) == 0, "what is fresh may be somebody's work"
    for path in (crashed, unread, shelf.place(kept.address), shelf.place(gone.address)):
        os.utime(path, (0, 0))
    assert await work.sweep(house.state.sessions, make.NOON + timedelta(hours=2)) == 3
    assert shelf.place(kept.address).is_dir() and not shelf.place(gone.address).exists() and not unread.exists()


@ON_SQLITE
async def test_a_program_sends_follows_and_reads(house, stock):
    async with browsing(house, SAM) as browser:
        put = await browser.put("/api/v1/media-files", params={"filename": "PV-000002"}, content=world.picture())
        assert put.status_code == 202
        waits = (await browser.get(f"/api/v1/media-files/{put.json()['id']}")).json()
        assert (waits["state"], waits["progress"]) == ("queued", 0)
        await world.read(house)
        told = (await browser.get(f"/api/v1/media-files/{put.json()['id']}")).json()
        assert (told["state"], told["refused"], told["pieces"][0]["code"]) == ("done", 1, "media_unmatched")
        params = {"filename": "x.jpg", "stone": stock[0].public_id}
        named = await browser.put("/api/v1/media-files", params=params, content=world.picture())
        await world.read(house)
        assert (await browser.get(f"/api/v1/media-files/{named.json()['id']}")).json()["placed"] == 1
        odd = await browser.put(
            "/api/v1/media-files", params={"filename": "a\0\u202e/..\\b.jpg"}, content=world.picture()
        )
        await world.read(house)
        told = (await browser.get(f"/api/v1/media-files/{odd.json()['id']}")).json()["pieces"]
        assert [(one["name"], one["code"]) for one in told] == [("a/..\\b.jpg", "media_unmatched")]
        rubbish = await browser.post(f"/stones/{stock[0].public_id}/media/%00/removal")
        assert rubbish.status_code == 404
        foreign = {"filename": "x.jpg", "stone": stock[5].public_id}
        assert (await browser.put("/api/v1/media-files", params=foreign, content=b"x")).status_code == 404
        for address in ("/stock/media", f"/stones/{stock[0].public_id}/media"):
            empty = await browser.post(address, files=[("file", ("", b""))])
            assert empty.status_code == 422 and 'role="alert"' in empty.text
    async with browsing(house, OTTO) as other:
        assert (await other.get(f"/stock/media/{named.json()['id']}")).status_code == 404


@ON_SQLITE
async def test_a_crash_between_drawing_and_writing_costs_nothing(house, stock):
    """The worker dies after the folder stands and before its row does; the next one draws the same again."""
    async with browsing(house, SAM) as browser:
        files = [("file", ("PV-000001.jpg", world.picture()))]
        assert (await browser.post("/stock/media", files=files)).status_code == 303

        async def dies(room, act, sources, **more):
            answer = await media_running.made(room, act, sources, **more)
            world.shelf_of(house).keep(room / "out", answer["files"])
            raise RuntimeError("the power went")

        with pytest.raises(RuntimeError):
            await world.read(house, making=dies)
        await world.read(house, make.NOON + timedelta(minutes=10))
    assert len(await shown(house, stock[0])) == 1


async def read_stone(house, stone):
    async with house.state.sessions() as session:
        return await session.scalar(select(Stone).where(Stone.public_id == stone.public_id))


def _folder(path):
    path.mkdir()
    return path
