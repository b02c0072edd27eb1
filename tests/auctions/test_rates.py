"""Amounts in a second currency: exact to three figures, from a table of two persons, and never a bid's business."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from pavilion.accounts import service as accounts
from pavilion.accounts.rules import Role
from pavilion.auctions import rates
from pavilion.auctions.rates_models import DisplayRates
from pavilion.kernel.errors import BadInput, NotAllowed
from tests import make
from tests.make import NOON

# The same cases stand in frontend/static/js/about.test.js.
CASES = [
    (2_500_000, "USD", 1_000_000, 7_781_200, 195_000),
    (2_500_000, "USD", 1_000_000, 151_340_000, 3_780_000),
    (100, "USD", 1_000_000, 7_781_200, 8),
    (40_000, "JPY", 151_340_000, 1_000_000, 264),
    (999_999_999_999_999, "USD", 1_000_000, 7_781_200, 77_800_000_000_000),
    (1_000, "KWD", 307_000, 1_000_000, 3),
    (99_950, "USD", 1_000_000, 1_000_000, 1_000),
]
TYPED = {"HKD": "7.7812", "EUR": "0.92", "JPY": "", "USD": "2"}


@pytest.mark.parametrize(("minor", "currency", "frm", "to", "major"), CASES)
def test_three_figures_and_no_float(minor, currency, frm, to, major):
    assert rates.about(minor, currency, frm, to) == major


@pytest.mark.parametrize("text", ["0", "-1", "1.2345678", "7,78", "NaN", "1e3", "١", "123456789"])
def test_what_is_no_rate_is_named(text):
    assert rates.read_rates({"HKD": text}) == ({"USD": rates.ONE}, {"HKD": "rates_unknown"})


async def test_two_persons_set_the_rates_and_the_last_table_counts(sessions):
    handlers = rates.PROPOSAL_HANDLERS
    async with sessions.begin() as session:
        noor = await make.actor(session)
        lena = await make.actor(session, "lena@pavilion.example", (Role.LEAD,))
        wen = await make.actor(session, "wen@lumen.example", (Role.BUYER,), await make.company(session))
    said = {"day": "2026-03-02", "source": "European Central Bank", "typed": TYPED, "now": NOON}
    async with sessions.begin() as session:
        with pytest.raises(NotAllowed):
            await rates.propose(session, actor=wen, **said)
        proposal = await rates.propose(session, actor=noor, **said)
        assert await rates.shown(session, "HKD", "USD") is None, "not before the second person"
    async with sessions.begin() as session:
        with pytest.raises((accounts.SameApprover, NotAllowed)):
            await accounts.decide(
                session, proposal_id=proposal.public_id, approve=True, actor=noor, handlers=handlers, now=NOON
            )
    async with sessions.begin() as session:
        await accounts.decide(
            session, proposal_id=proposal.public_id, approve=True, actor=lena, handlers=handlers, now=NOON
        )
    async with sessions() as session:
        row = await session.scalar(select(DisplayRates))
        assert row.rates == {"USD": 1_000_000, "HKD": 7_781_200, "EUR": 920_000}
        assert (row.proposed_by, row.approved_by) == (noor.public_id, lena.public_id)
        found = await rates.shown(session, "HKD", "USD")
        assert found.words(2_500_000, "USD") == "HKD 195,000" and found.choices == ("EUR", "HKD")
        assert (await rates.shown(session, "JPY", "USD")).words(2_500_000, "USD") == ""
        assert await rates.shown(session, "HKD", "JPY") is None, "no rate for what is bid in"


@pytest.mark.parametrize(("day", "field"), [("yesterday", "day"), ("2026-03-03", "day")])
async def test_a_day_to_come_is_refused(sqlite_sessions, day, field):
    async with sqlite_sessions.begin() as session:
        noor = await make.actor(session)
        with pytest.raises(BadInput) as refused:
            said = {"source": "European Central Bank", "typed": TYPED, "actor": noor}
            await rates.propose(session, day=day, now=NOON, **said)
        assert set(refused.value.facts["fields"]) == {field}
        assert await rates.propose(session, day=day, now=NOON + timedelta(days=1), **said) if day[:2] == "20" else True


@pytest.mark.parametrize("source", ["", "  ", "EC", "x" * 121, "Bank\x00", "Bank\x1b[2J"])
async def test_a_source_is_a_readable_name(sqlite_sessions, source):
    async with sqlite_sessions.begin() as session:
        noor = await make.actor(session)
        with pytest.raises(BadInput) as refused:
            await rates.propose(session, day="2026-03-02", source=source, typed=TYPED, actor=noor, now=NOON)
        assert refused.value.facts["fields"] == {"source": "missing"}
