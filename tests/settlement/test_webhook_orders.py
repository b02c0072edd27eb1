"""The provider tells what happened late, twice, out of order; where things end does not depend on it. Ten thousand
orders are played by `tests/bench/webhooks.py`."""

from tests.luck import Random
from tests.settlement import orders


async def test_in_whatever_order_and_however_often_it_is_told_the_end_is_the_same(sqlite_template, tmp_path):
    path = tmp_path / "furnished.db"
    path.write_bytes(sqlite_template.read_bytes())
    found = [end async for _, end in orders.ends(path, range(10))]
    assert all(end == found[0] for end in found)
    end = found[0]
    assert [row[1] for row in end["invoices"]] == ["paid", "issued", "issued", "paid", "issued"]
    assert sum(amount for _, _, amount in end["balances"]) == 0
    assert [row[1] for row in end["disputes"]] == ["won", "lost"]
    assert [row[1] for row in end["refunds"]] == ["failed"]


async def test_the_end_is_the_same_on_postgres(sqlite_template, tmp_path, postgres_sessions):
    path = tmp_path / "furnished.db"
    path.write_bytes(sqlite_template.read_bytes())
    (there,) = [end async for _, end in orders.ends(path, [1])]
    provider = await orders.furnish(postgres_sessions)
    await orders.play(postgres_sessions, provider, Random(2))
    here = await orders.end_of(postgres_sessions)
    for part in ("invoices", "refunds", "disputes"):
        assert here[part] == there[part]
    assert [amount for _, _, amount in here["balances"]] == [amount for _, _, amount in there["balances"]]
