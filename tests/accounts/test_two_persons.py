"""What needs two persons cannot be done by one, and not by two who come too late."""

import asyncio

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from pavilion.accounts import service
from pavilion.accounts.models import Company, Proposal
from pavilion.accounts.rules import APPROVERS, PROPOSAL_OPEN_FOR, CompanyState, Role
from pavilion.kernel.errors import NotAllowed
from tests import make
from tests.make import NOON

REGISTRAR, COMPLIANCE = (Role.REGISTRAR,), (Role.COMPLIANCE,)


async def proposed(sessions, roles=REGISTRAR):
    async with sessions.begin() as session:
        firm = await make.company(session, state=CompanyState.APPLIED)
        actor = await make.actor(session, "rita@pavilion.example", roles)
        proposal = await service.propose(
            session, kind="company.approve", subject=firm.public_id, facts={}, actor=actor, now=NOON
        )
        other = await make.actor(session, "carl@pavilion.example", COMPLIANCE)
    return proposal.public_id, actor, other


async def decided(sessions, proposal_id, actor, now=NOON, approve=True):
    async with sessions.begin() as session:
        await service.decide(
            session, proposal_id=proposal_id, approve=approve, actor=actor,
            handlers=service.PROPOSAL_HANDLERS, now=now,
        )  # fmt: skip


async def company_state(sessions):
    async with sessions() as session:
        return await session.scalar(select(Company.state))


async def test_a_second_person_carries_the_act_out(sessions):
    proposal_id, _, other = await proposed(sessions)
    await decided(sessions, proposal_id, other)
    assert await company_state(sessions) == "approved"


async def test_the_proposer_cannot_approve(sessions):
    proposal_id, actor, _ = await proposed(sessions, REGISTRAR + COMPLIANCE)
    with pytest.raises(service.SameApprover):
        await decided(sessions, proposal_id, actor)
    assert await company_state(sessions) == "applied"


async def test_the_database_refuses_one_person_as_both(sessions):
    await proposed(sessions)
    with pytest.raises(DBAPIError):
        async with sessions.begin() as session:
            await session.execute(text("update proposals set decided_by = proposed_by"))


async def test_a_person_without_the_right_cannot_approve(sessions):
    proposal_id, _, _ = await proposed(sessions)
    async with sessions.begin() as session:
        cashier = await make.actor(session, "tomas@pavilion.example", (Role.CASHIER,))
    with pytest.raises(NotAllowed):
        await decided(sessions, proposal_id, cashier)


async def test_a_proposal_expires(sessions):
    proposal_id, _, other = await proposed(sessions)
    with pytest.raises(service.ProposalExpired):
        await decided(sessions, proposal_id, other, now=NOON + PROPOSAL_OPEN_FOR)
    assert await company_state(sessions) == "applied"


async def test_a_declined_proposal_changes_nothing(sessions):
    proposal_id, _, other = await proposed(sessions)
    await decided(sessions, proposal_id, other, approve=False)
    assert await company_state(sessions) == "applied"
    with pytest.raises(service.ProposalExpired):
        await decided(sessions, proposal_id, other)


async def test_who_proposed_takes_it_back_without_an_approvers_right(sessions):
    proposal_id, actor, other = await proposed(sessions)
    assert not actor.may(APPROVERS["company.approve"])
    await decided(sessions, proposal_id, actor, approve=False)
    async with sessions() as session:
        taken = await session.scalar(select(Proposal))
    assert (taken.state, taken.decided_by, taken.decided_at) == ("declined", None, NOON)
    with pytest.raises(service.ProposalExpired):
        await decided(sessions, proposal_id, other)
    assert await company_state(sessions) == "applied"


async def test_a_stranger_without_the_right_cannot_decline(sessions):
    proposal_id, _, _ = await proposed(sessions)
    async with sessions.begin() as session:
        cashier = await make.actor(session, "tomas@pavilion.example", (Role.CASHIER,))
    with pytest.raises(NotAllowed):
        await decided(sessions, proposal_id, cashier, approve=False)


async def test_two_approvers_at_once_act_once(sessions):
    proposal_id, _, other = await proposed(sessions)
    async with sessions.begin() as session:
        third = await make.actor(session, "cleo@pavilion.example", COMPLIANCE)
    answers = await asyncio.gather(
        decided(sessions, proposal_id, other), decided(sessions, proposal_id, third), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "ProposalExpired"]
