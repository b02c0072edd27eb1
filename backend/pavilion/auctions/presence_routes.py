"""What the open page of a lot says of itself: here, and gone."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import presence
from pavilion.webkit.deps import Now, Writing

router = APIRouter(prefix="/staff/sales", tags=["curation"])

Curator = Annotated[Actor, may(Permission.LOT_CURATE)]


class Presence(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    gone: Literal["", "yes"] = ""


@router.post("/{sale}/lots/{lot}/presence")
async def say(
    sale: str, lot: str, said: Annotated[Presence, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    """Who else has the lot open."""
    if said.gone:
        await presence.gone(session, sale=sale, lot=lot, actor=actor)
        return JSONResponse({"others": []})
    return JSONResponse({"others": await presence.here(session, sale=sale, lot=lot, actor=actor, now=now)})
