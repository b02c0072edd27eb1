"""What a buyer may say about a plan."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pavilion.bidding.messages import Count, Currency, Hash, Id, Whole
from pavilion.bidding.plans import MOST_LOTS


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AimForm(_Said):
    lot: Id
    max: Whole


class PlanForm(_Said):
    """A new plan: lots in the order in which they are wanted, each with its maximum."""

    sale: Id
    lots: Annotated[list[AimForm], Field(max_length=MOST_LOTS)]
    win_at_most: Count
    budget: Count
    currency: Currency
    rules: Hash


class CutForm(_Said):
    """Less of a plan; what is not named stays. A maximum of 0 takes the lot out. `version`: the one that was seen."""

    lots: Annotated[list[AimForm], Field(max_length=MOST_LOTS)] = []
    win_at_most: Count | None = None
    budget: Count | None = None
    version: Count | None = None
