"""After the approval a company puts down more, and its limit follows; where nothing is due nothing is asked."""

import pytest
from sqlalchemy import select

from pavilion.auctions.deposits import needed_for, raised_limit
from pavilion.auctions.models import Lot
from pavilion.kernel.errors import ActNotAllowed, BadInput
from pavilion.settlement import deposit_queries, deposits, topping_up
from pavilion.settlement.deposit_models import Deposit
from tests.settlement.test_deposits import (  # noqa: F401 - fixtures
    NOON,
    ON_SQLITE,
    agree,
    approved,
    deposit_of,
    ended,
    figures,
    made,
    opening,
    pay,
    published,
    registration_of,
)


async def wish(sessions, buyer, limit=None, lots=None, by_house=False):
    async with sessions.begin() as session:
        row = await session.scalar(select(Deposit).where(Deposit.company_id == buyer.company_id).with_for_update())
        said = {"wished_minor": limit, "lots": lots, "by_house": by_house, "actor": buyer, "now": NOON}
        return await topping_up.raise_it(session, row, **said)


def test_the_limit_grows_by_what_came_and_what_a_person_set_counts():
    assert raised_limit(6_000_000, 600_000, 900_000, 10) == 9_000_000
    assert raised_limit(2_000_000, 600_000, 900_000, 10) == 5_000_000  # set lower by staff: it grows from there
    assert raised_limit(50_000_000, 600_000, 900_000, 10) == 50_000_000  # set higher by two persons: it stays
    for limit, deposit, wished in ((6_000_000, 600_000, 6_000_001), (2_000_000, 600_000, 2_000_010), (7, 1, 10**9)):
        least = needed_for(wished, limit, deposit, 10)
        assert raised_limit(limit, deposit, least, 10) >= wished > raised_limit(limit, deposit, least - 1, 10)
    assert needed_for(5, 6_000_000, 600_000, 10) == 600_000


async def test_a_higher_deposit_lifts_the_limit_once_it_is_there_and_not_before(sessions, made, published):  # noqa: F811
    await agree(sessions, published)
    buyer, _ = await approved(sessions, made, published)
    await pay(sessions, buyer)
    assert (await registration_of(sessions, buyer)).limit_minor == 6_000_000
    with pytest.raises(BadInput):
        await wish(sessions, buyer, 6_000_000)
    assert (await wish(sessions, buyer, 8_000_001)).raise_minor == 200_001
    assert (await wish(sessions, buyer, 8_000_000)).raise_minor == 200_000  # said anew
    await pay(sessions, buyer, 150_000)
    row = await registration_of(sessions, buyer)
    assert (row.limit_minor, row.awaits_deposit) == (6_000_000, False)
    await pay(sessions, buyer, 60_000)
    row, deposit = await registration_of(sessions, buyer), await deposit_of(sessions, buyer)
    assert (row.limit_minor, row.deposit_minor) == (8_000_000, 800_000)
    assert (deposit.state, deposit.asked_minor, deposit.raise_minor) == ("held", 800_000, None)
    assert (await figures(sessions, buyer)).held == 800_000  # 100.00 too much waits for a person
    with pytest.raises(ActNotAllowed):
        async with sessions.begin() as session:
            await deposits.payable(session, deposit)
    assert (await wish(sessions, buyer, 8_000_001)).raise_minor == 1
    await ended(sessions, published)
    with pytest.raises(ActNotAllowed):
        await wish(sessions, buyer, 90_000_000)


@ON_SQLITE
async def test_the_desk_asks_only_for_what_is_still_to_be_put_down(sessions, made, published):  # noqa: F811
    await agree(sessions, published)
    buyer, _ = await approved(sessions, made, published)
    for paid, left in ((450_000, 150_000), (150_000, None)):
        await pay(sessions, buyer, paid)
        row = await registration_of(sessions, buyer)
        async with sessions() as session:
            found = await deposit_queries.left_of(session, buyer.company_id)
        assert (found.get(row.public_id), row.awaits_deposit) == (left, left is not None)


@ON_SQLITE
async def test_more_lots_ask_for_more_up_to_what_the_sale_asks_at_most(sessions, made, published):  # noqa: F811
    await agree(sessions, published, deposit_rate_bp=1_000, deposit_min_minor=10_000, deposit_max_minor=90_000)
    async with sessions() as session:
        lots = sorted(await session.scalars(select(Lot.public_id)))
    buyer, _ = await approved(sessions, made, published, lots=lots[:1])
    assert (await deposit_of(sessions, buyer)).asked_minor == 50_000
    await wish(sessions, buyer, lots=lots)  # before the first is paid: both at once
    assert (await deposit_of(sessions, buyer)).wanted_minor == 90_000
    await pay(sessions, buyer, 90_000)
    row, deposit = await registration_of(sessions, buyer), await deposit_of(sessions, buyer)
    assert (row.limit_minor, row.awaits_deposit, sorted(deposit.lots)) == (900_000, False, lots)
    with pytest.raises(BadInput):
        await wish(sessions, buyer, 10_000_000)
