"""A seller learns a number of three companies or more, and no company's coming or going from it."""

from datetime import timedelta
from itertools import combinations

import hypothesis
import pytest
from httpx2 import ASGITransport, AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from pavilion import main
from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import Role
from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.catalogue.shortlist_models import Shortlist, ShortlistLine
from pavilion.housework import INTEREST
from pavilion.insight import seller_interest, seller_interest_rules
from pavilion.insight.seller_interest_models import InterestTold
from pavilion.insight.seller_interest_rules import foreign, middle_days, over, parties, told_anew, week_of
from pavilion.kernel.ids import ulid
from pavilion.settings import Settings
from pavilion.trading.memo_models import Memo, MemoStone
from pavilion.trading.models import Hold
from pavilion.trading.offer_models import Offer, OfferStone
from pavilion.viewings.states import AppointmentState
from tests import make
from tests.catalogue import stones
from tests.make import NOON, PASSWORD
from tests.viewings import booked

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the queries run on both elsewhere
FEW = hypothesis.settings(max_examples=40)
HOME = "http://pavilion.test"
DAY = timedelta(days=1)
WEEK = 7 * DAY
ATTACKER = 0
COMPANIES = st.frozensets(st.integers(1, 9))


def weekly(history):
    """What was told after each week of this history."""
    told, seen = None, []
    for interested in history:
        anew = told_anew(told, interested)
        if anew is not None and (anew or told is not None):
            told = anew
        seen.append(told or frozenset())
    return seen


@FEW
@given(COMPANIES, st.frozensets(st.integers(1, 9), max_size=2))
def test_two_companies_move_no_number_that_was_just_told_nor_with_a_third_that_watches(interested, changing):
    [told] = weekly([interested])
    if told:
        assert told_anew(told, interested ^ changing) is None
        assert told_anew(told, (interested ^ changing) | {ATTACKER}) is None, "the attacker would learn of both others"


@FEW
@given(st.lists(COMPANIES, max_size=12))
def test_no_number_is_under_three_and_none_is_told_anew_of_fewer_than_four(history):
    before, spoken = frozenset(), False
    for interested, told in zip(history, weekly(history), strict=True):
        assert not told or len(told) >= 3
        if told != before:
            assert len(interested ^ before) >= (4 if spoken else 3), "the attacker's own line and three others at least"
        before, spoken = told, spoken or bool(told)


@FEW
@given(COMPANIES, st.lists(st.booleans(), max_size=20))
def test_an_attacker_who_comes_and_goes_for_weeks_reads_one_number(interested, comings):
    """Everybody else stays: however often one company puts the stone on a list and takes it off, the number stands."""
    if len(interested) >= 3:
        history = [interested, *(interested | {ATTACKER} if comes else interested for comes in comings)]
        assert {len(told) for told in weekly(history)} == {len(interested)}


def test_companies_of_one_owner_are_one_and_the_sellers_own_none():
    owners = {1: ["Ada Kgale"], 2: [], 3: ["ada  KGALE", "Bo"], 4: ["Bo"], 5: ["Cy"], 6: []}
    party_of = parties(owners)
    assert party_of == {1: 1, 2: 2, 3: 1, 4: 1, 5: 5, 6: 6}
    assert foreign([1, 3, 4, 2, 5, 6, 99], 5, party_of) == {1, 2, 6}, "99 is not approved"
    assert foreign([1, 2, 3], 4, party_of) == {2}


@FEW
@given(st.lists(st.frozensets(st.sampled_from("ABCDEFG"), max_size=3), max_size=9))
def test_whoever_shares_an_owner_is_of_one_party(owners):
    party_of = parties(dict(enumerate(owners)))
    for one, other in combinations(range(len(owners)), 2):
        if owners[one] & owners[other]:
            assert party_of[one] == party_of[other]
    assert all(party_of[party] == party <= company for company, party in party_of.items())


def test_the_middle_of_days_needs_five_sales_and_three_others():
    assert middle_days([1, 2, 3, 4], []) is None
    assert middle_days([1, 2, 3, 4, 5], []) == (3, 5)
    assert middle_days([1, 2, 3, 4], [(7, 90), (8, 90)]) is None, "four of one's own, and two others are too few"
    assert middle_days([1, 2, 3, 4, 5], [(7, 90), (8, 90)]) == (3, 5)
    assert middle_days([1, 2], [(7, 10), (8, 20), (9, 31)]) == (10, 5)
    assert middle_days([1, 2, 4], [(7, 9), (8, 20), (9, 31)]) == (7, 6), "of an even number the mean, half up"
    assert seller_interest_rules.share_bp(1, 3) == 3333 and seller_interest_rules.share_bp(0, 0) is None
    assert (week_of(NOON), week_of(NOON - 13 * make.HOUR)) == ("2026-03-02", "2026-02-23")


class House:
    """A seller with one stone like eight others, and seven companies that may want it."""

    def __init__(self, sessions):
        self.sessions = sessions

    async def furnish(self, session):
        self.seller = await make.company(session, "Kgale Cutting", "BW")
        self.firms = [await make.company(session, f"Firm {n}", "HK") for n in range(7)]
        self.people = [
            await make.person(session, f"p{n}@x.example", (Role.BUYER,), f) for n, f in enumerate(self.firms)
        ]
        self.sara = await make.person(session, "sara@supplier.example", (Role.SUPPLIER,), self.seller)
        [kept] = await stones.listed(session, [stones.row(1)], self.seller.id)
        self.stone = await session.scalar(select(Stone).where(Stone.public_id == kept.public_id))
        self.lists = {}

    async def listed(self, session, n, at=NOON):
        firm = self.firms[n]
        if n not in self.lists:
            facts = {"public_id": ulid(NOON), "company_id": firm.id, "name": "x", "made_by": self.people[n].id}
            session.add(made := Shortlist(**facts, made_at=at, changed_at=at))
            await session.flush()
            facts = {"public_id": ulid(NOON), "list_id": made.id, "stone_id": self.stone.id, "snapshot": {}}
            facts |= {"exposed_id": self.stone.public_id, "added_by": self.people[n].id}
            session.add(line := ShortlistLine(**facts, added_at=at))
            self.lists[n] = line
            await session.flush()
        return self.lists[n]

    async def told(self, now):
        await seller_interest.tick(self.sessions, INTEREST, now)
        async with self.sessions() as session:
            return await session.scalar(select(InterestTold.n).where(InterestTold.stone_id == self.stone.id)) or 0


@pytest.fixture
async def house(sessions):
    made = House(sessions)
    async with sessions.begin() as session:
        await made.furnish(session)
    return made


async def test_every_way_to_want_a_stone_counts_once_and_nothing_moves_within_a_week(house):
    stone = house.stone.public_id
    async with house.sessions.begin() as session:
        await house.listed(session, 0)
        facts = {"stone": stone, "seller_company_id": house.seller.id, "state": "active", "key": "k", "asked_at": NOON}
        hold = {"public_id": ulid(NOON), "company_id": house.firms[1].id, "expires_at": NOON + DAY}
        session.add(Hold(**facts, **hold))
        own = facts | {"key": "o", "public_id": ulid(NOON), "company_id": house.seller.id, "expires_at": NOON + DAY}
        session.add(Hold(**own))
    assert await house.told(NOON) == 0, "two, and the seller's own, are too few"
    async with house.sessions.begin() as session:
        facts = {"public_id": ulid(NOON), "company_id": house.firms[2].id, "seller_company_id": house.seller.id}
        offer = Offer(**facts, stones_key="s", currency="USD", destination="HK", price_minor=1, round=1, turn="seller",
                      expires_at=NOON + DAY, key="k", body_sha256="0", made_at=NOON)  # fmt: skip
        facts |= {"public_id": ulid(NOON), "company_id": house.firms[3].id}
        memo = Memo(**facts, entity="BWA", currency="USD", destination="HK", days=7, total_minor=1, key="k",
                    body_sha256="0", asked_by="x", requested_at=NOON)  # fmt: skip
        session.add_all([offer, memo])
        await session.flush()
        session.add(OfferStone(offer_id=offer.id, stone=stone))
        session.add(
            MemoStone(memo_id=memo.id, stone=stone, place=0, price_minor=1, title_en="x", title_zh="x", facts={})
        )
        await booked.office(session)
        for n, state in ((4, AppointmentState.BOOKED), (5, AppointmentState.CANCELLED)):
            row = await booked.appointment(session, house.people[n], number=f"HKG-{n}", state=state)
            await booked.lines(session, row, [stone])
    assert await house.told(NOON + 6 * DAY) == 0, "the week was counted"
    assert await house.told(NOON + WEEK) == 5
    async with house.sessions.begin() as session:
        await sold(session, house.seller, range(51, 56), 12, color="G")
        reader = await make.actor(session, "bo@supplier.example", (Role.SUPPLIER,), house.seller)
        page = await seller_interest.page_of(session, reader, house.seller.id, NOON + 60 * DAY)
        [one] = page.rows
        assert (one.interested, one.told, one.withheld) == (5, "2026-03-09", False)
        assert (one.days, one.like_days, one.asked) == (60, (12, 5), None)
        assert (page.listed, page.shares, page.week) == (1, {30: (5, 6, 8333), 90: (0, 0, None)}, "2026-03-09")
    assert await house.told(NOON + 100 * DAY) == 0, "after 90 days nobody is left"


async def test_an_attacker_reads_nothing_from_a_line_put_down_and_taken_away(house):
    async with house.sessions.begin() as session:
        for n in range(3):
            await house.listed(session, n)
    assert await house.told(NOON) == 3
    async with house.sessions.begin() as session:
        attack = await house.listed(session, 6, NOON + DAY)
        line = attack.id
    seen = [await house.told(NOON + n * DAY) for n in range(1, 15)]
    async with house.sessions.begin() as session:
        await session.execute(update(ShortlistLine).where(ShortlistLine.id == line).values(removed_at=NOON + 15 * DAY))
    seen += [await house.told(NOON + n * DAY) for n in range(15, 29)]
    assert set(seen) == {3}
    async with house.sessions.begin() as session:
        for n in (3, 4):
            await house.listed(session, n, NOON + 29 * DAY)
    assert await house.told(NOON + 5 * WEEK) == 3, "two others and the attacker: it would learn of the two"
    async with house.sessions.begin() as session:
        await house.listed(session, 5, NOON + 36 * DAY)
    assert await house.told(NOON + 6 * WEEK) == 7, "four differ from those that it was told of"


async def test_a_number_does_not_outlive_the_companies_it_was_told_of(house):
    """Three are too few to move it when they leave; it ends when nothing that it counted counts any more."""
    async with house.sessions.begin() as session:
        for n in range(3):
            await house.listed(session, n)
    assert await house.told(NOON) == 3
    async with house.sessions.begin() as session:
        gone = update(Company).where(Company.id.in_([firm.id for firm in house.firms[:3]]))
        await session.execute(gone.values(state="suspended"))
    assert await house.told(NOON + 13 * WEEK) == 3, "all are gone, but it would tell when"
    async with house.sessions.begin() as session:
        reader = await make.actor(session, "bo@supplier.example", (Role.SUPPLIER,), house.seller)
        for week, due in {13: (3, "2026-03-02"), 14: (None, None)}.items():
            page = await seller_interest.page_of(session, reader, house.seller.id, NOON + week * WEEK)
            assert (page.rows[0].interested, page.rows[0].told) == due, "nor is it read where nobody counted since"
    assert await house.told(NOON + 14 * WEEK) == 0
    async with house.sessions.begin() as session:
        for n in (3, 4, 5):
            await house.listed(session, n, NOON + 16 * WEEK)
    assert await house.told(NOON + 16 * WEEK) == 0, "three others than none are too few to be told at once"
    assert await house.told(NOON + 29 * WEEK) == 0, "and by now they are over"


def test_a_number_is_over_when_nothing_that_it_counted_counts_and_not_before():
    assert not over("2026-03-02", NOON + 97 * DAY - make.HOUR * 13)
    assert over("2026-03-02", NOON + 97 * DAY) and week_of(NOON) == "2026-03-02"
    assert told_anew(None, frozenset({1, 2, 3})) == {1, 2, 3} and told_anew(frozenset({1, 2, 3}), frozenset()) is None


async def sold(session, company, numbers, took, color="H"):
    for stone in await stones.listed(session, [stones.row(n, color=color) for n in numbers], company.id):
        row = await session.scalar(select(Stone).where(Stone.public_id == stone.public_id))
        facts = {"exposed_id": row.public_id, "kind": CommitmentKind.SOLD, "ref": ulid(NOON), "facts": {}}
        session.add(StoneCommitment(stone_id=row.id, **facts, made_at=NOON + took * DAY))


@ON_SQLITE
async def test_the_page_says_what_it_may_in_both_languages(house, tmp_path):
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path)
    later = NOON + 5 * WEEK
    app = main.build_house(settings, house.sessions.kw["bind"], lambda: later)
    async with house.sessions.begin() as session:
        for n in range(3):
            await house.listed(session, n, later - DAY)
        rows = [stones.row(n, price_per_carat_minor=600_000 + n * 10_000) for n in (11, 12, 13)]
        for one, firm in zip(rows, house.firms, strict=False):
            await stones.listed(session, [one], firm.id)
        await stones.listed(session, [stones.row(2, color="H"), stones.row(3, color="K")], house.seller.id)
        await sold(session, house.seller, (21, 22), 12)
        for n in range(3):
            await sold(session, house.firms[n], (31 + n,), 40)
        await stones.listed(session, [stones.row(41, color="K")], house.firms[0].id)
    assert await house.told(later) == 3
    async with AsyncClient(transport=ASGITransport(app), base_url=HOME, headers={"origin": HOME}) as browser:
        assert (await browser.get("/stock/insight")).status_code == 303
        assert (await browser.get("/api/v1/stock-insight")).status_code == 401
        await browser.post("/sign-in", data={"email": "sara@supplier.example", "password": PASSWORD})
        page = (await browser.get("/stock/insight")).text
        assert "<b>3</b>" in page and page.count("too few") == 5, page
        assert "40 days" in page and "n = 5" in page and "7,200" in page and "n = 3" in page
        assert "40.0" in page and "2 of 5" in page and "2 March" not in page and "6 April 2026" in page
        assert 'href="/stock/insight"' in (await browser.get("/stock")).text
        further = await browser.get("/stock/insight", params={"after": "PV-000002"})
        assert "PV-000003" in further.text and "PV-000001" not in further.text
        assert "No further stone" in (await browser.get("/stock/insight?after=ZZ")).text
        first = (await browser.get("/api/v1/stock-insight", params={"limit": 2})).json()
        rest = (await browser.get("/api/v1/stock-insight", params={"limit": 2, "cursor": first["cursor"]})).json()
        items = first["items"] + rest["items"]
        assert [one["stock_no"] for one in items] == ["PV-000001", "PV-000002", "PV-000003"] and not rest["cursor"]
        assert [one["interested"] for one in items] == [3, None, None] and items[0]["told"] == first["counted"]
        assert items[0]["like_ask"] == {
            "median": {"amount_minor": 720_000, "currency": "USD"}, "n": 3, "against_bp": -972,
        }  # fmt: skip
        assert items[1]["like_sold"] == {"days": 40, "n": 5} and items[1]["like_ask"] is None
        assert first["sold_within"][0] == {"days": 30, "sold": 2, "of": 5, "share_bp": 4000}
        await browser.post("/sign-out")
        async with house.sessions.begin() as session:
            await session.execute(update(Person).values(lang="zh"))
        browser.cookies.clear()
        await browser.post("/sign-in", data={"email": "sara@supplier.example", "password": PASSWORD})
        page = (await browser.get("/stock/insight")).text
        assert "关注公司数" in page and "样本不足" in page and "too few" not in page
        await browser.post("/sign-out")
        await browser.post("/sign-in", data={"email": "p0@x.example", "password": PASSWORD})
        assert (await browser.get("/stock/insight")).status_code == 403
        assert (await browser.get("/api/v1/stock-insight")).status_code == 403
