"""Stones out on memo: whose turn it is, what keeps a stone, the scale, the calendar, and the bill."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.service import SameApprover
from pavilion.auctions import entities
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.models import AwaitedStone, CommitmentKind, Stone
from pavilion.catalogue.unavailable import NotAvailable, OnMemoUntil
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed, NotFound
from pavilion.provenance.custody_models import CustodyEntry
from pavilion.trading import conditions, jobs, memo_days, memo_desk, memo_rules, memoing
from pavilion.trading.conditions import OverTradeLimit
from pavilion.trading.memo_models import Memo
from pavilion.trading.memo_rules import MEMO_TRANSITIONS, STONE_TRANSITIONS, MemoState, StoneState
from pavilion.trading.models import Order
from pavilion.trading.offering import BuyerUnfit
from tests.make import HOUR, NOON
from tests.trading.lent import DAY, WEIGHT, Lent
from tests.trading.market import PRICE

WEEK = 8 * DAY  # a memo of seven days is late


@pytest.fixture
async def market(sessions):
    return await Lent(sessions).open()


@pytest.fixture
async def quick(sqlite_sessions):
    return await Lent(sqlite_sessions).open()


def test_what_follows_what_is_exactly_the_table_of_the_rules():
    may = {(a, b) for a in MemoState for b in MemoState if memo_rules.memo_may(a, b)}
    assert {(str(a), str(b)) for a, b in may} == {
        ("requested", "approved"), ("requested", "refused"), ("approved", "out"), ("approved", "refused"),
        ("out", "returned"), ("out", "invoiced"), ("out", "overdue"), ("overdue", "returned"), ("overdue", "invoiced"),
    }  # fmt: skip
    assert set(MEMO_TRANSITIONS) == set(MemoState) and set(STONE_TRANSITIONS) == set(StoneState)
    stones = {(str(a), str(b)) for a in StoneState for b in StoneState if memo_rules.stone_may(a, b)}
    assert stones == {
        ("waiting", "out"), ("waiting", "released"), ("out", "returned"), ("out", "incident"), ("out", "invoiced"),
        ("incident", "returned"), ("incident", "invoiced"),
    }  # fmt: skip


@pytest.mark.parametrize(("back", "differs"), [(WEIGHT - 2, True), (WEIGHT - 1, False), (WEIGHT, False),
                                               (WEIGHT + 1, False), (WEIGHT + 2, True)])  # fmt: skip
def test_one_milli_carat_is_the_scale_and_two_are_another_stone(back, differs):
    assert memo_rules.weights_differ(WEIGHT, back) is differs


async def test_in_each_state_only_what_the_table_allows_is_done(sqlite_sessions):
    market = await Lent(sqlite_sessions).open(stones=7)
    states = {
        "requested": lambda m: m, "approved": market.approve, "refused": None, "out": None, "overdue": None,
        "returned": None, "invoiced": None,
    }  # fmt: skip
    await market.change(market.wen.company_id, trade_limit_minor=20 * PRICE)
    rows = {}
    for state, stone in zip(states, market.stones, strict=True):
        memo = await market.ask(stones=[stone])
        if state != "requested" and state != "refused":
            memo = await market.approve(memo)
        if state == "refused":
            memo = await market.say(memoing.refuse, memo, reason="")
        if state in ("out", "overdue", "returned", "invoiced"):
            memo = await market.hand_out(memo)
        if state == "returned":
            await market.bring_back(memo, stone)
        if state == "invoiced":
            await market.say(memo_desk.buy, memo, market.wen, stones=[stone])
        rows[state] = (memo, stone)
    await jobs.tick(market.sessions, NOON + WEEK - DAY - HOUR)  # nothing is late before its day is over
    late = rows["overdue"][0]
    async with market.sessions.begin() as session:
        (await session.get_one(Memo, late.id)).state = "overdue"
    acts = {
        "approve": lambda m, s: market.approve(m),
        "refuse": lambda m, s: market.say(memoing.refuse, m, reason=""),
        "withdraw": lambda m, s: market.say(memoing.withdraw, m, market.wen),
        "hand_out": lambda m, s: market.hand_out(m),
        "weigh_in": lambda m, s: market.bring_back(m, s),
        "extend": lambda m, s: market.say(memoing.extend, m, extensions=0, yes=True),
        "buy": lambda m, s: market.say(memo_desk.buy, m, market.wen, stones=[s]),
    }
    allowed = {  # an act in the state it leads to is said twice, and done once
        "requested": {"approve", "refuse", "withdraw"}, "approved": {"approve", "hand_out", "refuse", "withdraw"},
        "refused": {"refuse", "withdraw"}, "out": {"hand_out", "weigh_in", "extend", "buy"},
        "overdue": {"weigh_in", "buy"}, "returned": {"weigh_in"}, "invoiced": {"buy"},
    }  # fmt: skip
    for state, (memo, stone) in rows.items():
        assert (await market.memo(memo)).state == state
        for name in sorted(acts.keys() - allowed[state]):
            with pytest.raises(ActNotAllowed):
                await acts[name](memo, stone)
        assert (await market.memo(memo)).state == state


async def test_a_memo_goes_out_and_comes_back_stone_by_stone(sqlite_sessions):
    market = await Lent(sqlite_sessions).open(stones=2)
    memo = await market.ask()
    assert (memo.state, memo.total_minor, await market.promised()) == ("requested", 2 * PRICE, None)
    memo = await market.approve(memo, insured_minor=2 * PRICE + 1)
    assert (memo.number, memo.insured_minor, memo.extensions) == ("MEM-ANT-2026-000001", 2 * PRICE + 1, 0)
    assert memo.warranty_id and memo.facts["warranty"]["sha256"] == memo.warranty_sha256
    assert await market.promised() == ("on_memo", memo.public_id)
    memo = await market.hand_out(memo)
    assert memo.state == "out" and (await market.lines(memo))[0].out_mct == WEIGHT
    await market.bring_back(memo)
    assert (await market.memo(memo)).state == "out" and await market.promised() is None
    assert await market.promised(market.stones[1]) == ("on_memo", memo.public_id)
    async with market.sessions() as session:
        assert await conditions.used_minor(session, market.wen.company_id, "USD") == PRICE
    await market.bring_back(memo, market.stones[1])
    assert (await market.memo(memo)).state == "returned"
    async with market.sessions() as session:
        entries = (await session.scalars(select(CustodyEntry))).all()
    assert {(row.holder, row.out_mct, row.in_mct, row.in_by) for row in entries} == {
        ("buyer", WEIGHT, WEIGHT, "Wen Li")
    }
    names = [event.name for event in await market.events("memo:approved", "memo:out", "memo:returned")]
    assert names == ["memo:approved", "memo:out", "memo:returned"]


async def test_nobody_else_can_have_a_stone_on_memo_and_hears_until_when(quick):
    memo = await quick.out()
    other = await quick.buyer("ilse@vandael.example")
    for attempt in (quick.hold(other), quick.buy(other), quick.ask(other, stones=quick.stones)):
        with pytest.raises(OnMemoUntil) as refused:
            await attempt
        assert refused.value.facts["date"] == memo.due_on
    with pytest.raises(NotAvailable):
        async with quick.sessions.begin() as session:
            await catalogue.commit_stone(
                session, stone=quick.stones[0], kind=CommitmentKind.IN_SALE, ref="L", facts={}, by=None, now=NOON
            )


async def test_the_value_of_open_memos_counts_against_the_trade_limit(sqlite_sessions):
    market = await Lent(sqlite_sessions).open(stones=2)
    await market.change(market.wen.company_id, trade_limit_minor=PRICE + 1)
    first, second = [await market.ask(stones=[stone]) for stone in market.stones]
    await market.approve(first)
    with pytest.raises(OverTradeLimit):
        await market.ask(stones=[market.stones[1]])
    with pytest.raises(BuyerUnfit):  # the owner learns no more than this
        await market.approve(second)
    await market.change(market.wen.company_id, trade_limit_minor=0)
    assert (await market.memo(second)).number is None


async def test_a_stone_that_somebody_comes_to_see_stays(quick):
    memo = await quick.ask()
    async with quick.sessions.begin() as session:
        stone = await session.scalar(select(Stone.id).where(Stone.public_id == quick.stones[0]))
        session.add(AwaitedStone(stone_id=stone, until=NOON + 2 * HOUR))
    with pytest.raises(memoing.StoneAwaited):
        await quick.approve(memo)
    assert await quick.promised() is None and (await quick.memo(memo)).number is None
    assert (await quick.approve(memo, now=NOON + 2 * HOUR)).state == "approved"


async def test_an_own_hold_becomes_the_memo_and_anothers_stays(quick):
    await quick.hold()
    memo = await quick.approve(await quick.ask())
    assert await quick.promised() == ("on_memo", memo.public_id)
    await quick.say(memoing.withdraw, memo, quick.wen)
    memo = await quick.ask()
    await quick.hold(await quick.buyer("ilse@vandael.example"))
    with pytest.raises(NotAvailable):
        await quick.approve(memo)
    assert (await quick.approve(memo, now=NOON + DAY)).number == "MEM-ANT-2026-000002"  # at its end it is none


async def test_another_weight_is_an_incident_and_a_second_person_accepts_it(quick):
    memo = await quick.out()
    assert (await quick.bring_back(memo, mct=WEIGHT - 2)).state == "incident"
    assert (await quick.bring_back(memo, mct=WEIGHT - 2)).state == "incident"
    assert (await quick.memo(memo)).state == "out" and await quick.promised() == ("on_memo", memo.public_id)
    (event,) = await quick.events("memo:weight_differs")
    assert (event.facts["out_mct"], event.facts["in_mct"]) == (WEIGHT, WEIGHT - 2)
    said = {"stone": quick.stones[0], "reason": "A pavilion facet is chipped."}
    with pytest.raises(memo_desk.SecondLook):
        await quick.say(memo_desk.accept, memo, quick.vic, **said)
    with pytest.raises(NotAllowed):
        await quick.say(memo_desk.accept, memo, quick.sam, **said)
    assert (await quick.say(memo_desk.accept, memo, quick.tess, **said)).state == "returned"
    assert (await quick.memo(memo)).state == "returned" and await quick.promised() is None


async def test_two_extensions_and_no_third_unless_the_house_agrees(quick, monkeypatch):
    memo = await quick.out()
    first = memo.due
    await quick.say(memoing.ask_extension, memo, quick.wen)
    for before in (0, 1):
        memo = await quick.say(memoing.extend, memo, extensions=before, yes=True)
        assert (await quick.say(memoing.extend, memo, extensions=before, yes=True)).extensions == before + 1
    assert memo.due == first + timedelta(days=14) and memo.extension_asked_at is None
    with pytest.raises(ActNotAllowed):
        await quick.say(memoing.extend, memo, extensions=2, yes=True)
    with pytest.raises(ActNotAllowed):
        await quick.say(memoing.ask_extension, memo, quick.wen)
    thrice = {code: replace(house, trade={"memo_extensions": 3}) for code, house in entities.entities().items()}
    with monkeypatch.context() as agreed:
        agreed.setattr(memoing, "entities", lambda: thrice)
        memo = await quick.say(memoing.extend, memo, extensions=2, yes=True)
    assert memo.extensions == 3, "a house may agree to more"
    other = await quick.buyer("ilse@vandael.example")
    with pytest.raises(OnMemoUntil) as refused:
        await quick.hold(other)
    assert refused.value.facts["date"] == memo.due_on


async def test_overdue_is_said_every_day_and_billed_by_two_after_five_business_days(quick):
    memo = await quick.out()  # on Monday the 2nd of March; due on Monday the 9th
    assert (memo.due_on, memo.bill_on) == ("2026-03-09", "2026-03-16")
    assert await memo_days.tick(quick.sessions, memo.due_at - timedelta(microseconds=1)) == 0
    late = memo.due_at
    for day in range(7):
        for hour in (0, 1):
            await memo_days.tick(quick.sessions, late + day * DAY + hour * HOUR)
    events = await quick.events("memo:overdue", "memo:still_out")
    assert [event.at.date().day for event in events] == [*range(9, 16)]  # the clock says UTC
    said = {"reason": "Not brought back, three reminders."}
    with pytest.raises(ActNotAllowed):
        await quick.say(memo_desk.propose_bill, memo, quick.tomas, late + 6 * DAY - HOUR, **said)
    proposal = await quick.say(memo_desk.propose_bill, memo, quick.tomas, late + 6 * DAY, **said)
    async with quick.sessions.begin() as session:
        row = await session.get_one(Proposal, proposal.id)
        with pytest.raises(SameApprover):
            await accounts.decide(
                session, proposal_id=row.public_id, approve=True, actor=quick.tomas, now=late + 6 * DAY,
                handlers=memo_desk.PROPOSAL_HANDLERS,
            )  # fmt: skip
    async with quick.sessions.begin() as session:
        row = await session.get_one(Proposal, proposal.id)
        await memo_desk.bill(session, row, quick.tess, late + 6 * DAY)
    (order,) = await quick.all(Order)
    assert (order.source, order.source_ref, order.total_minor) == ("memo", memo.public_id, PRICE)
    assert ((await quick.memo(memo)).state, await quick.promised()) == ("invoiced", ("sold", order.public_id))


async def test_the_buyer_keeps_one_stone_and_brings_the_other_back(sqlite_sessions):
    market = await Lent(sqlite_sessions).open(stones=2)
    memo = await market.out()
    order = await market.say(memo_desk.buy, memo, market.wen, stones=[market.stones[0]])
    again = await market.say(memo_desk.buy, memo, market.wen, stones=[market.stones[0]])
    assert (order.id, order.state, order.total_minor) == (again.id, "confirmed", PRICE)
    assert (await market.memo(memo)).state == "out"
    await market.bring_back(memo, market.stones[1])
    assert (await market.memo(memo)).state == "invoiced"


async def test_what_nobody_fetches_is_free_again(quick):
    memo = await quick.approve(await quick.ask())
    await jobs.tick(quick.sessions, memo.due_at)
    assert ((await quick.memo(memo)).state, await quick.promised()) == ("refused", None)
    with pytest.raises(ActNotAllowed):
        await quick.hand_out(memo, now=memo.due_at)


async def test_only_its_own_sides_act_on_a_memo(quick):
    memo, other = await quick.ask(), await quick.buyer("ilse@vandael.example")
    for verb, who, more in (
        (memoing.approve, quick.wen, {"insured_minor": None}), (memoing.refuse, other, {"reason": ""}),
        (memoing.withdraw, quick.sam, {}), (memo_desk.buy, other, {"stones": quick.stones}),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await quick.say(verb, memo, who, **more)
    with pytest.raises(BadInput):
        await quick.approve(memo, insured_minor=PRICE - 1)


async def test_thirty_two_memos_approved_at_once_are_numbered_without_a_gap(postgres_sessions):
    market = await Lent(postgres_sessions).open(stones=32)
    crowd = [await market.buyer(f"b@b{n}.example", trade_limit_minor=PRICE) for n in range(32)]
    memos = [await market.ask(who, stones=[stone]) for who, stone in zip(crowd, market.stones, strict=True)]
    await asyncio.gather(*(market.approve(memo) for memo in memos))
    numbers = sorted([row.number for row in await market.all(Memo)])
    assert numbers == [f"MEM-ANT-2026-{n:06d}" for n in range(1, 33)]


async def test_of_memo_order_hold_and_viewing_at_once_one_has_the_stone(market):
    other, third = [await market.buyer(f"{name}@x{name}.example") for name in ("ilse", "kai")]
    await market.change(third.company_id, trade_limit_minor=PRICE)
    memos = [await market.ask(), await market.ask(third)]
    seen = await market.seq()
    tries = [
        market.approve(memos[0]),
        market.approve(memos[1]),
        market.hold(other, seen=seen),
        market.buy(other, seen=seen),
    ]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    done = [one for one in answers if not isinstance(one, Exception)]
    assert len(done) == 1 and await market.promised() == (
        {"memos": "on_memo", "holds": "held", "orders": "sold"}[done[0].__tablename__], done[0].public_id
    )  # fmt: skip
    numbered = [row for row in await market.all(Memo) if row.number]
    assert len(numbered) == (done[0].__tablename__ == "memos")


async def test_a_transaction_that_dies_leaves_nothing_of_it(market):
    memo = await market.ask()
    with pytest.raises(RuntimeError):
        async with market.sessions.begin() as session:
            await memoing.approve(
                session, memo=memo.public_id, insured_minor=None, company_id=market.seller, actor=market.sam, now=NOON
            )
            raise RuntimeError("the process ends here")
    assert (await market.memo(memo)).state == "requested" and await market.promised() is None
    assert (await market.approve(memo)).number == "MEM-ANT-2026-000001"
    with pytest.raises((DBAPIError, IntegrityError)):
        async with market.sessions.begin() as session:
            await session.execute(text("update memos set number = null"))


def test_numbers_read_series_house_year_and_count():
    assert re.fullmatch(r"MEM-ANT-2026-000007", memo_rules.memo_number("ANT", 2026, 7))
