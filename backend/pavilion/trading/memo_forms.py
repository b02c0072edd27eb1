"""What a buyer, an owner or the desk may say of a memo."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pavilion.provenance.custody_keeping import HEAVIEST_MCT
from pavilion.trading.forms import TEXT, Country, Id, Key, Seen
from pavilion.trading.memo_rules import DAYS, MOST_DAYS, MOST_EXTENSIONS, MOST_STONES

Typed = Annotated[str, StringConstraints(strip_whitespace=True, max_length=30)]
Named = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120, pattern=TEXT)]
Words = Annotated[str, StringConstraints(max_length=2_000, pattern=TEXT)]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MemoForm(_Said):
    """`seen`: the stone as the page showed it."""

    key: Key
    seen: Seen
    days: Annotated[int, Field(ge=0, le=999)] = DAYS
    destination: Country


class MemosForm(_Said):
    """`seen`: the latest change of any of the stones, as the page showed them. `ids`: one owner's or several's."""

    key: Key
    seen: Seen
    ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_STONES)]
    days: Annotated[int, Field(ge=0, le=999)] = DAYS
    destination: Country


class PurchaseForm(_Said):
    """The stones of a memo that the buyer keeps."""

    stone: Annotated[list[Id], Field(max_length=MOST_STONES)] = []


class ApprovalForm(_Said):
    """Empty: insured at the prices of the memo."""

    insured: Typed = ""


class ExtensionForm(_Said):
    """How many extensions there were on the page."""

    extensions: Annotated[int, Field(ge=0, le=MOST_EXTENSIONS)] = 0


class AcceptForm(_Said):
    stone: Id
    reason: Words = ""


class MemoJson(_Said):
    """Which stones an owner is asked for on memo, and for how long."""

    stones: Annotated[list[Id], Field(min_length=1, max_length=MOST_STONES, description="Of one owner.")]
    seen: Annotated[Seen, Field(description="Greatest `seq` among the stones, as they were read.", examples=[4711])]
    destination: Annotated[Country, Field(description="Country to which they go, ISO 3166.", examples=["BE"])]
    days: Annotated[
        int | None,
        Field(ge=1, le=MOST_DAYS, description="From the owner's yes on; left out: as is usual.", examples=[7]),
    ] = None


class PurchaseJson(_Said):
    """Stones of a memo that its buyer keeps, at the prices of the memo."""

    stones: Annotated[list[Id], Field(min_length=1, max_length=MOST_STONES, description="All or none is bought.")]


class ReturnJson(_Said):
    """One stone on the house's scale, and who brought it."""

    stone: Id
    weight_mct: Annotated[int, Field(ge=1, le=HEAVIEST_MCT, description="Milli-carats.", examples=[1270])]
    giver: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=TEXT),
        Field(description="Who brought it.", examples=["Wen Zhao"]),
    ]


_WEIGHT = re.compile(r"([0-9]{1,5})(?:[.,]([0-9]{1,3}))?")


def mct_of(typed: str) -> int:
    """`1.019`, `1,019` or `1.019 ct` in milli-carats; 0 for what is no weight. A scale shows three decimals."""
    found = _WEIGHT.fullmatch(typed.strip().lower().removesuffix("ct").strip())
    return 0 if found is None else int(found[1]) * 1000 + int((found[2] or "").ljust(3, "0"))
