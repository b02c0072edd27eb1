"""What staff may say of a lot that was not paid, or that passed."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pavilion.settlement.default_models import Remedy

Id = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,40}$")]


class RemedyForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    lot: Id
    choice: Remedy


class WaiverForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Annotated[str, StringConstraints(max_length=2000)] = ""


class VoidForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    lot: Id
    paddle: Annotated[int, Field(ge=1, le=9999)]


class PassedOfferForm(BaseModel):
    """An empty price offers at the reserve; another is one that the seller approved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lot: Id
    price: Annotated[str, StringConstraints(strip_whitespace=True, max_length=30)] = ""
    approved: Annotated[str, StringConstraints(max_length=5)] = ""
    seen: Annotated[str, StringConstraints(max_length=60)] = ""  # to whom and for how much, as the page showed it
