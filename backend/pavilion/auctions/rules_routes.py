"""The rules of a sale in words: as they were frozen, and for staff as they would be frozen now."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import board
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Sale
from pavilion.auctions.snapshots import rules_now
from pavilion.kernel.errors import NotFound
from pavilion.kernel.instants import from_stamp
from pavilion.webkit.deps import Reading
from pavilion.webkit.html import page

router = APIRouter(tags=["rules"])

Curator = Annotated[Actor, may(Permission.LOT_CURATE)]


@router.get("/sales/{sale}/rules")
async def rules(request: Request, sale: str, session: Reading) -> Response:
    row = await board.sale_of(session, sale)
    if row.rules is None:
        raise NotFound()
    return _page(request, row, row.rules, preview=False)


@router.get("/staff/sales/{sale}/rules")
async def preview(request: Request, sale: str, _actor: Curator, session: Reading) -> Response:
    row = await board.sale_of(session, sale, drafts=True)
    if row.type == SaleType.COLLECTION:
        raise NotFound()
    readable = row.opens_at is not None and row.first_close_at is not None and row.premium["bands"]
    doc = row.rules or (rules_now(session, row) if readable else None)
    return _page(request, row, doc, preview=row.rules is None)


def _page(request: Request, sale: Sale, doc: dict[str, Any] | None, *, preview: bool) -> Response:
    facts: dict[str, Any] = {"sale": sale, "doc": doc, "preview": preview}
    if doc is not None:
        facts |= {"opens_at": from_stamp(doc["opens_at"]), "first_end": from_stamp(doc["stagger"]["first"])}
        facts["hard_end"] = _hard_end(doc)
    return page(request, "auctions/rules.html", **facts)


def _hard_end(doc: dict[str, Any]) -> datetime | None:
    end = doc.get("soft_close", {}).get("hard_end")
    return from_stamp(end) if end else None
