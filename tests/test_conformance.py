from pathlib import Path

import pytest
from typer.testing import CliRunner

from pavilion.cli import app

FOLDER = Path(__file__).parent / "vectors"


def run(*words):
    return CliRunner().invoke(app, ["conformance", *map(str, words)])


@pytest.mark.parametrize(
    ("kind", "count"),
    [("bidding", 66), ("soft-close", 25), ("tender", 26), ("premium", 28), ("default", 17), ("origin", 72),
     ("outcomes", 17), ("slots", 31), ("claims", 28)],
)  # fmt: skip
def test_the_public_vectors_pass_from_the_command_line(kind, count):
    said = run(kind, FOLDER / f"{kind}.jsonl")
    assert (said.exit_code, said.stdout) == (0, f"{count} passed, 0 failed\n")


def test_a_failing_vector_is_named_and_ends_with_1(tmp_path):
    lines = (FOLDER / "bidding.jsonl").read_text("utf-8").replace('"price":11000', '"price":11001', 1)
    (tmp_path / "wrong.jsonl").write_text(lines, "utf-8")
    said = run("bidding", tmp_path / "wrong.jsonl")
    assert said.exit_code == 1
    assert said.stdout.splitlines() == ["P02: expected price 11001 got 11000", "65 passed, 1 failed"]


@pytest.mark.parametrize(
    "text",
    ["{", "[]\n", '{"format":"x"}\n{"no":"id"}', '{"id":"X"}', '{"id":"X","inc":"none","expect":{}}', "\ufeff{}",
     '{"id":"X","inc":[[0,0]],"open":1,"bids":[],"expect":{}}',
     '{"id":"X","inc":[[0,5]],"open":1,"bids":7,"expect":{}}'],
)  # fmt: skip
def test_rubbish_ends_with_3_and_one_sentence(tmp_path, text):
    (tmp_path / "rubbish.jsonl").write_text(text, "utf-8")
    said = run("bidding", tmp_path / "rubbish.jsonl")
    assert said.exit_code == 3 and said.stderr.startswith("line ") and len(said.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [(), ("bidding",), ("dancing", "x"), ("bidding", "no-such-file"), ("bidding", "/")])
def test_usage_that_cannot_be_read_ends_with_3(words):
    assert run(*words).exit_code == 3


def test_bytes_that_are_no_text_end_with_3(tmp_path):
    (tmp_path / "bytes").write_bytes(bytes(range(256)))
    assert run("premium", tmp_path / "bytes").exit_code == 3
