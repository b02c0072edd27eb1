"""The package for those who verify: built alike from the same sources, enough by itself, offered by the house."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from pavilion import main
from pavilion.kernel.db import create_engine
from pavilion.provenance import verify_package
from pavilion.settings import Settings
from tests.make import NOON
from tests.provenance.sealed import Sealed
from tests.provenance.test_verify import GUARD
from tests.provenance.test_verify_page import HOME, KEYS, reader

ROOT = Path(__file__).parents[2]


def built(folder):
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1577836800"}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_the_wheel_alone_brings_a_verifier_and_the_same_sources_give_the_same_bytes(tmp_path):
    wheel, again = built(tmp_path / "one"), built(tmp_path / "two")
    assert sha256(wheel.read_bytes()).digest() == sha256(again.read_bytes()).digest()
    installed = tmp_path / "elsewhere"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(installed)
        (named,) = [name for name in packed.namelist() if name.endswith("entry_points.txt")]
        assert "pavilion = pavilion.cli:app" in packed.read(named).decode()
    place = sysconfig.get_paths()["purelib"]
    script = f"import sys; sys.path[:0] = [{str(installed)!r}, {place!r}]\n{GUARD}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PAVILION", "PYTHON"))}
    (tmp_path / "good.zip").write_bytes(Sealed().packed())
    command = [sys.executable, "-I", "-S", "-c", script, "verify", "--offline", "good.zip"]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "loaded: []" in ran.stdout and f"from: {installed}" in ran.stdout


@pytest.fixture
async def house(database_url, tmp_path):
    engine = create_engine(database_url)
    settings = Settings(environment="test", public_url=HOME, data_dir=tmp_path, **KEYS)
    yield main.build_house(settings, engine, lambda: NOON)
    await engine.dispose()


async def test_the_house_offers_the_newest_package_that_was_handed_in_with_its_hash(house, tmp_path):
    folder = tmp_path / verify_package.FOLDER
    folder.mkdir()
    async with reader(house) as browser:
        assert "/verify/package/" not in (await browser.get("/verify")).text
        for name in ("pavilion-0.9.0-py3-none-any.whl", "pavilion-0.10.0-py3-none-any.whl", "other-9.9.whl"):
            (folder / name).write_bytes(name.encode())
        newest = "pavilion-0.10.0-py3-none-any.whl"
        page = (await browser.get("/verify")).text
        assert f"/verify/package/{newest}" in page and sha256(newest.encode()).hexdigest() in page
        answer = await browser.get(f"/verify/package/{newest}")
        assert (answer.content, answer.headers["etag"]) == (newest.encode(), f'"{sha256(newest.encode()).hexdigest()}"')
        for name in ("pavilion-0.9.0-py3-none-any.whl", "other-9.9.whl", "..%2Fkeys.json", "keys.json"):
            assert (await browser.get(f"/verify/package/{name}")).status_code == 404
