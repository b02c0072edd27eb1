"""What a company and a registrar say about a registration."""

from typing import Annotated

from pydantic import Field, StringConstraints

from pavilion.auctions.forms import Amount, Line, Said, Words


class Decision(Said):
    reason: Words = ""
    why: Annotated[Line, Field(max_length=20)] = ""
    note: Words = ""
    limit: Amount = ""
    until: Annotated[Line, Field(max_length=20)] = ""  # on the clock of the sale


class Apply(Said):
    destination: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = ""
    limit: Amount = ""
    note: Annotated[Line, Field(max_length=1000)] = ""
    terms: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{0,64}$")] = ""


class AskOn(Said):
    note: Annotated[Line, Field(max_length=1000)] = ""
