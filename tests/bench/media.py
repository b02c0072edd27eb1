"""How many photographs a minute the worker reads, each in a process of its own: `python -m tests.bench.media`."""

import asyncio
import io
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from pavilion.catalogue import media_running
from pavilion.catalogue.media_shelf import Shelf
from pavilion.kernel.clock import monotonic_s

PHOTOGRAPHS = 12
SIDES = ((2000, 1500), (4000, 3000), (6000, 4000))


def photograph(width: int, height: int) -> bytes:
    """As much detail as a photograph of a stone on its tray has."""
    luck = np.random.default_rng(width)
    rough = Image.fromarray(luck.integers(0, 255, (height // 24, width // 24, 3), dtype=np.uint8))
    out = io.BytesIO()
    rough.resize((width, height), Image.Resampling.BICUBIC).save(out, "JPEG", quality=92)
    return out.getvalue()


async def measured(shelf: Shelf, source: Path) -> float:
    begun = monotonic_s()
    room = shelf.room()
    answer = await media_running.made(room, "photo", [source])
    assert answer["code"] is None, answer
    shelf.keep(room / "out", answer["files"])
    shelf.forget(room)
    return monotonic_s() - begun


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shelf, source = Shelf(Path(folder)), Path(folder) / "sent.jpg"
        for width, height in SIDES:
            source.write_bytes(photograph(width, height))
            took = [await measured(shelf, source) for _ in range(PHOTOGRAPHS)]
            each = median(took)
            print(f"{width * height / 1e6:4.0f} megapixels: {each:.2f} s each, {60 / each:.0f} a minute")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
