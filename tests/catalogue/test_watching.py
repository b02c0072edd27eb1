"""Stock files put into a folder: taken once whole, taken once, never through a link, each with a receipt."""

import json
import os
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from pavilion.accounts.models import Company
from pavilion.accounts.rules import CompanyState
from pavilion.catalogue import watching
from pavilion.catalogue.upload_models import StockFile
from tests import make
from tests.make import NOON

HOUSE = "https://auctions.example"
LIST = b"Stock #,Weight\nA-1,1.01\n"


def put(folder, name, content=LIST, *, at=NOON - timedelta(minutes=1)):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    os.utime(folder / name, (at.timestamp(), at.timestamp()))
    return folder / name


def receipts(folder):
    return {told["file"]: told for path in sorted(folder.glob("*.json")) for told in [json.loads(path.read_text())]}


async def the_firm(sessions, **said):
    async with sessions.begin() as session:
        company = await make.company(session, **said)
        return company.public_id


async def files(sessions):
    async with sessions() as session:
        return [
            (f.filename, f.mode, f.profile) for f in await session.scalars(select(StockFile).order_by(StockFile.id))
        ]


def said(lang, code):
    return f"{lang} {code}"


async def look(sessions, folder, now=NOON):
    return await watching.tick(sessions, folder, HOUSE, said, now)


async def test_files_are_taken_by_the_folder_they_lie_in_and_leave_a_receipt(sessions, tmp_path):
    firm = await the_firm(sessions)
    into = tmp_path / firm / "in"
    assert await look(sessions, tmp_path / "nothing") == 0
    put(into, "stock.csv", at=NOON - timedelta(minutes=3))
    put(into / "update", "new.csv", LIST + b"A-2,1.02\n", at=NOON - timedelta(minutes=2))
    put(into / "replace-rapnet", "all.csv", LIST + b"A-3,1.03\n")
    put(into, "growing.csv", at=NOON)
    put(into, "sent.csv.part")
    put(into, ".hidden")
    assert await look(sessions, tmp_path) == 3
    assert await files(sessions) == [
        ("stock.csv", "add", "none"),
        ("new.csv", "update", "none"),
        ("all.csv", "replace", "rapnet"),
    ]
    told = receipts(tmp_path / firm / "done")
    assert told.keys() == {"stock.csv", "new.csv", "all.csv"} and not told["new.csv"]["again"]
    assert told["stock.csv"]["answers"] == f"{HOUSE}/stock/imports/{told['stock.csv']['id']}"
    assert sorted(path.name for path in into.iterdir() if path.is_file()) == [".hidden", "growing.csv", "sent.csv.part"]
    assert await look(sessions, tmp_path) == 0
    assert await look(sessions, tmp_path, NOON + timedelta(minutes=1)) == 1, "it grows no more"


async def test_a_file_left_by_a_dead_process_is_the_same_upload(sessions, tmp_path):
    firm = await the_firm(sessions)
    put(tmp_path / firm / "in", "stock.csv")
    await look(sessions, tmp_path)
    put(tmp_path / firm / "in", "stock.csv")
    assert await look(sessions, tmp_path) == 1
    assert len(await files(sessions)) == 1
    (told,) = receipts(tmp_path / firm / "done").values()
    assert told["again"] is True


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_cannot_be_taken_is_refused_with_its_code_and_stops_nobody(sessions, tmp_path, monkeypatch):
    firm, idle = await the_firm(sessions), await the_firm(sessions, name="Waiting")
    async with sessions.begin() as session:
        company = await session.scalar(select(Company).where(Company.public_id == idle))
        company.state = CompanyState.APPLIED
    into, secret = tmp_path / firm / "in", tmp_path / "secret.csv"
    secret.write_bytes(LIST)
    put(into, "empty.csv", b"")
    put(into / "delete", "wrong.csv")
    put(into / "add-nowhere", "list.csv")
    put(tmp_path / idle / "in", "early.csv")
    put(tmp_path / "nobody" / "in", "foreign.csv")
    put(into, "large.csv", LIST * 3)
    monkeypatch.setattr(watching, "LIMITS", replace(watching.LIMITS, file_bytes=len(LIST)))
    put(into, "good.csv")
    (into / "link.csv").symlink_to(secret)
    (into / "dir.csv").mkdir()
    os.mkfifo(into / "pipe.csv")
    assert await look(sessions, tmp_path) == 7
    refused = {name: told["code"] for path in tmp_path.glob("*/refused") for name, told in receipts(path).items()}
    assert receipts(tmp_path / idle / "refused")["early.csv"]["message_zh"] == "zh company_not_approved"
    assert refused == {
        "empty.csv": "file_empty",
        "wrong.csv": "bad_folder",
        "list.csv": "bad_folder",
        "large.csv": "too_large",
        "early.csv": "company_not_approved",
        "foreign.csv": "company_not_approved",
    }
    assert await files(sessions) == [("good.csv", "add", "none")]
    assert (into / "link.csv").is_symlink() and await look(sessions, tmp_path) == 0
    async with sessions() as session:
        assert await session.scalar(select(func.count(StockFile.id))) == 1
