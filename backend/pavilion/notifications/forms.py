"""What a person may say about being told."""

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from pavilion.notifications.rules import Kind

ZONES = (
    "UTC", "Europe/Brussels", "Europe/London", "Europe/Zurich", "Asia/Jerusalem", "Asia/Dubai", "Asia/Kolkata",
    "Asia/Bangkok", "Asia/Hong_Kong", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney",
    "Africa/Gaborone", "Africa/Johannesburg", "America/New_York", "America/Los_Angeles",
)  # fmt: skip


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no such zone")
    return name


Clock = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$")]


class WishesForm(BaseModel):
    """Each kind that is ticked is wanted; two empty clocks mean no quiet hours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mail: Annotated[list[Kind], Field(max_length=20)] = []
    push: Annotated[list[Kind], Field(max_length=20)] = []
    amounts: bool = False
    quiet_from: Clock = ""
    quiet_to: Clock = ""
    zone: Annotated[str, StringConstraints(max_length=40), AfterValidator(_zone)] = "UTC"


class SubscriptionForm(BaseModel):
    """As `PushSubscription.toJSON()` says it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    class Keys(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)

        p256dh: Annotated[str, StringConstraints(max_length=120)]
        auth: Annotated[str, StringConstraints(max_length=40)]

    endpoint: Annotated[str, StringConstraints(max_length=1000)]
    keys: Keys


def minutes(clock: str) -> int | None:
    return int(clock[:2]) * 60 + int(clock[3:]) if clock else None
