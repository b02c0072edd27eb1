"""What a buyer sees of the goods: the way they go, the pass for who fetches them, the stones and all their papers."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

import segno
from anyio import to_thread
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from pavilion.accounts.deps import SignedInActor
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.entities import entities
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound
from pavilion.kernel.ids import is_ulid
from pavilion.settlement import (
    clearing,
    handing_over,
    owned_stones,
    ownership,
    release_pages,
    release_pass,
    release_queries,
    releasing,
    stone_bundle,
    unanswered,
)
from pavilion.settlement.release_forms import WishForm
from pavilion.settlement.release_models import LEAVING, Goods, GoodsState, Release, ReleaseFile, ReleaseMode
from pavilion.settlement.releasing import Wish
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.figures import Figures
from pavilion.webkit.html import Pages, page

router = APIRouter(tags=["releases"])


@router.get("/desk/invoices/{number}/release")
async def way(request: Request, number: str, actor: SignedInActor, session: Reading, now: Now) -> Response:
    """How the goods of an invoice go, or are to go."""
    return await _way(request, session, actor, number, now)


@router.post("/desk/invoices/{number}/release")
async def choose(
    request: Request,
    number: str,
    said: Annotated[WishForm, Form()],
    actor: SignedInActor,
    session: Writing,
    now: Now,
) -> Response:
    """By the buyer, or by the desk for them."""
    found = await release_pages.invoice_named(session, actor, number)
    if not _may_choose(actor, found.company_id):
        raise NotAllowed()
    pages: Pages = request.app.state.pages
    if faults := said.faults([cc for cc, _ in Figures(pages.tongues["en"]).countries()]):
        return await _way(request, session, actor, number, now, said=said, faults=faults)
    invoice = await release_queries.locked_invoice(session, found.id)
    collected = said.mode == ReleaseMode.COLLECTION
    wish = Wish(said.mode, said.destination, "" if collected else said.address, said.collector if collected else "")
    assert actor.public_id is not None
    try:
        release = await releasing.prepare(session, invoice, wish, by=actor.public_id, now=now)
    except BadInput as refused:
        return await _way(request, session, actor, number, now, said=said, faults=refused.fields)
    desk = actor.may(Permission.RELEASE_PREPARE)
    where = f"/staff/releases/{release.public_id}" if desk else f"/desk/invoices/{number}/release?done=asked"
    return RedirectResponse(where, status_code=303)


@router.get("/desk/stones")
async def stones(
    request: Request,
    actor: SignedInActor,
    session: Reading,
    q: Annotated[str, Query(max_length=80)] = "",
    after: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Response:
    """The stones that the company bought here and has not sold since."""
    company, said = actor.company_id or 0, " ".join(q.split())
    found = await owned_stones.page_of(session, company, said=said, after=after)
    invoices = {one.invoice.id: one.invoice for one in found.stones}
    onwards = {"q": said} if said else {}
    return page(
        request,
        "settlement/stones.html",
        found=found,
        total=await owned_stones.count(session, company),
        said=said,
        first=after is None,
        following="/desk/stones?" + urlencode({**onwards, "after": found.after}) if found.after else None,
        unanswered=await unanswered.of_company(session, company) if company else [],
        disputed=await clearing.disputed(session, invoices.values()),
    )


@router.get("/desk/stones/{stone}/bundle.zip")
async def bundle(request: Request, stone: str, actor: SignedInActor, session: Reading, now: Now) -> Response:
    """Invoice, papers, passport: to nobody but its present owner."""
    owned = await ownership.owned_by(session, actor.company_id or 0, stone) if is_ulid(stone) else ()
    if not owned:
        raise NotFound()
    files = await stone_bundle.files_of(session, owned[0], release_pages.press_of(request), now)
    data = await to_thread.run_sync(stone_bundle.zipped, files)
    headers = {"content-disposition": f'attachment; filename="{stone}.zip"', "cache-control": "private, no-store"}
    return Response(data, media_type="application/zip", headers=headers)


@router.post("/desk/releases/{name}/pass")
async def issue_pass(request: Request, name: str, actor: SignedInActor, session: Writing, now: Now) -> Response:
    """A pass, shown this once; the one before it opens nothing any more."""
    release = await _own(session, actor, name)
    token = await releasing.issue_pass(session, release, by=actor.public_id or "", now=now)
    invoice = await release_queries.invoice_of(session, release)
    answer = page(
        request,
        "settlement/release_pass.html",
        release=release,
        invoice=invoice,
        entity=entities()[invoice.entity],
        code=_code(token),
        grouped=release_pass.grouped(token),
    )
    answer.headers["cache-control"] = "private, no-store"
    return answer


@router.post("/desk/releases/{name}/received")
async def received(request: Request, name: str, actor: SignedInActor, session: Writing, now: Now) -> Response:
    release = await _own(session, actor, name)
    await handing_over.received(session, release, by=actor.public_id or "", now=now)
    invoice = await release_queries.invoice_of(session, release)
    return RedirectResponse(f"/desk/invoices/{invoice.number}/release?done=received", status_code=303)


@router.get("/desk/releases/{name}/files/{file:int}")
async def file_of(request: Request, name: str, file: int, actor: SignedInActor, session: Reading) -> Response:
    """A paper of the release; what was seen at its end is for the desk."""
    release = await release_queries.visible(session, actor, name)
    found = await session.get(ReleaseFile, file) if file < 2**53 else None
    if release is None or found is None or found.release_id != release.id:
        raise NotFound()
    if not found.lang and not actor.may(Permission.RELEASE_PREPARE):
        raise NotFound()
    ending = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}[found.media]
    told = f"{release.public_id}-{found.kind}{'-' if found.lang else ''}{found.lang}.{ending}"
    headers = {"content-disposition": f'attachment; filename="{told}"', "cache-control": "private, no-store"}
    return Response(found.content, media_type=found.media, headers=headers)


async def _way(
    request: Request,
    session: Reading,
    actor: Actor,
    number: str,
    now: datetime,
    *,
    said: WishForm | None = None,
    faults: dict[str, str] | None = None,
) -> Response:
    invoice = await release_pages.invoice_named(session, actor, number)
    releases = await release_queries.of_invoice(session, invoice)
    lists = {one.public_id: await release_pages.pick_list(session, one, invoice) for one in releases}
    files = {one.public_id: await release_queries.files_of(session, one) for one in releases}
    goods = await release_queries.goods_of(session, invoice)
    return page(
        request,
        "settlement/way.html",
        status_code=422 if faults else 200,
        invoice=invoice,
        disputed=invoice.id in await clearing.disputed(session, (invoice,)),
        releases=releases,
        lists=lists,
        files=files,
        gone=_gone(goods),
        unfit={
            one.public_id: one.state in LEAVING and not release_queries.tax_fits(invoice, one.destination)
            for one in releases
        },
        offered=await release_pages.offered(session, request, invoice, now, *[one.destination for one in releases]),
        street_missing=not _gone(goods)
        and await release_queries.street_missing(session, invoice, (releases[0] if releases else invoice).destination),
        open_choice=_open(invoice.state, releases, goods) and _may_choose(actor, invoice.company_id),
        said=said,
        faults=faults or {},
        zone=entities()[invoice.entity].zone,
        entity=entities()[invoice.entity],
        done=request.query_params.get("done", "")[:12],
    )


def _gone(goods: Sequence[Goods]) -> bool:
    return bool(goods) and all(row.state in (GoodsState.HANDED_OVER, GoodsState.RECEIVED) for row in goods)


def _open(state: str, releases: Sequence[Release], goods: Sequence[Goods]) -> bool:
    """Whether there is still something to say of the way."""
    if state not in releasing.TAKES:
        return False
    unasked = not goods or any(row.state == "reserved" and row.release is None for row in goods)
    return unasked or any(one.state == "reserved" for one in releases)


def _may_choose(actor: Actor, company_id: int) -> bool:
    own = actor.company_id == company_id and actor.may(Permission.INVOICE_PAY)
    return own or actor.may(Permission.RELEASE_PREPARE)


async def _own(session: Writing, actor: Actor, name: str) -> Release:
    """A release of the own company, locked. The desk gives out no pass: it is for who fetches the goods."""
    release = await release_queries.locked(session, actor, name)
    if release is None or release.company_id != actor.company_id:
        raise NotFound()
    return release


def _code(token: str) -> Markup:
    """The token and nothing else, as a code that the desk's telephone reads."""
    image = io.BytesIO()
    made = segno.make_qr(token, error="m")
    made.save(
        image, kind="svg", border=4, light="#fff", omitsize=True, xmldecl=False, svgclass="pass-code", lineclass=None
    )
    return Markup(image.getvalue().decode())  # noqa: S704 - drawn here, of letters and digits only
