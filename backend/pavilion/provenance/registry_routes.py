"""How the registries are doing, for staff."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.provenance import registry_health
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.port import NAMES
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import page

router = APIRouter(tags=["provenance"])


@router.get("/staff/registries")
async def registries(
    request: Request, actor: Annotated[Actor, may(Permission.ORIGIN_SEE)], session: Reading, now: Now
) -> Response:
    connected: Registries = request.app.state.registries
    addresses = {name: connected.address_of(name) for name in NAMES}
    lines = await registry_health.health(session, addresses, now)
    return page(request, "provenance/registries.html", lines=lines, now=now)
