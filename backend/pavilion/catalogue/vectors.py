"""Conformance of cells and headers: `pavilion conformance upload-values FILE`."""

import json
from typing import Any

from pavilion.catalogue.cells import Context, read_cell
from pavilion.catalogue.headers import read_headers


def check(line: str) -> str | None:
    """None when our answer is exactly the expected one, else both."""
    vector = json.loads(line)
    got = _answer(vector["input"])
    expected = vector["expect"]
    if got == expected:
        return None
    return f"expected {_text(expected)} got {_text(got)}"


def _answer(given: dict[str, Any]) -> dict[str, Any]:
    context = Context(**given.get("context", {}))
    if given["column"] == "@headers":
        fields, faults = read_headers(given["raw"], context)
        return {"value": fields, "issues": [list(fault) for fault in faults]}
    cell = read_cell(given["column"], given["raw"], context)
    answer = {"value": cell.value, "issues": list(cell.issues)}
    return answer | {"also": dict(cell.also)} if cell.also else answer


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, sort_keys=True)
