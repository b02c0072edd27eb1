"""One house over a laid-out database for the pages of buyers: opened once for a module, as at first for each test."""

import asyncio
import shutil

import pytest
import pytest_asyncio

from pavilion.kernel.db import sqlite_url
from tests.conftest import run
from tests.viewings import buyers


@pytest.fixture(scope="session")
def laid_out(sqlite_template, tmp_path_factory):
    path = tmp_path_factory.mktemp("buyers") / "laid_out.db"
    shutil.copy(sqlite_template, path)
    run(buyers.laid_out(sqlite_url(path)))
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened_house(laid_out, tmp_path_factory):
    # What asyncio's debugging watches is watched in the tests of the same verbs without pages.
    asyncio.get_running_loop().set_debug(False)
    async with buyers.opened(laid_out, tmp_path_factory.mktemp("house")) as app:
        yield app


@pytest.fixture
def house(opened_house, laid_out):
    buyers.as_laid_out(opened_house, laid_out)
    return opened_house
