"""Passports follow the verdicts: issued when a stone is verified, again when what they say changes, suspended while it
is not verified. What is signed is made ready while nobody waits; the writing itself is short."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.base64url import base64url
from pavilion.kernel.canon import canonical, sha256_hex
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Cursor, Event
from pavilion.provenance import passport, passport_hands, passport_keys, passport_sources
from pavilion.provenance.log import Leaf, append, lock_head
from pavilion.provenance.log_queries import covered_checkpoint
from pavilion.provenance.models import ExposedStone, StoneVerdict, VerdictRecord
from pavilion.provenance.passport import House, Place
from pavilion.provenance.passport_models import Passport, StatusEntry
from pavilion.provenance.passport_sources import Source
from pavilion.provenance.proofs import Secret, Signer, sign_di, unsigned_jwt
from pavilion.provenance.references import CONTENT_CHANGED as CONTENT_CHANGED  # whoever changes what is told records it
from pavilion.provenance.standing import Mark, mark, new_entries
from pavilion.settings import Settings

FOLLOWER = "passports:verdicts"
CHANGES = "passports:changes"
ISSUED = "passport:issued"
AT_ONCE = 25  # written in one transaction, and no bid waits long for it
BREATH = 8  # passports made before others in the process get a turn
SWEEP = timedelta(minutes=5)


@dataclass(slots=True)
class Issuer:
    """The house as it signs passports."""

    house: House
    seed: Secret
    signer: Signer | None = None  # who signed last; whether its key is still good is asked each time
    swept_at: datetime | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Issuer":
        hand = passport_hands.of(settings)
        assert hand is not None, "a house without a key for passports issues none"
        return cls(house_of(settings), hand)


class Ready(NamedTuple):
    """A version that is signed and not yet written."""

    row: dict[str, Any]
    leaf: Leaf


def house_of(settings: Settings) -> House:
    base = settings.public_url.rstrip("/")
    return House(base, settings.house_did, "Pavilion", f"{settings.host_name}/origin")


async def tick(sessions: Sessions, issuer: Issuer, now: datetime) -> int:
    """A piece of what verdicts and other changes ask of passports is done; answers how many were looked at."""
    async with reading(sessions) as session:
        verdicts = await _after(session, FOLLOWER)
        changes = await _after(session, CHANGES)
        given = (
            await session.execute(
                select(VerdictRecord.id, VerdictRecord.stone)
                .where(VerdictRecord.id > verdicts)
                .order_by(VerdictRecord.id)
                .limit(AT_ONCE)
            )
        ).all()
        told = (
            await session.execute(
                select(Event.id, Event.subject)
                .where(Event.name == CONTENT_CHANGED, Event.id > changes)
                .order_by(Event.id)
                .limit(AT_ONCE)
            )
        ).all()
    stones = sorted({row[1] for row in (*given, *told)})
    if not stones:
        return await _sweep(sessions, issuer, now)
    await _brought_up(
        sessions,
        issuer,
        stones,
        now,
        {
            FOLLOWER: (verdicts, given[-1][0] if given else verdicts),
            CHANGES: (changes, told[-1][0] if told else changes),
        },
    )
    return len(stones)


async def brought_up(sessions: Sessions, issuer: Issuer, stones: Sequence[str], now: datetime) -> None:
    """The passports of these stones say and stand for what is known now."""
    await _brought_up(sessions, issuer, stones, now, {})


async def brought_up_within(session: AsyncSession, issuer: Issuer, stones: Sequence[str], now: datetime) -> None:
    """The same in the caller's transaction, which stands or falls with what made it true. Begin with `held_still`."""
    signer = issuer.signer = await passport_keys.current(session, issuer.house.did, issuer.seed, now)
    await lock_head(session)  # who issues by the side has written, or waits
    changed = [source for source in await passport_sources.read(session, stones) if source.due]
    places = await new_entries(session, [source.stone for source in changed if source.entry is None])
    checkpoint = await covered_checkpoint(session)
    covered = 0 if checkpoint is None else checkpoint.size
    ready = [await asyncio.to_thread(_signed, issuer.house, signer, source, places, covered, now) for source in changed]
    await _written(session, issuer, ready, places, now)


async def held_still(session: AsyncSession, stones: Sequence[str]) -> None:
    """No verdict of these stones changes until the transaction ends."""
    await _current(session, stones)


async def _brought_up(
    sessions: Sessions,
    issuer: Issuer,
    stones: Sequence[str],
    now: datetime,
    cursors: Mapping[str, tuple[int, int]],
) -> None:
    async with reading(sessions) as session:
        signer = await passport_keys.known(session, issuer.house.did, issuer.seed, now)
    if signer is None:
        async with sessions.begin() as session:
            signer = await passport_keys.current(session, issuer.house.did, issuer.seed, now)
    issuer.signer = signer
    async with reading(sessions) as session:
        sources = await passport_sources.read(session, stones)
        checkpoint = await covered_checkpoint(session)
        changed = [source for source in sources if source.due]
        places = await new_entries(session, [source.stone for source in changed if source.entry is None])
    covered = 0 if checkpoint is None else checkpoint.size
    ready = []
    for nth, source in enumerate(changed):
        if nth % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        facts = (issuer.house, signer, source, places, covered, now)
        # A hand outside may take its time, and the bids of others do not wait for it.
        ready.append(_signed(*facts) if isinstance(issuer.seed, bytes) else await asyncio.to_thread(_signed, *facts))
    async with sessions.begin() as session:
        if not await _moved(session, cursors):
            return  # another worker did this piece
        current = await _current(session, stones)
        fresh = [one for one, source in zip(ready, changed, strict=True) if current.get(source.stone) == source.seen]
        await _written(session, issuer, fresh, places, now)
        marks = [_mark_of(source) for source in sources if current.get(source.stone) == source.seen]
        await mark(session, issuer.house.did, [one for one in marks if one is not None], by=None, now=now)


def _signed(
    house: House, signer: Signer, source: Source, places: Mapping[str, tuple[int, int]], covered: int, now: datetime
) -> Ready:
    known, content = source.known, source.content
    assert known is not None and content is not None
    list_no, index = source.entry or places[source.stone]
    n = source.last_n + 1
    size = max([covered, *(step.place + 1 for step in known.steps)])
    unsigned = passport.document_of(house, known, content, Place(n, list_no, index, size), now)
    document = canonical(sign_di(unsigned, signer, unsigned["validFrom"]))
    row = {
        "stone": source.stone,
        "n": n,
        "document": document.decode(),
        "jwt_signature": base64url(signer.sign(unsigned_jwt(unsigned, signer.kid).encode())),
        "sha256": sha256_hex(document),
        "facts_hash": passport.facts_hash_of(unsigned),
        "content_hash": source.content_hash,
        "verdict_sha256": known.verdict_sha256,
        "status_list": list_no,
        "status_index": index,
        "issued_at": now,
    }
    return Ready(row, Leaf("passport", f"{source.stone}/{n}", document, house.did))


async def _written(
    session: AsyncSession, issuer: Issuer, ready: Sequence[Ready], places: Mapping[str, tuple[int, int]], now: datetime
) -> None:
    if not ready:
        return
    entries = [
        {"list_no": list_no, "idx": index, "stone": one.row["stone"]}
        for one in ready
        if (place := places.get(one.row["stone"])) is not None
        for list_no, index in (place,)
    ]
    if entries:
        await session.execute(insert(StatusEntry), entries)
    indices = await append(session, [one.leaf for one in ready], now)
    rows = [{**one.row, "log_index": index} for one, index in zip(ready, indices, strict=True)]
    await session.execute(insert(Passport), rows)
    told = [
        {"name": ISSUED, "subject": row["stone"], "by": "passports", "at": now, "facts": _told(row)} for row in rows
    ]
    await session.execute(insert(Event), told)


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"n": row["n"], "sha256": row["sha256"], "facts_hash": row["facts_hash"]}


def _mark_of(source: Source) -> Mark | None:
    """The bit that has to change for a stone that has a passport."""
    if source.entry is None or source.suspended == (not source.verified):
        return None
    return Mark(source.stone, *source.entry, "reinstated" if source.verified else "suspended")


async def _current(session: AsyncSession, stones: Sequence[str]) -> dict[str, str]:
    """The verdicts that stand; held until the passports that rest on them are written."""
    wanted = select(StoneVerdict.stone, StoneVerdict.verdict_sha256).where(StoneVerdict.stone.in_(stones))
    rows = await session.execute(wanted.order_by(StoneVerdict.stone).with_for_update(read=True))
    return {row.stone: row.verdict_sha256 for row in rows}


async def _after(session: AsyncSession, follower: str) -> int:
    return await session.scalar(select(Cursor.last_id).where(Cursor.follower == follower)) or 0


async def _moved(session: AsyncSession, cursors: Mapping[str, tuple[int, int]]) -> bool:
    """The cursors stand where this piece ends, unless somebody moved them since it was looked at."""
    for follower, (seen, last) in cursors.items():
        cursor = await session.get(Cursor, follower, with_for_update=True)
        if (0 if cursor is None else cursor.last_id) != seen:
            return False
        if cursor is None:
            session.add(Cursor(follower=follower, last_id=last))
        else:
            cursor.last_id = last
    return True


async def _sweep(sessions: Sessions, issuer: Issuer, now: datetime) -> int:
    """Exposed stones that were passed over, because their verdict was committed after a later one, have passports."""
    if issuer.swept_at is not None and now < issuer.swept_at + SWEEP:
        return 0
    issuer.swept_at = now
    async with reading(sessions) as session:
        missing = (
            select(ExposedStone.stone)
            .outerjoin(Passport, (Passport.stone == ExposedStone.stone) & (Passport.n == 1))
            .where(Passport.stone.is_(None))
            .order_by(ExposedStone.stone)
            .limit(AT_ONCE)
        )
        stones = list(await session.scalars(missing))
    if stones:
        await brought_up(sessions, issuer, stones, now)
    async with reading(sessions) as session:
        left = await session.scalar(select(func.count()).select_from(missing.subquery())) or 0
    if left < len(stones):
        issuer.swept_at = None  # some were issued, and there may be more
        return len(stones)
    return 0
