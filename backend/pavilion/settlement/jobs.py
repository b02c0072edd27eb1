"""What settlement does by itself: drafts from sold lots, issue after the close, papers, overdue invoices."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from anyio import to_thread
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import jobs
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.errors import Refusal
from pavilion.settlement import crediting, document, invoicing, legal, note_document, queries, sold, stopping
from pavilion.settlement.legal_models import LegalPaper
from pavilion.settlement.models import InvoicePaper
from pavilion.settlement.note_models import Paper
from pavilion.webkit import pdf
from pavilion.webkit.i18n import LANGUAGES, Lang, Tongue

AT_ONCE = 200  # papers in one turn
NOTE = "credit_note"


async def bill_sold_lots(sessions: Sessions, now: datetime) -> int:
    """Every lot under the hammer stands on its buyer's draft; drafts of a closed sale are issued, each by itself, so
    that one which may not be issued now holds up no other."""
    async with reading(sessions) as session:
        waiting = await sold.sales_to_bill(session)
    done = 0
    for sale in waiting:
        async with sessions.begin() as session:
            billed, ready = await _draft(session, sale, now)
        done += billed
        for draft in ready:
            done += await _issue(sessions, draft, now)
    return done


async def _draft(session: AsyncSession, sale: str, now: datetime) -> tuple[int, list[int]]:
    """How many lots came onto drafts now, and the drafts that wait for nothing any more."""
    found = await sold.of_sale(session, sale)
    stopped = await stopping.look(session, sale, now)
    passed_over = stopped | await queries.billed(session, sale)
    billed = 0
    for buyer, lots in found.by_buyer.items():
        if free := [lot for lot in lots if lot.lot not in passed_over]:
            await invoicing.add_lots(session, terms=found.terms, buyer=buyer, lots=free, now=now)
            billed += len(free)
    if not found.closed:
        return billed, []
    ready = []
    for draft in await queries.drafts_of(session, sale):
        held = {line.lot for line in draft.lines} & stopped
        if draft.regime is not None and not held and not draft.facts.get("waits"):  # these wait for a person
            ready.append(draft.id)
    return billed, ready


async def _issue(sessions: Sessions, draft: int, now: datetime) -> int:
    """Issued, or left a draft whose page says what refuses it."""
    try:
        async with sessions.begin() as session:
            await invoicing.issue(session, await crediting.locked(session, draft), now)
    except Refusal:
        return 0
    return 1


async def set_papers(sessions: Sessions, now: datetime, tongues: Mapping[Lang, Tongue]) -> int:
    """The PDF of each issued invoice and credit note in both languages is set, hashed and kept; the number was given
    before, so a failed one burns none and is tried again."""
    done = 0
    while done < AT_ONCE:
        job = await jobs.taken(sessions, now, kinds=[invoicing.RENDER, crediting.RENDER])
        if job is None:
            break
        try:
            if job.kind == crediting.RENDER:
                await _set_note(sessions, job.payload["note"], tongues, now)
            else:
                await _set_paper(sessions, job.payload["invoice"], tongues)
                await _set_legal_papers(sessions, job.payload["invoice"], tongues, now)
        except Exception as error:
            async with sessions.begin() as session:
                await jobs.failed(session, job.id, f"{type(error).__name__}: {error}", now)
            raise
        async with sessions.begin() as session:
            await jobs.done(session, job.id)
        done += 1
    return done


async def _set_paper(sessions: Sessions, public_id: str, tongues: Mapping[Lang, Tongue]) -> None:
    async with sessions() as session:
        invoice = await queries.invoice_by_public_id(session, public_id)
        known = {lang for lang in LANGUAGES if await queries.paper_of(session, invoice, lang)}
    made = {
        lang: await to_thread.run_sync(pdf.render, "invoice.typ", document.data_of(invoice, tongues[lang]))
        for lang in LANGUAGES
        if lang not in known
    }
    async with sessions.begin() as session:
        for lang, file in made.items():
            digest = sha256(file).hexdigest()
            session.add(InvoicePaper(invoice_id=invoice.id, lang=lang, sha256=digest, pdf=file))


async def _set_note(sessions: Sessions, public_id: str, tongues: Mapping[Lang, Tongue], now: datetime) -> None:
    async with sessions() as session:
        note = await crediting.note_named(session, public_id)
        invoice = await crediting.invoice_of(session, note)
        known = {lang for lang in LANGUAGES if await session.get(Paper, (public_id, NOTE, lang))}
    made = {
        lang: await to_thread.run_sync(
            pdf.render, "credit_note.typ", note_document.data_of(note, invoice, tongues[lang])
        )
        for lang in LANGUAGES
        if lang not in known
    }
    async with sessions.begin() as session:
        for lang, file in made.items():
            digest = sha256(file).hexdigest()
            session.add(Paper(owner=public_id, kind=NOTE, lang=lang, sha256=digest, pdf=file, at=now))


async def _set_legal_papers(sessions: Sessions, public_id: str, tongues: Mapping[Lang, Tongue], now: datetime) -> None:
    """The papers that the destination's law asks for are in the pack, one by one, so that a stop loses none."""
    async with sessions() as session:
        invoice = await queries.invoice_by_public_id(session, public_id)
        papers = await legal.due(session, invoice, now)
        known = {
            (one.kind, one.stone, one.lang) for lang in LANGUAGES for one in await legal.kept(session, invoice, lang)
        }
    for paper in papers:
        rows = []
        for lang in LANGUAGES:
            if (paper.kind, paper.stone, lang) in known:
                continue
            data = legal.data_of(paper, invoice, tongues[lang], now)
            made = await to_thread.run_sync(pdf.render, "statement.typ", data)
            row = LegalPaper(invoice_id=invoice.id, stone=paper.stone, kind=paper.kind, lang=lang, made_at=now)
            row.entry, row.law_sha256, row.verdict_sha256 = paper.entry, paper.law_sha256, paper.verdict_sha256
            row.sha256, row.pdf = sha256(made).hexdigest(), made
            rows.append(row)
        async with sessions.begin() as session:
            session.add_all(rows)
