"""What programs are told of the addresses at which their company is called."""

from typing import Annotated

from pydantic import Field

from pavilion.notifications.webhook_rules import EventKind
from pavilion.webkit.answers import Instant, Told, Ulid, leaves_out


class WebhookTold(Told):
    """An address of the company."""

    model_config = leaves_out("secret")

    id: Ulid
    url: Annotated[str, Field(examples=["https://hooks.lumen.example/pavilion"])]
    events: list[EventKind]
    made_at: Instant
    waiting: Annotated[int, Field(description="Calls that have yet to be taken.", examples=[0])]
    given_up: Annotated[int, Field(description="Calls that are tried no more.", examples=[0])]
    failing_since: Annotated[Instant | None, Field(description="No call was taken since.")]
    paused_at: Annotated[Instant | None, Field(description="Nothing is sent, and nothing is kept for it, since.")]
    secret: Annotated[str, Field(description="With which calls are signed; told once.", examples=["whsec_4fG…"])] = ""


class Webhooks(Told):
    items: list[WebhookTold]


class CallTold(Told):
    """One call, and what became of it."""

    event: Annotated[str, Field(description="Its `id`; sent again it keeps it.", examples=["change-4711-01KAR9T5M0Q8"])]
    type: Annotated[str, Field(description="What it tells of, or `test`.", examples=["stone.listed"])]
    made_at: Instant
    attempts: Annotated[int, Field(examples=[1])]
    status: Annotated[int | None, Field(description="Of the last answer.", examples=[200])]
    fault: Annotated[str | None, Field(description="Why there was no good one.", examples=["webhook_slow"])]
    due_at: Annotated[Instant | None, Field(description="When it is tried next.")]
    sent_at: Annotated[Instant | None, Field(description="When it was taken.")]
    given_up_at: Instant | None


class Calls(Told):
    items: list[CallTold]


class Replayed(Told):
    calls: Annotated[int, Field(description="How many are sent again.", examples=[1])]


class Removed(Told):
    id: Ulid
