"""House rules that no linter knows."""

import ast
import re
from pathlib import Path

import pytest

from pavilion import cli, main
from pavilion.kernel.errors import Refusal
from pavilion.settings import Settings

ROOT = Path(__file__).parents[1]
BACKEND = ROOT / "backend" / "pavilion"
EXACT = [*BACKEND.glob("*/rules.py"), *BACKEND.glob("settlement/*.py"), BACKEND / "kernel" / "money.py"]
EXACT += [BACKEND / "auctions" / "fees.py", BACKEND / "bidding" / "closing.py", BACKEND / "bidding" / "tender.py"]
EXACT += sorted((BACKEND / "insight").glob("fairness_*.py"))
LONGEST = 400  # lines of a module
UNWANTED = {"repository", "schemas", "utils", "helpers", "managers", "common", "base"}


def inexact(tree):
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=float()) | ast.Name(id="float") | ast.BinOp(op=ast.Div()):
                yield node.lineno
            case ast.AugAssign(op=ast.Div()):
                yield node.lineno


@pytest.mark.parametrize("path", EXACT, ids=lambda p: str(p.relative_to(ROOT)))
def test_rules_and_money_know_no_float(path):
    """A float, a true division or float() in these files is a wrong cent waiting for its day."""
    assert list(inexact(ast.parse(path.read_text()))) == []


def test_a_float_would_be_found():
    assert list(inexact(ast.parse("fee = price * 0.25 / 3"))) == [1, 1]


def test_no_module_outgrows_its_room():
    long = {
        str(p.relative_to(ROOT)): n for p in BACKEND.rglob("*.py") if (n := len(p.read_text().splitlines())) > LONGEST
    }
    assert long == {}


def test_no_room_is_a_lumber_room():
    assert [p for p in BACKEND.rglob("*.py") if p.stem in UNWANTED] == []


def test_each_setting_is_documented_where_operators_look():
    text = (ROOT / "docs" / "operating.md").read_text()
    assert [name for name in Settings.model_fields if f"PAVILION_{name.upper()}" not in text] == []


def test_locks_name_no_host():
    for lock in (ROOT / "requirements").glob("*.lock"):
        assert re.findall(r"://|[a-z0-9-]+\.(?:org|com|io|net|dev)\b", lock.read_text()) == []


def test_alembic_is_the_library():
    import alembic

    assert alembic.__version__


def test_codes_are_plain_and_each_means_one_status():
    assert main and cli  # every domain is loaded, so that every refusal is known
    statuses = {}
    for kind in _refusals(Refusal):
        assert re.fullmatch(r"[a-z][a-z0-9_]*", kind.code)
        statuses.setdefault(kind.code, set()).add(kind.status)
    assert {code: found for code, found in statuses.items() if len(found) > 1} == {}


def _refusals(kind):
    for child in kind.__subclasses__():
        yield child
        yield from _refusals(child)


def test_each_decision_has_a_number_of_its_own_and_says_it():
    """Pages are cited by number: a number given twice cites two decisions, a gap looks like a lost one."""
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for n, page in enumerate(pages, start=1):
        assert page.read_text().startswith(f"# {n}. "), page.name
