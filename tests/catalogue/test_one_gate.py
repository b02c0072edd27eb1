"""Stones are read through one gate: nobody outside catalogue and provenance selects them in another way."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "backend" / "pavilion"
READERS = {"select", "get", "get_one", "select_from", "aliased", "query", "table", "text"}
BARE = {"id", "public_id"}  # a number alone tells nothing of a stone


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] not in ("catalogue", "provenance"):
            yield path


def reads_of_stones(tree):
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in READERS and any(is_stones(argument, name) for argument in call.args):
                yield call.lineno


def is_stones(argument, reader):
    match argument:
        case ast.Name(id="Stone"):
            return True
        case ast.Attribute(value=ast.Name(id="Stone"), attr=column):
            return column not in BARE
        case ast.Constant(value=str(text)) if reader in ("table", "text"):
            return "stones" in text.replace("exposed_stones", "").split()
    return False


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_module_reads_stones_past_the_gate(path):
    assert list(reads_of_stones(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "code",
    ["select(Stone)", "session.get(Stone, 1)", "select(Lot, Stone.weight_mct)", 'text("select * from stones")'],
)
def test_a_read_past_the_gate_is_seen(code):
    assert list(reads_of_stones(ast.parse(code))) == [1]


def test_the_gate_itself_and_bare_ids_may_be_used():
    assert list(reads_of_stones(ast.parse("visible_to(actor).where(Stone.id == 1); select(Stone.public_id)"))) == []
