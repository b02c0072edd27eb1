"""The interface for programs says what it is."""

import asyncio

from fastapi import APIRouter, Request, Response

from pavilion.pages.openapi import document
from pavilion.webkit.answers import OpenDocument, answers
from pavilion.webkit.etags import tagged

router = APIRouter(tags=["partners"])


@router.get("/api/v1/openapi.json", responses=answers({200: OpenDocument, 304: None}))
async def openapi(request: Request) -> Response:
    """Every door for programs: what it takes, what it answers, and each refusal by its code."""
    state = request.app.state
    if not hasattr(state, "openapi"):  # seconds of work, once: in a thread, for the loop is everybody's
        making = asyncio.to_thread(document, request.app.routes, state.settings.public_url)
        state.openapi = asyncio.ensure_future(making)
    return tagged(request, await asyncio.shield(state.openapi))
