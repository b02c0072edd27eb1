"""How a refusal reaches the reader: a page with a sentence and a next step, or problem+json for programs."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from pavilion.kernel.db import is_busy
from pavilion.kernel.errors import BadInput, ForeignRequest, NotFound, Refusal
from pavilion.webkit.html import page, sentence
from pavilion.webkit.log import get_logger, without_keys

log = get_logger()

CODES = {401: "signed_out", 403: "not_allowed", 404: "not_found", 405: "act_not_allowed", 413: "too_large"}
CODES |= {415: "wrong_type", 422: "bad_input", 429: "slow_down", 503: "engine_away"}


MACHINES = ("/api/", "/webhooks/", "/epcis/", "/credentials/", "/log/tile/", "/status/", "/did/", "/.well-known/")


def wants_json(request: Request) -> bool:
    """Programs: by the path that is theirs, or because they ask for JSON and for no page."""
    accept = request.headers.get("accept", "")
    return request.url.path.startswith(MACHINES) or ("json" in accept and "text/html" not in accept)


def problem(request: Request, status: int, code: str, facts: dict[str, Any]) -> JSONResponse:
    """RFC 9457, with our code beside the type; api spec 3."""
    body = {
        "type": f"/glossary#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": sentence(request, code, **facts),
        "request_id": getattr(request.state, "request_id", ""),
        "facts": facts,
    }
    headers = {"retry-after": "1"} if status in (429, 503) else {}
    return JSONResponse(body, status, media_type="application/problem+json", headers=headers)


def answer(request: Request, status: int, code: str, facts: dict[str, Any]) -> Response:
    if wants_json(request):
        return problem(request, status, code, facts)
    if status == 401 and request.method == "GET":
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(target)}", status_code=303)
    return page(request, "errors/refusal.html", status_code=status, status=status, code=code, facts=facts)


async def on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return answer(request, error.status, error.code, error.facts)


async def on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400 and wants_json(request):  # a body that is no JSON at all
        return answer(request, BadInput.status, BadInput.code, {})
    return answer(request, error.status_code, CODES.get(error.status_code, "bad_input"), {})


async def on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if any(part["loc"][:1] == ("path",) for part in error.errors()):
        return answer(request, NotFound.status, NotFound.code, {})
    fields = {".".join(str(part) for part in one["loc"][1:])[:60]: one["type"][:40] for one in error.errors()[:20]}
    return answer(request, BadInput.status, BadInput.code, {"fields": fields})


async def on_database(request: Request, error: Exception) -> Response:
    """Text that no database can hold (a NUL, a lone surrogate, a number past 64 bits) is bad input, not a bug. Whoever
    waited for other writers in vain is told to come again: nothing was done."""
    assert isinstance(error, DBAPIError)
    if type(error.orig).__name__ in BAD_VALUES or getattr(error.orig, "sqlstate", None) in BAD_TEXT:
        return answer(request, BadInput.status, BadInput.code, {})
    if is_busy(error) or getattr(error.orig, "sqlstate", None) in GIVEN_WAY:
        return answer(request, 503, "house_busy", {})
    return await on_bug(request, error)


BAD_VALUES = frozenset({"DataError", "OverflowError"})
BAD_TEXT = frozenset({"22021", "22P05"})  # PostgreSQL: bytes that are no characters of its encoding
GIVEN_WAY = frozenset({"40001", "40P01", "55P03"})  # PostgreSQL: two wanted the same, and this one gave way


async def on_bug(request: Request, error: Exception) -> Response:
    """A bug: the reader gets a number to quote, the log the rest."""
    log.error(
        "bug", path=without_keys(request.url.path), method=request.method, error=type(error).__name__, exc_info=error
    )
    if wants_json(request):
        return problem(request, 500, "our_fault", {})
    return page(request, "errors/refusal.html", status_code=500, status=500, code="our_fault", facts={})


def foreign(app: FastAPI) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("app", app)
        response = answer(Request(scope, receive), ForeignRequest.status, ForeignRequest.code, {})
        await response(scope, receive, send)

    return refuse


def refusing(app: FastAPI) -> Callable[[Scope, Receive, Send, Refusal], Awaitable[None]]:
    """How a middleware says no, in the words and the form of every other refusal."""

    async def refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
        scope.setdefault("app", app)
        response = answer(Request(scope, receive), refusal.status, refusal.code, refusal.facts)
        await response(scope, receive, send)

    return refuse


def install(app: FastAPI) -> None:
    app.add_exception_handler(Refusal, on_refusal)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(DBAPIError, on_database)
    app.add_exception_handler(Exception, on_bug)
