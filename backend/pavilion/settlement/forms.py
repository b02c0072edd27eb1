"""What a cashier may say, and who decides on a stop."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]+$")]


class WireForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    invoice: Annotated[str, StringConstraints(max_length=40)]
    amount: Annotated[str, StringConstraints(strip_whitespace=True, max_length=30)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    value_date: date
    bank_reference: Line


class StopForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    word: Literal["release", "cancel"]
    reason: Annotated[str, StringConstraints(max_length=2000)] = ""
