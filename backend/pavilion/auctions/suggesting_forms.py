"""What may be said on the pages of suggestions."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from pavilion.auctions.forms import MOST_LOTS, Line, OfBoard, Ulid
from pavilion.auctions.suggesting import OPENING, Parts, Seen

_SEEN = re.compile(r"([0-9A-Z]{26}):([0-9]{1,9}):([0-9]{1,15}):([0-9]{1,15})")


def _percent(said: object) -> object:
    text = said.removesuffix("%").strip() if isinstance(said, str) else said
    return text or None


Percent = Annotated[Annotated[int, Field(ge=1, le=100)] | None, BeforeValidator(_percent)]


class AskedEstimates(OfBoard):
    """For the chosen lots, or all when none is chosen."""

    lot: Annotated[list[Ulid], Field(max_length=MOST_LOTS)] = []
    opening_part: Percent = OPENING
    reserve_part: Percent = None

    @property
    def parts(self) -> Parts:
        return Parts(self.opening_part, self.reserve_part)


class TakenEstimates(OfBoard):
    """Of the lots that were shown, each with its version and figures (`LOT:3:500000:700000`), those that are chosen."""

    lot: Annotated[list[Ulid], Field(min_length=1, max_length=MOST_LOTS)]
    seen: Annotated[
        list[Annotated[str, Field(max_length=80, pattern=f"^{_SEEN.pattern}$")]], Field(max_length=MOST_LOTS)
    ] = []
    opening_shown: Percent = None
    reserve_shown: Percent = None
    why: Annotated[Line, Field(max_length=500)] = ""

    @property
    def parts(self) -> Parts:
        return Parts(self.opening_shown, self.reserve_shown)

    @property
    def chosen(self) -> dict[str, Seen]:
        """A lot that was not shown has been seen with nothing."""
        said = {match[1]: Seen(*map(int, match.groups()[1:])) for one in self.seen if (match := _SEEN.fullmatch(one))}
        return {lot: said.get(lot, Seen(0, 0, 0)) for lot in self.lot}
