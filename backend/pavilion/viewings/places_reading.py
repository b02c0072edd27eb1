"""A file of offices, as whoever runs the house lays them out: `pavilion offices FILE`."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from sqlalchemy import select

from pavilion.accounts.models import Person, PersonRole
from pavilion.accounts.rules import Role
from pavilion.kernel.db import Sessions
from pavilion.kernel.errors import BadInput
from pavilion.viewings import places
from pavilion.viewings.places import DeskPlan, HoursPlan, OfficePlan, RoomPlan

LARGEST = 1_000_000  # bytes
BY = "command"

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,25}$")]
OfficeId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{2,12}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Long = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]


class NotOffices(ValueError):
    """The file says something that cannot be; the words name the place."""


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RoomSaid(_Said):
    id: Id
    name_en: Text
    name_zh: Text
    cap: Annotated[int, Field(ge=1, le=1000)]
    companies: Annotated[int, Field(ge=1, le=1000)] | None = None


class DeskSaid(_Said):
    id: Id
    name_en: Text
    name_zh: Text
    room: Id | None = None
    equipment: Annotated[list[Id | Text], Field(max_length=20)] = []


class HoursSaid(_Said):
    weekdays: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(min_length=1, max_length=7)]
    opens: Clock
    closes: Clock
    breaks: Annotated[list[tuple[Clock, Clock]], Field(max_length=10)] = []


class OfficeSaid(_Said):
    id: OfficeId
    name_en: Text
    name_zh: Text
    zone: Text
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    address_en: Long
    address_zh: Long
    directions_en: Long = ""
    directions_zh: Long = ""
    rules: dict[str, Any] = {}
    rooms: Annotated[list[RoomSaid], Field(max_length=100)] = []
    desks: Annotated[list[DeskSaid], Field(max_length=200)] = []
    hours: Annotated[list[HoursSaid], Field(max_length=100)] = []
    staff: Annotated[list[Text], Field(max_length=200)] = []  # e-mail addresses of people with the role `viewings`
    operators: Annotated[list[Text], Field(max_length=200)] = []  # of them those who show stones by video

    @property
    def plan(self) -> OfficePlan:
        return OfficePlan(
            self.id, self.name_en, self.name_zh, self.zone, self.country, self.address_en, self.address_zh,
            self.directions_en, self.directions_zh,
            tuple(RoomPlan(one.id, one.name_en, one.name_zh, one.cap, one.companies) for one in self.rooms),
            tuple(DeskPlan(one.id, one.name_en, one.name_zh, one.room, tuple(one.equipment)) for one in self.desks),
            tuple(HoursPlan(tuple(one.weekdays), one.opens, one.closes, tuple(one.breaks)) for one in self.hours),
            dict(self.rules),
        )  # fmt: skip


_OFFICES = TypeAdapter(Annotated[list[OfficeSaid], Field(min_length=1, max_length=100)])


def read(content: bytes) -> list[OfficeSaid]:
    """The offices of the file, or NotOffices."""
    if len(content) > LARGEST:
        raise NotOffices(f"larger than {LARGEST} bytes")
    try:
        return _OFFICES.validate_json(content)
    except ValidationError as fault:
        first = fault.errors()[0]
        raise NotOffices(f"{'.'.join(map(str, first['loc'])) or 'file'}: {first['msg']}") from None


async def lay_out(sessions: Sessions, offices: list[OfficeSaid], now: datetime) -> list[str]:
    """Every office of the file stands as it says, or none does; answers a line for each."""
    told = []
    async with sessions.begin() as session:
        for said in offices:
            try:
                office = await places.lay_out(session, said.plan, valid_from=now.date(), by=BY, now=now)
            except BadInput as refused:
                raise NotOffices(f"{said.id}: {', '.join(sorted(refused.fields))} cannot be so") from None
            for email in dict.fromkeys([*said.staff, *said.operators]):
                wanted = select(Person.id).join(PersonRole, PersonRole.person_id == Person.id)
                wanted = wanted.where(Person.email == email.casefold(), PersonRole.role == Role.VIEWINGS)
                person = await session.scalar(wanted)
                if person is None:
                    raise NotOffices(f"{said.id}: nobody with the role viewings signs in as {email}")
                operator = email in said.operators
                await places.employ(session, office.id, person, operator=operator, by=BY, now=now)
            told.append(f"{said.id}: {len(said.rooms)} rooms, {len(said.desks)} desks, {len(said.staff)} staff")
    return told
