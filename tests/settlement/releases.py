"""A paid invoice with one stone behind it, whose passport stands, and the desk that hands it out."""

from datetime import date, timedelta
from uuid import uuid4

from sqlalchemy import select

from pavilion.accounts.rules import Role
from pavilion.provenance import custody_keeping, issuing
from pavilion.provenance.custody_keeping import Load, Weighed
from pavilion.provenance.handling import HouseHand
from pavilion.settlement import (
    handing_over,
    invoicing,
    owning,
    papers,
    queries,
    receiving,
    release_queries,
    releasing,
)
from pavilion.settlement.handing_over import Seen
from pavilion.settlement.models import Invoice
from pavilion.settlement.release_models import LEAVING, Release, ReleaseFile, ReleaseMode
from pavilion.settlement.releasing import House, Wish
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from tests import make
from tests.make import HOUR, NOON
from tests.provenance import issued
from tests.settlement.test_invoicing import TERMS, buyer, sold

HAND = HouseHand("did:web:pavilion.example", b"the house's seed for its own key")
TONGUES = pages_of(static.frontend()).tongues
BASE = "https://pavilion.example"
WISH = Wish(ReleaseMode.COLLECTION, "HK", collector="Mei Lin")
SENT = Wish(ReleaseMode.CARRIER, "HK", address="Lumen Trading\n12 Hollywood Road\nHong Kong")
SEEN = Seen(document="passport", signature=b"\x89PNG a signature", media="image/png")
BY = "tomas"
MCT = 1010


def house():
    return House(HAND, issued.issuer())


class Case:
    """What a test holds of the one sale."""

    def __init__(self, invoice, stone, consignor):
        self.invoice, self.stone, self.consignor = invoice, stone, consignor


async def issued_sale(sessions, *, lot="L" * 26, passport=True, species="diamond"):
    """One stone sold to a buyer in Hong Kong, weighed in at 1.010 ct, on an issued invoice."""
    async with sessions.begin() as session:
        claim = await issued.keep(session, issued.claim())
    if passport:
        while await issuing.tick(sessions, issued.issuer(), NOON):
            pass
    async with sessions.begin() as session:
        entry = await custody_keeping.hand_out(
            session, Load((claim.stone,)), Weighed(MCT), holder="viewer", place="ant", ref="A-1", by="vic", to="wen",
            now=NOON,
        )  # fmt: skip
        await custody_keeping.hand_in(session, entry, Weighed(MCT), by="wen", to="vic", now=NOON)
        owner = await make.company(session, "Scheldt Diamonds", "BE")
        who = await buyer(session)
        lots = [sold(lot, consignor=owner.id, stones=[claim.stone], weight_mct=MCT, species=species)]
        draft = await invoicing.add_lots(session, terms=TERMS, buyer=who, lots=lots, now=NOON)
        invoice = await invoicing.issue(session, draft, NOON)
    return Case(invoice.public_id, claim.stone, owner.id)


async def pay(sessions, case, now=NOON + HOUR):
    async with sessions.begin() as session:
        persons = [await make.person(session, f"{uuid4().hex[:8]}@pavilion.example", (Role.CASHIER,)) for _ in "ab"]
        found = await queries.invoice_by_public_id(session, case.invoice)
        invoice = await release_queries.locked_invoice(session, found.id)
        receipt = receiving.wire(
            entity=invoice.entity, company_id=invoice.company_id, currency="USD", value_date=date(2026, 3, 2),
            amount_minor=await queries.open_minor(session, invoice), reference=uuid4().hex[:8], purpose="",
            persons=(persons[0].id, persons[1].id), now=now,
        )  # fmt: skip
        await receiving.book(session, receipt, invoice, by=BY)


async def paid_sale(sessions, **how):
    return await paid(sessions, await issued_sale(sessions, **how))


async def paid(sessions, case):
    await pay(sessions, case)
    while await owning.follow(sessions, HAND, NOON + HOUR):
        pass
    return case


async def act(sessions, case, verb, *facts, now=NOON + 2 * HOUR, **more):
    """One act on the one release of the case, as a route does it."""
    async with sessions.begin() as session:
        row = await loaded(session, case)
        invoice = await release_queries.locked_invoice(session, row.id)
        if verb is releasing.prepare:
            return await verb(session, invoice, *facts, by=BY, now=now, **more)
        (release,) = await release_queries.of_invoice(session, invoice)
        await session.refresh(release, with_for_update=True)
        return await verb(session, release, *facts, by=BY, now=now, **more)


async def loaded(session, case):
    return (await session.scalars(select(Invoice).where(Invoice.public_id == case.invoice))).one()


async def papers_there(sessions, *, leaving=True):
    """The papers of every packed release stand, unset: what they say is for one test alone."""
    async with sessions.begin() as session:
        for release in (await session.scalars(select(Release).where(Release.packed_at.is_not(None)))).all():
            invoice = await release_queries.invoice_of(session, release)
            there = {(row.kind, row.lang) for row in await release_queries.files_of(session, release)}
            by_hand = release_queries.leaves_by_hand(release, invoice) and release.state in LEAVING
            if leaving and by_hand:
                await handing_over.prove_export(session, release, b"%PDF leaving", papers.PDF, by=BY, now=NOON)
            for kind in await release_queries.papers_due(session, release, invoice, NOON):
                for lang in {"en", "zh"} - {lang for known, lang in there if known == kind}:
                    row = ReleaseFile(release_id=release.id, version=release.version, kind=kind, lang=lang)
                    row.sha256, row.media, row.content, row.at = "0" * 64, papers.PDF, b"%PDF", NOON
                    session.add(row)


async def packed(sessions, case, wish=WISH, *, mct=MCT, insured=2_000_000, real=False, leaving=True):
    release = await act(sessions, case, releasing.prepare, wish)
    if case.stone not in release.weighed:  # else its buyer has it on memo
        await act(sessions, case, releasing.pick, case.stone)
        await act(sessions, case, releasing.weigh, case.stone, mct)
    carrier = "Malca-Amit" if wish.mode == ReleaseMode.CARRIER else ""
    await act(sessions, case, releasing.pack, carrier=carrier, insured_minor=insured)
    while real and await papers.set_papers(sessions, NOON + 2 * HOUR, TONGUES, BASE):
        pass
    if not real:
        await papers_there(sessions, leaving=leaving)


async def released(sessions, case, wish=WISH):
    await packed(sessions, case, wish)
    await act(sessions, case, releasing.release_it, house=house())


async def handed(sessions, case, wish=WISH, now=NOON + 3 * HOUR):
    await released(sessions, case, wish)
    seen = Seen(airway_bill="176-1234 5675")
    if wish.mode == ReleaseMode.COLLECTION:
        token = await act(sessions, case, releasing.issue_pass)
        seen = Seen(token, SEEN.document, SEEN.signature, SEEN.media)
    await act(sessions, case, handing_over.hand_over, seen, house=house(), now=now)


LATER = NOON + timedelta(days=1)
