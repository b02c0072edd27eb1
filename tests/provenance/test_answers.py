"""One verdict from the answers of all registries: each can hold a stone up, and none can be talked over."""

import pytest
from sqlalchemy import select

from pavilion.kernel.ids import ulid
from pavilion.provenance import gathering, queries, service, trust_table
from pavilion.provenance.recomputing import recompute
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.connecting import in_this_process
from pavilion.provenance.registries.file import SignedFolder
from pavilion.provenance.trust_models import IssuerKeyAct, KeyDeed, TrustAct, TrustDeed
from tests.make import HOUR, NOON
from tests.provenance import simulated, stones


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return simulated.folder_of(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def address(folder):
    with simulated.running(folder) as url:
        yield url


@pytest.fixture
async def asked(sqlite_sessions, address, folder, tmp_path):
    """The verdict on a claim, all registries asked over HTTP; given again from its documents each time."""
    simulated.order(address, "*", "well")
    await simulated.trusted(sqlite_sessions, folder)
    house = simulated.house(tmp_path, address, folder)

    async def verdict(claim):
        async with sqlite_sessions.begin() as session:
            (told,) = await service.confirm(session, claims=[claim], registry=house, now=NOON, log=stones.LOG)
        async with sqlite_sessions() as session:
            row = await queries.verdict_of(session, claim.stone)
            document = (await queries.document_of(session, row)).encode()
            assert recompute(document, *await gathering.evidence_of(session, document)) == document
        return told

    yield verdict
    await house.close()


async def test_with_every_registry_in_agreement_the_stone_is_verified(asked, sqlite_sessions):
    claim = stones.claim(1)
    told = await asked(claim)
    assert (told.verdict, told.grade, told.codes, told.weakest) == ("verified", "A", [], None)
    async with sqlite_sessions() as session:
        heard = {answer.registry_name for answer in await queries.answers_of(session, claim.stone)}
    assert heard == {"own-production", "laboratory", "kp", "warranty", "rjc", "sanctions", "match"}


async def test_whom_nobody_in_the_house_trusts_signs_nothing_however_good_the_registry(
    sqlite_sessions, address, folder, tmp_path
):
    simulated.order(address, "*", "well")
    house = simulated.house(tmp_path, address, folder)
    async with sqlite_sessions.begin() as session:
        (told,) = await service.confirm(session, claims=[stones.claim(1)], registry=house, now=NOON, log=stones.LOG)
    await house.close()
    assert told.verdict == "rejected" and {"SG-01", "SG-04"} <= set(told.codes)


@pytest.mark.parametrize(
    ("registry", "order", "key", "verdict", "codes"),
    [
        ("laboratory", "withdrawn", "6100000001", "rejected", {"GR-01", "RG-02"}),
        ("own-production", "stolen", "OP-00001", "rejected", {"ID-06"}),
        ("own-production", "revoke", "OP-00001", "rejected", {"SG-02"}),
        ("kp", "used", "BW000001", "rejected", {"KP-08"}),
        ("kp", "lying", None, "rejected", {"KP-05"}),
        ("rjc", "lapsed", "0000 2222", "verified", {"RJ-01"}),
        ("warranty", "lapsed", "manu", "review", {"WA-02"}),
        ("sanctions", "listed", "manu", "rejected", {"SN-04"}),
        ("sanctions", "listed", "mamu", "review", {"SN-04"}),
        ("match", "lying", None, "rejected", {"ID-05"}),
        ("laboratory", "lying", None, "rejected", {"GR-03"}),
    ],
)
async def test_bad_news_of_any_registry_is_heard(asked, address, registry, order, key, verdict, codes):
    simulated.order(address, registry, order, key)
    told = await asked(stones.claim(1))
    assert (told.verdict, codes <= set(told.codes)) == (verdict, True), told.codes


@pytest.mark.parametrize("registry", ["own-production", "laboratory", "kp", "warranty", "sanctions"])
async def test_a_mandatory_registry_that_is_silent_keeps_a_stone_waiting(asked, address, registry):
    simulated.order(address, registry, "down")
    told = await asked(stones.claim(1))
    assert (told.verdict, "RG-01" in told.codes) == ("pending", True)
    assert {f.params["registry"] for f in told.findings if f.code == "RG-01"} == {registry}


@pytest.mark.parametrize("registry", ["rjc", "match"])
async def test_one_that_is_not_mandatory_holds_nothing_up(asked, address, registry):
    simulated.order(address, registry, "down")
    told = await asked(stones.claim(1))
    assert (told.verdict, "RG-01" in told.codes) == ("verified", False)


async def test_the_laboratorys_word_stands_beside_what_was_typed(asked, sqlite_sessions):
    claim = stones.claim(1, listed={"weight": "1.01", "color": "F"})
    told = await asked(claim)
    assert told.verdict == "rejected"
    (finding,) = [finding for finding in told.findings if finding.code == "GR-03"]
    assert finding.params == {"grade": "color", "listed": "F", "report": "G"}
    assert (told.lab["color"], told.lab["clarity"]) == (("F", "G"), (None, "VS1")), "what nobody typed is filled in"
    async with sqlite_sessions() as session:
        assert await gathering.lab_words_of(session, claim.stone) == told.lab


async def test_what_was_not_typed_is_taken_from_the_laboratory(asked):
    told = await asked(stones.claim(1, listed={"weight": "1.01"}, shape=None))
    assert (told.verdict, told.codes) == ("verified", [])


async def test_a_registry_asked_alone_speaks_for_itself(sqlite_sessions, folder):
    registries = in_this_process(folder)
    assert isinstance(registries, Registries)
    async with sqlite_sessions.begin() as session:
        claims = [stones.claim(n) for n in (1, 2)]
        told = await service.confirm(session, claims=claims, registry=registries, now=NOON, log=stones.LOG)
    assert [verdict.verdict for verdict in told] == ["verified", "verified"]
    await registries.close()


async def test_a_row_that_was_stopped_is_not_trusted_again_on_a_registrys_word(sqlite_sessions, folder):
    """What two persons took into the table, the table alone decides on; a revoked key holds from that day no more."""
    registries, claim = in_this_process(folder), stones.claim(1)
    signed = SignedFolder(folder)

    async def codes(now):
        async with sqlite_sessions.begin() as session:
            told = await service.confirm(session, claims=[claim], registry=registries, now=now, log=stones.LOG)
        return set(told[0].codes)

    two = {"proposed_by": "ana", "approved_by": "ben", "reason": "seen", "now": NOON}
    async with sqlite_sessions.begin() as session:
        await trust_table.adopt(session, trust=signed.trust_rows, keys=signed.key_rows, **two)
    assert await codes(NOON) == set()
    async with sqlite_sessions.begin() as session:
        row = await session.scalar(select(TrustAct).where(TrustAct.issuer == "manu"))
        stop = {name: getattr(row, name) for name in ("row", "issuer", "types", "cc", "lab", "from_day", "to_day")}
        stop |= {"public_id": ulid(NOON), "act": TrustDeed.STOP, "reason": "stolen pen", "proposed_by": "ana"}
        session.add(TrustAct(**stop, approved_by=None, at=NOON, until=NOON + 24 * HOUR))
    assert await codes(NOON + HOUR) == {"SG-04"}
    assert await codes(NOON + 25 * HOUR) == set()
    async with sqlite_sessions.begin() as session:
        key = {"issuer": "manu", "kid": "manu#1", "public": "", "from_day": "2026-01-01", "to_day": None}
        key |= {"hosted": False, "reason": "stolen pen", "proposed_by": "ana", "approved_by": None}
        session.add(IssuerKeyAct(act=KeyDeed.REVOKE, **key, at=NOON))
    assert await codes(NOON + 26 * HOUR) == {"SG-01", "SG-02"}
    await registries.close()
    signed.close()
