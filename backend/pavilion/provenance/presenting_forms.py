"""What a holder may say: whom to show what, and under which name a stone is presented."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pavilion.kernel.errors import BadInput
from pavilion.provenance.countersigning import Words
from pavilion.provenance.passport_models import ReferenceKind
from pavilion.provenance.references import Paper

Text = Annotated[str, Field(max_length=1_000)]


class ShareForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    claims: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=20)] = []
    days: int = 7
    uses: int = 3
    note: Annotated[str, Field(max_length=500)] = ""


class ReferenceForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Annotated[str, Field(max_length=40)] = ReferenceKind.ORIGIN_REPORT.value
    issuer: Text = ""
    number: Text = ""
    scheme: Text = ""
    day: Annotated[str, Field(max_length=10)] = ""
    valid_to: Annotated[str, Field(max_length=10)] = ""
    stated_country: Annotated[str, Field(max_length=2)] = ""

    def paper(self) -> Paper:
        """What its kind asks for; the rest is left aside."""
        report = self.kind == ReferenceKind.ORIGIN_REPORT
        return Paper(
            kind=self.kind,
            issuer=self.issuer.strip(),
            number=self.number.strip(),
            scheme=None if report else self.scheme.strip() or None,
            day=self.day if report else None,
            valid_to=None if report else self.valid_to,
            stated_country=self.stated_country if report else None,
        )


class RevocationForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=2_000)]


class CountersignForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    display_name: Text = ""
    message_en: Text = ""
    message_zh: Text = ""
    jewel_kind: Annotated[str, Field(max_length=20)] = ""
    jewel_id: Text = ""

    @classmethod
    def read(cls, sent: Mapping[str, Any]) -> tuple["CountersignForm", BadInput | None]:
        """The form, and what is wrong with it if it cannot be read."""
        said = {name: value for name, value in sent.items() if name != "logo"}
        try:
            return cls.model_validate(said), None
        except ValidationError as fault:
            fields = {str(error["loc"][0]): "bad_input" for error in fault.errors() if error["loc"]}
            return cls(), BadInput(fields=fields)

    def words(self) -> Words:
        message = {"en": self.message_en.strip(), "zh": self.message_zh.strip()}
        jewel = {"kind": self.jewel_kind, "id": self.jewel_id.strip()} if self.jewel_kind else None
        return Words(self.display_name.strip(), {lang: text for lang, text in message.items() if text}, jewel)
