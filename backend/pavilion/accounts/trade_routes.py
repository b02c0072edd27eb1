"""The page on which staff agree on a company's terms of trade."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from pavilion.accounts import queries, trade_terms
from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.kernel.money import CURRENCIES, parse_minor
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["accounts"])

Registrar = Annotated[Actor, may(Permission.COMPANY_PROPOSE)]


class LimitForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[str, StringConstraints(strip_whitespace=True, max_length=30)] = ""
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class SilenceForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    silence: Literal["confirms", "refuses"]


@router.get("/staff/companies/{company}/trade")
async def show(request: Request, company: str, actor: Registrar, session: Reading) -> Response:
    return await _page(request, session, company)


@router.post("/staff/companies/{company}/trade/limit")
async def set_limit(
    request: Request, company: str, said: Annotated[LimitForm, Form()], actor: Registrar, session: Writing, now: Now
) -> Response:
    minor = parse_minor(said.limit, said.currency) if said.currency in CURRENCIES else None
    try:
        if minor is None:
            raise BadInput(fields={"limit": "amount_invalid"})
        waits = await trade_terms.set_limit(
            session, company=company, minor=minor, currency=said.currency, actor=actor, now=now
        )
    except BadInput as refused:
        return await _page(request, session, company, said, refused)
    done = "proposed" if waits else "saved"
    return RedirectResponse(f"/staff/companies/{company}/trade?done={done}", status_code=303)


@router.post("/staff/companies/{company}/trade/silence")
async def set_silence(
    company: str, said: Annotated[SilenceForm, Form()], actor: Registrar, session: Writing, now: Now
) -> Response:
    await trade_terms.set_silence(session, company=company, refuses=said.silence == "refuses", actor=actor, now=now)
    return RedirectResponse(f"/staff/companies/{company}/trade?done=saved", status_code=303)


async def _page(
    request: Request, session: Reading, company: str, said: LimitForm | None = None, refused: BadInput | None = None
) -> Response:
    row = await queries.company_by_public_id(session, company)
    if row is None:
        raise NotFound()
    return page(
        request,
        "accounts/trade.html",
        refused.status if refused else 200,
        company=row,
        currencies=[(code, code) for code in sorted(CURRENCIES)],
        said=said,
        faults=refused.fields if refused else {},
        done=request.query_params.get("done", ""),
    )
