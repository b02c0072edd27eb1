"""What may be said about words, law and claims."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pavilion.provenance.house import MOST
from pavilion.provenance.rules import REASON_LEAST, REASON_MOST

MOST_TEXT = 5_000

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=REASON_LEAST, max_length=REASON_MOST)]


class Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LintForm(Said):
    """A text while it is typed; `clarity` is the grade of the stone it speaks of."""

    text: Annotated[str, Field(max_length=MOST_TEXT)]
    lang: Literal["en", "zh"] = "en"
    clarity: Annotated[str, Field(max_length=10)] | None = None


class LawForm(Said):
    document: Annotated[str, Field(min_length=2, max_length=MOST)]
    reason: Reason


class GrandfatherForm(Said):
    """`evidence` holds the SHA-256 of papers, one to a line; `claimed` empty takes an earlier claim back."""

    claimed: Literal["yes", ""] = ""
    day: date | Literal[""] = ""
    place: Country | Literal[""] = ""
    evidence: Annotated[str, StringConstraints(pattern=r"^[0-9a-f\s]{0,6500}$")] = ""
    reason: Reason
