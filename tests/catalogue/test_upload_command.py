"""`pavilion stock check`, `generate` and `import`, run as an operator runs them."""

import fcntl
import gzip
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pavilion.catalogue import checking
from pavilion.cli import app
from pavilion.kernel.sheet import Limits
from tests.catalogue import upload_world as world

PAVILION = Path(sys.executable).with_name("pavilion")
DATA = world.TABLE.parent


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def diamonds(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "diamonds.csv"
    path.write_bytes(gzip.decompress(world.TABLE.read_bytes()))
    return path


@pytest.fixture(scope="module")
def fifty(diamonds, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fifty")
    made = run("stock", "generate", diamonds, "--out", folder, "--rows", 50, "--seed", 9, "--broken-bp", 4000)
    assert made.exit_code == 0 and "50 rows" in made.stdout
    return folder


def order(folder, house, *more):
    return (
        *("stock", "import", folder / "stock.csv", "--supplier", "Meridian Diamonds"),
        *("--registry", folder / "registry", "--data", house, *more),
    )


def told(document):
    return [
        (row["row"], row["outcome"], sorted({issue["rule"] or issue["code"] for issue in row["issues"]}))
        for row in document["rows"]
    ]


def foretold(folder):
    return [(answer["row"], answer["outcome"], answer["codes"]) for answer in world.answers_of(folder)]


def test_the_sample_is_checked_byte_for_byte():
    checked = run("stock", "check", DATA / "stock_sample.csv")
    assert checked.exit_code == 0
    assert checked.stdout == (DATA / "stock_sample.golden.jsonl").read_text()


def test_all_vectors_pass():
    done = run("conformance", "upload-values", DATA.parent / "vectors" / "upload-values.jsonl")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "164 passed, 0 failed")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("stock", "check", "nowhere.csv"), 3),
        (("stock", "check", DATA / "stock_sample.csv", "--profile", "zebra"), 3),
        (("stock", "check", DATA / "diamonds.LICENSE.txt"), 1),
        (("stock", "generate", "nowhere.csv", "--out", "x"), 3),
        (("stock", "generate", DATA / "stock_sample.csv", "--out", "x"), 3),
        (("stock", "import", "nowhere.csv", "--supplier", "S"), 3),
        (("stock", "import", DATA / "stock_sample.csv", "--supplier", "S", "--mode", "burn"), 3),
        (("stock", "import", DATA / "stock_sample.csv"), 3),
    ],
)
def test_what_cannot_be_done_ends_with_its_code(words, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = run(*words)
    assert ended.exit_code == code and "Traceback" not in ended.output


def test_a_file_with_too_many_cells_is_not_checked(monkeypatch):
    monkeypatch.setattr(checking, "open_stock", partial(checking.open_stock, limits=Limits(cells=900)))
    ended = run("stock", "check", DATA / "stock_sample.csv")
    assert ended.exit_code == 1 and "too_many_cells: More than 900 cells" in ended.output and "{" not in ended.output


def test_a_file_is_imported_answered_and_mended(fifty, tmp_path):
    out, fix = tmp_path / "out.json", tmp_path / "fix.csv"
    done = run(*order(fifty, tmp_path / "house", "--json", out, "--fix", fix))
    assert done.exit_code == 0, done.output
    document = json.loads(out.read_text())
    assert told(document) == foretold(fifty)
    assert (document["state"], document["received"]) == ("done", 50)
    bad = [row for row in document["rows"] if row["outcome"] in ("rejected", "duplicate_in_file")]
    assert len(fix.read_text("utf-8-sig").splitlines()) == 1 + len(bad)
    again = run(*order(fifty, tmp_path / "house", "--json", "-"))
    assert json.loads(again.stdout)["id"] == document["id"]


def test_without_a_registry_every_origin_waits(fifty, tmp_path):
    words = ("stock", "import", fifty / "stock.csv", "--supplier", "S", "--data", tmp_path / "house", "--json", "-")
    document = json.loads(run(*words).stdout)
    assert document["pending_origin"] > 30 and document["accepted"] == 0


def test_a_file_level_code_is_exit_one(fifty, tmp_path):
    stopped = tmp_path / "stock.csv"
    stopped.write_text("Shape,Carat\nRBC,1\n")
    words = ("stock", "import", stopped, "--supplier", "S", "--data", tmp_path / "house", "--json", "-")
    ended = run(*words)
    assert ended.exit_code == 1 and json.loads(ended.stdout)["file_issues"][0]["code"] == "header_missing"
    stopped.write_bytes(b"x" * 50_000_001)
    ended = run(*words)
    assert ended.exit_code == 1 and json.loads(ended.stdout)["file_issues"][0]["code"] == "too_large"


def test_a_house_that_runs_is_not_written_behind_its_back(fifty, tmp_path):
    house = tmp_path / "house"
    house.mkdir()
    with (house / "house.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ended = run(*order(fifty, house))
    assert ended.exit_code == 1 and "already runs" in ended.output


def test_a_folder_that_is_no_registry_is_refused(fifty, tmp_path):
    ended = run(*order(fifty, tmp_path / "house", "--registry", tmp_path))
    assert ended.exit_code == 3 and "Traceback" not in ended.output


def test_an_import_killed_on_its_way_is_finished_by_the_next(diamonds, tmp_path):
    folder = tmp_path / "made"
    world.made(diamonds, folder, rows=2000, seed=4, broken_bp=1000)
    words = [str(word) for word in order(folder, tmp_path / "house")]
    with subprocess.Popen([str(PAVILION), *words], stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if line.startswith("1,000 of"):
                process.kill()
    assert process.returncode == -9
    done = run(*order(folder, tmp_path / "house", "--json", tmp_path / "out.json"))
    assert done.exit_code == 0, done.output
    assert told(json.loads((tmp_path / "out.json").read_text())) == foretold(folder)
