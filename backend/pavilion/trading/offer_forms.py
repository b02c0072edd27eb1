"""What the two sides may say of an offer for stones."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pavilion.trading.forms import TEXT, Country, Id, Key, Money, Price, Seen
from pavilion.trading.turns import MOST_DAYS, MOST_ROUNDS, Act

Typed = Annotated[str, StringConstraints(strip_whitespace=True, max_length=30)]
Terms = Annotated[str, StringConstraints(max_length=500, pattern=TEXT)]
Round = Annotated[int, Field(ge=1, le=MOST_ROUNDS)]
Confirm = Price | None


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OfferForm(_Said):
    """`seen`: the stone as the page showed it; `confirm`: the price once more, where it is far from what is asked."""

    key: Key
    seen: Seen
    price: Typed = ""
    confirm: Typed = ""
    days: Annotated[int, Field(ge=0, le=99)] = 3
    destination: Country
    terms: Terms = ""


class AnswerForm(_Said):
    """`round`: the proposal that the page showed; `seen`: the stones beside it. A price is said with a counter-offer
    alone."""

    round: Round = 1
    seen: Seen = 0
    price: Typed = ""
    confirm: Typed = ""
    days: Annotated[int, Field(ge=0, le=99)] = 3
    terms: Terms = ""


class FloorForm(_Said):
    """Per cent of the asking price; empty: off."""

    share: Annotated[str, StringConstraints(strip_whitespace=True, max_length=6)] = ""


class OfferJson(_Said):
    """`seen`: the greatest `seq` among the stones, as they were read. A price above what is asked, or below a tenth of
    it, is refused with `price_unlikely` until `confirm` says its minor units once more."""

    stones: Annotated[list[Id], Field(min_length=1, max_length=20)]
    seen: Seen
    price: Money
    destination: Country
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)]
    terms: Terms = ""
    confirm: Confirm = None


class AnswerJson(_Said):
    """`seen` goes with an acceptance; price, days and terms with a counter-offer, and `confirm` as with an offer."""

    act: Act
    round: Round
    seen: Seen = 0
    price: Money | None = None
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] | None = None
    terms: Terms = ""
    confirm: Confirm = None
