"""One laid-out house for the pages of buyers, copied by each test."""

import shutil

import pytest

from pavilion.kernel.db import sqlite_url
from tests.conftest import run
from tests.viewings import buyers


@pytest.fixture(scope="session")
def laid_out(sqlite_template, tmp_path_factory):
    path = tmp_path_factory.mktemp("buyers") / "laid_out.db"
    shutil.copy(sqlite_template, path)
    run(buyers.laid_out(sqlite_url(path)))
    return path


@pytest.fixture
async def house(laid_out, tmp_path):
    async with buyers.opened(laid_out, tmp_path) as app:
        yield app
