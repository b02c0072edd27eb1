"""Photographs, turns and reports drawn anew, each in the sizes that pages show. Runs in a process of its own."""

import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageOps

from pavilion.webkit import pictures

MEGABYTE = 1_000_000
SIZES = {"s": 400, "m": 1200, "l": 3600}  # pixels of the longer side: a card, the plate, to look closely
MOST_PIXELS = 50_000_000
GROUND = (0xE9, 0xE9, 0xE9)  # the tray's grey
FRAMES = range(24, 721)  # of a turn
FRAME = 480  # pixels of its longer side
SHEET = 6  # frames in a row of a sheet, and rows of it
STILLS = 8  # of a turn, side by side, for who wants no motion
PAGES = 12  # of a report, as many as are drawn
PAPER = (600, 850)  # points, the most of a page
DOTS = 240  # an inch of paper
_EPOCH = time.gmtime(0)  # the same report is the same bytes, whenever it is drawn
_PAGE = """#set page(width: auto, height: auto, margin: 0pt, fill: white)
#context {
  let size = measure(image("report.pdf", page: %(page)d))
  let share = calc.min(%(width)dpt / size.width, %(height)dpt / size.height)
  image("report.pdf", page: %(page)d, width: size.width * share)
}"""


class Refused(Exception):
    """What was sent cannot be shown; the code says why."""

    def __init__(self, code: str, **facts: int | str) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


class Drawn(NamedTuple):
    """Size of the largest picture, and what else there is to say."""

    width: int
    height: int
    frames: int | None = None
    millis: int | None = None


def photograph(source: Path, out: Path) -> Drawn:
    return in_sizes(_opened(source), out)


def turn(sources: Sequence[Path], out: Path) -> Drawn:
    """Sheets of frames in their order, eight stills, and the first frame as a picture."""
    size, sheets, sheet = (0, 0), 0, Image.new("RGB", (1, 1))
    stills = {len(sources) * n // STILLS: n for n in range(STILLS)}
    strip = Image.new("RGB", (1, 1))
    for number, source in enumerate(sources):
        frame = _on_ground(_opened(source, draft=None if number == 0 else FRAME))
        if number == 0:
            in_sizes(frame.copy(), out)
            frame.thumbnail((FRAME, FRAME))
            size = frame.size
            strip = Image.new("RGB", (size[0] // 2 * STILLS, size[1] // 2), GROUND)
        frame = ImageOps.pad(frame, size, color=GROUND)
        place = number % (SHEET * SHEET)
        if place == 0:
            rows = min(SHEET, -(-(len(sources) - number) // SHEET))
            sheet = Image.new("RGB", (size[0] * SHEET, size[1] * rows), GROUND)
        sheet.paste(frame, (place % SHEET * size[0], place // SHEET * size[1]))
        if number in stills:
            strip.paste(frame.resize((size[0] // 2, size[1] // 2)), (stills[number] * (size[0] // 2), 0))
        if place == SHEET * SHEET - 1 or number == len(sources) - 1:
            sheet.save(out / f"sheet{sheets:02}.webp", "WEBP", quality=82, method=2)
            sheets += 1
    strip.save(out / "stills.webp", "WEBP", quality=82, method=2)
    return Drawn(*size, frames=len(sources))


def report(source: Path, out: Path) -> Drawn:
    """Its pages as pictures, and a paper of these pictures: nothing of the stranger's own file is handed on."""
    import typst

    room = source.parent
    source.rename(room / "report.pdf")
    compiler = typst.Compiler(root=str(room), ignore_system_fonts=True)
    pages: list[Image.Image] = []
    for number in range(1, PAGES + 1):
        said = _PAGE % {"page": number, "width": PAPER[0], "height": PAPER[1]}
        try:
            made = compiler.compile(input=said.encode(), format="png", ppi=float(DOTS))
        except typst.TypstError:
            break
        assert isinstance(made, bytes)
        pages.append(Image.open(io.BytesIO(made)).convert("RGB"))
    if not pages:
        raise Refused("media_unreadable")
    drawn = in_sizes(pages[0].copy(), out)
    facts: dict[str, Any] = {"producer": "Pavilion", "creationDate": _EPOCH, "modDate": _EPOCH}
    more = {"save_all": True, "append_images": pages[1:], "resolution": DOTS, "quality": 82}
    pages[0].save(out / "report.pdf", "PDF", **more, **facts)
    return drawn._replace(frames=len(pages))


def in_sizes(image: Image.Image, out: Path) -> Drawn:
    """Each size as WebP, with what is transparent, and as JPEG on the tray's grey. A small picture is not enlarged; the
    one handed in is used up."""
    largest = (0, 0)
    for name, side in sorted(SIZES.items(), key=lambda size: -size[1]):
        image.thumbnail((side, side))
        largest = max(largest, image.size)
        image.save(out / f"{name}.webp", "WEBP", quality=84, method=2)
        _on_ground(image).save(out / f"{name}.jpg", "JPEG", quality=85, progressive=True)
    return Drawn(*largest)


def _opened(source: Path, draft: int | None = None) -> Image.Image:
    try:
        return pictures.opened(source.read_bytes(), most_pixels=MOST_PIXELS, draft=draft)
    except pictures.TooManyPixels:
        raise Refused("media_too_large", limit=f"{MOST_PIXELS // 1_000_000} MP") from None
    except pictures.Unreadable:
        raise Refused("media_unreadable") from None


def _on_ground(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, GROUND)
    ground.paste(image, mask=image.getchannel("A"))
    return ground
