"""What a compliance person may say about who is trusted."""

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from pavilion.provenance.facts import KINDS
from pavilion.provenance.rules import REASON_LEAST, REASON_MOST


def _words(text: str) -> str:
    text = " ".join(text.split())
    if not text.isprintable():
        raise ValueError("control character")
    return text


def _none_if_blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _known(kind: str) -> str:
    if kind != "*" and kind not in KINDS:
        raise ValueError("no such event")
    return kind


Party = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[a-z0-9][a-z0-9.-]{0,78}$")]
Kind = Annotated[str, StringConstraints(max_length=20), AfterValidator(_known)]
Blank = BeforeValidator(_none_if_blank)
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=REASON_LEAST, max_length=REASON_MOST),
    AfterValidator(_words),
]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RowForm(Form):
    """`cc` only for those who sign Kimberley exports, `lab` only for laboratories."""

    issuer: Party
    types: list[Kind] = Field(min_length=1, max_length=len(KINDS))
    cc: Annotated[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None, Blank] = None
    lab: Annotated[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,20}$")] | None, Blank] = None
    start: date
    end: Annotated[date | None, Blank] = None
    reason: Reason

    @model_validator(mode="after")
    def _in_order(self) -> "RowForm":
        if self.end is not None and self.end < self.start:
            raise ValueError("ends before it begins")
        return self


class KeyForm(Form):
    issuer: Party
    number: Annotated[int, Field(ge=1, le=9999)]
    public: Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[0-9a-fA-F]{64}$")]
    start: date
    end: Annotated[date | None, Blank] = None
    reason: Reason

    @model_validator(mode="after")
    def _in_order(self) -> "KeyForm":
        if self.end is not None and self.end < self.start:
            raise ValueError("ends before it begins")
        return self


class RevocationForm(Form):
    """The first day on which the key's signatures no longer hold."""

    day: date
    reason: Reason


class ReasonForm(Form):
    reason: Reason
