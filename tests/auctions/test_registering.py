"""A company asks, the house answers; a paddle is one company's alone and tells nothing."""

import asyncio

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from pavilion.accounts.models import Proposal
from pavilion.auctions import board, ending, queries, registering, service
from pavilion.auctions.models import Registration
from pavilion.auctions.rules import RegistrationState
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotFound
from pavilion.kernel.events import Event
from tests import make
from tests.auctions import world
from tests.make import NOON


async def open_sale(sessions):
    house = await world.build(sessions, 2)
    return house, await world.published(sessions, house)


async def approve(sessions, house, registration, limit=5_000_000):
    async with sessions.begin() as session:
        return await registering.approve(
            session, registration=registration, limit_minor=limit, actor=house.registrar, now=NOON
        )


async def test_an_approved_company_has_a_paddle_a_limit_and_its_destination_in_the_plan(sessions):
    house, sale = await open_sale(sessions)
    buyer = await world.buyer(sessions)
    row = await approve(sessions, house, await world.applied(sessions, sale, buyer))
    async with sessions() as session:
        (registration,) = (await queries.plan_of(session, sale)).registrations
        names = (await session.scalars(select(Event.name).where(Event.subject == row.public_id))).all()
    assert registration.paddle == row.paddle_text == f"P-{row.paddle:04d}"
    assert (registration.limit, registration.state, registration.destination) == (5_000_000, "approved", "HK")
    assert registration.company_id == buyer.company_id
    assert names == ["registration:applied", "registration:approved"]


async def test_paddles_are_unique_however_many_registrars_approve_at_once(postgres_sessions):
    house, sale = await open_sale(postgres_sessions)
    rows = [
        await world.applied(postgres_sessions, sale, await world.buyer(postgres_sessions, number))
        for number in range(20)
    ]
    approved = await asyncio.gather(*(approve(postgres_sessions, house, row) for row in rows))
    assert len({row.paddle for row in approved}) == 20


async def test_a_taken_paddle_is_drawn_again(sessions, monkeypatch):
    house, sale = await open_sale(sessions)
    monkeypatch.setattr(registering, "PADDLES", range(101, 102))
    monkeypatch.setattr(registering, "MORE_PADDLES", range(1000, 1001))
    drawn = []
    for number in range(2):
        row = await world.applied(sessions, sale, await world.buyer(sessions, number))
        drawn.append((await approve(sessions, house, row)).paddle)
    assert drawn == [101, 1000]


async def test_the_database_gives_a_paddle_to_one_company_only(sessions):
    house, sale = await open_sale(sessions)
    for number in range(2):
        await approve(sessions, house, await world.applied(sessions, sale, await world.buyer(sessions, number)))
    with pytest.raises(DBAPIError):
        async with sessions.begin() as session:
            await session.execute(text("update registrations set paddle = 500"))


async def test_a_company_has_one_registration_however_many_colleagues_ask(postgres_sessions):
    _, sale = await open_sale(postgres_sessions)
    buyer = await world.buyer(postgres_sessions)
    asked = [world.applied(postgres_sessions, sale, buyer) for _ in range(8)]
    await asyncio.gather(*asked, return_exceptions=True)
    async with postgres_sessions() as session:
        assert len((await session.scalars(select(Registration))).all()) == 1


async def test_asking_again_answers_a_question(sessions):
    house, sale = await open_sale(sessions)
    buyer = await world.buyer(sessions)
    row = await world.applied(sessions, sale, buyer)
    async with sessions.begin() as session:
        await registering.ask(session, registration=row, reason="Your bank?", actor=house.registrar, now=NOON)
    assert await world.applied(sessions, sale, buyer, note="KBC, Antwerp") == row
    async with sessions() as session:
        again = await session.scalar(select(Registration))
    assert (again.state, again.note) == ("applied", "KBC, Antwerp")


@pytest.mark.parametrize(
    "act", [("ask", {"reason": " "}), ("decline", {"why": ""}), ("decline", {"why": "their owner"})]
)
async def test_a_question_and_a_refusal_need_a_reason(sessions, act):
    house, sale = await open_sale(sessions)
    row = await world.applied(sessions, sale, await world.buyer(sessions))
    with pytest.raises(BadInput):
        async with sessions.begin() as session:
            await getattr(registering, act[0])(session, registration=row, actor=house.registrar, now=NOON, **act[1])


async def test_a_very_high_limit_waits_for_a_lead(sessions):
    house, sale = await open_sale(sessions)
    row = await world.applied(sessions, sale, await world.buyer(sessions))
    proposal = await approve(sessions, house, row, limit=100_000_001)
    assert isinstance(proposal, Proposal)
    async with sessions() as session:
        assert (await session.scalar(select(Registration))).state == "applied"
    await world.decide(sessions, proposal.public_id, house.lead)
    async with sessions() as session:
        done = await session.scalar(select(Registration))
    assert (done.state, done.limit_minor) == ("approved", 100_000_001) and done.paddle


async def test_suspension_stops_and_resumption_keeps_the_paddle(sessions):
    house, sale = await open_sale(sessions)
    row = await approve(sessions, house, await world.applied(sessions, sale, await world.buyer(sessions)))
    facts = {"registration": row.public_id, "actor": house.registrar, "now": NOON}
    async with sessions.begin() as session:
        await registering.suspend(session, why="payment", note="invoice of May", **facts)
    async with sessions.begin() as session:
        with pytest.raises(ActNotAllowed):
            await registering.set_limit(session, limit_minor=1, **facts)
    async with sessions.begin() as session:
        resumed = await registering.resume(session, **facts)
    assert (resumed.state, resumed.paddle) == ("approved", row.paddle)


async def test_a_closed_sale_closes_what_was_never_approved_and_a_settled_one_all(sessions):
    house, sale = await open_sale(sessions)
    rows = [await world.applied(sessions, sale, await world.buyer(sessions, number)) for number in range(5)]
    for row in rows[:2]:
        await approve(sessions, house, row)
    facts = {"actor": house.registrar, "now": NOON}
    async with sessions.begin() as session:
        await registering.suspend(session, registration=rows[1], why="payment", **facts)
        await registering.ask(session, registration=rows[2], reason="Whose stones are they?", **facts)
        await registering.decline(session, registration=rows[3], why="papers", **facts)

    async def states():
        async with sessions() as session:
            return (await session.scalars(select(Registration.state).order_by(Registration.id))).all()

    for _ in range(2):
        async with sessions.begin() as session:
            await service.mirror_states(session, sale=sale, state="closed", lots={}, now=NOON)
    assert await states() == ["approved", "suspended", "closed", "closed", "closed"], (
        "paddles may still be offered lots"
    )
    async with sessions.begin() as session:
        await ending.settle(session, await board.sale_of(session, sale), NOON)
    assert await states() == ["closed"] * 5
    async with sessions.begin() as session:
        await service.mirror_states(session, sale=sale, state="closed", lots={}, now=NOON)
        assert (await board.sale_of(session, sale)).state == "settled"
        told = select(Event.subject).where(Event.name == "registration:closed")
        assert sorted(await session.scalars(told)) == sorted(rows), "each once"


async def test_a_limit_falls_at_once_and_rises_within_reason(sessions):
    house, sale = await open_sale(sessions)
    row = await approve(sessions, house, await world.applied(sessions, sale, await world.buyer(sessions)))
    for limit in (0, 100_000_000):
        async with sessions.begin() as session:
            await registering.set_limit(
                session, registration=row.public_id, limit_minor=limit, actor=house.registrar, now=NOON
            )
    async with sessions() as session:
        told = (await session.scalars(select(Event).where(Event.name == "registration:limit_changed"))).all()
    assert [event.facts["limit_minor"] for event in told] == [0, 100_000_000]


@pytest.mark.parametrize("limit", [-1, 10**15])
async def test_a_limit_is_an_amount(sessions, limit):
    house, sale = await open_sale(sessions)
    row = await world.applied(sessions, sale, await world.buyer(sessions))
    with pytest.raises(BadInput):
        await approve(sessions, house, row, limit)


async def test_nobody_registers_for_a_draft_or_a_closed_sale_or_without_the_terms(sessions):
    house = await world.build(sessions, 2)
    draft = await world.draft(sessions, house)
    buyer = await world.buyer(sessions)
    with pytest.raises(NotFound):
        await world.applied(sessions, draft, buyer)
    sale = draft
    await world.decide(sessions, await world.proposed(sessions, house, sale), house.lead)
    with pytest.raises(BadInput):
        await world.applied(sessions, sale, buyer, terms_sha256="0" * 64)
    async with sessions.begin() as session:
        await session.execute(text("update sales set state = 'closed'"))
    with pytest.raises(ActNotAllowed):
        await world.applied(sessions, sale, buyer)


async def test_every_state_change_of_a_registration_is_one_the_house_knows():
    from pavilion.auctions.rules import REGISTRATION_TRANSITIONS

    assert set(REGISTRATION_TRANSITIONS) == set(RegistrationState)
    assert REGISTRATION_TRANSITIONS[RegistrationState.STRUCK] == frozenset()
    assert make.NOON == NOON
