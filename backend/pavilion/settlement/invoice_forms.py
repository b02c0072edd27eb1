"""What a cashier may say of a draft, and of an invoice that is to be corrected."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)]
Lot = Annotated[str, StringConstraints(min_length=1, max_length=26)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChargeForm(_Form):
    kind: Annotated[str, StringConstraints(max_length=20)]
    amount: Annotated[str, StringConstraints(strip_whitespace=True, max_length=30)]
    taxed: Literal["yes", "no"] = "no"
    text_en: Text = ""
    text_zh: Text = ""
    key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class RemovalForm(_Form):
    line: Annotated[int, Field(ge=1, le=2**53)]


class TaxForm(_Form):
    regime: Annotated[str, StringConstraints(max_length=20)]
    rate: Annotated[str, StringConstraints(max_length=8)] = ""
    text: Text = ""
    reason: Reason = ""


class WaitForm(_Form):
    waits: Literal["yes", "no"]


class IssueForm(_Form):
    total: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None  # as the page showed it, in minor units


class CancelForm(_Form):
    what: Literal["whole", "lots"]
    lot: Annotated[list[Lot], Field(max_length=500)] = []
    again: Literal["yes", "no"] = "no"
    reason: Reason = ""


class WriteOffForm(_Form):
    why: Reason = ""
