"""What somebody says about the ways of stones, and the lines that follow from it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.datastructures import FormData

from pavilion.kernel.errors import BadInput
from pavilion.viewings import lines, local_times
from pavilion.viewings.forms import OfficeId, PublicId
from pavilion.viewings.lines import Draft, Line, LineCode, LineFault, Moves, Sending, Stop
from pavilion.viewings.wishes import Code

MOST_STONES = 200  # in a trunk
MOST_STOPS = 6  # of a tour
USUAL_PACK, USUAL_UNPACK = 30, 60  # minutes

Wall = Annotated[str, StringConstraints(pattern=r"^(\d{4}-\d\d-\d\dT\d\d:\d\d(:00)?)?$")]
Minutes = Annotated[int, Field(ge=0, le=2880)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)]
Late = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^([+-]?\d{1,3}(:[0-5]\d)?)?$")]
Seen = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
Which = Annotated[str, StringConstraints(pattern=r"^(first|second)?$")]
Zones = Mapping[str, str]  # by office


class Act(StrEnum):
    PLACE = "place"  # of a stone of which nothing was known
    SEND = "send"
    CHANGE = "change"
    REMOVE = "remove"
    DELAY = "delay"
    TOUR = "tour"


class TravelForm(BaseModel):
    """One act. Times are those of the wall clock where they happen; `which`, where the clock shows a time twice."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    act: Act
    stones: Annotated[list[PublicId], Field(max_length=MOST_STONES)] = []
    stay: Annotated[list[Annotated[int, Field(ge=1, lt=2**62)]], Field(max_length=MOST_STONES)] = []
    home: Annotated[str, StringConstraints(max_length=12)] = ""
    office: Annotated[
        list[OfficeId | Annotated[str, StringConstraints(max_length=0)]], Field(max_length=MOST_STOPS)
    ] = []
    leave: Annotated[list[Wall], Field(max_length=MOST_STOPS)] = []
    arrive: Annotated[list[Wall], Field(max_length=MOST_STOPS)] = []
    depart: Wall = ""
    which: Which = ""
    pack: Minutes = USUAL_PACK
    unpack: Minutes = USUAL_UNPACK
    carrier: Short = ""
    carrier_ref: Short = ""
    late: Late = ""
    moves: Moves = Moves.LEG
    seen: Seen = ""

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """The same act once more, as fields of a form; what was seen is said apart."""
        found: list[tuple[str, str]] = []
        for name, value in self.model_dump(mode="json", exclude={"seen"}).items():
            found += [(name, str(one)) for one in (value if isinstance(value, list) else [value])]
        return found


class WayForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    start: OfficeId
    end: OfficeId
    takes: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\d{1,3}(:[0-5]\d)?$")]
    valid_from: date

    @property
    def minutes(self) -> int:
        return int(span_of(self.takes) / timedelta(minutes=1))


LISTS = ("stones", "stay", "office", "leave", "arrive")


def read(form: FormData) -> TravelForm:
    """BadInput names the fields that could not be read."""
    said: dict[str, Any] = {name: form.get(name) for name in form if name not in LISTS}
    said |= {name: form.getlist(name) for name in LISTS if name in form}
    try:
        return TravelForm.model_validate(said)
    except ValidationError as error:
        raise BadInput(fields=faults_of(error)) from error


def read_way(form: FormData) -> WayForm:
    try:
        return WayForm.model_validate(dict(form))
    except ValidationError as error:
        raise BadInput(fields=faults_of(error)) from error


def faults_of(error: ValidationError) -> dict[str, str]:
    return {str(one["loc"][0])[:40]: "bad_input" for one in error.errors()[:20]}


def typed_values(form: FormData) -> dict[str, str]:
    """What was typed, to stand in the fields again."""
    return {name: str(value)[:200] for name, value in form.items() if isinstance(value, str)}


def draft_of(said: TravelForm, known: Mapping[str, Line], zones: Zones, now: datetime) -> Draft:
    """The lines as they would be. LineFault or BadInput for what cannot be meant."""
    if not known:
        raise BadInput(fields={"stones": "required"})
    match said.act:
        case Act.PLACE:
            return Draft.of(known, lambda line: _placed(said, line, zones))
        case Act.SEND | Act.TOUR:
            return Draft.of(known, lambda line: lines.sent(line, _sendings(said, line, zones)))
        case Act.CHANGE:
            return Draft.of(known, lambda line: _changed(said, line, zones))
        case Act.REMOVE:
            return Draft.of(known, lambda line: lines.removed(line, _stay(said, line)))
        case Act.DELAY:
            late = span_of(said.late)
            if not late:
                raise BadInput(fields={"late": "required"})
            return Draft.of(known, lambda line: lines.delayed(line, _stay(said, line), late, said.moves, now))


def span_of(text: str) -> timedelta:
    """`6`, `6:30` or `-2` hours."""
    hours, _, minutes = text.lstrip("+-").partition(":")
    span = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return -span if text.startswith("-") else span


def instant(wall: str, zone: str, field: str, which: str = "") -> datetime | None:
    """None for no text. BadInput for a time that the clock there never shows, or shows twice."""
    if not wall:
        return None
    try:
        local = datetime.fromisoformat(wall)
    except ValueError:
        raise BadInput(fields={field: "bad_input"}) from None
    if not local_times.known_year(local):
        raise BadInput(fields={field: "bad_input"})
    typed = local_times.typed(local, ZoneInfo(zone))
    if typed.code is Code.NONEXISTENT_LOCAL_TIME:
        raise BadInput(fields={field: "wall_never"})
    if typed.code is Code.AMBIGUOUS_LOCAL_TIME:
        if not which:
            raise BadInput(fields={field: "wall_twice"})
        return typed.choices[which == "second"]
    return typed.at


def _placed(said: TravelForm, line: Line, zones: Zones) -> Line:
    if line:
        raise LineFault(LineCode.OVERLAP, one=line[-1].office, other=line[-1].office)
    office = next(iter(said.office), "")
    zone = _zone(office, zones)
    arrive = instant(next(iter(said.arrive), ""), zone, "arrive", said.which)
    return (Stop(office, arrive, None, said.pack, said.unpack, said.carrier, said.carrier_ref),)


def _sendings(said: TravelForm, line: Line, zones: Zones) -> list[Sending]:
    """Each place in turn; a row that names no office is left out. The last may name when it leaves again."""
    here = said.home or _office_left(said, line)
    rows = [row for row in _rows(said) if row[0]]
    if not rows:
        raise BadInput(fields={"office": "required"})
    found: list[Sending] = []
    for n, (office, leaves, arrives) in enumerate(rows):
        zone = _zone(office, zones)
        leave = instant(leaves, _zone(here, zones), "leave", said.which)
        arrive = instant(arrives, zone, "arrive", said.which)
        faults = {name: "required" for name, at in (("leave", leave), ("arrive", arrive)) if at is None}
        if leave is None or arrive is None:
            raise BadInput(fields=faults)
        depart = instant(said.depart, zone, "depart", said.which) if n == len(rows) - 1 else None
        found.append(Sending(office, leave, arrive, depart, said.pack, said.unpack, said.carrier, said.carrier_ref))
        here = office
    _check_home(said, line, found)
    return found


def _rows(said: TravelForm) -> list[tuple[str, str, str]]:
    def at(values: Sequence[str], n: int) -> str:
        return values[n] if n < len(values) else ""

    return [(office, at(said.leave, n), at(said.arrive, n)) for n, office in enumerate(said.office)]


def _check_home(said: TravelForm, line: Line, ways: Sequence[Sending]) -> None:
    """A trunk leaves one place: a stone that is elsewhere then is not in it."""
    here = lines.place_at(line, ways[0].leave)
    if said.home and (here is None or here.office != said.home):
        raise LineFault(LineCode.NOT_HERE)


def _office_left(said: TravelForm, line: Line) -> str:
    stay = said.stay[0] if said.stay else None
    found = next((stop for stop in line if stop.id == stay), line[-1] if line else None)
    if found is None:
        raise LineFault(LineCode.NOT_HERE)
    return found.office


def _changed(said: TravelForm, line: Line, zones: Zones) -> Line:
    stay = _stay(said, line)
    zone = _zone(next(stop.office for stop in line if stop.id == stay), zones)
    return lines.changed(
        line,
        stay,
        arrive=instant(next(iter(said.arrive), ""), zone, "arrive", said.which),
        depart=instant(said.depart, zone, "depart", said.which),
        pack=said.pack,
        unpack=said.unpack,
        carrier=said.carrier,
        carrier_ref=said.carrier_ref,
    )


def _stay(said: TravelForm, line: Line) -> int:
    """Which of the named stays is on this line."""
    own = {stop.id for stop in line}
    found = next((stay for stay in said.stay if stay in own), None)
    if found is None:
        raise LineFault(LineCode.NOT_HERE)
    return found


def _zone(office: str, zones: Zones) -> str:
    if office not in zones:
        raise BadInput(fields={"office": "unknown_reference"})
    return zones[office]
