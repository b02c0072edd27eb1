"""By video: the call begins at the desk, and recording and notes are read by everybody who may bid, by nobody else."""

import pytest
from sqlalchemy import select

from pavilion.accounts.rules import Role
from pavilion.auctions.models import Registration
from pavilion.kernel.errors import BadInput
from pavilion.provenance.custody_keeping import Weighed
from pavilion.viewings import desk, desk_views, remote
from pavilion.viewings.states import AppointmentState as S
from pavilion.viewings.states import ViewingMode
from tests import make
from tests.auctions import world
from tests.viewings import desks
from tests.viewings.desks import START

SHA = "ab" * 32
KEPT = remote.Said("https://video.example/1", "Leica", "vault:7", SHA, "A feather at the girdle, under 40x.")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (remote.Said(link="http://video.example"), "link"),
        (remote.Said(link="javascript:alert(1)"), "link"),
        (remote.Said(recording_ref="x", recording_sha256="y"), "recording_sha256"),
        (remote.Said(recording_ref="x"), "recording_sha256"),
    ],
)
def test_what_is_written_of_a_call_is_looked_at(said, field):
    assert field in said.faults()


async def test_notes_of_a_call_are_read_by_who_may_bid_once_it_is_over(sqlite_sessions):
    day = await desks.build(sqlite_sessions)
    found = await world.build(sqlite_sessions, 2)
    sale = await world.published(sqlite_sessions, found)
    visit, *_ = await desks.booked(sqlite_sessions, day, desk="ant-v", mode=ViewingMode.REMOTE)
    stone = day.stones[0]

    async def told(session, actor):
        return [one.notes for one in await remote.told_of(session, sale, [stone], actor)]

    async with sqlite_sessions.begin() as session:
        row = await desks.of(session, day, visit)
        await remote.begin(session, row, by="vic", now=START)
        assert row.state == S.CHECKED_IN
        (operator,) = await desk_views.takers_of(session, row, START)
        assert operator.public_id == day.staff.public_id
        await desk.hand_out(
            session, day.ant, row, Weighed(1511), stone=stone, by="vic", to=operator.public_id, now=START
        )
        with pytest.raises(BadInput):
            await remote.write(session, row, remote.Said(link="ftp://x"), by="vic", now=START)
        await remote.write(session, row, KEPT, by="vic", now=START)
        assert await told(session, day.staff) == []  # not before it is over
        await desk.take_in(session, day.ant, row, Weighed(1511), stone=stone, by="vic", now=START)
        await desk.finish(session, day.ant, row, hand=None, by="vic", now=START)
    bidder = await world.buyer(sqlite_sessions)
    await world.applied(sqlite_sessions, sale, bidder)
    async with sqlite_sessions.begin() as session:
        stranger = await make.actor(session, "zoe@other.example", (Role.BUYER,), await make.company(session, "Other"))
        assert await told(session, day.staff) == [KEPT.notes]
        assert await told(session, stranger) == [] == await told(session, bidder)
        registered = await session.scalar(select(Registration).where(Registration.company_id == bidder.company_id))
        registered.state, registered.paddle, registered.limit_minor = "approved", 7, 1
        await session.flush()
        (one,) = await remote.told_of(session, sale, [stone], bidder)
        assert (one.recording_sha256, one.microscope, one.office_en) == (SHA, "Leica", "Antwerp")
