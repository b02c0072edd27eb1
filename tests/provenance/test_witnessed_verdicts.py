"""What the log's witnesses have not seen is not judged: a new stone waits, and a former verdict stands meanwhile."""

import asyncio
import gzip
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pavilion.catalogue import importing
from pavilion.catalogue.models import Stone
from pavilion.catalogue.upload_models import FileState, StockRow
from pavilion.kernel.cosigning import Policy
from pavilion.provenance import jobs, log, log_queries, queries, service
from pavilion.provenance.gathering import evidence_of
from pavilion.provenance.log import LogSigner
from pavilion.provenance.log_models import LogEntry
from pavilion.provenance.models import ChainEvent, ReviewDecision, VerdictRecord
from pavilion.provenance.recomputing import recompute
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.file import Fault
from tests import make
from tests.catalogue import upload_world as world
from tests.make import NOON
from tests.provenance import stones

WITNESSED = LogSigner(stones.LOG.key, Policy(quorum="w1"))  # nobody here plays the witness but `seen`
SECOND = timedelta(seconds=1)


@pytest.fixture
def registry(tmp_path):
    return stones.registry(tmp_path / "registry", *((n, stones.chain(n)) for n in range(1, 6)))


async def confirm(sessions, registry, *claims, now=NOON, signer=WITNESSED):
    async with sessions.begin() as session:
        return await service.confirm(session, claims=claims, registry=registry, now=now, log=signer)


async def seen(sessions, now=NOON):
    """The log's checkpoint is signed, and enough witnesses have seen it."""
    async with sessions.begin() as session:
        await log.sign(session, WITNESSED, now)
        if (last := await log_queries.last_checkpoint(session)) is not None:
            await log.cover(session, last.size, WITNESSED.policy, now)


async def standing(sessions, claim):
    async with sessions() as session:
        return await queries.verdict_of(session, claim.stone), await queries.is_exposed(session, claim.stone)


async def retried(sessions, registry, now):
    return await jobs.retry_pending(sessions, Registries.of(registry), now, log=WITNESSED)


async def test_a_new_stone_waits_until_the_witnesses_have_seen_its_chain(sessions, registry):
    claim = stones.claim(1)
    (verdict,) = await confirm(sessions, registry, claim)
    assert (verdict.verdict, verdict.codes) == ("pending", ["RG-01"])
    assert verdict.findings[0].params == {"registry": "public-log", "reason": "awaiting_witnesses"}
    registry.fault = Fault.DOWN  # what was heard is kept: nobody is asked again
    assert await retried(sessions, registry, NOON + 3 * SECOND) == 0
    await seen(sessions)
    assert await retried(sessions, registry, NOON + 3 * SECOND) == 1
    row, exposed = await standing(sessions, claim)
    assert (row.verdict, row.grade, row.next_try, exposed) == ("verified", "B", None, True)
    async with sessions() as session:
        found = [verdict.document.encode() for verdict in await session.scalars(select(VerdictRecord))]
        for document in found:
            assert recompute(document, *await evidence_of(session, document)) == document
        logged = await session.scalar(select(func.count()).where(LogEntry.kind == "event"))
        assert (logged, await session.scalar(select(func.count(ChainEvent.seq)))) == (11, 11)


async def test_what_would_be_refused_anyway_is_refused_at_once(sessions, registry):
    worded, unknown = stones.claim(1, listed={"weight": "1.01", "color": "QQ", "clarity": "VS1"}), stones.claim(99)
    told = await confirm(sessions, registry, worded, unknown)
    assert [verdict.verdict for verdict in told] == ["rejected", "rejected"]


async def test_after_an_hour_without_witnesses_the_chain_counts_as_not_logged(sessions, registry):
    claim = stones.claim(1)
    await confirm(sessions, registry, claim)
    assert await retried(sessions, registry, NOON + timedelta(minutes=59)) == 0
    assert await retried(sessions, registry, NOON + timedelta(minutes=61)) == 1
    row, _ = await standing(sessions, claim)
    assert (row.verdict, row.codes.split()) == ("rejected", ["ID-05", "SG-03"])
    await seen(sessions)
    (again,) = await confirm(sessions, registry, claim, now=NOON + timedelta(hours=2))
    assert again.verdict == "verified"


async def test_a_former_verdict_stands_while_its_newest_event_waits(sessions, registry, tmp_path):
    claim = stones.claim(1)
    await confirm(sessions, registry, claim, signer=stones.LOG)
    stolen = {"t": "STOLEN", "at": "2026-02-26", "by": "seller", "cc": "BE", "obj": stones.origin_id(1), "reason": "x"}
    longer = stones.registry(tmp_path / "longer", (1, [*stones.chain(1), stolen]))
    (verdict,) = await confirm(sessions, longer, claim)
    row, exposed = await standing(sessions, claim)
    assert (verdict.verdict, exposed, row.next_try) == ("verified", True, NOON + timedelta(minutes=1))
    await seen(sessions)
    assert await retried(sessions, longer, NOON + timedelta(minutes=2)) == 1
    row, exposed = await standing(sessions, claim)
    assert (row.verdict, exposed) == ("rejected", False) and " ID-06 " in row.codes


async def test_a_listing_that_changed_does_not_live_on_its_former_verdict(sessions, registry, tmp_path):
    claim = stones.claim(1)
    await confirm(sessions, registry, claim, signer=stones.LOG)
    viewed = {"t": "VIEWED", "at": "2026-02-26", "by": "seller", "cc": "BE", "obj": stones.origin_id(1)}
    longer = stones.registry(tmp_path / "longer", (1, [*stones.chain(1), viewed]))
    other = stones.claim(1, stone=claim.stone, text={"en": "a bright stone"})
    (verdict,) = await confirm(sessions, longer, other)
    assert (verdict.verdict, (await standing(sessions, claim))[1]) == ("pending", False)


@pytest.mark.parametrize(("kind", "stands"), [("VIEWED", True), ("TESTED_NATURAL", False)])
async def test_looking_at_a_stone_leaves_a_decision_standing(sessions, tmp_path, kind, stands):
    """An event of any other kind is a reason to decide again, whether or not it raises a new code."""
    stale = stones.chain(1)
    stones.event(stale, "SOLD")["sow_self_assessed"] = "2024-09-01"
    more = {"t": kind, "at": "2026-02-26", "by": "seller", "cc": "BE", "obj": stones.origin_id(1)}
    if kind == "TESTED_NATURAL":
        more = {**stones.event(stale, kind), "at": "2026-02-26"}
    first = stones.registry(tmp_path / "first", (1, stale))
    second = stones.registry(tmp_path / "second", (1, [*stale, more]))
    claim = stones.claim(1)
    await confirm(sessions, first, claim, signer=stones.LOG)
    async with sessions.begin() as session:
        row = await queries.standing(session, claim.stone)
        session.add(
            ReviewDecision(
                public_id="0" * 26, stone=claim.stone, accepted=True, codes=["WA-02"], reason="seen it with own eyes",
                inputs_sha256=row.inputs_sha256, verdict_sha256=row.verdict_sha256, by="1" * 26, at=NOON,
            )
        )  # fmt: skip
    (verdict,) = await confirm(sessions, second, claim, signer=stones.LOG)
    assert verdict.verdict == ("verified" if stands else "review")


@pytest.fixture(scope="module")
def twenty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twenty")
    (folder / "diamonds.csv").write_bytes(gzip.decompress(world.TABLE.read_bytes()))
    return world.made(folder / "diamonds.csv", folder, rows=20, broken_bp=0)


async def imported(sessions, folder, **options):
    company = await world.supplier(sessions)
    sent = (await world.send(sessions, company, (folder / "stock.csv").read_bytes())).file
    registries = world.registry_of(folder)
    return sent, await world.run(sessions, registries, sent.public_id, log=WITNESSED, batch=7, **options)


async def test_a_file_is_answered_though_no_witness_answers_and_settled_when_they_do(sessions, twenty, monkeypatch):
    monkeypatch.setattr(importing, "COVER_S", 0.05)
    _, file = await imported(sessions, twenty)
    assert file.state == FileState.DONE and file.counts == {"pending_origin": 20}
    await seen(sessions)
    registries = world.registry_of(twenty)
    assert await jobs.retry_pending(sessions, registries, NOON + 3 * SECOND, log=WITNESSED) == 20
    async with sessions() as session:
        assert (await queries.counts(session))["pending"] == 0


async def test_a_file_waits_for_its_witnesses_and_its_batches_overlap(sessions, twenty):
    done = asyncio.Event()
    watching = asyncio.create_task(_watch(sessions, done))
    try:
        _, file = await imported(sessions, twenty)
    finally:
        done.set()
        await watching
    assert file.state == FileState.DONE and "pending_origin" not in file.counts
    assert sum(file.counts.values()) == 20


async def test_an_import_killed_between_log_and_verdict_goes_on_where_it_was(sessions, twenty, monkeypatch):
    class Killed(Exception):
        pass

    async def killed(*_):
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(importing._Run, "_finish", killed)
        with pytest.raises(Killed):
            await imported(sessions, twenty)
    async with sessions() as session:
        sent = await session.scalar(select(importing.StockFile))
        logged = await session.scalar(select(func.count()).where(LogEntry.kind == "event"))
        assert logged and await session.scalar(select(func.count(StockRow.row))) == 0
        assert await session.scalar(select(func.count(Stone.id)).where(Stone.exposed_id.is_not(None))) == 0
    await seen(sessions)
    ports = world.Ports(world.registry_of(twenty))
    assert await importing.tick(sessions, ports, make.NOON) == 1
    file = await world.file_of(sessions, sent.public_id)
    assert file.state == FileState.DONE and sum(file.counts.values()) == 20 and "pending_origin" not in file.counts
    async with sessions() as session:
        subjects = (await session.scalars(select(LogEntry.subject).where(LogEntry.kind == "event"))).all()
    assert len(subjects) == len(set(subjects)), "nothing is logged twice"


async def _watch(sessions, done):
    while not done.is_set():
        await seen(sessions)
        await asyncio.sleep(0.02)
