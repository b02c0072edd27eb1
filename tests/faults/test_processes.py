"""The processes of docker-compose.yml, started by the very commands it names, on real PostgreSQL and Redis."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from pavilion.cli import app
from pavilion.doors import EDGE_ROUTERS
from pavilion.kernel import sheet
from pavilion.settings import Settings
from pavilion.webkit.upload import FORM_SLACK, MOST_DISCARDED
from tests.conftest import on_database, run, run_sql

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}
PATIENCE_S = 60


def test_each_command_is_one_the_program_knows():
    known = get_command(app).commands
    assert set(OURS) == {"migrate", "web", "edge", "engine", "worker", "witness"}
    assert {service["command"].split()[0] for service in OURS.values()} <= set(known)


def test_each_environment_name_is_a_setting():
    known = {f"PAVILION_{name.upper()}" for name in Settings.model_fields}
    for service in OURS.values():
        assert {name for name in service["environment"] if name.startswith("PAVILION_")} <= known


def test_only_the_proxy_is_reached_from_outside_and_there_only_from_the_machine_itself():
    for name, service in COMPOSE["services"].items():
        assert service.get("ports", []) == (["127.0.0.1:8080:8080"] if name == "proxy" else [])


def test_the_proxy_leads_what_an_edge_answers_to_the_edge_and_hides_health():
    conf = (ROOT / "docs/nginx.conf").read_text()
    program = re.compile(re.search(r"location ~ (\S*api\S*) \{\n.*\n?\s+proxy_pass http://edge", conf)[1])
    asked = ("time", "bids/1", "lots/L/bids", "lots/L/events", "sales/S/snapshot", "sales/S/receipts/7")
    assert all(program.match(f"/api/v1/{path}") for path in asked)
    paths = {route.path for router in EDGE_ROUTERS for route in router.routes}
    assert {"/live", "/api/v1/lots/{lot}/bids", "/readyz"} <= paths and "/sales" not in paths
    assert "location ~ ^/(healthz|readyz|metrics)$ { return 404; }" in conf


def test_behind_the_proxy_each_who_asks_has_an_address_of_its_own():
    """Else the house would count everybody as one: fifty sockets and ten sign-ins a minute for all together."""
    conf = (ROOT / "docs/nginx.conf").read_text()
    every = ("Host $http_host", "X-Forwarded-For $remote_addr", "X-Forwarded-Proto $http_x_forwarded_proto")
    for block in re.findall(r"\n    location [^\n]*\{\n(.*?)\n    \}", conf, re.DOTALL):
        if "proxy_set_header" in block:  # a place that sets one header inherits none
            assert all(f"proxy_set_header {header};" in block for header in every), block
    assert "real_ip_header X-Forwarded-For;" in conf and "set_real_ip_from 172.16.0.0/12;" in conf
    assert all(OURS[name]["environment"]["FORWARDED_ALLOW_IPS"] == "*" for name in ("web", "edge"))


def test_the_proxy_lets_pass_the_largest_file_that_the_house_reads():
    most = int(re.search(r"client_max_body_size (\d+)m;", (ROOT / "docs/nginx.conf").read_text())[1]) * 2**20
    assert sheet.LIMITS.file_bytes + FORM_SLACK < most <= MOST_DISCARDED


@pytest.fixture
def environment(postgres_server, redis_url, tmp_path):
    name = "processes"
    run(run_sql(postgres_server, f"create database {name}"))
    port = _free_port()
    yield os.environ | {
        "PAVILION_ENVIRONMENT": "test",
        "PAVILION_DATA_DIR": str(tmp_path),
        "PAVILION_DATABASE_URL": on_database(postgres_server, name),
        "PAVILION_REDIS_URL": redis_url,
        "PAVILION_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PAVILION_LISTEN": f"127.0.0.1:{port}",
        "PAVILION_SECRET_KEY": "11" * 32,
        "PAVILION_DATA_KEY": "22" * 32,
        "PAVILION_SALE_KEY": "33" * 32,
        "PAVILION_PASSPORT_KEY": "44" * 32,
        "PAVILION_LOG_KEY": "55" * 32,
        "PAVILION_PUSH_KEY": "66" * 32,
    }
    run(run_sql(postgres_server, f"drop database {name} with (force)"))


def test_a_witness_shares_neither_database_nor_settings_nor_volume_with_the_house():
    witness = OURS["witness"]
    assert witness["environment"] == {}
    others = [volume for name, service in OURS.items() if name != "witness" for volume in service["volumes"]]
    assert not set(witness["volumes"]) & set(others)


def words_of(service, environment):
    """The command as compose has it, but on a free loopback port."""
    return re.sub(r"0\.0\.0\.0:\d+", environment["PAVILION_LISTEN"], OURS[service]["command"]).split()


def start(service, environment):
    return subprocess.Popen([sys.executable, "-m", "pavilion", *words_of(service, environment)], env=environment)


def test_the_house_stands_up_in_several_processes(environment):
    early = subprocess.run(
        [sys.executable, "-m", "pavilion", "worker"], env=environment, capture_output=True, timeout=60
    )
    assert (early.returncode, b"pavilion migrate" in early.stderr) == (1, True)
    for _ in range(2):  # the second run changes nothing
        migrated = subprocess.run(
            [sys.executable, "-m", "pavilion", *words_of("migrate", environment)],
            env=environment, capture_output=True, timeout=60,
        )  # fmt: skip
        assert migrated.returncode == 0, migrated.stderr
    running = [start(service, environment) for service in ("engine", "engine", "worker", "web")]
    try:
        ready(environment["PAVILION_PUBLIC_URL"], running)
        for path in ("/", "/sales", "/stones", "/sign-in", "/healthz"):
            with urllib.request.urlopen(environment["PAVILION_PUBLIC_URL"] + path, timeout=10) as answer:
                assert answer.status == 200, path
        assert [process.poll() for process in running] == [None] * 4
    finally:
        for process in running:
            process.terminate()
        codes = [process.wait(30) for process in running]
    assert set(codes) <= {0, -signal.SIGTERM}, "each ends in order when told to"


def ready(url, running):
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        assert all(process.poll() is None for process in running), "a process ended by itself"
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)  # a process that starts can only be asked again
    raise AssertionError("the web process did not become ready")


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
