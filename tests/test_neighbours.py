"""The outside parties of the demonstration: there when the house is, gone when it is gone, however it goes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from pavilion.demo import neighbours
from pavilion.kernel.cosigning import parse_policy
from pavilion.settings import Environment, Settings, with_secrets

HOUSE = """
import asyncio, sys
from pathlib import Path
from pavilion.demo import neighbours
from pavilion.settings import Environment, Settings, with_secrets

async def stand():
    settings = with_secrets(Settings(environment=Environment.DEMO, data_dir=Path(sys.argv[1])))
    async with neighbours.around(settings):
        print("here", flush=True)
        await asyncio.sleep(300)

asyncio.run(stand())
"""


def speaking_for(folder):
    """Processes whose command line names this folder, and that have not ended."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                said, state = (entry / "cmdline").read_bytes(), (entry / "stat").read_text()
            except OSError:
                continue
            if str(folder).encode() in said and state.rpartition(")")[2].split()[0] != "Z":
                found.append(int(entry.name))
    return found


def asked(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


async def test_three_witnesses_the_simulators_and_the_payment_double_are_there_and_end_with_the_house(tmp_path):
    settings = with_secrets(Settings(environment=Environment.DEMO, data_dir=tmp_path))
    async with neighbours.around(settings) as (named, simulators):
        policy = parse_policy(named.witness_policy.read_text())
        assert [witness.name for witness in policy.witnesses] == list(neighbours.WITNESSES)
        registries = json.loads(named.registries.read_text())["registries"]
        assert all(entry["url"].startswith(simulators) for entry in registries)
        assert b"simulated" in (await asyncio.to_thread(asked, f"{simulators}/")).lower()
        assert named.stripe_key.get_secret_value().startswith("sk_" + "test_simulated")
        assert b"Simulation" in await asyncio.to_thread(asked, f"{named.stripe_url}/")
        assert len(speaking_for(tmp_path)) == 5
    assert speaking_for(tmp_path) == []


async def test_a_second_start_finds_the_same_witnesses_with_the_same_keys(tmp_path):
    settings = with_secrets(Settings(environment=Environment.DEMO, data_dir=tmp_path))
    keys = []
    for _ in range(2):
        async with neighbours.around(settings) as (named, _):
            keys.append([str(witness.key) for witness in parse_policy(named.witness_policy.read_text()).witnesses])
    assert keys[0] == keys[1]


def test_no_neighbour_outlives_a_house_that_was_killed(tmp_path):
    house = subprocess.Popen([sys.executable, "-c", HOUSE, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert house.stdout.readline() == b"here\n"
        assert len(speaking_for(tmp_path)) == 6
    finally:
        house.send_signal(signal.SIGKILL)
        house.wait()
        house.stdout.close()
    for _ in range(200):
        if not speaking_for(tmp_path):
            return
        signal.sigtimedwait([], 0.05)
    raise AssertionError(f"still there: {speaking_for(tmp_path)}")
