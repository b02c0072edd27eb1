"""What a cashier may say about money."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from pavilion.kernel.errors import BadInput
from pavilion.settlement.forms import Line

Amount = Annotated[str, StringConstraints(strip_whitespace=True, max_length=30)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Number = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40, pattern=r"^[A-Za-z0-9-]*$")]
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _a_day(said: Any) -> Any:
    """A day is written as one; a number of seconds is none."""
    if isinstance(said, str) and _DAY.fullmatch(said.strip()) is None:
        raise ValueError("no day")
    return said.strip() if isinstance(said, str) else said


Day = Annotated[date, BeforeValidator(_a_day)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TransferForm(_Form):
    entity: Annotated[str, StringConstraints(max_length=3)]
    amount: Amount
    currency: Currency
    value_date: Day
    bank_reference: Line
    invoice: Number = ""
    deposit: Number = ""
    payer: Annotated[int, Field(ge=1, le=2**53)] | None = None

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> "TransferForm":
        """What the form said, or BadInput by field; what was left empty is not said."""
        try:
            return cls.model_validate({name: value for name, value in said.items() if value != ""})
        except ValidationError as error:
            faults = {str(one["loc"][0])[:40]: _CODES.get(str(one["loc"][0]), "missing") for one in error.errors()}
            raise BadInput(fields=faults) from None


_CODES = {"value_date": "value_date_wrong", "amount": "amount_invalid", "invoice": "invoice_unknown"}


class MatchForm(_Form):
    invoice: Number
    amount: Amount = ""


class ConversionForm(_Form):
    to: Currency
    rate: Annotated[str, StringConstraints(strip_whitespace=True, max_length=24)]
    rate_source: Annotated[str, StringConstraints(strip_whitespace=True, max_length=80, pattern=r"^[^\x00-\x1f]*$")]
    rate_on: Day
    invoice: Number = ""
    amount: Amount = ""


class ReasonForm(_Form):
    reason: Reason = ""


class RefundsForm(_Form):
    refund: Annotated[list[Annotated[str, StringConstraints(max_length=26)]], Field(max_length=100)] = []


class PaidForm(_Form):
    bank_reference: Line
