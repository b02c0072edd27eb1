"""A quarter once published stands; what is reported or accepted late is counted in the next."""

import json
from datetime import timedelta

from sqlalchemy import select

from pavilion.demo import outcomes as demo
from pavilion.insight import publishing
from pavilion.insight.models import CountedLine, Snapshot
from pavilion.insight.quarters import latest_due
from pavilion.provenance import outcome_service as outcomes
from pavilion.provenance.outcome_models import SupplyContract
from pavilion.provenance.outcome_said import Said, StoneSaid
from tests.make import NOON

HOUSE = "did:web:pavilion.test"


async def test_a_report_after_the_quarters_end_goes_to_the_next_quarter(sessions):
    await demo.furnish(sessions, NOON, HOUSE)
    last = latest_due(NOON)
    async with sessions() as session:
        before = (await session.get_one(Snapshot, str(last))).document
        contract = (await session.scalars(select(SupplyContract).order_by(SupplyContract.id))).first()
    late = last.end + timedelta(days=3)
    line = StoneSaid(
        object="late-1",
        mct=1_010,
        stones=1,
        rough_mct=2_300,
        shape="round",
        color="H",
        clarity="SI1",
        assortment=demo.ASSORTMENT,
        cutter="own works",
    )
    said = Said(
        polished_mct=3_000_000,
        loss_mct=3_300_000,
        stock_mct=300_000,
        lost_mct=0,
        cutter_named_mct=3_000_000,
        lines=(line,),
    )
    async with sessions.begin() as session:
        made = await outcomes.report(session, contract=contract, said=said, house=HOUSE, by=None, now=late)
        assert made.state == "accepted", made.remarks
    assert await publishing.tick(sessions, HOUSE, NOON) == 0, "what is published is not published again"
    coming = last.next
    assert await publishing.tick(sessions, HOUSE, coming.published_at - timedelta(seconds=1)) == 0
    assert await publishing.tick(sessions, HOUSE, coming.published_at) == 1
    async with sessions() as session:
        assert (await session.get_one(Snapshot, str(last))).document == before
        counted = select(CountedLine.quarter).where(CountedLine.object == "late-1")
        assert (await session.scalars(counted)).all() == [str(coming)]
        told = json.loads((await session.get_one(Snapshot, str(coming))).document)
        assert told["quarter"] == str(coming) and all(mass in (None, 0) for _, _, mass in told["cells"])
