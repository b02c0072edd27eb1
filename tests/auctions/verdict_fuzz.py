"""Verdicts that turn at random under a published sale and a published collection, and what their pages show then.

`python -m tests.auctions.verdict_fuzz 10000` on a fresh embedded database; the suite does the same with fewer changes.
After every change the queries of both pages are held against what the test itself knows to be verified; after every
handful the pages are rendered for a visitor and read. The followers that tie a stone to its lot again run when they
happen to run, and several stones may turn in one transaction.
"""

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import delete, insert, select, update

from pavilion.accounts.rules import VISITOR
from pavilion.auctions import board, jobs, queries
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot, LotStone
from pavilion.catalogue import jobs as catalogue_jobs
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import visible_to
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, create_engine
from pavilion.main import build_web, sessions_of
from pavilion.provenance.findings import VerdictCode
from pavilion.provenance.models import ExposedStone, StoneVerdict
from pavilion.settings import Settings
from tests.auctions import world
from tests.conftest import make_schema
from tests.luck import Random
from tests.make import HOUR, NOON

LOTS = 8  # of each sale; every third lot of the first holds two stones
TURNS = list(VerdictCode)


@dataclass
class Fuzz:
    """`sales`: of each its page and the marks by which a reader would know a lot of it."""

    app: Any
    sessions: Sessions
    sale: str
    sale_id: int
    collection: str
    marks: dict[str, str]  # by lot
    held: dict[str, list[str]]  # the stones of each lot
    in_sale: list[str]
    verified: set[str]
    changes: int = 0
    pages: int = 0
    hidden: int = 0  # lots that a page did not show
    shown: int = 0


async def staged(app: Any, sessions: Sessions) -> Fuzz:
    """Both sales are published; every title and measure names its lot or stone and no other."""
    found = await world.build(sessions, 2 * LOTS + 3)
    async with sessions.begin() as session:
        for number, stone in enumerate(found.stones):
            sides = {"length_um": 7_000_000 + 10_000 * number, "width_um": 6_000_000, "depth_um": 5_000_000}
            await session.execute(update(Stone).where(Stone.public_id == stone).values(**sides))
    pairs, extra = found.stones[: LOTS + 3], found.stones[LOTS + 3 :]
    sale = await world.draft(sessions, replace(found, stones=pairs[:LOTS]))
    named = {"type": SaleType.COLLECTION, "title_en": "Cabinet", "title_zh": "珍藏"}
    collection = await world.draft(sessions, replace(found, stones=extra), **named)
    async with sessions.begin() as session:
        rows = (await session.scalars(select(Lot).order_by(Lot.id))).all()
        for number, lot in enumerate(rows):
            lot.title_en = lot.title_zh = f"Mark-{number:03d}-Z"
            if number < LOTS and number % 3 == 0:
                second = await session.scalar(select(Stone).where(Stone.public_id == pairs[LOTS + number // 3]))
                assert second is not None
                session.add(LotStone(lot_id=lot.id, place=1, sale_id=lot.sale_id, stone_id=second.id,
                                     exposed_id=second.public_id))  # fmt: skip
    for one in (sale, collection):
        await world.decide(sessions, await world.proposed(sessions, found, one), found.lead)
    async with sessions() as session:
        rows = (await session.scalars(select(Lot).order_by(Lot.id))).all()
        stones = await queries.stones_by_lot(session, [lot.id for lot in rows])
        first = (await board.sale_of(session, sale)).id
    held = {lot.public_id: [stone.public_id for stone in stones[lot.id]] for lot in rows}
    marks = {lot.public_id: lot.title_en for lot in rows}
    in_sale = [lot.public_id for lot in rows if lot.sale_id == first]
    return Fuzz(app, sessions, sale, first, collection, marks, held, in_sale, set(found.stones))


async def turn(fuzz: Fuzz, session: Any, stone: str, to: VerdictCode) -> None:
    """As provenance does it: the exposure follows the verdict in the same transaction, and an event says so."""
    if to is not VerdictCode.VERIFIED:
        await session.execute(delete(ExposedStone).where(ExposedStone.stone == stone))
    grade = "B" if to is VerdictCode.VERIFIED else "-"
    said = update(StoneVerdict).where(StoneVerdict.stone == stone).values(verdict=to.value, grade=grade)
    await session.execute(said.execution_options(synchronize_session=False))
    if to is VerdictCode.VERIFIED and stone not in fuzz.verified:
        await session.execute(insert(ExposedStone).values(stone=stone, verdict="verified", exposed_at=NOON))
    events.record(session, "stone:verdict_changed", stone, by=None, at=NOON)
    (fuzz.verified.add if to is VerdictCode.VERIFIED else fuzz.verified.discard)(stone)
    fuzz.changes += 1


async def queried(fuzz: Fuzz) -> None:
    """What the page of the sale is made of names no lot with a stone that is not verified now."""
    async with fuzz.sessions() as session:
        withheld = set(await session.scalars(queries.unverified_lots(fuzz.sale_id)))
        shown = visible_to(VISITOR).where(Stone.public_id.in_(sorted(set().union(*fuzz.held.values()))))
        seen = set(await session.scalars(shown.with_only_columns(Stone.public_id)))
    lost = {lot for lot in fuzz.in_sale if not fuzz.verified.issuperset(fuzz.held[lot])}
    assert lost <= withheld, (fuzz.changes, lost - withheld)
    leaked = seen - fuzz.verified
    assert not leaked, (fuzz.changes, leaked)


async def rendered(fuzz: Fuzz, client: AsyncClient) -> None:
    """Both pages as a visitor gets them, the same for programs, and one lot of the sale: no mark, measure or id of what
    is not verified; the rest of a page that the followers have caught up with is there."""
    collected, one = [lot for lot in fuzz.held if lot not in fuzz.in_sale], fuzz.in_sale[fuzz.changes % LOTS]
    for path, lots in (
        (f"/sales/{fuzz.sale}", fuzz.in_sale),
        (f"/api/v1/sales/{fuzz.sale}", fuzz.in_sale),
        (f"/lots/{one}", fuzz.in_sale),
        (f"/api/v1/lots/{one}", [one]),
        (f"/collections/{fuzz.collection}", collected),
        (f"/api/v1/sales/{fuzz.collection}", collected),
    ):
        answer = await client.get(path)
        assert answer.status_code == 200, (fuzz.changes, answer.status_code)
        fuzz.pages += 1
        for lot in lots:
            lost = [stone for stone in fuzz.held[lot] if stone not in fuzz.verified]
            if lost:
                assert fuzz.marks[lot] not in answer.text, (fuzz.changes, path, fuzz.marks[lot])
                assert not any(stone in answer.text for stone in lost), (fuzz.changes, path)
                fuzz.hidden += 1
            fuzz.shown += fuzz.marks[lot] in answer.text


async def all_back(fuzz: Fuzz, client: AsyncClient) -> None:
    """Everything verified again and followed: everything is shown again."""
    async with fuzz.sessions.begin() as session:
        for stone in sorted(set().union(*fuzz.held.values()) - fuzz.verified):
            await turn(fuzz, session, stone, VerdictCode.VERIFIED)
    await follow(fuzz)
    page = (await client.get(f"/sales/{fuzz.sale}")).text + (await client.get(f"/collections/{fuzz.collection}")).text
    assert [mark for mark in fuzz.marks.values() if mark not in page] == []


async def follow(fuzz: Fuzz) -> None:
    while await catalogue_jobs.follow_verdicts(fuzz.sessions, NOON) + await jobs.follow_verdicts(fuzz.sessions, NOON):
        pass


async def run(fuzz: Fuzz, changes: int, seed: int, every: int = 20) -> None:
    """So many random changes; a page for about each `every` of them, at random instants."""
    luck, stones = Random(seed), sorted(fuzz.verified)
    async with AsyncClient(transport=ASGITransport(fuzz.app), base_url="http://pavilion.test") as client:
        while fuzz.changes < changes:
            async with fuzz.sessions.begin() as session:
                for _ in range(luck.choice((1, 1, 1, 2, 5))):
                    to = VerdictCode.VERIFIED if luck.random() < 0.6 else luck.choice(TURNS)
                    await turn(fuzz, session, luck.choice(stones), to)
            await queried(fuzz)
            if luck.random() < 0.1:
                await follow(fuzz)
            if luck.random() * every < 1.6:
                await rendered(fuzz, client)
        await all_back(fuzz, client)


async def main(changes: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/pavilion.db"
        await make_schema(url)
        engine = create_engine(url)
        settings = Settings(environment="test", data_dir=Path(folder), data_key="22" * 32)
        app, began = build_web(settings, engine, lambda: NOON + HOUR, None), time.monotonic()  # type: ignore[arg-type]
        fuzz = await staged(app, sessions_of(settings, engine))
        await run(fuzz, changes, seed, every=50)
        await engine.dispose()
        told = f"{fuzz.changes} changes of verdicts, {fuzz.pages} pages, {fuzz.hidden} times a lot was not shown"
        sys.stdout.write(f"{told}, {fuzz.shown} times one was; nothing unverified; {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 10_000, int(sys.argv[2]) if sys.argv[2:] else 11))
