"""Preview as buyer: the buyer's own pages, for a reader, a language and an instant that a curator chooses (curation
spec 8). Every such page says that it is one, runs no script and sends no form."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from pavilion.accounts import queries as accounts
from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, CompanyState, Permission
from pavilion.auctions import board
from pavilion.auctions.collection_page import show_collection
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Sale
from pavilion.auctions.rules import LotState, SaleState
from pavilion.auctions.wall_clock import local_instant, local_text
from pavilion.bidding import previewing, tender_routes
from pavilion.bidding.sale_pages import show_lot, show_sale
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed, NotFound
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.guards import HEADERS
from pavilion.webkit.html import page

router = APIRouter(prefix="/staff/sales", tags=["curation"])

Curator = Annotated[Actor, may(Permission.LOT_CURATE)]
Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,40}$")]
LOOKING = "content-security-policy"
_LINK = re.compile(
    r'href="(?:(?P<show>\?)|/(?P<kind>sales|collections|lots)/(?P<id>[0-9A-Za-z]+)(?P<deeper>[/?#][^"]*)?")'
)


class Seen(BaseModel):
    """Through whose eyes, in which language, and when by the clock of the sale."""

    company: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{0,40}$")] = ""
    lang: Literal["en", "zh"] = "en"
    at: Annotated[str, Field(max_length=30)] = ""

    def said(self, **other: str) -> str:
        return urlencode(self.model_dump() | other)


class Previewed(NamedTuple):
    """What the banner of a previewed page says."""

    company: str  # empty for an anonymous visitor
    at: datetime
    zone: str
    again: str  # where to choose anew
    other: str  # the same page in the other language


@router.get("/{sale}/preview/choice")
async def choice(
    request: Request, sale: Id, actor: Curator, session: Reading, now: Now, seen: Annotated[Seen, Query()]
) -> Response:
    """The form that asks for whom, in which language and when."""
    row = await board.sale_of(session, sale, drafts=True)
    chosen = _instant(row, seen, now)
    companies = await accounts.companies(session, CompanyState.APPROVED) if _takes_companies(row, actor) else []
    facts: dict[str, Any] = {"at": local_text(chosen, ZoneInfo(row.zone)), "companies": companies, "seen": seen}
    return page(request, "bidding/preview_choice.html", sale=row, **facts)


@router.get("/{sale}/preview")
async def sale_preview(
    request: Request,
    sale: Id,
    actor: Curator,
    session: Reading,
    now: Now,
    seen: Annotated[Seen, Query()],
    show: Annotated[str, Query(max_length=10)] = "all",
) -> Response:
    row, reader, at = await _chosen(session, sale, seen, actor, now)
    as_reader = _through(request, row, seen, reader, at)
    if row.type == SaleType.COLLECTION:
        return _marked(await _collection(as_reader, session, row, reader, at), row, seen)
    shown = await previewing.previewed_sale(session, row, reader, at)
    return _marked(await show_sale(as_reader, session, shown, reader, None, at, show), row, seen)


@router.get("/{sale}/preview/lots/{lot}")
async def lot_preview(
    request: Request, sale: Id, lot: Id, actor: Curator, session: Reading, now: Now, seen: Annotated[Seen, Query()]
) -> Response:
    row, reader, at = await _chosen(session, sale, seen, actor, now)
    if row.type == SaleType.COLLECTION:
        raise NotFound()  # its lots stand on its one page
    shown = await previewing.previewed_sale(session, row, reader, at)
    as_reader, found = _through(request, row, seen, reader, at), shown.lot(lot)
    if shown.rules.tender is not None:
        answer = await tender_routes.lot_page(as_reader, session, shown, found, reader, None, at)
    else:
        answer = await show_lot(as_reader, session, shown, found, reader, None, at)
    return _marked(answer, row, seen)


# -- what they share --------------------------------------------------------------------------------------------------


async def _chosen(session: Reading, sale: str, seen: Seen, actor: Actor, now: datetime) -> tuple[Sale, Actor, datetime]:
    row = await board.sale_of(session, sale, drafts=True)
    if seen.company and not _takes_companies(row, actor):
        if row.state not in previewing.UNOPENED:
            raise ActNotAllowed(state=row.state)
        raise NotAllowed(right=Permission.REGISTRATION_DECIDE.value)
    return row, await previewing.stand_in(session, seen.company, seen.lang), _instant(row, seen, now)


def _takes_companies(sale: Sale, actor: Actor) -> bool:
    """A draft knows no registration. Of a published sale a company's page shows its limit; of one that has opened, how
    it bid, and that is the company's own affair."""
    published = sale.state == SaleState.PUBLISHED and actor.may(Permission.REGISTRATION_DECIDE)
    return sale.state == SaleState.DRAFT or published


def _instant(sale: Sale, seen: Seen, now: datetime) -> datetime:
    try:
        return local_instant(seen.at, ZoneInfo(sale.zone)) or now
    except ValueError as fault:
        raise BadInput(fields={"at": "bad_input"}) from fault


async def _collection(request: Request, session: Reading, row: Sale, reader: Actor, at: datetime) -> Response:
    if row.opens_at is None:
        raise previewing.PreviewUnready()
    state = LotState.DRAFT if row.state == SaleState.DRAFT else LotState.LISTED
    return await show_collection(request, session, row, reader, state, on_offer=row.opens_at <= at)


def _through(request: Request, sale: Sale, seen: Seen, reader: Actor, at: datetime) -> Request:
    """The request as that reader's browser would have sent it: other eyes, the chosen language, no cookies."""
    choose = f"/staff/sales/{sale.public_id}/preview/choice?{seen.said()}"
    other = f"{request.url.path}?{seen.said(lang='en' if seen.lang == 'zh' else 'zh')}"
    banner = Previewed(reader.name, at, sale.zone, choose, other)
    state = {**request.scope["state"], "actor": reader, "previewed": banner}
    headers = [(b"host", request.headers.get("host", "").encode()), (b"accept-language", seen.lang.encode())]
    return Request({**request.scope, "state": state, "headers": headers})


def _marked(answer: Response, sale: Sale, seen: Seen) -> Response:
    """Links to the sale and its lots lead on within the preview, what is behind them for a buyer alone leads nowhere;
    scripts and forms are the browser's to refuse."""
    address, said = f"/staff/sales/{sale.public_id}/preview", seen.said().replace("&", "&amp;")

    def onward(link: re.Match[str]) -> str:
        if link["show"]:
            return f'href="?{said}&amp;'
        if link["deeper"] not in (None, "/room"):
            return 'aria-disabled="true"'
        return f'href="{address}/lots/{link["id"]}?{said}"' if link["kind"] == "lots" else f'href="{address}?{said}"'

    body = _LINK.sub(onward, bytes(answer.body).decode())
    kept = {name: value for name, value in answer.headers.items() if name != "content-length"}
    still = "script-src 'none'; connect-src 'none'; form-action 'none'"
    loose = [rule for rule in HEADERS[LOOKING].split("; ") if not rule.startswith(("script-", "connect-", "form-"))]
    policy = "; ".join([*loose, still])
    return Response(body, answer.status_code, kept | {"cache-control": "no-store", LOOKING: policy})
