"""Files as suppliers and strangers send them, and a house that reads them to the end."""

import io
import struct
import zipfile
import zlib
from contextlib import asynccontextmanager

from httpx2 import ASGITransport, AsyncClient
from PIL import Image

from pavilion.accounts.rules import Role
from pavilion.catalogue.media_shelf import Shelf
from pavilion.catalogue.media_work import MediaWork
from tests import make
from tests.catalogue import stones

HOME = "http://pavilion.test"
SAM, OTTO, WEN, NOOR = "sam@scheldt.example", "otto@other.example", "wen@lumen.example", "noor@pavilion.example"


def picture(shade=120, size=(64, 48), kind="JPEG", **how):
    out = io.BytesIO()
    Image.new("RGB", size, (shade, 90, 200)).save(out, kind, **how)
    return out.getvalue()


def at_home():
    """A photograph that says where it was taken, lies on its side, and has a small one inside it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (51.0, 13.0, 2.5)
    return picture(exif=exif, comment=b"SecretComment")


def flood():
    """A PNG of some hundred bytes that says it is 60,000 pixels each way."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")
    )


def archive(files, **how):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **how) as packed:
        for name, content in files:
            packed.writestr(name, content)
    return out.getvalue()


def paper(words="GIA 2000000001"):
    """A PDF that would run a script when opened."""
    body = [
        b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 400]/Contents 4 0 R/Resources<<>>>>",
    ]
    drawn = f"0.2 0.4 0.8 rg 40 40 200 300 re f % {words}".encode()
    body.append(b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn))
    out, places = b"%PDF-1.4\n", []
    for number, part in enumerate(body, 1):
        places.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 5\n0000000000 65535 f \n" + table + trailer


def film(frames=12, size=(128, 96)):
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        container.metadata["title"] = "SecretTitle"
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for shade in range(frames):
            frame = av.VideoFrame.from_image(Image.new("RGB", size, (shade * 20 % 256, 90, 90)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


async def stocked(sessions, but=frozenset({3})):
    """Five stones of Scheldt's and one of another's; the origin of the fourth is not confirmed. With their people."""
    async with sessions.begin() as session:
        scheldt, other = await make.company(session, "Scheldt", "BE"), await make.company(session, "Other", "BE")
        rows = [stones.row(n) for n in range(1, 6)]
        rows[1] |= {"stock_no": "R-1", "image_ref": "https://cdn.example/pictures/Yellow%20One.JPG"}
        rows[2] |= {"stock_no": "R", "video_ref": "turning.mp4"}
        stored = await stones.listed(session, rows, scheldt.id, but=but)
        stored += await stones.listed(session, [stones.row(9)], other.id)
        await make.person(session, SAM, (Role.SUPPLIER,), scheldt)
        await make.person(session, OTTO, (Role.SUPPLIER,), other)
        await make.person(session, WEN, (Role.BUYER,), await make.company(session))
        await make.person(session, NOOR, (Role.CURATOR,))
    return stored


@asynccontextmanager
async def browsing(house, email=None):
    transport = ASGITransport(house)
    async with AsyncClient(transport=transport, base_url=HOME, headers={"origin": HOME}) as browser:
        if email:
            said = {"email": email, "password": make.PASSWORD}
            assert (await browser.post("/sign-in", data=said)).status_code == 303
        yield browser


async def sent(house, browser, *files, to="/stock/media"):
    """The files are sent and read to the end; what the sending's page says."""
    answer = await browser.post(to, files=[("file", (name, content)) for name, content in files])
    assert answer.status_code == 303, answer.text[:2000]
    await read(house)
    return (await browser.get(answer.headers["location"])).text


async def read(house, now=make.NOON, **how):
    work = MediaWork(shelf_of(house), **how)
    while await work.tick(house.state.sessions, now):
        pass
    return work


def shelf_of(house):
    return Shelf(house.state.settings.data_dir)
