import json
from pathlib import Path

import pytest

from pavilion.bidding import vectors

FOLDER = Path(__file__).parents[1] / "vectors"


def lines(name):
    header, *rest = [json.loads(line) for line in (FOLDER / name).read_text("utf-8").splitlines() if line.strip()]
    return [pytest.param(line, header, id=line["id"]) for line in rest]


@pytest.mark.parametrize(("line", "header"), lines("bidding.jsonl"))
def test_the_bidding_vectors_hold(line, header):
    assert vectors.check(line, header) is None


@pytest.mark.parametrize(("line", "header"), lines("soft-close.jsonl"))
def test_the_soft_close_vectors_hold(line, header):
    assert vectors.check_soft_close(line, header) is None


def test_a_vector_that_does_not_hold_says_what_was_expected():
    [line, header] = lines("bidding.jsonl")[0].values
    wrong = line | {"expect": {"price": 1, "accept": [1]}}
    assert vectors.check(wrong, header) == "expected price 1 got 50000"
