"""Keys of passports: a seed or a command that signs, and one that gives way to another."""

import asyncio
import json
import stat
import sys
from datetime import timedelta

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from pavilion import serving
from pavilion.cli import app
from pavilion.kernel import db
from pavilion.provenance import bundling, did, issuing, passport_hands, passport_keys, proofs
from pavilion.provenance.issuing import Issuer
from pavilion.provenance.passport_hands import Command, HandFailed
from pavilion.provenance.passport_keys import KeyEnded
from pavilion.provenance.passport_models import Passport, PassportKey
from pavilion.settings import Settings, with_secrets
from tests.make import NOON
from tests.provenance import issued
from tests.provenance.issued import HOUSE

OLD, NEW = b"o" * 32, b"n" * 32
SIGNS = """
import sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
data = sys.stdin.buffer.read()
print((key.public_key().public_bytes_raw() if sys.argv[1] == "public" else key.sign(data)).hex())
"""


@pytest.fixture
def command(tmp_path):
    def written(program=SIGNS):
        path = tmp_path / "signer.py"
        path.write_text(program)
        return Command((sys.executable, str(path)))

    passport_hands._public.cache_clear()
    return written


async def issue(sessions, seed, now):
    async with sessions.begin() as session:
        claim = await issued.keep(session, issued.claim(), now=now)
    await issuing.brought_up(sessions, Issuer(HOUSE, seed), [claim.stone], now)
    async with sessions() as session:
        return await session.scalar(select(Passport).where(Passport.stone == claim.stone))


async def test_passports_of_both_keys_hold_after_a_rotation_and_the_new_key_signs(sessions):
    before = await issue(sessions, OLD, NOON)
    async with sessions.begin() as session:
        kid = await passport_keys.adopt(session, NEW, NOON + timedelta(days=1))
        assert await passport_keys.adopt(session, NEW, NOON + timedelta(days=1)) is None
    still = await issue(sessions, OLD, NOON + timedelta(days=20))  # a process that was not started again
    after = await issue(sessions, NEW, NOON + timedelta(days=20))
    named = [json.loads(one.document)["proof"]["verificationMethod"] for one in (before, still, after)]
    assert named[0] == named[1] != named[2] == f"{HOUSE.did}#{kid}"
    async with sessions() as session:
        keys = did.keys_in(did.served(await bundling.house_keys(session, HOUSE.did), HOUSE.did), HOUSE.did)
    for one in (before, still, after):
        document = proofs.read_credential(one.document)
        key = keys[document["proof"]["verificationMethod"]]
        assert proofs.verify_di(document, key.public) and did.is_good(key, document["proof"]["created"])


async def test_a_key_that_has_ended_or_was_revoked_signs_nothing_more(sessions):
    await issue(sessions, OLD, NOON)
    async with sessions.begin() as session:
        await passport_keys.adopt(session, NEW, NOON)
    late = NOON + passport_keys.OVERLAP + timedelta(seconds=1)
    with pytest.raises(KeyEnded):
        await issue(sessions, OLD, late)
    assert await issue(sessions, NEW, late) is not None
    async with sessions.begin() as session:
        row = await session.scalar(select(PassportKey).where(PassportKey.valid_to.is_(None)))
        await passport_keys.revoke(session, row.kid, reason="seen", by="x" * 26, now=late)
    with pytest.raises(KeyEnded):
        await issue(sessions, NEW, late)
    async with sessions() as session:
        with pytest.raises(KeyEnded):  # nor the lists of what was revoked
            await passport_keys.known(session, HOUSE.did, NEW, late)


async def test_a_command_signs_passports_that_hold_under_its_public_key(sessions, command):
    hand = command()
    passport = await issue(sessions, hand, NOON)
    assert proofs.verify_di(proofs.read_credential(passport.document), hand.public)
    assert proofs.verify_jwt(passport.jwt, hand.public)
    same = proofs.Signer("", b"k" * 32)
    assert (hand.public, hand.sign(b"x")) == (same.public, same.sign(b"x"))


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("raise SystemExit(3)", "CalledProcessError"),
        ("print('no hex')", "ValueError"),
        ("print('00' * 31)", "31 bytes instead of 64"),
        (SIGNS.replace("key.sign(data)", "bytes(64)"), "does not hold"),
        (SIGNS.replace("key.sign(data)", "key.sign(data + b'!')"), "does not hold"),
    ],
)
def test_what_a_command_answers_wrongly_is_never_given_out(command, program, why):
    with pytest.raises(HandFailed) as refused:
        command(program).sign(b"x")
    assert why in refused.value.facts["why"]
    with pytest.raises(HandFailed, match="FileNotFoundError"):
        Command(("/nowhere/signer",)).sign(b"x")


def test_the_command_line_of_the_settings_is_no_shell_line():
    settings = Settings(passport_signer="kms-sign --slot 'a b'; rm", environment="test")
    assert passport_hands.of(settings) == Command(("kms-sign", "--slot", "a b;", "rm"))
    assert passport_hands.of(Settings(environment="test")) is None
    assert passport_hands.of(Settings(environment="test", passport_key="11" * 32)) == b"\x11" * 32


# -- pavilion passport-key --------------------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path, monkeypatch):
    for name in ("PAVILION_DATABASE_URL", "PAVILION_PASSPORT_KEY", "PAVILION_PASSPORT_SIGNER"):
        monkeypatch.delenv(name, raising=False)
    settings = with_secrets(Settings(data_dir=tmp_path / "house"))
    serving.migrate(settings)
    return settings


def run(*args):
    return CliRunner().invoke(app, ["passport-key", *args])


def test_a_key_in_the_data_folder_is_replaced_there_and_listed(house):
    data = ["--data", str(house.data_dir)]
    before = json.loads((house.data_dir / "keys.json").read_text())

    async def first():
        engine = db.create_engine(house.database)
        async with db.sessions_of(engine).begin() as session:
            await passport_keys.current(session, house.house_did, passport_hands.of(house), NOON)
        await engine.dispose()

    asyncio.run(first())
    rotated = run("rotate", *data)
    assert rotated.exit_code == 0 and "stays good for 30 days" in rotated.output, rotated.output
    after = json.loads((house.data_dir / "keys.json").read_text())
    assert [name for name in after if after[name] != before[name]] == ["passport_key"]
    assert stat.S_IMODE((house.data_dir / "keys.json").stat().st_mode) == 0o600
    lines = run("list", *data).output.splitlines()
    public = proofs.Signer("", bytes.fromhex(after["passport_key"])).public.hex()
    assert len(lines) == 2 and " to " in lines[0] and public in lines[1] and lines[1].endswith("in use")


def test_a_key_from_outside_is_made_known_once_it_is_another(house, monkeypatch):
    data = ["--data", str(house.data_dir)]
    monkeypatch.setenv("PAVILION_PASSPORT_KEY", "33" * 32)
    assert run("rotate", *data).exit_code == 0
    again = run("rotate", *data)
    assert again.exit_code == 1 and "give a new one first" in again.output
    assert json.loads((house.data_dir / "keys.json").read_text())["passport_key"] != "33" * 32


def test_a_command_that_fails_leaves_everything_as_it_was(house, monkeypatch):
    monkeypatch.setenv("PAVILION_PASSPORT_SIGNER", "/nowhere/signer")
    failed = run("rotate", "--data", str(house.data_dir))
    assert failed.exit_code == 1 and "FileNotFoundError" in failed.output
    assert run("list", "--data", str(house.data_dir)).output == ""
    assert run("list", "--data", str(house.data_dir / "elsewhere")).exit_code == 3
