"""What a person may say about a stone in doubt."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pavilion.provenance.rules import REASON_MOST

Code = Annotated[str, Field(max_length=8)]


class DecisionForm(BaseModel):
    """`word` is the decision, `codes` the findings that were looked at."""

    model_config = ConfigDict(extra="forbid")

    word: Literal["accept", "refuse"]
    codes: list[Code] = Field(default=[], max_length=60)
    reason: str = Field(default="", max_length=REASON_MOST)
