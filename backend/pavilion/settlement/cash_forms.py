"""What a cashier may say about money."""

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from pavilion.kernel.errors import BadInput
from pavilion.kernel.money import CURRENCIES, parse_minor
from pavilion.settlement import wiring
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
Sender = Annotated[str, StringConstraints(strip_whitespace=True, max_length=140, pattern=r"^[^\x00-\x1f]*$")]
Account = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40, pattern=r"^[^\x00-\x1f]*$")]
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
    sender: Sender = ""
    sender_account: Account = ""

    @classmethod
    def read(cls, said: Mapping[str, Any], known: Collection[str], now: datetime) -> "TransferForm":
        """What the form said, or BadInput with all its fields that are wrong; what was left empty is not said. `known`:
        of the invoices it names, those that there are."""
        given = {name: value for name, value in said.items() if value.strip()}
        faults, form = {}, None
        try:
            form = cls.model_validate(given)
        except ValidationError as error:
            faults = {str(one["loc"][0])[:40]: _CODES.get(str(one["loc"][0]), "missing") for one in error.errors()}
        faults = cls._unread(given, known, now) | faults
        if form is None or faults:
            raise BadInput(fields=faults)
        return form

    @classmethod
    def _unread(cls, given: Mapping[str, str], known: Collection[str], now: datetime) -> dict[str, str]:
        faults = {}
        currency = given.get("currency", "")
        if currency in CURRENCIES and given.get("amount") and parse_minor(given["amount"], currency) is None:
            faults["amount"] = "amount_format"
        number = given.get("invoice", "").strip().upper()
        if number and number not in known:
            faults["invoice"] = "invoice_unknown"
        said = given.get("value_date", "").strip()
        if _DAY.fullmatch(said):
            try:
                right = wiring.value_date_right(date.fromisoformat(said), now)
            except ValueError:
                right = False
            if not right:
                faults["value_date"] = "value_date_wrong"
        if not any(given.get(name) for name in ("invoice", "deposit", "payer", "sender")):
            faults["sender"] = "sender_missing"
        return faults


_CODES = {
    "sender": "line_too_long",
    "sender_account": "line_too_long",
    "value_date": "value_date_wrong",
    "amount": "amount_invalid",
    "invoice": "invoice_unknown",
}


class MatchForm(_Form):
    invoice: Number
    amount: Amount = ""
    reason: Reason = ""


class ReturnForm(_Form):
    payee: Sender = ""
    payee_account: Account = ""


class ConversionForm(_Form):
    to: Currency
    rate: Annotated[str, StringConstraints(strip_whitespace=True, max_length=24)]
    rate_source: Annotated[str, StringConstraints(strip_whitespace=True, max_length=80, pattern=r"^[^\x00-\x1f]*$")]
    rate_on: Day
    invoice: Number = ""
    amount: Amount = ""


class ReasonForm(_Form):
    reason: Reason = ""


class SharesForm(ReasonForm):
    """How much of a payout is each selling entity's: `part` belongs to the `entity` at the same place."""

    entity: Annotated[list[Annotated[str, StringConstraints(max_length=3)]], Field(max_length=20)] = []
    part: Annotated[list[Amount], Field(max_length=20)] = []

    @property
    def said(self) -> dict[str, str]:
        return dict(zip(self.entity, self.part, strict=False))


class RefundsForm(_Form):
    refund: Annotated[list[Annotated[str, StringConstraints(max_length=26)]], Field(max_length=100)] = []


class PaidForm(_Form):
    bank_reference: Line
