"""The printed catalogue of a sale of 250 lots, in both languages: read from the database, set, and set again."""

import asyncio
import tempfile
import time
from pathlib import Path

from pavilion.auctions import papers
from pavilion.auctions.board import sale_of
from pavilion.catalogue.media_shelf import Shelf
from pavilion.kernel import db
from pavilion.webkit.i18n import load
from pavilion.webkit.static import frontend
from tests.auctions import world
from tests.conftest import make_schema
from tests.luck import Random

MOST_S, LOTS = 30, 250
TONGUES = load(frontend() / "locales")
HOUSE = "https://pavilion.example"
SHAPES = ("round", "cushion", "emerald", "oval", "pear", "marquise", "princess", "radiant", "heart", "asscher")
HUES = ("yellow", "pink", "blue", "orange", None, None, None)
DEGREES = ("fancy_light", "fancy", "fancy_intense", "fancy_vivid")


async def built(sessions: db.Sessions) -> str:
    """A published sale of stones of which no two look alike."""
    found = await world.build(sessions, 0)
    luck = Random(11)
    async with sessions.begin() as session:
        names = []
        for n in range(1, LOTS + 1):
            hue = luck.choice(HUES)
            fancy = {"color": None, "fancy_color": hue, "fancy_intensity": luck.choice(DEGREES)} if hue else {}
            length = luck.randint(5_000, 12_000)
            names += await world.stones(
                session, found.supplier, 1, first=n, shape=luck.choice(SHAPES), weight_mct=luck.randint(300, 12_000),
                length_um=length, width_um=length * luck.randint(60, 99) // 100, **fancy,
            )  # fmt: skip
        await world.expose(session, names)
    found.stones[:] = names
    return await world.published(sessions, found)


async def measured(sessions: db.Sessions, sale: str, lang: str) -> dict[str, object]:
    begun = time.perf_counter()
    async with sessions() as session:
        asked = await papers.wanted(session, await sale_of(session, sale), lang, house=HOUSE, tongues=TONGUES)
    read = time.perf_counter()
    made = await asyncio.to_thread(papers.print_catalogue, asked.source, Shelf(Path("no-folder")))
    ended = time.perf_counter()
    again = await asyncio.to_thread(papers.print_catalogue, asked.source, Shelf(Path("no-folder")))
    facts: dict[str, object] = {
        "name": f"the catalogue of {LOTS} lots printed, {lang}",
        "read_s": round(read - begun, 2),
        "set_s": round(ended - read, 2),
        "seconds": round(ended - begun, 2),
        "mb": round(len(made) / 1e6, 1),
        "ok": ended - begun <= MOST_S and made == again,
    }
    alike = "the same bytes twice" if made == again else "NOT the same bytes twice"
    print(f"{facts['name']}: {facts['seconds']} s, needed {MOST_S}; {facts['mb']} MB, {alike}")
    return facts


async def on_sqlite() -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        url = db.sqlite_url(Path(folder) / "catalogue.db")
        await make_schema(url)
        engine = db.create_engine(url)
        try:
            sessions = db.sessions_of(engine)
            sale = await built(sessions)
            return [await measured(sessions, sale, lang) for lang in ("en", "zh", "both")]
        finally:
            await engine.dispose()


def main() -> list[dict[str, object]]:
    return asyncio.run(on_sqlite())


if __name__ == "__main__":
    raise SystemExit(0 if all(fact["ok"] for fact in main()) else 1)
