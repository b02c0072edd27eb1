import json
from pathlib import Path

import pytest

from pavilion.settlement import vectors

LINES = [
    json.loads(line) for line in (Path(__file__).parents[1] / "vectors/premium.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("line", LINES[1:], ids=lambda line: line["id"])
def test_the_premium_vectors_hold(line):
    assert vectors.check(line, LINES[0]) is None


def test_a_vector_that_does_not_hold_says_what_was_expected():
    assert vectors.check(LINES[1] | {"expect": {"total": 1}}, LINES[0]) == "expected total 1 got 1275000"
    assert "unknown member" in vectors.check(LINES[1] | {"expect": {"colour": "D"}}, LINES[0])
