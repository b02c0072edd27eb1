"""What a buyer says of the way the goods go, and what the desk says of each step."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from pavilion.accounts.forms import Maybe
from pavilion.settlement.release_models import ReleaseMode

DOCUMENTS = ("passport", "id_card", "residence_permit", "driving_licence")
_WEIGHT = re.compile(r"([0-9]{1,4})(?:[.,]([0-9]{1,3}))?")


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def mct_of(typed: str) -> int | None:
    """`1.019`, `1,019` or `1.019 ct` in milli-carats; None for what is no weight. A scale shows three decimals."""
    found = _WEIGHT.fullmatch(typed.strip().lower().removesuffix("ct").strip())
    return None if found is None else int(found[1]) * 1000 + int((found[2] or "").ljust(3, "0"))


def _address(typed: str) -> str:
    lines = [" ".join(line.split()) for line in typed.splitlines()]
    if any(ord(sign) < 32 for line in lines for sign in line):
        raise ValueError("no such sign in an address")
    return "\n".join(line for line in lines if line)


Country = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")]
Stone = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{26}$")]
Address = Annotated[str, StringConstraints(max_length=500), AfterValidator(_address)]


class WishForm(_Form):
    mode: Literal[ReleaseMode.COLLECTION, ReleaseMode.CARRIER]
    destination: Country
    collector: Maybe = ""
    address: Address = ""

    def faults(self, known: list[str]) -> dict[str, str]:
        """What is missing for the chosen way, by field."""
        found = {} if self.destination in known else {"destination": "bad_input"}
        if self.mode == ReleaseMode.COLLECTION and not self.collector:
            found["collector"] = "release_collector_missing"
        if self.mode == ReleaseMode.CARRIER and not self.address:
            found["address"] = "release_address_missing"
        return found


class StoneForm(_Form):
    stone: Stone


class WeightForm(_Form):
    stone: Stone
    weight: Annotated[str, StringConstraints(max_length=20)]


class PackForm(_Form):
    carrier: Annotated[Maybe, StringConstraints(max_length=80)] = ""
    insured: Annotated[str, StringConstraints(strip_whitespace=True, max_length=30)] = ""


class GoForm(_Form):
    act: Literal["release", "hold_back", "received"]


class SentForm(_Form):
    airway_bill: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[^\x00-\x1f]+$")
    ]


class PassForm(_Form):
    token: Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)]
