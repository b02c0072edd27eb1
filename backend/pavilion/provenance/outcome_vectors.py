"""The outcome vectors: a report, a grid to publish or a comparison, and what the rules must say."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from pavilion.provenance import outcomes
from pavilion.provenance.outcomes import Account, Assortment, Category, Line, Purchase, Resale


def check(line: Mapping[str, Any]) -> str | None:
    """None if the line holds, else what was expected and what was got."""
    got = {"report": _report, "publish": _publish, "benchmark": _benchmark}[line["kind"]](line["input"])
    expected = line["expect"]
    wrong = {key: got.get(key) for key, value in expected.items() if got.get(key) != value}
    return None if not wrong else f"expected {_plain({key: expected[key] for key in wrong})} got {_plain(wrong)}"


def account_of(given: Mapping[str, Any]) -> Account:
    contract, report = given["contract"], given["report"]
    seen: dict[str, int] = {}
    for sale in given.get("observed") or ():
        if sale["t"] == "SOLD_ROUGH" and sale["by"] == contract["buyer"]:
            seen[sale["to"]] = seen.get(sale["to"], 0) + sale["mct"]
    return Account(
        as_of=date.fromisoformat(given["as_of"]),
        buyer=contract["buyer"],
        category=Category(contract["category"]),
        resale_limit_bp=contract.get("resale_limit_bp", 1000),
        purchases=tuple(Purchase(p["lot"], date.fromisoformat(p["sight"]), p["mct"]) for p in given["purchases"]),
        polished_mct=report["polished_mct"],
        loss_mct=report["loss_mct"],
        stock_mct=report["stock_mct"],
        lost_mct=report["lost_mct"],
        resold=tuple(Resale(r.get("buyer") or "", r["mct"], r.get("verified") is True) for r in report["resold"]),
        cutter_named_mct=report.get("cutter_named_mct", 0),
        stones=tuple(report.get("stones") or ()),
        assortments=tuple(
            Assortment(a["code"], a["consumed_mct"], a["polished_mct"], tuple(a.get("peer_yield_bp") or ()))
            for a in given.get("assortments") or ()
        ),
        seen=seen,
        elsewhere=frozenset(given.get("other_contract_stones") or ()),
    )


def _report(given: Mapping[str, Any]) -> dict[str, Any]:
    judgement = outcomes.judge(account_of(given))
    return {"state": judgement.state.name, "codes": judgement.codes}


def _publish(given: Mapping[str, Any]) -> dict[str, Any]:
    cells = {(cell["row"], cell["col"]): cell["by"] for cell in given["cells"]}
    asked = {"row_totals": given.get("row_totals") is True, "col_totals": given.get("col_totals") is True}
    told = outcomes.publish(given["rows"], given["cols"], cells, **asked)
    got: dict[str, Any] = {"cells": [[*cell, outcomes.spoken(mass)] for cell, mass in told.cells.items()]}
    for key, names, is_row in (("row_totals", given["rows"], True), ("col_totals", given["cols"], False)):
        if asked[key]:
            got[key] = [[name, outcomes.spoken(told.totals[Line(is_row, name)])] for name in names]
    return got


def _benchmark(given: Mapping[str, Any]) -> dict[str, Any]:
    shown = outcomes.benchmark(given["reporter"], given["by"], given["value"])
    return {"visible": False} if shown is None else {"visible": True} | shown._asdict()


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
