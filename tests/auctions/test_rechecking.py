"""A verdict older than a day is asked for again before its stone is sold on it."""

import pytest
from sqlalchemy import select, text

from pavilion.auctions import publishing, rechecking
from pavilion.auctions.models import LotStone, Sale
from pavilion.auctions.rules import Code
from pavilion.catalogue import service as catalogue
from pavilion.kernel.errors import ActNotAllowed, NotFound
from pavilion.provenance import service as provenance
from pavilion.provenance.registries.asking import Registries
from tests.auctions import world
from tests.make import HOUR, NOON
from tests.provenance import stones as origins

LATER = NOON + 25 * HOUR
TIMES = {"opens_at": LATER + HOUR, "first_close_at": LATER + 3 * HOUR}


@pytest.fixture
def registry(tmp_path):
    """The registry as it answered first."""
    opened = origins.registry(tmp_path / "registry", *((n, origins.chain(n)) for n in (1, 2)))
    yield opened
    opened.close()


async def confirmed(sessions, registry):
    """A draft of two stones whose chains the registry vouched for."""
    house = await world.build(sessions, 0)
    async with sessions.begin() as session:
        house.stones = await world.stones(session, house.supplier, 2)
    claims = [origins.claim(n, stone=stone) for n, stone in enumerate(house.stones, 1)]
    async with sessions.begin() as session:
        verdicts = await provenance.confirm(session, claims=claims, registry=registry, now=NOON, log=origins.LOG)
        assert {verdict.verdict for verdict in verdicts} == {"verified"}, verdicts
        await catalogue.expose_stones(session, house.stones, now=NOON)
    return house, await world.draft(sessions, house, **TIMES)


async def codes(sessions, sale, now):
    async with sessions() as session:
        row = await session.scalar(select(Sale).where(Sale.public_id == sale))
        return {finding.code for finding in (await publishing.readiness_of(session, row, now)).blocks}


async def test_stale_verdicts_are_given_anew_and_the_sale_can_be_published(sessions, registry):
    house, sale = await confirmed(sessions, registry)
    assert await codes(sessions, sale, LATER) == {Code.VERDICT_STALE}
    facts = {"sale": sale, "actor": house.curator, "now": LATER}
    assert await rechecking.recheck(sessions, Registries.of(registry), **facts) == 2
    assert await codes(sessions, sale, LATER) == set()
    assert await rechecking.recheck(sessions, Registries.of(registry), **facts) == 0
    await world.decide(sessions, await world.proposed(sessions, house, sale, LATER), house.lead, LATER)
    async with sessions() as session:
        assert None not in (await session.scalars(select(LotStone.exposed_id))).all()


async def test_a_chain_that_has_broken_since_bars_the_sale(sessions, registry, tmp_path):
    house, sale = await confirmed(sessions, registry)
    broken = origins.chain(1)
    broken.remove(origins.event(broken, "CUT"))
    now_says = origins.registry(tmp_path / "second", (1, broken), (2, origins.chain(2)))
    await rechecking.recheck(sessions, Registries.of(now_says), sale=sale, actor=house.curator, now=LATER)
    now_says.close()
    assert await codes(sessions, sale, LATER) == {Code.NOT_VERIFIED}


async def test_a_stone_that_regained_its_verdict_is_linked_again_at_publication(sessions):
    house = await world.build(sessions, 1)
    sale = await world.draft(sessions, house)
    async with sessions.begin() as session:
        await session.execute(text("delete from exposed_stones"))
    async with sessions.begin() as session:
        again = "insert into exposed_stones (stone, verdict, exposed_at) select stone, verdict, decided_at"
        await session.execute(text(f"{again} from stone_verdicts"))
        await catalogue.expose_stones(session, house.stones, now=NOON)
        assert await session.scalar(select(LotStone.exposed_id)) is None
    await world.decide(sessions, await world.proposed(sessions, house, sale), house.lead)
    async with sessions() as session:
        assert await session.scalar(select(LotStone.exposed_id)) == house.stones[0]


async def test_only_a_draft_is_asked_about(sessions):
    house = await world.build(sessions, 1)
    sale = await world.published(sessions, house)
    with pytest.raises(ActNotAllowed):
        await rechecking.recheck(sessions, {}, sale=sale, actor=house.curator, now=LATER)
    with pytest.raises(NotFound):
        await rechecking.recheck(sessions, {}, sale="X" * 26, actor=house.curator, now=LATER)


async def name_of(sessions):
    async with sessions() as session:
        return {row[0] for row in await session.execute(text("select registry_name from stone_verdicts"))}
