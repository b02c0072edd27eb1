"""What staff write is looked through when it is saved and again when the sale is published."""

import pytest
from sqlalchemy import update

from pavilion.auctions import curation, publishing
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.auctions.rules import Code, Level
from pavilion.kernel.errors import BadInput
from tests.auctions import world
from tests.make import NOON


@pytest.fixture
async def draft(sessions):
    made = await world.build(sessions, 2)
    return made, await world.draft(sessions, made)


async def test_a_sales_text_with_a_refused_wording_is_not_kept(sessions, draft):
    made, sale = draft
    with pytest.raises(BadInput) as refused:
        async with sessions.begin() as session:
            values = {"text_en": "Not one lab-grown stone.", "text_zh": "没有合成钻石。"}
            await curation.change_sale(session, sale=sale, version=1, values=values, actor=made.curator, now=NOON)
    assert refused.value.facts["fields"] == {"text_en": "wording_never", "text_zh": "wording_not_natural"}


async def test_a_lots_title_may_call_flawless_only_what_is(sessions, draft):
    made, sale = draft
    lot = (await world.order(sessions, sale))[0]
    with pytest.raises(BadInput) as refused:
        async with sessions.begin() as session:
            edits = {lot: (3, {"title_en": "A flawless round"})}
            await curation.edit_lots(session, sale=sale, edits=edits, actor=made.curator, now=NOON)
    assert refused.value.facts["fields"] == {"title_en": "wording_clarity"}


async def test_what_came_in_past_the_form_is_found_before_publication(sessions, draft):
    made, sale = draft
    async with sessions.begin() as session:
        await session.execute(update(Lot).values(title_zh="实验室培育钻石"))
        await session.execute(update(Sale).values(title_en="Cultured diamonds"))
    with pytest.raises(publishing.NotReady) as refused:
        await world.proposed(sessions, made, sale)
    assert refused.value.facts["codes"] == ["wording"]


async def test_a_known_destination_that_is_closed_is_a_warning_with_its_rule_and_the_number_shut_out(sessions):
    made = await world.build(sessions, 1)
    sale = await world.published(sessions, made)
    await world.applied(sessions, sale, await world.buyer(sessions))
    async with sessions.begin() as session:
        await session.execute(update(Registration).values(destination="US"))
        row = await session.get_one(Sale, 1)
        (found,) = (await publishing.readiness_of(session, row, NOON)).findings
    assert (found.code, found.level) == (Code.NOT_ELIGIBLE_IN, Level.WARN)
    assert found.fact == "US: SN-02 US-RU-DIRECT (1)"
