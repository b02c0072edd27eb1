"""How far the rules let figures differ, and which grades may be listed: one dated table among the others."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

LISTABLE = ("A", "A B", "A B C")  # the grades that may be listed, best first


@dataclass(frozen=True, slots=True)
class Tolerances:
    """The figures of the table `limits`. Which rule each of them feeds stands in brackets."""

    scale_mct: int  # a cut may seem to gain (MB-01)
    missing_mct: int  # a cut may lose unaccounted (MB-02), or
    missing_permille: int  # of its inputs, whichever is more
    plan_percent: int  # of its plan a polished stone may weigh (MB-05)
    parcel_mct: int  # a parcel and its stones may differ (MB-06), or
    parcel_per_10000: int  # of the parcel, whichever is more
    silence_days: int  # between two events (CU-02)
    ahead_days: int  # after the day of judging an event may be dated, for clocks are not alike (CU-03)
    handling_mct: int  # a stone may seem to change while it is looked at (CU-04)
    below_report_mct: int  # a mass under the reported weight (GR-04)
    above_report_mct: int  # a mass over the reported weight: laboratories round up from a third decimal of 9 only
    volume_percent: int  # a round's size may differ from its mass (GR-05)
    fresh_years: int  # of a report (GR-07)
    assessed_days: int  # a seller's self-assessment is good for (WA-02)
    accounted_bp: int  # of rough that is due must be told of (PO-01)
    excess_bp: int  # of what was bought may be told of beyond it (PO-02)
    resale_limit_bp: int  # of rough a new contract lets a manufacturer sell on (PO-03)
    listed_grades: str  # which verified stones may be seen by buyers

    @property
    def listed(self) -> frozenset[str]:
        return frozenset(self.listed_grades.split())

    def document(self) -> dict[str, int | str]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def tolerances_of(document: Mapping[str, Any]) -> Tolerances:
    """ValueError for any other members, and for what is no whole number from nought."""
    said = document["limits"]
    if document.keys() - {"note"} != {"version", "limits"} or said.keys() != {
        field.name for field in fields(Tolerances)
    }:
        raise ValueError("other limits than the rules know")
    if said["listed_grades"] not in LISTABLE:
        raise ValueError("listed_grades")
    for name, value in said.items():
        if name != "listed_grades" and (type(value) is not int or value < 0):
            raise ValueError(name)
    return Tolerances(**said)
