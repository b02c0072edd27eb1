"""How far the rules let figures differ: one frozen object, told in the rules' own document."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Tolerances:
    """Defaults of the house. Other values make another ruleset, and stand in its document."""

    scale_mct: int = 2  # a cut may seem to gain (MB-01)
    missing_mct: int = 5  # a cut may lose unaccounted (MB-02), or
    missing_permille: int = 5  # of its inputs, whichever is more
    plan_percent: int = 105  # of its plan a polished stone may weigh (MB-05)
    parcel_mct: int = 2  # a parcel and its stones may differ (MB-06), or
    parcel_per_10000: int = 5  # of the parcel, whichever is more
    silence_days: int = 180  # between two events (CU-02)
    handling_mct: int = 2  # a stone may seem to change while it is looked at (CU-04)
    below_report_mct: int = 2  # a mass under the reported weight (GR-04)
    above_report_mct: int = 9  # a mass over the reported weight: laboratories round up from a third decimal of 9 only
    volume_percent: int = 6  # a round's size may differ from its mass (GR-05)
    fresh_years: int = 5  # of a report (GR-07)
    assessed_days: int = 365  # a seller's self-assessment is good for (WA-02)

    def document(self) -> dict[str, int]:
        return asdict(self)


DEFAULTS = Tolerances()
