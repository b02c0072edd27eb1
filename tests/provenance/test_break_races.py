"""Twenty at once at the same door, on both databases: nothing is kept twice, no use is spent unseen, nobody meets a
fault of ours."""

import asyncio
import json
import re
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pavilion.accounts.rules import Role
from pavilion.provenance import epcis, issuing, trust_table
from pavilion.provenance.epcis import Ids
from pavilion.provenance.issuers import SimulatedIssuers
from pavilion.provenance.passport_models import (
    Countersignature,
    Logo,
    PassportKey,
    PrivateView,
    Share,
    ShareOpening,
    StatusEntry,
)
from pavilion.provenance.reported_models import ReportedEvent
from pavilion.provenance.trust_models import IssuerKeyAct
from tests.make import NOON
from tests.provenance import issued, stones
from tests.provenance.test_countersigning import picture
from tests.provenance.visiting import HOME, a_browser, a_house, held, newcomer, ticked

CROWD = 20
SAID = {"claims": ["intermediaries"], "days": "7", "uses": "3", "note": ""}


@pytest.fixture
async def house(database_url, tmp_path):
    async with a_house(database_url, tmp_path) as made:
        yield made


@pytest.fixture
async def stone(house):
    """A stone with a passport, held by a company."""
    async with house.state.sessions.begin() as session:
        claim = await issued.keep(session, issued.claim())
    await ticked(house)
    await held(house, claim.stone)
    return claim.stone


async def count(house, model, *where):
    async with house.state.sessions() as session:
        return await session.scalar(select(func.count()).select_from(model).where(*where))


async def test_a_link_is_opened_as_often_as_it_may_be_and_no_more(house, stone):
    async with newcomer(house, Role.SUPPLIER, email="wen@lumen.example", firm=house.state.firm) as wen:
        made = await wen.post(f"/passports/{stone}/share", data=SAID)
    (link,) = re.findall(rf"{HOME}(/shared/[\w-]+)", made.text)
    async with AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(a_browser(house)) for _ in range(CROWD)]
        answers = await asyncio.gather(*(one.post(link) for one in crowd))
    assert Counter(answer.status_code for answer in answers) == {200: 3, 410: CROWD - 3}
    async with house.state.sessions() as session:
        assert (await session.scalars(select(Share.uses))).all() == [3]
    assert await count(house, ShareOpening) == 3


async def test_the_first_links_of_a_company_rest_on_one_private_view_and_one_key(house, stone):
    async with newcomer(house, Role.SUPPLIER, email="wen@lumen.example", firm=house.state.firm) as wen:
        answers = await asyncio.gather(*(wen.post(f"/passports/{stone}/share", data=SAID) for _ in range(CROWD)))
    assert {answer.status_code for answer in answers} == {200}
    assert await count(house, Share) == CROWD
    assert (await count(house, PrivateView), await count(house, IssuerKeyAct)) == (1, 1)
    assert await count(house, PassportKey) == 1


async def test_the_first_countersignatures_of_a_company_are_all_kept_under_one_key_and_one_mark(house, stone):
    where, logo = f"/passports/{stone}/countersignatures", picture()
    async with newcomer(house, Role.SUPPLIER, email="wen@lumen.example", firm=house.state.firm) as wen:
        answers = await asyncio.gather(
            *(
                wen.post(where, data={"display_name": f"Lumen {n}"}, files={"logo": ("l.png", logo)})
                for n in range(CROWD)
            )
        )
    assert {answer.status_code for answer in answers} == {303}
    assert await count(house, Countersignature) == CROWD
    assert (await count(house, Logo), await count(house, IssuerKeyAct)) == (1, 1)


async def test_the_same_events_captured_by_many_at_once_are_kept_once(house):
    issuers = SimulatedIssuers(b"a seed for tests")
    chain = [issuers.sign(event) for event in stones.chain(1)][:2]
    ids = Ids(HOME)
    body = json.loads(json.dumps(epcis.document([epcis.told(event, ids) for event in chain], ids, NOON)))
    async with house.state.sessions.begin() as session:
        parties = {event["by"] for event in chain}
        rows = [{"issuer": one, "types": ["*"], "from": "2020-01-01", "to": None} for one in sorted(parties)]
        two = {"proposed_by": "cato", "approved_by": "imre", "reason": "for tests"}
        keys = [issuers.row(one) for one in sorted(parties)]
        await trust_table.adopt(session, trust=rows, keys=keys, now=NOON - timedelta(days=1), **two)
    async with newcomer(house, Role.PRODUCER, email="pia@kgale.example") as pia:
        answers = await asyncio.gather(*(pia.post("/epcis/capture", json=body) for _ in range(CROWD)))
    told = Counter(answer.status_code for answer in answers)
    assert told == {201: 1, 200: CROWD - 1}, [answer.text[:300] for answer in answers if answer.status_code > 201][:1]
    assert await count(house, ReportedEvent) == 2


async def test_two_persons_who_revoke_one_passport_at_once_revoke_it_once(house, stone):
    where = f"/staff/passports/{stone}/revocation"
    async with (
        newcomer(house, Role.COMPLIANCE, email="cato@pavilion.example") as cato,
        newcomer(house, Role.COMPLIANCE, email="imre@pavilion.example") as imre,
    ):
        said = {"reason": "Issued on a report that was withdrawn."}
        posts = [one.post(where, data=said) for one in (cato, imre) * 5]
        ticks = [issuing.tick(house.state.sessions, house.state.issuer, NOON) for _ in range(3)]
        answers, _ = await asyncio.gather(asyncio.gather(*posts), asyncio.gather(*ticks))
    assert {answer.status_code for answer in answers} <= {303, 409}
    async with house.state.sessions() as session:
        entries = (await session.scalars(select(StatusEntry))).all()
    assert len(entries) >= 1
