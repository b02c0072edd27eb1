"""What may be said about statements, bank accounts and payments of consignors."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ONE_LINE = r"^[^\x00-\x1f]+$"
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=ONE_LINE)]
Holder = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=160, pattern=ONE_LINE)]
PublicId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{26}$")]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StateForm(Form):
    """`after`: how many statements of this sale the reader saw, so that a second click finds the first one's."""

    company: PublicId
    sale: PublicId
    after: Annotated[int, Field(ge=0, le=100_000)]


class PayForm(Form):
    statement: Annotated[str, StringConstraints(pattern=r"^SST-[A-Z]{3}-[0-9]{4}-[0-9]{6}$")]


class SentForm(Form):
    bank_reference: Words


class BackForm(Form):
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=300)]


class AccountForm(Form):
    holder: Holder
    number: Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)]
    bic: Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class ConfirmForm(Form):
    password: Annotated[str, StringConstraints(max_length=200)]
