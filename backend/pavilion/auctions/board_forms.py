"""What may be said on the board of a sale beside its figures: what is shown, sorted, sent and named."""

from typing import Annotated, Literal

from pydantic import Field

from pavilion.auctions.bulk_words import WordAct
from pavilion.auctions.forms import MOST_LOTS, Line, OfBoard, Picker, Said, Ulid

Name = Annotated[Line, Field(min_length=1, max_length=80)]


class OnBoard(Picker):
    """The picker, and beside it which lots of the board are shown, how, and whether those are chosen at once."""

    find: str = ""
    show: str = ""
    under: str = ""
    view: str = ""
    choose: str = ""

    @property
    def filters(self) -> dict[str, str]:
        said = {"find": self.find[:80], "show": self.show, "under": self.under}
        return {name: value for name, value in said.items() if value}


class Send(OfBoard):
    """The chosen lots to an end, or under the heading that `heading` names."""

    lot: Annotated[list[Ulid], Field(min_length=1, max_length=MOST_LOTS)]
    send: Literal["front", "back", "heading"]
    heading: Annotated[str, Field(max_length=16)] = "none"


class Sort(OfBoard):
    """By these fields, the first before the others; the chosen lots, or all when none is chosen."""

    lot: Annotated[list[Ulid], Field(max_length=MOST_LOTS)] = []
    by: Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=8)] = []


class Reword(OfBoard):
    """A change of words over the chosen lots, in the versions they were seen in (`LOT:3`)."""

    lot: Annotated[list[Ulid], Field(min_length=1, max_length=MOST_LOTS)]
    version: Annotated[list[Annotated[str, Field(max_length=44)]], Field(max_length=MOST_LOTS)] = []
    words: WordAct
    title_en: Annotated[Line, Field(max_length=200)] = ""
    title_zh: Annotated[Line, Field(max_length=200)] = ""
    tag: Annotated[Line, Field(max_length=24)] = ""
    owner: Ulid | Literal[""] = ""
    why: Annotated[Line, Field(max_length=500)] = ""

    @property
    def versions(self) -> dict[str, int]:
        seen = [one.partition(":") for one in self.version]
        return {lot: int(version) for lot, _, version in seen if version.isdecimal() and len(version) < 16}


class Heading(Said):
    """A new heading, or what one that stands is called from now on."""

    heading: Annotated[str, Field(max_length=16)] = ""
    name_en: Name
    name_zh: Name


class HeadingGone(OfBoard):
    heading: Annotated[str, Field(min_length=1, max_length=16)]
