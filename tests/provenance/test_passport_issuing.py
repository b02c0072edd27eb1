"""Passports follow the verdicts, on both databases."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from pavilion.kernel.canon import canonical
from pavilion.kernel.events import Event, record
from pavilion.provenance import (
    issuing,
    passport_keys,
    passport_queries,
    passport_sources,
    proofs,
    standing,
    status,
)
from pavilion.provenance.log_models import LogEntry
from pavilion.provenance.models import ExposedStone
from pavilion.provenance.passport_models import Passport, StatusEntry
from tests.make import NOON
from tests.provenance import issued

LATER = NOON + timedelta(days=1)


async def ticked(sessions, issuer, now=NOON):
    while await issuing.tick(sessions, issuer, now):
        pass


async def verified(sessions, issuer, **changes):
    async with sessions.begin() as session:
        claim = await issued.keep(session, issued.claim(**changes))
    await ticked(sessions, issuer)
    return claim


async def latest(sessions, stone):
    async with sessions() as session:
        found = await passport_queries.latest(session, stone)
        return found, None if found is None else await passport_queries.standing_of(session, found)


async def judged(sessions, claim, **how):
    async with sessions.begin() as session:
        return await issued.judge(session, claim, **how)


async def test_a_verified_stone_has_a_passport_with_both_proofs_and_a_leaf_in_the_log(sessions):
    issuer = issued.issuer()
    claim = await verified(sessions, issuer)
    found, stands = await latest(sessions, claim.stone)
    assert (found.n, stands.state, stands.newest) == (1, "current", 1)
    proved = proofs.verify_di(found.content, issuer.signer.public)
    assert proved == proofs.verify_jwt(found.jwt, issuer.signer.public)._replace(created=proved.created)
    assert proved.kid == "did:web:pavilion.example#passport-2026"
    assert canonical(found.content).decode() == found.document
    entry = found.content["credentialStatus"][0]
    assert (found.status_list, str(found.status_index)) == (1, entry["statusListIndex"])
    async with sessions() as session:
        leaf = await session.get(LogEntry, found.log_index)
        assert (leaf.kind, leaf.subject) == ("passport", f"{claim.stone}/1")
        events = {one["index"]: one["leaf"] for one in found.content["credentialSubject"]["stone:events"]}
        for place, hashed in events.items():
            assert bytes((await session.get(LogEntry, place)).leaf).hex() == hashed
        event = await session.scalar(select(Event).where(Event.name == "passport:issued"))
        assert event.facts == {"n": 1, "sha256": found.sha256, "facts_hash": found.facts_hash}


async def test_judging_the_same_facts_anew_issues_nothing(sessions):
    issuer = issued.issuer()
    claim = await verified(sessions, issuer)
    await judged(sessions, claim, now=LATER)
    await ticked(sessions, issuer, LATER)
    assert (await latest(sessions, claim.stone))[0].n == 1


async def test_other_facts_are_a_new_version_and_the_old_one_stays_readable(sessions):
    issuer = issued.issuer()
    claim = await verified(sessions, issuer)
    first, _ = await latest(sessions, claim.stone)
    await judged(sessions, claim, findings=[{"code": "GR-07", "severity": "warn", "link": None, "params": {}}])
    await ticked(sessions, issuer, LATER)
    second, stands = await latest(sessions, claim.stone)
    assert (second.n, stands.state) == (2, "current")
    assert (second.status_list, second.status_index) == (first.status_list, first.status_index)
    async with sessions() as session:
        old = await passport_queries.version(session, claim.stone, 1)
        assert (await passport_queries.standing_of(session, old)).state == "superseded"
        assert [one.n for one in await passport_queries.versions(session, claim.stone)] == [2, 1]


async def test_a_stone_no_longer_verified_has_its_passport_suspended_until_it_is_again(sessions):
    issuer = issued.issuer()
    claim = await verified(sessions, issuer)
    found, _ = await latest(sessions, claim.stone)
    await judged(sessions, claim, verdict="rejected", now=LATER)
    await ticked(sessions, issuer, LATER)
    assert (await latest(sessions, claim.stone))[1].state == "suspended"
    async with sessions() as session:
        assert await standing.marked(session, 2) == [found.status_index]
        assert await standing.marked(session, 1) == []
    await judged(sessions, claim, now=LATER)
    await ticked(sessions, issuer, LATER)
    again, stands = await latest(sessions, claim.stone)
    assert (again.n, stands.state) == (1, "current")
    async with sessions() as session:
        assert await standing.marked(session, 2) == []
        leaves = await session.scalars(select(LogEntry.subject).where(LogEntry.kind == "status"))
        assert list(leaves) == [f"2/{found.status_index}"] * 2
        acts = await session.scalars(select(Event.name).where(Event.name.like("passport:%")).order_by(Event.id))
        assert list(acts) == ["passport:key_added", "passport:issued", "passport:suspended", "passport:reinstated"]


async def test_a_revoked_passport_stays_revoked_and_other_facts_get_a_place_of_their_own(sessions):
    issuer = issued.issuer()
    claim = await verified(sessions, issuer)
    first, _ = await latest(sessions, claim.stone)
    async with sessions.begin() as session:
        await standing.revoke(
            session, issued.HOUSE.did, stone=claim.stone, reason="issued on a wrong report", by="P" * 26, now=LATER
        )
    with pytest.raises(standing.AlreadyRevoked):
        async with sessions.begin() as session:
            await standing.revoke(session, issued.HOUSE.did, stone=claim.stone, reason="x", by="P" * 26, now=LATER)
    await judged(sessions, claim, now=LATER)
    await ticked(sessions, issuer, LATER)
    still, stands = await latest(sessions, claim.stone)
    assert (still.n, stands.state) == (1, "revoked")
    await judged(sessions, claim, findings=[{"code": "GR-07", "severity": "warn", "link": None, "params": {}}])
    await ticked(sessions, issuer, LATER)
    second, stands = await latest(sessions, claim.stone)
    assert (second.n, stands.state) == (2, "current") and second.status_index != first.status_index


async def test_stones_that_were_never_verified_or_not_logged_have_none(sessions):
    issuer = issued.issuer()
    async with sessions.begin() as session:
        pending = await issued.keep(session, issued.claim(), verdict="pending")
        unlogged = issued.claim()
        await issued.judge(session, unlogged)
    await ticked(sessions, issuer)
    for stone in (pending.stone, unlogged.stone):
        assert (await latest(sessions, stone))[0] is None


async def test_many_stones_are_issued_in_pieces_and_each_has_a_place_of_its_own(sqlite_sessions, monkeypatch):
    monkeypatch.setattr(issuing, "AT_ONCE", 7)
    issuer = issued.issuer()
    async with sqlite_sessions.begin() as session:
        for _ in range(20):
            await issued.keep(session, issued.claim())
    await ticked(sqlite_sessions, issuer)
    async with sqlite_sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Passport)) == 20
        places = (await session.execute(select(StatusEntry.list_no, StatusEntry.idx))).all()
        assert len(set(places)) == 20


async def test_a_stone_passed_over_by_the_cursor_is_found_by_the_sweep(sessions):
    issuer = issued.issuer()
    claim = await verified(sessions, issuer)
    async with sessions.begin() as session:
        missed = await issued.keep(session, issued.claim())
        # As when a verdict with an earlier number is committed late: the cursor is already beyond it.
        cursor = await session.get(issuing.Cursor, issuing.FOLLOWER)
        cursor.last_id += 1
    await ticked(sessions, issuer, NOON)
    assert (await latest(sessions, missed.stone))[0] is None  # swept a moment ago
    await ticked(sessions, issuer, NOON + issuing.SWEEP)
    assert (await latest(sessions, missed.stone))[0].n == 1
    assert (await latest(sessions, claim.stone))[0].n == 1


async def test_a_verdict_that_falls_while_passports_are_signed_is_not_overtaken(sqlite_sessions, monkeypatch):
    issuer = issued.issuer()
    async with sqlite_sessions.begin() as session:
        claim = await issued.keep(session, issued.claim())
    signed = issuing._signed

    async def fall():
        await judged(sqlite_sessions, claim, verdict="rejected", now=LATER)

    falls = iter([True])

    async def read_then_fall(session, stones):
        found = await reading(session, stones)
        if next(falls, False):
            await fall()
        return found

    reading = issuing.passport_sources.read
    monkeypatch.setattr(issuing.passport_sources, "read", read_then_fall)
    assert signed is issuing._signed
    await ticked(sqlite_sessions, issuer, LATER)
    assert (await latest(sqlite_sessions, claim.stone))[0] is None


async def test_a_change_that_a_passport_tells_is_followed_without_a_verdict(sessions):
    issuer = issued.issuer()
    claim = await verified(sessions, issuer)
    async with sessions.begin() as session:
        record(session, issuing.CONTENT_CHANGED, claim.stone, by=None, at=LATER)
    await ticked(sessions, issuer, LATER)
    assert (await latest(sessions, claim.stone))[0].n == 1  # told, looked at, and nothing was another


async def test_a_passport_can_neither_be_changed_nor_dropped(sessions):
    claim = await verified(sessions, issued.issuer())
    for statement in ("update passports set n = 2", "delete from passports"):
        with pytest.raises(DBAPIError, match="append only"):
            async with sessions.begin() as session:
                await session.execute(issuing.select(func.count()).select_from(ExposedStone))
                await (await session.connection()).exec_driver_sql(statement)
    assert (await latest(sessions, claim.stone))[0].n == 1


async def test_a_new_seed_is_a_new_key_and_the_old_one_ends_after_an_overlap(sessions):
    async with sessions.begin() as session:
        old = await passport_keys.current(session, issued.HOUSE.did, b"\1" * 32, NOON)
        again = await passport_keys.current(session, issued.HOUSE.did, b"\1" * 32, LATER)
        new = await passport_keys.current(session, issued.HOUSE.did, b"\2" * 32, LATER)
        next_year = await passport_keys.current(session, issued.HOUSE.did, b"\3" * 32, NOON + timedelta(days=300))
    assert old == again
    assert [key.kid.partition("#")[2] for key in (old, new, next_year)] == [
        "passport-2026",
        "passport-2026-2",
        f"passport-{(NOON + timedelta(days=300)).year}" + ("" if (NOON + timedelta(days=300)).year > 2026 else "-3"),
    ]
    async with sessions() as session:
        rows = await passport_keys.all_keys(session)
        assert rows[0].valid_to == LATER + passport_keys.OVERLAP and rows[-1].valid_to is None


async def test_the_list_credential_of_what_is_marked_answers_for_the_passport(sessions):
    issuer = issued.issuer()
    claim = await verified(sessions, issuer)
    await judged(sessions, claim, verdict="review")
    await ticked(sessions, issuer)
    found, _ = await latest(sessions, claim.stone)
    revoked, suspended = found.content["credentialStatus"]
    async with sessions() as session:
        lists = {
            number: status.list_document(
                issued.HOUSE.base, issued.HOUSE.did, number, status.encode(await standing.marked(session, number)), NOON
            )
            for number in (1, 2)
        }
        assert await standing.marked(session, 3) is None
    assert not status.marked_in(lists[1], revoked)
    assert status.marked_in(lists[2], suspended)
    assert json.loads(json.dumps(lists[2])) == lists[2]


async def test_the_hash_a_lot_carries_is_the_one_its_passport_will_have(sessions):
    async with sessions.begin() as session:
        claim = await issued.keep(session, issued.claim())
        other = await issued.keep(session, issued.claim(), verdict="review")
        before = await passport_sources.facts_hashes(session, [claim.stone, other.stone])
    await ticked(sessions, issued.issuer())
    found, _ = await latest(sessions, claim.stone)
    assert before == {claim.stone: found.facts_hash}
