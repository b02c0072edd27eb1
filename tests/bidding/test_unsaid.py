"""Notices of a lot whose stone is not verified: outsiders have no word of them, and what was signed can be checked."""

import json

from sqlalchemy import delete, select, update

from pavilion.accounts.rules import Role
from pavilion.bidding import lines, queries, unsaid
from pavilion.bidding.exporting import record_of
from pavilion.bidding.models import BookEvent
from pavilion.bidding.verifying import verify
from pavilion.kernel.canon import canonical
from pavilion.kernel.merkle import leaf_hash
from pavilion.provenance.models import ExposedStone, StoneVerdict
from tests.auctions.world import FIRST_CLOSE
from tests.bidding.house import house
from tests.bidding.served import served
from tests.bidding.test_lot_notices import give
from tests.bidding.test_relotted import withdraw_by_two
from tests.make import HOUR

SECRET = "Kundig round"
SAID = {"field": "title", "title_en": SECRET, "title_zh": SECRET, "reason": "Measured again"}


def notice(seq, by="staff"):
    return {"type": "lot.notice", "seq": seq, "data": {"by": by}}


def lost(seq, kind="lot.paused"):
    return {"type": kind, "seq": seq, "data": {"reason": "verdict_lost"}}


def test_what_staff_said_before_the_stone_lost_its_verdict_is_kept():
    paused = {"type": "lot.paused", "seq": 2, "data": {"reason": "clock"}}
    assert unsaid.unsaid([notice(1), paused, notice(3), notice(4, "engine")]) == {1, 3}
    assert unsaid.unsaid([notice(1), lost(2), notice(3), notice(4, "engine")]) == {1}
    assert unsaid.unsaid([notice(1), lost(2), notice(3), lost(4, "lot.withdrawn"), notice(5)]) == {1, 3}
    assert unsaid.unsaid([]) == frozenset()


async def test_a_kept_notice_is_a_hash_and_everything_signed_can_be_checked(sqlite_database_url, sqlite_sessions):
    async with house(sqlite_database_url, sqlite_sessions, lots=2) as made:
        first = made.lots[0]
        async with served(made) as live:
            staff = await live.employ(ada=Role.AUCTIONEER)
            assert (await give(live, staff["ada"], **SAID)).status_code == 303
            await withdraw_by_two(live, first)
        made.clock.at = FIRST_CLOSE + HOUR

        async def over():
            return await made.sale_state() == "closed"

        await made.until(over, 10)
        whole = await recorded(made)
        assert SECRET.encode() in b"".join(whole) and verify(lambda: iter(whole)).hidden_lots != (first,)
        await lose_first(made)
        kept = await recorded(made)
        found = verify(lambda: iter(kept))
        assert SECRET.encode() not in b"".join(kept) and first in found.hidden_lots
        assert found.root == verify(lambda: iter(whole)).root, "the same log"
        async with served(made) as live:
            buyer = await live.employ(bea=Role.BUYER)
            async with live.browser(buyer["bea"]) as outsider:
                answer = await outsider.get(f"/api/v1/lots/{first}/events")
        assert SECRET not in answer.text
        events = answer.json()["events"]
        (place,) = (n for n, event in enumerate(events) if "type" not in event)
        assert events[place].keys() == {"n", "seq", "hash"} and events[place + 1]["prev"] == events[place]["hash"]
        async with made.sessions() as session:
            body = await session.scalar(select(BookEvent.body).where(BookEvent.n == events[place]["n"]))
            assert leaf_hash(canonical(json.loads(body))).hex() == events[place]["hash"]
            hidden = await unsaid.of_sale(session, made.sale)
            before = events[place]["seq"] - 1
            bodies, unknown = await queries.missed(session, made.sale, {first: before}, hidden)
            assert first in unknown and SECRET not in "".join(bodies), "who catches up has a snapshot in its place"
            told = await lines.book_shown(session, first, None, withheld=True)
            assert unsaid.WORDS["en"] in [line.text["en"] for line in told.notices]


async def recorded(made):
    async with made.sessions() as session:
        return list(await record_of(session, made.sale, made.rooms.verifier, made.clock()))


async def lose_first(made):
    stones = made.world.stones[:1]
    async with made.sessions.begin() as session:
        await session.execute(delete(ExposedStone).where(ExposedStone.stone.in_(stones)))
        said = update(StoneVerdict).where(StoneVerdict.stone.in_(stones)).values(verdict="review", grade="-")
        await session.execute(said.execution_options(synchronize_session=False))
