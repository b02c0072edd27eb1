"""What the house itself did with a stone: shown to somebody, weighed before and after; sold for its owner; handed over.
The house signs these events with a key of its own, they stand in the public log, and whoever reads a stone's record
reads them behind its chain."""

import base64
import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    pieces = await _pieces(session, [one.stone for one in viewed])
    told = [
        _Told("VIEWED", one.stone, one.back_at, _viewed(one, pieces.get(one.stone, one.stone), hand)) for one in viewed
    ]
    changed = {one.stone for one in viewed if one.mct_before != one.mct_after}
    return await _keep(session, told, hand=hand, changed=changed, by=by, now=now)


@dataclass(frozen=True, slots=True)
class Sold:
    """One stone that the house sold for its owner. Neither price nor name is told: the parties are pseudonyms of this
    stone alone, and `invoice` is the hash by which the buyer can show which invoice it was."""

    stone: str
    country: str  # where the seller's house is
    invoice: str
    from_company: str  # public ids
    to_company: str
    destination: str
    warranty: tuple[str, str] | None  # which text, and the day of the seller's self-assessment
    documents: tuple[str, ...]  # hashes
    stays: bool  # paid, and still in the safe


@dataclass(frozen=True, slots=True)
class Transferred:
    """One stone that left the house for good, weighed as it went."""

    stone: str
    place: str
    country: str
    to_company: str
    destination: str
    release: str
    carrier: str  # empty: fetched in person
    mct_before: int | None  # as it was taken in; none: never weighed here
    mct_after: int


async def record_sold(
    session: AsyncSession, sold: Sequence[Sold], *, hand: HouseHand, by: str, now: datetime
) -> list[str]:
    """Each sale stands in its stone's record, signed by the house in its owner's name; the answer names the hashes."""
    pieces = await _pieces(session, [one.stone for one in sold])
    sellers = await _sellers(session, [one.stone for one in sold])
    told = [
        _Told("SOLD", one.stone, now, _sold(one, pieces.get(one.stone, one.stone), sellers, hand, now)) for one in sold
    ]
    return await _keep(session, told, hand=hand, changed=(), by=by, now=now)


async def record_transferred(
    session: AsyncSession, gone: Sequence[Transferred], *, hand: HouseHand, by: str, now: datetime
) -> list[str]:
    """Each hand-over stands in its stone's record, signed; the answer names the hashes of the events."""
    pieces = await _pieces(session, [one.stone for one in gone])
    told = [
        _Told("TRANSFERRED", one.stone, now, _transferred(one, pieces.get(one.stone, one.stone), hand, now))
        for one in gone
    ]
    return await _keep(session, told, hand=hand, changed=(), by=by, now=now)


def owner_of(hand: HouseHand, company: str, stone: str) -> str:
    """A company as the owner of one stone; the same company owns another stone under another name."""
    return hand.pseudonym("owner", f"{company} {stone}")


@dataclass(frozen=True, slots=True)
class _Told:
    """An event before it is signed."""

    kind: str
    stone: str
    at: datetime
    event: Event


async def _keep(
    session: AsyncSession, told: Sequence[_Told], *, hand: HouseHand, changed: Collection[str], by: str, now: datetime
) -> list[str]:
    """Signed, kept once, and with a leaf in the log. `changed`: stones whose verdict it may touch."""
    if not told:
        return []
    signer = await hosted.of_house(session, did=hand.did, seed=hand.seed, now=now)
    kept, leaves = [], []
    for one in told:
        piece = str(one.event["obj"])
        body = plain_bytes(_signed(one.event, signer))
        sha256 = hashlib.sha256(body).hexdigest()
        row = ReportedEvent(
            sha256=sha256,
            issuer=hosted.HOUSE,
            kind=one.kind,
            at=one.at,
            body=body.decode(),
            by=by,
            recorded_at=now,
        )
        session.add(row)
        await session.flush()
        session.add_all(ReportedPiece(piece=name, event_id=row.id) for name in {piece, one.stone})
        if one.stone in changed:  # nothing else about a look can change a verdict
            events.record(session, REPORTED, piece, by=by, at=now, kind=one.kind)
        leaves.append(log.Leaf("event", f"reported/{sha256}", body, hand.did))
        kept.append(sha256)
    await session.flush()
    await log.append(session, leaves, now)
    return kept


def _viewed(one: Viewed, piece: str, hand: HouseHand) -> Event:
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


def _sold(one: Sold, piece: str, sellers: Mapping[str, str], hand: HouseHand, now: datetime) -> Event:
    """The actor is the owner: as the chain names it, else by its pseudonym. The house only signs."""
    text, assessed = one.warranty or (None, None)
    told = {"sow": text, "sow_self_assessed": assessed, "documents": list(one.documents) or None}
    told["custody"] = "stays" if one.stays else None
    return {
        "t": "SOLD",
        "at": stamp(now),
        "by": sellers.get(one.stone) or owner_of(hand, one.from_company, one.stone),
        "issuer": hosted.HOUSE,
        "cc": one.country,
        "obj": piece,
        "to": owner_of(hand, one.to_company, one.stone),
        "invoice": one.invoice,
        "destination": one.destination,
        "ev": "attested",
        **{name: value for name, value in told.items() if value is not None},
    }


def _transferred(one: Transferred, piece: str, hand: HouseHand, now: datetime) -> Event:
    told = {"carrier": one.carrier or None, "mct_before": one.mct_before}
    return {
        "t": "TRANSFERRED",
        "at": stamp(now),
        "by": hosted.HOUSE,
        "cc": one.country,
        "to_cc": one.destination,
        "obj": piece,
        "place": one.place,
        "from": hosted.HOUSE,
        "to": owner_of(hand, one.to_company, one.stone),
        "kind": "custody",
        "release": hand.pseudonym("release", one.release),
        "mct_after": one.mct_after,
        "ev": "measured",
        **{name: value for name, value in told.items() if value is not None},
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


async def _sellers(session: AsyncSession, stones: Iterable[str]) -> dict[str, str]:
    """The parties that own these stones at the ends of their chains."""
    rows = await session.execute(
        select(StoneVerdict.stone, StoneVerdict.claim).where(StoneVerdict.stone.in_(list(stones)))
    )
    return {stone: claim["seller"][:80] for stone, claim in rows if claim.get("seller")}
