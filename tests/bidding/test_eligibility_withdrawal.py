"""The laboratory takes a report back: the stone leaves the catalogue, its lot stops, and everybody is told."""

import json

import pytest
from sqlalchemy import select

from pavilion.auctions import jobs as auctions_jobs
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.models import BookEvent, BookLot
from pavilion.catalogue import jobs as catalogue_jobs
from pavilion.catalogue.models import Stone
from pavilion.provenance import queries as origins
from pavilion.provenance import service as provenance
from pavilion.provenance.reverifying import DEMO, Sweep
from tests.bidding import house
from tests.make import NOON, SECOND
from tests.provenance import simulated, stones

LATER = NOON + 300 * SECOND


@pytest.fixture
def folder(tmp_path):
    return simulated.folder_of(tmp_path / "world")


async def standing(sessions, stone):
    async with sessions() as session:
        listed = await session.scalar(select(Stone.exposed_id).where(Stone.public_id == stone))
        history = await origins.history_of(session, stone)
        return listed, [row.verdict for row in reversed(history)]


async def act(room, what, lot):
    answer = await room.rooms.command(StaffAct(room.sale, what, lot, by=room.world.lead.public_id))
    return answer.code


async def events_of(sessions, lot):
    async with sessions() as session:
        bodies = await session.scalars(select(BookEvent.body).where(BookEvent.lot == lot).order_by(BookEvent.n))
        return [json.loads(body) for body in bodies]


async def test_one_sweep_after_the_withdrawal_stone_lot_and_bidders_know(database_url, sessions, folder, tmp_path):
    with simulated.running(folder) as address:
        async with house.house(database_url, sessions) as room:
            lot, other = room.lots
            held = room.world.stones
            claims = [stones.claim(n, stone=stone) for n, stone in enumerate(held, 1)]
            registries = simulated.house(tmp_path, address, folder)
            await simulated.trusted(sessions, folder)
            async with sessions.begin() as session:
                told = await provenance.confirm(session, claims=claims, registry=registries, now=NOON, log=stones.LOG)
            assert [verdict.verdict for verdict in told] == ["verified", "verified"]
            assert (await room.bid(0, 400_000)).result == "accepted"

            simulated.order(address, "laboratory", "withdrawn", stones.report_no(1))
            asking = simulated.house(tmp_path, address, folder)  # as after the seconds in which an answer is in hand
            assert await Sweep(DEMO).tick(sessions, asking, LATER, stones.LOG) == 2
            await catalogue_jobs.follow_verdicts(sessions, LATER)

            async def paused():
                async with sessions() as session:
                    return await session.scalar(select(BookLot.state).where(BookLot.lot == lot)) == "paused"

            await room.until(paused)
            assert (await room.bid(1, 900_000)).code == "lot_paused"
            listed, verdicts = await standing(sessions, held[0])
            assert (listed, verdicts) == (None, ["verified", "rejected"])
            pause, notice = (await events_of(sessions, lot))[-3:-1]
            assert (pause["type"], pause["data"]["reason"]) == ("lot.paused", "verdict_lost")
            assert "GR-01" in notice["data"]["text_en"] and "GR-01" in notice["data"]["text_zh"]

            assert await act(room, "resume", lot) == "act_not_allowed"  # not while it is not verified
            simulated.order(address, "laboratory", "not-withdrawn", stones.report_no(1))
            again = simulated.house(tmp_path, address, folder)
            async with sessions.begin() as session:
                first = [claims[0]]
                await provenance.confirm(session, claims=first, registry=again, now=LATER, log=stones.LOG)
            await auctions_jobs.follow_verdicts(sessions, LATER)
            writer = room.rooms.engine.writers[room.sale]
            await room.until(lambda: writer.facts.lots[lot].verified)
            assert (await room.bid(1, 900_000)).code == "lot_paused"  # a person resumes, nobody else
            assert await act(room, "resume", lot) is None
            assert (await room.bid(1, 900_000)).result == "accepted"
            assert (await standing(sessions, held[0]))[1] == ["verified", "rejected", "verified"]

            assert (await standing(sessions, held[1]))[0] == held[1]
            assert (await room.bid(1, 400_000, lot=1)).result == "accepted"
            assert [event["type"] for event in await events_of(sessions, other)][-1] == "bid.accepted"
            await registries.close()
            await asking.close()
            await again.close()
