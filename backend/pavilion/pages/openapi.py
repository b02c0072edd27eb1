"""The interface for programs as an OpenAPI 3.1 document, generated from the routes and what they declare. Pure."""

import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from pavilion.accounts.deps import Needs, signed_in
from pavilion.accounts.scopes import ANY_KEY, Scope, asked_for
from pavilion.pages.examples import example_of
from pavilion.webkit.answers import CODES, Problem
from pavilion.webkit.rates import POLICY

ROOT = "/api/v1/"
ABOUT = (
    "Stones, sales, bids, trade and viewings for programs. Money is whole minor units with its currency, weight "
    "milli-carats, length micrometres, percent and angles hundredths, times RFC 3339 in UTC. Errors are RFC 9457 with "
    "a `code` of ours. Whoever follows this document ignores members that it does not name."
)
TAGS = {
    "stones": "What the house lists, with origin and passport, and what changed since.",
    "stock": "A supplier's stock files: sent, followed, mended.",
    "sales": "Sales, their lots and what they brought.",
    "bidding": "Bids, sealed bids, plans, receipts, and what a bidder says of a lot.",
    "trading": "Holds, offers and orders at a price.",
    "viewings": "Times to look at stones: free ones, the own ones, and the wait list.",
    "webhooks": "Addresses of a company that are called when something changes.",
    "notifications": "The link that ends a kind of mail.",
    "partners": "The interface itself: documents, tickets, the time.",
}
SCOPES = {
    Scope.STONES_READ: "read stones, passports and changes",
    Scope.STOCK_WRITE: "send and follow stock files",
    Scope.SALES_READ: "read sales, lots, events and results",
    Scope.BID_WRITE: "bid, plan, take receipts and tickets",
    Scope.TRADE_WRITE: "hold, offer and order",
    Scope.VIEWINGS: "book viewings",
    Scope.WEBHOOKS: "keep addresses that are called",
}
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
JSON, PROBLEM = "application/json", "application/problem+json"


def of_programs(routes: Sequence[BaseRoute]) -> list[APIRoute]:
    return [route for route in routes if isinstance(route, APIRoute) and route.path.startswith(ROOT)]


def undeclared(routes: Sequence[BaseRoute]) -> list[str]:
    """Doors for programs that do not say what they answer."""
    return sorted(
        f"{method} {route.path}"
        for route in of_programs(routes)
        if not route.responses
        for method in route.methods or ()
    )


def document(routes: Sequence[BaseRoute], public_url: str) -> dict[str, Any]:
    """The document for the house at this address."""
    own = sorted(of_programs(routes), key=lambda route: (route.path, sorted(route.methods or ())))
    made = get_openapi(title="Pavilion", version="1", description=ABOUT, routes=own, servers=[{"url": public_url}])
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None), schemas.pop("ValidationError", None)
    schemas["Problem"] = Problem.model_json_schema(mode="serialization")
    for schema in schemas.values():
        _untitled(schema)
    for route in own:
        for method in route.methods or ():
            operation = made["paths"][route.path_format][method.lower()]
            _finish(operation, route, method, schemas)
    used = {tag for route in own for tag in route.tags}
    made["tags"] = [{"name": name, "description": about} for name, about in TAGS.items() if name in used]
    made["components"]["headers"] = _HEADERS
    made["components"]["securitySchemes"] = _SECURITY
    return made


def _finish(operation: dict[str, Any], route: APIRoute, method: str, schemas: dict[str, Any]) -> None:
    """What FastAPI cannot know of an operation: who may, each refusal by its code, headers, examples."""
    about = " ".join((route.description or "").split())
    operation["operationId"] = _name(method, route.path_format)
    operation["summary"], operation["description"] = re.split(r"(?<=[.:])\s|:\s", about, maxsplit=1)[0][:120], about
    needs = list(_needs(route.dependant))
    operation["security"] = _security(method, route.path_format, public=not needs)
    rights = sorted(one.right.value for one in needs if isinstance(one, Needs))
    if rights:
        operation["description"] = f"{about} Needs the right {' and '.join(f'`{one}`' for one in rights)}.".strip()
    for parameter in operation.get("parameters", []):
        _told(parameter, schemas)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content.setdefault("example", example_of(content["schema"], schemas))
    declared = {str(status): said for status, said in (route.responses or {}).items()}
    answers = {status: one for status, one in operation["responses"].items() if status in declared}
    codes = {status: set(one.pop(CODES, ())) for status, one in answers.items()}
    for status, more in _of_every(operation, method, needs).items():
        answers.setdefault(status, {})
        codes[status] = codes.get(status, set()) | more
    for status, answer in answers.items():
        _answer(answer, status, codes[status], schemas, tagged="304" in declared)
    operation["responses"] = dict(sorted(answers.items()))
    if "304" in declared:
        operation.setdefault("parameters", []).append(_IF_NONE_MATCH)


def _of_every(operation: dict[str, Any], method: str, needs: Sequence[object]) -> dict[str, set[str]]:
    """The refusals that every operation of this kind can meet."""
    places = {one["in"] for one in operation.get("parameters", [])}
    found = {
        "401": {"api_key_unknown", "api_key_expired"},
        "403": {"api_key_rests", "scope_missing"},
        "429": {"slow_down"},
        "503": {"house_busy"},
    }
    if needs:
        found["401"].add("signed_out")
    if any(isinstance(one, Needs) for one in needs):
        found["403"].add("not_allowed")
    if method in WRITES:
        found["403"].add("foreign_request")
    if "path" in places:
        found["404"] = {"not_found"}
    if places & {"query", "header"} or "requestBody" in operation:
        found["422"] = {"bad_input"}
    return found


def _answer(answer: dict[str, Any], status: str, codes: set[str], schemas: dict[str, Any], *, tagged: bool) -> None:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("RateLimit", "RateLimit-Policy")}
    if tagged and status in ("200", "304"):
        headers["ETag"] = {"$ref": "#/components/headers/ETag"}
    if status in ("429", "503"):
        headers["Retry-After"] = {"$ref": "#/components/headers/Retry-After"}
    answer["headers"] = headers | answer.get("headers", {})
    if int(status) >= 400:
        answer["description"] = f"{HTTPStatus(int(status)).phrase}: {', '.join(f'`{one}`' for one in sorted(codes))}."
        answer["content"] = {PROBLEM: _problem(int(status), sorted(codes), schemas)}
    for content in answer.get("content", {}).values():
        content.setdefault("example", example_of(content["schema"], schemas))


def _problem(status: int, codes: list[str], schemas: dict[str, Any]) -> dict[str, Any]:
    said = {"status": {"const": status}, "code": {"enum": codes}}
    example = example_of(schemas["Problem"], schemas)
    example |= {"type": f"/glossary#{codes[0]}", "title": HTTPStatus(status).phrase, "status": status, "code": codes[0]}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}], "properties": said}
    return {"schema": schema, "example": example}


def _told(parameter: dict[str, Any], schemas: dict[str, Any]) -> None:
    """A parameter with its example; what is said of its type is said of the parameter."""
    schema = parameter["schema"]
    _untitled(schema)
    about = schema.pop("description", None)
    if about and "description" not in parameter:
        parameter["description"] = about
    if "example" not in parameter:
        parameter["example"] = example_of(schema, schemas)
    schema.pop("examples", None)


def _needs(dependant: Dependant) -> Iterator[object]:
    """What of the route's dependencies turns somebody away."""
    if isinstance(dependant.call, Needs) or dependant.call is signed_in:
        yield dependant.call
    for one in dependant.dependencies:
        yield from _needs(one)


def _security(method: str, path: str, *, public: bool) -> list[dict[str, list[str]]]:
    """A key with one of the scopes, or the session; nothing at all where everybody may."""
    scopes = asked_for(method, path)
    asked = [[]] if scopes == ANY_KEY else [[scope.value] for scope in sorted(scopes)]
    keys: list[dict[str, list[str]]] = [{"key": one} for one in asked]
    return [*([{}] if public else []), *keys, {"session": []}]


def _name(method: str, path: str) -> str:
    """`get_lots_lot_events`: what a client made from the document calls the operation."""
    return re.sub(r"[^a-z0-9]+", "_", f"{method} {path.removeprefix(ROOT)}".lower()).strip("_")


def _untitled(schema: Any) -> None:
    """Titles that only repeat a member's name are left out."""
    if isinstance(schema, list):
        for one in schema:
            _untitled(one)
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("title"), str):
        del schema["title"]
    for name, part in schema.items():
        for one in part.values() if name in ("properties", "$defs", "patternProperties") else (part,):
            if name not in ("examples", "example", "default", "enum", "const"):
                _untitled(one)


_HEADERS: dict[str, Any] = {
    "RateLimit": {
        "description": "What is left of each rate, and the seconds until it is full again.",
        "schema": {"type": "string"},
        "example": '"second";r=9;t=1, "day";r=9999;t=43200',
    },
    "RateLimit-Policy": {
        "description": "The rates: quota and window in seconds.",
        "schema": {"type": "string"},
        "example": POLICY,
    },
    "Retry-After": {
        "description": "Seconds after which another request is taken.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "1",
    },
    "ETag": {
        "description": "Of these bytes, for this reader.",
        "schema": {"type": "string", "pattern": '^"[0-9a-f]{32}"$'},
        "example": f'"{"4f" * 16}"',
    },
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "An ETag of before: while the answer would be the same, it is 304 without a body.",
    "schema": {"type": "string", "maxLength": 4000},
    "example": f'"{"4f" * 16}"',
}
_SECURITY = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "pv_{id}_{secret}",
        "description": "A key of a company. Its scopes: "
        + "; ".join(f"`{scope.value}` {about}" for scope, about in SCOPES.items())
        + ".",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "A person who is signed in; a write says its Origin.",
    },
}
