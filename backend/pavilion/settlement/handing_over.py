"""The hand-over: in person with pass, identity document and signature, or to a secured carrier with its bill. Custody,
the stone's record, its passport and the goods change in one transaction."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.kernel.errors import ActNotAllowed, BadInput, Refusal
from pavilion.provenance import custody_keeping, handling, issuing
from pavilion.provenance.custody_keeping import GONE, Load, Weighed
from pavilion.provenance.handling import Transferred
from pavilion.settlement import goods, ownership, release_pass, release_queries
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.models import Invoice
from pavilion.settlement.ownership import SoldStone
from pavilion.settlement.release_models import LEAVING, GoodsState, Release, ReleaseFile, ReleaseMode
from pavilion.settlement.releasing import House, must, told, unbarred
from pavilion.trading.memo_desk import HOLDER as ON_MEMO

G = GoodsState


class PassWrong(Refusal):
    """Another pass, or one that was given out before the present one."""

    status, code = 409, "release_pass_wrong"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen at the hand-over. In person: the pass, an identity document, a signature. By carrier: its bill."""

    token: str = ""
    document: str = ""
    signature: bytes | None = None
    media: str = ""
    airway_bill: str = ""


async def hand_over(
    session: AsyncSession, release: Release, seen: Seen, *, house: House, by: str, now: datetime
) -> None:
    """The goods are in the buyer's hands, or on their way: custody entry, TRANSFERRED event, passport and goods stand
    together or not at all. The caller has locked the invoice and the release."""
    if release.state == G.HANDED_OVER:
        return
    must(release, G.RELEASED)
    invoice = await release_queries.invoice_of(session, release)
    stones = await release_queries.stones_in(session, release, invoice)
    await issuing.held_still(session, [one.stone for one in stones])
    await unbarred(session, release, house, now)
    await _witnessed(session, release, invoice, seen, now)
    await _out_of_custody(session, release, stones, by, now)
    terms = await terms_of(session, invoice.sale, invoice.entity)
    if not terms.ownership_on_payment:
        lots = await release_queries.lots_of(session, release)
        await ownership.pass_on(session, invoice, hand=house.hand, stays=False, lots=lots, by=by, now=now)
    if house.hand is not None:
        events = await _transferred(session, release, invoice, stones)
        await handling.record_transferred(session, events, hand=house.hand, by=by, now=now)
    if house.issuer is not None:
        await issuing.brought_up_within(session, house.issuer, [one.stone for one in stones], now)
    release.state, release.handed_at, release.handed_by = G.HANDED_OVER, now, by
    await goods.set_all(session, release, G.HANDED_OVER, now)
    stones_gone = [one.stone for one in stones]
    told(session, "handed_over", release, by, now, mode=release.mode, stones=stones_gone, number=invoice.number)


async def received(session: AsyncSession, release: Release, *, by: str, now: datetime) -> None:
    """The buyer has it."""
    if release.state == G.RECEIVED:
        return
    must(release, G.HANDED_OVER)
    release.state, release.received_at = G.RECEIVED, now
    await goods.set_all(session, release, G.RECEIVED, now)
    told(session, "received", release, by, now)


async def prove_export(
    session: AsyncSession, release: Release, content: bytes, media: str, *, by: str, now: datetime
) -> None:
    """The proof that the goods left the country is kept with its hash; the first one counts. What a buyer brings who
    takes them along is kept before the hand-over, which it does not stand for: it says that they are to leave."""
    if release.state in LEAVING:
        if not release_queries.leaves_by_hand(release, await release_queries.invoice_of(session, release)):
            raise ActNotAllowed(state=release.state)
        kind = release_queries.leaving_paper(release).removesuffix("_")
        await _keep(session, release, kind, content, media, now)
        told(session, "leaving_shown", release, by, now, destination=release.destination)
        return
    if release.state not in (G.HANDED_OVER, G.RECEIVED):
        raise ActNotAllowed(state=release.state)
    await _keep(session, release, "export_proof", content, media, now)
    if release.export_proof_at is None:
        release.export_proof_at = now
        told(session, "export_proved", release, by, now)


async def _witnessed(session: AsyncSession, release: Release, invoice: Invoice, seen: Seen, now: datetime) -> None:
    if release.mode == ReleaseMode.CARRIER:
        if not seen.airway_bill:
            raise BadInput(fields={"airway_bill": "bad_input"})
        worth = release_queries.worth_minor(invoice, await release_queries.lots_of(session, release))
        if (release.insured_minor or 0) < worth:
            raise BadInput(fields={"insured": "insured_too_low"})
        release.airway_bill = seen.airway_bill
        return
    if release.pass_sha256 is None or not secrets.compare_digest(release_pass.hash_of(seen.token), release.pass_sha256):
        raise PassWrong()
    faults = {} if seen.document else {"document": "bad_input"}
    if not seen.signature:
        faults["file"] = "file_missing"
    if faults or seen.signature is None:
        raise BadInput(fields=faults)
    release.document_seen = seen.document
    release.signature_sha256 = await _keep(session, release, "signature", seen.signature, seen.media, now)


async def _out_of_custody(
    session: AsyncSession, release: Release, stones: Sequence[SoldStone], by: str, now: datetime
) -> None:
    taker = release.collector or f"{release.carrier} {release.airway_bill}"
    for one in sorted(stones, key=lambda each: each.stone):
        entry = await custody_keeping.open_entry(session, stone=one.stone)
        if entry is not None and entry.holder == ON_MEMO:  # bought by who has it
            await custody_keeping.keeps(session, entry, ref=release.public_id, by=by, now=now)
            continue
        await custody_keeping.hand_out(
            session,
            Load((one.stone,)),
            Weighed(release.weighed[one.stone]["mct"]),
            holder=GONE,
            place=release.office,
            ref=release.public_id,
            by=by,
            to=taker[:120] or release.public_id,
            now=now,
        )


async def _transferred(
    session: AsyncSession, release: Release, invoice: Invoice, stones: Sequence[SoldStone]
) -> list[Transferred]:
    company = await session.get_one(Company, invoice.company_id)
    before = await custody_keeping.last_weights(session, [one.stone for one in stones])
    return [
        Transferred(
            stone=one.stone,
            place=release.office,
            country=invoice.facts["seller"]["country"],
            to_company=company.public_id,
            destination=release.destination,
            release=release.public_id,
            carrier=release.carrier,
            mct_before=before.get(one.stone),
            mct_after=release.weighed[one.stone]["mct"],
        )
        for one in stones
    ]


async def _keep(session: AsyncSession, release: Release, kind: str, content: bytes, media: str, now: datetime) -> str:
    digest = hashlib.sha256(content).hexdigest()
    mine = ReleaseFile.release_id == release.id
    if await session.scalar(select(ReleaseFile.id).where(mine, ReleaseFile.sha256 == digest)) is None:
        count = await session.scalar(select(func.count(ReleaseFile.id)).where(mine, ReleaseFile.lang == "")) or 0
        row = ReleaseFile(release_id=release.id, version=release.version, sha256=digest, media=media)
        row.kind, row.content, row.at = f"{kind}_{count + 1}", content, now
        session.add(row)
        await session.flush()
    return digest
