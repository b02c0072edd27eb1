"""`python -m tests.api.exercise [cases [group ..]]`: the interface for programs, asked by schemathesis with all that
its document allows and much that it does not, by a visitor and by keys of every scope. Faults are what no document
describes: a server's error, a status, a content type, a header or a member. The demonstration's data, a real port.
"""

import asyncio
import shutil
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Collection
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import requests  # noqa: TID251 - what schemathesis speaks
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import select

from pavilion import main
from pavilion.accounts import keys
from pavilion.accounts.rules import Permission
from pavilion.accounts.scopes import Scope, asked_for
from pavilion.auctions.models import Lot, Sale
from pavilion.catalogue.models import Stone
from pavilion.demo import people
from pavilion.kernel.clock import utc_now
from pavilion.kernel.db import create_engine
from pavilion.settings import Environment, Settings, with_secrets
from pavilion.trading.models import Order
from pavilion.viewings.models import Appointment
from pavilion.viewings.place_models import Desk
from pavilion.webkit import rates
from pavilion.webkit.announcing import LOOPBACK, bound
from tests import answered, unmetered
from tests.luck import Random

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Whoever asks for a group has a key of its scope; and everybody asks for everything without one, and with another's.
SCOPES = {
    "buyer": (
        "wen@lumen.example",
        (Scope.STONES_READ, Scope.SALES_READ, Scope.BID_WRITE, Scope.TRADE_WRITE, Scope.VIEWINGS),
    ),
    "supplier": ("sam@scheldt.example", (Scope.STOCK_WRITE, Scope.TRADE_WRITE)),
    "reader": ("ilse@vandael.example", (Scope.STONES_READ,)),
}  # fmt: skip


MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


class Asked(NamedTuple):
    """What was asked and what came of it."""

    cases: Counter  # by tag and reader
    statuses: Counter
    faults: dict[tuple[str, str], str]  # operation and kind: the first of them


class House(NamedTuple):
    origin: str
    schema: object
    keys: dict[str, str]
    real: dict[str, list]


@contextmanager
def open_house(folder: Path):
    """A house with the demonstration's data on a port of its own, keys of every scope, and what is really there."""
    rates.in_memory = unmetered.Unmetered
    made = with_secrets(Settings(environment=Environment.TEST, data_dir=folder))
    ready, found, listener = threading.Event(), {}, bound(LOOPBACK, 0)

    async def serve():
        engine = create_engine(made.database)
        app = main.build_web(made, engine, utc_now, partial(_rooms_of, made))
        found["server"] = server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        found["keys"], found["real"] = await _furnishing(app.state.sessions)
        ready.set()
        await server.serve(sockets=[listener])
        await engine.dispose()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait()
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        while not found["server"].started:
            threading.Event().wait(0.02)
        document = requests.get(f"{origin}/api/v1/openapi.json", timeout=30).json()
        yield House(origin, schemathesis.openapi.from_dict(document), found["keys"], found["real"])
    finally:
        found["server"].should_exit = True
        thread.join()


def exercise(house: House, cases: int, groups: Collection[str] = (), number: int = 1) -> Asked:
    """Each operation, or each of some groups, so many times, half of them against what its document says; once, as
    it says."""
    asked = Asked(Counter(), Counter(), {})
    with requests.Session() as line:
        for found in house.schema.get_all_operations():
            operation = found.ok()
            if groups and not set(groups) & set(operation.definition.raw["tags"]):
                continue
            for mode in MODES if cases > 1 else MODES[:1]:
                _ask(house, line, operation, mode, max(1, cases // 2), number, asked)
    return asked


def _ask(house, line, operation, mode, cases, number, asked):
    try:
        strategy = operation.as_strategy(generation_mode=mode)
        strategy.validate()
    except Exception as fault:  # noqa: BLE001 - nothing can be said wrongly where nothing is asked
        if mode is GenerationMode.POSITIVE:
            asked.faults[operation.label, "no case"] = str(fault)[:300]
        return
    luck = Random(f"{number} {operation.label} {mode}")

    @seed(number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def one(case):
        wanted = asked_for(case.method, operation.path)
        fit = [who for who, (_, scopes) in SCOPES.items() if wanted & set(scopes)]
        who = luck.choice(fit) if fit and luck.random() < 0.75 else luck.choice([None, *house.keys])
        _put_real(case, house.real, luck)
        headers = {"authorization": f"Bearer {house.keys[who]}"} if who else {}
        tag = operation.definition.raw["tags"][0]
        asked.cases[tag, who or "visitor"] += 1
        try:
            answer = case.call(house.origin, session=line, headers=headers)
        except (UnicodeError, requests.exceptions.InvalidHeader, ValueError):
            return  # no client can send this
        asked.statuses[answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except BaseExceptionGroup as group:  # each is told at the end
            for fault in group.exceptions:
                kind = f"{type(fault).__name__} {answer.status_code}"
                asked.faults.setdefault(
                    (operation.label, kind), f"{fault}\n{answer.content[:400]!r}\n{case.as_curl_command()[:600]}"
                )

    try:
        one()
    except Exception as fault:  # noqa: BLE001 - the generator gave up
        if "Unsatisfiable" not in type(fault).__name__:
            asked.faults[operation.label, type(fault).__name__] = str(fault)[:300]


def _put_real(case, real, luck):
    """Most ids that are made up name nothing: often enough one that does stands in their place."""
    for name in list(case.path_parameters or {}):
        if name in real and luck.random() < 0.6:
            case.path_parameters[name] = luck.choice(real[name])
    if case.query and "wait" in case.query:
        case.query["wait"] = 0
    if case.query and "sale" in case.query and luck.random() < 0.6:
        case.query["sale"] = luck.choice(real["sale"])
    if isinstance(case.body, dict) and luck.random() < 0.7:
        _put_into(case.body, real, luck)


def _put_into(body, real, luck):
    for name, value in body.items():
        if name == "stones" and isinstance(value, list):
            body[name] = [luck.choice(real["stone"]) for _ in value[:3]]
        elif name in real and isinstance(value, str):
            body[name] = luck.choice(real[name])
        elif name == "currency" and isinstance(value, str):
            body[name] = "USD"
        elif isinstance(value, dict):
            _put_into(value, real, luck)
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    _put_into(one, real, luck)


@asynccontextmanager
async def _rooms_of(made, app):
    held = main.Keys.of(made)
    said = {"data_key": held.data, "sale_key": held.sale, "host_name": made.host_name}
    async with main.one_process(made.database, app.state.sessions, utc_now, **said) as app.state.rooms:
        yield
    if (index := getattr(app.state, "stone_index", None)) is not None:
        await index.close()


async def _furnishing(sessions):
    texts = {}
    async with sessions.begin() as session:
        for who, (email, scopes) in SCOPES.items():
            actor = await people.actor(session, email)
            actor = replace(actor, permissions=actor.permissions | {Permission.PEOPLE_EDIT})
            made = {"name": f"exercise {who}", "scopes": list(scopes), "days": 30, "actor": actor}
            _, texts[who] = await keys.make(session, **made, now=utc_now())
        columns = {
            "stone": Stone.public_id, "lot": Lot.public_id, "sale": Sale.public_id, "order": Order.public_id,
            "appointment": Appointment.public_id, "desk": Desk.id, "rules": Sale.rules_hash,
        }  # fmt: skip
        real = {}
        for name, column in columns.items():
            rows = await session.scalars(select(column).where(column.is_not(None)).limit(200))
            real[name] = [str(one) for one in rows]
        real["n"] = list(range(40))
    return texts, {name: rows for name, rows in real.items() if rows}


def told(asked: Asked) -> str:
    by_tag = Counter()
    for (tag, _), count in asked.cases.items():
        by_tag[tag] += count
    lines = [f"{tag:<14} {count:>7} cases" for tag, count in sorted(by_tag.items())]
    lines += [f"{status:<14} {count:>7} answers" for status, count in sorted(asked.statuses.items())]
    lines += [f"FAULT {operation}: {kind}\n{words}\n" for (operation, kind), words in sorted(asked.faults.items())]
    return "\n".join([*lines, f"{sum(by_tag.values())} cases, {len(asked.faults)} faults"])


if __name__ == "__main__":
    from tests.conftest import furnish

    answered.rest()
    each = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "demo"
        before.mkdir()
        furnish(before)
        shutil.rmtree(before / "mail", ignore_errors=True)
        with open_house(before) as house:
            result = exercise(house, each, sys.argv[2:])
    sys.stdout.write(told(result) + "\n")
    sys.exit(1 if result.faults else 0)
