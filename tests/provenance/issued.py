"""Stones whose verdict stands and whose events are in the log, as rows, for what rests on them."""

import hashlib
import json

from sqlalchemy import delete, update

from pavilion.kernel.canon import canonical
from pavilion.kernel.ids import ulid
from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.facts import moment
from pavilion.provenance.issuing import Issuer
from pavilion.provenance.log import Leaf, append
from pavilion.provenance.models import ChainEvent, ExposedStone, StoneVerdict, VerdictRecord
from pavilion.provenance.passport import House
from tests.make import NOON
from tests.provenance.stones import BASE

HOUSE = House("https://pavilion.example", "did:web:pavilion.example", "Pavilion", "pavilion.example/origin")
SEED = b"a seed that everybody may know!!"


def issuer() -> Issuer:
    return Issuer(HOUSE, SEED)


def chain() -> list[dict]:
    """A stone's way as the vectors tell it, up to its listing."""
    events = json.loads(json.dumps(BASE["events"][:-1]))
    for event in events:
        event.pop("sig"), event.pop("log")
    event_of(events, "GRADED")["report"]["inscription"] = "GIA 6123456789"
    return events


def event_of(events: list[dict], kind: str) -> dict:
    return next(event for event in events if event["t"] == kind)


def claim(stone: str | None = None, **changes) -> ListingClaim:
    facts = {
        "stone": stone or ulid(NOON),
        "origin_id": "P-1",
        "origin_registry": "own-production",
        "shape": "RBC",
        "listed": {"weight": "1.01", "color": "G", "clarity": "VS1", "shape": "RBC"},
        "lab": "GIA",
        "report_no": "6123456789",
    }
    return ListingClaim(**(facts | changes))


async def keep(session, said: ListingClaim, events=None, *, verdict="verified", now=NOON) -> ListingClaim:
    """The stone's chain, verdict and exposure stand, and its events are in the log."""
    leaves = []
    for seq, event in enumerate(chain() if events is None else events):
        body = canonical(event).decode()
        sha256 = hashlib.sha256(body.encode()).hexdigest()
        at = moment(event["at"])[0]
        session.add(
            ChainEvent(
                stone=said.stone, seq=seq, kind=event["t"], at=at, body=body, sha256=sha256, prev_sha256=None,
                recorded_at=now,
            )
        )  # fmt: skip
        leaves.append(Leaf("event", f"{said.stone}/{seq}", body.encode(), HOUSE.did))
    await session.flush()
    await append(session, leaves, now)
    await judge(session, said, verdict=verdict, now=now)
    return said


async def judge(session, said: ListingClaim, *, verdict="verified", findings=(), now=NOON) -> str:
    """A verdict is given, and the stone is exposed exactly if it is VERIFIED."""
    grade = "B" if verdict == "verified" else "-"
    document = canonical(
        {
            "v": 1, "inputs": [], "stone": said.stone, "ruleset": "origin-1", "as_of": now.date().isoformat(),
            "findings": list(findings), "verdict": verdict, "grade": grade,
        }
    )  # fmt: skip
    sha256 = hashlib.sha256(document).hexdigest()
    session.add(
        VerdictRecord(stone=said.stone, verdict=verdict, grade=grade, document=document.decode(), sha256=sha256, at=now)
    )
    await session.execute(delete(ExposedStone).where(ExposedStone.stone == said.stone))
    row = {"verdict": verdict, "grade": grade, "verdict_sha256": sha256, "claim": said.document(), "decided_at": now}
    changed = await session.execute(update(StoneVerdict).where(StoneVerdict.stone == said.stone).values(row))
    if not changed.rowcount:
        rest = {"assurance": "B", "ruleset": "origin-1", "findings": list(findings), "codes": "  ", "attempts": 0}
        session.add(
            StoneVerdict(stone=said.stone, registry_name="own-production", simulated=True, inputs_sha256="00" * 32,
                         **row, **rest)
        )  # fmt: skip
    await session.flush()
    if verdict == "verified":
        session.add(ExposedStone(stone=said.stone, verdict=verdict, exposed_at=now))
    await session.flush()
    return sha256
