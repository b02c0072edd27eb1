"""What a buyer, an owner or the house may say of a trade at a fixed price."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pavilion.kernel.money import MAX_AMOUNT

KEY = r"^[A-Za-z0-9_.:-]{8,64}$"
ULID = r"^[0-9A-HJKMNP-TV-Z]{26}$"
TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$"  # lines and tabs, no other controls: a database may not keep them

Key = Annotated[str, StringConstraints(pattern=KEY)]
Id = Annotated[str, StringConstraints(pattern=ULID), Field(examples=["01KAR9T5M0Q8ZJ4W7X2C6V1B3N"])]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(examples=["BE"])]
Seen = Annotated[int, Field(ge=0, le=2**53 - 1, description="As it was read.", examples=[4711])]
Price = Annotated[int, Field(gt=0, le=MAX_AMOUNT, examples=[1_250_000])]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OrderForm(_Said):
    """`seen` and `price` are those of the page on which the buyer agreed."""

    key: Key
    seen: Seen
    price: Price
    destination: Country
    hold: Id | Literal[""] = ""


class HoldForm(_Said):
    key: Key
    seen: Seen


class ReasonForm(_Said):
    reason: Annotated[str, StringConstraints(max_length=2_000, pattern=TEXT)] = ""


class _Json(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Money(_Json):
    amount_minor: Price
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(examples=["USD"])]


class HoldJson(_Json):
    """`seen`: the stone's `seq`, as it was read."""

    stone: Id
    seen: Seen


class OrderJson(_Json):
    """A stone with its `seq` as it was read, or a lot of a collection with its version."""

    stone: Id | None = None
    lot: Id | None = None
    seen: Seen
    price: Money
    destination: Country
    hold: Id | None = None
