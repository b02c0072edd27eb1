"""What an outsider may say to accounts."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from pavilion.accounts.rules import LEAST_PASSWORD
from pavilion.accounts.scopes import Scope


def _no_control(text: str) -> str:
    if any(ord(letter) < 32 for letter in text):
        raise ValueError("control character")
    return text


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_no_control)
]
Maybe = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120), AfterValidator(_no_control)]
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=254, pattern=r"^[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f.]+$"
    ),
]
FormName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_-]{43})?$")]  # what `once()` writes into a form


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SignInForm(Form):
    email: Annotated[str, StringConstraints(max_length=254)] = ""
    password: Annotated[str, StringConstraints(max_length=200)] = ""
    next: Annotated[str, StringConstraints(max_length=500)] = "/"


City = Annotated[str, StringConstraints(strip_whitespace=True, max_length=80), AfterValidator(_no_control)]
Postcode = Annotated[str, StringConstraints(strip_whitespace=True, max_length=16), AfterValidator(_no_control)]


class AddressForm(Form):
    """Where a company sits. Its country was verified with it and is not changed here."""

    street: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=160), AfterValidator(_no_control)
    ]
    postcode: Postcode = ""
    city: Annotated[City, StringConstraints(min_length=1)]


class ApplyForm(Form):
    company: Line
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    street: Annotated[str, StringConstraints(strip_whitespace=True, max_length=160), AfterValidator(_no_control)] = ""
    postcode: Postcode = ""
    city: City = ""
    tax_no: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40), AfterValidator(_no_control)] = ""
    name: Line
    email: Email
    password: Annotated[str, StringConstraints(min_length=LEAST_PASSWORD, max_length=200)]
    supplies: bool = False


class KeyForm(Form):
    """A key for a program: what it is called, what it may do, for how many days, and that it is you who asks."""

    name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), AfterValidator(_no_control)
    ]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    days: Literal[30, 90, 365]
    password: Annotated[str, StringConstraints(max_length=200)] = ""
    once: FormName = ""

    @field_validator("days", mode="before")
    @classmethod
    def _typed(cls, said: object) -> object:
        return int(said) if isinstance(said, str) and said.isascii() and said.isdigit() and len(said) < 5 else said


class Reason(Form):
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_no_control)] = ""
