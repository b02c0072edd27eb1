"""A witness signs only what continues what it signed, answers exactly as the format says, and never falls over."""

import asyncio
import base64
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pavilion.cli import app
from pavilion.kernel.tlog import (
    COSIGNER,
    EMPTY_ROOT,
    SigningKey,
    Tree,
    checkpoint_text,
    cosigned_at,
    leaf_hash,
    parse_note,
    parse_vkey,
    sign_note,
)
from pavilion.provenance import witness_serving
from pavilion.provenance.witness import BadKey, BadState, Witness, alone, new_key, read_key, view_path
from tests.make import NOON

LOG = SigningKey("house.example/origin", bytes(32))
OTHER = SigningKey("house.example/origin", bytes([7]) * 32)
KEY = SigningKey("w1.example", bytes([1]) * 32, COSIGNER)
TREE = Tree(leaf_hash(str(k).encode()) for k in range(40))
FORK = Tree(leaf_hash(str(k if k != 3 else "x").encode()) for k in range(40))


@pytest.fixture
def witness(tmp_path):
    return Witness(KEY, [LOG.verifier], tmp_path / "state.json", lambda: NOON)


def note(size, key=LOG, tree=TREE, origin="house.example/origin"):
    return sign_note(checkpoint_text(origin, size, tree.root(size)), key)


def asked(old, size, proof=None, tree=TREE, **said):
    if proof is None:
        proof = tree.consistency_proof(old, size) if 0 < old <= size else []
    lines = [f"old {old}", *(base64.b64encode(part).decode() for part in proof)]
    return ("\n".join(lines) + "\n\n" + note(size, tree=tree, **said)).encode()


def test_a_checkpoint_that_continues_is_cosigned_and_kept(witness, tmp_path):
    for old, size in ((0, 5), (5, 5), (5, 17), (17, 40)):
        answer = witness.add_checkpoint(asked(old, size))
        assert (answer.status, answer.body.count("\n")) == (200, 1)
        signature = parse_note(note(size) + answer.body).signatures[1]
        assert cosigned_at(parse_note(note(size)).text, signature, KEY.verifier) == int(NOON.timestamp())
    again = Witness(KEY, [LOG.verifier], tmp_path / "state.json", lambda: NOON)
    assert again.add_checkpoint(asked(0, 40))[:2] == (409, "40\n")
    assert again.view(view_path("house.example/origin")).body.startswith(note(40))
    assert again.view("/").body == f"{KEY.verifier}\n"
    assert [again.view(path).status for path in ("/x", view_path("other"))] == [404, 404]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (asked(0, 9, origin="other.example/origin"), 404),
        (asked(0, 9, key=SigningKey("stranger.example", bytes(32))), 403),
        (asked(0, 9, key=OTHER), 403),
        (
            asked(0, 9).replace(
                note(9).encode(), note(9).replace("\u2014", "\u2014", 1)[:-10].encode() + b"AAAAAAA==\n"
            ),
            403,
        ),
        (asked(30, 9), 400),
        (asked(0, 9), 409),
        (asked(4, 9), 409),
        (asked(12, 20, [bytes(32)]), 422),
        (asked(12, 20, []), 422),
        (asked(12, 12, [bytes(32)]), 422),
        (asked(12, 12, tree=FORK), 422),
        (asked(12, 20, tree=FORK), 422),
        (asked(12, 20, TREE.consistency_proof(12, 20), tree=FORK), 422),
        (b"", 400),
        (b"old 12\n", 400),
        (b"old 012\n\n" + note(20).encode(), 400),
        (b"old -1\n\n" + note(20).encode(), 400),
        (b"old 12\nAAAA\n\n" + note(20).encode(), 400),
        (b"old 12\n" + b"A" * 43 + b"=\n" + b"\xff\n\n" + note(20).encode(), 400),
        (b"old 12\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + note(20).encode(), 400),
        (b"old 12\n\nno note", 400),
        (b"old 12\n\n" + sign_note("house.example/origin\n3\n", LOG).encode(), 400),
        (b"x" * 70_000, 400),
    ],
)
def test_each_refusal_has_its_status_and_changes_nothing(witness, tmp_path, body, status):
    assert witness.add_checkpoint(asked(0, 12)).status == 200
    before = (tmp_path / "state.json").read_bytes()
    answer = witness.add_checkpoint(body)
    assert answer.status == status
    if status == 409:
        assert answer == (409, "12\n", "text/x.tlog.size")
    assert (tmp_path / "state.json").read_bytes() == before


def test_an_empty_log_is_cosigned_only_with_the_empty_root(witness):
    wrong = sign_note(checkpoint_text("house.example/origin", 0, bytes(32)), LOG)
    right = sign_note(checkpoint_text("house.example/origin", 0, EMPTY_ROOT), LOG)
    assert witness.add_checkpoint(f"old 0\n\n{wrong}".encode()).status == 422
    assert witness.add_checkpoint(f"old 0\n{base64.b64encode(bytes(32)).decode()}\n\n{right}".encode()).status == 422
    assert witness.add_checkpoint(f"old 0\n\n{right}".encode()).status == 200
    assert witness.add_checkpoint(asked(0, 5, [bytes(32)])).status == 422
    assert witness.add_checkpoint(asked(0, 5)).status == 200


def test_a_fork_is_refused_by_whoever_saw_the_other_branch(tmp_path):
    one, other = (Witness(KEY, [LOG.verifier], tmp_path / name, lambda: NOON) for name in "ab")
    assert one.add_checkpoint(asked(0, 10)).status == other.add_checkpoint(asked(0, 10, tree=FORK)).status == 200
    assert one.add_checkpoint(asked(10, 20, tree=FORK)).status == other.add_checkpoint(asked(10, 20)).status == 422


@given(st.binary(max_size=400), st.integers(0, 300))
def test_rubbish_never_gets_a_signature(tmp_path_factory, rubbish, place):
    witness = Witness(KEY, [LOG.verifier], tmp_path_factory.mktemp("w") / "state", lambda: NOON)
    body = asked(0, 12)
    cut = body[:place] + rubbish + body[place + len(rubbish) :]
    for sent in (rubbish, cut):
        assert sent == body or witness.add_checkpoint(sent).status in (400, 403, 404, 409, 422)


def test_any_changed_byte_of_a_request_is_refused(tmp_path):
    witness = Witness(KEY, [LOG.verifier], tmp_path / "state", lambda: NOON)
    assert witness.add_checkpoint(asked(0, 12)).status == 200
    body = asked(12, 20)
    for place in range(len(body)):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        assert witness.add_checkpoint(changed).status != 200, place
    assert witness.add_checkpoint(body).status == 200


def test_what_cannot_be_kept_is_not_cosigned(witness, tmp_path):
    (tmp_path / "state.json.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        witness.add_checkpoint(asked(0, 12))
    (tmp_path / "state.json.new").rmdir()
    assert witness.add_checkpoint(asked(0, 12)).status == 200


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a":1}', '{"a":{"size":-1,"root":"","note":""}}', '{"a":{}}'])
def test_a_witness_that_cannot_read_its_own_memory_does_not_start(tmp_path, text):
    (tmp_path / "state").write_text(text)
    with pytest.raises(BadState):
        Witness(KEY, [LOG.verifier], tmp_path / "state", lambda: NOON)


def test_two_witnesses_never_share_a_memory(tmp_path):
    with alone(tmp_path / "state"), pytest.raises(BadState, match="another"), alone(tmp_path / "state"):
        pass


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path):
    made = new_key(tmp_path / "key", "w1")
    assert new_key(tmp_path / "key", "w1").verifier == read_key(tmp_path / "key", "w1").verifier == made.verifier
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "bad").write_text("x")
    for path, name in ((tmp_path / "bad", "w1"), (tmp_path / "key", "a b")):
        with pytest.raises(BadKey):
            read_key(path, name)


# -- on a port --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def served(witness):
    address = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(witness_serving.serve(witness, "127.0.0.1", 0, address.set_result))
    try:
        yield int((await address).rpartition(":")[2])
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def sent(port, data, close=True):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        await writer.drain()
        if close:
            writer.write_eof()
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


def post(body, path="/add-checkpoint", *more):
    fields = [f"POST {path} HTTP/1.1", "Host: w", f"Content-Length: {len(body)}", *more, "", ""]
    return "\r\n".join(fields).encode() + body


def status(answer):
    return int(answer.split(b" ")[1])


async def test_over_http_a_witness_answers_as_the_format_says(witness):
    async with served(witness) as port:
        first = await sent(port, post(asked(0, 12)))
        assert status(first) == 200 and first.endswith(b"\n") and "\u2014 w1.example ".encode() in first
        stale = await sent(port, post(asked(0, 12)))
        assert status(stale) == 409 and b"Content-Type: text/x.tlog.size\r\n" in stale and stale.endswith(b"\r\n12\n")
        both = await sent(port, post(asked(12, 20)) + b"GET / HTTP/1.1\r\nHost: w\r\n\r\n")
        assert both.count(b"HTTP/1.1 200 OK") == 2 and str(KEY.verifier).encode() in both
        view = await sent(port, f"GET {view_path('house.example/origin')} HTTP/1.1\r\nHost: w\r\n\r\n".encode())
        assert view.partition(b"\r\n\r\n")[2].startswith(note(20).encode())


@pytest.mark.parametrize(
    ("data", "wanted"),
    [(b"GET / HTTP/1.1\r\n\r\n", 200), (b"GET / HTTP/1.0\r\n\r\n", 200), (b"HEAD / HTTP/1.1\r\n\r\n", 200),
     (b"GET /add-checkpoint HTTP/1.1\r\n\r\n", 405), (b"PUT / HTTP/1.1\r\n\r\n", 404), (b"rubbish\r\n\r\n", 400),
     (b"GET / HTTP/2\r\n\r\n", 400), (b"GET / HTTP/1.1\r\n folded\r\n\r\n", 400), (b"GET x HTTP/1.1\r\n\r\n", 400),
     (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
     (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
     (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 99999\r\n\r\n", 413),
     (b"POST /add-checkpoint HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
     (b"POST /add-checkpoint HTTP/1.1\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nA\x00: b\r\n\r\n", 400)],
)  # fmt: skip
async def test_every_request_has_one_meaning_or_none(witness, data, wanted):
    async with served(witness) as port:
        assert status(await sent(port, data)) == wanted
        assert status(await sent(port, post(asked(0, 12)))) == 200


@pytest.mark.parametrize("data", [b"", b"GET / HTT", b"x" * 20_000, os.urandom(3000), post(asked(0, 12))[:-5]])
async def test_whoever_hangs_up_in_the_middle_disturbs_nobody(witness, data):
    async with served(witness) as port:
        await sent(port, data)
        assert status(await sent(port, post(asked(0, 12)))) == 200


async def test_two_that_race_never_take_the_witness_back(witness, tmp_path):
    """Both are checked against 12; the larger is kept first; the smaller must not undo it."""
    async with served(witness) as port:
        await sent(port, post(asked(0, 12)))
        for size in range(13, 39, 2):
            old = json.loads((tmp_path / "state.json").read_text())["house.example/origin"]["size"]
            pair = [sent(port, post(asked(old, new))) for new in (size + 1, size)]
            answers = sorted([status(answer) for answer in await asyncio.gather(*pair)])
            assert answers == [200, 409]
            after = json.loads((tmp_path / "state.json").read_text())["house.example/origin"]["size"]
            assert after in (size, size + 1) and after > old


def test_the_command_makes_a_key_starts_quickly_and_remembers_over_a_kill(tmp_path):
    key, state = tmp_path / "w1.key", tmp_path / "w1.json"
    made = CliRunner().invoke(app, ["witness", "--name", "w1.example", "--key", str(key), "--new"])
    vkey = parse_vkey(made.stdout.strip(), COSIGNER)
    words = ["witness", "--name", "w1.example", "--key", str(key), "--state", str(state), "--listen", "127.0.0.1:0"]
    command = [sys.executable, "-m", "pavilion", *words, "--origin", str(LOG.verifier)]

    def started():
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == f"witness: {vkey}\n"
        return process, int(process.stdout.readline().rpartition(":")[2])

    for body, wanted in ((asked(0, 12), 200), (asked(0, 12), 409), (asked(12, 20), 200)):
        process, port = started()
        try:
            assert status(asyncio.run(sent(port, post(body)))) == wanted
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def test_a_witness_needs_few_modules_and_no_database():
    told = subprocess.run(
        [sys.executable, "-c", "import sys, pavilion.cli, pavilion.provenance.witness_serving; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert not {"sqlalchemy", "fastapi", "pydantic", "numpy", "uvicorn", "jinja2", "httpx2"} & set(told)


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--name", "w", "--key", "KEY"], 3), (["--name", "w", "--key", "KEY", "--state", "S", "--origin", "x"], 3),
     (["--name", "w", "--key", "none", "--state", "S", "--origin", str(LOG.verifier)], 1),
     (["--name", "a b", "--key", "KEY", "--state", "S", "--origin", str(LOG.verifier)], 1),
     (["--name", "w", "--key", "KEY", "--state", "S", "--origin", str(LOG.verifier), "--listen", "x"], 3)],
)  # fmt: skip
def test_a_witness_that_cannot_start_says_why(tmp_path, words, code):
    new_key(tmp_path / "KEY", "w")
    paths = [str(tmp_path / word) if word in ("KEY", "S", "none") else word for word in words]
    said = CliRunner().invoke(app, ["witness", *paths])
    assert (said.exit_code, len(said.stderr.splitlines())) == (code, 1)
