"""From a listing's claim to a verdict that stands, on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from pavilion.kernel.events import Event
from pavilion.provenance import jobs, keeping, queries, service
from pavilion.provenance.models import ChainEvent, ChainUse, ExposedStone, RegistryAnswer, StoneVerdict, VerdictRecord
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.file import Fault
from tests.make import NOON
from tests.provenance import stones


async def confirm(sessions, registry, *claims, now=NOON):
    async with sessions.begin() as session:
        return await service.confirm(session, claims=claims, registry=registry, now=now, log=stones.LOG)


async def count(sessions, model):
    async with sessions() as session:
        return await session.scalar(select(func.count()).select_from(model))


@pytest.fixture
def registry(tmp_path):
    return stones.registry(tmp_path / "registry", *((n, stones.chain(n)) for n in range(1, 6)))


async def test_a_whole_chain_is_verified_and_exposed(sessions, registry):
    claim = stones.claim(1)
    (verdict,) = await confirm(sessions, registry, claim)
    assert (verdict.verdict, verdict.grade, verdict.codes) == ("verified", "B", ["ID-05"])
    async with sessions() as session:
        chain = await queries.chain_of(session, claim.stone)
        assert [step.kind for step in chain][:3] == ["MINED", "SORTED", "KP_EXPORT"] and len(chain) == 11
        assert await queries.is_exposed(session, claim.stone)
        row = await queries.verdict_of(session, claim.stone)
        assert row.verdict_sha256 == verdict.verdict_sha256
        (kept,) = await queries.history_of(session, claim.stone)
        assert kept.sha256 == verdict.verdict_sha256
        event = await session.scalar(select(Event).where(Event.name == "stone:verdict_changed"))
        assert (event.subject, event.facts["to"]) == (claim.stone, "verified")
        (answer,) = await queries.answers_of(session, claim.stone)
        assert (answer.status, answer.simulated, len(answer.raw_sha256)) == ("found", True, 64)


async def test_the_same_inputs_give_the_same_bytes(sessions, registry):
    claim = stones.claim(1)
    first = await confirm(sessions, registry, claim)
    second = await confirm(sessions, registry, claim)
    assert first == second
    assert await count(sessions, ChainEvent) == 11
    assert await count(sessions, VerdictRecord) == 2


async def test_a_chain_that_grew_is_continued_and_one_that_changed_is_refused(sessions, registry, tmp_path):
    claim = stones.claim(1)
    await confirm(sessions, registry, claim)
    viewed = {"t": "VIEWED", "at": "2026-02-26", "by": "seller", "cc": "BE", "obj": stones.origin_id(1)}
    longer = stones.registry(tmp_path / "longer", (1, [*stones.chain(1), viewed]))
    (verdict,) = await confirm(sessions, longer, claim)
    assert verdict.verdict == "verified"
    assert await count(sessions, ChainEvent) == 12

    (hidden,) = await confirm(sessions, registry, claim)
    assert (hidden.verdict, hidden.codes) == ("rejected", ["ID-05", "SG-03"])
    assert (await count(sessions, ChainEvent), await count(sessions, ExposedStone)) == (12, 0)


async def test_a_stone_that_loses_its_verdict_is_hidden_in_the_same_transaction(sessions, registry, tmp_path):
    claim = stones.claim(1)
    await confirm(sessions, registry, claim)
    (verdict,) = await confirm(sessions, registry, replace(claim, listed={**claim.listed, "color": "F"}))
    assert (verdict.verdict, verdict.codes) == ("rejected", ["GR-03", "ID-05"])
    async with sessions() as session:
        assert not await queries.is_exposed(session, claim.stone)
        assert len(await queries.history_of(session, claim.stone)) == 2


async def test_one_report_and_one_origin_serve_one_stone_only(sessions, registry):
    first, second = stones.claim(1), stones.claim(1)
    one, other = await confirm(sessions, registry, first, second)
    assert (one.verdict, other.verdict) == ("verified", "rejected")
    assert {"ID-02", "ID-03"} <= set(other.codes)
    (later,) = await confirm(sessions, registry, stones.claim(1))
    assert later.verdict == "rejected"


async def test_stones_of_one_rough_may_not_outweigh_it(sessions, tmp_path):
    """Two stones whose records each look right alone; together they weigh more than what was mined."""
    first, second = stones.chain(1), stones.chain(2)
    rough = [e for e in first if e["t"] not in ("POLISHED", "TESTED_NATURAL", "GRADED", "SOLD")]
    rough[0]["out"], rough[-1]["out"], rough[-1]["loss"] = {"R-1": 2000}, {"R-1A": 1980, "R-1B": 0}, 20
    stones.event(rough, "PLANNED")["plan"] = [1050]
    for events, piece in ((first, "R-1A"), (second, "R-1B")):
        events[:] = [*rough, *events[len(rough) :]]
        stones.event(events, "POLISHED").update({"in": piece, "loss": 968})
    registry = stones.registry(tmp_path / "one-rough", (1, first), (2, second))
    one, other = await confirm(sessions, registry, stones.claim(1), stones.claim(2))
    assert one.verdict == "verified"
    assert "MB-03" in other.codes and other.verdict == "rejected"


async def test_certificates_are_not_used_beyond_their_carats(sessions, tmp_path):
    chains = []
    for number in (1, 2):
        events = stones.chain(number)
        export = stones.event(events, "KP_EXPORT")["kp"]
        export |= {"no": "BW000777", "ct": "3.000"}
        stones.event(events, "KP_IMPORT")["kp_no"] = "BW000777"
        chains.append((number, events))
    registry = stones.registry(tmp_path / "small", *chains)
    one, other = await confirm(sessions, registry, stones.claim(1), stones.claim(2))
    assert (one.verdict, other.verdict) == ("verified", "rejected")
    assert "KP-08" in other.codes


async def test_an_unknown_origin_is_rejected_for_that_alone(sessions, registry):
    (verdict,) = await confirm(sessions, registry, stones.claim(99))
    assert (verdict.verdict, verdict.codes) == ("rejected", ["RG-03"])


async def test_a_listing_that_its_registry_contradicts_is_rejected(sessions, registry):
    (verdict,) = await confirm(sessions, registry, stones.claim(1, rough_weight_mct=2651, mine_country="BW"))
    assert (verdict.verdict, verdict.codes) == ("rejected", ["ID-05", "RG-02"])
    assert verdict.findings[-1].params == {"registry": "own-production", "fields": "rough_weight_mct"}


@pytest.mark.parametrize(
    ("fault", "verdict", "code", "reason"),
    [
        (Fault.DOWN, "pending", "RG-01", "http_5xx"),
        (Fault.LYING, "pending", "RG-01", "bad_signature"),
        (Fault.SWAPPED, "rejected", "RG-02", "origin_id"),
    ],
)
async def test_a_registry_at_fault_never_lets_a_stone_through(sessions, registry, fault, verdict, code, reason):
    registry.fault = fault
    claim = stones.claim(2)
    (told,) = await confirm(sessions, registry, claim)
    assert told.verdict == verdict and code in told.codes
    finding = next(finding for finding in told.findings if finding.code == code)
    assert reason in finding.params.values()
    assert await count(sessions, ExposedStone) == 0
    assert await count(sessions, ChainEvent) == 0


async def test_a_slow_registry_is_not_waited_for(sessions, registry, monkeypatch):
    from pavilion.provenance.registries.guarding import GuardedRegistry

    registry.fault = Fault.SLOW
    (told,) = await confirm(sessions, GuardedRegistry(registry, timeout_s=0.01), stones.claim(1))
    assert (told.verdict, told.findings[0].params["reason"]) == ("pending", "timeout")


async def test_a_late_answer_completes_the_stone_without_anybody(sessions, registry):
    registry.fault = Fault.DOWN
    claim = stones.claim(1)
    await confirm(sessions, registry, claim)
    async with sessions() as session:
        row = await queries.verdict_of(session, claim.stone)
        assert NOON + timedelta(seconds=30) <= row.next_try <= NOON + timedelta(seconds=45)
    connected = Registries.of(registry)
    assert await jobs.retry_pending(sessions, connected, NOON + timedelta(seconds=29)) == 0
    assert await jobs.retry_pending(sessions, connected, NOON + timedelta(minutes=1)) == 1
    async with sessions() as session:
        row = await queries.verdict_of(session, claim.stone)
        assert (row.verdict, row.attempts) == ("pending", 1)
        assert row.next_try >= NOON + timedelta(minutes=3)
    registry.fault = None
    assert await jobs.retry_pending(sessions, connected, NOON + timedelta(minutes=5), log=stones.LOG) == 1
    async with sessions() as session:
        row = await queries.verdict_of(session, claim.stone)
        assert (row.verdict, row.attempts, row.next_try, row.pending_since) == ("verified", 0, None, None)
        assert await queries.is_exposed(session, claim.stone)


async def test_after_a_day_of_silence_a_person_looks(sessions, registry):
    registry.fault = Fault.DOWN
    claim = stones.claim(1)
    await confirm(sessions, registry, claim)
    (told,) = await confirm(sessions, registry, claim, now=NOON + timedelta(hours=24))
    assert told.verdict == "review"
    assert told.findings[0].params["expired"] == 1
    async with sessions() as session:
        assert (await queries.verdict_of(session, claim.stone)).next_try is None


async def test_an_unverified_stone_cannot_be_exposed_by_anybody(sessions, registry):
    claim = stones.claim(99)
    await confirm(sessions, registry, claim)
    for verdict in ("verified", "rejected"):
        with pytest.raises(IntegrityError):
            async with sessions.begin() as session:
                await session.execute(
                    text(
                        "insert into exposed_stones (stone, verdict, exposed_at)"
                        " select stone, cast(:verdict as text), decided_at from stone_verdicts where stone = :stone"
                    ),
                    {"stone": claim.stone, "verdict": verdict},
                )


async def test_a_verdict_cannot_change_while_its_stone_is_exposed(sessions, registry):
    claim = stones.claim(1)
    await confirm(sessions, registry, claim)
    for change in ("update stone_verdicts set verdict = 'review', grade = '-'", "delete from stone_verdicts"):
        with pytest.raises(IntegrityError):
            async with sessions.begin() as session:
                await session.execute(text(change))
    async with sessions.begin() as session:
        await session.execute(text("delete from exposed_stones"))
        await session.execute(text("update stone_verdicts set verdict = 'review', grade = '-'"))


@pytest.mark.parametrize("model", [ChainEvent, RegistryAnswer, VerdictRecord])
async def test_what_was_kept_is_never_rewritten(sessions, registry, model):
    await confirm(sessions, registry, stones.claim(1))
    table = model.__tablename__
    for change in (f"update {table} set stone = 'x'", f"delete from {table}"):
        with pytest.raises(DBAPIError):
            async with sessions.begin() as session:
                await session.execute(text(change))
    assert await count(sessions, model) > 0


async def test_a_rejected_stone_claims_nothing(sessions, registry):
    await confirm(sessions, registry, stones.claim(1, listed={"weight": "1.01", "color": "D", "clarity": "VS1"}))
    assert await count(sessions, ChainUse) == 0
    (verdict,) = await confirm(sessions, registry, stones.claim(1))
    assert verdict.verdict == "verified"


async def test_a_failure_half_way_leaves_nothing(sessions, registry, monkeypatch):
    async def broken(*_):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(keeping, "_exposed", broken)
    with pytest.raises(RuntimeError):
        await confirm(sessions, registry, stones.claim(1))
    assert await count(sessions, StoneVerdict) == 0
    assert await count(sessions, ChainEvent) == 0


async def test_the_queue_tells_verdict_code_and_place(sessions, registry):
    claims = [stones.claim(99 + n) for n in range(60)]
    await confirm(sessions, registry, *claims)
    await confirm(
        sessions, registry, stones.claim(1), stones.claim(2, listed={"weight": "1.01", "color": "D", "clarity": "VS1"})
    )
    async with sessions() as session:
        first = await queries.exceptions(session)
        second = await queries.exceptions(session, after=first.after)
        assert (len(first.rows), len(second.rows), second.after) == (50, 11, None)
        assert len({row.stone for row in (*first.rows, *second.rows)}) == 61
        assert len((await queries.exceptions(session, code="GR-03")).rows) == 1
        assert (await queries.exceptions(session, verdict="review")).rows == []
        assert await queries.counts(session) == {"review": 0, "pending": 0, "rejected": 61}
        assert len((await queries.exceptions(session, after="rubbish")).rows) == 50


async def test_of_two_at_once_only_one_gets_the_report(sessions, registry):
    """Two suppliers list the same origin in the same moment; on PostgreSQL the batches really run side by side."""
    claims = [stones.claim(1) for _ in range(4)]
    verdicts = await asyncio.gather(*(confirm(sessions, registry, claim) for claim in claims))
    assert sorted(verdict.verdict for (verdict,) in verdicts) == ["rejected", "rejected", "rejected", "verified"]
    assert await count(sessions, ExposedStone) == 1


async def test_the_same_stone_asked_about_twice_at_once_has_one_standing_verdict(sessions, registry):
    claim = stones.claim(1)
    await asyncio.gather(*(confirm(sessions, registry, claim) for _ in range(3)))
    assert (await count(sessions, StoneVerdict), await count(sessions, ExposedStone)) == (1, 1)
    assert (await count(sessions, VerdictRecord), await count(sessions, ChainEvent)) == (3, 11)
