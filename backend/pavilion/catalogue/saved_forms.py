"""What a person may say of a search that is to be kept."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pavilion.catalogue.saved_models import AlertKind, Cadence
from pavilion.catalogue.saving import DROP_PCT, Wishes

LONGEST_ASKED = 4000  # characters of an address before it is put into its one form


class WishesForm(BaseModel):
    """Each kind that is ticked is told; none is a search that only waits to be opened."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")
    ]
    cadence: Cadence
    kinds: Annotated[list[AlertKind], Field(max_length=len(AlertKind))] = []
    drop_pct: Annotated[int, Field(ge=1, le=90)] = DROP_PCT

    @property
    def wishes(self) -> Wishes:
        return Wishes(self.name, self.cadence, self.kinds, self.drop_pct)


class KeepForm(WishesForm):
    address: Annotated[str, StringConstraints(max_length=LONGEST_ASKED, pattern=r"^/stones(\?|$)")]
