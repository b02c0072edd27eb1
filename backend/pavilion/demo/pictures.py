"""Pictures of some stones, as their supplier sent them: drawn from the stones' own proportions, with nothing of a
camera about them. The house reads them once it runs, like everything that is sent."""

import asyncio
import hashlib
import io
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pavilion.auctions.queries import HOUSE
from pavilion.catalogue import media
from pavilion.catalogue.media_shelf import Shelf
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import visible_to
from pavilion.demo import people, stones
from pavilion.kernel.db import Sessions
from pavilion.kernel.ids import ulid
from pavilion.provenance.video_mesh import Facet, cut_stone, turned
from pavilion.webkit.static import frontend

SUPPLIER = "sam@scheldt.example"
Tint = tuple[int, int, int]
_TINTS: Mapping[str, Tint] = {
    "yellow": (236, 196, 40), "pink": (230, 140, 170), "blue": (120, 150, 200), "orange": (232, 150, 60),
    "green": (150, 190, 110), "brown": (160, 110, 70), "ruby": (200, 40, 70), "sapphire": (60, 90, 190),
    "emerald": (50, 150, 100),
}  # fmt: skip
_PLAIN: Tint = (212, 220, 226)
_GROUND = (0xE9, 0xE9, 0xE9)
_FRAMES = 36
_LIGHTS = ((0.4, 0.5, 0.77), (-0.7, 0.2, 0.68), (0.1, -0.8, 0.59))


async def send(sessions: Sessions, data_dir: Path, now: datetime) -> None:
    """Three stones are photographed; the first has a turn, a video and its report too. One file belongs to nobody."""
    chosen = sorted(stones.pictures())[-3:]
    async with sessions.begin() as session:
        wanted = visible_to(HOUSE).where(Stone.stock_no.in_(chosen)).order_by(Stone.stock_no)
        rows = list(await session.scalars(wanted))
        sam = await people.actor(session, SUPPLIER)
        files = await asyncio.to_thread(_files, rows)
        public_id, shelf = ulid(now), Shelf(data_dir)
        told = await asyncio.to_thread(_shelved, shelf.sent(public_id), files)
        assert sam.company_id is not None
        await media.receive(
            session,
            public_id=public_id,
            supplier_company_id=sam.company_id,
            stone=None,
            files=told,
            by=sam.public_id,
            now=now,
        )


def _files(rows: Sequence[Stone]) -> dict[str, bytes]:
    first = rows[0]
    files = {f"{one.stock_no}_1.jpg": _jpeg(_drawn(one, 0.3, 1.15, 1000)) for one in rows}
    files[f"{first.stock_no}_2.jpg"] = _jpeg(_drawn(first, 0.0, 0.35, 1000))
    files[f"{first.stock_no}.zip"] = _turn(first)
    files[f"{first.stock_no}.mp4"] = _film(first)
    files[f"{first.report_no}.pdf"] = _report(first)
    files["IMG_20261122_0007.jpg"] = _jpeg(_drawn(first, 0.9, 0.6, 300))
    return files


def _shelved(folder: Path, files: Mapping[str, bytes]) -> list[dict[str, object]]:
    folder.mkdir(parents=True)
    for number, content in enumerate(files.values()):
        (folder / str(number)).write_bytes(content)
    return [
        {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    ]


def _turn(stone: Stone) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(_FRAMES):
            frame = _drawn(stone, 2 * math.pi * number / _FRAMES, 0.9, 400)
            archive.writestr(f"{stone.stock_no}/{number + 1:03}.jpg", _jpeg(frame))
    return out.getvalue()


def _film(stone: Stone) -> bytes:
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width = stream.height = 400
        stream.pix_fmt = "yuv420p"
        for number in range(48):
            picture = _drawn(stone, math.pi * number / 96, 0.2 + math.sin(math.pi * number / 48), 400, fine=1)
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def _report(stone: Stone) -> bytes:
    """A page that says what it is: no laboratory has seen this stone."""
    page = Image.new("RGB", (900, 1272), "white")
    brush = ImageDraw.Draw(page)
    font = next(iter(sorted((frontend() / "static/fonts/pdf").glob("Inter*.ttf"))))
    lines = [(46, "Demonstration"), (26, "In the place of a laboratory report. No laboratory issued it.")]
    lines += [(30, f"{stone.lab} {stone.report_no}"), (30, f"{stone.weight_mct / 1000:.2f} ct")]
    y = 110
    for size, words in lines:
        brush.text((90, y), words, fill=(20, 20, 20), font=ImageFont.truetype(str(font), size))
        y += size + 40
    page.paste(_drawn(stone, 0.0, 0.0, 700), (100, y + 40))
    out = io.BytesIO()
    page.save(out, "PDF", resolution=110)
    return out.getvalue()


def _drawn(stone: Stone, yaw: float, pitch: float, side: int, fine: int = 2) -> Image.Image:
    """The stone in its proportions, so far turned; drawn larger and made smaller, which smooths its edges."""
    canvas = Image.new("RGB", (side * fine, side * fine), _GROUND)
    brush, scale = ImageDraw.Draw(canvas), 0.34 * side * fine
    tint = _TINTS.get(stone.fancy_color or stone.variety or "", _PLAIN)
    solid = cut_stone(stone.shape, stone.width_um or 6000, stone.length_um or 6200, stone.depth_um or 3900)
    for corners, shade in _shaded(solid, yaw, pitch):
        colour = tuple(min(255, int(part * shade)) for part in tint)
        spots = [(canvas.width / 2 + x * scale, canvas.height / 2 - y * scale) for x, y, _ in corners]
        brush.polygon(spots, fill=colour, outline=tuple(int(part * 0.82) for part in colour))
    return canvas.resize((side, side), Image.Resampling.BOX) if fine > 1 else canvas


def _shaded(
    solid: Sequence[Facet], yaw: float, pitch: float
) -> Iterator[tuple[list[tuple[float, float, float]], float]]:
    """The facets that look this way, the farthest first, each as bright as the lights make it."""
    seen = []
    for facet in solid:
        normal = turned(facet.normal, yaw, pitch)
        if normal[2] <= 0:
            continue
        corners = [turned(corner, yaw, pitch) for corner in facet.corners]
        glint = max(sum(a * b for a, b in zip(normal, light, strict=True)) for light in _LIGHTS)
        seen.append((min(corner[2] for corner in corners), corners, 0.45 + 0.85 * max(0.0, glint) ** 6))
    for _, corners, shade in sorted(seen, key=lambda one: one[0]):
        yield corners, shade


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()
