"""Collects a passport's bundle from the database: for everyone what everyone may see, for the stone's holder and for
compliance all that the verdict was computed from."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.errors import Refusal
from pavilion.provenance import (
    did,
    disclosure,
    log_queries,
    passport_keys,
    passport_queries,
    rules,
    standing,
    status,
    trust_table,
)
from pavilion.provenance.bundle import BundleParts
from pavilion.provenance.gathering import evidence_of
from pavilion.provenance.issuers import IssuerKeys
from pavilion.provenance.log_models import LogEntry, LogSalt
from pavilion.provenance.models import ChainEvent, VerdictRecord
from pavilion.provenance.passport import House
from pavilion.provenance.passport_models import Passport
from pavilion.provenance.proofs import Secret, sign_jwt

MOST_EVENTS: Final = 999


class NotYetLogged(Refusal):
    """The passport was issued a moment ago and the witnesses have not seen it; a bundle without that proves nothing."""

    status, code = 409, "passport_not_logged_yet"


@dataclass(frozen=True, slots=True)
class Press:
    """What the house puts into every bundle: who it is, the seed that signs its lists, its log's policy."""

    house: House
    seed: Secret
    policy: str


async def parts_of(
    session: AsyncSession, press: Press, passport: Passport, *, full: bool, now: datetime
) -> BundleParts:
    """The parts of one version. NotYetLogged while no checkpoint with its quorum covers it."""
    verdict = await _verdict(session, passport)
    told = verdict is not None and (full or disclosure.is_open_verdict(json.loads(verdict)["findings"]))
    chain = await _chain(session, passport.stone)
    places = await log_queries.indices(session, "event", [f"{passport.stone}/{event.seq}" for event in chain])
    named = {one["index"] for one in passport.content["credentialSubject"]["stone:events"]}
    logged = [
        (event, place)
        for event in chain
        if (place := places.get(f"{passport.stone}/{event.seq}")) is not None and (full or place in named)
    ]
    own = {"passport": passport.log_index, "verdict": await _verdict_place(session, passport.stone, verdict)}
    shown = {name: place for name, place in own.items() if place is not None and (told or name != "verdict")}
    shown |= {f"event-{event.seq:03}": place for event, place in logged if full or is_open(event)}
    closed = {f"event-{event.seq:03}": place for event, place in logged if not (full or is_open(event))}
    proofs = await _proofs(session, shown, closed)
    if "passport" not in proofs:
        raise NotYetLogged()
    evidence = None if verdict is None else await evidence_of(session, verdict)
    keys = (await trust_table.in_force(session, now)).keys
    countersigned = await passport_queries.countersignatures(session, passport.stone)
    parties = {press.house.did, *(row.issuer for row in countersigned)}
    return BundleParts(
        passport=passport.document.encode(),
        jwt=passport.jwt.encode(),
        policy=press.policy.encode(),
        verdict=verdict if told else None,
        events={
            event.seq: event.body.encode() for event, _ in logged if _name(event) in proofs and _name(event) in shown
        },
        proofs=proofs,
        dids=await did_documents(session, press.house.did, parties, keys),
        status=await _lists(session, press, passport, now),
        tables={} if evidence is None else evidence.tables,
        rules=rules.document(),
        countersignatures={row.public_id: row.document.encode() for row in countersigned},
        inputs=evidence.inputs if evidence is not None and full else {},
        trust=None if evidence is None else evidence.trust,
    )


async def may_leave(session: AsyncSession, passport: Passport) -> bool:
    """Whether all that the verdict rests on may be given to the stone's holder."""
    verdict = await _verdict(session, passport)
    return verdict is None or disclosure.is_told_to_holders(json.loads(verdict)["findings"])


def is_open(event: ChainEvent) -> bool:
    """Whether everyone may read this event as it was signed."""
    return disclosure.is_open(event.kind, json.loads(event.body))


async def did_documents(session: AsyncSession, house: str, wanted: Iterable[str], keys: IssuerKeys) -> dict[str, bytes]:
    """The documents of the house and of parties it hosts, as their addresses serve them, by a name for a file."""
    found: dict[str, bytes] = {}
    for name in sorted(set(wanted)):
        if name == house:
            found[_file(name)] = did.served(await house_keys(session, house), house)
        elif name.startswith(f"{house}:did:"):
            party = name.removeprefix(f"{house}:did:")
            listed = [
                did.Key(
                    f"{name}#{key.kid.partition('#')[2]}",
                    key.public,
                    did.day_start(key.start),
                    did.day_end(key.end),
                    did.day_start(key.revoked),
                )
                for key in keys.of(party)
            ]
            if listed:
                found[_file(name)] = did.served(listed, name)
    return found


async def house_keys(session: AsyncSession, house: str) -> list[did.Key]:
    """Every key that ever signed the house's passports."""
    return [
        did.Key(
            f"{house}#{row.kid}",
            bytes.fromhex(row.public),
            _second(row.valid_from),
            None if row.valid_to is None else _second(row.valid_to),
            None if row.revoked_at is None else _second(row.revoked_at),
        )
        for row in await passport_keys.all_keys(session)
    ]


async def _verdict(session: AsyncSession, passport: Passport) -> bytes | None:
    """The document that the passport names."""
    record = await session.scalar(
        select(VerdictRecord).where(
            VerdictRecord.stone == passport.stone, VerdictRecord.sha256 == passport.verdict_sha256
        )
    )
    return None if record is None else record.document.encode()


async def _chain(session: AsyncSession, stone: str) -> Sequence[ChainEvent]:
    wanted = select(ChainEvent).where(ChainEvent.stone == stone, ChainEvent.seq <= MOST_EVENTS).order_by(ChainEvent.seq)
    return (await session.scalars(wanted)).all()


def _name(event: ChainEvent) -> str:
    return f"event-{event.seq:03}"


async def _verdict_place(session: AsyncSession, stone: str, verdict: bytes | None) -> int | None:
    """Where this very verdict stands in the log; a stone may have had many."""
    if verdict is None:
        return None
    rows = await session.execute(
        select(LogEntry.place, LogEntry.entry, LogSalt.salt)
        .join(LogSalt, LogSalt.place == LogEntry.place)
        .where(LogEntry.kind == "verdict", LogEntry.subject == stone)
        .order_by(LogEntry.place.desc())
    )
    for place, entry, salt in rows:
        if sha256(bytes(salt) + verdict).hexdigest() == json.loads(entry)["commit"]:
            return int(place)
    return None


async def _proofs(
    session: AsyncSession, shown: Mapping[str, int], closed: Mapping[str, int]
) -> dict[str, tuple[bytes, bytes]]:
    """Entry and proof of each, all under one checkpoint: the first with its quorum that covers them, so that the same
    version has the same bytes tomorrow; else the latest."""
    every = {**shown, **closed}
    reaching: int | None = max(every.values(), default=-1) + 1
    if await log_queries.covered_checkpoint(session, reaching) is None:
        reaching = None
    opened = await log_queries.proofs(session, list(shown.values()), reaching)
    sealed = await log_queries.proofs(session, list(closed.values()), reaching, opened=False)
    found: dict[str, tuple[bytes, bytes]] = {}
    for name, place in sorted(every.items()):
        text = (opened if name in shown else sealed).get(place)
        row = await session.get(LogEntry, place)
        if text is not None and row is not None:
            found[name] = (row.entry.encode(), text.encode())
    return found


async def _lists(session: AsyncSession, press: Press, passport: Passport, now: datetime) -> dict[int, bytes]:
    """Both lists as they stand now, signed: the reader is told how old they are."""
    signer = await passport_keys.known(session, press.house.did, press.seed, now)
    if signer is None:
        return {}
    found: dict[int, bytes] = {}
    for number in (passport.status_list, passport.status_list + 1):
        marked = await standing.marked(session, number) or []
        listed = status.list_document(press.house.base, press.house.did, number, status.encode(marked), now)
        found[number] = (await asyncio.to_thread(sign_jwt, listed, signer)).encode()
    return found


def _file(name: str) -> str:
    """A DID as the name of a file."""
    return name.removeprefix("did:web:").replace("%3A", "_").replace(":", ".")[:120]


def _second(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
