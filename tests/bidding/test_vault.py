"""The house's key is known by what it wrapped."""

import pytest

from pavilion import serving
from pavilion.bidding.models import SaleBook
from pavilion.bidding.queries import unlocks
from pavilion.bidding.vault import Vault
from pavilion.settings import Settings
from tests.bidding.room import SALE, VAULT

OTHER = Vault(bytes(32))


def book(wrapped, sale=SALE):
    return SaleBook(sale=sale, rules="{}", rules_hash="ab" * 32, wrapped_key=wrapped, state="closed", size=0)


async def test_a_vault_unlocks_the_books_that_it_wrapped_and_no_others(sqlite_sessions, sqlite_database_url, tmp_path):
    async with sqlite_sessions() as session:
        assert await unlocks(session, VAULT) and await unlocks(session, OTHER)
    _, wrapped = VAULT.new_sale(SALE)
    assert not VAULT.fits("S-OTHER", wrapped)
    async with sqlite_sessions.begin() as session:
        session.add(book(wrapped))
    async with sqlite_sessions() as session:
        assert await unlocks(session, VAULT) and not await unlocks(session, OTHER)
    with pytest.raises(serving.CannotStart, match="PAVILION_DATA_KEY"):
        await serving.ready_to_sell(Settings(data_dir=tmp_path, data_key="00" * 32))
    engine = await serving.ready_to_sell(Settings(data_dir=tmp_path, data_key=bytes(range(32)).hex()))
    await engine.dispose()
