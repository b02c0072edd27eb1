"""What an outsider may say to the viewing desk. Each field has a limit; what is more is refused, never cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Protocol, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pavilion.accounts.forms import Email, Line, Maybe
from pavilion.accounts.rules import LEAST_PASSWORD
from pavilion.kernel.errors import BadInput
from pavilion.kernel.ids import is_ulid
from pavilion.viewings.states import ViewingMode

MOST_STONES = 50  # in one request
MOST_PERSONS = 20
MOST_WORDS = 2000
FIRST_YEAR, LAST_YEAR = 2000, 2100
KEY = r"^[A-Za-z0-9_.:-]{8,64}$"
DOCUMENTS = ("passport", "id_card", "residence_permit", "driving_licence")

Key = Annotated[str, StringConstraints(pattern=KEY)]
OfficeId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{2,12}$")]
DeskId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,26}$"), Field(examples=["ant-1"])]
PublicId = Annotated[
    str, StringConstraints(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$"), Field(examples=["01KAR9T5M0Q8ZJ4W7X2C6V1B3N"])
]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MOST_WORDS)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


def _born(day: date) -> date:
    if not 1900 <= day.year <= LAST_YEAR:
        raise ValueError("not a date of birth")
    return day


def _document(kind: str) -> str:
    if kind not in DOCUMENTS:
        raise ValueError("no such document")
    return kind


def _distinct(stones: list[str]) -> list[str]:
    return list(dict.fromkeys(stones))


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NamedVisitor(_Form):
    """A person for whom the company answers. The document is shown at the door; here only its kind is said."""

    name: Annotated[Line, Field(examples=["Wen Li"])]
    born: Annotated[date, AfterValidator(_born), Field(examples=["1984-05-17"])]
    document_kind: Annotated[str, AfterValidator(_document)] = "passport"


@dataclass(frozen=True, slots=True)
class SlotWish:
    """A time at a desk. `part`: with so many of the stones asked for, those that are there then; none: with all."""

    desk: str
    start: datetime
    end: datetime
    part: int | None = None

    @property
    def text(self) -> str:
        part = "" if self.part is None else f"~{self.part}"
        return f"{self.desk}~{minute_text(self.start)}~{minute_text(self.end)}{part}"


def minute_text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def slot_of(text: str) -> SlotWish:
    """What the button of a slot says: desk, start, end and perhaps how many stones; anything else is a ValueError."""
    desk, start, end, *part = text.split("~")
    if len(part) > 1 or not all(one.isascii() and one.isdigit() and len(one) < 3 for one in part):
        raise ValueError("no number of stones")
    if not desk or len(desk) > 26:
        raise ValueError("no desk")
    begins, ends = (datetime.strptime(one, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC) for one in (start, end))
    if not FIRST_YEAR <= begins.year <= LAST_YEAR or begins >= ends:
        raise ValueError("no such time")
    return SlotWish(desk, begins, ends, int(part[0]) if part else None)


def _slot(text: str) -> str:
    slot_of(text)
    return text


class BookForm(_Form):
    """A slot for these stones and persons."""

    key: Key
    slot: Annotated[str, StringConstraints(max_length=80), AfterValidator(_slot)]
    stones: Annotated[list[PublicId], Field(max_length=MOST_STONES), AfterValidator(_distinct)] = []
    sale: Annotated[str, StringConstraints(max_length=26)] = ""
    office: Annotated[str, StringConstraints(max_length=12)] = ""  # the page that the form stood on
    day: Annotated[str, StringConstraints(max_length=10)] = ""
    mode: ViewingMode = ViewingMode.IN_PERSON
    party: Annotated[int, Field(ge=0, le=MOST_PERSONS)] = 1
    known: Annotated[list[PublicId], Field(max_length=MOST_PERSONS), AfterValidator(_distinct)] = []
    named: Annotated[list[NamedVisitor], Field(max_length=MOST_PERSONS)] = []
    note: Words = ""

    @property
    def persons(self) -> int:
        """Who sits in the room; by video nobody does."""
        return 0 if self.mode is ViewingMode.REMOTE else self.party


class VisitorsForm(_Form):
    key: Key
    known: Annotated[list[PublicId], Field(max_length=MOST_PERSONS), AfterValidator(_distinct)] = []
    named: Annotated[list[NamedVisitor], Field(max_length=MOST_PERSONS)] = []


class MoveForm(_Form):
    """`sure` once what the move loses has been seen; `stones`: those that come along."""

    key: Key
    slot: Annotated[str, StringConstraints(max_length=80), AfterValidator(_slot)]
    stones: Annotated[list[PublicId], Field(max_length=MOST_STONES), AfterValidator(_distinct)] = []
    sure: bool = False
    reason: Reason = ""


class ActForm(_Form):
    key: Key
    reason: Reason = ""


class NoteForm(_Form):
    key: Key
    stone: PublicId
    words: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_WORDS)]


class PrivateForm(_Form):
    """Somebody without a company asks to come."""

    name: Line
    email: Email
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    city: Maybe = ""
    office: Annotated[str, StringConstraints(max_length=12)] = ""
    words: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_WORDS)]
    password: Annotated[str, StringConstraints(min_length=LEAST_PASSWORD, max_length=200)]


class InviteForm(_Form):
    key: Key
    name: Line
    email: Email
    office: OfficeId


class AcceptForm(_Form):
    name: Line
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    password: Annotated[str, StringConstraints(min_length=LEAST_PASSWORD, max_length=200)]


F = TypeVar("F", bound=BaseModel)


class Typed(Protocol):
    """The fields of a form as they came, each as often as it was said."""

    def multi_items(self) -> Sequence[tuple[str, Any]]: ...
    def getlist(self, key: str) -> Sequence[Any]: ...


LISTS = ("stones", "known")  # fields that may be said more than once
ROW = ("visitor_name", "visitor_born", "visitor_document")


def said_in(form: Typed) -> dict[str, Any]:
    """The fields of a form as typed: lists stay lists, the rows of named visitors become `named`; empty rows are none.

    Too many of a list are kept, so that their number is refused and not hidden."""
    said: dict[str, Any] = {}
    for name, value in form.multi_items():
        if not isinstance(value, str):
            raise BadInput(fields={name[:60]: "bad_input"})
        if name in LISTS:
            said.setdefault(name, []).extend(part for part in value.split(",") if part)
        elif name not in ROW:
            said[name] = value
    rows = visitor_rows(form)
    if rows:
        said["named"] = rows
    return said


def visitor_rows(form: Typed) -> list[dict[str, str]]:
    """The typed rows of visitors, without those that nobody filled in."""
    columns = [[value for value in form.getlist(name) if isinstance(value, str)] for name in ROW]
    long = max(len(column) for column in columns)
    rows = []
    for n in range(min(long, MOST_PERSONS + 1)):
        name, born, document = (column[n] if n < len(column) else "" for column in columns)
        if name.strip() or born.strip():
            rows.append({"name": name, "born": born, "document_kind": document or "passport"})
    return rows


def read(kind: type[F], said: Mapping[str, Any]) -> tuple[F | None, dict[str, str]]:
    """The form, or the fault of each field."""
    try:
        return kind.model_validate(said), {}
    except ValidationError as error:
        return None, faults_of(error)


def faults_of(error: ValidationError) -> dict[str, str]:
    """Faults by field; of a row of visitors by its place: `named.0.born`."""
    found: dict[str, str] = {}
    for one in error.errors()[:40]:
        place = [str(part) for part in one["loc"]]
        name = ".".join(place[:3]) if place[:1] == ["named"] else (place[0] if place else "form")
        found.setdefault(name[:60], "missing" if one["type"] == "missing" else "bad_input")
    return found


def stones_asked(values: Sequence[str]) -> tuple[list[str], bool]:
    """Stones named in an address, once each, and whether anything among them was no stone's name or too much."""
    named = list(dict.fromkeys(part for value in values for part in value.split(",")[: MOST_STONES + 2] if part))
    known = [one for one in named if is_ulid(one)]
    return known[:MOST_STONES], len(known) != len(named) or len(known) > MOST_STONES


def day_asked(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def zone_asked(text: str | None) -> str | None:
    return text if text and len(text) <= 40 and text in available_timezones() else None
