"""What staff may say of an office's day; each field has a limit, and what is more is refused."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from pavilion.accounts.forms import FormName, Line, Maybe
from pavilion.viewings.forms import DOCUMENTS, DeskId, Key, PublicId, Reason

_WEIGHT = re.compile(r"([0-9]{1,4})(?:[.,]([0-9]{1,3}))?")
HEAVIEST = 10_000  # carats


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def mct_of(typed: str) -> int | None:
    """`1.019`, `1,019` or `1.019 ct` in milli-carats; None for what is no weight. A scale shows three decimals."""
    text = typed.strip().lower().removesuffix("ct").strip()
    found = _WEIGHT.fullmatch(text)
    if found is None:
        return None
    mct = int(found[1]) * 1000 + int((found[2] or "").ljust(3, "0"))
    return mct if 0 < mct <= HEAVIEST * 1000 else None


def _document(kind: str) -> str:
    if kind not in DOCUMENTS:
        raise ValueError("no such document")
    return kind


Document = Annotated[str, AfterValidator(_document)]
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Born = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2100, 1, 1))]
Sha256 = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^([0-9a-f]{64})?$")]


class ShiftForm(_Form):
    """Another time or desk for an appointment; `instant` where a script knows it, else day and clock of the office."""

    act: Literal["preview", "move"] = "preview"
    desk: DeskId
    day: date
    clock: Clock
    version: Annotated[int, Field(ge=0, le=2**31)]
    reason: Reason = ""


class WordForm(_Form):
    """The answer to a request, or what staff do with an appointment."""

    act: Literal["approve", "decline", "cancel", "settled"]
    reason: Reason = ""


class PassForm(_Form):
    token: Annotated[str, StringConstraints(max_length=80)] = ""


class AdmitForm(_Form):
    visitor: PublicId
    token: Annotated[str, StringConstraints(max_length=80)] = ""
    document_seen: Literal["", "yes"] = ""
    document_kind: Document = "passport"
    declared: Literal["", "yes"] = ""
    override: Reason = ""


class LeaveForm(_Form):
    visitor: PublicId


class WalkInForm(_Form):
    company: Line
    name: Line
    born: Born
    desk: DeskId
    minutes: Annotated[int, Field(ge=1, le=600)] = 60
    lots: Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)] = ""
    document_seen: Literal["", "yes"] = ""
    document_kind: Document = "passport"
    declared: Literal["", "yes"] = ""
    override: Reason = ""


class ActForm(_Form):
    """One act at the desk. `key` is made before it is first sent, and sent again with it."""

    key: Key
    act: Literal["out", "in"]
    appointment: PublicId
    stone: Annotated[str, StringConstraints(max_length=26)] = ""
    tray: Annotated[str, StringConstraints(max_length=26)] = ""
    weight: Annotated[str, StringConstraints(max_length=20)]
    count: Annotated[int, Field(ge=1, le=1000)] = 1
    photo_sha256: Sha256 = ""
    to: Annotated[str, StringConstraints(max_length=26)] = ""
    as_it_is: Literal["", "yes"] = ""


class FinishForm(_Form):
    key: Key


class CloseForm(_Form):
    resolution: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]


class OpenForm(_Form):
    kind: Literal["count", "other"]
    stone: Annotated[str, StringConstraints(strip_whitespace=True, max_length=26)] = ""
    tray: Annotated[str, StringConstraints(strip_whitespace=True, max_length=26)] = ""
    words: Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=2000)]
    once: FormName = ""


class RemoteForm(_Form):
    link: Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)] = ""
    microscope: Maybe = ""
    recording_ref: Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)] = ""
    recording_sha256: Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=80)] = ""
    notes: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] = ""
