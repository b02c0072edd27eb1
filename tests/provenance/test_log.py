"""The origin log in both databases: no gap, no second tree, nothing signed that does not continue what was signed."""

import asyncio
import json
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from pavilion.kernel.canon import canonical
from pavilion.kernel.db import reading
from pavilion.kernel.events import Event
from pavilion.kernel.tlog import (
    leaf_hash,
    parse_checkpoint,
    parse_note,
    parse_tlog_proof,
    verify_inclusion,
    verify_note,
)
from pavilion.provenance import log, log_audit, log_queries
from pavilion.provenance.log import Leaf, LogSigner
from pavilion.provenance.log_models import LogCheckpoint, LogEntry, LogHead, LogNode, LogSalt
from tests.make import NOON, SECOND
from tests.provenance.logged import KGALE, SEED, SIGNER, appended, leaves, signed, signer_with


class Undone(Exception):
    pass


async def whole(sessions):
    async with reading(sessions) as session:
        return await log_audit.audit(session)


async def events(sessions, name):
    async with reading(sessions) as session:
        return list(await session.scalars(select(Event).where(Event.name == name).order_by(Event.id)))


async def test_racing_acts_fill_the_log_without_a_gap_also_when_some_are_undone(sessions):
    async def act(number):
        async with sessions.begin() as session:
            places = await log.append(session, leaves(1 + number % 4, number * 10), NOON)
            await asyncio.sleep(0)
            if number % 3 == 0:
                raise Undone
        return number, places

    done = await asyncio.gather(*(act(number) for number in range(24)), return_exceptions=True)
    kept = [answer for answer in done if not isinstance(answer, BaseException)]
    assert len(kept) == 16 and all(isinstance(fault, Undone) for fault in done if isinstance(fault, BaseException))
    assert sorted(place for _, places in kept for place in places) == list(range(sum(len(p) for _, p in kept)))
    async with reading(sessions) as session:
        for number, places in kept:
            subjects = {f"STONE/{number * 10 + k}": place for k, place in enumerate(places)}
            assert await log_queries.indices(session, "event", subjects) == subjects
        assert len(list(await session.scalars(select(LogSalt)))) == len(list(await session.scalars(select(LogEntry))))
    assert (await whole(sessions)).ok


async def test_an_entry_is_the_canonical_bytes_and_commits_to_salt_and_object(sessions):
    document = canonical({"stone": "S", "weight_mct": 1012})
    async with sessions.begin() as session:
        [place] = await log.append(session, [Leaf("passport", "S/1", document, KGALE)], NOON)
        entry, salt = await log_queries.entry(session, place)
        assert await log_queries.entry(session, place + 1) is None
        leaf = await session.scalar(select(LogEntry.leaf))
    facts = json.loads(entry)
    assert facts == {
        "v": 1,
        "kind": "passport",
        "commit": sha256(salt + document).hexdigest(),
        "issuer": KGALE,
        "t": "2026-03-02T12:00:00Z",
    }
    assert (canonical(facts), len(salt), bytes(leaf)) == (entry, 16, leaf_hash(entry))


async def test_equal_facts_make_different_commitments(sessions):
    async with sessions.begin() as session:
        places = await log.append(session, [Leaf("event", "S/1", b"{}", KGALE)] * 2, NOON)
        first, second = [json.loads((await log_queries.entry(session, place))[0])["commit"] for place in places]
    assert first != second


@pytest.mark.parametrize(
    ("kind", "issuer"),
    [("rumour", KGALE), ("event", "kgale"), ("event", 'did:web:a"b'), ("event", "did:web:钻"), ("", KGALE)],
)
async def test_what_is_no_kind_or_no_issuer_is_not_logged(sqlite_sessions, kind, issuer):
    with pytest.raises(ValueError, match=r"knows no|not a DID"):
        async with sqlite_sessions.begin() as session:
            await log.append(session, [Leaf(kind, "S", b"{}", issuer)], NOON)
    assert (await whole(sqlite_sessions)).size == 0


async def test_a_house_without_witnesses_covers_what_it_logs_in_the_same_transaction(sessions):
    for count in (1, 255, 1, 700):
        async with sessions.begin() as session:
            places = await log.append(session, leaves(count), NOON)
            assert await SIGNER.cover_now(session, NOON) == places[-1] + 1
    async with reading(sessions) as session:
        last = await log_queries.last_checkpoint(session)
        said = parse_checkpoint(verify_note(last.note, [SIGNER.key.verifier]))
        assert (said.origin, said.size, said.root.hex()) == ("pavilion.example/origin", 957, last.root)
        assert await log.covered(session) == 957
    assert (await whole(sessions)).ok


async def test_a_house_with_witnesses_covers_nothing_by_its_own_word(sessions):
    signer = signer_with(["http://127.0.0.1:1"] * 3)
    async with sessions.begin() as session:
        await log.append(session, leaves(3), NOON)
        assert await signer.cover_now(session, NOON) == 0
        assert await log.sign(session, signer, NOON) is not None
        assert await log.covered(session) == 0
        assert await log_queries.proof(session, 0) is None


async def test_nothing_is_signed_twice_and_nothing_when_nothing_is_new(sessions):
    assert await signed(sessions) is None
    await appended(sessions)
    first = await signed(sessions)
    assert first.size == 1 and await signed(sessions, NOON + SECOND) is None
    await appended(sessions, 2)
    assert (await signed(sessions, NOON + SECOND)).size == 3


async def test_two_who_sign_at_once_sign_one_tree(sessions):
    await appended(sessions, 5)
    both = await asyncio.gather(signed(sessions), signed(sessions))
    assert sorted(one is None for one in both) == [False, True]


async def test_every_entry_of_a_large_log_has_its_proof(sessions):
    await appended(sessions, 300)
    await signed(sessions)
    await appended(sessions, 66_000, 300)
    await signed(sessions)
    async with reading(sessions) as session:
        wanted = [0, 255, 256, 299, 300, 65_535, 65_536, 66_299]
        proofs = await log_queries.proofs(session, [*wanted, 66_300, -1])
        assert sorted(proofs) == wanted
        for index in wanted:
            proof = parse_tlog_proof(proofs[index])
            said = parse_checkpoint(parse_note(proof.checkpoint).text)
            entry, salt = await log_queries.entry(session, index)
            assert (proof.index, said.size) == (index, 66_300)
            assert verify_inclusion(leaf_hash(entry), index, said.size, proof.hashes, said.root)
            assert log_queries.read_extra(proof.extra) == ("event", salt)
        early = parse_tlog_proof(await log_queries.proof(session, 7, reaching=8))
        assert parse_checkpoint(parse_note(early.checkpoint).text).size == 300
        assert parse_tlog_proof(await log_queries.proof(session, 7, opened=False)).extra is None
        assert await log_queries.proof(session, 7, reaching=66_301) is None
    found = await whole(sessions)
    assert (found.size, found.checkpoints, found.ok) == (66_300, 2, True)


async def test_the_latest_entry_of_a_subject_is_the_one_that_is_found(sessions):
    async with sessions.begin() as session:
        await log.append(session, [Leaf("verdict", "S", b"1", KGALE), Leaf("event", "S", b"2", KGALE)], NOON)
        await log.append(session, [Leaf("verdict", "S", b"3", KGALE), Leaf("verdict", "T", b"4", KGALE)], NOON)
        assert await log_queries.indices(session, "verdict", ["S", "T", "U"]) == {"S": 2, "T": 3}
        assert await log_queries.indices(session, "verdict", []) == {}


async def test_an_erased_salt_leaves_an_unreadable_commitment_and_a_valid_tree(sessions):
    await appended(sessions, 3)
    await signed(sessions)
    async with sessions.begin() as session:
        await log.erase_salts(session, [1])
        assert (await log_queries.entry(session, 1))[1] is None
        assert parse_tlog_proof(await log_queries.proof(session, 1)).extra is None
        assert parse_tlog_proof(await log_queries.proof(session, 2)).extra is not None
    assert (await whole(sessions)).ok


@pytest.mark.parametrize("table", ["log_entries", "log_nodes", "log_checkpoints", "log_covers"])
async def test_what_was_logged_and_signed_cannot_be_changed_or_dropped(sessions, table):
    await appended(sessions, 256)
    await signed(sessions)
    column = {"log_entries": "entry", "log_nodes": "level", "log_checkpoints": "note", "log_covers": "size"}[table]
    for statement in (f"update {table} set {column} = {column}", f"delete from {table}"):
        with pytest.raises(DBAPIError, match="append only"):
            async with sessions.begin() as session:
                await session.execute(text(statement))


# -- a database that lies ---------------------------------------------------------------------------------------------


async def unguarded(sessions, *statements):
    """What an intruder with the database's own rights does: the triggers go first."""
    async with sessions.begin() as session:
        if session.get_bind().dialect.name == "postgresql":
            await session.execute(text("set session_replication_role = replica"))
        else:
            for table in ("log_entries", "log_nodes", "log_checkpoints"):
                for act in ("update", "delete"):
                    await session.execute(text(f"drop trigger {table}_no_{act}"))
        for statement in statements:
            await session.execute(statement)
        if session.get_bind().dialect.name == "postgresql":
            await session.execute(text("set session_replication_role = origin"))


async def stopped(sessions):
    async with reading(sessions) as session:
        return (await session.scalars(select(LogHead))).one().halted


async def rewound(sessions, size):
    """The head as it stood when the log had this many entries."""
    async with reading(sessions) as session:
        hashes = list(
            await session.scalars(select(LogEntry.leaf).where(LogEntry.place < size).order_by(LogEntry.place))
        )
    tree = log.CompactTree()
    for leaf in hashes:
        tree.append(bytes(leaf))
    return update(LogHead).values(size=size, frontier=b"".join(tree.frontier).hex())


async def test_a_log_that_became_shorter_is_never_signed_again(sessions):
    await appended(sessions, 5)
    await signed(sessions)
    gone = [delete(table).where(table.place >= 3) for table in (LogEntry, LogSalt)]
    await unguarded(sessions, *gone, await rewound(sessions, 3))
    assert await signed(sessions, NOON + SECOND) is None
    assert await stopped(sessions) == log.SHRUNK
    [told] = await events(sessions, log.HALTED)
    assert told.facts == {"reason": log.SHRUNK, "size": 3}
    await appended(sessions, 4)  # as long as before, but another tree
    assert await signed(sessions, NOON + 2 * SECOND) is None
    assert await stopped(sessions) == log.REWRITTEN
    async with sessions.begin() as session:
        assert await SIGNER.cover_now(session, NOON) == 5, "what was covered stays covered, nothing else is"


async def test_a_log_with_another_leaf_is_never_signed_again_and_resumes_when_it_is_put_right(sessions):
    await appended(sessions, 5)
    await signed(sessions)
    await appended(sessions, 1)
    async with reading(sessions) as session:
        leaf = await session.scalar(select(LogEntry.leaf).where(LogEntry.place == 2))
    await unguarded(sessions, update(LogEntry).where(LogEntry.place == 2).values(leaf=bytes(32)))
    assert await signed(sessions, NOON + SECOND) is None
    assert await stopped(sessions) == log.TORN
    await unguarded_again(sessions, update(LogEntry).where(LogEntry.place == 2).values(leaf=bytes(leaf)))
    assert (await signed(sessions, NOON + 2 * SECOND)).size == 6
    assert await stopped(sessions) is None
    assert [len(await events(sessions, name)) for name in (log.HALTED, log.RESUMED)] == [1, 1]


async def unguarded_again(sessions, *statements):
    async with sessions.begin() as session:
        if session.get_bind().dialect.name == "postgresql":
            await session.execute(text("set session_replication_role = replica"))
        for statement in statements:
            await session.execute(statement)
        if session.get_bind().dialect.name == "postgresql":
            await session.execute(text("set session_replication_role = origin"))


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        (update(LogEntry).where(LogEntry.place == 7).values(entry="{}"), log_audit.LEAF_WRONG),
        (update(LogEntry).where(LogEntry.place == 7).values(leaf=bytes(32)), log_audit.LEAF_WRONG),
        (update(LogNode).values(hash=bytes(32)), log_audit.NODE_WRONG),
        (delete(LogNode), log_audit.NODE_WRONG),
        (delete(LogEntry).where(LogEntry.place == 7), log_audit.ENTRY_MISSING),
        (update(LogCheckpoint).values(root="00" * 32), log_audit.CHECKPOINT_WRONG),
        (update(LogHead).values(size=301), log_audit.HEAD_WRONG),
        (delete(LogEntry).where(LogEntry.place > 250), log_audit.CHECKPOINT_WRONG),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_the_nightly_recomputation_finds_every_changed_row_and_stops_the_log(sqlite_sessions, statement, code):
    await appended(sqlite_sessions, 260)
    await signed(sqlite_sessions)
    await appended(sqlite_sessions, 40)
    if "size=" in str(statement):
        statement = statement.values(frontier="00" * 32 * (301).bit_count())
    await unguarded(sqlite_sessions, statement)
    found = await whole(sqlite_sessions)
    assert not found.ok and found.faults[0].code == code
    nightly = log_audit.Nightly(sqlite_sessions)
    assert await nightly.tick(NOON) == 1
    assert await nightly.tick(NOON + SECOND) == 0
    [told] = await events(sqlite_sessions, log_audit.AUDITED)
    assert told.facts["faults"][0].startswith(code)
    assert await stopped(sqlite_sessions) == log.AUDIT_FAILED
    await appended(sqlite_sessions) if code != log_audit.HEAD_WRONG else None
    assert await signed(sqlite_sessions, NOON + SECOND) is None


async def test_a_sound_log_is_recomputed_once_a_night_whoever_asks(sqlite_sessions):
    await appended(sqlite_sessions, 3)
    await signed(sqlite_sessions)
    early = NOON.replace(hour=1)
    assert [await log_audit.Nightly(sqlite_sessions).tick(at) for at in (early, NOON, NOON + SECOND)] == [0, 1, 0]
    assert await log_audit.Nightly(sqlite_sessions).tick(NOON + timedelta(days=1)) == 1
    assert [event.facts["faults"] for event in await events(sqlite_sessions, log_audit.AUDITED)] == [[], []]


async def test_another_key_of_the_same_house_signs_the_same_tree(sqlite_sessions):
    await appended(sqlite_sessions, 2)
    await signed(sqlite_sessions)
    await appended(sqlite_sessions, 2)
    renewed = LogSigner.of("pavilion.example", SEED[::-1])
    assert (await signed(sqlite_sessions, NOON + SECOND, renewed)).size == 4
    assert (await whole(sqlite_sessions)).ok
