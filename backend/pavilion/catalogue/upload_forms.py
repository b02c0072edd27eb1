"""What a supplier may say about an upload besides the file itself."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class ChooseMeaning(BaseModel):
    """One word, or one header, and what it means from now on."""

    model_config = ConfigDict(extra="forbid")

    column: Annotated[str, Field(min_length=1, max_length=40, examples=["shape"])]
    word: Annotated[str, Field(max_length=200, examples=["RB"])] = ""
    meaning: Annotated[str, Field(min_length=1, max_length=60, examples=["round"])]


class ConfirmReplace(BaseModel):
    """The number of stones that will go, typed by the sender."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[int, Field(ge=0, le=10**9, examples=[12])]


class ChooseMeanings(BaseModel):
    """Words and headers with what they mean from now on, one below the other; an empty meaning leaves one open."""

    model_config = ConfigDict(extra="forbid")

    column: Annotated[list[Annotated[str, Field(min_length=1, max_length=40)]], Field(max_length=100)]
    word: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=100)]
    meaning: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=100)]


class ForgetMeaning(BaseModel):
    """A chosen meaning that shall hold no more."""

    model_config = ConfigDict(extra="forbid")

    column: Annotated[str, Field(min_length=1, max_length=40)]
    word: Annotated[str, Field(max_length=200)] = ""
