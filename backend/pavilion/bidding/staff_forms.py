"""What staff may say to a running sale."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Word = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Public = Annotated[str, StringConstraints(max_length=26, pattern=r"^[0-9A-Z]*$")]
Act = Literal[
    "pause", "resume", "extend", "withdraw", "notice", "void", "reopen", "confirm", "lower_reserve", "incident",
    "cancel", "open", "final_call", "pass", "fair_warning", "message", "bid",
]  # fmt: skip


class ActForm(BaseModel):
    """One act; which of the fields it reads is said by the act. Instants are RFC 3339 or `+SECONDS`, amounts as typed
    in the sale's currency."""

    model_config = ConfigDict(extra="forbid")

    act: Act
    lot: Public = ""
    reason: Word = ""
    to: Annotated[str, StringConstraints(strip_whitespace=True, max_length=32)] = ""
    amount: Annotated[str, StringConstraints(strip_whitespace=True, max_length=24)] = ""
    paddle: Annotated[int | None, Field(ge=1, le=999_999)] = None
    seqs: Annotated[str, StringConstraints(max_length=400, pattern=r"^[0-9 ,]*$")] = ""
    mandate: Literal["", "phone", "commission", "floor"] = ""
    key: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{32})?$")] = ""
    text_en: Text = ""
    text_zh: Text = ""
    back: Literal["console", "lot"] = "console"
