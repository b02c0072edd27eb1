"""The provider tells what happened late, twice, out of order; where things end does not depend on it. Ten thousand
orders are walked by `tests/bench/webhooks.py`."""

from tests.luck import Random
from tests.settlement import orders


async def test_in_whatever_order_and_however_often_it_is_told_the_end_is_the_same(sessions):
    provider = await orders.furnish(sessions)
    async with orders.one_connection(sessions.kw["bind"]) as (connection, joined):
        found = [leaf async for leaf in orders.walk(connection, joined, provider, Random(1), orders.FEW)]
    told, ends = {order for order, _ in found}, [end for _, end in found]
    assert len(told) == len(found) >= 16
    assert all(end == ends[0] for end in ends)
    end = ends[0]
    assert [row[1] for row in end["invoices"]] == ["paid", "issued", "issued", "paid", "issued"]
    assert sum(amount for _, _, amount in end["balances"]) == 0
    assert [row[1] for row in end["disputes"]] == ["won", "lost"]
    assert [row[1] for row in end["refunds"]] == ["failed"]
    assert all(len(order) > len(provider.events) for order in told)  # told again, or an answer was lost on the way
