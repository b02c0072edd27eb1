"""What a cashier may say, and who decides on a stop."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]+$")]


class StopForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    word: Literal["release", "cancel"]
    reason: Annotated[str, StringConstraints(max_length=2000)] = ""
