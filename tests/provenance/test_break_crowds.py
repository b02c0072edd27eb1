"""Twenty at one proposal, one film and one stone; a house whose clock goes back and forth; and rubbish at capture."""

import asyncio
import copy
import json
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import func, select

from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Role
from pavilion.kernel.jobs import Job
from pavilion.provenance import epcis, queries, service, trust_table, video_making
from pavilion.provenance.epcis import Ids
from pavilion.provenance.issuers import SimulatedIssuers
from pavilion.provenance.log_models import LogCheckpoint, LogEntry
from pavilion.provenance.models import ExposedStone, VerdictRecord
from pavilion.provenance.reported_models import ReportedEvent
from pavilion.provenance.trust_models import TrustAct
from tests.make import HOUR, NOON, SECOND
from tests.provenance import issued, stones
from tests.provenance.visiting import HOME, a_house, newcomer, ticked

CROWD = 20
ROW = {"issuer": "kgale", "types": ["MINED"], "start": "2020-01-01", "reason": "Licence seen on paper."}


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


@pytest.fixture
async def house(database_url, tmp_path):
    clock = Clock()
    async with a_house(database_url, tmp_path, clock) as made:
        made.state.hands = clock
        yield made


async def count(house, model, *where):
    async with house.state.sessions() as session:
        return await session.scalar(select(func.count()).select_from(model).where(*where))


async def test_a_proposal_that_twenty_decide_at_once_is_decided_once(house):
    async with AsyncExitStack() as stack:
        cato, imre, ines = [
            await stack.enter_async_context(newcomer(house, Role.COMPLIANCE, email=f"{name}@pavilion.example"))
            for name in ("cato", "imre", "ines")
        ]
        assert (await cato.post("/staff/trust/rows", data=ROW)).status_code == 303
        async with house.state.sessions() as session:
            name = await session.scalar(select(Proposal.public_id))
        words = ("approval", "decline") * (CROWD // 2)
        told = await asyncio.gather(
            *(
                (imre, ines)[n // 2 % 2].post(f"/staff/proposals/{name}/{word}", data={"reason": "Not seen by me."})
                for n, word in enumerate(words)
            )
        )
        own = await cato.post(f"/staff/proposals/{name}/approval")
    assert Counter(answer.status_code for answer in told) == {303: 1, 409: CROWD - 1} and own.status_code >= 400
    async with house.state.sessions() as session:
        state = await session.scalar(select(Proposal.state))
    assert await count(house, TrustAct) == (1 if state == "approved" else 0)


async def test_a_film_that_twenty_order_at_once_is_made_once(house):
    async with house.state.sessions.begin() as session:
        claim = await issued.keep(session, issued.claim())
    await ticked(house, house.state.hands())
    async with newcomer(house, Role.CURATOR, email="noor@pavilion.example") as noor:
        told = await asyncio.gather(*(noor.post(f"/passports/{claim.stone}/film") for _ in range(CROWD)))
    assert {answer.status_code for answer in told} == {303}
    assert await count(house, Job, Job.kind == video_making.JOB) == 1


async def test_two_who_heard_different_answers_about_one_stone_leave_one_truth(house, tmp_path):
    """One look heard that all is well, another that its producer calls it stolen; whichever ends last stands alone."""
    signer, claim = house.state.log_signer, stones.claim(1)
    good = stones.registry(tmp_path / "good", (1, stones.chain(1)))
    other = stones.chain(1)
    stones.report(other)["color"] = "M"
    bad = stones.registry(tmp_path / "bad", (1, other))
    sessions = house.state.sessions
    async with sessions.begin() as session:
        await service.confirm(session, claims=[claim], registry=good, now=NOON, log=signer)
    await ticked(house, house.state.hands())
    heard = [(await service.ask([claim], one, NOON + SECOND))[0] for one in (good, bad) * 3]

    async def settled(dossier):
        async with sessions.begin() as session:
            await service.settle(session, dossiers=[dossier], now=NOON + SECOND, log=signer)

    await asyncio.gather(*map(settled, heard), *(ticked(house, house.state.hands()) for _ in range(2)))
    await ticked(house, house.state.hands())
    async with sessions() as session:
        standing = await queries.standing(session, claim.stone)
        last = await session.scalar(select(VerdictRecord.verdict).order_by(VerdictRecord.id.desc()).limit(1))
        shown = await session.get(ExposedStone, claim.stone)
        places = (await session.scalars(select(LogEntry.place).order_by(LogEntry.place))).all()
    assert standing.verdict == last and (shown is not None) == (last == "verified")
    assert list(places) == list(range(len(places)))


# -- clocks -----------------------------------------------------------------------------------------------------------


async def test_a_clock_that_goes_back_an_hour_and_then_forward_a_day_hides_nothing_and_opens_nothing(house, tmp_path):
    clock, sessions, signer = house.state.hands, house.state.sessions, house.state.log_signer
    first, second = stones.claim(1), stones.claim(2)
    registry = stones.registry(tmp_path / "registry", (1, stones.chain(1)), (2, stones.chain(2)))
    async with sessions.begin() as session:
        await service.confirm(session, claims=[first], registry=registry, now=NOON, log=signer)
    await ticked(house, house.state.hands())
    async with AsyncClient(transport=ASGITransport(house), base_url=HOME) as visitor:
        before = await visitor.get("/status/1", headers={"accept": "application/vc"})
        for now in (NOON - HOUR, NOON + 24 * HOUR, NOON):
            clock.now = now
            claim = stones.claim(2) if now == NOON else second
            async with sessions.begin() as session:
                await service.confirm(session, claims=[claim], registry=registry, now=now, log=signer)
            await ticked(house, house.state.hands())
            page = await visitor.get(f"/passports/{first.stone}")
            listed = await visitor.get("/status/1", headers={"accept": "application/vc"})
            stamp = datetime.fromisoformat(listed.json()["validFrom"])
            assert (before.status_code, page.status_code, listed.status_code) == (200, 200, 200)
            assert abs(stamp - now.astimezone(UTC)) <= HOUR, "a list is as old as it says, by the clock of the day"
    async with sessions() as session:
        checkpoints = (await session.scalars(select(LogCheckpoint).order_by(LogCheckpoint.size))).all()
        head = await session.scalar(select(func.count()).select_from(LogEntry))
    sizes = [one.size for one in checkpoints]
    assert sizes == sorted(set(sizes)) and sizes[-1] == head, "the log only grows, whatever the clock says"


async def test_a_stop_of_a_signer_ends_after_its_day_and_not_when_the_clock_is_put_back(house):
    async with AsyncExitStack() as stack:
        cato, imre = [
            await stack.enter_async_context(newcomer(house, Role.COMPLIANCE, email=f"{name}@pavilion.example"))
            for name in ("cato", "imre")
        ]
        await cato.post("/staff/trust/rows", data=ROW)
        async with house.state.sessions() as session:
            name = await session.scalar(select(Proposal.public_id))
        assert (await imre.post(f"/staff/proposals/{name}/approval")).status_code == 303
        async with house.state.sessions() as session:
            row = await session.scalar(select(TrustAct.row))
        why = {"reason": "Its key was seen elsewhere."}
        assert (await cato.post(f"/staff/trust/rows/{row}/stop", data=why)).status_code == 303

    async def believed(now):
        async with house.state.sessions() as session:
            trust, _ = await trust_table.in_force(session, now)
        return bool(list(trust.rows("kgale", "MINED", NOON.date())))

    assert not await believed(NOON + SECOND) and not await believed(NOON - HOUR)
    assert not await believed(NOON + 23 * HOUR) and await believed(NOON + 25 * HOUR)


# -- rubbish at capture -----------------------------------------------------------------------------------------------

ISSUERS = SimulatedIssuers(b"a seed for tests")
STRANGE = [None, True, -1, 1.5, 10**30, "", "x" * 5000, "\u202e<b>", [], [[]], {}, {"a": {"b": []}}]


def a_document(*events):
    ids = Ids(HOME)
    return json.loads(json.dumps(epcis.document([epcis.told(event, ids) for event in events], ids, NOON)))


def places(document, path=()):
    """Every member of the document, the outermost first."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for name, value in items:
        yield (*path, name)
        if isinstance(value, dict | list):
            yield from places(value, (*path, name))


def with_value(document, path, value):
    changed = copy.deepcopy(document)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


async def test_rubbish_of_a_producer_is_refused_by_name_whatever_it_is_and_keeps_nothing(house):
    chain = [ISSUERS.sign(event) for event in stones.chain(1)]
    parties = sorted({event["by"] for event in chain})
    rows = [{"issuer": one, "types": ["*"], "from": "2020-01-01", "to": None} for one in parties]
    keys = [ISSUERS.row(one) for one in parties]
    async with house.state.sessions.begin() as session:
        two = {"proposed_by": "cato", "approved_by": "imre", "reason": "for tests"}
        await trust_table.adopt(session, trust=rows, keys=keys, now=NOON - timedelta(days=1), **two)
    whole = a_document(chain[0])
    bodies = [
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
        b"[" * 1000 + b"]" * 1000,
        json.dumps(whole).encode()[:-1] + b',"type":"EPCISDocument"}',
        json.dumps(whole).encode() + b" " * (1024 * 1024),
        json.dumps(whole).replace("2650", "NaN").encode(),
        json.dumps(whole).encode("utf-16"),
    ]
    event = next(path for path in places(whole) if path[-1] == "stone:event")
    strange = [path for path in places(whole) if path[0] == "epcisBody"]
    bodies += [
        json.dumps(with_value(whole, path, STRANGE[n % len(STRANGE)])).encode() for n, path in enumerate(strange)
    ]
    bodies += [json.dumps(with_value(whole, event, value)).encode() for value in STRANGE]
    async with newcomer(house, Role.PRODUCER, email="pia@kgale.example") as pia:
        for body in bodies:
            answer = await pia.post("/epcis/capture", content=body, headers={"content-type": "application/json"})
            assert answer.status_code in (413, 422, 429), (answer.status_code, body[:200], answer.text[:200])
            assert answer.json()["code"], body[:200]
        for query in (
            "MATCH_anyEPC=%00", "MATCH_anyEPC=" + "x" * 500, "stone:type=<b>", "GE_eventTime=soon", "perPage=0",
            "perPage=9e9", "nextPageToken=%F0%9F%92%8E", "nextPageToken=" + "9" * 60, "GE_eventTime=%00",
            "LT_eventTime=0000-00-00T00:00:00Z", "MATCH_anyEPC=%ED%A0%80",
        ):  # fmt: skip
            told = await pia.get(f"/epcis/events?{query}")
            assert told.status_code in (200, 404, 422), (query, told.status_code, told.text)
            assert told.status_code != 200 or "eventList" in told.text
        for where in ("issue", "verify"):
            for body in (*bodies[:6], b'{"credential":[]}', b'{"verifiableCredential":{"proof":{"a":[[]]}}}', b"null"):
                told = await pia.post(f"/credentials/{where}", content=body)
                assert told.status_code in (400, 404, 413, 422), (where, told.status_code, body[:80])
    assert await count(house, ReportedEvent) == 0
