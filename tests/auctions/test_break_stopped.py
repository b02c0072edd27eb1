"""A stone is stopped at the very moment its lot is published: a refusal or a lot without its link, never a fault."""

import asyncio

import pytest
from sqlalchemy import func, select, text

from pavilion.auctions.models import LotStone, Sale
from pavilion.kernel.errors import Refusal
from pavilion.provenance.models import ExposedStone
from tests.auctions import world


@pytest.mark.parametrize("ahead", [0, 3, 9])
async def test_a_lot_published_while_its_stone_is_stopped_is_refused_or_stands_without_its_link(
    postgres_sessions, ahead
):
    house = await world.build(postgres_sessions, 1)
    sales = [await world.draft(postgres_sessions, house) for _ in range(6)]
    proposals = [await world.proposed(postgres_sessions, house, sale) for sale in sales]

    async def stopped():
        for _ in range(ahead):  # the publications are that many steps ahead
            async with postgres_sessions() as session:
                await session.execute(select(Sale.id).limit(1))
        async with postgres_sessions.begin() as session:
            await session.execute(text("delete from exposed_stones"))

    answers = await asyncio.gather(
        *(world.decide(postgres_sessions, proposal, house.lead) for proposal in proposals),
        stopped(),
        return_exceptions=True,
    )
    faults = [answer for answer in answers if isinstance(answer, BaseException)]
    assert all(isinstance(fault, Refusal) for fault in faults), faults
    async with postgres_sessions() as session:
        published = await session.scalar(select(func.count()).where(Sale.state == "published"))
        linked = await session.scalar(select(func.count()).where(LotStone.exposed_id.is_not(None)))
        shown = await session.scalar(select(func.count()).select_from(ExposedStone))
    assert published <= 1 and (linked, shown) == (0, 0)
