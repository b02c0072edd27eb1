"""How a route of the interface for programs declares what it answers: `responses=answers({201: HoldTold}, KeyReused)`.

What every route of its kind answers (a bad key, a missing right, a rate, a bad field) is added by the document itself.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from pavilion.kernel.errors import Refusal

CODES = "x-codes"  # of a refusal, until the document makes them a schema

# A class of refusal, which has one status and one code, or a status and the codes that come with it.
Reason = type[Refusal] | tuple[int, str] | tuple[int, frozenset[str]]
Declared = dict[int | str, dict[str, Any]]


class Told(BaseModel):
    """A part of an answer. The document holds its members to it, and tests hold every answer to the document."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


Absent = SkipJsonSchema[None]  # what a reader's program finds in place of a member that was left out


class Body(NamedTuple):
    """An answer that is no JSON of ours."""

    media: str
    about: str
    example: str


Ulid = Annotated[str, Field(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$", examples=["01KAR9T5M0Q8ZJ4W7X2C6V1B3N"])]
Instant = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
        description="RFC 3339, UTC, microseconds.",
        examples=["2026-11-22T14:30:00.000000Z"],
    ),
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.", examples=["USD"])]
Minor = Annotated[int, Field(description="Whole minor units of the currency beside it.", examples=[1_250_000])]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256, hexadecimal.", examples=["4f" * 32])]
Place = Annotated[str, Field(description="Pass it as `cursor` for the page that follows.", examples=["01KAR9T5M0Q8"])]


EXAMPLE = "01KAR9T5M0Q8ZJ4W7X2C6V1B3N"
KEPT_FOR_EVER = "A name of yours for this request. Sent again with the same body it is done once and answered again."
PublicId = Annotated[str, Path(description="Its id.", examples=[EXAMPLE])]
Limit = Query(ge=1, le=250, description="At most so many.", examples=[50])


class Amount(Told):
    """Money: whole minor units of a currency."""

    amount_minor: Minor
    currency: Currency


class InTongues(Told):
    """A text in both languages of the house."""

    en: Annotated[str, Field(examples=["Round brilliant, 1.27 ct"])]
    zh: Annotated[str, Field(examples=["圆形明亮式，1.27 克拉"])]


def leaves_out(*names: str) -> ConfigDict:
    """For `model_config` of a model some of whose members are there for some readers alone: `Now | Absent = None`."""

    def relax(schema: dict[str, Any]) -> None:
        schema["required"] = [name for name in schema["required"] if name not in names]
        for name in names:
            schema["properties"][name].pop("default")

    return ConfigDict(json_schema_extra=relax)


class OpenDocument(BaseModel):
    """A document in a form of its own, which says what it is in its first member."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Problem(Told):
    """RFC 9457, with a code of ours. `facts` says what the sentence of the code speaks of."""

    type: Annotated[str, Field(examples=["/glossary#not_found"])]
    title: Annotated[str, Field(examples=["Not Found"])]
    status: Annotated[int, Field(ge=400, le=599, examples=[404])]
    code: Annotated[str, Field(examples=["not_found"])]
    detail: Annotated[str, Field(description="In the language of Accept-Language, `en` or `zh`.", examples=["…"])]
    request_id: Annotated[str, Field(description="Name it when you ask us.", examples=["01KAR9T5M0Q8ZJ4W7X2C6V1B3N"])]
    facts: Annotated[dict[str, Any], Field(examples=[{}])]


def answers(told: Mapping[int, type[Told] | type[BaseModel] | Body | None], *refused: Reason) -> Declared:
    """For `responses=` of a route. A status without a body is None; with 304 the answer bears an ETag."""
    declared: Declared = {status: _said(status, body) for status, body in told.items()}
    for reason in refused:
        status, code = (reason.status, reason.code) if isinstance(reason, type) else reason
        codes = {code} if isinstance(code, str) else code
        before = declared.setdefault(status, {"description": HTTPStatus(status).phrase, CODES: []})
        before[CODES] = sorted({*before[CODES], *codes})
    return declared


def bodies(*media: str, about: str, example: str | dict[str, Any]) -> dict[str, Any]:
    """For `openapi_extra=` of a route that reads its body itself."""
    kind = "string" if isinstance(example, str) else "object"
    content = {one: {"schema": {"type": kind}, "example": example} for one in media}
    return {"requestBody": {"required": True, "description": about, "content": content}}


def parameter(name: str, about: str, example: Any, **schema: Any) -> dict[str, Any]:
    """One field of a query that the route reads itself."""
    return {
        "name": name, "in": "query", "required": False, "description": about, "example": example,
        "schema": {"type": "string", **schema},
    }  # fmt: skip


_ABOUT = {
    200: "As it stands.",
    201: "Done.",
    202: "Taken; it is under way.",
    303: "See there.",
    304: "Still the same as the ETag that was named.",
}


def _said(status: int, body: type[BaseModel] | Body | None) -> dict[str, Any]:
    if isinstance(body, Body):
        content = {body.media: {"schema": {"type": "string"}, "example": body.example}}
        return {"description": body.about, "content": content}
    return {"description": _ABOUT[status]} | ({} if body is None else {"model": body})
