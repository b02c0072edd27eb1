"""What programs are told of a passport, and of a report of what became of rough."""

from typing import Annotated

from pydantic import Field

from pavilion.provenance.outcome_models import FileState
from pavilion.webkit.answers import Sha256, Told, Ulid

Url = Annotated[str, Field(examples=["https://auctions.example/passports/01KAR9T5M0Q8ZJ4W7X2C6V1B3N/1"])]
At = Annotated[str, Field(description="RFC 3339.", examples=["2026-03-02T12:00:00+00:00"])]
Count = Annotated[int, Field(ge=0, description="Rows.", examples=[120])]


class VersionTold(Told):
    n: Annotated[int, Field(ge=1, examples=[1])]
    sha256: Sha256
    issued_at: At
    url: Url


class FormsTold(Told):
    """Where each form of the newest version is."""

    document: Url
    jwt: Url
    pdf: Url
    proof: Url
    bundle: Url


class PassportTold(Told):
    """The newest version of a stone's passport, and those before it."""

    stone: Ulid
    n: Annotated[int, Field(ge=1, examples=[1])]
    state: Annotated[str, Field(examples=["valid"])]
    sha256: Sha256
    facts_hash: Sha256
    verdict_sha256: Sha256
    issued_at: At
    versions: list[VersionTold]
    links: FormsTold


class OutcomeFileTold(Told):
    """How far a report is read."""

    id: Ulid
    state: FileState
    progress: Annotated[int, Field(ge=0, le=100, description="Percent.", examples=[100])]
    received: Count
    accepted: Count
    rows_wrong: Count
