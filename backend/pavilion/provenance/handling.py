"""What the house itself did with a stone: shown to somebody, weighed before and after. The house signs these events
with a key of its own, they stand in the public log, and whoever reads a stone's record reads them behind its chain."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.kernel.instants import stamp
from pavilion.provenance import hosted, log
from pavilion.provenance.issuers import SIGNATURE
from pavilion.provenance.models import StoneVerdict
from pavilion.provenance.registries.port import Event, plain_bytes
from pavilion.provenance.reported import REPORTED
from pavilion.provenance.reported_models import ReportedEvent, ReportedPiece

_PSEUDONYMS = b"pavilion/pseudonyms/v1\n"


@dataclass(frozen=True, slots=True)
class HouseHand:
    """What the house signs with: its DID, and the secret from which the keys follow that it keeps."""

    did: str
    seed: bytes

    def pseudonym(self, kind: str, name: str) -> str:
        """The same for the same thing, and nobody without the secret finds the thing again."""
        key = hashlib.sha256(_PSEUDONYMS + self.seed).digest()
        return hmac.new(key, f"{kind} {name}".encode(), hashlib.sha256).hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class Viewed:
    """One stone at one viewing. `stone` is our name of it; the event names it as its chain does."""

    stone: str
    place: str
    country: str
    appointment: str
    viewer: str
    out_at: datetime
    back_at: datetime
    mct_before: int | None  # none: seen in a tray, which is weighed as a whole
    mct_after: int | None


async def record_viewed(
    session: AsyncSession, viewed: Sequence[Viewed], *, hand: HouseHand, by: str, now: datetime
) -> list[str]:
    """Each viewing stands in its stone's record, signed, and has its place in the log; the answer names the hashes of
    the events. A stone that no registry vouches for is named as we name it."""
    if not viewed:
        return []
    pieces = await _pieces(session, [one.stone for one in viewed])
    signer = await hosted.of_house(session, did=hand.did, seed=hand.seed, now=now)
    kept, leaves = [], []
    for one in viewed:
        piece = pieces.get(one.stone, one.stone)
        event = _signed(_told(one, piece, hand), signer)
        body = plain_bytes(event)
        sha256 = hashlib.sha256(body).hexdigest()
        row = ReportedEvent(
            sha256=sha256,
            issuer=hosted.HOUSE,
            kind="VIEWED",
            at=one.back_at,
            body=body.decode(),
            by=by,
            recorded_at=now,
        )
        session.add(row)
        await session.flush()
        session.add_all(ReportedPiece(piece=name, event_id=row.id) for name in {piece, one.stone})
        if one.mct_before != one.mct_after:  # nothing else about a look can change a verdict
            events.record(session, REPORTED, piece, by=by, at=now, kind="VIEWED")
        leaves.append(log.Leaf("event", f"reported/{sha256}", body, hand.did))
        kept.append(sha256)
    await session.flush()
    await log.append(session, leaves, now)
    return kept


def _told(one: Viewed, piece: str, hand: HouseHand) -> Event:
    masses = {"mct_before": one.mct_before, "mct_after": one.mct_after}
    return {
        "t": "VIEWED",
        "at": stamp(one.back_at),
        "by": hosted.HOUSE,
        "cc": one.country,
        "obj": piece,
        "place": one.place,
        "appointment": hand.pseudonym("appointment", one.appointment),
        "viewer": hand.pseudonym("viewer", one.viewer),
        "out_at": stamp(one.out_at),
        "back_at": stamp(one.back_at),
        "ev": "measured",
        **{name: mct for name, mct in masses.items() if mct is not None},
    }


def _signed(event: Event, house: hosted.Hosted) -> Event:
    value = base64.b64encode(house.signer.sign(plain_bytes(event))).decode()
    return {**event, SIGNATURE: {"kid": f"{hosted.HOUSE}#1", "value": value}}


async def _pieces(session: AsyncSession, stones: Iterable[str]) -> dict[str, str]:
    """The names that the chains give these stones."""
    rows = await session.execute(
        select(StoneVerdict.stone, StoneVerdict.claim).where(StoneVerdict.stone.in_(list(stones)))
    )
    return {stone: claim["origin_id"][:80] for stone, claim in rows if claim.get("origin_id")}
