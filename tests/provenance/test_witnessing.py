"""Three witnesses on real ports: a quorum covers, the dead block nothing, and a restored backup stops the log."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from pavilion import worker
from pavilion.kernel.clock import monotonic_s, utc_now
from pavilion.kernel.db import reading
from pavilion.kernel.events import Event
from pavilion.kernel.tlog import (
    BadPolicy,
    parse_checkpoint,
    parse_note,
    parse_policy,
    parse_tlog_proof,
    policy_text,
)
from pavilion.provenance import log, log_audit, log_queries, log_wiring, witness_serving, witnessing
from pavilion.provenance.log_models import LogCosignature, LogHead
from pavilion.provenance.registries.outbound import Outbound
from pavilion.provenance.witness import Witness
from pavilion.provenance.witnessing import Reply, Witnessing
from pavilion.settings import Environment, Settings
from pavilion.worker import Tick
from tests.make import NOON, SECOND
from tests.provenance.logged import SEED, SIGNER, WITNESS_KEYS, appended, signer_with

DEAD = "http://127.0.0.1:9"


class Company:
    """Three witnesses that can be stopped and started again, each with its memory."""

    def __init__(self, folder, clock):
        self.folder, self.clock = folder, clock
        self.running, self.urls = {}, [DEAD] * 3

    async def start(self, *numbers):
        for number in numbers:
            port = int(self.urls[number].rpartition(":")[2]) if self.urls[number] != DEAD else 0
            witness = Witness(WITNESS_KEYS[number], [SIGNER.key.verifier], self.folder / str(number), self.clock)
            address = asyncio.get_running_loop().create_future()
            serving = witness_serving.serve(witness, "127.0.0.1", port, address.set_result)
            self.running[number] = asyncio.create_task(serving)
            self.urls[number] = await address

    async def stop(self, *numbers):
        for number in numbers:
            task = self.running.pop(number)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def company(tmp_path, clock=lambda: NOON, started=(0, 1, 2)):
    them = Company(tmp_path, clock)
    await them.start(*started)
    try:
        yield them
    finally:
        await them.stop(*list(them.running))


@asynccontextmanager
async def asking(sessions, signer):
    door = Outbound(["127.0.0.1"], loopback=True, timeout_s=log_wiring.PATIENCE_S)
    try:
        yield Witnessing(sessions, signer, log_wiring.Caller(door))
    finally:
        await door.close()


async def covered(sessions):
    async with reading(sessions) as session:
        return await log.covered(session)


async def halted(sessions):
    async with reading(sessions) as session:
        return (await session.scalars(select(LogHead.halted))).one()


async def test_one_tick_after_the_commit_the_quorum_covers_it(sessions, tmp_path):
    async with company(tmp_path) as them, asking(sessions, signer_with(them.urls)) as asked:
        assert await asked.tick(NOON) == 0
        for number, count in enumerate((3, 1, 500)):
            await appended(sessions, count)
            assert await asked.tick(NOON + 2 * number * SECOND) == 1
        assert await covered(sessions) == 504
        async with reading(sessions) as session:
            shown = await log_queries.cosigned_note(session, await log_queries.covered_checkpoint(session))
        policy = signer_with(them.urls).policy
        assert policy.satisfied_by(shown) and set(policy.cosigners(parse_note(shown))) == {"w1", "w2", "w3"}


async def test_one_killed_two_killed_and_all_back(sessions, tmp_path):
    now = NOON
    async with company(tmp_path, lambda: now) as them, asking(sessions, signer_with(them.urls)) as asked:

        async def round_of(count):
            nonlocal now
            now += timedelta(minutes=2)  # longer than any witness that failed is left alone
            await appended(sessions, count, now=now)
            await asked.tick(now)
            return await covered(sessions)

        assert await round_of(2) == 2
        await them.stop(0)
        assert await round_of(2) == 4, "one of three killed: still a quorum"
        await them.stop(1)
        assert await round_of(2) == 4, "two killed: nothing new is covered"
        assert await round_of(2) == 4
        async with reading(sessions) as session:
            assert (await log_queries.last_checkpoint(session)).size == 8, "and nothing is lost"
            assert await log_queries.proof(session, 3) is not None
            assert await log_queries.proof(session, 4) is None
        assert await halted(sessions) is None
        await them.start(1)
        assert await round_of(1) == 9, "one back: all that waited is covered"
        await them.start(0)
        assert await round_of(1) == 10
        async with reading(sessions) as session:
            rows = list(await session.scalars(select(LogCosignature).where(LogCosignature.size == 10)))
        assert len(rows) == 3
        assert (await audited(sessions)).ok


async def audited(sessions):
    async with reading(sessions) as session:
        return await log_audit.audit(session)


async def test_a_worker_that_begins_anew_asks_from_where_each_witness_stands(sqlite_sessions, tmp_path):
    async with company(tmp_path, started=(0, 1)) as them:
        signer = signer_with(them.urls)
        for number in range(3):
            async with asking(sqlite_sessions, signer) as asked:
                await appended(sqlite_sessions, 5)
                await asked.tick(NOON + number * 2 * SECOND)
        assert await covered(sqlite_sessions) == 15
        await them.start(2)  # it has never seen this log
        async with asking(sqlite_sessions, signer_with(them.urls)) as asked:
            await asked.tick(NOON + 10 * SECOND)
        async with reading(sqlite_sessions) as session:
            seen = await session.scalars(select(LogCosignature.size).where(LogCosignature.witness == "w3.example"))
            assert list(seen) == [15]


async def test_checkpoints_are_signed_no_more_than_once_a_second_and_a_quiet_log_is_cosigned_anew(
    sqlite_sessions, tmp_path
):
    now = NOON
    async with company(tmp_path, lambda: now) as them, asking(sqlite_sessions, signer_with(them.urls)) as asked:
        await appended(sqlite_sessions)
        assert await asked.tick(now) == 1
        await appended(sqlite_sessions)
        now += SECOND / 2
        assert await asked.tick(now) == 0
        now += SECOND / 2
        assert await asked.tick(now) == 1
        now += witnessing.REFRESH
        assert await asked.tick(now) == 0
        async with reading(sqlite_sessions) as session:
            checkpoint = await log_queries.covered_checkpoint(session)
            first = await log_queries.cosigned_note(session, checkpoint)
            newest = await log_queries.cosigned_note(session, checkpoint, newest=True)
        policy = signer_with(them.urls).policy
        times = [set(policy.cosigners(parse_note(note)).values()) for note in (first, newest)]
        assert [len(one) for one in times] == [1, 1] and times[0] != times[1]


async def test_what_was_covered_before_there_were_witnesses_is_shown_under_a_checkpoint_they_have_seen(
    sqlite_sessions, tmp_path
):
    for count in (2, 3):
        await appended(sqlite_sessions, count)
        async with sqlite_sessions.begin() as session:
            assert await SIGNER.cover_now(session, NOON)
    async with company(tmp_path) as them, asking(sqlite_sessions, signer_with(them.urls)) as asked:
        await asked.tick(NOON + 2 * SECOND)
        policy = signer_with(them.urls).policy
        async with reading(sqlite_sessions) as session:
            for reaching in (None, 1):
                proof = parse_tlog_proof(await log_queries.proof(session, 0, reaching))
                assert policy.satisfied_by(proof.checkpoint)
                assert parse_checkpoint(parse_note(proof.checkpoint).text).size == 5


async def backup(sessions, size):
    """The database as it was when the log had this many entries, put back."""
    async with sessions.begin() as session:
        tables = ("log_covers", "log_cosignatures", "log_checkpoints", "log_nodes", "log_entries")
        if session.get_bind().dialect.name == "postgresql":
            await session.execute(text("set session_replication_role = replica"))
        else:
            for table in tables:
                await session.execute(text(f"drop trigger if exists {table}_no_delete"))
        for table, column in (
            *((name, "size") for name in tables[:3]),
            ("log_entries", "place"),
            ("log_salts", "place"),
        ):
            beyond = f">= {size}" if column == "place" else f"> {size}"
            await session.execute(text(f"delete from {table} where {column} {beyond}"))
        tree = log.CompactTree()
        leaves = await session.scalars(text("select leaf from log_entries order by place"))
        for leaf in leaves:
            tree.append(bytes(leaf))
        head = await log.lock_head(session)
        head.size, head.frontier, head.halted = tree.size, b"".join(tree.frontier).hex(), None
        await session.flush()
        if session.get_bind().dialect.name == "postgresql":
            await session.execute(text("set session_replication_role = origin"))


async def test_after_a_restored_backup_the_witnesses_stop_the_log_before_it_signs_another_tree(sessions, tmp_path):
    async with company(tmp_path) as them:
        async with asking(sessions, signer_with(them.urls)) as asked:
            for number, count in enumerate((4, 3)):
                await appended(sessions, count)
                await asked.tick(NOON + number * 2 * SECOND)
        assert await covered(sessions) == 7
        await backup(sessions, 4)
        await appended(sessions, 1)
        async with asking(sessions, signer_with(them.urls)) as asked:
            assert await asked.tick(NOON + 10 * SECOND) == 0, "nothing is signed"
            assert await halted(sessions) == witnessing.AHEAD
            await appended(sessions, 9)
            for minute in range(1, 4):
                assert await asked.tick(NOON + timedelta(minutes=2 * minute)) == 0
        assert await covered(sessions) == 4
        async with reading(sessions) as session:
            told = [event.name for event in await session.scalars(select(Event).order_by(Event.id))]
        assert told == [log.HALTED, *[witnessing.DISAGREES] * 3]


async def test_a_house_that_asks_no_witness_remembers_beside_its_database_what_it_signed(sessions, tmp_path):
    signer = replace(SIGNER, memory=tmp_path / "memory")
    asked = Witnessing(sessions, signer, nobody)
    for number, count in enumerate((4, 3)):
        await appended(sessions, count)
        assert await asked.tick(NOON + number * 2 * SECOND) == 1
    assert await asked.tick(NOON + 4 * SECOND) == 0
    assert (tmp_path / "memory").read_text().startswith("7 ")
    await backup(sessions, 4)
    await appended(sessions, 9)
    again = Witnessing(sessions, signer, nobody)
    assert await again.tick(NOON + 10 * SECOND) == 0
    assert (await halted(sessions), await covered(sessions)) == (log.FORGOTTEN, 4)
    async with sessions.begin() as session:
        assert await signer.cover_now(session, NOON) == 4
    assert (tmp_path / "memory").read_text().startswith("7 ")


async def nobody(url, body):
    raise AssertionError("no witness is asked")


async def test_the_worker_has_what_was_committed_covered_within_three_seconds(sqlite_sessions, tmp_path):
    stopping = asyncio.Event()
    async with company(tmp_path, utc_now) as them, asking(sqlite_sessions, signer_with(them.urls)) as asked:
        working = asyncio.create_task(worker.work([Tick("log", asked.tick)], utc_now, stopping))
        for number in range(2):
            places = await appended(sqlite_sessions, 3, now=utc_now())
            begun = monotonic_s()
            while await covered(sqlite_sessions) <= places[-1]:
                await asyncio.sleep(0.02)
                assert monotonic_s() - begun < 3, number
        stopping.set()
        await working


async def test_one_witness_alone_cannot_stop_the_log(sqlite_sessions, tmp_path):
    async def post(url, body):
        if ":1/" in url:
            return Reply(409, b"999999\n")
        return await caller(url, body)

    async with company(tmp_path, started=(1, 2)) as them:
        them.urls[0] = "http://127.0.0.1:1"
        door = Outbound(["127.0.0.1"], loopback=True)
        caller = log_wiring.Caller(door)
        asked = Witnessing(sqlite_sessions, signer_with(them.urls), post)
        await appended(sqlite_sessions, 3)
        await asked.tick(NOON)
        assert (await covered(sqlite_sessions), await halted(sqlite_sessions)) == (3, None)
        await door.close()


@pytest.mark.parametrize(
    "reply",
    [Reply(200, b""), Reply(200, b"rubbish\n"), Reply(200, b"\xff" * 100), Reply(500, b""), Reply(404, b""),
     Reply(409, b"x"), Reply(409, b"-1\n"), Reply(409, b"9" * 50), Reply(302, b""), OSError("gone"), TimeoutError()],
)  # fmt: skip
async def test_a_witness_that_answers_nonsense_is_asked_later_and_covers_nothing(sqlite_sessions, reply):
    asked_at = []

    async def post(url, body):
        asked_at.append(url)
        if isinstance(reply, Exception):
            raise reply
        return reply

    asked = Witnessing(sqlite_sessions, signer_with([DEAD], quorum=1), post)
    await appended(sqlite_sessions)
    assert await asked.tick(NOON) == 1
    await asked.tick(NOON + SECOND)
    assert (await covered(sqlite_sessions), len(asked_at)) == (0, 1)
    await asked.tick(NOON + timedelta(minutes=2))
    assert len(asked_at) == 2


async def test_a_witness_that_never_answers_does_not_hold_up_the_others(sqlite_sessions, tmp_path):
    async def post(url, body):
        if url.startswith(DEAD):
            await asyncio.Event().wait()
        return await caller(url, body)

    async with company(tmp_path, started=(0, 1)) as them:
        door = Outbound(["127.0.0.1"], loopback=True)
        caller = log_wiring.Caller(door)
        asked = Witnessing(sqlite_sessions, signer_with(them.urls), post)
        await appended(sqlite_sessions, 3)
        async with asyncio.timeout(3):
            await asked.tick(NOON)
        assert await covered(sqlite_sessions) == 3
        await door.close()


async def test_a_line_of_the_wrong_key_or_a_wrong_clock_is_not_kept(sqlite_sessions, tmp_path):
    late = NOON + timedelta(hours=2)
    async with company(tmp_path, lambda: late) as them, asking(sqlite_sessions, signer_with(them.urls)) as asked:
        await appended(sqlite_sessions)
        await asked.tick(NOON)
        assert await covered(sqlite_sessions) == 0
        async with reading(sqlite_sessions) as session:
            assert list(await session.scalars(select(LogCosignature))) == []


# -- settings ---------------------------------------------------------------------------------------------------------


def settings(tmp_path, policy=None, **said):
    facts = {
        "environment": Environment.TEST,
        "data_dir": tmp_path,
        "log_key": SEED.hex(),
        "host_name": "pavilion.example",
    }
    if policy is not None:
        (tmp_path / "policy").write_text(policy)
        facts["witness_policy"] = tmp_path / "policy"
    return Settings(**facts | said)


def test_without_a_policy_file_the_houses_own_word_is_enough(tmp_path):
    signer = log_wiring.signer_of(settings(tmp_path, public_url="https://pavilion.example"))
    assert signer.policy.text == f"log {SIGNER.key.verifier} https://pavilion.example/log\nquorum none\n"
    assert (signer.origin, signer.policy.needed) == ("pavilion.example/origin", 0)


def test_a_policy_file_may_leave_the_log_to_the_house_but_may_not_name_another(tmp_path):
    full = signer_with(["https://w1.example", "https://w2.example"]).policy.text
    bare = full.split("\n", 1)[1]
    for text_ in (full, bare):
        policy = log_wiring.signer_of(settings(tmp_path, text_)).policy
        assert [log.key for log in policy.logs] == [SIGNER.key.verifier] and policy.needed == 2
    for text_ in (full.replace("log pav", "log bav", 1), "quorum x", "", "\x00"):
        with pytest.raises(BadPolicy):
            log_wiring.signer_of(settings(tmp_path, text_))
    with pytest.raises(BadPolicy, match="none"):
        log_wiring.signer_of(settings(tmp_path, witness_policy=tmp_path / "none"))
    other = policy_text(log.LogSigner.of("other.example", SEED).key.verifier, "")
    with pytest.raises(BadPolicy, match="not this house"):
        log_wiring.signer_of(settings(tmp_path, other))
    assert parse_policy(full).witnesses[0].url == "https://w1.example"
