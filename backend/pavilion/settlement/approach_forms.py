"""What the two sides may say of an offer for a passed lot."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Price = Annotated[str, StringConstraints(strip_whitespace=True, max_length=30)]


class ApproachForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    price: Price = ""
    days: Annotated[int, Field(ge=0, le=99)] = 3


class AnswerForm(BaseModel):
    """`round`: the proposal that the page showed. A price is said with a counter-offer alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    round: Annotated[int, Field(ge=1, le=10)] = 1
    price: Price = ""
    days: Annotated[int, Field(ge=0, le=99)] = 3
    approved: Annotated[str, StringConstraints(max_length=5)] = ""
