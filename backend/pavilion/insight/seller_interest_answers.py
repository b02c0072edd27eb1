"""What a supplier's program is told of how its own stones stand."""

from typing import Annotated

from pydantic import Field

from pavilion.webkit.answers import Amount, Place, Told, Ulid

Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$", examples=["2026-11-23"])]
Count = Annotated[int, Field(ge=0, examples=[120])]


class SoldWithinTold(Told):
    """Of the own stones first listed at least so many days ago, those that were sold within so many."""

    days: Annotated[int, Field(examples=[30])]
    sold: Count
    of: Count
    share_bp: Annotated[int | None, Field(description="Hundredths of a percent; none of none.", examples=[8_333])]


class LikeDaysTold(Told):
    """The middle of the days from listing to sale of like stones that were sold here."""

    days: Count
    n: Annotated[int, Field(ge=5, examples=[12])]


class LikePricesTold(Told):
    """The middle of what like stones ask per carat now."""

    median: Amount
    n: Annotated[int, Field(ge=1, examples=[9])]
    against_bp: Annotated[
        int | None, Field(description="The own price against it, hundredths of a percent.", examples=[-250])
    ]


class StoneInsightTold(Told):
    """One own stone on the list. What too few companies stand behind is null."""

    stone: Ulid
    stock_no: Annotated[str, Field(examples=["PV-000417"])]
    interested: Annotated[
        int | None, Field(ge=3, description="Companies that showed interest in the last 90 days.", examples=[5])
    ]
    told: Annotated[Day | None, Field(description="The Monday on which this number was told.")]
    days_listed: Count
    per_carat: Annotated[Amount | None, Field(description="The own price; none where it is on request.")]
    like_sold: LikeDaysTold | None
    like_ask: LikePricesTold | None
    withheld: Annotated[bool, Field(description="There are like stones, of too few companies to be told.")]


class StockInsightTold(Told):
    """How the company's own stones stand, by stock number."""

    counted: Annotated[Day | None, Field(description="The Monday of the last count; none before the first.")]
    least_companies: Annotated[int, Field(description="Of fewer no number is told.", examples=[3])]
    listed: Count
    sold_within: list[SoldWithinTold]
    items: list[StoneInsightTold]
    cursor: Place | None
