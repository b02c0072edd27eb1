"""How what was sold gets ready to leave the house: asked for, picked, weighed, packed, and released once every
condition holds. `handing_over` does the rest. Callers lock the invoice, then the release."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events, jobs
from pavilion.kernel.errors import ActNotAllowed, BadInput, Refusal
from pavilion.kernel.ids import ulid
from pavilion.provenance import custody_keeping
from pavilion.provenance.handling import HouseHand
from pavilion.provenance.issuing import Issuer
from pavilion.settlement import goods, queries, release_pass, release_queries, release_rules, undoing
from pavilion.settlement.models import Invoice
from pavilion.settlement.release_models import GoodsState, Release, ReleaseMode
from pavilion.settlement.rules import InvoiceState
from pavilion.trading.memo_desk import HOLDER as ON_MEMO

PAPERS = "release.papers"
MOST = 2**53 - 1  # minor units: what any program can still count
TAKES = frozenset({InvoiceState.ISSUED, InvoiceState.OVERDUE, InvoiceState.PAID})
G = GoodsState


class Barred(Refusal):
    """It may not go yet; `code` is the first reason, `codes` are all."""

    status, code = 409, "not_paid"

    def __init__(self, codes: Sequence[str]) -> None:
        self.code = codes[0]
        super().__init__(codes=list(codes))


class WeightDiffers(Refusal):
    """It does not weigh what it weighed when it came: nothing is handed over until somebody has looked."""

    status, code = 409, "weight_differs"


class NotReady(Refusal):
    """Stones are to be picked and weighed, and the parcel packed, before it goes on."""

    status, code = 409, "release_not_ready"


class StreetMissing(Refusal):
    """Goods leave the country with papers that name the buyer's street: the buyer's administrator adds it."""

    status, code = 409, "buyer_street_missing"


@dataclass(frozen=True, slots=True)
class Wish:
    """How the buyer wants it: fetched by `collector`, or sent to `address`; `destination` is where it really goes."""

    mode: ReleaseMode
    destination: str
    address: str = ""
    collector: str = ""


@dataclass(frozen=True, slots=True)
class House:
    """What the house signs with; without its keys it signs nothing and issues no passport."""

    hand: HouseHand | None
    issuer: Issuer | None


async def prepare(
    session: AsyncSession, invoice: Invoice, wish: Wish, *, lots: Sequence[str] | None = None, by: str, now: datetime
) -> Release:
    """The goods of the invoice, or of these lots, that nobody has asked for yet go this way. Asked again for the same
    before anything was packed, the wish is changed."""
    if InvoiceState(invoice.state) not in TAKES:
        raise ActNotAllowed(state=invoice.state)
    _taxed_for(invoice, wish.destination)
    await goods.keep(session, invoice, now)
    rows = [
        one for one in await release_queries.goods_of(session, invoice, lock=True) if lots is None or one.lot in lots
    ]
    fresh = [one for one in rows if one.state == G.RESERVED and one.release is None]
    if not fresh:
        asked = [one for one in await release_queries.of_invoice(session, invoice) if one.state == G.RESERVED]
        if not asked:
            raise ActNotAllowed(state=rows[0].state if rows else invoice.state)
        return await change(session, asked[0], wish, by=by, now=now)
    release = Release(
        public_id=ulid(now), invoice_id=invoice.id, company_id=invoice.company_id, mode=wish.mode, state=G.RESERVED
    )
    release.office, release.destination = invoice.entity.lower(), wish.destination
    release.address, release.collector = wish.address, wish.collector
    release.picked, release.weighed, release.prepared_by, release.prepared_at = {}, {}, by, now
    session.add(release)
    for one in fresh:
        one.release, one.changed_at = release.public_id, now
    await session.flush()
    await _with_buyer(session, release, invoice)
    told(session, "asked", release, by, now, mode=release.mode, destination=release.destination)
    return release


async def change(session: AsyncSession, release: Release, wish: Wish, *, by: str, now: datetime) -> Release:
    """Another way to go, until it is released. What was packed for the other way is packed anew."""
    must(release, G.RESERVED)
    said = (release.mode, release.destination, release.address, release.collector)
    if said == (wish.mode, wish.destination, wish.address, wish.collector):
        return release
    _taxed_for(await release_queries.invoice_of(session, release), wish.destination)
    release.mode, release.destination = wish.mode, wish.destination
    release.address, release.collector = wish.address, wish.collector
    release.carrier, release.insured_minor, release.packed_at = "", None, None
    release.version += 1
    await session.flush()
    told(session, "changed", release, by, now, mode=release.mode, destination=release.destination)
    return release


async def pick(session: AsyncSession, release: Release, stone: str, *, by: str, now: datetime) -> None:
    """The stone was taken from its place and lies with the others."""
    must(release, G.RESERVED)
    await _belongs(session, release, stone)
    if stone not in release.picked:
        release.picked = {**release.picked, stone: {"by": by, "at": now.isoformat()}}
        await session.flush()


async def weigh(session: AsyncSession, release: Release, stone: str, mct: int, *, by: str, now: datetime) -> None:
    """The stone weighs as it goes what it weighed as it came, within one milli-carat."""
    must(release, G.RESERVED)
    await _belongs(session, release, stone)
    if stone not in release.picked:
        raise NotReady(stone=stone)
    if "memo" in release.weighed.get(stone, {}):
        raise ActNotAllowed(state="on_memo")
    if not 0 < mct <= custody_keeping.HEAVIEST_MCT:
        raise BadInput(fields={"weight": "bad_input"})
    low, high = (await release_queries.masses(session, [stone]))[stone]
    if not low <= mct <= high:
        raise WeightDiffers(stone=stone, low=low, high=high, mct=mct)
    if release.weighed.get(stone, {}).get("mct") != mct:
        release.weighed = {**release.weighed, stone: {"mct": mct, "by": by, "at": now.isoformat()}}
        if release.packed_at is not None:  # what the papers say changed
            release.packed_at, release.version = None, release.version + 1
        await session.flush()


async def pack(
    session: AsyncSession, release: Release, *, carrier: str, insured_minor: int | None, by: str, now: datetime
) -> None:
    """Everything picked and weighed lies in one parcel, and its papers are being set: those of the customs only where
    they can name the buyer's street."""
    must(release, G.RESERVED)
    invoice = await release_queries.invoice_of(session, release)
    await _with_buyer(session, release, invoice)
    stones = await release_queries.stones_in(session, release, invoice)
    if not stones or any(one.stone not in release.weighed for one in stones):
        raise NotReady()
    if await release_queries.street_missing(session, invoice, release.destination):
        raise StreetMissing()
    if release.mode == ReleaseMode.CARRIER:
        worth = release_queries.worth_minor(invoice, await release_queries.lots_of(session, release))
        faults = {"carrier": "bad_input"} if not carrier else {}
        if insured_minor is None or insured_minor < worth:
            faults["insured"] = "insured_too_low"
        elif insured_minor > MOST:
            faults["insured"] = "bad_input"
        if faults:
            raise BadInput(fields=faults)
    else:
        carrier, insured_minor = "", None
    if release.packed_at is not None and (release.carrier, release.insured_minor) == (carrier, insured_minor):
        return
    if release.packed_at is not None:
        release.version += 1
    release.carrier, release.insured_minor, release.packed_at = carrier, insured_minor, now
    await session.flush()
    job = f"{release.public_id}/{release.version}"
    payload = {"release": release.public_id, "version": release.version}
    await jobs.enqueue(session, PAPERS, job, payload, due_at=now)
    told(session, "packed", release, by, now, version=release.version)


async def release_it(session: AsyncSession, release: Release, *, house: House, by: str, now: datetime) -> None:
    """Every condition holds today, and the goods may be handed over."""
    if release.state == G.RELEASED:
        return
    must(release, G.RESERVED)
    if release.packed_at is None:
        raise NotReady()
    await unbarred(session, release, house, now)
    release.state, release.released_at = G.RELEASED, now
    await goods.set_all(session, release, G.RELEASED, now)
    told(session, "released", release, by, now, mode=release.mode)


async def hold_back(session: AsyncSession, release: Release, *, by: str, now: datetime) -> None:
    """Released, and not to go after all: it waits again, and the pass that was given out opens nothing."""
    must(release, G.RELEASED)
    await undoing.held_back(session, release, by=by, now=now)


async def issue_pass(session: AsyncSession, release: Release, *, by: str, now: datetime) -> str:
    """A new pass for whoever fetches it; the one given out before opens nothing. The answer is its only copy."""
    if release.mode != ReleaseMode.COLLECTION:
        raise ActNotAllowed(state=release.mode)
    must(release, G.RELEASED)
    token = release_pass.made()
    release.pass_sha256 = release_pass.hash_of(token)
    await session.flush()
    told(session, "pass_issued", release, by, now)
    return token


async def unbarred(session: AsyncSession, release: Release, house: House, now: datetime) -> None:
    """Every condition holds today, or the act is refused with each that does not."""
    invoice = await release_queries.invoice_of(session, release)
    facts = await release_queries.facts_of(session, release, invoice, passports=house.issuer is not None, now=now)
    today = queries.local_day(invoice, now)
    if codes := release_rules.bars(facts, today):
        raise Barred(codes)


def must(release: Release, state: GoodsState) -> None:
    """It stands there, or the act is not allowed."""
    if release.state != state:
        raise ActNotAllowed(state=release.state)


def told(session: AsyncSession, what: str, release: Release, by: str, now: datetime, **facts: Any) -> None:
    """The event of an act on a release."""
    named = {"company_id": release.company_id, "office": release.office}
    events.record(session, f"release:{what}", release.public_id, by=by[:40], at=now, **named, **facts)


def _taxed_for(invoice: Invoice, destination: str) -> None:
    """The invoice charges what is right for goods that go there: else it is corrected first."""
    if not release_queries.tax_fits(invoice, destination):
        raise BadInput(fields={"destination": release_rules.Bar.TAX_UNFIT.value}, regime=invoice.regime)


async def _with_buyer(session: AsyncSession, release: Release, invoice: Invoice) -> None:
    """What the buyer bought on memo is in his hands: it is picked from nowhere, and goes as it was weighed out."""
    for one in await release_queries.stones_in(session, release, invoice):
        entry = await custody_keeping.open_entry(session, stone=one.stone)
        if entry is not None and entry.holder == ON_MEMO and one.stone not in release.weighed:
            went = {"by": entry.out_by, "at": entry.opened_at.isoformat()}
            release.picked = {**release.picked, one.stone: went}
            release.weighed = {**release.weighed, one.stone: {**went, "mct": entry.out_mct, "memo": entry.ref}}
    await session.flush()


async def _belongs(session: AsyncSession, release: Release, stone: str) -> None:
    invoice = await release_queries.invoice_of(session, release)
    if stone not in {one.stone for one in await release_queries.stones_in(session, release, invoice)}:
        raise BadInput(fields={"stone": "bad_input"})
