"""A sale is published by two persons, whole or not at all, and stands still from then on."""

import asyncio

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from pavilion.accounts.models import Proposal
from pavilion.accounts.service import ProposalExpired, SameApprover
from pavilion.auctions import board, changes, curation, publishing, queries, service
from pavilion.auctions.models import Command, Lot, Sale
from pavilion.auctions.rules import Code, Finding
from pavilion.bidding.ruleset import parse_rules
from pavilion.catalogue.models import StoneCommitment
from pavilion.kernel.errors import ActNotAllowed, NotAllowed
from pavilion.kernel.events import Event
from tests.auctions import world
from tests.make import HOUR, NOON

FAULTS = {
    Code.NO_STONE: "delete from lot_stones",
    Code.NOT_VERIFIED: "delete from exposed_stones",
    Code.VERDICT_STALE: "update stone_verdicts set decided_at = :long_ago",
    Code.OWNER_MISSING: "update lots set consignor_company_id = null",
    Code.OWNER_SANCTIONED: "update companies set state = 'suspended'",
    Code.ESTIMATE_MISSING: "update lots set low_minor = null",
    Code.INVARIANT_BROKEN: "update lots set opening_minor = 450000, low_minor = 425000",
    Code.TITLE_MISSING: "update lots set title_zh = ''",
    Code.NUMBER_MISSING: "update lots set number = null",
    Code.RULES_MISSING: "update sales set increments = '[]'",
    Code.CLOSE_MISSING: "update sales set first_close_at = null",
    Code.IMAGE_MISSING: "update stones set shape = 'other', picture = null, photo = null",
    Code.IN_OTHER_SALE: "in_sale",
    Code.ON_MEMO: "on_memo",
    Code.ON_HOLD: "held",
}


async def break_it(sessions, fault):
    async with sessions.begin() as session:
        if fault.isidentifier():
            stone = (await session.execute(text("select id, public_id from stones order by id"))).first()
            session.add(
                StoneCommitment(
                    stone_id=stone.id, exposed_id=stone.public_id, kind=fault, ref="X" * 26, facts={}, made_at=NOON
                )
            )
            return
        long_ago = NOON - 25 * HOUR
        sqlite = session.get_bind().dialect.name == "sqlite"
        from pavilion.kernel.instants import micros

        facts = {"long_ago": micros(long_ago) if sqlite else long_ago} if ":long_ago" in fault else {}
        await session.execute(text(fault), facts)


@pytest.mark.parametrize("code", FAULTS)
async def test_each_block_refuses_the_proposal(sessions, code):
    house = await world.build(sessions, 2)
    sale = await world.draft(sessions, house)
    await break_it(sessions, FAULTS[code])
    with pytest.raises(publishing.NotReady) as refused:
        await world.proposed(sessions, house, sale)
    assert code in refused.value.facts["codes"]


async def test_a_collection_is_refused_without_a_price(sessions):
    house = await world.build(sessions, 2)
    sale = await world.draft(sessions, house, type="collection")
    await break_it(sessions, "update lots set opening_minor = null")
    with pytest.raises(publishing.NotReady) as refused:
        await world.proposed(sessions, house, sale)
    assert refused.value.facts["codes"] == [Code.PRICE_MISSING]


async def test_an_unknown_shape_without_a_picture_has_no_image(sessions):
    house = await world.build(sessions, 2)
    sale = await world.draft(sessions, house)
    async with sessions.begin() as session:
        await session.execute(text("update stones set shape = 'other', picture = null"))
    async with sessions() as session:
        row = await session.scalar(select(Sale).where(Sale.public_id == sale))
        found = (await publishing.readiness_of(session, row, NOON)).blocks
    assert {finding.code for finding in found} == {Code.IMAGE_MISSING}


@pytest.mark.parametrize("code", [Code.NOT_VERIFIED, Code.OWNER_SANCTIONED, Code.IN_OTHER_SALE])
async def test_what_went_wrong_after_the_proposal_refuses_the_approval(sessions, code):
    house = await world.build(sessions, 2)
    sale = await world.draft(sessions, house)
    proposal = await world.proposed(sessions, house, sale)
    await break_it(sessions, FAULTS[code])
    with pytest.raises(publishing.NotReady):
        await world.decide(sessions, proposal, house.lead)
    assert await state_of(sessions, sale) == "draft"


async def test_publication_freezes_numbers_rules_and_their_hash(sessions):
    house = await world.build(sessions, 3)
    sale = await world.published(sessions, house)
    async with sessions() as session:
        plan = await queries.plan_of(session, sale)
        assert plan is not None and plan.state == "published"
        assert [(lot.number_text, lot.state, lot.opening, lot.reserve) for lot in plan.lots] == [
            ("11", "listed", 400_000, None), ("12", "listed", 400_000, None), ("13", "listed", 400_000, None),
        ]  # fmt: skip
        assert plan.lots[0].stones[0].stone == house.stones[0] and len(plan.lots[0].passport_hash) == 64
        published = await session.scalar(select(Event).where(Event.name == "sale:published"))
        assert published.facts["rules"] == plan.rules_hash
        assert published.by == house.lead.public_id


async def test_the_engine_reads_the_frozen_document_as_it_was_meant(sessions):
    house = await world.build(sessions, 2)
    premium = {"bands": [[50_000_000, 2600], [None, 2000]], "early_bands": None, "early_before_hours": 48}
    breaks = [[1, 300]]
    sale = await world.published(sessions, house, premium=premium, breaks=breaks, mode="snap", reserve_rule="push")
    async with sessions() as session:
        plan = await queries.plan_of(session, sale)
    rules = parse_rules(dict(plan.rules))
    assert rules.premium_bands == ((50_000_000, 2600), (None, 2000))
    assert (rules.increments.mode, rules.reserve_rule, rules.currency) == ("snap", "push", "USD")
    assert rules.stagger.end(1) - rules.stagger.end(0) == 360_000_000


async def test_a_curator_alone_cannot_publish(sessions):
    house = await world.build(sessions, 2)
    sale = await world.draft(sessions, house)
    proposal = await world.proposed(sessions, house, sale)
    with pytest.raises(NotAllowed):
        await world.decide(sessions, proposal, house.curator)
    assert await state_of(sessions, sale) == "draft"


async def test_a_lead_cannot_approve_the_own_proposal(sessions):
    house = await world.build(sessions, 2)
    sale = await world.draft(sessions, house)
    house.curator = house.lead
    proposal = await world.proposed(sessions, house, sale)
    with pytest.raises(SameApprover):
        await world.decide(sessions, proposal, house.lead)
    assert await state_of(sessions, sale) == "draft"


async def test_what_is_approved_is_exactly_what_was_proposed(sessions):
    house = await world.build(sessions, 3)
    sale = await world.draft(sessions, house)
    proposal = await world.proposed(sessions, house, sale)
    async with sessions.begin() as session:
        await session.execute(text("update stones set weight_mct = weight_mct + 1"))
    with pytest.raises(publishing.ChangedSince):
        await world.decide(sessions, proposal, house.lead)


async def _move(session, house, sale, lots):
    await curation.move_lots(session, sale=sale, lots=lots[:1], position=2, actor=house.curator, now=NOON)


async def _remove(session, house, sale, lots):
    await curation.remove_lots(session, sale=sale, lots=lots[:1], actor=house.curator, now=NOON)


async def _edit(session, house, sale, lots):
    version = await session.scalar(select(Lot.version).where(Lot.public_id == lots[0]))
    edits = {lots[0]: (version, {"title_en": "Another"})}
    await curation.edit_lots(session, sale=sale, edits=edits, actor=house.curator, now=NOON)


async def _settings(session, house, sale, lots):
    version = await session.scalar(select(Sale.version))
    values = {"stagger_s": 30}
    await curation.change_sale(session, sale=sale, version=version, values=values, actor=house.curator, now=NOON)


async def _undo(session, house, sale, lots):
    last = await session.scalar(select(func.max(Command.id)))
    await changes.undo(session, sale=sale, command=last, actor=house.curator, now=NOON)


@pytest.mark.parametrize("change", [_move, _remove, _edit, _settings, _undo])
async def test_a_change_of_the_draft_lapses_the_open_proposal(sessions, change):
    house = await world.build(sessions, 3)
    sale = await world.draft(sessions, house)
    proposal = await world.proposed(sessions, house, sale)
    lots = await world.order(sessions, sale)
    async with sessions.begin() as session:
        await change(session, house, sale, lots)
    async with sessions() as session:
        lapsed = await session.scalar(select(Proposal))
        told = await session.scalar(select(Event).where(Event.name == "proposal:expired"))
        shown = await board.board_of(session, sale, house.curator, NOON)
    assert (lapsed.state, lapsed.decided_by, shown.proposal) == ("expired", None, None)
    assert (told.subject, told.by, told.facts["reason"]) == (proposal, house.curator.public_id, "draft_changed")
    with pytest.raises(ProposalExpired):
        await world.decide(sessions, proposal, house.lead)


async def test_a_changed_draft_is_proposed_anew_and_published(sessions):
    house = await world.build(sessions, 3)
    sale = await world.draft(sessions, house)
    first = await world.proposed(sessions, house, sale)
    async with sessions.begin() as session:
        await _move(session, house, sale, await world.order(sessions, sale))
    second = await world.proposed(sessions, house, sale)
    assert second != first
    await world.decide(sessions, second, house.lead)
    assert await state_of(sessions, sale) == "published"


async def test_a_command_that_changes_nothing_leaves_the_proposal_open(sessions):
    house = await world.build(sessions, 3)
    sale = await world.draft(sessions, house)
    proposal = await world.proposed(sessions, house, sale)
    lots = await world.order(sessions, sale)
    async with sessions.begin() as session:
        await curation.move_lots(session, sale=sale, lots=lots[:1], position=0, actor=house.curator, now=NOON)
    await world.decide(sessions, proposal, house.lead)
    assert await state_of(sessions, sale) == "published"


async def test_a_change_and_an_approval_at_once_never_publish_what_was_not_proposed(postgres_sessions):
    house = await world.build(postgres_sessions, 3)
    sale = await world.draft(postgres_sessions, house)
    proposal = await world.proposed(postgres_sessions, house, sale)
    lots = await world.order(postgres_sessions, sale)

    async def change():
        async with postgres_sessions.begin() as session:
            await _move(session, house, sale, lots)

    approved, changed = await asyncio.gather(
        world.decide(postgres_sessions, proposal, house.lead), change(), return_exceptions=True
    )
    refused = [type(answer) for answer in (approved, changed) if isinstance(answer, BaseException)]
    assert refused in ([ActNotAllowed], [ProposalExpired])
    kept = await world.order(postgres_sessions, sale) == lots
    assert kept == (await state_of(postgres_sessions, sale) == "published")


async def test_a_warning_has_to_be_acknowledged_by_name(sessions):
    house = await world.build(sessions, 2)
    sale = await world.draft(sessions, house, text_zh="")
    with pytest.raises(publishing.WarningsOpen) as refused:
        await world.proposed(sessions, house, sale)
    assert refused.value.facts["codes"] == ["description_missing"]
    async with sessions.begin() as session:
        await publishing.propose_publication(
            session, sale=sale, acknowledged=["description_missing"], actor=house.curator, now=NOON
        )


FROZEN = [
    "update sales set title_en = 'Other'",
    "update sales set first_close_at = opens_at",
    "update sales set rules = '{}'",
    f"update sales set rules_hash = '{'0' * 64}'",
    "delete from sales",
    "update lots set number = number + 100",
    "update lots set opening_minor = 5000",
    "update lots set reserve_sealed = '00'",
    "update lots set reserve_minor = 450000",
    "update lots set low_minor = 400000",
    "update lots set title_en = 'Other'",
    "delete from lots",
    "delete from lot_stones",
    "update lot_stones set place = place + 10",
    "insert into lot_stones (lot_id, place, sale_id, stone_id, exposed_id)"
    " select lot_id, 9, sale_id, stone_id, exposed_id from lot_stones",
]


@pytest.mark.parametrize("statement", FROZEN)
async def test_the_database_keeps_a_published_sale_still(sessions, statement):
    house = await world.build(sessions, 2)
    await world.published(sessions, house)
    with pytest.raises(DBAPIError):
        async with sessions.begin() as session:
            await session.execute(text(statement))


OF_A_COLLECTION = [
    "update sales set title_en = 'Other'",
    "update sales set opens_at = null",
    "delete from sales",
    "update lots set opening_minor = 5000, low_minor = 5000, high_minor = 5000",
    "update lots set title_zh = '别的'",
    "update lots set consignor_company_id = null",
    "update lots set state = 'draft'",
    "delete from lots",
    "delete from lot_stones",
    "update lot_stones set place = place + 10",
    "insert into lots (public_id, sale_id, rank, suffix, title_en, title_zh, state, version)"
    " select 'X', id, 'X', '', '', '', 'draft', 1 from sales",
]


async def test_the_database_keeps_a_published_collection_still_too(sessions):
    house = await world.build(sessions, 2)
    price = {"type": "collection", "increments": [], "first_close_at": None}
    sale = await world.draft(sessions, house, **price)
    async with sessions.begin() as session:
        await session.execute(text("update lots set low_minor = opening_minor, high_minor = opening_minor"))
    await world.decide(sessions, await world.proposed(sessions, house, sale), house.lead)
    for statement in OF_A_COLLECTION:
        with pytest.raises(DBAPIError, match="a published sale does not change"):
            async with sessions.begin() as session:
                await session.execute(text(statement))
    async with sessions.begin() as session:
        await session.execute(text("update lots set state = 'sold'"))  # what is bought goes on


ANOTHER_LOT = (
    "insert into lots (public_id, sale_id, rank, suffix, title_en, title_zh, state, version)"
    " select 'X', id, 'X', '', '', '', 'draft', 1 from sales"
)


async def test_a_published_sale_takes_a_further_lot_as_a_draft_and_an_open_one_takes_none(sessions):
    house = await world.build(sessions, 2)
    await world.published(sessions, house)
    async with sessions.begin() as session:
        await session.execute(text(ANOTHER_LOT))
        await session.execute(text("update lots set number = 99 where public_id = 'X'"))
        await session.execute(text("delete from lots where public_id = 'X'"))
    with pytest.raises(DBAPIError, match="a published sale does not change"):
        async with sessions.begin() as session:
            await session.execute(text("update sales set state = 'open'"))
            await session.execute(text(ANOTHER_LOT))


async def test_curation_of_a_published_sale_is_refused(sessions):
    house = await world.build(sessions, 2)
    sale = await world.published(sessions, house)
    with pytest.raises(ActNotAllowed):
        async with sessions.begin() as session:
            await curation.number_lots(session, sale=sale, actor=house.curator, now=NOON)


async def test_a_lot_that_loses_its_verdict_empties_its_link_and_stays(sessions):
    house = await world.build(sessions, 2)
    await world.published(sessions, house)
    async with sessions.begin() as session:
        await session.execute(text("delete from exposed_stones"))
    async with sessions() as session:
        held = (await session.execute(text("select count(*), count(exposed_id) from lot_stones"))).one()
    assert tuple(held) == (2, 0)


async def test_a_stone_is_in_one_live_lot_however_many_publish_at_once(postgres_sessions):
    house = await world.build(postgres_sessions, 1)
    sales = [await world.draft(postgres_sessions, house) for _ in range(20)]
    proposals = [await world.proposed(postgres_sessions, house, sale) for sale in sales]
    answers = await asyncio.gather(
        *(world.decide(postgres_sessions, proposal, house.lead) for proposal in proposals), return_exceptions=True
    )
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    states = [await state_of(postgres_sessions, sale) for sale in sales]
    assert sorted(states) == ["draft"] * 19 + ["published"]


async def test_a_sale_can_be_unpublished_before_it_opens_and_published_again(sessions):
    house = await world.build(sessions, 2)
    sale = await world.published(sessions, house)
    await unpublish(sessions, house, sale, NOON)
    assert await state_of(sessions, sale) == "draft"
    async with sessions.begin() as session:
        assert await session.scalar(select(StoneCommitment).where(StoneCommitment.released_at.is_(None))) is None
        await curation.number_lots(session, sale=sale, start=50, actor=house.curator, now=NOON)
    await world.decide(sessions, await world.proposed(sessions, house, sale), house.lead)
    assert await state_of(sessions, sale) == "published"


async def test_a_sale_that_has_opened_is_not_unpublished(sessions):
    house = await world.build(sessions, 2)
    sale = await world.published(sessions, house)
    with pytest.raises(ActNotAllowed):
        await unpublish(sessions, house, sale, world.OPENS)


async def unpublish(sessions, house, sale, now):
    async with sessions.begin() as session:
        proposal = await publishing.propose_unpublication(
            session, sale=sale, reason="postponed", actor=house.curator, now=now
        )
    await world.decide(sessions, proposal.public_id, house.lead, now)


async def test_the_mirror_follows_the_book_and_frees_or_sells_the_stones(sessions):
    house = await world.build(sessions, 3)
    sale = await world.published(sessions, house)
    sold, passed, withdrawn = await world.order(sessions, sale)
    ends = {sold: "sold", passed: "passed", withdrawn: "withdrawn"}
    for _ in range(2):
        async with sessions.begin() as session:
            await service.mirror_states(session, sale=sale, state="closed", lots=ends, now=NOON)
    async with sessions() as session:
        states = dict((await session.execute(select(Lot.public_id, Lot.state))).all())
        live = (await session.scalars(select(StoneCommitment).where(StoneCommitment.released_at.is_(None)))).all()
    assert states == ends
    assert [(row.kind, row.ref) for row in live] == [("sold", sold)]
    assert await state_of(sessions, sale) == "closed"


async def test_a_final_lot_stays_final(sessions):
    house = await world.build(sessions, 1)
    sale = await world.published(sessions, house)
    (lot,) = await world.order(sessions, sale)
    for state in ("passed", "open"):
        async with sessions.begin() as session:
            await service.mirror_states(session, sale=sale, state=None, lots={lot: state}, now=NOON)
    async with sessions() as session:
        assert await session.scalar(select(Lot.state)) == "passed"


async def state_of(sessions, sale):
    async with sessions() as session:
        return await session.scalar(select(Sale.state).where(Sale.public_id == sale))


def test_findings_know_their_level():
    assert Finding(Code.DESCRIPTION_MISSING).level == "warn" and Finding(Code.NO_STONE).level == "block"
