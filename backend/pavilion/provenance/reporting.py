"""Events that parties report themselves: checked against who may sign what, kept once, committed to by the log."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel import events
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import NotAllowed, Refusal
from pavilion.provenance import log, trust_table
from pavilion.provenance.epcis import Ids, captured
from pavilion.provenance.epcis_reading import BadEpcis
from pavilion.provenance.facts import Happening, happenings, moment
from pavilion.provenance.issuers import signature_of
from pavilion.provenance.registries.port import Event, plain_bytes
from pavilion.provenance.reported import REPORTED
from pavilion.provenance.reported_models import ReportedEvent, ReportedPiece
from pavilion.provenance.trust import Trust

EARLY = timedelta(minutes=5)  # CU-03: no event happened after it was recorded
LONGEST_PIECE = 80


class BadCapture(Refusal):
    """Nothing of the document was kept; `pointer` says where it is wrong."""

    status, code = 422, "epcis_unreadable"


class EventNotSigned(Refusal):
    """The event does not carry its issuer's signature, or not with a key that is valid on its day."""

    status, code = 422, "event_not_signed"


class IssuerNotTrusted(Refusal):
    """Its issuer may not sign such an event on that day."""

    status, code = 422, "issuer_not_trusted"


class Kept(NamedTuple):
    """The hashes of the events of a document, and how many of them are new to the house."""

    events: Sequence[str]
    new: int


async def capture(
    session: AsyncSession, document: object, *, ids: Ids, house: str, actor: Actor, now: datetime
) -> Kept:
    """All events of the document are kept, or none."""
    if not actor.may(Permission.EVENT_REPORT) or actor.public_id is None:
        raise NotAllowed(right=Permission.EVENT_REPORT.value)
    try:
        found = captured(document, ids)
    except BadEpcis as fault:
        raise BadCapture(pointer=fault.pointer, fault=fault.fault) from None
    trust, keys = await trust_table.in_force(session, now)
    for pointer, event in found:
        _believed(event, trust, signature_of(event, keys), pointer, now)
    await one_at_a_time(session, "reported events")
    bodies = {hashlib.sha256(body).hexdigest(): body for body in (plain_bytes(event) for _, event in found)}
    known = set(await session.scalars(select(ReportedEvent.sha256).where(ReportedEvent.sha256.in_(bodies))))
    fresh = [(pointer, event) for pointer, event in found if _hash(event) not in known]
    seen: set[str] = set()
    leaves = []
    for _, event in fresh:
        if (sha256 := _hash(event)) in seen:
            continue
        seen.add(sha256)
        await _keep(session, event, sha256, actor.public_id, now)
        party = event.get("issuer", event["by"])
        leaves.append(log.Leaf("event", f"reported/{sha256}", bodies[sha256], f"{house}:did:{party}"))
    await log.append(session, leaves, now)
    return Kept([_hash(event) for _, event in found], len(seen))


def _believed(event: Event, trust: Trust, signature: object, pointer: str, now: datetime) -> None:
    happening = happenings([{**event, "seq": 0, "sig": signature}])[0]
    party = happening.issuer or ""
    if not happening.signed:
        raise EventNotSigned(pointer=pointer, party=party)
    if moment(event["at"])[0] > now + EARLY:
        raise BadCapture(pointer=f"{pointer}/eventTime", fault="it has not happened yet")
    if any(len(piece) > LONGEST_PIECE for piece in happening.touches()):
        raise BadCapture(pointer=pointer, fault=f"the name of a piece is longer than {LONGEST_PIECE} characters")
    if not _may(happening, trust):
        raise IssuerNotTrusted(pointer=pointer, party=party, kind=happening.kind)


def _may(happening: Happening, trust: Trust) -> bool:
    """As SG-04 asks, but for authorities and laboratories, which that rule holds against certificate and report."""
    return any(True for _ in trust.rows(happening.issuer, happening.kind, happening.day))


async def _keep(session: AsyncSession, event: Event, sha256: str, by: str, now: datetime) -> None:
    happening = happenings([{**event, "seq": 0, "sig": None}])[0]
    row = ReportedEvent(
        sha256=sha256,
        issuer=happening.issuer or "",
        kind=happening.kind,
        at=happening.at,
        body=plain_bytes(event).decode(),
        by=by,
        recorded_at=now,
    )
    session.add(row)
    await session.flush()
    for piece in sorted(set(happening.touches())):
        session.add(ReportedPiece(piece=piece, event_id=row.id))
        events.record(session, REPORTED, piece, by=by, at=now, kind=happening.kind)
    await session.flush()


def _hash(event: Event) -> str:
    return hashlib.sha256(plain_bytes(event)).hexdigest()
