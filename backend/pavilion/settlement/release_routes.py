"""The desk that hands out what was sold: pick list, scale, parcel, release, hand-over; on a telephone at the safe."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.entities import entities
from pavilion.kernel import events
from pavilion.kernel.errors import BadInput, NotFound, Refusal
from pavilion.kernel.money import parse_minor
from pavilion.settlement import handing_over, release_pages, release_pass, release_queries, releasing, unanswered
from pavilion.settlement.handing_over import PassWrong, Seen
from pavilion.settlement.release_forms import (
    DOCUMENTS,
    GoForm,
    PackForm,
    PassForm,
    SentForm,
    StoneForm,
    WeightForm,
    mct_of,
)
from pavilion.settlement.release_models import Release
from pavilion.settlement.releasing import WeightDiffers
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page
from pavilion.webkit.upload import sent_file

router = APIRouter(tags=["releases"])

Desk = Annotated[Actor, may(Permission.RELEASE_PREPARE)]
LONGEST = 4 * 1024 * 1024  # a photograph of a signed receipt, or the customs' paper


@router.get("/staff/releases")
async def releases(request: Request, actor: Desk, session: Reading) -> Response:
    rows, unasked = await release_queries.waiting(session), await unanswered.of_house(session)
    return page(request, "settlement/releases.html", rows=rows, unasked=unasked, zones=_zones(), refused=None)


@router.post("/staff/releases/passes")
async def read_pass(
    request: Request, said: Annotated[PassForm, Form()], actor: Desk, session: Reading, now: Now
) -> Response:
    """The parcel that a pass is for, ready to be handed over."""
    found = await release_queries.by_pass(session, release_pass.hash_of(said.token))
    if found is not None:
        return await release_pages.show(request, session, found, now, token=said.token)
    rows, unasked = await release_queries.waiting(session), await unanswered.of_house(session)
    wrong = PassWrong()
    return page(
        request,
        "settlement/releases.html",
        status_code=wrong.status,
        rows=rows,
        unasked=unasked,
        zones=_zones(),
        refused=wrong,
    )


@router.get("/staff/releases/{name}")
async def release_page(request: Request, name: str, actor: Desk, session: Reading, now: Now) -> Response:
    return await release_pages.show(request, session, await _seen(session, actor, name), now)


@router.post("/staff/releases/{name}/picks")
async def pick(
    request: Request, name: str, said: Annotated[StoneForm, Form()], actor: Desk, session: Writing, now: Now
) -> Response:
    release = await _locked(session, actor, name)
    await releasing.pick(session, release, said.stone, by=_by(actor), now=now)
    return RedirectResponse(f"/staff/releases/{name}#{said.stone}", status_code=303)


@router.post("/staff/releases/{name}/weights")
async def weigh(
    request: Request, name: str, said: Annotated[WeightForm, Form()], actor: Desk, session: Writing, now: Now
) -> Response:
    """On the scale; another weight than it came with is recorded, and nothing goes on."""
    release = await _locked(session, actor, name)
    mct = mct_of(said.weight)
    try:
        if mct is None:
            raise BadInput(fields={"weight": "bad_input"}, stone=said.stone)
        await releasing.weigh(session, release, said.stone, mct, by=_by(actor), now=now)
    except WeightDiffers as refused:
        facts = {"company_id": release.company_id, "office": release.office, **refused.facts}
        events.record(session, "release:weight_differs", release.public_id, by=_by(actor), at=now, **facts)
        await session.flush()
        return await release_pages.show(request, session, release, now, refused=refused)
    except BadInput as refused:
        return await release_pages.show(request, session, release, now, refused=refused)
    return RedirectResponse(f"/staff/releases/{name}#{said.stone}", status_code=303)


@router.post("/staff/releases/{name}/packing")
async def pack(
    request: Request, name: str, said: Annotated[PackForm, Form()], actor: Desk, session: Writing, now: Now
) -> Response:
    release = await _locked(session, actor, name)
    invoice = await release_queries.invoice_of(session, release)
    insured = parse_minor(said.insured, invoice.currency) if said.insured else None
    try:
        await releasing.pack(session, release, carrier=said.carrier, insured_minor=insured, by=_by(actor), now=now)
    except (BadInput, releasing.NotReady, releasing.StreetMissing) as refused:
        typed = said.model_dump()
        return await release_pages.show(request, session, release, now, refused=refused, said=typed)
    return RedirectResponse(f"/staff/releases/{name}#release", status_code=303)


@router.post("/staff/releases/{name}/state")
async def go(
    request: Request, name: str, said: Annotated[GoForm, Form()], actor: Desk, session: Writing, now: Now
) -> Response:
    """Released, held back after all, or received."""
    release = await _locked(session, actor, name)
    try:
        if said.act == "release":
            signed = release_pages.house(request)
            await releasing.release_it(session, release, house=signed, by=_by(actor), now=now)
        elif said.act == "hold_back":
            await releasing.hold_back(session, release, by=_by(actor), now=now)
        else:
            await handing_over.received(session, release, by=_by(actor), now=now)
    except (releasing.Barred, releasing.NotReady) as refused:
        return await release_pages.show(request, session, release, now, refused=refused)
    return RedirectResponse(f"/staff/releases/{name}", status_code=303)


@router.post("/staff/releases/{name}/hand-over")
async def hand_over(request: Request, name: str, actor: Desk, now: Now) -> Response:
    """In person: pass, identity document seen, signature. What is refused has changed nothing."""
    sent = await sent_file(request, LONGEST)
    document = sent.said.get("document", "")
    seen = Seen(
        token=sent.said.get("token", "")[:80],
        document=document if document in DOCUMENTS else "",
        signature=sent.content,
        media=release_pages.media_of(sent.content, release_pages.PICTURES),
    )
    return await _handed(request, name, actor, seen, now)


@router.post("/staff/releases/{name}/dispatch")
async def dispatch(request: Request, name: str, said: Annotated[SentForm, Form()], actor: Desk, now: Now) -> Response:
    """To the carrier, against the bill."""
    return await _handed(request, name, actor, Seen(airway_bill=said.airway_bill), now)


@router.post("/staff/releases/{name}/export-proof")
async def export_proof(request: Request, name: str, actor: Desk, session: Writing, now: Now) -> Response:
    sent = await sent_file(request, LONGEST)
    media = release_pages.media_of(sent.content, release_pages.PAPERS)
    release = await _locked(session, actor, name)
    await handing_over.prove_export(session, release, sent.content, media, by=_by(actor), now=now)
    return RedirectResponse(f"/staff/releases/{name}#papers", status_code=303)


async def _handed(request: Request, name: str, actor: Actor, seen: Seen, now: Now) -> Response:
    """One transaction; a refusal undoes all of it before the page is shown."""
    sessions, signed = request.app.state.sessions, release_pages.house(request)
    refused: Refusal | None = None
    try:
        async with sessions.begin() as session:
            release = await _locked(session, actor, name)
            await handing_over.hand_over(session, release, seen, house=signed, by=_by(actor), now=now)
    except (BadInput, releasing.Barred, PassWrong) as found:
        refused = found
    if refused is None:
        return RedirectResponse(f"/staff/releases/{name}", status_code=303)
    async with sessions() as session:
        release = await _seen(session, actor, name)
        return await release_pages.show(request, session, release, now, refused=refused, token=seen.token)


async def _seen(session: AsyncSession, actor: Actor, name: str) -> Release:
    found = await release_queries.visible(session, actor, name)
    if found is None:
        raise NotFound()
    return found


async def _locked(session: AsyncSession, actor: Actor, name: str) -> Release:
    found = await release_queries.locked(session, actor, name)
    if found is None:
        raise NotFound()
    return found


def _zones() -> dict[str, str]:
    """Where each selling entity hands over."""
    return {code: one.zone for code, one in entities().items()}


def _by(actor: Actor) -> str:
    assert actor.public_id is not None
    return actor.public_id
