"""What is said of addresses to be called, on the page and by programs."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from pavilion.accounts.forms import FormName
from pavilion.notifications.webhook_rules import EventKind

Address = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Kinds = Annotated[list[EventKind], Field(min_length=1, max_length=len(EventKind))]


class WebhookForm(BaseModel):
    """An address, what it is called for, and that it is you who asks."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    url: Address
    events: Kinds
    password: Annotated[str, StringConstraints(max_length=200)] = ""
    once: FormName = ""


class WebhookJson(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"example": {"url": "https://hooks.lumen.example/pavilion", "events": ["stone.listed"]}},
    )

    url: Annotated[Address, Field(description="Over https, of the public network.")]
    events: Kinds


class ReplayJson(BaseModel):
    """One event, or a span of time in which calls were made; either."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"example": {"since": "2026-11-22T00:00:00Z"}}
    )

    event: Annotated[str | None, StringConstraints(max_length=80)] = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
