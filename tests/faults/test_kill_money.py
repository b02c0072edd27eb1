"""kill -9 between the steps of every way of money; `make faults` does it at each step, on both databases."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_whoever_is_killed_on_the_way_money_comes_to_the_same_end(sqlite_template):
    command = [sys.executable, "-m", "tests.faults.killing_money", str(sqlite_template), "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
