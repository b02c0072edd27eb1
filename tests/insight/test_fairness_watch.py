"""The fairness watch in a whole house: real bids, the cases they make, what people decide, and who may look."""

import hashlib
import re
import secrets
from datetime import timedelta

import pytest
from fastapi.routing import APIRoute
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select, update

from pavilion import main
from pavilion.accounts import service as accounts
from pavilion.accounts.models import Company, Person, Proposal, SignInSession
from pavilion.accounts.rules import Role
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.models import BookBid, BookEvent
from pavilion.bidding.request_models import Retraction
from pavilion.insight import fairness_cases, fairness_reading, fairness_routes, fairness_showing
from pavilion.insight.fairness_cases import EvidenceMoved, Word
from pavilion.insight.fairness_findings import Finding, Grain, Kind
from pavilion.insight.fairness_models import FairnessCase, FairnessDecision, Verdict
from pavilion.kernel.errors import BadInput, NotAllowed
from pavilion.kernel.events import Event
from pavilion.settings import Settings
from tests import make
from tests.bidding.house import house
from tests.make import HOUR, NOON, SECOND

HOME = "http://pavilion.test"
OWNER = ["Márc Oriel"], ["ORIEL, Marc"]


async def one_owner(sessions, one):
    """Two of the buyers have the same beneficial owner, spelled in two ways; each has a mailbox of its own."""
    async with sessions.begin() as session:
        for buyer in one.buyers:
            mailbox = f"desk@firm{buyer.company_id}.example"
            await session.execute(update(Person).where(Person.id == buyer.person_id).values(email=mailbox))
        for buyer, owners in zip(one.buyers, OWNER, strict=False):
            await session.execute(update(Company).where(Company.id == buyer.company_id).values(owners=owners))


async def closed(one):
    """Both lots have ended; who watches looks at what is written."""
    one.clock.at += timedelta(days=1)
    await one.until(lambda: one.rooms.engine.writers.get(one.sale) is None)
    return one.clock.at


async def looked(sessions, at):
    assert await fairness_cases.tick(sessions, at) == 1
    async with sessions() as session:
        return {row.kind: row for row in await session.scalars(select(FairnessCase).order_by(FairnessCase.id))}


async def decided(sessions, case, actor, now, verdict=Verdict.NO_MATTER, **changes):
    said = {"reason": "Seen and asked by telephone.", "evidence_sha256": case.evidence_sha256} | changes
    async with sessions.begin() as session:
        return await fairness_cases.decide(
            session, case=case.public_id, word=Word(verdict, **said), actor=actor, now=now
        )


async def staff(sessions, role, name):
    async with sessions.begin() as session:
        return await make.actor(session, f"{name}@pavilion.example", (role,))


async def test_a_sale_that_ended_is_read_from_its_public_lines_and_makes_a_case_once(database_url, sessions):
    async with house(database_url, sessions) as one:
        await one_owner(sessions, one)
        await one.bid(0, 400_000)
        await one.bid(1, 500_000)
        await one.bid(2, 450_000, lot=1)
        async with sessions() as session:
            assert (await fairness_reading.past(session, one.clock.at)).lots == []  # nothing has ended
        at = await closed(one)
    async with sessions() as session:
        history = await fairness_reading.past(session, at)
    first, second = history.lots
    companies = [buyer.company_id for buyer in one.buyers]
    assert [bid.company for bid in first.bids] == companies[:2] and first.winner == companies[1]
    assert (first.second, first.sale, first.number) == (companies[0], one.sale, "11")
    assert second.bidders == {companies[2]} and history.paddles[one.sale] == frozenset(companies)
    cases = await looked(sessions, at)
    assert cases.keys() == {Kind.SHARED_OWNER}
    case = cases[Kind.SHARED_OWNER]
    assert (case.parties, case.state, case.score, len(case.evidence["lots"])) == (companies[:2], "open", 61, 1)
    assert await fairness_cases.tick(sessions, at + SECOND) == 0
    assert await fairness_cases.tick(sessions, at + timedelta(days=1)) == 1  # each day anew, and it is the same case
    async with sessions() as session:
        (again,) = await session.scalars(select(FairnessCase))
        assert (again.public_id, again.first_seen, again.last_seen) == (case.public_id, at, at + timedelta(days=1))
        assert len((await session.scalars(select(Event).where(Event.name == "fairness:found"))).all()) == 1


async def test_a_bid_voided_at_its_bidders_wish_is_read_as_taken_back(database_url, sessions):
    async with house(database_url, sessions) as one:
        await one.bid(0, 400_000)
        await one.bid(1, 900_000)
        both = ("Ada", "Noor")
        done = await one.rooms.command(StaffAct(one.sale, "void", one.lots[0], ok=both, reason="typo", seqs=(4,)))
        assert done.code is None
        at = await closed(one)
    async with sessions() as session:
        lot = (await fairness_reading.past(session, at)).lots[0]
        slip = Retraction(public_id="01ASKED", sale=one.sale, lot=one.lots[0], ground="slip", words="A slip.")
        slip.company_id, slip.n, slip.seq, slip.at, slip.by = one.buyers[0].company_id or 0, 3, 3, at, "them"
        session.add(slip)
        await session.flush()
        asked = (await fairness_reading.past(session, at)).lots[0].retractions[1]
    (taken,) = lot.retractions
    assert (asked.company, asked.seqs, asked.voided) == (one.buyers[0].company_id, (3,), False)
    assert (taken.company, taken.seqs, lot.winner) == (one.buyers[1].company_id, (4,), one.buyers[0].company_id)


def finding(companies, lots, score=70):
    grains = tuple(Grain(lot, "S" * 26, (3,)) for lot in lots)
    return Finding(Kind.SHARED_OWNER, tuple(companies), None, score, {"lots": len(lots), "marks": 1}, grains)


async def renewed(sessions, found, now):
    async with sessions.begin() as session:
        await fairness_cases.renew(session, found, now)
    async with sessions() as session:
        return (await session.scalars(select(FairnessCase))).one()


async def two_firms(sessions):
    async with sessions.begin() as session:
        return [(await make.company(session, name)).id for name in ("Oriel & Sons", "Harbour Jewels")]


async def test_a_decided_case_opens_again_only_with_new_evidence(sessions):
    firms, cato = await two_firms(sessions), await staff(sessions, Role.COMPLIANCE, "cato")
    case = await renewed(sessions, [finding(firms, ["A", "B"])], NOON)
    await decided(sessions, case, cato, NOON)
    case = await renewed(sessions, [finding(firms, ["A", "B"], score=80)], NOON + HOUR)
    assert (case.state, case.score, case.last_seen) == ("cleared", 80, NOON + HOUR)
    case = await renewed(sessions, [finding(firms, ["B"])], NOON + 2 * HOUR)  # the oldest lot is out of sight
    assert case.state == "cleared"
    case = await renewed(sessions, [finding(firms, ["B", "C"])], NOON + 3 * HOUR)
    assert case.state == "open"
    await decided(sessions, case, cato, NOON + 4 * HOUR, Verdict.WATCH)
    case = await renewed(sessions, [finding(firms, ["A", "C"])], NOON + 5 * HOUR)  # each lot was decided upon before
    assert case.state == "watched"
    case = await renewed(sessions, [], NOON + 6 * HOUR)
    assert (case.state, case.last_seen) == ("watched", NOON + 5 * HOUR)


async def test_a_decision_keeps_its_evidence_and_cannot_be_changed(sessions):
    firms, lena = await two_firms(sessions), await staff(sessions, Role.LEAD, "lena")
    case = await renewed(sessions, [finding(firms, ["A"])], NOON)
    said = await decided(sessions, case, lena, NOON)
    assert (said.evidence, said.evidence_sha256, said.score) == (case.evidence, case.evidence_sha256, 70)
    await renewed(sessions, [finding(firms, ["A", "B"])], NOON)
    with pytest.raises(EvidenceMoved):
        await decided(sessions, case, lena, NOON)  # on what stood there before
    with pytest.raises(Exception, match="append only"):
        async with sessions.begin() as session:
            await session.execute(update(FairnessDecision).values(reason="never mind"))


async def test_who_may_not_decide_is_refused_and_a_bar_must_propose_something(sessions):
    firms, cato = await two_firms(sessions), await staff(sessions, Role.COMPLIANCE, "cato")
    case = await renewed(sessions, [finding(firms, ["A"])], NOON)
    with pytest.raises(NotAllowed):
        await decided(sessions, case, await staff(sessions, Role.AUDITOR, "audra"), NOON)
    with pytest.raises(BadInput):
        await decided(sessions, case, cato, NOON, Verdict.BAR)
    with pytest.raises(BadInput):
        await decided(sessions, case, cato, NOON, Verdict.WATCH, suspend=["x"])
    with pytest.raises(EvidenceMoved):
        await decided(sessions, case, cato, NOON, Verdict.BAR, suspend=["nobody"])
    async with sessions() as session:
        assert (await session.scalars(select(Proposal))).all() == []


async def approve(sessions, proposal, actor, now):
    async with sessions.begin() as session:
        await accounts.decide(
            session, proposal_id=proposal, approve=True, actor=actor, handlers=main.PROPOSAL_HANDLERS, now=now
        )


async def test_a_bar_suspends_a_company_and_voids_its_bids_once_a_second_person_agrees(database_url, sessions):
    async with house(database_url, sessions) as one:
        await one_owner(sessions, one)
        await one.bid(0, 400_000)
        await one.bid(1, 500_000)
        companies = [buyer.company_id for buyer in one.buyers[:2]]
        case = await renewed(sessions, [finding(companies, [one.lots[0]])], one.clock.at)
        cato, imre = [await staff(sessions, Role.COMPLIANCE, name) for name in ("cato", "imre")]
        async with sessions() as session:
            whole = await fairness_showing.whole(session, case.public_id)
        assert [firm.id for firm in whole.suspendable] == companies and len(whole.live) == 2
        wanted = [whole.suspendable[0].public_id], [live.name for live in whole.live if live.company_id == companies[0]]
        said = await decided(sessions, case, cato, one.clock.at, Verdict.BAR, suspend=wanted[0], void=wanted[1])
        assert len(said.proposals) == 2
        for proposal, second in zip(said.proposals, (imre, one.world.lead), strict=True):
            await approve(sessions, proposal, second, one.clock.at)

        async def voided():
            async with sessions() as session:
                return await session.scalar(select(BookEvent.body).where(BookEvent.type == "bid.voided"))

        await one.until(voided)
        assert '"reason":"shill"' in await voided()
        refused = await one.bid(0, 900_000, lot=1)
        assert refused.code == "banned"
        assert (await one.bid(1, 900_000, lot=1)).code is None


# -- who may look -----------------------------------------------------------------------------------------------------

READERS, DECIDERS = {Role.COMPLIANCE, Role.LEAD, Role.AUDITOR}, {Role.COMPLIANCE, Role.LEAD}
TABLE = {
    "GET /staff/fairness": READERS,
    "GET /staff/fairness/{case}": READERS,
    "POST /staff/fairness/{case}/decisions": DECIDERS,
}


def test_every_route_of_the_watch_stands_in_the_table():
    routes = {
        f"{method} {route.path}"
        for route in fairness_routes.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert routes == TABLE.keys()


@pytest.fixture
async def open_house(sessions, tmp_path):
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path)
    app = main.build_house(settings, sessions.kw["bind"], lambda: NOON)
    async with AsyncClient(transport=ASGITransport(app), base_url=HOME, headers={"origin": HOME}) as browser:
        yield browser


async def signed_in(sessions, browser, role):
    """The browser is that of somebody with this one role."""
    token = secrets.token_urlsafe(16)
    async with sessions.begin() as session:
        firm = None if "staff:see" in main_rights(role) else await make.company(session, f"Firm of {role}")
        person = await make.person(session, f"{role}-{token[:4].lower()}@rights.example", (role,), firm)
        row = SignInSession(person_id=person.id, created_at=NOON, last_seen_at=NOON, browser="")
        row.token_sha256 = hashlib.sha256(token.encode()).hexdigest()
        session.add(row)
    browser.cookies.clear()
    browser.cookies.set("session", token)


def main_rights(role):
    from pavilion.accounts.rules import RIGHTS

    return {right.value for right in RIGHTS[role]}


async def test_only_compliance_leads_and_auditors_see_the_watch_and_only_the_first_two_decide(sessions, open_house):
    firms = await two_firms(sessions)
    case = await renewed(sessions, [finding(firms, ["A"])], NOON)
    said = {"verdict": "watch", "reason": "Asked by telephone.", "evidence": case.evidence_sha256}
    assert (await open_house.get("/staff/fairness")).status_code == 303  # to the sign-in
    for role in Role:
        if role == Role.VISITOR:
            continue
        await signed_in(sessions, open_house, role)
        for route, let in TABLE.items():
            method, path = route.replace("{case}", case.public_id).split()
            answer = await open_house.request(method, path, data=said if method == "POST" else None)
            assert answer.status_code == ((200 if method == "GET" else 303) if role in let else 403), (role, route)
        home = await open_house.get("/staff")
        assert ("/staff/fairness" in home.text) == (role in READERS), role


# -- the pages --------------------------------------------------------------------------------------------------------


async def test_the_pages_tell_the_case_in_both_languages_and_no_maximum(database_url, sessions, tmp_path):
    marker = 37_654_321
    async with house(database_url, sessions) as one:
        await one_owner(sessions, one)
        await one.bid(0, 400_000)
        await one.bid(1, marker)
        at = await closed(one)
    case = (await looked(sessions, at))[Kind.SHARED_OWNER]
    async with sessions() as session:
        assert (await session.scalar(select(BookBid.n).where(BookBid.seq > 0))) is not None
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path)
    app = main.build_house(settings, sessions.kw["bind"], lambda: NOON)
    async with AsyncClient(transport=ASGITransport(app), base_url=HOME, headers={"origin": HOME}) as browser:
        await signed_in(sessions, browser, Role.COMPLIANCE)
        shown = await browser.get("/staff/fairness")
        whole = await browser.get(f"/staff/fairness/{case.public_id}")
        assert (
            "name the same beneficial owner" in shown.text and "<svg" in whole.text and "Lumen Trading 1" in whole.text
        )
        for text in (shown.text, whole.text, str(case.evidence)):
            assert not re.search(r"37.?654.?321|376.?543", text), marker
        path = f"/staff/fairness/{case.public_id}/decisions"
        short = {"verdict": "watch", "reason": "no", "evidence": case.evidence_sha256}
        again = await browser.post(path, data=short)
        assert again.status_code == 422 and "At least 10 characters, at most 2,000." in again.text
        bare = await browser.post(path, data=short | {"verdict": "bar", "reason": "They are one house."})
        assert bare.status_code == 422 and "choose at least one company" in bare.text
        stale = await browser.post(path, data=short | {"reason": "They are one house.", "evidence": "0" * 64})
        assert stale.status_code == 409
        assert (await browser.post(path, data={"verdict": "hang", "void": ["x" * 99]})).status_code == 422
        done = await browser.post(path, data=short | {"reason": "One family, two firms, both known."})
        assert done.status_code == 303
        assert "One family, two firms, both known." in (await browser.get(path.removesuffix("/decisions"))).text
        assert "No case is of this kind" in (await browser.get("/staff/fairness?state=open")).text
        assert "same beneficial owner" in (await browser.get("/staff/fairness?state=watched&kind=shared_owner")).text
        assert (await browser.get("/staff/fairness?state=nonsense&kind=nonsense")).status_code == 200
        assert (await browser.get("/staff/fairness/01NONE")).status_code == 404
        await browser.post("/language", data={"to": "zh", "back": "/"})
        assert "申报了相同的实际受益人" in (await browser.get("/staff/fairness")).text
        assert "关注中" in (await browser.get(path.removesuffix("/decisions"))).text
