"""Every route of origin and of market figures against every role: who is let in stands here, and nobody else is.

The table is held against the routes themselves: a new one without an entry fails.
"""

import hashlib
import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import pytest
from fastapi.routing import APIRoute
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from pavilion import doors
from pavilion.accounts.models import SignInSession
from pavilion.accounts.rules import Role
from pavilion.provenance import service
from pavilion.provenance.models import VerdictRecord
from tests import make
from tests.make import NOON
from tests.provenance import stones
from tests.provenance.visiting import HOME, a_house, held, ticked

ROLES = (
    "visitor", "viewer", "buyer", "supplier", "holder", "producer", "curator", "clerk", "cashier", "compliance",
    "auditor", "admin",
)  # fmt: skip
NOBODY = "0" * 26

READERS = ("curator", "compliance", "auditor")  # origin:see
PRODUCERS = ("producer",)  # event:report, outcome:report
OUTCOMES = (*PRODUCERS, *READERS)
STAFF = ("curator", "clerk", "cashier", "compliance", "auditor", "admin")
HOLDER = ("holder",)


class Let(NamedTuple):
    """Whom a route lets in and what it then says to a bare question; what it says to others and to a visitor."""

    roles: tuple[str, ...]
    said: int
    refused: int = 403
    visitor: int = 401  # for a page: 303, to the sign-in

    def expected(self, role):
        return self.visitor if role == "visitor" else self.said if role in self.roles else self.refused


def to_all(said):
    """Public; what says 404 here has nothing under the name that is asked for."""
    return Let(ROLES, said, said, said)


def desk(roles, said=200):
    return Let(roles, said, visitor=303)


def own(roles, said, visitor=401):
    """Nothing is here for anybody else, not even that there is something."""
    return Let(roles, said, 404, visitor)


EVERYBODY = {
    200: (
        "GET /.well-known/did.json", "GET /api/v1/stones/{stone}/passport", "GET /contexts/stone/v1",
        "GET /epcis/events", "GET /id/stone/{stone}", "GET /log", "GET /log/checkpoint", "GET /log/entries/{index}",
        "GET /log/entries/{index}/proof", "GET /log/policy", "GET /passports/{stone}", "GET /passports/{stone}/bundle",
        "GET /passports/{stone}/proof", "GET /passports/{stone}/{n:int}", "GET /passports/{stone}/{n:int}/bundle",
        "GET /status/{number:int}", "GET /stones/{stone}/eligibility", "GET /verify", "GET /results",
        "GET /results.csv", "GET /results.xlsx", "GET /api/v1/results", "GET /prices", "GET /prices/hues",
        "GET /api/v1/prices",
    ),
    307: ("GET /01/{gtin}/21/{stone}",),
    404: (
        "GET /did/{slug}/did.json", "GET /epcis/events/{name}", "GET /films/{name}/{file}",
        "GET /log/tile/{path:path}", "GET /passports/{stone}/countersignatures/{public_id}",
        "GET /passports/{stone}/logos/{sha256}", "GET /rules/{version}", "GET /shared/{token}",
        "GET /tables/{name}/{sha256}", "GET /warranties/{name}", "POST /shared/{token}",
        "GET /verify/package/{name}", "GET /stones/{stone}/history",
    ),
    422: ("POST /credentials/issue", "POST /credentials/verify", "POST /verify"),
}  # fmt: skip

TABLE = {route: to_all(said) for said, routes in EVERYBODY.items() for route in routes} | {
    # what a company sees of itself
    "GET /desk/warranties": desk(ROLES),
    "GET /desk/warranties.csv": desk(ROLES),
    "GET /desk/warranties.pdf": desk(ROLES),
    "GET /desk/warranties/{public_id}.json": desk(ROLES, 404),
    "POST /desk/warranties": Let(ROLES, 422),
    # supply contracts, reports and market figures
    "GET /api/v1/outcome-files/{public_id}": Let(OUTCOMES, 404),
    "GET /insight": desk((*PRODUCERS, *STAFF)),
    "GET /insight/{quarter}.csv": desk((*PRODUCERS, *STAFF), 404),
    "GET /insight/{quarter}.json": desk((*PRODUCERS, *STAFF), 404),
    "GET /stock/insight": desk(("supplier", *HOLDER)),
    "GET /api/v1/stock-insight": Let(("supplier", *HOLDER), 200),
    "GET /outcomes": desk(OUTCOMES),
    "GET /outcomes/contracts/{public_id}": desk(OUTCOMES, 404),
    "GET /outcomes/files/{public_id}": desk(OUTCOMES, 404),
    "GET /outcomes/files/{public_id}/fix.csv": desk(OUTCOMES, 404),
    "GET /outcomes/reports/{public_id}": desk(OUTCOMES, 404),
    "GET /outcomes/template.csv": desk(OUTCOMES),
    "POST /outcomes/contracts": Let(PRODUCERS, 422),
    "POST /outcomes/contracts/{public_id}/files": Let(PRODUCERS, 404),
    "POST /outcomes/contracts/{public_id}/purchases": Let(PRODUCERS, 422),
    "POST /outcomes/contracts/{public_id}/reports": Let(PRODUCERS, 404),
    "POST /epcis/capture": Let(PRODUCERS, 422),
    # who holds the stone
    "GET /passports/{stone}/countersignatures": own(HOLDER, 200, 303),
    "POST /passports/{stone}/countersignatures": own(HOLDER, 422),
    "POST /passports/{stone}/countersignatures/{public_id}/withdrawal": own((), 404),
    "GET /passports/{stone}/share": own(HOLDER, 200, 303),
    "POST /passports/{stone}/share": own(HOLDER, 200),
    "POST /passports/{stone}/share/{public_id}/end": own((), 404),
    "GET /passports/{stone}/pack": own((*HOLDER, *READERS), 200, 404),
    "GET /passports/{stone}/references": own((*HOLDER, "compliance"), 200, 303),
    "POST /passports/{stone}/references": own((*HOLDER, "compliance"), 422),
    "POST /passports/{stone}/references/{public_id}/withdrawal": own((), 404),
    "POST /passports/{stone}/film": Let((*HOLDER, "curator", "compliance"), 303),
    # staff
    **{
        f"GET /staff/{page}": desk(READERS)
        for page in (
            "exceptions", "exceptions/{stone}", "exceptions/{stone}/documents/{sha256}", "law", "outcomes",
            "registries", "trust", "warranties", "warranties.csv", "warranties.pdf",
        )
    },
    "GET /staff/trust/rows/{row}": desk(READERS, 404),
    "GET /staff/settings": desk((*READERS, "admin")),
    "POST /staff/settings": Let((*READERS, "admin"), 422),
    "GET /staff/settings/tables/{name}": desk((*READERS, "admin"), 404),
    "GET /staff/fairness": desk(("compliance", "auditor")),
    "GET /staff/fairness/{case}": desk(("compliance", "auditor"), 404),
    "POST /staff/fairness/{case}/decisions": Let(("compliance",), 404),
    "POST /staff/lint": Let(STAFF, 422),
    "POST /staff/exceptions/{stone}/confirmation": Let(("compliance",), 303),
    **{
        f"POST /staff/{act}": Let(("compliance",), 422)
        for act in (
            "exceptions/{stone}/decision", "law", "law/grandfathering/{stone}", "outcomes/{public_id}/decision",
            "passports/{stone}/revocation", "trust/keys", "trust/keys/{party}/{number}/revocation", "trust/rows",
            "settings/tables/{name}",
            "trust/rows/{row}/removal", "trust/rows/{row}/resumption", "trust/rows/{row}/stop", "warranties",
        )
    },
}  # fmt: skip


def routes():
    """Method and path of every route of provenance and insight."""
    found = set()
    for router in doors.ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.endpoint.__module__.startswith(
                ("pavilion.provenance", "pavilion.insight")
            ):
                found |= {f"{method} {route.path}" for method in route.methods}
    return sorted(found)


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    async with a_house(sqlite_database_url, tmp_path, data_key="22" * 32) as app:
        async with app.state.sessions.begin() as session:
            claim = stones.claim(1)
            registry = stones.registry(tmp_path / "registry", (1, stones.chain(1)))
            await service.confirm(session, claims=[claim], registry=registry, now=NOON, log=app.state.log_signer)
        await ticked(app)
        await held(app, claim.stone)
        async with app.state.sessions() as session:
            app.state.verdict = await session.scalar(select(VerdictRecord.sha256))
        app.state.stone = claim.stone
        yield app


@asynccontextmanager
async def browser(house, role):
    """Somebody of this role alone, from a firm that has nothing to do with the stone; the holder is of its own."""
    headers = {"origin": HOME}
    if role != "visitor":
        token = secrets.token_urlsafe(16)
        async with house.state.sessions.begin() as session:
            firm = house.state.firm if role == "holder" else await make.company(session, f"{role} and Sons")
            roles = (Role.SUPPLIER,) if role == "holder" else (Role(role),)
            person = await make.person(session, f"{role}@somewhere.example", roles, firm)
            facts = {"token_sha256": hashlib.sha256(token.encode()).hexdigest(), "person_id": person.id}
            session.add(SignInSession(**facts, created_at=NOON, last_seen_at=NOON))
        headers["cookie"] = f"session={token}"
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME, headers=headers) as client:
        yield client


def address(house, route):
    """A path of this route that leads to something where the house has one."""
    names = {
        "stone": house.state.stone, "n:int": "1", "sha256": house.state.verdict, "number:int": "1", "index": "0",
        "slug": "kgale", "path:path": "0/000", "version": "origin-1", "public_id": NOBODY, "quarter": "2026-Q1",
        "name": "trust", "token": "x" * 43, "file": "film.webm", "row": "1", "party": "kgale", "number": "1",
        "gtin": "09506000134352", "case": NOBODY,
    }  # fmt: skip
    path = route.partition(" ")[2]
    for name, value in names.items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, f"a value for {path}"
    return path


def test_every_route_stands_in_the_table_and_nothing_else_does():
    assert set(routes()) == TABLE.keys()


async def test_every_route_lets_in_whom_the_table_names_and_nobody_else(house):
    async with AsyncExitStack() as stack:
        people = {role: await stack.enter_async_context(browser(house, role)) for role in ROLES}
        for route in routes():  # whoever only looks comes before whoever acts
            method, path, let = route.partition(" ")[0], address(house, route), TABLE[route]
            asking = ROLES if let.refused != let.said else ("visitor", "buyer", "admin")  # one answer for all
            told = {role: (await people[role].request(method, path)).status_code for role in asking}
            assert told == {role: let.expected(role) for role in asking}, route
