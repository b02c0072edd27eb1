"""What a person may say of a company's shortlists, and of a link to chosen stones."""

import re
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pavilion.accounts.forms import FormName
from pavilion.webkit.html import with_query

ULID = r"^[0-9A-HJKMNP-TV-Z]{26}$"
LINE = r"^[^\x00-\x1f\x7f]*$"
TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$"  # lines and tabs, no other controls: a database may not keep them
MOST_NOTE = 2_000
MOST_STONES = 250
MOST_HOURS = 30 * 24

Id = Annotated[str, StringConstraints(pattern=ULID)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=LINE)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MOST_NOTE, pattern=TEXT)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120, pattern=LINE)]
Back = Annotated[str, StringConstraints(max_length=2_000)]
Unticked = Literal["", "compare", "share", "memo"]  # what was pressed on a list with no stone ticked
_LIST = re.compile(r"/shortlists/[0-9A-HJKMNP-TV-Z]{26}")


def unticked(back: str, act: Unticked) -> str:
    """The address of the list on which `act` was pressed with nothing ticked, where it is told; empty: of no list."""
    path, asked = urlsplit(back[:2_000]).path, dict(parse_qsl(urlsplit(back[:2_000]).query))
    if not act or _LIST.fullmatch(path) is None:
        return ""
    kept = {name: asked[name] for name in ("sort", "verdict", "state") if asked.get(name)}
    return with_query(path, **kept, none=act)


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NameForm(_Said):
    name: Name


class ListForm(NameForm):
    once: FormName = ""


class StarForm(_Said):
    """`back`: the page of ours on which it was pressed."""

    stone: Annotated[list[Id], Field(min_length=1, max_length=MOST_STONES)]
    act: Literal["add", "remove"] = "add"
    to: Id | Literal[""] = ""
    back: Back = ""


class WordsForm(_Said):
    verdict: Literal["", "A", "B", "C"] = ""
    maximum: Annotated[str, StringConstraints(strip_whitespace=True, max_length=30)] = ""
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"
    shared_note: Note = ""
    own_note: Note = ""


class ShareForm(_Said):
    """`stones`: public ids, parted by commas. `markup`: per cent, as typed."""

    stones: Annotated[str, StringConstraints(max_length=27 * MOST_STONES)] = ""
    title: Short = ""
    note: Short = ""
    hours: Annotated[int, Field(ge=1, le=MOST_HOURS)] = 48
    once: FormName = ""
    prices: Literal["yes", ""] = ""
    markup: Annotated[str, StringConstraints(strip_whitespace=True, max_length=8)] = ""
    supplier: Literal["yes", ""] = ""
