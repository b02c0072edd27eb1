"""What a newcomer is handed to send: stones that are registered, not yet listed, and a few that are wrong."""

import asyncio
import csv
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from httpx2 import ASGITransport, AsyncClient

from pavilion import serving
from pavilion.demo import outcomes, partner, people, stones, story
from pavilion.notifications.webhook_signing import signed

ROOT = Path(__file__).parents[1]


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_file_to_send_holds_other_stones_than_the_stock_and_each_is_registered(tmp_path):
    _, stock = stones.write(tmp_path, stones.SAMPLE)
    listed, new = rows(stock), rows(tmp_path / "sample" / "new.csv")
    assert len(new) == stones.NEW + 1 and len({row["Stock #"] for row in new}) == stones.NEW
    assert not {row["Stock #"] for row in new} & {row["Stock #"] for row in listed}
    known = {origin_id for origin_id, _ in stones._registered(tmp_path / "sample" / "registry")}
    assert sum(row["Origin ID"] in known for row in new) > 30


def test_the_welcome_names_that_file_and_everybody_who_can_sign_in():
    told = "\n".join(
        story.welcome("http://127.0.0.1:1", Path("elsewhere"), "http://127.0.0.1:2", "http://127.0.0.1:3/p")
    )
    assert "elsewhere/custodians" in told and ".data/" not in told
    assert "http://127.0.0.1:3/p/" in told
    assert "elsewhere/sample/new.csv" in told and "sample/stock.csv" not in told
    for email in (outcomes.FIRST_EMAIL, outcomes.PRODUCER_EMAIL, *(one.email for one in people.PEOPLE)):
        assert f"{email} {people.PASSWORD}" in told
    for place in ("/outcomes", "/staff/law", "/staff/trust", "/log", "/verify", "/insight"):
        assert place in told


async def test_the_simulated_partner_takes_what_is_signed_for_it_and_nothing_else():
    now = datetime(2026, 3, 9, 11, tzinfo=UTC)
    program, body = partner.Partner(lambda: now), b'{"type":"test"}'
    async with AsyncClient(transport=ASGITransport(program.app), base_url="http://partner.test") as house:
        program.secret = "whsec_its_own"
        good = signed([program.secret], body, now)
        assert (await house.post(partner.PATH, content=body, headers=good)).status_code == 204
        assert (await house.post(partner.PATH, content=body + b" ", headers=good)).status_code == 401
        assert (await house.post(partner.PATH, content=body)).status_code == 401
        shown = (await house.get("/")).text
    assert len(program.taken) == 1 and shown.count("<li>") == 1 and "&quot;test&quot;" in shown


async def test_a_demonstration_that_was_stopped_while_it_was_furnished_begins_again(sessions, tmp_path, monkeypatch):
    folder = tmp_path / "demo"
    folder.mkdir()
    settings = serving.settings_for(0, folder, "demo")
    mark = folder / story.HALF_FURNISHED

    async def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(story, "_furnish", stopped)
    with pytest.raises(KeyboardInterrupt):
        await story.open_house(settings, sessions, datetime(2026, 3, 9, 11, tzinfo=UTC), print)
    assert mark.exists()

    (folder / "house.lock").touch()
    (folder / "half").touch()
    found, told = [], []
    monkeypatch.setattr(serving, "_demo", lambda *_: noted(found, folder))
    await asyncio.to_thread(serving.demo, settings, reset=False, rivals=False, told=told.append)
    assert "half" not in found[0] and mark.name not in found[0] and len(told) == 1
    (folder / "kept").touch()
    await asyncio.to_thread(serving.demo, settings, reset=False, rivals=False, told=told.append)
    assert "kept" in found[1] and len(told) == 1


async def noted(found, folder):
    found.append(os.listdir(folder))


def test_every_command_of_the_readme_is_found_where_make_puts_it():
    text = (ROOT / "README.md").read_text()
    for line in text.splitlines():
        assert not line.startswith("pavilion ") and "`pavilion " not in line, line
