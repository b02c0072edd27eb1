"""The frames of the film, drawn from its parameter document: equal documents give equal pictures."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import segno
from PIL import Image, ImageDraw, ImageFont

from pavilion.provenance import video, worldmap
from pavilion.provenance.video import SIZE, carats, country
from pavilion.provenance.video_mesh import Facet, cut_stone, rough, turned
from pavilion.webkit.static import frontend

PAGE, PAPER, RULE, INK, QUIET = (244, 244, 244), (255, 255, 255), (210, 210, 210), (20, 20, 20), (99, 99, 99)
BOX = 620  # the picture's square, in pixels; drawn twice as large and brought down
CORNER = (50, 50)
TEXT = 740  # where words begin
REACH = 220  # a stone's half width, in pixels
LIGHT = (0.35, 0.55, 0.76)
_HUES = {
    "Red": (196, 40, 48), "Orange": (226, 128, 40), "Yellow": (232, 196, 52), "Green": (76, 156, 92),
    "Blue": (70, 112, 190), "Violet": (110, 92, 180), "Purple": (140, 84, 160), "Pink": (222, 140, 170),
    "Brown": (140, 100, 72), "Gray": (128, 128, 132), "Black": (44, 44, 46), "White": (236, 236, 238),
}  # fmt: skip
_GEMS = {"ruby": (186, 28, 62), "sapphire": (44, 76, 168), "emerald": (34, 132, 92)}
_TITLES = {
    "where": ("Mined", "开采"), "rough": ("The rough", "原石"), "cut": ("Sawn", "锯切"),
    "hands": ("Polished", "切磨"), "graded": ("Graded", "鉴定"), "proof": ("Proved", "核实"),
    "finished": ("The stone", "成品"),
}  # fmt: skip
Tint = tuple[int, int, int]


def frames(said: Mapping[str, Any], every: int = 1) -> Iterator[Image.Image]:
    """Every frame in order, 8-bit RGB; or the first of `every` so many."""
    for scene in video.timeline(said):
        picture = PICTURES[scene.name](said)
        ground = _ground(said, scene.name)
        last: tuple[float, Image.Image] | None = None
        for n in range(-scene.start % every, scene.frames, every):
            share = n / (scene.frames - 1)
            if last is not None and picture.still_from <= last[0]:
                yield last[1]
                continue
            frame = ground.copy()
            frame.paste(picture.at(share), CORNER)
            last = (share, frame)
            yield frame


def still(said: Mapping[str, Any], scene: str) -> Image.Image:
    """One scene as it stands at its end."""
    frame = _ground(said, scene)
    frame.paste(PICTURES[scene](said).at(1.0), CORNER)
    return frame


class Picture:
    """What moves in a scene. From `still_from` on nothing does, and the last frame stands."""

    def __init__(self, draw: Callable[[ImageDraw.ImageDraw, float], None], still_from: float = 2.0) -> None:
        self._draw, self.still_from = draw, still_from

    def at(self, share: float) -> Image.Image:
        large = Image.new("RGB", (2 * BOX, 2 * BOX), PAPER)
        self._draw(ImageDraw.Draw(large, "RGBA"), share)
        return large.reduce(2)


# -- scenes -----------------------------------------------------------------------------------------------------------


def _where(said: Mapping[str, Any]) -> Picture:
    place = worldmap.centre(said["where"]["country"], said["where"].get("region"))
    lon, lat = (math.radians(place.lon), math.radians(place.lat)) if place is not None else (0.0, 0.0)

    def draw(brush: ImageDraw.ImageDraw, share: float) -> None:
        turn = _eased(share / 0.7)
        _globe(brush, lon - 1.4 * (1 - turn), lat * turn)
        if share >= 0.7 and place is not None:
            _mark(brush, min(1.0, (share - 0.7) / 0.12))

    return Picture(draw, 0.83)


def _rough(said: Mapping[str, Any]) -> Picture:
    crystal, mct = rough(said["rough"]["seed"]), said["rough"]["mass_mct"]

    def draw(brush: ImageDraw.ImageDraw, share: float) -> None:
        _solid(brush, crystal, 0.9 * share, 0.5, _tint(said))
        _number(brush, int(mct * _eased(share / 0.6)))

    return Picture(draw)


def _cut(said: Mapping[str, Any]) -> Picture:
    crystal = rough(said["rough"]["seed"] if "rough" in said else said["stone"])
    masses = said["cut"]["masses_mct"]
    share_of_first = masses[0] / (sum(masses) + said["cut"]["loss_mct"])

    def draw(brush: ImageDraw.ImageDraw, share: float) -> None:
        apart, level = 0.34 * _eased(share / 0.7), 1 - 2 * share_of_first
        for above in (True, False):
            half = [_clipped(facet, level, above) for facet in crystal]
            shift = apart if above else -apart
            raised = [Facet(tuple((x, y, z + shift) for x, y, z in one), 0) for one in half if len(one) > 2]
            _solid(brush, raised, 0.9, 0.35, _tint(said), 0.85)
        _dust(brush, share, said["stone"])

    return Picture(draw)


def _hands(said: Mapping[str, Any]) -> Picture:
    facets = _stone_of(said)

    def draw(brush: ImageDraw.ImageDraw, share: float) -> None:
        shown = int(len(facets) * _eased(share / 0.85))
        _lines(brush, facets, 0.5 * share, 0.75, 1.0, RULE)
        _solid(brush, facets[:shown], 0.5 * share, 0.75, _tint(said))

    return Picture(draw)


def _graded(said: Mapping[str, Any]) -> Picture:
    facets, sizes = _stone_of(said), said["finished"].get("dimensions_um") or {}

    def draw(brush: ImageDraw.ImageDraw, share: float) -> None:
        drawn = _eased(share / 0.5)
        _lines(brush, facets, 0.0, 1.5, 0.62, INK, (-0.0, 0.52), drawn)
        _lines(brush, facets, 0.0, 0.0, 0.62, INK, (0.0, -0.5), drawn)
        if share > 0.5:
            for n, (name, um) in enumerate(sorted(sizes.items())):
                words = f"{um // 1000}.{um % 1000 // 10:02d} mm  {name.replace('_', ' ')}"
                _write(brush, (60, 2 * BOX - 60 - 44 * n), words, 30, QUIET)

    return Picture(draw, 0.52)


def _proof(said: Mapping[str, Any]) -> Picture:
    links = said["proof"]["links"]

    def draw(brush: ImageDraw.ImageDraw, share: float) -> None:
        room = (2 * BOX - 200) / max(1, len(links))
        for n, link in enumerate(links[: int(len(links) * _eased(share / 0.7) + 0.001)]):
            y = 100 + n * room + room / 2
            brush.ellipse(
                (90, y - 16, 122, y + 16), fill=INK if link["evidence"] == "measured" else PAPER, outline=INK, width=4
            )
            if n:
                brush.line((106, y - room + 16, 106, y - 16), fill=INK, width=4)
            _write(brush, (160, y - 20), video.link_name(link["type"]), 34, INK)
            _write(brush, (700, y - 20), link["evidence"], 34, QUIET)

    return Picture(draw, 0.72)


def _finished(said: Mapping[str, Any]) -> Picture:
    facets = _stone_of(said)
    return Picture(lambda brush, share: _solid(brush, facets, 2 * math.pi / 8 * share * 3, 0.95, _tint(said)))


PICTURES: dict[str, Callable[[Mapping[str, Any]], Picture]] = {
    "where": _where, "rough": _rough, "cut": _cut, "hands": _hands, "graded": _graded,
    "proof": _proof, "finished": _finished,
}  # fmt: skip


# -- words ------------------------------------------------------------------------------------------------------------


def _ground(said: Mapping[str, Any], scene: str) -> Image.Image:
    """Everything in a scene that does not move."""
    frame = Image.new("RGB", SIZE, PAGE)
    brush = ImageDraw.Draw(frame)
    brush.rectangle((CORNER[0], CORNER[1], CORNER[0] + BOX, CORNER[1] + BOX), fill=PAPER)
    title, chinese = _TITLES[scene]
    _write(brush, (TEXT, 96), f"{title}  {chinese}", 22, QUIET)
    y = 140
    for words, size in _lines_of(said, scene):
        for line in _wrapped(words, size, SIZE[0] - TEXT - 40):
            _write(brush, (TEXT, y), line, size, INK if size > 24 else QUIET, serif=size > 34)
            y += int(size * 1.4)
        y += 10
    if scene == "proof":
        _code(frame, said, y + 24)
    _write(brush, (TEXT, SIZE[1] - 92), "Pavilion", 24, INK, serif=True)
    _write(brush, (TEXT, SIZE[1] - 58), said["stone"], 16, QUIET)
    return frame


def _code(frame: Image.Image, said: Mapping[str, Any], y: int) -> None:
    """The passport's address, to be scanned from the screen; beside it the digest of the verdict."""
    code = segno.make(said["proof"]["address"], error="q", micro=False)
    rows = [bytes(row) for row in code.matrix_iter(scale=5, border=2)]
    picture = Image.new("1", (len(rows[0]), len(rows)), 1)
    picture.putdata([0 if dark else 1 for row in rows for dark in row])
    frame.paste(picture.convert("RGB"), (TEXT, y))
    digest, brush = said["proof"]["digest"], ImageDraw.Draw(frame)
    for n in range(0, len(digest), 16):
        _write(brush, (TEXT + len(rows[0]) + 24, y + 10 + n * 2), digest[n : n + 16], 20, QUIET)


def _lines_of(said: Mapping[str, Any], scene: str) -> list[tuple[str, int]]:
    facts = said[scene]
    if scene == "where":
        names = [(country(facts["country"], "en"), 46), (country(facts["country"], "zh"), 30)]
        return [*names, *((facts[name], 24) for name in ("region", "name", "producer", "day") if name in facts)]
    if scene == "finished":
        head = [(f"{carats(facts['mass_mct'])} ct", 46)]
        if "presented" in facts:
            head.append((str(facts["presented"]), 30))
        return [*head, (video.sentence(said, scene, "en"), 24), (video.sentence(said, scene, "zh"), 24)]
    big = _headline(facts, scene)
    head = [(big, 46)] if big else []
    return [*head, (video.sentence(said, scene, "en"), 26), (video.sentence(said, scene, "zh"), 26)]


def _headline(facts: Mapping[str, Any], scene: str) -> str | None:
    if scene == "rough":
        return f"{carats(facts['mass_mct'])} ct"
    if scene == "hands":
        return str(facts["displayName"])
    if scene == "graded":
        return f"{facts['lab']} {facts['number']}"
    return f"Grade {facts['grade']}" if scene == "proof" else None


def _wrapped(words: str, size: int, room: int) -> list[str]:
    lines, line = [], ""
    for part in words.replace("，", "， ").split(" "):
        longer = f"{line} {part}".strip()
        if line and _font(size, False, _is_chinese(longer)).getlength(longer) > room:
            lines.append(line)
            line = part
        else:
            line = longer
    return [one.replace("， ", "，") for one in (*lines, line)]


def _write(
    brush: ImageDraw.ImageDraw, at: tuple[float, float], words: str, size: int, ink: Tint, *, serif: bool = False
) -> None:
    brush.text(at, words, fill=ink, font=_font(size, serif, _is_chinese(words)))


def _number(brush: ImageDraw.ImageDraw, mct: int) -> None:
    _write(brush, (60, 2 * BOX - 110), f"{carats(mct)} ct", 60, INK)


def _is_chinese(words: str) -> bool:
    return any("\u2e80" <= letter <= "\uffef" for letter in words)


@cache
def _font(size: int, serif: bool, chinese: bool) -> ImageFont.FreeTypeFont:
    folder: Path = frontend() / "static" / "fonts" / "pdf"
    name = "NotoSansSC-Regular.ttf" if chinese else "Newsreader-Regular.ttf" if serif else "Inter-Regular.ttf"
    return ImageFont.truetype(str(folder / name), size)


# -- shapes -----------------------------------------------------------------------------------------------------------


def _stone_of(said: Mapping[str, Any]) -> list[Facet]:
    sizes = said["finished"].get("dimensions_um") or {}
    width = sizes.get("diameter_min") or sizes.get("width") or 6000
    length = sizes.get("diameter_max") or sizes.get("length") or width
    return cut_stone(said["finished"].get("shape") or "RBC", width, length, sizes.get("depth") or width * 61 // 100)


def _tint(said: Mapping[str, Any]) -> Tint:
    fancy, species = said["finished"].get("fancy"), said["finished"].get("species")
    if fancy:
        return next((tint for hue, tint in _HUES.items() if fancy["hue"].endswith(hue)), (200, 200, 204))
    return _GEMS.get(str(species), (206, 208, 212))


def _solid(
    brush: ImageDraw.ImageDraw, facets: Sequence[Facet], yaw: float, pitch: float, tint: Tint, scale: float = 1.0
) -> None:
    """Far facets first, seen through the near ones; each as light as it faces the lamp."""
    seen = []
    for facet in facets:
        normal = turned(facet.normal, yaw, pitch)
        seen.append((turned(facet.middle, yaw, pitch)[2], normal, [turned(one, yaw, pitch) for one in facet.corners]))
    for _, normal, corners in sorted(seen, key=lambda one: one[0]):
        lamp = sum(a * b for a, b in zip(normal, LIGHT, strict=True))
        spark = 0.5 + 0.5 * math.cos(7 * normal[0] + 5 * normal[1] + 3 * lamp)
        light = min(1.25, 0.42 + 0.5 * max(0.0, lamp) + 0.45 * spark)
        fill = tuple(min(255, int(part * light)) for part in tint)
        points = [_spot(corner, scale) for corner in corners]
        brush.polygon(points, fill=(*fill, 235 if normal[2] > 0 else 120), outline=(*INK, 60))


def _lines(
    brush: ImageDraw.ImageDraw,
    facets: Sequence[Facet],
    yaw: float,
    pitch: float,
    scale: float,
    ink: Tint,
    middle: tuple[float, float] = (0.0, 0.0),
    drawn: float = 1.0,
) -> None:
    for facet in facets[: max(0, int(len(facets) * drawn + 0.001))]:
        if turned(facet.normal, yaw, pitch)[2] < -0.02:
            continue
        points = [_spot(turned(one, yaw, pitch), scale, middle) for one in facet.corners]
        brush.line([*points, points[0]], fill=ink, width=3)


def _spot(point: tuple[float, float, float], scale: float, middle: tuple[float, float] = (0, 0)) -> tuple[float, float]:
    reach = 2 * REACH
    return BOX + reach * (middle[0] + point[0] * scale), BOX - reach * (middle[1] + point[1] * scale)


def _clipped(facet: Facet, level: float, above: bool) -> tuple[tuple[float, float, float], ...]:
    """The part of a facet on one side of the saw."""
    kept: list[tuple[float, float, float]] = []
    corners = facet.corners
    for a, b in zip(corners, (*corners[1:], corners[0]), strict=True):
        inside_a, inside_b = (a[2] >= level) == above, (b[2] >= level) == above
        if inside_a:
            kept.append(a)
        if inside_a != inside_b:
            share = (level - a[2]) / (b[2] - a[2])
            kept.append((a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, level))
    return tuple(kept)


def _dust(brush: ImageDraw.ImageDraw, share: float, seed: str) -> None:
    for n in range(60):
        wave = math.sin(n * 12.9898 + sum(map(ord, seed)) % 97) * 43758.5453 % 1
        x = BOX + (wave - 0.5) * 4 * REACH * (0.3 + 0.7 * share)
        y = BOX + (n * 0.618 % 1 - 0.3) * 2 * REACH * share
        brush.ellipse((x - 3, y - 3, x + 3, y + 3), fill=(*QUIET, int(150 * (1 - share))))


def _globe(brush: ImageDraw.ImageDraw, lon0: float, lat0: float) -> None:
    radius = BOX * 0.86
    brush.ellipse((BOX - radius, BOX - radius, BOX + radius, BOX + radius), fill=PAGE, outline=RULE, width=3)
    sin0, cos0 = math.sin(lat0), math.cos(lat0)
    for ring in worldmap.outlines():
        points, front = [], False
        for lon, lat in ring:
            cos, turn = math.cos(lat), lon - lon0
            near = sin0 * math.sin(lat) + cos0 * cos * math.cos(turn)
            x, y = cos * math.sin(turn), cos0 * math.sin(lat) - sin0 * cos * math.cos(turn)
            if near < 0:  # behind the edge of the globe: as far out as it can be seen
                length = math.hypot(x, y) or 1.0
                x, y = x / length, y / length
            else:
                front = True
            points.append((BOX + radius * x, BOX - radius * y))
        if front and len(points) > 2:
            brush.polygon(points, fill=(196, 196, 196), outline=PAPER)


def _mark(brush: ImageDraw.ImageDraw, shown: float) -> None:
    reach = 16 + 60 * (1 - shown)
    brush.ellipse((BOX - reach, BOX - reach, BOX + reach, BOX + reach), outline=INK, width=5)
    brush.ellipse((BOX - 9, BOX - 9, BOX + 9, BOX + 9), fill=INK)


def _eased(share: float) -> float:
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)
