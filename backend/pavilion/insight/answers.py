"""What programs are told of results."""

from typing import Annotated, Literal

from pydantic import Field

from pavilion.webkit.answers import Absent, Amount, Currency, Instant, InTongues, Minor, Place, Told, Ulid, leaves_out

Count = Annotated[int, Field(ge=0, examples=[12])]
Share = Annotated[int | None, Field(description="Hundredths of a percent.", examples=[8_750])]
Code = Annotated[str | None, Field(examples=["round"])]


class EstimateTold(Told):
    low_minor: Minor
    high_minor: Minor
    currency: Currency


class AgainstTold(Told):
    """The hammer price beside the estimate."""

    where: Annotated[str, Field(examples=["within"])]
    of_middle_bp: Annotated[
        int, Field(description="Of the estimate's middle, hundredths of a percent.", examples=[10_420])
    ]


class ResultTold(Told):
    """What a lot of a closed sale brought."""

    lot: Ulid
    sale: Ulid
    number: Annotated[str, Field(examples=["12"])]
    title: Annotated[InTongues | None, Field(description="None while the lot is withheld.")]
    withheld: Annotated[
        bool,
        Field(
            description="A stone of it is not verified now: number, result and bids are told, no more.",
            examples=[False],
        ),
    ]
    stones: Annotated[int | None, Field(ge=0, examples=[1])]
    shape: Code
    weight_mct: Annotated[int | None, Field(description="Milli-carats, all stones of it.", examples=[1_270])]
    color: Annotated[str | None, Field(examples=["F"])]
    fancy_color: Annotated[str | None, Field(examples=["yellow"])]
    clarity: Annotated[str | None, Field(examples=["VS1"])]
    lab: Annotated[str | None, Field(examples=["GIA"])]
    state: Literal["sold", "sold_after", "cancelled", "passed", "withdrawn"]
    ended_at: Instant
    estimate: Annotated[EstimateTold | None, Field(description="None: it was on request.")]
    hammer: Amount | None
    per_carat: Amount | None
    premium: Amount | None
    with_premium: Amount | None
    against: AgainstTold | None
    bids: Annotated[int | None, Field(examples=[17])]
    bidders: Annotated[int | None, Field(examples=[4])]
    reoffered_as: Annotated[Ulid | None, Field(description="The lot as which it was offered again.")]


class TotalsTold(Told):
    """All that was asked for, in one currency."""

    currency: Currency
    sold: Count
    sold_after: Count
    cancelled: Count
    passed: Count
    withdrawn: Count
    sold_by_lot_bp: Share
    sold_by_value_bp: Share
    hammer_minor: Minor
    premium_minor: Minor
    with_premium_minor: Minor
    against: Annotated[dict[str, int], Field(description="Lots by where they fell.", examples=[{"within": 7}])]


class ResultsTold(Told):
    """A page of results. `totals` stands on the first page alone."""

    model_config = leaves_out("totals")

    items: list[ResultTold]
    cursor: Place | None
    totals: list[TotalsTold] | Absent = None
