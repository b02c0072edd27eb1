"""The reader's second currency, and the page where staff set the rates for it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import rates
from pavilion.auctions.rates_models import DisplayRates
from pavilion.kernel.errors import BadInput
from pavilion.kernel.money import CURRENCIES
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page, safe_back

router = APIRouter(tags=["rates"])
YEAR_S = 31_536_000
HISTORY = 20
StaffActor = Annotated[Actor, may(Permission.STAFF_SEE)]
OTHERS = tuple(sorted(CURRENCIES - {rates.BASE}))


@router.post("/display-currency")
async def choose(request: Request, to: Annotated[str, Form()] = "", back: Annotated[str, Form()] = "/") -> Response:
    """Amounts are shown in this currency too, in this browser; nothing else changes."""
    answer = RedirectResponse(safe_back(back), status_code=303)
    if to in CURRENCIES:
        secure = request.app.state.settings.secure
        answer.set_cookie(rates.COOKIE, to, max_age=YEAR_S, samesite="lax", httponly=True, secure=secure)
    else:
        answer.delete_cookie(rates.COOKIE)
    return answer


@router.get("/staff/rates")
async def rates_page(request: Request, actor: StaffActor, session: Reading, now: Now) -> Response:
    return await _page(request, session, actor, {"day": now.date().isoformat()}, {})


@router.post("/staff/rates")
async def propose(request: Request, actor: StaffActor, session: Writing, now: Now) -> Response:
    typed = {name: value[:200] for name, value in (await request.form()).items() if isinstance(value, str)}
    figures = {currency: typed.get(currency, "") for currency in OTHERS}
    try:
        await rates.propose(
            session, day=typed.get("day", ""), source=typed.get("source", ""), typed=figures, actor=actor, now=now
        )
    except BadInput as refused:
        return await _page(request, session, actor, typed, refused.fields, 422)
    return RedirectResponse("/staff/rates?done=proposed", status_code=303)


async def _page(
    request: Request, session: Reading, actor: Actor, typed: dict[str, str], faults: dict[str, str], status: int = 200
) -> Response:
    rows = (await session.scalars(select(DisplayRates).order_by(DisplayRates.id.desc()).limit(HISTORY))).all()
    return page(
        request,
        "auctions/rates.html",
        status,
        table=rows[0] if rows else None,
        rows=rows,
        others=OTHERS,
        typed=typed,
        faults=faults,
        text=rates.rate_text,
        proposes=actor.may(Permission.SALE_BUILD) or actor.may(Permission.SETTING_EDIT),
    )
