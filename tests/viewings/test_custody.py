"""A stone is in one pair of hands at a time, and what the house did with it stands in its record."""

import asyncio
import json

import pytest
from sqlalchemy import func, select

from pavilion.provenance import custody_keeping, gathering, queries, reverifying, service, trust_table
from pavilion.provenance.custody_keeping import Load, NotOut, StoneIsOut, Weighed
from pavilion.provenance.custody_models import CustodyEntry
from pavilion.provenance.handling import HouseHand, Viewed, record_viewed
from pavilion.provenance.issuers import signature_of
from pavilion.provenance.law_models import Recheck
from pavilion.provenance.log_models import LogEntry
from pavilion.provenance.recomputing import recompute
from pavilion.provenance.reported import about
from tests.make import HOUR, NOON, SECOND
from tests.provenance import stones

STONE, OTHER, TRAY = "01STONE", "01OTHER", "01TRAY"
HAND = HouseHand("did:web:pavilion.localhost", b"\x22" * 32)


async def out(session, load, mct=1510, *, trays=(), ref="A1", now=NOON):
    return await custody_keeping.hand_out(
        session, load, Weighed(mct, len(load.stones)), holder="viewer", place="ant", ref=ref, by="staff", to="visitor",
        trays=trays, now=now,
    )  # fmt: skip


async def test_a_stone_that_is_out_is_handed_to_nobody_else_and_comes_back_with_both_weights(sqlite_sessions):
    async with sqlite_sessions.begin() as session:
        entry = await out(session, Load((STONE,)))
        with pytest.raises(StoneIsOut) as refused:
            await out(session, Load((STONE,)), ref="A2")
        assert refused.value.facts["place"] == "ant"
        assert [one.ref for one in await custody_keeping.out_now(session, place="ant")] == ["A1"]
        back = await custody_keeping.hand_in(session, entry, Weighed(1509), by="visitor", to="staff", now=NOON + HOUR)
        assert back == -1 and entry.closed_at == NOON + HOUR
        with pytest.raises(NotOut):
            await custody_keeping.hand_in(session, entry, Weighed(1510), by="visitor", to="staff", now=NOON + HOUR)
        await out(session, Load((STONE,)), ref="A2", now=NOON + HOUR + SECOND)
        assert len(await custody_keeping.entries_for(session, ["A1", "A2"])) == 2


async def test_a_tray_and_its_stones_are_not_in_two_hands(sqlite_sessions):
    async with sqlite_sessions.begin() as session:
        tray = await out(session, Load((STONE, OTHER), TRAY), 3020)
        with pytest.raises(StoneIsOut):
            await out(session, Load((STONE,)), trays=[TRAY])
        await custody_keeping.hand_in(session, tray, Weighed(3020, 2), by="visitor", to="staff", now=NOON)
        await out(session, Load((OTHER,)), 1510, trays=[TRAY])
        with pytest.raises(StoneIsOut):
            await out(session, Load((STONE, OTHER), TRAY), 3020)
        assert await custody_keeping.open_entry(session, tray=TRAY) is None
        assert (await custody_keeping.open_entry(session, stone=OTHER)).out_mct == 1510


async def test_of_twenty_desks_at_once_one_gets_the_stone(sessions):
    async def ask(ref):
        try:
            async with sessions.begin() as session:
                await out(session, Load((STONE,)), ref=ref)
        except StoneIsOut:
            return None
        return ref

    got = await asyncio.gather(*(ask(f"A{n}") for n in range(20)))
    assert sum(ref is not None for ref in got) == 1
    async with sessions() as session:
        assert await session.scalar(select(func.count(CustodyEntry.id))) == 1


async def viewed(sessions, stone, before, after, now):
    told = Viewed(stone, "ant", "BE", "01APPOINTMENT", "01COMPANY", now - HOUR, now, before, after)
    async with sessions.begin() as session:
        return await record_viewed(session, [told], hand=HAND, by="staff", now=now)


async def test_a_viewing_stands_in_the_stones_record_signed_by_the_house_and_names_nobody(sessions, tmp_path):
    claim, registry = stones.claim(1), stones.registry(tmp_path / "registry", (1, stones.chain(1)))
    async with sessions.begin() as session:
        await service.confirm(session, claims=[claim], registry=registry, now=NOON, log=stones.LOG)
    (sha256,) = await viewed(sessions, claim.stone, 1510, 1509, NOON)
    async with sessions() as session:
        (row,) = await about(session, [claim.origin_id])
        assert [one.sha256 for one in await about(session, [claim.stone])] == [sha256] == [row.sha256]
        said = json.loads(row.body)
        assert (said["mct_before"], said["mct_after"], said["place"]) == (1510, 1509, "ant")
        assert "01COMPANY" not in row.body and "01APPOINTMENT" not in row.body
        keys = (await trust_table.in_force(session, NOON)).keys
        assert signature_of(said, keys)["ok"]
        assert await session.scalar(select(LogEntry.kind).where(LogEntry.subject == f"reported/{sha256}")) == "event"


async def test_a_stone_that_lost_more_than_the_rule_lets_it_waits_for_a_person(sqlite_sessions, tmp_path):
    registry, claim = stones.registry(tmp_path / "registry", (1, stones.chain(1))), stones.claim(1)

    async def judged(now):
        async with sqlite_sessions.begin() as session:
            (told,) = await service.confirm(session, claims=[claim], registry=registry, now=now, log=stones.LOG)
        async with sqlite_sessions() as session:
            row = await queries.verdict_of(session, claim.stone)
            document = (await queries.document_of(session, row)).encode()
            assert recompute(document, *await gathering.evidence_of(session, document)) == document
        return told.verdict, "CU-04" in told.codes

    assert await judged(NOON) == ("verified", False)
    await reverifying.follow(sqlite_sessions, NOON)
    await viewed(sqlite_sessions, claim.stone, 1510, 1508, NOON)
    assert await judged(NOON + HOUR) == ("verified", False)
    await viewed(sqlite_sessions, claim.stone, 1510, 1507, NOON + HOUR)
    await reverifying.follow(sqlite_sessions, NOON + HOUR)
    async with sqlite_sessions() as session:
        assert (await session.get(Recheck, claim.stone)).why == "reported"
    assert await judged(NOON + 2 * HOUR) == ("review", True)
