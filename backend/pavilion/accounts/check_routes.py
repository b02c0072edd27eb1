"""The page of a company's checks: screening, owners, trade references."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pavilion.accounts import checks, queries
from pavilion.accounts.deps import may
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["accounts"])

Staff = Annotated[Actor, may(Permission.STAFF_SEE)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=160)]
Id = Annotated[str, Field(pattern=r"^[0-9A-Z]{26}$")]


class ReferenceForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    referee: Line = ""
    confirmed_by: Annotated[Line, Field(max_length=120)] = ""
    confirmed_on: Annotated[str, StringConstraints(pattern=r"^(\d{4}-\d\d-\d\d)?$")] = ""
    words: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] = ""

    @property
    def day(self) -> date | None:
        try:
            return date.fromisoformat(self.confirmed_on) if self.confirmed_on else None
        except ValueError as fault:
            raise BadInput(fields={"confirmed_on": "bad_input"}) from fault


@router.get("/staff/companies/{company}/checks")
async def show(request: Request, company: str, actor: Staff, session: Reading, now: Now) -> Response:
    return await _page(request, session, await _company(session, company, actor), now)


@router.post("/staff/companies/{company}/references")
async def add(
    request: Request, company: str, said: Annotated[ReferenceForm, Form()], actor: Staff, session: Writing, now: Now
) -> Response:
    row = await _company(session, company, actor)
    facts = {"referee": said.referee, "confirmed_by": said.confirmed_by, "words": said.words}
    try:
        await checks.add_reference(session, company=row, **facts, confirmed_on=said.day, actor=actor, now=now)
    except BadInput as refused:
        return await _page(request, session, row, now, said, refused)
    return RedirectResponse(f"/staff/companies/{company}/checks?done=saved", status_code=303)


@router.post("/staff/companies/{company}/references/{reference}/withdrawal")
async def withdraw(company: str, reference: str, actor: Staff, session: Writing, now: Now) -> Response:
    row = await _company(session, company, actor)
    await checks.withdraw_reference(session, company=row, reference=reference, actor=actor, now=now)
    return RedirectResponse(f"/staff/companies/{company}/checks?done=withdrawn", status_code=303)


async def _company(session: Reading, company: str, actor: Actor) -> Company:
    if not checks.may_see(actor):
        raise NotAllowed(right=Permission.COMPANY_PROPOSE.value)
    row = await queries.company_by_public_id(session, company)
    if row is None:
        raise NotFound()
    return row


async def _page(
    request: Request,
    session: Reading,
    company: Company,
    now: Now,
    said: ReferenceForm | None = None,
    refused: BadInput | None = None,
) -> Response:
    days = request.app.state.settings.screening_days
    return page(
        request,
        "accounts/checks.html",
        refused.status if refused else 200,
        company=company,
        checks=(await checks.of_companies(session, [company.id], now, days))[company.id],
        history=await checks.history(session, company.id),
        days=days,
        until=date.fromisoformat(company.verified_until) if company.verified_until else None,
        today=now.date().isoformat(),
        said=said or ReferenceForm(),
        faults=refused.fields if refused else {},
        done=request.query_params.get("done", ""),
    )
