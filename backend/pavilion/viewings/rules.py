"""Who may sit where, when and with which stones (viewings spec 2); pure: `now` is an argument, facts are frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from pavilion.viewings.states import GapMode


@dataclass(frozen=True, slots=True)
class BookingRules:
    """What holds for bookings of an office, or of a sale shown there. Minutes, unless a name says otherwise."""

    before: int = 0  # pad before a viewing
    after: int = 0  # pad after it
    gap_mode: GapMode = GapMode.MAX
    min_notice: int = 0
    horizon: int = 28 * 24 * 60
    hold_ttl: int = 300  # seconds
    offer_ttl: int = 7200  # seconds
    cutoff_h: int = 48  # hours
    grace: int = 15
    checkin_early: int = 30
    desks_per_company: int = 1
    company_day_limit: int | None = None  # appointments
    company_hours: int | None = None  # hours, per sale
    no_show_limit: int = 2
    no_show_days: int = 180
    remote_gap: int = 5  # pad after a viewing by video
    gap_inside_hours: bool = False
    sitting: int = 60  # length of a slot
    step: int | None = None  # between starts of slots; none: packed
    reminders: tuple[int, ...] = (24, 2)  # hours before

    @classmethod
    def of(cls, *differing: Mapping[str, Any] | None) -> Self:
        """The house's rules with what differs; the later one wins. Words that are no rule are left alone."""
        found: dict[str, Any] = {}
        for some in differing:
            found |= some or {}
        known = {field.name: found[field.name] for field in fields(cls) if field.name in found}
        if "gap_mode" in known:
            known["gap_mode"] = GapMode(known["gap_mode"])
        if "reminders" in known:
            known["reminders"] = tuple(known["reminders"])
        return cls(**known)
