"""Every answer of the interface for programs, in whatever test, is held to what its route declares."""

import functools
import json

import jsonschema_rs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from pavilion.accounts.program_door import ProgramDoor
from pavilion.pages.openapi import document, of_programs
from tests.unhurried import spared

ROOT = "/api/v1/"
_UNHEARD = ProgramDoor.__call__


def watch():
    """From here on an answer that the document does not describe fails whatever asked for it."""
    inner = _UNHEARD

    async def heard(self, scope, receive, send):
        if scope["type"] != "http" or not scope["path"].startswith(ROOT):
            await inner(self, scope, receive, send)
            return
        start, body = {}, []

        async def listen(message):
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.append(message.get("body", b""))
            await send(message)

        await inner(self, scope, receive, listen)
        route = scope.get("route") or named(scope)
        if start and route is not None and route.path.startswith(ROOT):
            with spared():
                fault = wrong(route, scope["method"], start, b"".join(body))
            assert fault is None, f"{scope['method']} {scope['path']}: {fault}"

    ProgramDoor.__call__ = heard


def rest():
    """Answers are looked at no more."""
    ProgramDoor.__call__ = _UNHEARD


def named(scope):
    """The route that a request would have reached which was turned away before."""
    for route in of_programs(scope["app"].routes):
        if route.matches({**scope, "path_params": {}})[0].value == 2:
            return route
    return None


def wrong(route, method, start, body):
    """What the answer says that its route does not declare; None where it keeps its word."""
    operation = operations().get((route.path_format, method.lower()))
    if operation is None:
        return "the route stands in no document"
    if not route.responses:
        return None  # tests/pages/test_openapi.py counts those that declare nothing
    status = str(start["status"])
    declared = operation["responses"].get(status)
    headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    if declared is None:
        return f"{status} is not declared: {body[:300]!r}"
    content = declared.get("content", {})
    media = headers.get("content-type", "").partition(";")[0]
    if not body and not content:
        return None
    if media not in content:
        return f"{status} is {media}, declared is {sorted(content)}"
    missing = {"RateLimit", "RateLimit-Policy", "Retry-After", "ETag"} & declared["headers"].keys()
    if missing := {name for name in missing if name.lower() not in headers}:
        return f"{status} lacks the headers {sorted(missing)}"
    if "json" not in media:
        return None
    made, said = schema(route.path_format, method, status, media), json.loads(body)
    if made.is_valid(said):
        return None
    best = best_match(Draft202012Validator(told(route.path_format, method, status, media)).iter_errors(said))
    return f"{status} {said.get('code', '')}: {best.json_path}: {best.message[:600]}"


@functools.cache
def whole():
    from pavilion import doors

    return document([route for router in doors.ROUTERS for route in router.routes], "https://auctions.example")


@functools.cache
def operations():
    return {
        (path, method): operation for path, methods in whole()["paths"].items() for method, operation in methods.items()
    }


@functools.cache
def schema(*at):
    return jsonschema_rs.Draft202012Validator(told(*at))


def told(path, method, status, media):
    made = operations()[path, method.lower()]["responses"][status]["content"][media]["schema"]
    return {**made, "components": whole()["components"]}
