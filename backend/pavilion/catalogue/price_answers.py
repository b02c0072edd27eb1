"""What programs are told of a price among others."""

from typing import Annotated

from pydantic import Field

from pavilion.webkit.answers import Amount, Told, Ulid


class BandTold(Told):
    from_mct: Annotated[int, Field(description="Milli-carats, included.", examples=[1000])]
    below_mct: Annotated[int | None, Field(description="Milli-carats, not included; none: no end.", examples=[1500])]


class MeanTold(Amount):
    of: Annotated[int, Field(description="So many stones stand in it.", examples=[10])]


class StandsTold(Told):
    """One price per carat among those of like stones, this one not counted."""

    per_carat: Amount
    total: Amount
    rank: Annotated[int, Field(description="1 asks least; of equals all have the better one.", examples=[3])]
    of: Annotated[int, Field(description="Like stones and this one.", examples=[24])]
    cheaper: Annotated[int, Field(examples=[2])]
    equal: Annotated[int, Field(examples=[0])]
    dearer: Annotated[int, Field(examples=[21])]
    asks_more_bp: Annotated[int, Field(description="Share of the others that ask more, basis points.", examples=[9130])]
    average: Amount
    best: Annotated[Amount, Field(description="The lowest of the others.")]
    mean_of_best: Annotated[MeanTold, Field(description="Mean of the lowest, ten at most.")]


class BesideTold(Told):
    """What one price list of the house says of the stone."""

    owner: Annotated[str, Field(examples=["House of Pavilion"])]
    name: Annotated[str, Field(examples=["Own list"])]
    day: Annotated[str, Field(description="Of the list, YYYY-MM-DD.", examples=["2026-11-01"])]
    per_carat: Amount
    against_pct: Annotated[
        int | None, Field(description="The asking price against it, hundredths of a percent.", examples=[-1250])
    ]


class PositionTold(Told):
    stone: Ulid
    currency: Annotated[str, Field(description="ISO 4217.", examples=["USD"])]
    band: BandTold
    others: Annotated[int, Field(description="Like stones that are counted.", examples=[23])]
    withheld: Annotated[
        bool, Field(description="There are more, of fewer than three companies, not told to a supplier.")
    ]
    asked: Annotated[StandsTold | None, Field(description="By its own price.")]
    tried: Annotated[StandsTold | None, Field(description="By the price that was given.")]
    lists: list[BesideTold]
