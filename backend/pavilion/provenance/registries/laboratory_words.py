"""Reports as laboratories send them: the shape of GIA's Report Results, written by the simulator and read by the house.

Values are texts for people ("1.01 carat", "6.45 x 6.48 x 3.98 mm"); what kind of report it is stands in `__typename`.
"""

import re
from collections.abc import Mapping
from typing import Any

from pavilion.provenance.registries.reading import day, optional_word, word

_OF_A_DIAMOND = (
    "shape_and_cutting_style measurements carat_weight color_grade clarity_grade cut_grade polish symmetry "
    "fluorescence inscriptions treatment"
)
_OF_A_STONE = "shape measurements weight species variety inscriptions treatment"
QUERY = f"""query Report($report_number: String!) {{
  getReport(report_number: $report_number) {{
    report_number report_date report_date_iso report_type report_type_code
    industry_disclosures {{ disclosed_source {{ name code }} }}
    quota {{ remaining }}
    results {{
      __typename
      ... on DiamondGradingReportResults {{ {_OF_A_DIAMOND} }}
      ... on LabGrownDiamondGradingReportResults {{ {_OF_A_DIAMOND} }}
      ... on IdentificationReportResults {{ {_OF_A_STONE} }}
      ... on NarrativeReportResults {{ {_OF_A_STONE} }}
    }}
  }}
}}"""
KINDS = (
    "DiamondGradingReportResults",
    "LabGrownDiamondGradingReportResults",
    "IdentificationReportResults",
    "NarrativeReportResults",
)
TYPES = {
    "DG": "Diamond Grading Report",
    "LGDR": "Laboratory-Grown Diamond Report",
    "CSI": "Colored Stone Identification Report",
    "NAR": "Narrative Report",
}
WITHDRAWN, NOT_FOUND = "REPORT_WITHDRAWN", "REPORT_NOT_FOUND"

_DIAMOND = {
    "color": "color_grade",
    "clarity": "clarity_grade",
    "cut": "cut_grade",
    "polish": "polish",
    "symmetry": "symmetry",
    "fluorescence": "fluorescence",
    "inscription": "inscriptions",
    "treatment": "treatment",
}
_STONE = {"species": "species", "variety": "variety", "inscription": "inscriptions", "treatment": "treatment"}
_SHAPES = {"RBC": "Round Brilliant"}
_CODES = {name: code for code, name in _SHAPES.items()}
_WEIGHT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) carat")
_MM = r"([0-9]{1,3}(?:\.[0-9]{1,3})?)"
_MEASURES = re.compile(f"{_MM} [x-] {_MM} x {_MM} mm")


def written(report: Mapping[str, Any], quota_left: int) -> dict[str, Any]:
    """An event's report as its laboratory would send it."""
    kind = report.get("type", "DG")
    source = report.get("source_disclosed")
    return {
        "data": {
            "getReport": {
                "report_number": report["no"],
                "report_date": report.get("date"),
                "report_date_iso": report.get("date"),
                "report_type": TYPES.get(kind, kind),
                "report_type_code": kind,
                "industry_disclosures": {"disclosed_source": source},
                "quota": {"remaining": quota_left},
                "results": _results(report, kind),
            }
        }
    }


def refused(number: str, code: str) -> dict[str, Any]:
    error = {"message": f"{number}: {code.lower().replace('_', ' ')}", "extensions": {"code": code, "number": number}}
    return {"data": {"getReport": None}, "errors": [error]}


def with_other_colour(document: Mapping[str, Any]) -> dict[str, Any]:
    return _with_results(document, {"color_grade": "M", "clarity_grade": "I3"})


def of_another(document: Mapping[str, Any]) -> dict[str, Any]:
    report = _map(_map(document.get("data")).get("getReport"))
    return {**document, "data": {"getReport": {**report, "report_number": f"{report.get('report_number', '')}0"}}}


def read(lab: str, number: str, document: Mapping[str, Any]) -> tuple[dict[str, Any] | None, int | None]:
    """The facts of the report in the house's form and the questions left; no facts where the laboratory does not know
    the number. ValueError for anything that is no report of this number."""
    report = _map(document.get("data")).get("getReport")
    if report is None:
        return _unwritten(lab, number, document), None
    if not isinstance(report, dict) or "errors" in document:
        raise ValueError("half an answer")
    if report.get("report_number") != number:
        raise ValueError("the report of another stone")
    results = report.get("results")
    if not isinstance(results, dict) or results.get("__typename") not in KINDS:
        raise ValueError("results of no known kind")
    remaining = _map(report.get("quota")).get("remaining")
    if remaining is not None and (type(remaining) is not int or remaining < 0):
        raise ValueError("quota is no number")
    fields: dict[str, Any] = {"lab": lab, "no": number, "type": word(report, "report_type_code"), "withdrawn": False}
    fields["date"] = day(report, "report_date_iso")
    fields["origin"] = _source(report.get("industry_disclosures"))
    return fields | _read_results(results), remaining


def _unwritten(lab: str, number: str, document: Mapping[str, Any]) -> dict[str, Any] | None:
    errors = document.get("errors")
    if not isinstance(errors, list) or len(errors) != 1:
        raise ValueError("neither a report nor a reason")
    extensions = _map(_map(errors[0]).get("extensions"))
    if extensions.get("number") != number:
        raise ValueError("the answer about another report")
    if extensions.get("code") == WITHDRAWN:
        return {"lab": lab, "no": number, "withdrawn": True}
    if extensions.get("code") == NOT_FOUND:
        return None
    raise ValueError("a reason that nobody knows")


def _results(report: Mapping[str, Any], kind: str) -> dict[str, Any]:
    shape = report.get("shape")
    named = None if shape is None else _SHAPES.get(shape, shape.replace("_", " ").title())
    weight = f"{report['weight']} carat" if "weight" in report else None
    meas = report.get("meas")
    measures = f"{meas[0]} x {meas[1]} x {meas[2]} mm" if meas else None
    treatment = report.get("treat")
    said = {**report, "treatment": None if treatment in (None, "", "none") else str(treatment)}
    if "species" in report or "variety" in report:
        words = {theirs: said.get(ours) for ours, theirs in _STONE.items()}
        return {"__typename": KINDS[2], "shape": named, "measurements": measures, "weight": weight, **words}
    words = {theirs: said.get(ours) for ours, theirs in _DIAMOND.items()}
    name = KINDS[1] if kind.startswith("LG") else KINDS[0]
    return {
        "__typename": name,
        "shape_and_cutting_style": named,
        "measurements": measures,
        "carat_weight": weight,
        **words,
    }


def _read_results(results: Mapping[str, Any]) -> dict[str, Any]:
    diamond = results["__typename"] in KINDS[:2]
    names = _DIAMOND if diamond else _STONE
    shape = optional_word(results, "shape_and_cutting_style" if diamond else "shape")
    facts: dict[str, Any] = {ours: optional_word(results, theirs) for ours, theirs in names.items()}
    facts["shape"] = None if shape is None else _CODES.get(shape, shape.upper().replace(" ", "_"))
    weight = optional_word(results, "carat_weight" if diamond else "weight")
    facts["weight"] = None if weight is None else _matched(_WEIGHT, weight)[0]
    measures = optional_word(results, "measurements")
    facts["meas"] = None if measures is None else list(_matched(_MEASURES, measures))
    everything = dict.fromkeys((*_DIAMOND, *_STONE))
    return {**everything, **facts}


def _source(disclosures: object) -> dict[str, str] | None:
    source = _map(disclosures).get("disclosed_source")
    if source is None:
        return None
    if not isinstance(source, dict):
        raise ValueError("disclosed_source is no source")
    return {"name": word(source, "name"), "code": word(source, "code")}


def _with_results(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    report = _map(document.get("data")).get("getReport")
    if not isinstance(report, dict):
        return dict(document)
    results = {**report["results"]} | {name: value for name, value in changes.items() if name in report["results"]}
    return {**document, "data": {"getReport": {**report, "results": results}}}


def _matched(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError(f"unreadable: {text[:40]!r}")
    return found.groups()


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
