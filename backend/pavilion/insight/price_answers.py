"""What programs are told of prices by cell."""

from typing import Annotated

from pydantic import Field

from pavilion.webkit.answers import Currency, Instant, Minor, Told


class CellTold(Told):
    """One colour and clarity of which enough was sold or is asked. A cell that is not there is not told."""

    color: Annotated[str, Field(examples=["D-F"])]
    clarity: Annotated[str, Field(examples=["VS"])]
    n: Annotated[int, Field(ge=5, examples=[12])]
    low_minor: Minor
    median_minor: Minor
    high_minor: Minor
    last_at: Annotated[Instant | None, Field(description="When the last of them was sold; none of asking prices.")]


class PriceGridTold(Told):
    """Prices per carat of white diamonds by colour and clarity."""

    source: Annotated[str, Field(examples=["results"])]
    grain: Annotated[str, Field(examples=["groups"])]
    shape: Annotated[str, Field(examples=["round"])]
    size: Annotated[str, Field(examples=["1.00-1.99"])]
    period: Annotated[str, Field(examples=["24"])]
    currency: Currency
    least: Annotated[int, Field(description="Under so many nothing is told.", examples=[5])]
    n: Annotated[int, Field(description="Of the told cells together.", examples=[48])]
    cells: list[CellTold]
