"""A short run of schemathesis; the long one is `python -m tests.api.exercise`, docs/api.md."""

import shutil

from tests.api.exercise import exercise, open_house, told


def test_no_answer_is_a_fault_or_stands_in_no_document(furnished, tmp_path):
    shutil.copytree(furnished, tmp_path / "demo")
    with open_house(tmp_path / "demo") as house:
        asked = exercise(house, 1)
    assert sum(asked.cases.values()) > 40 and not asked.faults, told(asked)
