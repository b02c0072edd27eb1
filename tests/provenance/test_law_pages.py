"""The pages of words and law: what they answer, and who may change what."""

import json

import pytest
from sqlalchemy import select

from pavilion.accounts import service as accounts
from pavilion.accounts.rules import Role
from pavilion.kernel.errors import BadInput
from pavilion.kernel.events import Event
from pavilion.provenance import eligibility, law_changing, service, table_changing
from pavilion.provenance.law_forms import GrandfatherForm
from pavilion.provenance.table_versions import law_in_force, tables_in_force
from pavilion.provenance.tables import DATA, shipped
from tests import make
from tests.make import NOON
from tests.provenance import stones

REASON = "The gazette of today says so."


@pytest.fixture
def law():
    return json.loads((DATA / "law.json").read_bytes())


@pytest.fixture
async def two(sessions):
    async with sessions.begin() as session:
        return [await make.actor(session, f"c{n}@pavilion.example", (Role.COMPLIANCE,)) for n in (1, 2)]


async def decided(sessions, document, two, approver=1):
    async with sessions.begin() as session:
        proposal = await table_changing.propose(
            session, "law", json.dumps(document), reason=REASON, actor=two[0], now=NOON
        )
        name = proposal.public_id
    handlers = table_changing.proposal_handlers("did:web:pavilion.test")
    async with sessions.begin() as session:
        await accounts.decide(session, proposal_id=name, approve=True, actor=two[approver], handlers=handlers, now=NOON)


@pytest.fixture
async def stone(sessions, tmp_path):
    claim = stones.claim(1)
    registry = stones.registry(tmp_path / "registry", (1, stones.chain(1)))
    async with sessions.begin() as session:
        await service.confirm(session, claims=[claim], registry=registry, now=NOON, log=stones.LOG)
    return claim.stone


async def test_two_persons_change_the_law_and_every_stone_is_asked_by_it(sessions, law, two, stone):
    day = NOON.date()
    async with sessions() as session:
        assert (await tables_in_force(session)) is shipped()
        assert await eligibility.of_stone(session, stone, "HK", day) == ()
    law["version"] = "2026-11-22"
    law["reviewed_destinations"].remove("HK")
    await decided(sessions, law, two)
    async with sessions() as session:
        assert json.loads(await law_in_force(session))["version"] == "2026-11-22"
        assert [one.code for one in await eligibility.of_stone(session, stone, "HK", day)] == ["SN-00"]
        assert (await eligibility.closed(session, [stone], day, {"HK"}))[stone]["HK"].code == "SN-00"
        assert await session.scalar(select(Event.name).where(Event.name == "law:changed")) is not None


async def test_one_person_alone_changes_nothing(sessions, law, two):
    law["version"] = "mine"
    with pytest.raises(accounts.SameApprover):
        await decided(sessions, law, two, approver=0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda law: law.pop("entries"),
        lambda law: law["entries"][0].update(code="SN-03"),
        lambda law: law["entries"][0].update(min_mct="500"),
        lambda law: law["entries"][0].update(source=""),
        lambda law: law["entries"][0].update(to="2020-01-01"),
        lambda law: law["entries"].append(law["entries"][0]),
        lambda law: law["regimes"]["US"].append("BE"),
        lambda law: law["reviewed_destinations"].append("hongkong"),
    ],
)
async def test_a_table_that_cannot_be_relied_on_is_not_even_proposed(sessions, law, two, spoil):
    spoil(law)
    with pytest.raises(BadInput):
        await decided(sessions, law, two)


async def test_a_claim_is_recorded_only_with_evidence_after_the_mine_and_before_the_ban(sessions, two, stone):
    said = GrandfatherForm(claimed="yes", day="2023-05-01", place="AE", evidence="ab" * 32, reason=REASON)
    with pytest.raises(law_changing.ClaimNotAccepted):  # mined in 2026
        async with sessions.begin() as session:
            await law_changing.claim_grandfather(session, stone, said, actor=two[0], now=NOON)
    async with sessions.begin() as session:
        taken_back = GrandfatherForm(reason=REASON)
        await law_changing.claim_grandfather(session, stone, taken_back, actor=two[0], now=NOON)
