"""What may be said about a table as a whole."""

from typing import Annotated

from pydantic import Field

from pavilion.provenance.house import MOST
from pavilion.provenance.law_forms import Reason, Said


class TableForm(Said):
    document: Annotated[str, Field(min_length=2, max_length=MOST)]
    reason: Reason
