"""What programs are told of viewings."""

from typing import Annotated, Any

from pydantic import Field

from pavilion.viewings.states import AppointmentState, ViewingMode, WaitState
from pavilion.viewings.wishes import Code
from pavilion.webkit.answers import Instant, Told, Ulid

Zone = Annotated[str, Field(description="Of the office, IANA.", examples=["Europe/Brussels"])]
Wall = Annotated[str, Field(description="The office's own clock.", examples=["2026-11-24T10:00"])]
Desk = Annotated[str, Field(examples=["ant-1"])]
Stones = Annotated[list[Ulid], Field(description="Public ids.")]


class SlotTold(Told):
    """A time at a desk. `code` is `ok` where it is free, else why it is not."""

    office: Annotated[str, Field(examples=["ant"])]
    desk: Desk
    start: Instant
    end: Instant
    zone: Zone
    wall: Wall
    offset: Annotated[str, Field(description="Of the zone from UTC, then.", examples=["UTC+1"])]
    code: Code
    facts: Annotated[dict[str, Any], Field(examples=[{}])]


class Slots(Told):
    slots: list[SlotTold]


class AppointmentTold(Told):
    id: Ulid
    number: Annotated[str | None, Field(examples=["ANT-2026-000123"])]
    state: AppointmentState
    mode: ViewingMode
    desk: Desk
    start: Instant
    end: Instant
    zone: Zone
    wall: Wall
    party: Annotated[int, Field(ge=0, description="Persons in the room.", examples=[2])]
    stones: Stones
    sequence: Annotated[int, Field(description="Rises with every change, as in the calendar file.", examples=[0])]
    attention: Annotated[str | None, Field(description="Why somebody has to look at it.", examples=["stone_lost"])]
    expires_at: Annotated[Instant | None, Field(description="Until then it is held; none: it is booked.")]


class Appointments(Told):
    """The company's own, at most 250."""

    items: list[AppointmentTold]


class LostTold(Told):
    stone: Ulid
    code: Annotated[str, Field(examples=["stone_sold"])]


class VisitorTold(Told):
    id: Ulid
    name: Annotated[str, Field(examples=["Wen Li"])]


class WholeAppointment(AppointmentTold):
    """One appointment, with who comes and what can no longer be seen."""

    lost_stones: list[LostTold]
    visitors: list[VisitorTold]


class WaitTold(Told):
    """A place on the wait list."""

    id: Ulid
    state: WaitState
    desk: Desk
    start: Instant
    end: Instant
    stones: Stones
    skipped: Annotated[str | None, Field(description="Why it did not fit the last time.", examples=["stone_taken"])]
